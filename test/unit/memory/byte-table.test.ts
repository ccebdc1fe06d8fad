/** The table's size over its life, and what it gives by chance. Fuzzed in test/fuzz. */
import { expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import { hashBytes } from "../../../src/base/hash.ts";
import { Random } from "../../../src/base/random.ts";
import { makeEntry } from "../../../src/keyspace/entries.ts";
import { Arena, NULL_REF } from "../../../src/memory/arena.ts";
import type { Ref } from "../../../src/memory/arena.ts";
import { ByteTable } from "../../../src/memory/byte-table.ts";
import { TYPE_STRING } from "../../../src/memory/entry.ts";
import { seededRandom } from "../../support/random.ts";

const random = seededRandom("byte table");

function fill(count: number) {
  const arena = new Arena();
  const table = new ByteTable(arena);
  const entries: { hash: number; ref: Ref }[] = [];
  for (let i = 0; i < count; i++) {
    const key = bytesOf(`key:${i}`);
    const hash = hashBytes(key, 0, key.length);
    const ref = makeEntry(arena, TYPE_STRING, 0, 0, key, 0, key.length, 0);
    table.insert(hash, ref, false);
    entries.push({ hash, ref });
  }
  return { table, entries };
}

test("a table is never less than a quarter full nor fuller than four fifths", () => {
  for (const count of [1000, 10_000, 100_000, 300_000]) {
    const { table } = fill(count);
    expect(table.size).toBe(count);
    expect(count / table.slotCount).toBeWithin(0.25, 0.8);
  }
});

for (const order of ["as they came", "at random"]) {
  test(`a table that is emptied ${order} gives its slots back`, () => {
    const { table, entries } = fill(150_000);
    const most = table.slotCount;
    if (order === "at random") {
      for (let i = entries.length - 1; i > 0; i--) {
        const other = random.below(i + 1);
        [entries[i], entries[other]] = [entries[other], entries[i]];
      }
    }
    for (const { hash, ref } of entries.slice(0, 149_000)) table.remove(hash, ref);
    expect(table.size).toBe(1000);
    expect(table.slotCount).toBeLessThan(16_000);
    for (const { hash, ref } of entries.slice(149_000)) table.remove(hash, ref);
    expect(table.size).toBe(0);
    expect(table.slotCount).toBe(64);
    expect(table.sizeBytes).toBeLessThan(1100);
    for (const { hash, ref } of entries) table.insert(hash, ref, false);
    expect(table.slotCount).toBe(most);
  });
}

test("a sample is found in the sparsest of tables, and none in an empty one", () => {
  const { table, entries } = fill(20_000);
  const chance = new Random(random.below(2 ** 32));
  const nextWord = (): number => chance.word();
  while (entries.length > 1) {
    const entry = entries.pop();
    if (entry !== undefined) table.remove(entry.hash, entry.ref);
  }
  for (let i = 0; i < 1000; i++) expect(table.sample(nextWord)).toBe(entries[0].ref);
  // Even where chance always points at the same slot: one of these is empty.
  for (const word of [0, 1]) expect(table.sample(() => word)).toBe(entries[0].ref);
  table.remove(entries[0].hash, entries[0].ref);
  expect(table.sample(nextWord)).toBe(NULL_REF);
});

test("the last hit is known, with its hash, until it leaves", () => {
  const { table, entries } = fill(100);
  const key = bytesOf("key:42");
  const { hash, ref } = entries[42];
  expect(table.find(key, 0, key.length, hash)).toBe(ref);
  expect(table.isHit(ref)).toBeTrue();
  expect(table.hitHash | 1).toBe(hash | 1);
  expect(table.isHit(entries[41].ref)).toBeFalse();
  table.remove(hash, ref);
  expect(table.isHit(ref)).toBeFalse();
  expect(table.find(key, 0, key.length, hash)).toBe(NULL_REF);
});
