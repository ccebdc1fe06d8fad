/**
 * Listpacks from outside (files, payloads) before they become values, which trust their bytes:
 * whether one is whole, and its items one after the other.
 *
 * A listpack is taken as it is only where it is also `isCanonical`: every item encoded as our own
 * writer does it, and all counted in the header. Others, which Redis reads but hardly ever writes,
 * are taken item by item. Source: lpValidateIntegrity (listpack.c), which is less strict.
 */
import { hashBytes } from "../base/hash.ts";
import { equalBytes } from "../base/bytes.ts";
import type { ByteView } from "../memory/element.ts";
import {
  backBytes,
  bodyBytes,
  doubleAt,
  EMPTY_LISTPACK_BYTES,
  HEADER_BYTES,
  highWordAt,
  integerBody,
  ItemDigits,
  lowWordAt,
  nextItem,
  readItem,
  readsAsInteger,
  totalBytes,
} from "./_listpack.ts";

const END = 255;
const MANY_ITEMS = 65535;
const MAX_ENCODING = 0xf4;
const STRING_12_BITS = 0xe0;
const STRING_32_BITS = 0xf0;
const INT64 = 0xf4;
const NINE = 57;

export class ListpackReader {
  /** Items, after `open`. */
  count = 0;
  /** Whether there are items that our writer would have encoded otherwise. */
  hasForeignItems = false;
  private isCounted = true;
  /** Where the next item is, in `bytes`. */
  at = 0;
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  length = 0;
  private end = 0;
  /** Two, so that an item outlives the reading of the next one. */
  private readonly digits = [new ItemDigits(), new ItemDigits()];
  private turn = 0;

  /** Checks the whole range and goes to its first item; false where it is no listpack. */
  open(bytes: Uint8Array, start: number, length: number): boolean {
    this.bytes = bytes;
    this.start = start;
    this.length = length;
    this.end = start + length - 1;
    this.at = start + HEADER_BYTES;
    this.count = 0;
    this.hasForeignItems = false;
    this.isCounted = true;
    if (length < EMPTY_LISTPACK_BYTES || totalBytes(bytes, start) !== length) return false;
    if (bytes[this.end] !== END) return false;
    if (!this.checkItems()) return false;
    const shown = bytes[start + 4] | (bytes[start + 5] << 8);
    if (shown !== Math.min(this.count, MANY_ITEMS)) {
      // Too many to be said, which items that were removed may have made untrue.
      if (shown !== MANY_ITEMS) return false;
      this.isCounted = false;
    }
    return true;
  }

  get isCanonical(): boolean {
    return this.isCounted && !this.hasForeignItems;
  }

  /** Goes back to the first item. */
  rewind(): void {
    this.at = this.start + HEADER_BYTES;
  }

  get isAtEnd(): boolean {
    return this.at >= this.end;
  }

  /** Passes over the next item, which is there. */
  skip(): void {
    this.at = nextItem(this.bytes, this.at);
  }

  /** Points `view` at the next item, valid until the next but one; false at the end. */
  next(view: ByteView): boolean {
    if (this.at >= this.end) return false;
    this.readAt(this.at, view);
    this.at = nextItem(this.bytes, this.at);
    return true;
  }

  /** Points `view` at the item at a place where `at` was; as valid as by `next`. */
  readAt(at: number, view: ByteView): void {
    this.turn ^= 1;
    readItem(this.bytes, at, view, this.digits[this.turn]);
  }

  /** The next item as a score, which is there; NaN where it is none that a sorted set can keep. */
  nextScore(): number {
    const { bytes, at } = this;
    this.at = nextItem(bytes, at);
    const isLongString = bytes[at] >= STRING_12_BITS && bytes[at] <= STRING_32_BITS;
    return isLongString ? NaN : doubleAt(bytes, at);
  }

  /**
   * Whether any two of every `step`-th item are equal. Only of a canonical listpack, where equal
   * strings are equal items.
   */
  hasRepeats(step: number): boolean {
    return hasRepeats(this.bytes, this.start + HEADER_BYTES, this.end, this.count / step, step);
  }

  /** Counts the items; false where one is damaged. Most are short, and so done in here. */
  private checkItems(): boolean {
    const { bytes, end } = this;
    let count = 0;
    let at = this.at;
    while (at < end) {
      const first = bytes[at];
      if (first < 0x80) {
        if (bytes[at + 1] !== 1) return false;
        at += 2;
      } else if (first < 0xc0) {
        const body = first - 0x7f;
        const back = at + body;
        if (back >= end || bytes[back] !== body) return false;
        if (bytes[at + 1] <= NINE && readsAsInteger(bytes, at + 1, body - 1)) {
          this.hasForeignItems = true;
        }
        at = back + 1;
      } else {
        at = this.check(at);
        if (at < 0) return false;
      }
      count++;
    }
    this.count = count;
    return at === end;
  }

  /** The item behind the one at `at`, which is none of the short ones; -1 where it is damaged. */
  private check(at: number): number {
    const { bytes, end } = this;
    const first = bytes[at];
    if (first > MAX_ENCODING) return -1;
    // A length of 12 bits takes two bytes and one of 32 bits five.
    if (at + (first === STRING_32_BITS ? 5 : 2) > end) return -1;
    const body = bodyBytes(bytes, at);
    const size = backBytes(body);
    if (at + body + size > end) return -1;
    if (!isBackLength(bytes, at + body, body, size)) return -1;
    this.hasForeignItems ||= !isCanonicalItem(bytes, at, body);
    return at + body + size;
  }
}

function isBackLength(bytes: Uint8Array, at: number, body: number, size: number): boolean {
  let rest = body;
  for (let i = size - 1; i > 0; i--) {
    if (bytes[at + i] !== ((rest & 127) | 128)) return false;
    rest = Math.floor(rest / 128);
  }
  return bytes[at] === rest;
}

function isCanonicalItem(bytes: Uint8Array, at: number, body: number): boolean {
  const first = bytes[at];
  if (first >= STRING_12_BITS && first < STRING_32_BITS) {
    return body - 2 >= 64 && !readsAsInteger(bytes, at + 2, body - 2);
  }
  if (first === STRING_32_BITS) return body - 5 >= 4096;
  if (first !== INT64) return body === integerBody(lowWordAt(bytes, at));
  return highWordAt(bytes, at) !== (lowWordAt(bytes, at) | 0) >> 31;
}

/** Places of items by hash, each one more than it is, so that 0 is none. */
let places = new Int32Array(1024);
const KEPT_PLACES = 65536;
/** Up to so many items are compared with each other, by some of their bytes first. */
const FEW_ITEMS = 32;
const samples = new Int32Array(FEW_ITEMS);
const itemsAt = new Int32Array(FEW_ITEMS);

/** As `hasRepeats` of the reader, for the `count` items at every `step`-th place. */
export function hasRepeats(
  bytes: Uint8Array,
  from: number,
  end: number,
  count: number,
  step: number,
): boolean {
  if (count <= FEW_ITEMS) return hasRepeatsAmongFew(bytes, from, end, step);
  const size = 2 ** Math.ceil(Math.log2(count * 2));
  if (places.length < size || places.length > KEPT_PLACES) places = new Int32Array(size);
  else places.fill(0, 0, size);
  for (let at = from; at < end;) {
    const next = nextItem(bytes, at);
    let slot = hashBytes(bytes, at, next - at) & (size - 1);
    while (places[slot] !== 0) {
      if (isSameItem(bytes, places[slot] - 1 + from, at, next - at)) return true;
      slot = (slot + 1) & (size - 1);
    }
    places[slot] = at - from + 1;
    at = next;
    for (let i = 1; i < step; i++) at = nextItem(bytes, at);
  }
  return false;
}

function hasRepeatsAmongFew(bytes: Uint8Array, from: number, end: number, step: number): boolean {
  let count = 0;
  for (let at = from; at < end;) {
    const next = nextItem(bytes, at);
    const sample = sampleOf(bytes, at, next - at);
    for (let i = 0; i < count; i++) {
      if (samples[i] === sample && isSameItem(bytes, itemsAt[i], at, next - at)) return true;
    }
    samples[count] = sample;
    itemsAt[count++] = at;
    at = next;
    for (let i = 1; i < step; i++) at = nextItem(bytes, at);
  }
  return false;
}

/** Bytes in which items of a collection mostly differ: what says the length, and the last ones. */
function sampleOf(bytes: Uint8Array, at: number, size: number): number {
  const last = at + size - 2;
  const before = size > 2 ? last - 1 : at;
  return bytes[at] | (bytes[last] << 8) | (bytes[before] << 16) | (bytes[at + (size >>> 1)] << 24);
}

/** Whether the two items, the second of which takes `size` bytes, are equal. */
function isSameItem(bytes: Uint8Array, a: number, b: number, size: number): boolean {
  // Encodings tell how long an item is: where all of these bytes are equal, so are the lengths.
  return bytes[a] === bytes[b] && equalBytes(bytes, a, bytes, b, size);
}
