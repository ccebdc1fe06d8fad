/**
 * What clients of a cache ask for: an endless trace of key numbers below 2^32, the same in every
 * run. Adding a trace is one row.
 *
 * Popularity follows Zipf's law: of the keys by rank, from 1, each is asked for in proportion to
 * 1 ÷ rank^exponent. Scans ask for keys that nobody asks for twice, a long row of them now and
 * then, between the other accesses.
 */
import { randomFrom } from "../../test/support/random.ts";

export interface Trace {
  readonly name: string;
  readonly title: string;
  readonly keys: number;
  readonly exponent: number;
  readonly scan: Scan | null;
}

interface Scan {
  /** A scan begins after so many accesses. */
  readonly every: number;
  /** Keys of a scan. */
  readonly length: number;
  /** The part of the accesses that a scan makes while it goes on. */
  readonly part: number;
}

export const TRACE_SEED = 20_240_607;
const KEYS = 2_000_000;
const EXPONENT = 0.95;

export const TRACES: readonly Trace[] = [
  { name: "zipf", title: "Zipf's law", keys: KEYS, exponent: EXPONENT, scan: null },
  {
    name: "scans",
    title: "Zipf's law, and scans",
    keys: KEYS,
    exponent: EXPONENT,
    scan: { every: 400_000, length: 150_000, part: 0.75 },
  },
];

/** Gives the next key of the trace with each call. */
export function follow({ keys, exponent, scan }: Trace): () => number {
  const random = randomFrom(TRACE_SEED);
  const uniform = (): number => (random.below(2 ** 32) + 0.5) / 2 ** 32;
  const popular = zipf(keys, exponent, uniform);
  let scanned = keys;
  let accesses = 0;
  let left = 0;
  return () => {
    if (scan !== null && ++accesses % scan.every === 0) left = scan.length;
    if (scan !== null && left > 0 && uniform() < scan.part) {
      left--;
      return scatter(++scanned);
    }
    return scatter(popular());
  };
}

/**
 * Ranks from 1 to `count` after Zipf's law: a point under a continuous curve above the steps of the
 * law is drawn by inverting its integral, and refused where it is above its step (rejection and
 * inversion, after Hörmann and Derflinger, 1996).
 */
export function zipf(count: number, exponent: number, uniform: () => number): () => number {
  const rest = 1 - exponent;
  const integral = (x: number): number => (x ** rest - 1) / rest;
  const inverse = (y: number): number => (1 + y * rest) ** (1 / rest);
  const lowest = integral(1.5) - 1;
  const highest = integral(count + 0.5);
  return () => {
    for (;;) {
      const y = lowest + uniform() * (highest - lowest);
      const rank = Math.min(count, Math.max(1, Math.round(inverse(y))));
      if (y >= integral(rank + 0.5) - rank ** -exponent) return rank;
    }
  };
}

/** Another number for each, so that neighbours in rank are none in anything else. */
export function scatter(value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  value = Math.imul(value ^ (value >>> 15), 0x846ca68b);
  return (value ^ (value >>> 16)) >>> 0;
}
