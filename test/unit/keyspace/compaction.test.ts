import { expect, test } from "bun:test";
import { Compaction } from "../../../src/keyspace/compaction.ts";
import { LocalEngine } from "../../support/local-engine.ts";

const KEYS = 400_000;

test("what a random nine tenths of the keys took is given back", () => {
  const local = new LocalEngine();
  const { context, keyspace } = local.engine;
  const database = local.database(0);
  const key = new Uint8Array(16);
  for (let i = 0; i < KEYS; i++) {
    nameOf(i, key);
    const ref = database.write(key, 0, 16);
    database.storeString(ref, key, 0, 16, new Uint8Array(60).fill(97), 0, 60, -1);
  }
  const full = keyspace.touchedBytes;
  for (let i = 0; i < KEYS; i++) {
    if (i % 10 === 0) continue;
    nameOf(i, key);
    database.remove(database.write(key, 0, 16));
  }
  expect(keyspace.touchedBytes).toBe(full);
  const compaction = new Compaction(keyspace);
  expect(compaction.begin()).toBe(true);
  let steps = 0;
  while (compaction.step(() => true)) steps++;
  expect(steps).toBeGreaterThan(100);
  expect(compaction.pagesLeft).toBe(0);
  expect(compaction.isRunning).toBe(false);
  expect(keyspace.touchedBytes).toBeLessThan(full / 2);
  expect(compaction.figures.keyHits).toBeGreaterThan(KEYS / 20);
  // Nothing is left to be gained.
  const { hits } = compaction.figures;
  if (compaction.begin()) while (compaction.step(() => true));
  expect(compaction.figures.hits).toBe(hits);
  for (let i = 0; i < KEYS; i += 10) {
    nameOf(i, key);
    const ref = database.read(key, 0, 16);
    expect(database.stringOf(ref).length).toBe(60);
  }
  expect(context.reclaimer.letGo(1, false)).toBe(2 ** 22);
});

test("a database that is emptied ends the walk over it", () => {
  const local = new LocalEngine();
  for (let i = 0; i < 5000; i++) local.do("SET", `key:${i}`, "x".repeat(100));
  const database = local.database(0);
  const compaction = new Compaction(local.engine.keyspace);
  database.arena.beginLeaving(() => true);
  compaction.follow(database);
  expect(compaction.step(() => true)).toBe(true);
  local.do("FLUSHALL");
  expect(compaction.step(() => true)).toBe(false);
  expect(compaction.isRunning).toBe(false);
});

test("a database that can't be made smaller does not keep others from it", () => {
  const local = new LocalEngine();
  // Less than a slab in all, but in so many sizes that their pages need two.
  const { arena } = local.database(0);
  for (let i = 0; i < 1000; i++) arena.allocate(16_384);
  for (let size = 16; size <= 480; size += 16) arena.allocate(size);
  const database = local.database(1);
  const key = new Uint8Array(16);
  for (let i = 0; i < 40_000; i++) {
    nameOf(i, key);
    const ref = database.write(key, 0, 16);
    database.storeString(ref, key, 0, 16, new Uint8Array(1000).fill(97), 0, 1000, -1);
  }
  for (let i = 0; i < 40_000; i++) {
    if (i % 40 === 0) continue;
    nameOf(i, key);
    database.remove(database.write(key, 0, 16));
  }
  expect(arena.mayShrink).toBe(true);
  const held = database.arena.touchedBytes;
  const compaction = new Compaction(local.engine.keyspace);
  for (let walk = 0; walk < 2; walk++) {
    expect(compaction.begin()).toBe(true);
    while (compaction.step(() => true));
  }
  expect(arena.mayShrink).toBe(true);
  expect(database.arena.touchedBytes).toBeLessThan(held / 2);
});

function nameOf(number: number, into: Uint8Array): void {
  into.set(Buffer.from(`key:${String(number).padStart(12, "0")}`));
}
