/**
 * How many elements a HyperLogLog has seen, from how many of its registers hold each rank: the
 * estimator of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches"
 * (arXiv:1702.01284), section 2.5. The operations and their order are Redis's, so that the
 * rounded results are equal.
 */
import { MAX_RANK, REGISTERS } from "./_hyperloglog-hash.ts";

/** 1 / (2 ln 2). */
const ALPHA = 0.7213475204444817;
const INT64_LIMIT = 2 ** 63;

/**
 * A whole number. Registers that no elements have made can give more than int64 holds: then it
 * is -2^63, as Redis's conversion gives on x86-64.
 */
export function estimate(histogram: Int32Array): number {
  let z = REGISTERS * tau((REGISTERS - histogram[MAX_RANK]) / REGISTERS);
  for (let rank = MAX_RANK - 1; rank >= 1; rank--) {
    z += histogram[rank];
    z *= 0.5;
  }
  z += REGISTERS * sigma(histogram[0] / REGISTERS);
  const cardinality = Math.round((ALPHA * REGISTERS * REGISTERS) / z);
  return cardinality < INT64_LIMIT ? cardinality : -INT64_LIMIT;
}

function sigma(x: number): number {
  if (x === 1) return Infinity;
  let y = 1;
  let z = x;
  let before: number;
  do {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  } while (before !== z);
  return z;
}

function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let y = 1;
  let z = 1 - x;
  let before: number;
  do {
    x = Math.sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  } while (before !== z);
  return z / 3;
}
