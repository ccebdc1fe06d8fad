/**
 * Plain strings that follow each other in a file and are in its buffer already: found first, then
 * stored, so that the processor waits for the memory of many keys at the same time
 * (keyspace/fetch-ahead.ts). Whatever is not that simple ends the batch: a long string, a key that
 * is an integer or compressed, or one of which more is said than an expiry.
 */
import { decompressLzf } from "../base/lzf.ts";
import type { KeyspaceContext } from "../keyspace/context.ts";
import type { Database } from "../keyspace/database.ts";
import { NO_EXPIRY } from "../keyspace/entry-store.ts";
import { FetchAhead, MAX_FETCHED } from "../keyspace/fetch-ahead.ts";
import { NULL_REF } from "../memory/arena.ts";
import { MAX_INTEGER_DIGITS } from "../values/string.ts";
import type { RdbInput } from "./rdb-input.ts";
import {
  ENCODED_STRING,
  LENGTH_14_BITS,
  LENGTH_6_BITS,
  OPCODE_EXPIRE_MS,
  RDB_STRING,
  STRING_INT16,
  STRING_INT32,
  STRING_INT8,
  STRING_LZF,
} from "./rdb-types.ts";

/** An expiry, a type and a key's length; and the longest beginning of a value. */
const KEY_HEADER_BYTES = 12;
const VALUE_HEADER_BYTES = 5;
const EXPIRY_BYTES = 9;
const SAFE_HIGH = 2 ** 21;
const WORD = 2 ** 32;
/** What a length of 14 bits can say. */
const MAX_INFLATED_BYTES = 1 << 14;
const COMPRESSED = (ENCODED_STRING << 6) | STRING_LZF;
const INTEGER = -1;
const NOT_PLAIN = -1;

export class StringBatch {
  /** Of those that were gathered: stored, and left out since they had expired. */
  stored = 0;
  expired = 0;
  private count = 0;
  private readonly keyStarts = new Int32Array(MAX_FETCHED);
  private readonly keyLengths = new Int32Array(MAX_FETCHED);
  private readonly valueStarts = new Int32Array(MAX_FETCHED);
  /** INTEGER: its value is in `integers`. */
  private readonly valueLengths = new Int32Array(MAX_FETCHED);
  /** 0: the value is not compressed. */
  private readonly compressedLengths = new Int32Array(MAX_FETCHED);
  private readonly integers = new Int32Array(MAX_FETCHED);
  private readonly expiries = new Float64Array(MAX_FETCHED);
  private readonly ends = new Int32Array(MAX_FETCHED);
  private readonly ahead = new FetchAhead();
  /** The input's bytes, and a view of them. */
  private bytes: Uint8Array = new Uint8Array(0);
  private view: DataView = viewOf(this.bytes);
  private readonly inflated = new Uint8Array(MAX_INFLATED_BYTES);
  private readonly inflatedView = viewOf(this.inflated);
  private readonly context: KeyspaceContext;

  constructor(context: KeyspaceContext) {
    this.context = context;
  }

  /** Finds the plain strings that come next; false where there is none. Consumes nothing. */
  gather({ bytes, at, end }: RdbInput): boolean {
    this.count = 0;
    let next = at;
    while (this.count < MAX_FETCHED) {
      next = this.parse(bytes, next, end);
      if (next === NOT_PLAIN) break;
      this.ends[this.count++] = next;
    }
    return this.count > 0;
  }

  /**
   * Stores what was gathered, up to the first key that is there already. Those that expired before
   * `visibleFromMs` are left out. False where nothing was consumed.
   */
  store(input: RdbInput, database: Database, visibleFromMs: number): boolean {
    const { ahead, context, count, keyStarts, keyLengths } = this;
    const { bytes, at } = input;
    this.look(bytes);
    for (let i = 0; i < count; i++) ahead.add(bytes, keyStarts[i], keyLengths[i]);
    ahead.touch(database);
    this.stored = this.expired = 0;
    for (let i = 0; i < count; i++) {
      const start = keyStarts[i];
      const length = keyLengths[i];
      const expiry = this.expiries[i];
      if (expiry !== NO_EXPIRY && expiry < visibleFromMs) {
        this.expired++;
        input.at = this.ends[i];
        continue;
      }
      context.hashedBytes = bytes;
      context.hashedStart = start;
      context.hashedLength = length;
      context.hashedAs = ahead.hashes[i];
      if (database.peek(bytes, start, length) !== NULL_REF) break;
      if (!this.storeOne(bytes, database, i)) break;
      this.stored++;
      input.at = this.ends[i];
    }
    // The buffer's bytes change.
    context.hashedBytes = null;
    return input.at > at;
  }

  private look(bytes: Uint8Array): void {
    if (this.bytes === bytes) return;
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }

  /** False where it is damaged. */
  private storeOne(bytes: Uint8Array, database: Database, i: number): boolean {
    const keyStart = this.keyStarts[i];
    const keyLength = this.keyLengths[i];
    const expiry = this.expiries[i];
    const length = this.valueLengths[i];
    if (length === INTEGER) {
      database.storeInteger(NULL_REF, bytes, keyStart, keyLength, this.integers[i], expiry);
      return true;
    }
    let value = bytes;
    let view = this.view;
    let start = this.valueStarts[i];
    const compressed = this.compressedLengths[i];
    if (compressed > 0) {
      if (!decompressLzf(bytes, start, compressed, this.inflated, 0, length)) return false;
      value = this.inflated;
      view = this.inflatedView;
      start = 0;
    }
    const isLoaded =
      length > MAX_INTEGER_DIGITS &&
      database.loadString(this.view, keyStart, keyLength, view, start, length, expiry);
    if (!isLoaded) {
      database.storeString(NULL_REF, bytes, keyStart, keyLength, value, start, length, expiry);
    }
    return true;
  }

  /** Notes the string whose record begins at `from`; returns the place behind it or NOT_PLAIN. */
  private parse(bytes: Uint8Array, from: number, end: number): number {
    const { count } = this;
    let at = from;
    if (at + KEY_HEADER_BYTES > end) return NOT_PLAIN;
    this.expiries[count] = NO_EXPIRY;
    if (bytes[at] === OPCODE_EXPIRE_MS) {
      const high = wordAt(bytes, at + 5);
      if (high >= SAFE_HIGH) return NOT_PLAIN;
      this.expiries[count] = high * WORD + wordAt(bytes, at + 1);
      at += EXPIRY_BYTES;
    }
    if (bytes[at++] !== RDB_STRING) return NOT_PLAIN;
    const keyKind = bytes[at] >>> 6;
    if (keyKind > LENGTH_14_BITS) return NOT_PLAIN;
    const keyLength = keyKind === LENGTH_6_BITS ? bytes[at] : lengthAt(bytes, at);
    at += 1 + keyKind;
    this.keyStarts[count] = at;
    this.keyLengths[count] = keyLength;
    at += keyLength;
    if (at + VALUE_HEADER_BYTES > end) return NOT_PLAIN;
    const valueKind = bytes[at] >>> 6;
    this.compressedLengths[count] = 0;
    if (bytes[at] === COMPRESSED) return this.parseCompressed(bytes, at + 1, end);
    if (valueKind === ENCODED_STRING) return this.parseInteger(bytes, at);
    if (valueKind > LENGTH_14_BITS) return NOT_PLAIN;
    const valueLength = valueKind === LENGTH_6_BITS ? bytes[at] : lengthAt(bytes, at);
    at += 1 + valueKind;
    this.valueStarts[count] = at;
    this.valueLengths[count] = valueLength;
    at += valueLength;
    return at <= end ? at : NOT_PLAIN;
  }

  private parseCompressed(bytes: Uint8Array, from: number, end: number): number {
    const { count } = this;
    const compressedKind = bytes[from] >>> 6;
    const compressed = compressedKind === LENGTH_6_BITS ? bytes[from] : lengthAt(bytes, from);
    const at = from + 1 + compressedKind;
    const kind = bytes[at] >>> 6;
    if (compressedKind > LENGTH_14_BITS || kind > LENGTH_14_BITS || compressed === 0) {
      return NOT_PLAIN;
    }
    this.compressedLengths[count] = compressed;
    this.valueLengths[count] = kind === LENGTH_6_BITS ? bytes[at] : lengthAt(bytes, at);
    this.valueStarts[count] = at + 1 + kind;
    const next = at + 1 + kind + compressed;
    return next <= end ? next : NOT_PLAIN;
  }

  private parseInteger(bytes: Uint8Array, at: number): number {
    const { count } = this;
    this.valueLengths[count] = INTEGER;
    const encoding = bytes[at] & 63;
    if (encoding === STRING_INT8) {
      this.integers[count] = (bytes[at + 1] << 24) >> 24;
      return at + 2;
    }
    if (encoding === STRING_INT16) {
      this.integers[count] = ((bytes[at + 1] | (bytes[at + 2] << 8)) << 16) >> 16;
      return at + 3;
    }
    if (encoding !== STRING_INT32) return NOT_PLAIN;
    this.integers[count] = wordAt(bytes, at + 1);
    return at + 5;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] & 63) << 8) | bytes[at + 1];
}

function wordAt(bytes: Uint8Array, at: number): number {
  const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  return word >>> 0;
}
