/**
 * Where an element falls in a HyperLogLog: MurmurHash64A (Austin Appleby, MurmurHash2) of its
 * bytes, read little-endian. The lowest 14 bits of the hash choose the register; the rank is the
 * place of the lowest bit set among the other 50, from 1 on, 51 where none is.
 *
 * The 64-bit arithmetic is done on two 32-bit halves, since this runs for each element of PFADD
 * (bench/micro/hyperloglog.ts).
 */
const REGISTER_BITS = 14;
export const REGISTERS = 1 << REGISTER_BITS;
const REGISTER_MASK = REGISTERS - 1;
/** Bits of the hash's lower half above the register's number. */
const LOW_RANK_BITS = 32 - REGISTER_BITS;
/** The largest rank that a hash can have. */
export const MAX_RANK = 64 - REGISTER_BITS + 1;

const SEED = 0xadc83b19 | 0;
/** Murmur's multiplier, 0xc6a4a7935bd1e995. */
const HIGH = 0xc6a4a793 | 0;
const LOW = 0x5bd1e995;
const LOW_LOW = LOW & 0xffff;
const LOW_HIGH = LOW >>> 16;

/** The upper 32 bits of `value` (unsigned) times the multiplier's lower half. */
function carryOf(value: number): number {
  const low = value & 0xffff;
  const high = value >>> 16;
  const middle = Math.imul(low, LOW_HIGH);
  const other = Math.imul(high, LOW_LOW);
  const carry = (Math.imul(low, LOW_LOW) >>> 16) + (middle & 0xffff) + (other & 0xffff);
  return Math.imul(high, LOW_HIGH) + (middle >>> 16) + (other >>> 16) + (carry >>> 16);
}

/** The upper half of (high, low) times the multiplier; the lower half is `imul(low, LOW)`. */
function upperProduct(high: number, low: number): number {
  return (carryOf(low) + Math.imul(low, HIGH) + Math.imul(high, LOW)) | 0;
}

/** The element's place: its register in the lower 14 bits, its rank above them. */
export function placeOf(bytes: Uint8Array, start: number, length: number): number {
  let high = upperProduct(0, length);
  let low = Math.imul(length, LOW) ^ SEED;
  const wholeEnd = start + (length & ~7);
  let at = start;
  for (; at < wholeEnd; at += 8) {
    let blockLow = wordAt(bytes, at);
    let blockHigh = upperProduct(wordAt(bytes, at + 4), blockLow);
    blockLow = Math.imul(blockLow, LOW) ^ (blockHigh >>> 15);
    blockHigh = upperProduct(blockHigh, blockLow);
    high ^= blockHigh;
    low ^= Math.imul(blockLow, LOW);
    high = upperProduct(high, low);
    low = Math.imul(low, LOW);
  }
  const rest = length & 7;
  if (rest > 0) {
    for (let i = 0; i < rest; i++) {
      if (i < 4) low ^= bytes[at + i] << (i << 3);
      else high ^= bytes[at + i] << ((i - 4) << 3);
    }
    high = upperProduct(high, low);
    low = Math.imul(low, LOW);
  }
  low ^= high >>> 15;
  high = upperProduct(high, low);
  low = Math.imul(low, LOW) ^ (high >>> 15);
  return makePlace(low & REGISTER_MASK, rankOf(high, low));
}

export const makePlace = (register: number, rank: number): number =>
  (rank << REGISTER_BITS) | register;
export const registerIn = (place: number): number => place & REGISTER_MASK;
export const rankIn = (place: number): number => place >>> REGISTER_BITS;

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

function rankOf(high: number, low: number): number {
  const lower = low >>> REGISTER_BITS;
  if (lower !== 0) return trailingZeros(lower) + 1;
  return high === 0 ? MAX_RANK : LOW_RANK_BITS + trailingZeros(high) + 1;
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}
