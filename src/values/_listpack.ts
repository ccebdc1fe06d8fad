/**
 * Redis's listpack: a list of strings and integers in one run of bytes, the packed form of small
 * hashes, lists, sets and sorted sets (the format that RDB files hold too).
 *
 *     total bytes:4 | items:2 (65535: count them) | items… | 255
 *     item    encoding and data | its length backwards, 1 to 5 bytes
 *
 *     0xxxxxxx            7-bit unsigned       11110001 + 2 bytes   int16
 *     10xxxxxx + bytes    string up to 63      11110010 + 3         int24
 *     110xxxxx + 1        13-bit signed        11110011 + 4         int32
 *     1110xxxx + 1 + …    string up to 4095    11110100 + 8         int64
 *     11110000 + 4 + …    any string
 *
 * All functions work on a buffer and offsets in it; `start` is the listpack's first byte and `at`
 * an item's. A string that reads as an integer in canonical form is kept as one, so equal bytes
 * are always equally encoded. Source: redis/src/listpack.c.
 */
import { copyBytes, equalBytes } from "../base/bytes.ts";
import { isWhole, MAX_DOUBLE_BYTES, writeDouble } from "../base/doubles.ts";
import {
  parseDouble,
  parseInt64,
  parseSafeInteger,
  writeBigInteger,
  writeInteger,
} from "../base/numbers.ts";
import type { ByteView } from "../memory/element.ts";

export const HEADER_BYTES = 6;
/** Header and end. */
export const EMPTY_LISTPACK_BYTES = 7;
const MANY_ITEMS = 65535;
const END = 255;
const NOT_INTEGER = NaN;
const MAX_INT64_DIGITS = 20;

/** Where `readItem` writes an integer's digits; one for each view that is alive at once. */
export class ItemDigits {
  readonly bytes = new Uint8Array(MAX_INT64_DIGITS + 1);
}

export function initListpack(bytes: Uint8Array, start: number): void {
  writeTotal(bytes, start, EMPTY_LISTPACK_BYTES);
  bytes[start + 4] = bytes[start + 5] = 0;
  bytes[start + 6] = END;
}

export function totalBytes(bytes: Uint8Array, start: number): number {
  return (
    (bytes[start] |
      (bytes[start + 1] << 8) |
      (bytes[start + 2] << 16) |
      (bytes[start + 3] << 24)) >>>
    0
  );
}

function writeTotal(bytes: Uint8Array, start: number, total: number): void {
  bytes[start] = total;
  bytes[start + 1] = total >>> 8;
  bytes[start + 2] = total >>> 16;
  bytes[start + 3] = total >>> 24;
}

export function itemCount(bytes: Uint8Array, start: number): number {
  const count = bytes[start + 4] | (bytes[start + 5] << 8);
  if (count !== MANY_ITEMS) return count;
  let counted = 0;
  const end = start + totalBytes(bytes, start) - 1;
  for (let at = start + HEADER_BYTES; at < end; at = nextItem(bytes, at)) counted++;
  return counted;
}

/** Writes total and count after an edit; `count` may be above what the header can say. */
export function writeHeader(bytes: Uint8Array, start: number, total: number, count: number): void {
  writeTotal(bytes, start, total);
  const shown = count > MANY_ITEMS ? MANY_ITEMS : count;
  bytes[start + 4] = shown;
  bytes[start + 5] = shown >>> 8;
  bytes[start + total - 1] = END;
}

/** Bytes of encoding and data of the item at `at`. */
export function bodyBytes(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0x80) return 1;
  if (first < 0xc0) return 1 + (first & 63);
  if (first < 0xe0) return 2;
  if (first < 0xf0) return 2 + (((first & 15) << 8) | bytes[at + 1]);
  if (first === 0xf1) return 3;
  if (first === 0xf2) return 4;
  if (first === 0xf3) return 5;
  if (first === 0xf4) return 9;
  return 5 + totalBytes(bytes, at + 1);
}

export function backBytes(body: number): number {
  // One less than could be said, from two bytes on: so does Redis.
  if (body < 128) return 1;
  if (body < 16383) return 2;
  if (body < 2097151) return 3;
  return body < 268435455 ? 4 : 5;
}

/** The item behind the one at `at`, or the end. */
export function nextItem(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0x80) return at + 2;
  if (first < 0xc0) return at + 2 + (first & 63);
  const body = bodyBytes(bytes, at);
  return at + body + backBytes(body);
}

/** The item in front of the one (or the end) at `at`. */
export function previousItem(bytes: Uint8Array, at: number): number {
  let position = at - 1;
  let body = bytes[position] & 127;
  let shift = 7;
  while ((bytes[position] & 128) !== 0) {
    position--;
    body += (bytes[position] & 127) * 2 ** shift;
    shift += 7;
  }
  return position - body;
}

/** The item `steps` items behind `at`. */
export function skipItems(bytes: Uint8Array, at: number, steps: number): number {
  let position = at;
  for (let i = 0; i < steps; i++) position = nextItem(bytes, position);
  return position;
}

/** The integer that the item holds, or NaN where it is a string or beyond 2^53. */
function safeIntegerAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0x80) return first;
  if (first < 0xc0) return NOT_INTEGER;
  if (first < 0xe0) return ((((first & 31) << 8) | bytes[at + 1]) << 19) >> 19;
  switch (first) {
    case 0xf1:
      return ((bytes[at + 1] | (bytes[at + 2] << 8)) << 16) >> 16;
    case 0xf2:
      return ((bytes[at + 1] | (bytes[at + 2] << 8) | (bytes[at + 3] << 16)) << 8) >> 8;
    case 0xf3:
      return wordAt(bytes, at + 1);
    case 0xf4: {
      const value = wordAt(bytes, at + 5) * 4294967296 + (wordAt(bytes, at + 1) >>> 0);
      return Number.isSafeInteger(value) ? value : NOT_INTEGER;
    }
    default:
      return NOT_INTEGER;
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

function int64At(bytes: Uint8Array, at: number): bigint {
  return (BigInt(wordAt(bytes, at + 5)) << 32n) | BigInt(wordAt(bytes, at + 1) >>> 0);
}

/** Points the view at the item's bytes; an integer's digits are written out. */
export function readItem(bytes: Uint8Array, at: number, view: ByteView, digits: ItemDigits): void {
  const first = bytes[at];
  if (first >= 0x80 && first < 0xc0) {
    view.set(bytes, at + 1, first & 63);
    return;
  }
  if (first >= 0xe0 && first < 0xf1) {
    if (first < 0xf0) view.set(bytes, at + 2, ((first & 15) << 8) | bytes[at + 1]);
    else view.set(bytes, at + 5, totalBytes(bytes, at + 1));
    return;
  }
  const integer = safeIntegerAt(bytes, at);
  const length =
    integer === integer
      ? writeInteger(digits.bytes, 0, integer)
      : writeBigInteger(digits.bytes, 0, int64At(bytes, at));
  view.set(digits.bytes, 0, length);
}

/** The number that the item holds or reads as. */
export function doubleAt(bytes: Uint8Array, at: number): number {
  const integer = safeIntegerAt(bytes, at);
  if (integer === integer) return integer;
  const first = bytes[at];
  if (first === 0xf4) return Number(int64At(bytes, at));
  return parseDouble(bytes, at + 1, first & 63);
}

/** What an item is compared with: bytes, and the integer that they read as. */
export class Needle {
  private bytes: Uint8Array = new Uint8Array(0);
  private start = 0;
  private length = 0;
  private integer = NOT_INTEGER;
  private wide: bigint | null = null;
  private readonly text = new Uint8Array(MAX_DOUBLE_BYTES);

  set(bytes: Uint8Array, start: number, length: number): void {
    this.bytes = bytes;
    this.start = start;
    this.length = length;
    this.wide = null;
    if (length > MAX_INT64_DIGITS) {
      this.integer = NOT_INTEGER;
      return;
    }
    this.integer = parseSafeInteger(bytes, start, length);
    if (this.integer !== this.integer && length > 15) this.wide = parseInt64(bytes, start, length);
  }

  /** Sets a score: an integer where it is whole, else its text. */
  setDouble(value: number): void {
    this.wide = null;
    if (Number.isSafeInteger(value)) {
      this.integer = value;
    } else if (isWhole(value)) {
      this.integer = NOT_INTEGER;
      this.wide = BigInt(value);
    } else {
      this.integer = NOT_INTEGER;
      this.bytes = this.text;
      this.start = 0;
      this.length = writeDouble(this.text, 0, value);
    }
  }

  get isInteger(): boolean {
    return this.integer === this.integer || this.wide !== null;
  }

  /** Whether the item at `at` holds these bytes. */
  equals(bytes: Uint8Array, at: number): boolean {
    const first = bytes[at];
    if (this.integer === this.integer) return safeIntegerAt(bytes, at) === this.integer;
    if (this.wide !== null) return first === 0xf4 && int64At(bytes, at) === this.wide;
    const length = this.length;
    if (first >= 0x80 && first < 0xc0) {
      return (first & 63) === length && this.isAt(bytes, at + 1);
    }
    if (length < 64 || first < 0xe0) return false;
    if (first < 0xf0) {
      return (((first & 15) << 8) | bytes[at + 1]) === length && this.isAt(bytes, at + 2);
    }
    return first === 0xf0 && totalBytes(bytes, at + 1) === length && this.isAt(bytes, at + 5);
  }

  /**
   * The first item from `at` on, looking at every `step`-th, that equals; -1 where none does.
   * Short strings are told apart by length and last byte mostly, since what names share is their
   * beginning.
   */
  find(bytes: Uint8Array, from: number, end: number, step: number): number {
    const { length } = this;
    if (this.isInteger || length === 0 || length > 63) return this.findAny(bytes, from, end, step);
    const wanted = 0x80 | length;
    const last = this.bytes[this.start + length - 1];
    let at = from;
    while (at < end) {
      const mayBe = bytes[at] === wanted && bytes[at + length] === last;
      if (mayBe && this.isAt(bytes, at + 1)) return at;
      for (let i = 0; i < step; i++) {
        const first = bytes[at];
        if (first < 0x80) at += 2;
        else at = first < 0xc0 ? at + 2 + (first & 63) : nextItem(bytes, at);
      }
    }
    return -1;
  }

  private findAny(bytes: Uint8Array, from: number, end: number, step: number): number {
    let at = from;
    while (at < end) {
      if (this.equals(bytes, at)) return at;
      at = skipItems(bytes, at, step);
    }
    return -1;
  }

  private isAt(bytes: Uint8Array, at: number): boolean {
    return equalBytes(bytes, at, this.bytes, this.start, this.length);
  }

  /** Bytes that these take as an item. */
  get itemBytes(): number {
    const body = this.isInteger ? this.integerBytes : this.length + stringHeader(this.length);
    return body + backBytes(body);
  }

  private get integerBytes(): number {
    return integerBody(this.integer);
  }

  /** Writes these bytes as an item of `itemBytes` bytes. */
  write(target: Uint8Array, at: number): void {
    const body = this.isInteger ? this.writeInteger(target, at) : this.writeString(target, at);
    writeBack(target, at + body, body);
  }

  private writeString(target: Uint8Array, at: number): number {
    const length = this.length;
    const header = stringHeader(length);
    if (header === 1) target[at] = 0x80 | length;
    else if (header === 2) {
      target[at] = 0xe0 | (length >>> 8);
      target[at + 1] = length;
    } else {
      target[at] = 0xf0;
      writeTotal(target, at + 1, length);
    }
    copyBytes(target, at + header, this.bytes, this.start, length);
    return header + length;
  }

  private writeInteger(target: Uint8Array, at: number): number {
    const body = this.integerBytes;
    const value = this.integer;
    if (body < 9) {
      writeIntegerBody(target, at, value, body);
    } else {
      target[at] = 0xf4;
      const low = this.wide === null ? value | 0 : Number(BigInt.asIntN(32, this.wide));
      const high = this.wide === null ? Math.floor(value / 4294967296) : Number(this.wide >> 32n);
      writeTotal(target, at + 1, low);
      writeTotal(target, at + 5, high);
    }
    return body;
  }
}

/** Bytes of encoding and data of an integer. */
export function integerBody(value: number): number {
  if (value >= 0 && value <= 127) return 1;
  if (value >= -4096 && value <= 4095) return 2;
  if (value >= -32768 && value <= 32767) return 3;
  if (value >= -8388608 && value <= 8388607) return 4;
  if (value >= -2147483648 && value <= 2147483647) return 5;
  return 9;
}

/** Writes an int32 whose body is `body` bytes. */
function writeIntegerBody(target: Uint8Array, at: number, value: number, body: number): void {
  if (body === 1) target[at] = value;
  else if (body === 2) {
    target[at] = 0xc0 | ((value >>> 8) & 31);
    target[at + 1] = value;
  } else {
    target[at] = 0xf1 + body - 3;
    for (let i = 1; i < body; i++) target[at + i] = value >>> (8 * (i - 1));
  }
}

/** Bytes that an int32 takes as an item. */
export function integerItemBytes(value: number): number {
  return integerBody(value) + 1;
}

/** Writes an int32 as an item; returns the place behind it. */
export function writeIntegerItem(target: Uint8Array, at: number, value: number): number {
  const body = integerBody(value);
  writeIntegerBody(target, at, value, body);
  target[at + body] = body;
  return at + body + 1;
}

/** Writes an int64, given as two words, as an item; returns the place behind it. */
export function writeWordsItem(target: Uint8Array, at: number, high: number, low: number): number {
  const word = low | 0;
  if ((high | 0) === word >> 31) return writeIntegerItem(target, at, word);
  target[at] = 0xf4;
  writeTotal(target, at + 1, low);
  writeTotal(target, at + 5, high);
  target[at + 9] = 9;
  return at + 10;
}

export function isIntegerItem(bytes: Uint8Array, at: number): boolean {
  const first = bytes[at];
  return first < 0x80 || (first >= 0xc0 && first < 0xe0) || (first > 0xf0 && first < 0xf5);
}

/** The lower word of the item, which is an integer, as an int32: its value where it is one. */
export function lowWordAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first < 0x80) return first;
  return first === 0xf4 ? wordAt(bytes, at + 1) : safeIntegerAt(bytes, at) | 0;
}

/** The upper word of the item, which is an integer, as an int32. */
export function highWordAt(bytes: Uint8Array, at: number): number {
  return bytes[at] === 0xf4 ? wordAt(bytes, at + 5) : lowWordAt(bytes, at) >> 31;
}

/** What a string takes as an item beside its bytes, at the most; half of that below 64 bytes. */
export const MAX_ITEM_OVERHEAD = 10;
export const SHORT_STRING_BYTES = 64;
export const SHORT_ITEM_OVERHEAD = 2;

const MINUS = 45;
const ZERO = 48;
const itemNeedle = new Needle();

/** Writes a string, or the integer that it reads as, as an item; returns the place behind it. */
export function writeStringItem(
  target: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): number {
  const first = bytes[start];
  const isString = first !== MINUS && (first < ZERO || first > ZERO + 9);
  if (isString && length < SHORT_STRING_BYTES && length > 0) {
    target[at] = 0x80 | length;
    copyBytes(target, at + 1, bytes, start, length);
    target[at + 1 + length] = length + 1;
    return at + length + SHORT_ITEM_OVERHEAD;
  }
  itemNeedle.set(bytes, start, length);
  itemNeedle.write(target, at);
  return at + itemNeedle.itemBytes;
}

/** Whether the item at `at` holds these bytes. */
export function itemEquals(
  target: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  if (length < SHORT_STRING_BYTES && target[at] === (0x80 | length)) {
    return equalBytes(target, at + 1, bytes, start, length);
  }
  itemNeedle.set(bytes, start, length);
  return itemNeedle.equals(target, at);
}

/** Whether a string is an integer in canonical form, and so kept as one. */
export function readsAsInteger(bytes: Uint8Array, start: number, length: number): boolean {
  if (length === 0 || length > MAX_INT64_DIGITS) return false;
  const first = bytes[start];
  if (first !== MINUS && (first < ZERO || first > ZERO + 9)) return false;
  const integer = parseSafeInteger(bytes, start, length);
  if (integer === integer) return true;
  return length > 15 && parseInt64(bytes, start, length) !== null;
}

function stringHeader(length: number): number {
  if (length < 64) return 1;
  return length < 4096 ? 2 : 5;
}

function writeBack(target: Uint8Array, at: number, body: number): void {
  const size = backBytes(body);
  let rest = body;
  for (let i = size - 1; i > 0; i--) {
    target[at + i] = (rest & 127) | 128;
    rest = Math.floor(rest / 128);
  }
  // The first byte has no mark: reading backwards ends there.
  target[at] = rest;
}
