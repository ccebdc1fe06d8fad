import { expect, test } from "bun:test";
import { RecentPeak } from "../../../src/engine/recent-peak.ts";

test("the largest value of the last eight seconds counts", () => {
  const peak = new RecentPeak();
  expect(peak.max(100_000)).toBe(0);
  peak.note(5, 100_000);
  peak.note(9, 100_900);
  peak.note(7, 100_999);
  peak.note(3, 104_000);
  expect(peak.max(104_000)).toBe(9);
  expect(peak.max(107_999)).toBe(9);
  expect(peak.max(108_000)).toBe(3);
  // The slot of second 100 is second 108's now.
  peak.note(1, 108_000);
  expect(peak.max(108_000)).toBe(3);
  expect(peak.max(115_000)).toBe(1);
  expect(peak.max(116_000)).toBe(0);
});
