/**
 * Strings as arrays of bits, the most significant bit of the first byte first, as SETBIT,
 * BITCOUNT, BITPOS, BITOP and BITFIELD see them. Bit ranges include both ends.
 */
const SET_BITS = new Uint8Array(256);
for (let byte = 1; byte < 256; byte++) SET_BITS[byte] = SET_BITS[byte >> 1] + (byte & 1);

/** Counts the bits set from bit `first` to bit `last`. */
export function countBits(bytes: Uint8Array, start: number, first: number, last: number): number {
  if (first > last) return 0;
  const firstByte = Math.floor(first / 8);
  const lastByte = Math.floor(last / 8);
  const headMask = 0xff >> (first & 7);
  const tailMask = (0xff << (7 - (last & 7))) & 0xff;
  if (firstByte === lastByte) return SET_BITS[bytes[start + firstByte] & headMask & tailMask];
  let count = SET_BITS[bytes[start + firstByte] & headMask];
  count += SET_BITS[bytes[start + lastByte] & tailMask];
  return count + countBytes(bytes, start + firstByte + 1, start + lastByte);
}

/** The bits set in whole bytes, four at a time: adds up bits in ever wider fields of a word. */
function countBytes(bytes: Uint8Array, from: number, to: number): number {
  let count = 0;
  let at = from;
  for (; at + 4 <= to; at += 4) {
    let word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    word -= (word >>> 1) & 0x55555555;
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
    word = (word + (word >>> 4)) & 0x0f0f0f0f;
    count += Math.imul(word, 0x01010101) >>> 24;
  }
  for (; at < to; at++) count += SET_BITS[bytes[at]];
  return count;
}

/** The first bit from `first` to `last` that is `bit`, or -1. */
export function findBit(
  bytes: Uint8Array,
  start: number,
  first: number,
  last: number,
  bit: number,
): number {
  const blank = bit === 1 ? 0 : 0xff;
  let position = first;
  while (position <= last) {
    const byte = bytes[start + Math.floor(position / 8)];
    if ((position & 7) === 0 && byte === blank) {
      position += 8;
      continue;
    }
    if (((byte >> (7 - (position & 7))) & 1) === bit) return position;
    position++;
  }
  return -1;
}

export type BitOperation = "AND" | "OR" | "XOR" | "NOT";

/**
 * Combines `source`, zero-padded to the length of `into`, with it. Whole words where they can
 * be: `into` must begin on a word boundary of its buffer.
 */
export function combineBits(
  operation: Exclude<BitOperation, "NOT">,
  into: Uint8Array,
  source: Uint8Array,
): void {
  const padded = new Uint8Array(into.length);
  padded.set(source);
  const words = into.length >>> 2;
  const target = new Int32Array(into.buffer, into.byteOffset, words);
  const other = new Int32Array(padded.buffer, 0, words);
  if (operation === "AND") for (let i = 0; i < words; i++) target[i] &= other[i];
  else if (operation === "OR") for (let i = 0; i < words; i++) target[i] |= other[i];
  else for (let i = 0; i < words; i++) target[i] ^= other[i];
  for (let i = words * 4; i < into.length; i++) {
    if (operation === "AND") into[i] &= padded[i];
    else if (operation === "OR") into[i] |= padded[i];
    else into[i] ^= padded[i];
  }
}

export function invertBits(into: Uint8Array): void {
  for (let i = 0; i < into.length; i++) into[i] = ~into[i];
}

/** The unsigned integer in `width` bits from bit `offset`; bits beyond `length` bytes are 0. */
export function readField(
  bytes: Uint8Array,
  start: number,
  length: number,
  offset: number,
  width: number,
): bigint {
  const firstByte = Math.floor(offset / 8);
  const lastByte = Math.floor((offset + width - 1) / 8);
  let value = 0n;
  for (let at = firstByte; at <= lastByte; at++) {
    value = (value << 8n) | BigInt(at < length ? bytes[start + at] : 0);
  }
  const spare = lastByte * 8 + 7 - (offset + width - 1);
  return BigInt.asUintN(width, value >> BigInt(spare));
}

/** Writes the low `width` bits of `value` from bit `offset` on; the bytes must be there. */
export function writeField(
  bytes: Uint8Array,
  start: number,
  offset: number,
  width: number,
  value: bigint,
): void {
  const firstByte = Math.floor(offset / 8);
  const lastByte = Math.floor((offset + width - 1) / 8);
  const spare = BigInt(lastByte * 8 + 7 - (offset + width - 1));
  let kept = 0n;
  for (let at = firstByte; at <= lastByte; at++) kept = (kept << 8n) | BigInt(bytes[start + at]);
  const mask = ((1n << BigInt(width)) - 1n) << spare;
  let whole = (kept & ~mask) | ((BigInt.asUintN(width, value) << spare) & mask);
  for (let at = lastByte; at >= firstByte; at--) {
    bytes[start + at] = Number(whole & 0xffn);
    whole >>= 8n;
  }
}
