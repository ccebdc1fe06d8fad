/**
 * Gives a snapshot the form of an RDB file:
 *
 *     magic and version, aux fields, function libraries
 *     database number, [sizes]       whenever another database's entry follows
 *     [expiry] [idle or frequency] type key value
 *     EOF, checksum
 *
 * An entry with a large value is written in steps, and nothing else may come in between: while one
 * is open, other entries go to a second output, which is appended when it is done. Their memory is
 * that of what changes meanwhile.
 *
 * Function libraries are as they were loaded: strings of source code, behind OPCODE_FUNCTION2.
 */
import { assert } from "../base/assert.ts";
import { bytesOf } from "../base/bytes.ts";
import type { AccessClock } from "../keyspace/access.ts";
import type { KeyspaceContext } from "../keyspace/context.ts";
import { KeyView } from "../keyspace/entries.ts";
import type { LargeEncoding, SnapshotEncoder } from "../keyspace/snapshot.ts";
import { SLAB_SHIFT, UNIT_MASK } from "../memory/arena.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { clockOf, flagsIn, HAS_EXPIRY, headerOf } from "../memory/entry.ts";
import type { FrozenValue } from "../values/frozen.ts";
import { HeldOutput } from "./_held-output.ts";
import { LargeEncoder, type LargeTarget } from "./_large-encoder.ts";
import { RdbOutput, type RdbSink } from "./rdb-output.ts";
import {
  OPCODE_AUX,
  OPCODE_EOF,
  OPCODE_EXPIRE_MS,
  OPCODE_FREQ,
  OPCODE_FUNCTION2,
  OPCODE_IDLE,
  OPCODE_RESIZE_DB,
  OPCODE_SELECT_DB,
} from "./rdb-types.ts";
import type { RdbVersion } from "./rdb-version.ts";
import { ValueEncoder } from "./value-encoder.ts";

export interface RdbOptions {
  /** What `fileVersion` (rdb-version.ts) says. */
  readonly version: RdbVersion;
  readonly compresses: boolean;
  readonly checksums: boolean;
  /** Names and values, which stand in front of all keys. */
  readonly aux: readonly (readonly [name: string, value: string])[];
  /** What is kept of the access clock: with `maxmemory-policy` LRU or LFU. */
  readonly writesIdle: "none" | "lru" | "lfu";
  /** Source code of function libraries. */
  readonly libraries: readonly Uint8Array[];
  /** Keys of a database, and how many of them have an expiry: a hint to whoever loads. */
  readonly sizes?: (database: number) => readonly [keys: number, expiring: number];
}

const NO_DATABASE = -1;
const EXPIRY_WORD = 2;

export class RdbEncoder implements SnapshotEncoder, LargeTarget {
  readonly output: RdbOutput;
  private readonly values: ValueEncoder;
  private readonly access: AccessClock;
  private readonly options: RdbOptions;
  private readonly key = new KeyView();
  /** The database that a reader of what was written so far is at. */
  private database = NO_DATABASE;
  private readonly sized = new Set<number>();
  /** Where entries go while a large one is open, and the database there. */
  private held: HeldOutput | null = null;
  /** Takes the heads and tails of large entries. */
  private capture: HeldOutput | null = null;
  private heldDatabase = NO_DATABASE;
  private isLargeOpen = false;

  /** What is written goes to `write`, which must have done with it when it returns. */
  constructor(context: KeyspaceContext, write: RdbSink, options: RdbOptions) {
    this.output = new RdbOutput(write, options);
    this.values = new ValueEncoder(context, options.version, this.output);
    this.access = context.access;
    this.options = options;
  }

  begin(): void {
    const { output, options } = this;
    const magic = bytesOf(`REDIS${String(options.version).padStart(4, "0")}`);
    output.bytes(magic, 0, magic.length);
    for (const [name, value] of options.aux) {
      output.byte(OPCODE_AUX);
      writeText(output, name);
      writeText(output, value);
    }
    for (const library of options.libraries) {
      output.byte(OPCODE_FUNCTION2);
      output.string(library, 0, library.length);
    }
  }

  entry(database: number, arena: Arena, ref: Ref): void {
    const output = this.outputAt(database);
    const type = this.values.open(arena, ref);
    this.writeHead(output, arena, ref, type);
    this.values.write(output, arena, ref, type);
  }

  large(database: number, arena: Arena, ref: Ref, value: FrozenValue): LargeEncoding {
    this.capture ??= new HeldOutput(this.options.compresses);
    const { capture } = this;
    const head = capture.output;
    const type = this.values.open(arena, ref);
    this.writeHead(head, arena, ref, type);
    writePartCount(head, value);
    const bytes = capture.take();
    if (value.kind === "stream") this.values.writeStreamTail(head);
    return new LargeEncoder(this, database, bytes, value, capture.take());
  }

  beginLarge(database: number): void {
    assert(!this.isLargeOpen, "one large value is written at a time");
    this.outputAt(database);
    this.isLargeOpen = true;
    this.heldDatabase = NO_DATABASE;
    this.held ??= new HeldOutput(this.options.compresses);
  }

  endLarge(bytes: number): boolean {
    if (this.held?.giveTo(this.output, bytes) === true) return true;
    this.isLargeOpen = false;
    if (this.heldDatabase !== NO_DATABASE) this.database = this.heldDatabase;
    return false;
  }

  end(): void {
    assert(!this.isLargeOpen, "a large value is written to its end");
    this.output.byte(OPCODE_EOF);
    this.output.checksum();
  }

  /** Bytes that wait until the large value that is open is done. */
  get heldBytes(): number {
    return this.held === null ? 0 : this.held.sizeBytes;
  }

  /** Where an entry is to be written now, with its database selected. */
  private outputAt(database: number): RdbOutput {
    const { held } = this;
    if (this.isLargeOpen && held !== null) {
      if (this.heldDatabase !== database) {
        this.heldDatabase = database;
        this.select(held.output, database);
      }
      return held.output;
    }
    if (this.database !== database) {
      this.database = database;
      this.select(this.output, database);
    }
    return this.output;
  }

  private select(output: RdbOutput, database: number): void {
    output.byte(OPCODE_SELECT_DB);
    output.length(database);
    const { sizes } = this.options;
    if (sizes === undefined || this.sized.has(database)) return;
    this.sized.add(database);
    const [keys, expiring] = sizes(database);
    output.byte(OPCODE_RESIZE_DB);
    output.length(keys);
    output.length(expiring);
  }

  /** All of an entry up to its value. */
  private writeHead(output: RdbOutput, arena: Arena, ref: Ref, type: number): void {
    if ((flagsIn(headerOf(arena, ref)) & HAS_EXPIRY) !== 0) {
      const words = arena.words[ref >>> SLAB_SHIFT];
      const at = ((ref & UNIT_MASK) << 2) + EXPIRY_WORD;
      output.byte(OPCODE_EXPIRE_MS);
      output.int64(words[at + 1], words[at]);
    }
    const { writesIdle } = this.options;
    if (writesIdle === "lru") {
      output.byte(OPCODE_IDLE);
      output.length(this.access.idleSeconds(clockOf(arena, ref)));
    } else if (writesIdle === "lfu") {
      output.byte(OPCODE_FREQ);
      output.byte(this.access.frequency(clockOf(arena, ref)));
    }
    output.byte(type);
    const { key } = this;
    key.read(arena, ref);
    output.key(key.bytes, key.start, key.length);
  }
}

/** What stands between a key and the parts of its value. */
function writePartCount(output: RdbOutput, value: FrozenValue): void {
  switch (value.kind) {
    case "string":
      output.length(value.bytes.length);
      return;
    case "list":
      output.length(value.chunkCount);
      return;
    case "stream":
      output.length(value.nodeCount);
      return;
    case "hash":
      if (value.firstExpiryMs !== Infinity) output.milliseconds(value.firstExpiryMs);
      output.length(value.size);
      return;
    default:
      output.length(value.size);
  }
}

function writeText(output: RdbOutput, text: string): void {
  output.string(bytesOf(text), 0, text.length);
}
