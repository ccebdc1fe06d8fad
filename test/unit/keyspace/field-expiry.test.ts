/** The active expiry of fields on a clock that moves on by itself whenever it is read. */
import { expect, test } from "bun:test";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import type { Clock } from "../../../src/base/clock.ts";
import { Random } from "../../../src/base/random.ts";
import { KeyspaceContext } from "../../../src/keyspace/context.ts";
import { NO_EXPIRY } from "../../../src/keyspace/entry-store.ts";
import { FieldExpiryCycle } from "../../../src/keyspace/field-expiry.ts";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import { OpenValue } from "../../../src/keyspace/open-value.ts";
import { NULL_REF } from "../../../src/memory/arena.ts";
import { TYPE_HASH } from "../../../src/memory/entry.ts";
import { HashValue } from "../../../src/values/hash.ts";
import { runFast, runSlow } from "../../support/expiry-cycles.ts";

const START_MS = 1_700_000_000_000;
const VALUE = bytesOf("v");

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

class Fixture {
  readonly clock = new TickingClock();
  readonly context = new KeyspaceContext(this.clock, new Random(7));
  readonly keyspace = new Keyspace(this.context, 3);
  readonly cycle = new FieldExpiryCycle(this.keyspace, this.clock);
  /** What left, as `0 key: fields`, and `!` behind what left no hash. */
  readonly dropped: string[] = [];
  private readonly home = new OpenValue(TYPE_HASH, this.context);
  private readonly hash = new HashValue(this.home, { maxEntries: 9, maxValueBytes: 9 });

  constructor() {
    this.context.onFieldsDrop = (database, key, fields, isEmpty) => {
      const left = fields.map((field) => textOf(field)).join(" ");
      this.dropped.push(`${database.index} ${textOf(key)}: ${left}${isEmpty ? "!" : ""}`);
    };
  }

  open(index: number, name: string): HashValue {
    const database = this.keyspace.database(index);
    const key = bytesOf(name);
    this.home.open(database, database.write(key, 0, key.length), key, 0, key.length);
    return this.hash.opened(this.clock.nowMs);
  }

  /** Adds fields that expire `leftMs` from the start, or never. */
  fill(index: number, key: string, fields: readonly string[], leftMs: number | null): void {
    const hash = this.open(index, key);
    for (const name of fields) {
      const field = bytesOf(name);
      hash.set(field, 0, field.length, VALUE, 0, VALUE.length);
      if (leftMs !== null) hash.setExpiry(field, 0, field.length, START_MS + leftMs);
    }
  }

  get expired(): number {
    return this.context.expiredFields;
  }
}

function names(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `f${i}`);
}

test("what is due leaves, in every database", () => {
  const fixture = new Fixture();
  fixture.fill(0, "later", ["a"], 2);
  fixture.fill(0, "never", ["a"], null);
  fixture.fill(0, "sooner", ["b", "c"], 1);
  fixture.fill(0, "sooner", ["stays"], null);
  fixture.fill(2, "other", ["d"], 1);
  fixture.fill(2, "future", ["e"], 3);
  runSlow(fixture.cycle);
  fixture.clock.nowMs += 1;
  runSlow(fixture.cycle);
  expect(fixture.dropped).toEqual([]);
  const { mutations } = fixture.context;
  fixture.clock.nowMs += 2;
  runSlow(fixture.cycle);
  expect(fixture.dropped.toSorted()).toEqual(["0 later: a!", "0 sooner: c b", "2 other: d!"]);
  // No command did it.
  expect(fixture.context.mutations).toBe(mutations);
  expect(fixture.keyspace.database(0).expiringHashes?.size).toBe(0);
  expect(fixture.keyspace.database(2).expiringHashes?.firstMs).toBe(START_MS + 3);
});

test("a large hash goes in slices: a quarter of the period, then short ones between turns", () => {
  const fixture = new Fixture();
  const { clock, cycle, context } = fixture;
  const count = 64 * 1000;
  fixture.fill(0, "h", names(count), 1);
  clock.nowMs += 10;
  clock.stepUs = 100;
  runFast(cycle);
  expect(fixture.expired).toBe(0);
  runSlow(cycle);
  // A step per 100 µs, but for the readings between slices.
  const afterSlow = fixture.expired;
  expect(afterSlow).toBeWithin(64 * 200, 64 * 251);
  expect(context.expiryCycleUs).toBeWithin(25_000, 25_400);
  runFast(cycle);
  const afterFast = fixture.expired;
  expect(afterFast).toBeWithin(afterSlow + 64, afterSlow + 64 * 12);
  runFast(cycle);
  expect(fixture.expired).toBe(afterFast);
  clock.pass(2000);
  runFast(cycle);
  expect(fixture.expired).toBeGreaterThan(afterFast);
  for (let i = 0; i < 5; i++) runSlow(cycle);
  expect(fixture.expired).toBe(count);
  expect(fixture.keyspace.keyCount).toBe(0);
  expect(fixture.dropped.at(-1)).toEndWith("!");
  // Nothing is left that a fast cycle would go on with.
  fixture.fill(0, "h", ["a"], 1);
  clock.nowMs += 10;
  clock.pass(2000);
  runFast(cycle);
  expect(fixture.expired).toBe(count);
});

test("nothing leaves while it is switched off or what has expired is kept", () => {
  const fixture = new Fixture();
  const { cycle, context, clock } = fixture;
  fixture.fill(0, "h", ["a"], 1);
  clock.nowMs += 10;
  cycle.isEnabled = false;
  runSlow(cycle);
  cycle.isEnabled = true;
  context.keepsExpired = true;
  runSlow(cycle);
  expect(fixture.open(0, "h").find(bytesOf("a"), 0, 1)).toBe(false);
  expect(fixture.open(0, "h").size).toBe(1);
  context.keepsExpired = false;
  runSlow(cycle);
  expect(fixture.dropped).toEqual(["0 h: a!"]);
});

test("a hash whose own time has come goes as a key", () => {
  const fixture = new Fixture();
  const database = fixture.keyspace.database(0);
  const keysDropped: string[] = [];
  fixture.context.onExpire = (_database, bytes, start, length) => {
    keysDropped.push(textOf(bytes, start, length));
  };
  fixture.fill(0, "h", ["a", "b"], 5);
  const key = bytesOf("h");
  database.setExpiry(database.write(key, 0, 1), START_MS + 1);
  fixture.clock.nowMs += 10;
  runSlow(fixture.cycle);
  expect(keysDropped).toEqual(["h"]);
  expect(fixture.dropped).toEqual([]);
  expect(database.expiringHashes?.size).toBe(0);
});

test("all memory comes back", () => {
  const fixture = new Fixture();
  const database = fixture.keyspace.database(0);
  fixture.fill(0, "h", names(5000), 1);
  fixture.fill(0, "other", names(10), 1);
  fixture.fill(0, "k".repeat(5000), ["f".repeat(5000)], 1);
  const text = bytesOf("overwritten");
  fixture.fill(0, "overwritten", names(200), 1);
  const ref = database.write(text, 0, text.length);
  database.storeString(ref, text, 0, text.length, VALUE, 0, 1, NO_EXPIRY);
  expect(database.expiringHashes?.size).toBe(3);
  database.remove(database.write(text, 0, text.length));
  fixture.clock.nowMs += 10;
  runSlow(fixture.cycle);
  const { reclaimer } = fixture.context;
  while (!reclaimer.isEmpty) reclaimer.run(1000);
  expect(database.peek(text, 0, text.length)).toBe(NULL_REF);
  expect(database.arena.usedBytes).toBe(0);
  expect(database.arena.objects.count).toBe(0);
  // The index keeps its smallest table.
  expect(database.arena.objects.sizeBytes).toBeLessThan(2000);
  database.clear();
  expect(database.arena.objects.sizeBytes).toBe(0);
});
