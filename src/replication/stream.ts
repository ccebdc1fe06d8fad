/**
 * The stream of commands that a primary sends to its replicas, and how much of it is kept.
 *
 * There is one copy of it, in a chain of blocks: the backlog is its last `repl-backlog-size` bytes,
 * and each replica reads on from where it is. A block goes when it is older than the backlog and
 * nobody has still to read it. `offset` counts bytes from the beginning of the stream's history, so
 * the byte that comes next has what Redis calls the offset `offset + 1`.
 *
 * What this server executes comes in as effects (`append`); what its own primary sent, byte by byte
 * as it came (`pass`). Requests that follow each other in one chunk are copied together by
 * `settle`, which is to be called before anything is read, and before the turn of the event loop
 * ends.
 */
import { bytesOf, copyBytes } from "../base/bytes.ts";
import { secretHex } from "../base/random.ts";
import type { EffectSink } from "../engine/effects.ts";
import type { StreamPosition } from "../engine/replication.ts";
import { selectCommand } from "../protocol/select-command.ts";

export const NO_ID = "0".repeat(40);
const NO_DATABASE = -1;
/** A backlog consists of so many blocks, as far as their size allows. */
const BLOCKS = 16;
const MIN_BLOCK_BYTES = 1024;
const MAX_BLOCK_BYTES = 1 << 20;
/** Requests up to this size wait to be copied together. */
const MERGED_REQUEST_BYTES = 4096;
const MAX_MERGED_BYTES = 1 << 20;
const MAX_SPARES = 4;
const PING = bytesOf("*1\r\n$4\r\nPING\r\n");
const GET_ACK = bytesOf("*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n");

export interface Block {
  readonly bytes: Uint8Array;
  /** Offset of its first byte, counted from 0. */
  start: number;
  length: number;
  next: Block | null;
}

/** Somebody who reads the stream; what it has still to read is kept. */
export interface Reader {
  /** Offset of the byte that it reads next, counted from 0. */
  position: number;
}

export class ReplicationStream implements EffectSink {
  readonly takesMessages = true;
  id: string;
  /** The history that this one continues, up to `secondOffset` (in Redis's counting). */
  secondId = NO_ID;
  secondOffset = -1;
  /** Bytes kept, in blocks. */
  keptBytes = 0;
  private written = 0;
  private backlogBytes: number;
  private database = NO_DATABASE;
  private first: Block | null = null;
  private last: Block | null = null;
  private readonly readers = new Set<Reader>();
  private readonly spares: Uint8Array[] = [];
  private source: Uint8Array | null = null;
  private sourceStart = 0;
  private sourceEnd = 0;

  constructor(id: string, backlogBytes: number) {
    this.id = id;
    this.backlogBytes = backlogBytes;
  }

  /** Bytes of the history so far. */
  get offset(): number {
    return this.source === null ? this.written : this.written + this.sourceEnd - this.sourceStart;
  }

  /** Whether anything is kept (there is a backlog). */
  get isOpen(): boolean {
    return this.first !== null;
  }

  /** Offset of the first byte that is kept, in Redis's counting; 0: there is no backlog. */
  get firstOffset(): number {
    return this.first === null ? 0 : this.first.start + 1;
  }

  /** Bytes that can be read again. */
  get historyBytes(): number {
    return this.first === null ? 0 : this.offset - this.first.start;
  }

  get backlogSize(): number {
    return this.backlogBytes;
  }

  /** Bytes that are kept only because a replica has not read them. */
  get laggingBytes(): number {
    return Math.max(0, this.historyBytes - this.backlogBytes);
  }

  get position(): StreamPosition {
    return { id: this.id, offset: this.offset, database: this.database };
  }

  /** Whether there is something that has not been copied to the blocks. */
  get isPending(): boolean {
    return this.source !== null;
  }

  /** From now on everything is kept. */
  open(): void {
    if (this.first === null) this.first = this.last = this.newBlock();
  }

  /** Forgets what was kept: nobody can go on from there. */
  close(): void {
    this.settle();
    this.first = this.last = null;
    this.keptBytes = 0;
    this.spares.length = 0;
  }

  /** Begins another history: one that a primary has told of, or that a file ends with. */
  adopt({ id, offset, database }: StreamPosition): void {
    this.settle();
    const wasOpen = this.isOpen;
    this.close();
    this.id = id;
    this.secondId = NO_ID;
    this.secondOffset = -1;
    this.written = offset;
    this.database = database;
    if (wasOpen) this.open();
  }

  /** What has been written so far continues a history of so many bytes. */
  rebase(offset: number): void {
    this.settle();
    this.written += offset;
    for (let block = this.first; block !== null; block = block.next) block.start += offset;
  }

  /** A new id: what was is not continued by anybody. */
  renew(): void {
    this.id = secretHex(40);
    this.secondId = NO_ID;
    this.secondOffset = -1;
  }

  /** The history goes on under another id, which the primary has told of. */
  rename(id: string): void {
    this.secondId = this.id;
    this.secondOffset = this.offset + 1;
    this.id = id;
  }

  /** A new id for what follows; those who have followed so far may go on. */
  branch(): void {
    this.secondId = this.id;
    this.secondOffset = this.offset + 1;
    this.id = secretHex(40);
    this.database = NO_DATABASE;
  }

  resize(backlogBytes: number): void {
    this.backlogBytes = backlogBytes;
    this.spares.length = 0;
    this.trim();
  }

  addReader(reader: Reader): void {
    this.readers.add(reader);
  }

  removeReader(reader: Reader): void {
    this.readers.delete(reader);
    this.trim();
  }

  /** What follows is to say its database. */
  forgetDatabase(): void {
    this.database = NO_DATABASE;
  }

  append(database: number, bytes: Uint8Array, start: number, length: number): void {
    this.select(database);
    this.settle();
    this.write(bytes, start, length);
  }

  appendRequest(database: number, bytes: Uint8Array, start: number, length: number): void {
    if (bytes === this.source && start === this.sourceEnd && database === this.database) {
      this.sourceEnd = start + length;
      if (this.sourceEnd - this.sourceStart > MAX_MERGED_BYTES) this.settle();
      return;
    }
    if (length > MERGED_REQUEST_BYTES) {
      this.append(database, bytes, start, length);
      return;
    }
    this.select(database);
    this.settle();
    this.source = bytes;
    this.sourceStart = start;
    this.sourceEnd = start + length;
  }

  /** Part of the primary's stream, as it came; `database` is the one selected behind it. */
  pass(bytes: Uint8Array, start: number, length: number, database: number): void {
    this.settle();
    this.database = database;
    this.write(bytes, start, length);
  }

  ping(): void {
    this.settle();
    this.write(PING, 0, PING.length);
  }

  /** Asks replicas how far they are. */
  requestAcknowledgements(): void {
    this.settle();
    this.write(GET_ACK, 0, GET_ACK.length);
  }

  /** Copies to the blocks what has not been yet. */
  settle(): void {
    const { source } = this;
    if (source === null) return;
    this.source = null;
    this.write(source, this.sourceStart, this.sourceEnd - this.sourceStart);
  }

  /** The block that holds the byte at this position, or will; null where it is not kept. */
  blockAt(position: number): Block | null {
    let block = this.first;
    if (block === null || position < block.start) return null;
    while (block.next !== null && position >= block.start + block.length) block = block.next;
    return block;
  }

  /** Drops blocks that nobody needs any more. */
  trim(): void {
    let lowest = this.written - this.backlogBytes;
    for (const { position } of this.readers) if (position < lowest) lowest = position;
    for (;;) {
      const block = this.first;
      if (block === null || block.next === null || block.next.start > lowest) return;
      this.first = block.next;
      this.keptBytes -= block.bytes.length;
      if (block.bytes.length === this.blockBytes && this.spares.length < MAX_SPARES) {
        this.spares.push(block.bytes);
      }
    }
  }

  private select(database: number): void {
    if (database === this.database) return;
    this.settle();
    this.database = database;
    const command = selectCommand(database);
    this.write(command, 0, command.length);
  }

  private write(bytes: Uint8Array, start: number, length: number): void {
    if (this.last === null) {
      // Without a backlog only the offset moves.
      this.written += length;
      return;
    }
    let from = start;
    const end = start + length;
    while (from < end) {
      let block: Block = this.last;
      if (block.length === block.bytes.length) block = this.addBlock(block);
      const taken = Math.min(end - from, block.bytes.length - block.length);
      copyBytes(block.bytes, block.length, bytes, from, taken);
      block.length += taken;
      this.written += taken;
      from += taken;
    }
  }

  private addBlock(last: Block): Block {
    const block = this.newBlock();
    last.next = this.last = block;
    this.trim();
    return block;
  }

  private newBlock(): Block {
    const bytes = this.spares.pop() ?? new Uint8Array(this.blockBytes);
    this.keptBytes += bytes.length;
    return { bytes, start: this.written, length: 0, next: null };
  }

  private get blockBytes(): number {
    const part = Math.ceil(this.backlogBytes / BLOCKS);
    return Math.min(Math.max(part, MIN_BLOCK_BYTES), MAX_BLOCK_BYTES);
  }
}
