/**
 * Plain strings that follow each other in a file and are in its buffer already: found first, then
 * stored, so that the processor waits for the memory of many keys at the same time
 * (keyspace/fetch-ahead.ts). Whatever is not that simple ends the batch: a compressed or long
 * string, a key that is an integer, or one of which more is said than an expiry.
 */
import type { KeyspaceContext } from "../keyspace/context.ts";
import type { Database } from "../keyspace/database.ts";
import { NO_EXPIRY } from "../keyspace/entry-store.ts";
import { FetchAhead, MAX_FETCHED } from "../keyspace/fetch-ahead.ts";
import { NULL_REF } from "../memory/arena.ts";
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
} from "./rdb-types.ts";

/** An expiry, a type and a key's length; and the longest beginning of a value. */
const KEY_HEADER_BYTES = 12;
const VALUE_HEADER_BYTES = 5;
const EXPIRY_BYTES = 9;
const SAFE_HIGH = 2 ** 21;
const WORD = 2 ** 32;
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
  private readonly integers = new Int32Array(MAX_FETCHED);
  private readonly expiries = new Float64Array(MAX_FETCHED);
  private readonly ends = new Int32Array(MAX_FETCHED);
  private readonly ahead = new FetchAhead();
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
    const { ahead, context, count, keyStarts, keyLengths, valueStarts, valueLengths } = this;
    const { bytes, at } = input;
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
      if (valueLengths[i] === INTEGER) {
        database.storeInteger(NULL_REF, bytes, start, length, this.integers[i], expiry);
      } else {
        const valueStart = valueStarts[i];
        const valueLength = valueLengths[i];
        database.storeString(
          NULL_REF,
          bytes,
          start,
          length,
          bytes,
          valueStart,
          valueLength,
          expiry,
        );
      }
      this.stored++;
      input.at = this.ends[i];
    }
    // The buffer's bytes change.
    context.hashedBytes = null;
    return input.at > at;
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
    if (valueKind === ENCODED_STRING) return this.parseInteger(bytes, at);
    if (valueKind > LENGTH_14_BITS) return NOT_PLAIN;
    const valueLength = valueKind === LENGTH_6_BITS ? bytes[at] : lengthAt(bytes, at);
    at += 1 + valueKind;
    this.valueStarts[count] = at;
    this.valueLengths[count] = valueLength;
    at += valueLength;
    return at <= end ? at : NOT_PLAIN;
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

function lengthAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] & 63) << 8) | bytes[at + 1];
}

function wordAt(bytes: Uint8Array, at: number): number {
  const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  return word >>> 0;
}
