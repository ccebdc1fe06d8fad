/**
 * Zipmaps, the packed form of small hashes before Redis 2.6, pair by pair.
 *
 *     pairs:1 (254 and more: count them) | (field, value, free bytes)… | 255
 *     field    length (1 byte, or 254 and 4 with the low byte first), bytes
 *     value    length, number of free bytes:1, bytes
 *
 * Source: zipmap.c.
 */
import type { ByteView } from "../memory/element.ts";

const LONG = 254;
const END = 255;

export class ZipmapReader {
  /** Why `open` or `next` returned false. */
  isDamaged = false;
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;
  private count = 0;
  private shown = 0;

  open(bytes: Uint8Array, start: number, length: number): boolean {
    this.bytes = bytes;
    this.at = start + 1;
    this.end = start + length - 1;
    this.count = 0;
    this.shown = bytes[start];
    this.isDamaged = length < 2 || bytes[this.end] !== END;
    return !this.isDamaged;
  }

  /** Points the views at the next field and its value; false at the end. */
  next(field: ByteView, value: ByteView): boolean {
    if (this.at === this.end) {
      this.isDamaged = this.shown < LONG && this.shown !== this.count;
      return false;
    }
    this.isDamaged = true;
    if (!this.readString(field, 0) || !this.readString(value, 1)) return false;
    this.isDamaged = false;
    this.count++;
    return true;
  }

  /** Reads a length and, behind `gap` bytes, the first of which counts free ones, the string. */
  private readString(view: ByteView, gap: number): boolean {
    const { bytes, at, end } = this;
    const size = bytes[at] === LONG ? 5 : 1;
    if (bytes[at] === END || at + size + gap > end) return false;
    const from = at + size + gap;
    const length = size === 1 ? bytes[at] : word(bytes, at + 1);
    view.set(bytes, from, length);
    this.at = from + length + (gap === 0 ? 0 : bytes[at + size]);
    return this.at <= end;
  }
}

function word(bytes: Uint8Array, at: number): number {
  const value = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  return value >>> 0;
}
