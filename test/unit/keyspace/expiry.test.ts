/** The active expiry cycle on a clock that moves on by itself whenever it is read. */
import { expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import type { Clock } from "../../../src/base/clock.ts";
import { Random } from "../../../src/base/random.ts";
import { KeyspaceContext } from "../../../src/keyspace/context.ts";
import { type Database } from "../../../src/keyspace/database.ts";
import { NO_EXPIRY } from "../../../src/keyspace/entry-store.ts";
import { ExpiryCycle } from "../../../src/keyspace/expiry.ts";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import { NULL_REF } from "../../../src/memory/arena.ts";
import { runFast, runSlow } from "../../support/expiry-cycles.ts";

const START_MS = 1_700_000_000_000;
const GONE = -10;
const FOREVER = Infinity;

class TickingClock implements Clock {
  nowMs = START_MS;
  stepUs = 0;
  private us = 0;

  refresh(): number {
    return this.nowMs;
  }

  wallUs(): number {
    return this.nowMs * 1000;
  }

  processorUs(): number {
    return this.monotonicUs();
  }

  monotonicUs(): number {
    this.us += this.stepUs;
    return this.us;
  }

  pass(us: number): void {
    this.us += us;
  }
}

function setUp(databases = 1) {
  const clock = new TickingClock();
  const context = new KeyspaceContext(clock, new Random(7));
  const keyspace = new Keyspace(context, databases);
  return { clock, context, keyspace, cycle: new ExpiryCycle(keyspace, clock) };
}

/** Adds `count` keys whose time is `leftMs` from now, or that never expire. */
function fill(database: Database, prefix: string, count: number, leftMs: number): void {
  const value = bytesOf("v");
  for (let i = 0; i < count; i++) {
    const key = bytesOf(`${prefix}${i}`);
    const expiry = leftMs === FOREVER ? NO_EXPIRY : START_MS + leftMs;
    database.write(key, 0, key.length);
    database.storeString(NULL_REF, key, 0, key.length, value, 0, 1, expiry);
  }
}

test("a cycle takes a quarter of its period and more with more effort, then stops", () => {
  const removedBy = (effort: number): number => {
    const { clock, context, keyspace, cycle } = setUp();
    fill(keyspace.database(0), "gone", 100_000, GONE);
    clock.stepUs = 100;
    cycle.effort = effort;
    runSlow(cycle);
    expect(context.expiryCyclesCutShort).toBe(1);
    expect(context.expiryCycleUs).toBeWithin(25_000, 25_000 + effort * 2100);
    return context.expiredKeys;
  };
  const least = removedBy(1);
  const most = removedBy(10);
  // 250 readings of the clock in 25 ms, each after a group of at least 20 keys.
  expect(least).toBeGreaterThan(250 * 20);
  expect(least).toBeLessThan(250 * 100);
  expect(most).toBeGreaterThan(least * 1.5);
});

test("a cycle runs in slices of half a millisecond, until its time is over", () => {
  const { clock, context, keyspace, cycle } = setUp(2);
  for (const database of keyspace.databases) fill(database, "gone", 50_000, GONE);
  clock.stepUs = 50;
  cycle.beginSlow(10);
  let slices = 0;
  for (; cycle.isRunning; slices++) {
    const beforeUs = context.expiryCycleUs;
    cycle.runSlice();
    expect(context.expiryCycleUs - beforeUs).toBeWithin(1, 620);
    // What a slice leaves the next one goes on with, in the same database.
    expect(keyspace.database(1).size).toBe(50_000);
  }
  expect(slices).toBeWithin(40, 51);
  expect(context.expiryCyclesCutShort).toBe(1);
  const { expiredKeys } = context;
  cycle.runSlice();
  expect(context.expiredKeys).toBe(expiredKeys);
  cycle.beginSlow(10);
  cycle.runSlice();
  expect(keyspace.database(1).size).toBeLessThan(50_000);
});

test("a cycle that had too few turns for its slices ends where the next begins", () => {
  const { clock, context, keyspace, cycle } = setUp(2);
  for (const database of keyspace.databases) fill(database, "gone", 50_000, GONE);
  clock.stepUs = 20;
  cycle.beginSlow(10);
  cycle.runSlice();
  expect(context.expiryCyclesCutShort).toBe(0);
  expect(context.expiredStalePercent).toBe(0);
  cycle.beginFast();
  cycle.beginSlow(10);
  expect(context.expiryCyclesCutShort).toBe(1);
  expect(context.expiredStalePercent).toBeCloseTo(5, 5);
  cycle.runSlice();
  expect(keyspace.database(1).size).toBeLessThan(50_000);
});

test("a cycle ends at once where expired keys must stay from now on", () => {
  const { clock, context, keyspace, cycle } = setUp();
  const database = keyspace.database(0);
  fill(database, "gone", 50_000, GONE);
  clock.stepUs = 20;
  cycle.beginSlow(10);
  cycle.runSlice();
  context.keepsExpired = true;
  const { size } = database;
  cycle.runSlice();
  expect(cycle.isRunning).toBe(false);
  expect(database.size).toBe(size);
});

test("cycles finish what one could not, each database in its turn", () => {
  const { clock, context, keyspace, cycle } = setUp(3);
  for (const database of keyspace.databases) fill(database, "gone", 30_000, GONE);
  clock.stepUs = 100;
  runSlow(cycle);
  const [first, second, third] = keyspace.databases;
  expect(first.size).toBeLessThan(30_000);
  expect([second.size, third.size]).toEqual([30_000, 30_000]);
  runSlow(cycle);
  expect(second.size).toBeLessThan(30_000);
  expect(third.size).toBe(30_000);
  let cycles = 2;
  for (; keyspace.keyCount > 0 && cycles < 100; cycles++) runSlow(cycle);
  expect(keyspace.keyCount).toBe(0);
  expect(context.expiredKeys).toBe(90_000);
  expect(context.expiryCyclesCutShort).toBeGreaterThan(5);
});

test("where few of the sampled keys are stale, a cycle leaves it at one group", () => {
  const { keyspace, context, cycle } = setUp();
  const database = keyspace.database(0);
  fill(database, "stays", 100_000, 1000);
  fill(database, "gone", 2000, GONE);
  runSlow(cycle);
  expect(context.expiredKeys).toBeLessThan(50);
  expect(context.expiryCyclesCutShort).toBe(0);
  // The cursor goes on, so that in the end each of them is found.
  for (let i = 0; i < 10_000 && database.size > 100_000; i++) runSlow(cycle);
  expect(database.size).toBe(100_000);
  expect(database.expiring).toBe(100_000);
});

test("keys with an expiry are found among many without", () => {
  const { keyspace, cycle } = setUp();
  const database = keyspace.database(0);
  fill(database, "forever", 200_000, FOREVER);
  fill(database, "gone", 3, GONE);
  for (let i = 0; i < 4; i++) runSlow(cycle);
  expect(database.expiring).toBe(0);
  expect(database.size).toBe(200_000);
});

test("a fast cycle runs only after one that was cut short, and pauses as long as two", () => {
  const { clock, context, keyspace, cycle } = setUp();
  const database = keyspace.database(0);
  fill(database, "stays", 1000, 1000);
  fill(database, "gone", 50, GONE);
  runFast(cycle);
  expect(context.expiredKeys).toBe(0);
  fill(database, "more", 100_000, GONE);
  clock.stepUs = 100;
  runSlow(cycle);
  const afterSlow = context.expiredKeys;
  runFast(cycle);
  const afterFast = context.expiredKeys;
  expect(afterFast).toBeGreaterThan(afterSlow);
  // At most a millisecond: ten readings of the clock.
  expect(afterFast - afterSlow).toBeLessThan(12 * 100);
  runFast(cycle);
  expect(context.expiredKeys).toBe(afterFast);
  clock.pass(2000);
  runFast(cycle);
  expect(context.expiredKeys).toBeGreaterThan(afterFast);
});

test("nothing is removed while it is switched off, or while expired keys must stay", () => {
  const { keyspace, context, cycle } = setUp();
  const database = keyspace.database(0);
  fill(database, "gone", 100, GONE);
  cycle.isEnabled = false;
  runSlow(cycle);
  expect(database.size).toBe(100);
  cycle.isEnabled = true;
  context.keepsExpired = true;
  runSlow(cycle);
  expect(database.size).toBe(100);
  context.keepsExpired = false;
  runSlow(cycle);
  expect(database.size).toBe(0);
});

test("a key lives through the millisecond of its expiry", () => {
  const { clock, keyspace, cycle } = setUp();
  const database = keyspace.database(0);
  fill(database, "k", 10, 5);
  clock.nowMs += 5;
  runSlow(cycle);
  expect(database.size).toBe(10);
  clock.nowMs += 1;
  runSlow(cycle);
  expect(database.size).toBe(0);
});

test("the mean time left and the stale part are estimated from the samples", () => {
  const { clock, keyspace, context, cycle } = setUp();
  const database = keyspace.database(0);
  fill(database, "k", 1000, 60_000);
  runSlow(cycle);
  expect(database.averageTtlMs).toBe(60_000);
  expect(context.expiredStalePercent).toBe(0);
  clock.nowMs += 30_000;
  for (let i = 0; i < 300; i++) runSlow(cycle);
  expect(database.averageTtlMs).toBeWithin(30_000, 31_000);
  clock.nowMs += 60_000;
  runSlow(cycle);
  expect(context.expiredStalePercent).toBeCloseTo(5, 5);
  // A cycle may end a key or two early, where its walk came round the table's end.
  for (let i = 0; i < 5; i++) runSlow(cycle);
  expect(database.size).toBe(0);
  expect(database.averageTtlMs).toBe(0);
});
