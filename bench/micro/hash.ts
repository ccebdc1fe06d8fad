/** The keyed hash of keys, by their length. */
import { hashBytes } from "../../src/base/hash.ts";
import type { Body, MicroBenchmark } from "./benchmark.ts";

const OPERATIONS = 1024;

export const hash: readonly MicroBenchmark[] = [4, 16, 30, 128].map((length) => ({
  name: `${length} bytes`,
  prepare: () => hashRanges(length),
}));

/** Hashes ranges of one array; the expected sum is that of the same ranges, copied out. */
function hashRanges(length: number): Body {
  const bytes = Uint8Array.from({ length: OPERATIONS + length }, (_, i) => (i * 31) & 255);
  let expected = 0;
  for (let start = 0; start < OPERATIONS; start++) {
    expected ^= hashBytes(bytes.slice(start, start + length), 0, length);
  }
  return {
    operations: OPERATIONS,
    expected,
    run() {
      let sum = 0;
      for (let start = 0; start < OPERATIONS; start++) sum ^= hashBytes(bytes, start, length);
      return sum;
    },
  };
}
