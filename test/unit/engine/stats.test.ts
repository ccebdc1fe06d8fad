import { expect, test } from "bun:test";
import { Rate, Stats } from "../../../src/engine/stats.ts";

test("a rate is the mean of the last sixteen samples' growth per second", () => {
  const rate = new Rate();
  let count = 1000;
  let nowMs = 5000;
  rate.sample(count, nowMs);
  expect(rate.perSecond).toBe(0);
  for (let i = 0; i < 16; i++) rate.sample((count += 50), (nowMs += 100));
  expect(rate.perSecond).toBe(500);
  for (let i = 0; i < 8; i++) rate.sample(count, (nowMs += 100));
  expect(rate.perSecond).toBe(250);
  rate.sample(count + 1, nowMs);
  expect(rate.perSecond).toBe(250);
  rate.reset();
  expect(rate.perSecond).toBe(0);
});

test("errors are counted by their code", () => {
  const stats = new Stats();
  const longest = "C".repeat(30);
  const texts = ["ERR a b", "ERR c", "WRONGTYPE Operation", "LONELY", `${longest} x`];
  for (const text of [...texts, `${longest}CC x`]) stats.countError(text);
  expect(stats.errorReplies).toBe(6);
  // Without a space near its beginning a text has no code of its own.
  expect(Object.fromEntries(stats.errorsByCode)).toEqual({ ERR: 4, WRONGTYPE: 1, [longest]: 1 });
});

test("the 129th code ends the counting by codes until the next reset", () => {
  const stats = new Stats();
  const told: number[] = [];
  stats.onTooManyCodes = (codes) => told.push(codes.length);
  for (let i = 0; i < 128; i++) stats.countError(`E${i} x`);
  stats.countError("E0 x");
  expect(stats.errorsByCode.size).toBe(128);
  expect(stats.errorsByCode.get("E0")).toBe(2);
  for (const text of ["NEW x", "NEWER x", "E0 x"]) stats.countError(text);
  expect(Object.fromEntries(stats.errorsByCode)).toEqual({ ERRORSTATS_DISABLED: 1 });
  expect(stats.errorReplies).toBe(132);
  expect(told).toEqual([128]);
  stats.reset();
  stats.countError("NEW x");
  expect(Object.fromEntries(stats.errorsByCode)).toEqual({ NEW: 1 });
});

test("a reset sets everything back, the loop's counters too", () => {
  const stats = new Stats();
  let cycles = 100;
  stats.countLoopCycles = () => cycles;
  stats.commandsProcessed = 5;
  stats.reads = 6;
  stats.countError("ERR x");
  stats.sampleRates(1000);
  cycles = 250;
  stats.sampleRates(2000);
  expect(stats.cycleRate.perSecond).toBeGreaterThan(0);
  expect(stats.loopCycles).toBe(250);
  expect(stats.loopBusyUs).toBeGreaterThan(0);
  stats.reset();
  expect([stats.commandsProcessed, stats.reads, stats.errorReplies]).toEqual([0, 0, 0]);
  expect(stats.errorsByCode.size).toBe(0);
  expect(stats.cycleRate.perSecond).toBe(0);
  expect(stats.loopCycles).toBe(0);
  cycles = 253;
  expect(stats.loopCycles).toBe(3);
});
