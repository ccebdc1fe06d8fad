/**
 * The grid behind positions: at step s (1 … 26) each axis has 2^s cells. A cell's number is its
 * two indices with their bits interleaved, latitude in the even bits. Numbers have up to 54 bits
 * (an index may be 2^26), so they are worked on as two unsigned 32-bit words.
 */
export const MAX_STEP = 26;
export const MIN_LONGITUDE = -180;
export const LONGITUDE_SPAN = 360;
export const MIN_LATITUDE = -85.05112878;
export const LATITUDE_SPAN = 85.05112878 - MIN_LATITUDE;

/** The low word of a cell's number; `x` is the index of the longitude. */
export function interleaveLow(x: number, y: number): number {
  return (spread(y & 0xffff) | (spread(x & 0xffff) << 1)) >>> 0;
}

/** The high word of a cell's number. */
export function interleaveHigh(x: number, y: number): number {
  return (spread(y >>> 16) | (spread(x >>> 16) << 1)) >>> 0;
}

/** Puts a zero between the bits of a 16-bit number. */
function spread(bits: number): number {
  let spaced = (bits | (bits << 8)) & 0x00ff00ff;
  spaced = (spaced | (spaced << 4)) & 0x0f0f0f0f;
  spaced = (spaced | (spaced << 2)) & 0x33333333;
  return (spaced | (spaced << 1)) & 0x55555555;
}

/** Every second bit of a number in two words, from `firstBit` (0 or 1) on. */
export function deinterleave(high: number, low: number, firstBit: number): number {
  return ((gather(high >>> firstBit) << 16) | gather(low >>> firstBit)) >>> 0;
}

/** The even bits of a word, side by side. */
function gather(word: number): number {
  let bits = word & 0x55555555;
  bits = (bits | (bits >>> 1)) & 0x33333333;
  bits = (bits | (bits >>> 2)) & 0x0f0f0f0f;
  bits = (bits | (bits >>> 4)) & 0x00ff00ff;
  return (bits | (bits >>> 8)) & 0xffff;
}

/** The double nearest to the number in two words. */
export function scoreOfWords(high: number, low: number): number {
  return high * 2 ** 32 + low;
}

/** The lower edge of a cell, and with `index + 1` its upper edge. */
export function longitudeEdge(index: number, step: number): number {
  return MIN_LONGITUDE + (index / 2 ** step) * LONGITUDE_SPAN;
}

export function latitudeEdge(index: number, step: number): number {
  return MIN_LATITUDE + (index / 2 ** step) * LATITUDE_SPAN;
}

/** The index of the cell that holds the longitude; at 180 degrees one past the last. */
export function longitudeIndex(longitude: number, step: number): number {
  return Math.floor(((longitude - MIN_LONGITUDE) / LONGITUDE_SPAN) * 2 ** step);
}

export function latitudeIndex(latitude: number, step: number): number {
  return Math.floor(((latitude - MIN_LATITUDE) / LATITUDE_SPAN) * 2 ** step);
}

/** The neighbouring index on an axis that ends where it begins; `by` is -1, 0 or 1. */
export function neighbourIndex(index: number, by: number, step: number): number {
  return by === 0 ? index : (index + by) & (2 ** step - 1);
}
