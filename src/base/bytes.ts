/**
 * Bytes stay bytes: every text that arrives from a client is handled as a range
 * (buffer, start, length) and never becomes a JS string on the path of a request.
 * A JS string in here is always Latin-1: one code unit is one byte.
 */

/**
 * Up to this many bytes a plain loop, at 1 ns each, is fastest. Beyond, Buffer's copy takes 40 ns
 * where `set(subarray())`, which makes a view, takes 100 and leaves garbage.
 */
const LOOP_COPY_LIMIT = 32;
/** Of any Uint8Array, as it asks for no more. */
const { copy: copyNatively } = Buffer.prototype as {
  copy: (this: Uint8Array, target: Uint8Array, to: number, from: number, end: number) => number;
};

export const EMPTY_BYTES = new Uint8Array(0);

/** Copies `length` bytes; the ranges must not overlap unless `to <= from`. */
export function copyBytes(
  target: Uint8Array,
  to: number,
  source: Uint8Array,
  from: number,
  length: number,
): void {
  if (length <= LOOP_COPY_LIMIT) {
    for (let i = 0; i < length; i++) target[to + i] = source[from + i];
  } else {
    copyNatively.call(source, target, to, from, from + length);
  }
}

/**
 * The same from a view, by words where the target is aligned: half the time of `copyBytes`, for
 * those who have a view of the source at hand. `words` and `bytes` are of the same buffer.
 */
export function copyFromView(
  words: Int32Array,
  bytes: Uint8Array,
  to: number,
  source: DataView,
  from: number,
  length: number,
): void {
  const lead = Math.min(-to & 3, length);
  const last = length - 4;
  let i = 0;
  for (; i < lead; i++) bytes[to + i] = source.getUint8(from + i);
  for (; i <= last; i += 4) words[(to + i) >> 2] = source.getInt32(from + i, true);
  for (; i < length; i++) bytes[to + i] = source.getUint8(from + i);
}

export function equalBytes(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}

/** memcmp order, the shorter of two equal prefixes first. Negative, zero or positive. */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aLength: number,
  b: Uint8Array,
  bStart: number,
  bLength: number,
): number {
  const shared = aLength < bLength ? aLength : bLength;
  for (let i = 0; i < shared; i++) {
    const difference = a[aStart + i] - b[bStart + i];
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}

/** ASCII case-insensitive comparison of a range with a word given in upper case. */
export function equalsWord(
  bytes: Uint8Array,
  start: number,
  length: number,
  upperWord: string,
): boolean {
  if (length !== upperWord.length) return false;
  for (let i = 0; i < length; i++) {
    let byte = bytes[start + i];
    if (byte >= 97 && byte <= 122) byte -= 32;
    if (byte !== upperWord.charCodeAt(i)) return false;
  }
  return true;
}

/** A Latin-1 string's bytes. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The range as a Latin-1 string. */
export function textOf(bytes: Uint8Array, start = 0, length = bytes.length - start): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString("latin1");
}

/**
 * The buffer, or a larger copy of it with room for `needed` bytes: twice the size where that is
 * not above `mostBytes`.
 */
export function withRoom(
  buffer: Uint8Array,
  used: number,
  needed: number,
  mostBytes = Infinity,
): Uint8Array {
  if (needed <= buffer.length) return buffer;
  const grown = new Uint8Array(Math.max(needed, Math.min(buffer.length * 2, mostBytes)));
  grown.set(buffer.subarray(0, used));
  return grown;
}

/** A copy of a range in a buffer that serves many copies, one after the other. */
export class ByteCopy {
  bytes: Uint8Array = new Uint8Array(64);
  length = 0;

  set(source: Uint8Array, start: number, length: number): void {
    if (length > this.bytes.length || this.bytes.length > KEPT_COPY_BYTES) {
      this.bytes = new Uint8Array(Math.max(64, length));
    }
    copyBytes(this.bytes, 0, source, start, length);
    this.length = length;
  }
}

const KEPT_COPY_BYTES = 65536;
