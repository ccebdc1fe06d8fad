/**
 * How coordinates and distances are written for clients.
 *
 * - A coordinate as printf's "%.17Lf" without trailing zeros. Those that a score decodes to are
 *   multiples of 2^-49 (both ends of a latitude's cell are multiples of 2^-48, a longitude's of
 *   2^-23), so a digit is a multiplication by ten of which no bit is lost.
 * - A distance with four digits after the point, half to even.
 */
import { assert } from "../base/assert.ts";
import { bytesOf, copyBytes } from "../base/bytes.ts";
import { writeInteger } from "../base/numbers.ts";

const ZERO = 48;
const MINUS = 45;
const POINT = 46;
const FRACTION_DIGITS = 17;
/** Enough for what either function writes. */
export const MAX_GEO_TEXT_BYTES = 32;

/** What Redis writes for a distance that is not a number: the least int64, shifted. */
const NO_DISTANCE = bytesOf("-922337203685477.5808");
const DISTANCE_SCALE = 10_000;
const MAX_DISTANCE = 2 ** 53 / DISTANCE_SCALE;

/** Writes a coordinate of a score (geohash.ts) and returns the position after it. */
export function writeCoordinate(target: Uint8Array, at: number, coordinate: number): number {
  const magnitude = Math.abs(coordinate);
  let whole = Math.floor(magnitude);
  let fraction = magnitude - whole;
  assert(Number.isInteger(fraction * 2 ** 49), "a coordinate is a multiple of 2^-49");
  const start = coordinate < 0 ? at + 1 : at;
  if (coordinate < 0) target[at] = MINUS;
  const pointAt = writeInteger(target, start, whole);
  if (fraction === 0) return pointAt;
  target[pointAt] = POINT;
  let end = pointAt + 1;
  for (const last = end + FRACTION_DIGITS; end < last && fraction > 0; end++) {
    fraction *= 10;
    whole = Math.floor(fraction);
    fraction -= whole;
    target[end] = ZERO + whole;
  }
  if (fraction > 0.5 || (fraction === 0.5 && (whole & 1) === 1)) roundUp(target, end - 1);
  while (target[end - 1] === ZERO) end--;
  return end;
}

/**
 * Adds one to the last digit. The carry ends before the point: the digits before it are all nines
 * only where the fraction is nearer to 1 than 2^-49.
 */
function roundUp(target: Uint8Array, last: number): void {
  let at = last;
  while (target[at] === ZERO + 9) target[at--] = ZERO;
  target[at]++;
}

/** Writes a distance that is not negative (or NaN) and returns the position after it. */
export function writeDistance(target: Uint8Array, at: number, distance: number): number {
  if (!(distance < MAX_DISTANCE)) {
    copyBytes(target, at, NO_DISTANCE, 0, NO_DISTANCE.length);
    return at + NO_DISTANCE.length;
  }
  const scaled = roundHalfEven(distance * DISTANCE_SCALE);
  const whole = Math.floor(scaled / DISTANCE_SCALE);
  const fraction = scaled - whole * DISTANCE_SCALE;
  const pointAt = writeInteger(target, at, whole);
  target[pointAt] = POINT;
  target[pointAt + 1] = ZERO + Math.floor(fraction / 1000);
  target[pointAt + 2] = ZERO + (Math.floor(fraction / 100) % 10);
  target[pointAt + 3] = ZERO + (Math.floor(fraction / 10) % 10);
  target[pointAt + 4] = ZERO + (fraction % 10);
  return pointAt + 5;
}

function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
