/**
 * The content of all databases as commands, for a base file that is no RDB: SET key value [PXAT
 * ms], collections in batches (_element-batch.ts), streams (_stream-commands.ts), and PEXPIREAT
 * behind all that makes a key; SELECT where the database changes. Keys that have expired are
 * written, too: loading keeps them, and their removal is reported elsewhere.
 *
 * Invariant: what is written ends with a whole command whenever `entry`, `large` or a step returns,
 * except while the steps of a large string last. Then the SET is open and goes to the file piece by
 * piece, and what other keys need waits in the buffer until it is whole.
 */
import { bytesOf } from "../base/bytes.ts";
import type { KeyspaceContext } from "../keyspace/context.ts";
import { KeyView } from "../keyspace/entries.ts";
import type { LargeEncoding, SnapshotEncoder } from "../keyspace/snapshot.ts";
import { ValueReader } from "../keyspace/value-reader.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import {
  flagsIn,
  HAS_EXPIRY,
  headerOf,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
  typeOf,
  wholeExpiryOf,
} from "../memory/entry.ts";
import { RequestWriter } from "../protocol/request-writer.ts";
import type { FrozenValue } from "../values/frozen.ts";
import { NO_FIELD_EXPIRY } from "../values/hash.ts";
import { StreamCursor } from "../values/stream-cursor.ts";
import { StreamId } from "../values/stream-id.ts";
import { StringView } from "../values/string.ts";
import { type ByteRange, writeRange } from "./_arguments.ts";
import { ElementBatch } from "./_element-batch.ts";
import { LargeCollection, LargeStream, LargeString } from "./_large-commands.ts";
import type { LargeKey } from "./_large-commands.ts";
import type { SnapshotWrite } from "./snapshot-run.ts";
import { writeStreamEntry, writeStreamRest } from "./_stream-commands.ts";

/** The buffer is handed on when it has come to this. */
const WRITE_AT_BYTES = 65536;
const NO_DATABASE = -1;
const FIRST_ID = new StreamId();
const LAST_ID = new StreamId().setLast();

export class CommandEncoder implements SnapshotEncoder {
  /** Whole commands that have not been handed on. */
  readonly out = new RequestWriter();
  private readonly write: SnapshotWrite;
  private readonly notedSeconds: number | null;
  private readonly reader: ValueReader;
  private readonly key = new KeyView();
  private readonly string = new StringView();
  private readonly batch = new ElementBatch();
  private readonly cursor = new StreamCursor();
  private database = NO_DATABASE;
  /** The SET of a large string is open in the file. */
  private isHeld = false;

  /** `notedSeconds`: the time to be noted in front of everything, or null. */
  constructor(context: KeyspaceContext, write: SnapshotWrite, notedSeconds: number | null) {
    this.write = write;
    this.notedSeconds = notedSeconds;
    this.reader = new ValueReader(context);
  }

  begin(): void {
    if (this.notedSeconds === null) return;
    const note = bytesOf(`#TS:${this.notedSeconds}\r\n`);
    this.out.raw(note, 0, note.length);
  }

  end(): void {
    this.flush();
  }

  entry(database: number, arena: Arena, ref: Ref): void {
    this.select(database);
    this.key.read(arena, ref);
    if (typeOf(arena, ref) === TYPE_STRING) {
      this.writeString(arena, ref);
    } else {
      this.writeCollection(arena, ref);
      const expiry = expiryIn(arena, ref);
      if (expiry !== null) this.writeExpiry(this.key, expiry);
    }
    this.flushIfLarge();
  }

  large(database: number, arena: Arena, ref: Ref, value: FrozenValue): LargeEncoding {
    this.key.read(arena, ref);
    const bytes = this.key.bytes.slice(this.key.start, this.key.start + this.key.length);
    const key: LargeKey = { bytes, start: 0, length: bytes.length, database };
    const expiry = expiryIn(arena, ref);
    if (value.kind === "string") return new LargeString(this, key, expiry, value);
    if (value.kind !== "stream") return new LargeCollection(this, key, expiry, value);
    const rest = new RequestWriter();
    this.reader.open(arena, ref);
    writeStreamRest(rest, key, this.reader.stream.stream);
    return new LargeStream(this, key, expiry, value, rest);
  }

  /** What follows in the buffer belongs to this database. */
  select(database: number): void {
    if (database === this.database) return;
    this.database = database;
    this.out.begin(2);
    this.out.word("SELECT");
    this.out.integer(database);
  }

  writeExpiry(key: ByteRange, ms: number | bigint): void {
    const { out } = this;
    out.begin(3);
    out.word("PEXPIREAT");
    writeRange(out, key);
    out.integer(ms);
  }

  flushIfLarge(): void {
    if (this.out.length >= WRITE_AT_BYTES && !this.isHeld) this.flush();
  }

  /** What is in the buffer begins a command that `pass` goes on with, until `release`. */
  hold(): void {
    this.flush();
    this.isHeld = true;
  }

  pass(bytes: Uint8Array, start: number, length: number): void {
    this.write(bytes, start, length);
  }

  release(): void {
    this.isHeld = false;
    this.flushIfLarge();
  }

  private flush(): void {
    if (this.out.length === 0) return;
    this.write(this.out.bytes, 0, this.out.length);
    this.out.clear();
  }

  private writeString(arena: Arena, ref: Ref): void {
    const { out, key, string } = this;
    const expiry = expiryIn(arena, ref);
    out.begin(expiry === null ? 3 : 5);
    out.word("SET");
    writeRange(out, key);
    string.read(arena, ref);
    writeRange(out, string);
    if (expiry === null) return;
    out.word("PXAT");
    out.integer(expiry);
  }

  private writeCollection(arena: Arena, ref: Ref): void {
    const type = this.reader.open(arena, ref);
    if (type === TYPE_STREAM) this.writeStream();
    else if (type === TYPE_LIST) this.writeList();
    else if (type === TYPE_SET) this.writeSet();
    else if (type === TYPE_HASH) this.writeHash();
    else this.writeSortedSet();
  }

  private writeList(): void {
    const { list } = this.reader;
    this.batch.open("RPUSH", this.key);
    list.seekEnd(true);
    do {
      list.read();
      this.batch.add(list.item);
      if (this.batch.isFull) this.takeBatch();
    } while (list.next());
    this.takeBatch();
  }

  private writeSet(): void {
    const { set } = this.reader;
    this.batch.open("SADD", this.key);
    set.rewind();
    while (set.next()) {
      this.batch.add(set.member);
      if (this.batch.isFull) this.takeBatch();
    }
    this.takeBatch();
  }

  private writeHash(): void {
    const { hash } = this.reader;
    this.batch.open("HMSET", this.key);
    hash.rewind();
    while (hash.next()) {
      this.batch.addPair(hash.field, hash.value);
      const expiryMs = hash.fieldExpiryMs;
      if (expiryMs !== NO_FIELD_EXPIRY) this.batch.expire(hash.field, expiryMs);
      if (this.batch.isFull) this.takeBatch();
    }
    this.takeBatch();
  }

  private writeSortedSet(): void {
    const { sortedSet } = this.reader;
    this.batch.open("ZADD", this.key);
    sortedSet.rewind();
    while (sortedSet.next()) {
      this.batch.addScored(sortedSet.member, sortedSet.score);
      if (this.batch.isFull) this.takeBatch();
    }
    this.takeBatch();
  }

  private writeStream(): void {
    const { cursor, key, out } = this;
    const { stream } = this.reader.stream;
    cursor.seek(stream, FIRST_ID, LAST_ID, false);
    while (cursor.next()) writeStreamEntry(out, key, cursor);
    writeStreamRest(out, key, stream);
  }

  private takeBatch(): void {
    this.batch.take(this.out);
    this.flushIfLarge();
  }
}

function expiryIn(arena: Arena, ref: Ref): number | bigint | null {
  const expires = (flagsIn(headerOf(arena, ref)) & HAS_EXPIRY) !== 0;
  return expires ? wholeExpiryOf(arena, ref) : null;
}
