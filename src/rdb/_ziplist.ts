/**
 * Ziplists, the packed form of small collections before Redis 7, item by item.
 *
 *     bytes:4 | last item:4 | items:2 (65535: count them) | items… | 255      low byte first
 *     item    length of the item before (1 byte, or 254 and 4) | encoding | data
 *
 *     00nnnnnn              string          11000000 + 2   int16    11110000 + 3   int24
 *     01nnnnnn + 1          up to 16383     11010000 + 4   int32    11111110 + 1   int8
 *     10000000 + 4          any string      11100000 + 8   int64    1111nnnn       0 to 12, plus 1
 *
 * Lengths of strings have their high byte first. Source: ziplist.c, Redis 6.
 */
import { writeBigInteger, writeInteger } from "../base/numbers.ts";
import type { ByteView } from "../memory/element.ts";

const HEADER_BYTES = 10;
const END = 255;
const LONG_BEFORE = 254;
const MANY_ITEMS = 65535;
const MAX_DIGITS = 21;

export class ZiplistReader {
  /** Why `open` or `next` returned false. */
  isDamaged = false;
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;
  private lastAt = 0;
  private before = 0;
  private count = 0;
  private shown = 0;
  private itemAt = 0;
  private readonly digits = [new Uint8Array(MAX_DIGITS), new Uint8Array(MAX_DIGITS)];
  private turn = 0;

  /** Goes in front of the first item; false where the header is wrong. */
  open(bytes: Uint8Array, start: number, length: number): boolean {
    this.bytes = bytes;
    this.isDamaged = true;
    if (length <= HEADER_BYTES || word(bytes, start) !== length) return false;
    this.end = start + length - 1;
    if (bytes[this.end] !== END) return false;
    this.lastAt = start + word(bytes, start + 4);
    this.shown = bytes[start + 8] | (bytes[start + 9] << 8);
    this.at = this.itemAt = start + HEADER_BYTES;
    this.before = this.count = 0;
    this.isDamaged = false;
    return true;
  }

  /** Points `view` at the next item, valid until the next but one; false at the end. */
  next(view: ByteView): boolean {
    const { bytes, at } = this;
    if (at === this.end) {
      this.isDamaged = !this.endsWell;
      return false;
    }
    const isLong = bytes[at] === LONG_BEFORE;
    const head = at + (isLong ? 5 : 1);
    this.isDamaged = true;
    // A header that reaches beyond the end makes the whole item end beyond it.
    if (bytes[at] === END || head >= this.end) return false;
    if ((isLong ? word(bytes, at + 1) : bytes[at]) !== this.before) return false;
    const next = this.readItem(head, view);
    if (next < 0 || next > this.end) return false;
    this.isDamaged = false;
    this.itemAt = at;
    this.before = next - at;
    this.at = next;
    this.count++;
    return true;
  }

  private get endsWell(): boolean {
    if (this.shown !== MANY_ITEMS && this.shown !== this.count) return false;
    return this.count === 0 || this.itemAt === this.lastAt;
  }

  /** Points the view at the item; returns the place behind it, or -1 where it is none. */
  private readItem(head: number, view: ByteView): number {
    const { bytes } = this;
    const encoding = bytes[head];
    if (encoding < 0xc0) {
      let size = 1;
      let length = encoding & 63;
      if (encoding >= 0x80) {
        size = 5;
        length = wordFromHigh(bytes, head + 1);
      } else if (encoding >= 0x40) {
        size = 2;
        length = (length << 8) | bytes[head + 1];
      }
      view.set(bytes, head + size, length);
      return head + size + length;
    }
    const size = integerBytes(encoding);
    if (size < 0 || head + 1 + size > this.end) return -1;
    this.turn ^= 1;
    const digits = this.digits[this.turn];
    view.set(digits, 0, writeItem(digits, bytes, head, size));
    return head + 1 + size;
  }
}

/** Bytes of an integer behind its encoding; -1: there is no such one. */
function integerBytes(encoding: number): number {
  switch (encoding) {
    case 0xc0:
      return 2;
    case 0xd0:
      return 4;
    case 0xe0:
      return 8;
    case 0xf0:
      return 3;
    case 0xfe:
      return 1;
    default:
      return encoding > 0xf0 && encoding < 0xfe ? 0 : -1;
  }
}

/** Writes the integer's digits; returns how many. */
function writeItem(target: Uint8Array, bytes: Uint8Array, head: number, size: number): number {
  if (size === 0) return writeInteger(target, 0, (bytes[head] & 15) - 1);
  const at = head + 1;
  if (size === 8) {
    const high = BigInt(word(bytes, at + 4) | 0);
    return writeBigInteger(target, 0, (high << 32n) | BigInt(word(bytes, at)));
  }
  let value = 0;
  for (let i = 0; i < size; i++) value |= bytes[at + i] << (8 * (4 - size + i));
  return writeInteger(target, 0, value >> (8 * (4 - size)));
}

function word(bytes: Uint8Array, at: number): number {
  const value = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  return value >>> 0;
}

function wordFromHigh(bytes: Uint8Array, at: number): number {
  const value = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  return value >>> 0;
}
