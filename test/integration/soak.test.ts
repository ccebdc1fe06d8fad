/**
 * A short soak (`bench/soak/`): everything at once, and no wrong reply, nothing left, no growth.
 * With PEDIS_LONG it takes an hour.
 */
import { expect, test } from "bun:test";
import { problemsOf, type Sample, soak } from "../../bench/soak/soak.ts";
import { seededRandom } from "../support/random.ts";
import { PEDIS } from "../support/server.ts";

const isLong = process.env["PEDIS_LONG"] !== undefined;
const DURATION_MS = isLong ? 3_600_000 : 8_000;
/** In seconds much is still new: code is compiled, tables grow to their size. */
const MOST_GROWTH = isLong ? 1.1 : 1.5;
const DATA_BYTES = 12 * 1024 ** 2;
const SPARE_MS = 180_000;

test(
  "a mixed load leaves memory as it was, and every reply is right",
  async () => {
    const report = await soak({
      program: PEDIS,
      random: seededRandom("soak"),
      durationMs: DURATION_MS,
      requestsPerSecond: 2_500,
      dataBytes: DATA_BYTES,
      sampleEveryMs: isLong ? 1_000 : 200,
    });
    expect(problemsOf(report, MOST_GROWTH)).toEqual([]);
    const last = report.samples.at(-1);
    expectMore(last, "requests", 2_000);
    expectMore(last, "connections", 24);
    expectMore(last, "evicted", 1_000);
    expectMore(last, "expired", 10);
    expect(report.saves).toBeGreaterThan(0);
    expect(report.rewrites).toBeGreaterThan(0);
  },
  DURATION_MS + SPARE_MS,
);

function expectMore(sample: Sample | undefined, field: keyof Sample, least: number): void {
  expect(sample?.[field], field).toBeGreaterThan(least);
}
