import { expect, test } from "bun:test";
import { LatencyHistogram } from "../../../src/engine/latency-histogram.ts";
import { Random } from "../../../src/base/random.ts";

/** Sixteen buckets to each doubling: the end of a bucket is at most so much above its values. */
const WIDEST = 1 + 1 / 16;

test("percentiles are those of the sorted durations, at most a bucket above", () => {
  const random = new Random(7);
  const histogram = new LatencyHistogram();
  const durations: number[] = [];
  for (let i = 0; i < 2000; i++) {
    const durationNs = Math.floor(2 ** (random.fraction() * 33));
    durations.push(durationNs);
    histogram.record(durationNs, 1);
  }
  durations.sort((a, b) => a - b);
  for (const percent of [0, 1, 25, 50, 90, 99, 99.9, 100]) {
    const exact = durations[Math.max(1, Math.ceil((percent / 100) * durations.length)) - 1];
    const told = histogram.percentileNs(percent);
    expect(told).toBeGreaterThanOrEqual(Math.floor(exact));
    expect(told).toBeLessThanOrEqual(exact * WIDEST + 1);
  }
  expect(histogram.total).toBe(2000);
});

test("counts up to a power of two are exact", () => {
  const histogram = new LatencyHistogram();
  histogram.record(500, 2);
  histogram.record(1500, 3);
  histogram.record(5000, 4);
  expect([1024, 2048, 4096, 8192].map((limitNs) => histogram.countWithin(limitNs))).toEqual([
    2, 5, 5, 9,
  ]);
});

test("what is shorter than a nanosecond or longer than the range is counted at its ends", () => {
  const histogram = new LatencyHistogram();
  histogram.record(0, 1);
  histogram.record(1e15, 1);
  expect(histogram.percentileNs(0)).toBeLessThanOrEqual(1);
  expect(histogram.percentileNs(100)).toBeGreaterThan(1.6e10);
  expect(histogram.countWithin(2 ** 40)).toBe(2);
});

test("an empty histogram has no percentile", () => {
  expect(new LatencyHistogram().percentileNs(50)).toBe(0);
});
