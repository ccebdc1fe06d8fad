/** The two sorts of indices against Array.prototype.sort, which is stable. */
import { describe, expect, test } from "bun:test";
import { sortStable } from "../../../src/base/merge-sort.ts";
import { sortRanks } from "../../../src/base/partial-sort.ts";
import { seededRandom } from "../../support/random.ts";

const random = seededRandom("sorting");

const LENGTHS = [0, 1, 2, 7, 8, 9, 15, 16, 17, 40, 41, 100, 1000, 4097];
const SHAPES = ["few keys", "many keys", "rising", "falling", "organ pipe"] as const;

function keysOf(shape: (typeof SHAPES)[number], length: number): Float64Array {
  const key = (i: number): number => {
    if (shape === "few keys") return random.below(4);
    if (shape === "many keys") return random.below(1e6);
    if (shape === "organ pipe") return Math.min(i, length - i);
    return shape === "rising" ? i : -i;
  };
  return Float64Array.from({ length }, (_, i) => key(i));
}

const indices = (length: number) => Int32Array.from({ length }, (_, i) => i);

describe.each(SHAPES)("%s", (shape) => {
  test.each(LENGTHS)("%d elements", (length) => {
    const keys = keysOf(shape, length);
    const compare = (a: number, b: number) => keys[a] - keys[b];
    const expected = [...indices(length)].toSorted(compare);

    const stable = indices(length + 3);
    sortStable(stable, length, compare);
    expect([...stable.subarray(0, length)]).toEqual(expected);
    expect([...stable.subarray(length)]).toEqual([length, length + 1, length + 2]);

    const first = random.below(length);
    const last = first + random.below(length - first);
    const partial = indices(length);
    sortRanks(partial, length, first, last, compare);
    const keysBetween = (order: Iterable<number>) =>
      Array.from(order, (index) => keys[index]).slice(first, last + 1);
    expect(keysBetween(partial)).toEqual(keysBetween(expected));
    expect(partial.toSorted()).toEqual(indices(length));
  });
});

/**
 * McIlroy's adversary ("A Killer Adversary for Quicksort", 1999): it decides what the keys are
 * while it is asked, so that each pivot splits off next to nothing.
 */
test.each([1, -1])("however poor the pivots, calls do not nest deeply (%d)", (sign) => {
  const count = 4000;
  const OPEN = Number.MAX_VALUE;
  const keys = new Float64Array(count).fill(OPEN);
  let decided = 0;
  let candidate = 0;
  let comparisons = 0;
  let deepest = 0;
  const compare = (a: number, b: number): number => {
    if (++comparisons % 5000 === 0) deepest = Math.max(deepest, framesHere());
    if (keys[a] === OPEN && keys[b] === OPEN) keys[a === candidate ? a : b] = decided++;
    if (keys[a] === OPEN) candidate = a;
    else if (keys[b] === OPEN) candidate = b;
    return sign * Math.sign(keys[a] - keys[b]);
  };
  const items = indices(count);
  sortRanks(items, count, 0, count - 1, compare);
  // The adversary has worked: a good split at each step takes about 50,000.
  expect(comparisons).toBeGreaterThan(1_000_000);
  expect(deepest).toBeLessThan(50);
});

function framesHere(): number {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = Infinity;
  const frames = new Error().stack?.split("\n").length ?? 0;
  Error.stackTraceLimit = stackTraceLimit;
  return frames;
}
