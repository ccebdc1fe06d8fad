/** A sort of some ranks beside a sort of all; which equal element comes first is Redis's affair. */
import { expect, test } from "bun:test";
import { sortRanks } from "../../../src/base/partial-sort.ts";
import { scale, seededRandom } from "../../support/random.ts";

const random = seededRandom("partial sort");

test("the wanted ranks hold what a full sort puts there", () => {
  for (let i = 0; i < scale(3000); i++) {
    const count = random.pick([1, 2, 6, 7, 8, 40, 41, 100, 1000] as const);
    const limit = random.pick([1, 3, 20, 1e6] as const);
    const keys = Array.from({ length: count }, () => random.below(limit));
    const items = Int32Array.from(keys.keys());
    const first = random.below(count);
    const last = random.between(first, count - 1);
    sortRanks(items, count, first, last, (a, b) => keys[a] - keys[b]);
    const sorted = keys.toSorted((a, b) => a - b);
    const found = Array.from(items.subarray(first, last + 1), (item) => keys[item]);
    expect(found).toEqual(sorted.slice(first, last + 1));
    expect(items.toSorted()).toEqual(Int32Array.from(keys.keys()));
  }
});

test("ranks that are not wanted are left alone", () => {
  const count = 10_000;
  let comparisons = 0;
  const items = Int32Array.from({ length: count }, (_, i) => (i * 7919) % count);
  sortRanks(items, count, 0, 9, (a, b) => {
    comparisons++;
    return a - b;
  });
  expect(Array.from(items.subarray(0, 10))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(comparisons).toBeLessThan(4 * count);
});

test("items behind the count are not touched", () => {
  const items = Int32Array.of(3, 1, 2, 0);
  sortRanks(items, 3, 0, 2, (a, b) => a - b);
  expect(Array.from(items)).toEqual([1, 2, 3, 0]);
});
