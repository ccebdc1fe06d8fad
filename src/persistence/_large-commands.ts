/**
 * Large values as commands, bit by bit (values/frozen.ts). Collections are written in batches;
 * a string is one SET, whose bytes go by the encoder's buffer.
 */
import type { LargeEncoding } from "../keyspace/snapshot.ts";
import type { ByteView } from "../memory/element.ts";
import type { RequestWriter } from "../protocol/request-writer.ts";
import type {
  FrozenHash,
  FrozenList,
  FrozenSet,
  FrozenSortedSet,
  FrozenStream,
  FrozenString,
} from "../values/frozen.ts";
import { NO_FIELD_EXPIRY } from "../values/hash.ts";
import { ListpackItems } from "../values/listpack-items.ts";
import { StreamCursor } from "../values/stream-cursor.ts";
import type { StreamId } from "../values/stream-id.ts";
import type { CommandEncoder } from "./command-encoder.ts";
import { type ByteRange, writeRange } from "./_arguments.ts";
import { ElementBatch } from "./_element-batch.ts";
import { writeStreamEntry } from "./_stream-commands.ts";

/** What one part of a large string's budget is. */
const STRING_PART_BYTES = 4096;

/** A key's own bytes, and the number its database had when the snapshot began. */
export interface LargeKey extends ByteRange {
  readonly database: number;
}

type FrozenCollection = FrozenHash | FrozenList | FrozenSet | FrozenSortedSet;

export class LargeCollection implements LargeEncoding {
  private readonly encoder: CommandEncoder;
  private readonly key: LargeKey;
  private readonly expiry: number | bigint | null;
  private readonly batch = new ElementBatch();
  private readonly walk: (budget: number) => boolean;

  constructor(
    encoder: CommandEncoder,
    key: LargeKey,
    expiry: number | bigint | null,
    value: FrozenCollection,
  ) {
    this.encoder = encoder;
    this.key = key;
    this.expiry = expiry;
    this.walk = this.walkOver(value);
  }

  step(budget: number): boolean {
    const { encoder, key, expiry } = this;
    encoder.select(key.database);
    const hasMore = this.walk(budget);
    this.takeBatch();
    if (!hasMore && expiry !== null) encoder.writeExpiry(key, expiry);
    return hasMore;
  }

  private walkOver(value: FrozenCollection): (budget: number) => boolean {
    if (value.kind === "list") return this.walkOverList(value);
    if (value.kind === "set") return this.walkOverSet(value);
    return value.kind === "hash" ? this.walkOverHash(value) : this.walkOverSortedSet(value);
  }

  private walkOverList(value: FrozenList): (budget: number) => boolean {
    this.batch.open("RPUSH", this.key);
    const items = new ListpackItems();
    const visit = (bytes: Uint8Array, start: number, _length: number, count: number): void => {
      items.open(bytes, start, count);
      while (items.next()) {
        this.batch.add(items.item);
        if (this.batch.isFull) this.takeBatch();
      }
    };
    return (budget) => value.walk(budget, visit);
  }

  private walkOverSet(value: FrozenSet): (budget: number) => boolean {
    this.batch.open("SADD", this.key);
    const visit = (member: ByteView): void => {
      this.batch.add(member);
      if (this.batch.isFull) this.takeBatch();
    };
    return (budget) => value.walk(budget, visit);
  }

  private walkOverHash(value: FrozenHash): (budget: number) => boolean {
    this.batch.open("HMSET", this.key);
    const visit = (field: ByteView, content: ByteView, expiryMs: number): void => {
      this.batch.addPair(field, content);
      if (expiryMs !== NO_FIELD_EXPIRY) this.batch.expire(field, expiryMs);
      if (this.batch.isFull) this.takeBatch();
    };
    return (budget) => value.walk(budget, visit);
  }

  private walkOverSortedSet(value: FrozenSortedSet): (budget: number) => boolean {
    this.batch.open("ZADD", this.key);
    const visit = (member: ByteView, score: number): void => {
      this.batch.addScored(member, score);
      if (this.batch.isFull) this.takeBatch();
    };
    return (budget) => value.walk(budget, visit);
  }

  private takeBatch(): void {
    this.batch.take(this.encoder.out);
    this.encoder.flushIfLarge();
  }
}

export class LargeStream implements LargeEncoding {
  private readonly encoder: CommandEncoder;
  private readonly key: LargeKey;
  private readonly expiry: number | bigint | null;
  private readonly value: FrozenStream;
  private readonly rest: RequestWriter;
  private readonly cursor = new StreamCursor();

  /** `rest`: the commands that follow the entries. */
  constructor(
    encoder: CommandEncoder,
    key: LargeKey,
    expiry: number | bigint | null,
    value: FrozenStream,
    rest: RequestWriter,
  ) {
    this.encoder = encoder;
    this.key = key;
    this.expiry = expiry;
    this.value = value;
    this.rest = rest;
  }

  step(budget: number): boolean {
    const { encoder, key, rest, expiry } = this;
    encoder.select(key.database);
    if (this.value.walk(budget, this.visit)) return true;
    encoder.out.raw(rest.bytes, 0, rest.length);
    if (expiry !== null) encoder.writeExpiry(key, expiry);
    encoder.flushIfLarge();
    return false;
  }

  private readonly visit = (id: StreamId, bytes: Uint8Array, start: number): void => {
    const { cursor, encoder } = this;
    cursor.seekInNode(bytes, start, id);
    while (cursor.next()) writeStreamEntry(encoder.out, this.key, cursor);
    encoder.flushIfLarge();
  };
}

export class LargeString implements LargeEncoding {
  private readonly encoder: CommandEncoder;
  private readonly key: LargeKey;
  private readonly expiry: number | bigint | null;
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(
    encoder: CommandEncoder,
    key: LargeKey,
    expiry: number | bigint | null,
    value: FrozenString,
  ) {
    this.encoder = encoder;
    this.key = key;
    this.expiry = expiry;
    this.bytes = value.bytes;
  }

  step(budget: number): boolean {
    const { encoder, bytes } = this;
    if (this.at === 0) this.begin();
    const length = Math.min(budget * STRING_PART_BYTES, bytes.length - this.at);
    encoder.pass(bytes, this.at, length);
    this.at += length;
    if (this.at < bytes.length) return true;
    this.end();
    return false;
  }

  private begin(): void {
    const { encoder, key } = this;
    const { out } = encoder;
    encoder.select(key.database);
    out.begin(3);
    out.word("SET");
    writeRange(out, key);
    out.beginArgument(this.bytes.length);
    encoder.hold();
  }

  private end(): void {
    const { encoder, key, expiry } = this;
    encoder.pass(LINE_END, 0, LINE_END.length);
    encoder.release();
    if (expiry === null) return;
    encoder.select(key.database);
    encoder.writeExpiry(key, expiry);
  }
}

const LINE_END = new Uint8Array([13, 10]);
