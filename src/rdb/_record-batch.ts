/**
 * Keys that follow each other in a file and are in its buffer already, with their values: found
 * first, then stored, so that the processor waits for the memory of many keys at the same time
 * (keyspace/fetch-ahead.ts). Strings, mostly the bulk of a file, are stored from where they are;
 * other values are read as ever. Whatever is not that simple ends the batch: a value that is long
 * or a stream, a key that is an integer or compressed, or one of which more is said than an expiry.
 */
import { assert } from "../base/assert.ts";
import { decompressLzf } from "../base/lzf.ts";
import type { KeyListener, KeyspaceContext } from "../keyspace/context.ts";
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
import { lengthAt, NOT_HERE, skipValue } from "./_skip-value.ts";
import type { ValueDecoder } from "./value-decoder.ts";

/** An expiry, a type and a key's length; and the longest beginning of a value. */
const KEY_HEADER_BYTES = 12;
const VALUE_HEADER_BYTES = 5;
const EXPIRY_BYTES = 9;
const SAFE_HIGH = 2 ** 21;
const WORD = 2 ** 32;
/** What a length of 14 bits can say. */
const MAX_INFLATED_BYTES = 1 << 14;
const COMPRESSED = (ENCODED_STRING << 6) | STRING_LZF;
/** Lengths of values that are no plain strings. */
const INTEGER = -1;
const TO_BE_READ = -2;

export class RecordBatch {
  /** Of all batches: stored, and left out since they had expired. */
  stored = 0;
  expired = 0;
  private count = 0;
  private readonly keyStarts = new Int32Array(MAX_FETCHED);
  private readonly keyLengths = new Int32Array(MAX_FETCHED);
  private readonly types = new Uint8Array(MAX_FETCHED);
  private readonly valueStarts = new Int32Array(MAX_FETCHED);
  /** INTEGER: its value is in `integers`. */
  private readonly valueLengths = new Int32Array(MAX_FETCHED);
  /** Of strings; 0: the value is not compressed. */
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
  private readonly decoder: ValueDecoder;
  private readonly onEmpty: (bytes: Uint8Array, start: number, length: number) => void;
  private readonly onExpired: KeyListener | null;

  /**
   * `onEmpty` hears of the keys whose values have no elements, and so are left out; `onExpired` of
   * those that are since they had expired.
   */
  constructor(
    context: KeyspaceContext,
    decoder: ValueDecoder,
    onEmpty: (bytes: Uint8Array, start: number, length: number) => void,
    onExpired: KeyListener | null,
  ) {
    this.onExpired = onExpired;
    this.context = context;
    this.decoder = decoder;
    this.onEmpty = onEmpty;
  }

  /**
   * Finds the records that come next, some `enoughBytes` of them; false where there is none.
   * Consumes nothing.
   */
  gather({ bytes, at, end }: RdbInput, enoughBytes: number): boolean {
    this.count = 0;
    let next = at;
    while (this.count < MAX_FETCHED && next - at < enoughBytes) {
      next = this.parse(bytes, next, end);
      if (next === NOT_HERE) break;
      this.ends[this.count++] = next;
    }
    return this.count > 0;
  }

  /**
   * Stores what was gathered, up to the first key that is there already. Those that expired before
   * `visibleFromMs` are left out. False where nothing was consumed.
   */
  store(input: RdbInput, database: Database, visibleFromMs: number): boolean {
    const { ahead, context, count, keyStarts, keyLengths, ends } = this;
    const { bytes, at } = input;
    this.look(bytes);
    for (let i = 0; i < count; i++) ahead.add(bytes, keyStarts[i], keyLengths[i]);
    ahead.touch(database);
    for (let i = 0; i < count; i++) {
      const start = keyStarts[i];
      const length = keyLengths[i];
      const expiry = this.expiries[i];
      const isExpired = expiry !== NO_EXPIRY && expiry < visibleFromMs;
      context.hashedBytes = bytes;
      context.hashedStart = start;
      context.hashedLength = length;
      context.hashedAs = ahead.hashes[i];
      if (!isExpired && database.peek(bytes, start, length) !== NULL_REF) break;
      if (this.valueLengths[i] === TO_BE_READ) this.storeRead(input, database, i, isExpired);
      else if (isExpired) this.leaveOut(database, bytes, start, length);
      else if (this.storeString(bytes, database, i)) this.stored++;
      else break;
      input.at = ends[i];
    }
    // The buffer's bytes change.
    context.hashedBytes = null;
    return input.at > at;
  }

  private leaveOut(database: Database, bytes: Uint8Array, start: number, length: number): void {
    this.expired++;
    this.onExpired?.(database, bytes, start, length);
  }

  private look(bytes: Uint8Array): void {
    if (this.bytes === bytes) return;
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }

  /** False where it is damaged. */
  private storeString(bytes: Uint8Array, database: Database, i: number): boolean {
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

  /** Reads the value, which is in the buffer to its end: the key stays where it is. */
  private storeRead(input: RdbInput, database: Database, index: number, isExpired: boolean): void {
    const { decoder } = this;
    const { bytes } = input;
    const start = this.keyStarts[index];
    const length = this.keyLengths[index];
    input.at = this.valueStarts[index];
    const isThere = decoder.read(input, this.types[index], database.arena);
    assert(
      input.at === this.ends[index] && input.bytes === bytes,
      "a value ends where its lengths say",
    );
    if (!isThere) {
      this.onEmpty(bytes, start, length);
    } else if (isExpired) {
      decoder.discard();
      this.leaveOut(database, bytes, start, length);
    } else {
      decoder.store(database, bytes, start, length, this.expiries[index]);
      this.stored++;
    }
  }

  /** Notes the record that begins at `from`; returns the place behind it or NOT_HERE. */
  private parse(bytes: Uint8Array, from: number, end: number): number {
    const { count } = this;
    let at = from;
    if (at + KEY_HEADER_BYTES > end) return NOT_HERE;
    this.expiries[count] = NO_EXPIRY;
    if (bytes[at] === OPCODE_EXPIRE_MS) {
      const high = wordAt(bytes, at + 5);
      if (high >= SAFE_HIGH) return NOT_HERE;
      this.expiries[count] = high * WORD + wordAt(bytes, at + 1);
      at += EXPIRY_BYTES;
    }
    const type = bytes[at++];
    const kind = bytes[at] >>> 6;
    if (kind > LENGTH_14_BITS) return NOT_HERE;
    const keyLength = kind === LENGTH_6_BITS ? bytes[at] : lengthAt(bytes, at);
    at += 1 + kind;
    this.keyStarts[count] = at;
    this.keyLengths[count] = keyLength;
    at += keyLength;
    if (at + VALUE_HEADER_BYTES > end) return NOT_HERE;
    this.types[count] = type;
    return type === RDB_STRING
      ? this.parseString(bytes, at, end)
      : this.passValue(bytes, at, end, type);
  }

  private passValue(bytes: Uint8Array, at: number, end: number, type: number): number {
    this.valueStarts[this.count] = at;
    this.valueLengths[this.count] = TO_BE_READ;
    return skipValue(bytes, at, end, type);
  }

  private parseString(bytes: Uint8Array, at: number, end: number): number {
    const { count } = this;
    const first = bytes[at];
    const kind = first >>> 6;
    this.compressedLengths[count] = 0;
    if (kind === ENCODED_STRING) {
      return first === COMPRESSED
        ? this.parseCompressed(bytes, at + 1, end)
        : this.parseInteger(bytes, at, end);
    }
    if (kind > LENGTH_14_BITS) return NOT_HERE;
    const length = kind === LENGTH_6_BITS ? bytes[at] : lengthAt(bytes, at);
    const start = at + 1 + kind;
    this.valueStarts[count] = start;
    this.valueLengths[count] = length;
    return start + length <= end ? start + length : NOT_HERE;
  }

  private parseCompressed(bytes: Uint8Array, from: number, end: number): number {
    const { count } = this;
    const compressedKind = bytes[from] >>> 6;
    const compressed = compressedKind === LENGTH_6_BITS ? bytes[from] : lengthAt(bytes, from);
    const at = from + 1 + compressedKind;
    const kind = bytes[at] >>> 6;
    // Damaged and longer ones are for the decoder.
    if (compressedKind > LENGTH_14_BITS || kind > LENGTH_14_BITS || compressed === 0) {
      return this.passValue(bytes, from - 1, end, RDB_STRING);
    }
    const start = at + 1 + kind;
    this.compressedLengths[count] = compressed;
    this.valueLengths[count] = kind === LENGTH_6_BITS ? bytes[at] : lengthAt(bytes, at);
    this.valueStarts[count] = start;
    return start + compressed <= end ? start + compressed : NOT_HERE;
  }

  private parseInteger(bytes: Uint8Array, at: number, end: number): number {
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
    if (encoding !== STRING_INT32) return this.passValue(bytes, at, end, RDB_STRING);
    this.integers[count] = wordAt(bytes, at + 1);
    return at + 5;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function wordAt(bytes: Uint8Array, at: number): number {
  const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  return word >>> 0;
}
