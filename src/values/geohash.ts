/**
 * Positions on the earth as scores of a sorted set. Longitude (-180 … 180) and latitude (the
 * range of web maps, -85.05112878 … 85.05112878) are each divided into 2^26 cells, whose indices
 * are interleaved, latitude lowest:
 *
 *     score   bit 51                                     bit 0
 *             lon25 lat25 lon24 lat24 … lon1 lat1 lon0 lat0
 *
 * So the points of a square are a range of scores, and a longer common prefix is a smaller square.
 * Where a coordinate is at the very end of its range its index is 2^26 and the score reaches bit
 * 52 or 53; it is then rounded as any number is that becomes a double.
 *
 * A score that no position made is decoded as what its lowest 64 bits say. All arithmetic is in
 * the order of Redis's geohash.c, so that results are equal to the last bit.
 */
import {
  deinterleave,
  interleaveHigh,
  interleaveLow,
  LATITUDE_SPAN,
  LONGITUDE_SPAN,
  MAX_STEP,
  MIN_LATITUDE,
  MIN_LONGITUDE,
  scoreOfWords,
} from "./_geo-cells.ts";

const MAX_LONGITUDE = 180;
const MAX_LATITUDE = 85.05112878;
const CELLS = 2 ** MAX_STEP;
const TWO_32 = 2 ** 32;

/** Whether scores can hold the position. */
export function isPosition(longitude: number, latitude: number): boolean {
  return (
    longitude >= MIN_LONGITUDE &&
    longitude <= MAX_LONGITUDE &&
    latitude >= MIN_LATITUDE &&
    latitude <= MAX_LATITUDE
  );
}

/** The score of a position for which `isPosition` holds. */
export function scoreOfPosition(longitude: number, latitude: number): number {
  const x = ((longitude - MIN_LONGITUDE) / LONGITUDE_SPAN) * CELLS;
  const y = ((latitude - MIN_LATITUDE) / LATITUDE_SPAN) * CELLS;
  return scoreOfWords(interleaveHigh(x, y), interleaveLow(x, y));
}

/** The longitude in the middle of the score's cell. */
export function longitudeOfScore(score: number): number {
  const index = cellIndex(score, 1);
  return middle(index, MIN_LONGITUDE, LONGITUDE_SPAN, MAX_LONGITUDE);
}

/** The latitude in the middle of the score's cell. */
export function latitudeOfScore(score: number): number {
  const index = cellIndex(score, 0);
  return middle(index, MIN_LATITUDE, LATITUDE_SPAN, MAX_LATITUDE);
}

function middle(index: number, min: number, span: number, max: number): number {
  const low = min + (index / CELLS) * span;
  // The next index is a 32-bit one in Redis.
  const high = min + (((index + 1) >>> 0) / CELLS) * span;
  const value = (low + high) / 2;
  return value > max ? max : value < min ? min : value;
}

/** Every second bit of the score as a 64-bit integer, from `firstBit` (0 or 1) on. */
function cellIndex(score: number, firstBit: number): number {
  const whole = Math.trunc(score);
  // Conversions of the processor: out of an int64's range below is -2^63, a uint64's above is 0.
  const inRange = whole < -(2 ** 63) ? -(2 ** 63) : whole >= 2 ** 64 ? 0 : whole;
  const high = Math.floor(inRange / TWO_32);
  const low = inRange - high * TWO_32;
  return deinterleave(high >>> 0, low >>> 0, firstBit);
}

const BASE32 = "0123456789bcdefghjkmnpqrstuvwxyz";
export const GEOHASH_LENGTH = 11;

/**
 * Writes the position as a standard geohash (latitudes -90 … 90) and returns the position after
 * it. 52 bits make ten characters; the eleventh is always "0".
 */
export function writeGeohash(target: Uint8Array, at: number, score: number): number {
  const x = ((longitudeOfScore(score) + 180) / 360) * CELLS;
  const y = ((latitudeOfScore(score) + 90) / 180) * CELLS;
  const high = interleaveHigh(x, y);
  const low = interleaveLow(x, y);
  for (let i = 0; i < GEOHASH_LENGTH - 1; i++) {
    const shift = 47 - i * 5;
    const bits = shift >= 32 ? high >>> (shift - 32) : low >>> shift;
    target[at + i] = BASE32.charCodeAt(bits & 31);
  }
  target[at + GEOHASH_LENGTH - 1] = BASE32.charCodeAt(0);
  return at + GEOHASH_LENGTH;
}
