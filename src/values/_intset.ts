/**
 * Redis's intset: integers in ascending order, all of one width, the packed form of small sets of
 * integers (the format that RDB files hold too). It widens with the first integer that needs it.
 *
 *     width:4 (2, 4 or 8) | count:4 | integers…          all little-endian
 *
 * Source: redis/src/intset.c.
 */
import { parseInt64, parseSafeInteger, writeBigInteger, writeInteger } from "../base/numbers.ts";
import type { ByteView } from "../memory/element.ts";
import type { ItemDigits } from "./_listpack.ts";
import type { Home } from "./home.ts";

/** What reading takes of a home. */
export type PackedPlace = Pick<Home, "bytes" | "start" | "length">;

const HEADER_BYTES = 8;

/** An integer that is looked for or added, as two words. */
export class IntegerNeedle {
  high = 0;
  low = 0;
  width = 2;

  /** False where the bytes are no integer in canonical form within int64. */
  set(bytes: Uint8Array, start: number, length: number): boolean {
    if (length === 0 || length > 20) return false;
    const value = parseSafeInteger(bytes, start, length);
    if (value === value) {
      this.high = Math.floor(value / 4294967296);
      this.low = value >>> 0;
      this.width = value >= -32768 && value <= 32767 ? 2 : widthOf(value);
      return true;
    }
    const exact = length > 15 ? parseInt64(bytes, start, length) : null;
    if (exact === null) return false;
    this.high = Number(exact >> 32n);
    this.low = Number(BigInt.asUintN(32, exact));
    this.width = 8;
    return true;
  }
}

function widthOf(value: number): number {
  return value >= -2147483648 && value <= 2147483647 ? 4 : 8;
}

export function intsetCount(home: PackedPlace): number {
  return home.length === 0 ? 0 : readWord(home.bytes, home.start + 4) >>> 0;
}

function readWord(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
}

/** The lower word of the integer at `index`, unsigned; its sign in a narrow one is in `highAt`. */
function lowAt(home: PackedPlace, index: number, width: number): number {
  const at = home.start + HEADER_BYTES + index * width;
  if (width > 2) return readWord(home.bytes, at) >>> 0;
  return (((home.bytes[at] | (home.bytes[at + 1] << 8)) << 16) >> 16) >>> 0;
}

function highAt(home: PackedPlace, index: number, width: number): number {
  const at = home.start + HEADER_BYTES + index * width;
  if (width === 8) return readWord(home.bytes, at + 4);
  return (home.bytes[at + width - 1] & 128) === 0 ? 0 : -1;
}

function compareAt(home: PackedPlace, index: number, width: number, needle: IntegerNeedle): number {
  const high = highAt(home, index, width);
  return high !== needle.high ? high - needle.high : lowAt(home, index, width) - needle.low;
}

/** Negative, 0 or positive, as the integer at `a` comes before, equals or follows that at `b`. */
export function compareIntegers(home: PackedPlace, a: number, b: number, width: number): number {
  const order = highAt(home, a, width) - highAt(home, b, width);
  return order !== 0 ? order : lowAt(home, a, width) - lowAt(home, b, width);
}

/** The integer's index, or, where it is missing, -1 - the index that it would have. */
export function intsetFind(home: PackedPlace, needle: IntegerNeedle): number {
  if (home.length === 0) return -1;
  const width = home.bytes[home.start];
  let low = 0;
  let high = intsetCount(home);
  while (low < high) {
    const middle = (low + high) >>> 1;
    const order = compareAt(home, middle, width, needle);
    if (order === 0) return middle;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return -1 - low;
}

/** Adds an integer that is missing, at the index that `intsetFind` gave. */
export function intsetInsert(
  home: Home,
  index: number,
  needle: IntegerNeedle,
  encoding: number,
): void {
  const count = intsetCount(home);
  const before = home.length === 0 ? needle.width : home.bytes[home.start];
  const width = Math.max(before, needle.width);
  home.resize(HEADER_BYTES + (count + 1) * width, encoding);
  const { bytes, start } = home;
  if (width > before) widen(home, count, before, width);
  writeWord(bytes, start, width);
  writeWord(bytes, start + 4, count + 1);
  const at = start + HEADER_BYTES + index * width;
  bytes.copyWithin(at + width, at, start + HEADER_BYTES + count * width);
  write(home, index, width, needle.high, needle.low);
}

export function intsetRemove(home: Home, index: number): void {
  const count = intsetCount(home);
  const { bytes, start } = home;
  const width = bytes[start];
  const at = start + HEADER_BYTES + index * width;
  bytes.copyWithin(at, at + width, start + HEADER_BYTES + count * width);
  writeWord(bytes, start + 4, count - 1);
  home.resize(HEADER_BYTES + (count - 1) * width, home.encoding);
}

/** Points the view at the digits of the integer at `index`. */
export function intsetRead(
  home: PackedPlace,
  index: number,
  view: ByteView,
  digits: ItemDigits,
): void {
  const width = home.bytes[home.start];
  const high = highAt(home, index, width);
  const value = high * 4294967296 + lowAt(home, index, width);
  const length = Number.isSafeInteger(value)
    ? writeInteger(digits.bytes, 0, value)
    : writeBigInteger(digits.bytes, 0, (BigInt(high) << 32n) | BigInt(lowAt(home, index, width)));
  view.set(digits.bytes, 0, length);
}

/** Writes the integers wider, the last one first, since they lie on their own new places. */
function widen(home: Home, count: number, from: number, to: number): void {
  for (let i = count - 1; i >= 0; i--) {
    const high = highAt(home, i, from);
    write(home, i, to, high, lowAt(home, i, from));
  }
}

function write(home: Home, index: number, width: number, high: number, low: number): void {
  const at = home.start + HEADER_BYTES + index * width;
  if (width === 2) {
    home.bytes[at] = low;
    home.bytes[at + 1] = low >>> 8;
    return;
  }
  writeWord(home.bytes, at, low);
  if (width === 8) writeWord(home.bytes, at + 4, high);
}
