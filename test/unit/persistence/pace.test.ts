import { expect, test } from "bun:test";
import { Pace } from "../../../src/persistence/_pace.ts";

/** Runs turns of so many microseconds until a second has passed; the part that slices took. */
function shareOfSlices(turnUs: number, isBusy: (turn: number) => boolean): number {
  const pace = new Pace(0);
  let nowUs = 0;
  let takenUs = 0;
  for (let turn = 0; nowUs < 1_000_000; turn++) {
    nowUs += turnUs;
    const sliceUs = pace.sliceUs(nowUs, isBusy(turn) ? turnUs : 0);
    if (sliceUs === 0) continue;
    expect(sliceUs).toBeLessThanOrEqual(1500);
    nowUs += sliceUs;
    takenUs += sliceUs;
    pace.sliceEnded(nowUs);
  }
  return takenUs / nowUs;
}

test.each([20, 100, 700, 3000])(
  "a busy server with turns of %i µs keeps most of its time",
  (us) => {
    const share = shareOfSlices(us, () => true);
    expect(share).toBeGreaterThan(0.14);
    expect(share).toBeLessThan(0.18);
  },
);

test("an idle server gives nearly all of its time", () => {
  expect(shareOfSlices(15, () => false)).toBeGreaterThan(0.94);
});

test("a server that is asked now and then gives what is not needed, in short slices", () => {
  const share = shareOfSlices(50, (turn) => turn % 4 === 0);
  expect(share).toBeGreaterThan(0.35);
  expect(share).toBeLessThan(0.6);
});

test("what was earned is not hoarded", () => {
  const pace = new Pace(0);
  expect(pace.sliceUs(10_000_000, Infinity)).toBe(1500);
  expect(pace.sliceUs(20_000_000, 0)).toBe(300);
});

test("the first slice of an idle server does not wait for the clock", () => {
  expect(new Pace(5).sliceUs(5, 0)).toBeGreaterThan(0);
});

test("a slice that took longer than it was given is paid back", () => {
  const pace = new Pace(0);
  expect(pace.sliceUs(6000, Infinity)).toBe(1000);
  pace.sliceEnded(6000 + 5000);
  expect(pace.sliceUs(11_000 + 6000, Infinity)).toBe(0);
});
