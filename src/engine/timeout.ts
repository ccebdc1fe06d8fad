/**
 * How long to block, given in seconds with a fraction, as Redis reads it
 * (getTimeoutFromObjectOrReply, timeout.c of 7.2): any number that strtold knows, in milliseconds
 * rounded up.
 */
import { parseLongDouble } from "../base/long-double.ts";

/** Milliseconds are 64-bit integers: a time-out must end before this moment. */
export const END_OF_TIME_MS = 2 ** 63;
const MINUS = 45;

/** Milliseconds; an infinity where they are too many, NaN where the range is no number. */
export function millisecondsOf(bytes: Uint8Array, start: number, length: number): number {
  const seconds = parseLongDouble(bytes, start, length);
  if (seconds === null) return NaN;
  if (!seconds.finite) return bytes[start] === MINUS ? -Infinity : Infinity;
  const value = Number(seconds.mantissa) * 2 ** seconds.exponent;
  // Less than a double can tell from nothing is still not for ever.
  if (value === 0 && seconds.mantissa > 0n) return 1;
  return Math.ceil(value * 1000);
}
