/** The database against a Map of keys to texts and times, with a clock of its own. */
import { expect, test } from "bun:test";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import { ManualClock } from "../../../src/base/clock.ts";
import { Random } from "../../../src/base/random.ts";
import { KeyspaceContext } from "../../../src/keyspace/context.ts";
import { KEEP_EXPIRY, NO_EXPIRY } from "../../../src/keyspace/entry-store.ts";
import type { Database } from "../../../src/keyspace/database.ts";
import { ExpiryCycle } from "../../../src/keyspace/expiry.ts";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import { NULL_REF } from "../../../src/memory/arena.ts";
import { wholeExpiryOf } from "../../../src/memory/entry.ts";
import { scale, seededRandom } from "../../support/random.ts";
import { runSlow } from "../../support/expiry-cycles.ts";

const random = seededRandom("database");

function makeKeyspace(): { clock: ManualClock; keyspace: Keyspace; database: Database } {
  const clock = new ManualClock(1_700_000_000_000);
  const keyspace = new Keyspace(new KeyspaceContext(clock, new Random(1)), 2);
  return { clock, keyspace, database: keyspace.database(0) };
}

function store(database: Database, key: string, text: string, expiry: number): void {
  const keyBytes = bytesOf(key);
  const value = bytesOf(text);
  const existing = database.write(keyBytes, 0, keyBytes.length);
  const { length } = keyBytes;
  database.storeString(existing, keyBytes, 0, length, value, 0, value.length, expiry);
}

function read(database: Database, key: string): string | null {
  const bytes = bytesOf(key);
  const ref = database.read(bytes, 0, bytes.length);
  if (ref === NULL_REF) return null;
  const view = database.stringOf(ref);
  return textOf(view.bytes, view.start, view.length);
}

function randomText(): string {
  const kind = random.below(6);
  if (kind === 0) return String(random.below(1000000) - 500000);
  if (kind === 1) return "9".repeat(random.below(22));
  if (kind === 2) return "x".repeat(random.below(40000));
  return "y".repeat(random.below(100));
}

test("random writes, resizes, renames and expiries agree with a Map", () => {
  const { clock, database } = makeKeyspace();
  const model = new Map<string, { text: string; whenMs: number }>();
  const expire = (): void => {
    for (const [key, { whenMs }] of model) {
      if (whenMs !== NO_EXPIRY && whenMs < clock.nowMs) model.delete(key);
    }
  };
  for (let i = 0; i < scale(20000); i++) {
    const key =
      random.below(50) === 0 ? "k".repeat(5000 + random.below(3)) : `k${random.below(300)}`;
    const held = model.get(key);
    const keyBytes = bytesOf(key);
    const choice = random.below(9);
    if (choice < 3) {
      const text = randomText();
      const whenMs = random.below(3) === 0 ? clock.nowMs + 1 + random.below(500) : NO_EXPIRY;
      const keeps = random.below(4) === 0;
      store(database, key, text, keeps ? KEEP_EXPIRY : whenMs);
      model.set(key, { text, whenMs: keeps ? (held?.whenMs ?? NO_EXPIRY) : whenMs });
    } else if (choice === 3 && held !== undefined) {
      const length = random.below(3) === 0 ? random.below(30000) : random.below(200);
      database.resizeString(database.write(keyBytes, 0, keyBytes.length), length);
      held.text = held.text.slice(0, length).padEnd(length, "\0");
    } else if (choice === 4 && held !== undefined) {
      held.whenMs = random.below(2) === 0 ? NO_EXPIRY : clock.nowMs + 1 + random.below(500);
      database.setExpiry(database.write(keyBytes, 0, keyBytes.length), held.whenMs);
    } else if (choice === 5 && held !== undefined) {
      database.remove(database.write(keyBytes, 0, keyBytes.length));
      model.delete(key);
    } else if (choice === 6 && held !== undefined) {
      const other = bytesOf(`renamed${i}`);
      const from = database.write(keyBytes, 0, keyBytes.length);
      database.adopt(database, from, other, 0, other.length, true);
      database.remove(from);
      model.delete(key);
      model.set(`renamed${i}`, held);
    } else {
      expect(read(database, key)).toBe(held?.text ?? null);
    }
    if (random.below(20) === 0) {
      clock.advance(random.below(50));
      expire();
    }
  }
  for (const [key, { text, whenMs }] of model) {
    expect(read(database, key)).toBe(text);
    const bytes = bytesOf(key);
    const ref = database.peek(bytes, 0, bytes.length);
    const stands = database.hasExpiry(ref) ? wholeExpiryOf(database.arena, ref) : NO_EXPIRY;
    expect(stands).toBe(whenMs);
    database.remove(ref);
  }
  clock.advance(1000);
  const cycle = new ExpiryCycle(makeKeyspaceAround(database, clock), clock);
  for (let i = 0; i < 100 && database.size > 0; i++) runSlow(cycle);
  expect(database.size).toBe(0);
  expect(database.expiring).toBe(0);
  expect(database.arena.usedBytes).toBe(0);
  expect(database.arena.objects.count).toBe(0);
});

function makeKeyspaceAround(database: Database, clock: ManualClock): Keyspace {
  const keyspace = new Keyspace(new KeyspaceContext(clock, new Random(1)), 1);
  keyspace.databases[0] = database;
  return keyspace;
}

test("an expired key is never handed out, and its removal is told", () => {
  const { clock, keyspace, database } = makeKeyspace();
  const dropped: string[] = [];
  keyspace.context.onExpire = (_database, bytes, start, length) => {
    dropped.push(textOf(bytes, start, length));
  };
  store(database, "k", "v", clock.nowMs + 10);
  expect(read(database, "k")).toBe("v");
  clock.advance(10);
  expect(read(database, "k")).toBe("v");
  clock.advance(1);
  expect(read(database, "k")).toBeNull();
  expect(dropped).toEqual(["k"]);
  expect(database.size).toBe(0);
});

test("while they must be kept, expired keys are hidden or shown but stay", () => {
  const { clock, keyspace, database } = makeKeyspace();
  store(database, "k", "v", clock.nowMs + 10);
  clock.advance(20);
  keyspace.context.keepsExpired = true;
  expect(read(database, "k")).toBeNull();
  expect(database.size).toBe(1);
  keyspace.context.showsExpired = true;
  expect(read(database, "k")).toBe("v");
});

test("the active cycle finds expired keys among many that stay", () => {
  const { clock, keyspace, database } = makeKeyspace();
  for (let i = 0; i < 20000; i++) {
    store(database, `k${i}`, "v", i % 10 === 0 ? clock.nowMs + 5 : NO_EXPIRY);
  }
  expect(database.expiring).toBe(2000);
  clock.advance(10);
  const cycle = new ExpiryCycle(keyspace, clock);
  for (let i = 0; i < 200 && database.expiring > 0; i++) runSlow(cycle);
  expect(database.expiring).toBe(0);
  expect(database.size).toBe(18000);
});
