/** The table of who has read which keys, against a plain model, and what it takes. */
import { expect, test } from "bun:test";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import { Random } from "../../../src/base/random.ts";
import { TrackingTable } from "../../../src/engine/_tracking-table.ts";

function add(table: TrackingTable, key: string, id: number): void {
  const bytes = bytesOf(`<${key}>`);
  table.add(bytes, 1, key.length, id);
}

function take(table: TrackingTable, key: string): number[] {
  const ids = [-1];
  table.take(bytesOf(key), 0, key.length, ids);
  return ids.sort((a, b) => a - b);
}

test("ids are remembered once per key, up to 48 bits", () => {
  const table = new TrackingTable();
  for (const id of [1, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1, 1, 2 ** 32]) add(table, "k", id);
  add(table, "", 5);
  expect([table.keyCount, table.itemCount]).toEqual([2, 5]);
  expect(take(table, "k")).toEqual([1, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1]);
  expect(take(table, "k")).toEqual([]);
  expect(take(table, "")).toEqual([5]);
  expect([table.keyCount, table.itemCount]).toEqual([0, 0]);
});

test("a key that many have read, and large keys", () => {
  const table = new TrackingTable();
  const large = "x".repeat(5000);
  for (const key of ["k", large]) {
    for (let id = 1; id <= 1000; id++) add(table, key, id);
    for (let id = 1; id <= 1000; id++) add(table, key, id);
  }
  expect([table.keyCount, table.itemCount]).toEqual([2, 2000]);
  expect(take(table, large)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
  add(table, large, 7);
  expect(take(table, large)).toEqual([7]);
  expect(take(table, "k")).toHaveLength(1000);
  expect(table.itemCount).toBe(0);
});

test("holds what a model holds", () => {
  const random = new Random(4711);
  const table = new TrackingTable();
  const model = new Map<string, Set<number>>();
  for (let step = 0; step < 40_000; step++) {
    const key = "k".repeat(1 + random.below(30)) + random.below(40);
    if (random.below(30) > 0) {
      // Few keys have many readers, and pass from one form of ids to the other.
      const id = 1 + random.below(key.length % 3 === 0 ? 60 : 4);
      add(table, key, id);
      const ids = model.get(key) ?? new Set();
      model.set(key, ids.add(id));
    } else {
      const wanted = [...(model.get(key) ?? [])].sort((a, b) => a - b);
      expect(take(table, key)).toEqual(wanted);
      model.delete(key);
    }
  }
  let items = 0;
  for (const ids of model.values()) items += ids.size;
  expect([table.keyCount, table.itemCount]).toEqual([model.size, items]);
  for (let left = model.size; left > 0; left--) {
    const key = textOf(table.sample(() => random.word()));
    expect(take(table, key)).toEqual([...(model.get(key) ?? [])].sort((a, b) => a - b));
    model.delete(key);
  }
  expect([model.size, table.keyCount, table.itemCount]).toEqual([0, 0, 0]);
});

test("a key costs fewer than 64 bytes, and nothing once the table is cleared", () => {
  const table = new TrackingTable();
  const empty = table.sizeBytes;
  const keys = 50_000;
  for (let i = 0; i < keys; i++) add(table, `key:${String(i).padStart(12, "0")}`, 42);
  expect((table.sizeBytes - empty) / keys).toBeLessThan(64);
  table.clear();
  expect(table.sizeBytes).toBe(empty);
});
