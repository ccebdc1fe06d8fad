/**
 * The ID of a stream's entry, `<milliseconds>-<sequence>`, both of 64 bits. Its four words are
 * numbers, so that IDs compare and step without bigints; an object is filled and filled again.
 */
import { parseSafeInteger, writeBigInteger, writeInteger } from "../base/numbers.ts";

/** Bytes of the binary form: milliseconds and sequence, big-endian, so that bytes sort as IDs. */
export const STREAM_ID_BYTES = 16;
/** The longest text: twice twenty digits and the dash. */
export const MAX_STREAM_ID_TEXT = 41;

const WORD = 2 ** 32;
const MAX_WORD = WORD - 1;
/** Below this, a high word and its low word make a safe integer. */
const SAFE_HIGH = 2 ** 21;
const MAX_UINT64 = 2n ** 64n - 1n;
/** Longer texts are no IDs, whatever they say. */
const MAX_PARSED_BYTES = 127;
const DASH = 45;
const PLUS = 43;
const ZERO = 48;

/** What a text without a sequence means. */
export const SEQUENCE_FIRST = 0;
export const SEQUENCE_LAST = 1;
export type MissingSequence = typeof SEQUENCE_FIRST | typeof SEQUENCE_LAST;

export class StreamId {
  msHigh = 0;
  msLow = 0;
  seqHigh = 0;
  seqLow = 0;

  set(msHigh: number, msLow: number, seqHigh: number, seqLow: number): this {
    this.msHigh = msHigh;
    this.msLow = msLow;
    this.seqHigh = seqHigh;
    this.seqLow = seqLow;
    return this;
  }

  copy(other: StreamId): this {
    return this.set(other.msHigh, other.msLow, other.seqHigh, other.seqLow);
  }

  setFirst(): this {
    return this.set(0, 0, 0, 0);
  }

  setLast(): this {
    return this.set(MAX_WORD, MAX_WORD, MAX_WORD, MAX_WORD);
  }

  /** The ID with sequence 0 at a time that is a safe integer. */
  setMs(ms: number): this {
    return this.set(Math.floor(ms / WORD), ms % WORD, 0, 0);
  }

  get isZero(): boolean {
    return this.msLow === 0 && this.seqLow === 0 && this.msHigh === 0 && this.seqHigh === 0;
  }

  get isLast(): boolean {
    const { msHigh, msLow, seqHigh, seqLow } = this;
    return msHigh === MAX_WORD && msLow === MAX_WORD && seqHigh === MAX_WORD && seqLow === MAX_WORD;
  }

  /** Negative, 0 or positive, as `this` comes before, equals or follows `other`. */
  compare(other: StreamId): number {
    return (
      this.msHigh - other.msHigh ||
      this.msLow - other.msLow ||
      this.seqHigh - other.seqHigh ||
      this.seqLow - other.seqLow
    );
  }

  equals(other: StreamId): boolean {
    return this.compare(other) === 0;
  }

  /** Compares the milliseconds alone. */
  compareMs(other: StreamId): number {
    return this.msHigh - other.msHigh || this.msLow - other.msLow;
  }

  /** Steps to the next ID; false, and unchanged, at the last there is. */
  increment(): boolean {
    if (this.isLast) return false;
    if (this.seqLow < MAX_WORD) {
      this.seqLow++;
      return true;
    }
    this.seqLow = 0;
    if (this.seqHigh < MAX_WORD) {
      this.seqHigh++;
      return true;
    }
    this.seqHigh = 0;
    if (this.msLow < MAX_WORD) {
      this.msLow++;
      return true;
    }
    this.msLow = 0;
    this.msHigh++;
    return true;
  }

  /** Steps to the previous ID; false, and unchanged, at 0-0. */
  decrement(): boolean {
    if (this.isZero) return false;
    if (this.seqLow > 0) {
      this.seqLow--;
      return true;
    }
    this.seqLow = MAX_WORD;
    if (this.seqHigh > 0) {
      this.seqHigh--;
      return true;
    }
    this.seqHigh = MAX_WORD;
    if (this.msLow > 0) {
      this.msLow--;
      return true;
    }
    this.msLow = MAX_WORD;
    this.msHigh--;
    return true;
  }

  /** Reads the binary form. */
  read(bytes: Uint8Array, at: number): this {
    return this.set(
      readWord(bytes, at),
      readWord(bytes, at + 4),
      readWord(bytes, at + 8),
      readWord(bytes, at + 12),
    );
  }

  /** Writes the binary form. */
  write(bytes: Uint8Array, at: number): void {
    writeWord(bytes, at, this.msHigh);
    writeWord(bytes, at + 4, this.msLow);
    writeWord(bytes, at + 8, this.seqHigh);
    writeWord(bytes, at + 12, this.seqLow);
  }

  /** Writes `<ms>-<seq>` in decimal and returns the place behind it. */
  writeText(target: Uint8Array, at: number): number {
    const dash = writeUint64(target, at, this.msHigh, this.msLow);
    target[dash] = DASH;
    return writeUint64(target, dash + 1, this.seqHigh, this.seqLow);
  }

  /** The text as bytes of its own. */
  textBytes(): Uint8Array {
    const target = new Uint8Array(MAX_STREAM_ID_TEXT);
    return target.subarray(0, this.writeText(target, 0));
  }

  /** The milliseconds, where they are a safe integer; otherwise about that. */
  get ms(): number {
    return this.msHigh * WORD + this.msLow;
  }

  /** For errors, logs and tests. */
  toString(): string {
    return String.fromCharCode(...this.textBytes());
  }
}

/**
 * Reads `<ms>` or `<ms>-<seq>`, each in 0 … 2^64 - 1; false where the text is no such ID
 * (streamGenericParseIDOrReply, t_stream.c). `-`, `+`, `$`, `>` and `*` are the caller's.
 */
export function parseStreamId(
  bytes: Uint8Array,
  start: number,
  length: number,
  missing: MissingSequence,
  id: StreamId,
): boolean {
  if (length > MAX_PARSED_BYTES) return false;
  let dash = start;
  const end = start + length;
  while (dash < end && bytes[dash] !== DASH) dash++;
  if (!parseWords(bytes, start, dash - start)) return false;
  id.msHigh = parsedHigh;
  id.msLow = parsedLow;
  if (dash === end) {
    id.seqHigh = id.seqLow = missing === SEQUENCE_LAST ? MAX_WORD : 0;
    return true;
  }
  if (!parseWords(bytes, dash + 1, end - dash - 1)) return false;
  id.seqHigh = parsedHigh;
  id.seqLow = parsedLow;
  return true;
}

let parsedHigh = 0;
let parsedLow = 0;

/** The two words of an unsigned 64-bit integer; false where the text is none. */
function parseWords(bytes: Uint8Array, start: number, length: number): boolean {
  const value = parseSafeInteger(bytes, start, length);
  if (value === value) {
    parsedHigh = Math.floor(value / WORD);
    parsedLow = value % WORD;
    return value >= 0;
  }
  const exact = parseLoosely(bytes, start, start + length);
  if (exact === null) return false;
  parsedHigh = Number(exact >> 32n);
  parsedLow = Number(exact & 0xffffffffn);
  return true;
}

/** What C's strtoull reads, which Redis asks where the text is no canonical integer. */
function parseLoosely(bytes: Uint8Array, start: number, end: number): bigint | null {
  let at = start;
  while (at < end && (bytes[at] === 32 || (bytes[at] >= 9 && bytes[at] <= 13))) at++;
  const isNegative = bytes[at] === DASH && at < end;
  if (at < end && (isNegative || bytes[at] === PLUS)) at++;
  if (at === end) return null;
  let value = 0n;
  for (; at < end; at++) {
    const digit = bytes[at] - ZERO;
    if (digit < 0 || digit > 9) return null;
    value = value * 10n + BigInt(digit);
    if (value > MAX_UINT64) return null;
  }
  return isNegative ? (MAX_UINT64 + 1n - value) & MAX_UINT64 : value;
}

function writeUint64(target: Uint8Array, at: number, high: number, low: number): number {
  if (high < SAFE_HIGH) return writeInteger(target, at, high * WORD + low);
  return writeBigInteger(target, at, (BigInt(high) << 32n) | BigInt(low));
}

function readWord(bytes: Uint8Array, at: number): number {
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

function writeWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
