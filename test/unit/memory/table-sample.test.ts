import { expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import { hashBytes } from "../../../src/base/hash.ts";
import { Random } from "../../../src/base/random.ts";
import { Arena } from "../../../src/memory/arena.ts";
import type { Ref } from "../../../src/memory/arena.ts";
import { ByteTable } from "../../../src/memory/byte-table.ts";
import { makeElement } from "../../../src/memory/element.ts";
import { TableSample } from "../../../src/memory/table-sample.ts";
import { seededRandom } from "../../support/random.ts";

const seed = seededRandom("table sample").seed;
const random = new Random(seed);
const nextWord = (): number => random.word();

interface Held {
  readonly hash: number;
  readonly ref: Ref;
  readonly expires: boolean;
}

function tableOf(count: number, expires: (index: number) => boolean) {
  const arena = new Arena();
  const table = new ByteTable(arena);
  const held = new Map<number, Held>();
  for (let i = 0; i < count; i++) {
    const name = bytesOf(`member:${i}`);
    const hash = hashBytes(name, 0, name.length);
    const ref = makeElement(arena, name, 0, name.length, false, 0);
    table.insert(hash, ref, expires(i));
    held.set(ref, { hash, ref, expires: expires(i) });
  }
  return { table, held };
}

/** How often each entry is found, when so many are sampled. */
function counts(table: ByteTable, samples: number, onlyExpiring: boolean): Map<number, number> {
  const into = new TableSample(64);
  const found = new Map<number, number>();
  for (let taken = 0; taken < samples; taken += into.count) {
    table.sampleSome(into, 5, onlyExpiring, nextWord);
    if (into.count === 0) break;
    for (const ref of into.refs.subarray(0, into.count)) {
      found.set(ref, (found.get(ref) ?? 0) + 1);
    }
  }
  return found;
}

test("what is sampled is in the table, with its hash", () => {
  const { table, held } = tableOf(20_000, (i) => i % 3 === 0);
  const into = new TableSample(64);
  for (let i = 0; i < 500; i++) {
    const onlyExpiring = i % 2 === 0;
    table.sampleSome(into, 1 + (i % 20), onlyExpiring, nextWord);
    expect(into.count).toBeGreaterThanOrEqual(1 + (i % 20));
    for (let k = 0; k < into.count; k++) {
      const one = held.get(into.refs[k]);
      if (one === undefined) throw new Error("no such entry");
      expect((one.hash ^ into.hashes[k]) & ~1).toBe(0);
      expect(one.expires || !onlyExpiring).toBe(true);
      expect(table.holds(into.hashes[k], one.ref, onlyExpiring)).toBe(true);
      expect(table.isHit(one.ref)).toBe(true);
    }
  }
});

test.each([40, 3000, 5000, 14_000])("each of %d entries is as likely as any other", (count) => {
  const { table } = tableOf(count, () => true);
  // Entries of a window come together, so among few of them chance makes more of a difference.
  const perEntry = Math.max(200, 80_000 / count);
  const found = counts(table, count * perEntry, false);
  expect(found.size).toBe(count);
  const deviations = [...found.values()].map((times) => Math.abs(times - perEntry) / perEntry);
  const mean = deviations.reduce((sum, one) => sum + one, 0) / count;
  // By chance alone the mean deviation is sqrt(2 / (pi * 200)) at the most, some 6 %.
  expect(mean).toBeLessThan(0.09);
  expect(Math.max(...deviations)).toBeLessThan(0.6);
});

test("few that expire among many are found, and all of them sooner or later", () => {
  const { table } = tableOf(30_000, (i) => i % 1500 === 7);
  const found = counts(table, 4000, true);
  expect(found.size).toBe(20);
  for (const times of found.values()) expect(times).toBeGreaterThan(5);
});

test("where none expires, or where there is nothing, nothing is found", () => {
  const into = new TableSample(64);
  for (const count of [0, 1, 9000]) {
    const { table } = tableOf(count, () => false);
    table.sampleSome(into, 5, true, nextWord);
    expect(into.count).toBe(0);
  }
  const { table } = tableOf(0, () => false);
  table.sampleSome(into, 5, false, nextWord);
  expect(into.count).toBe(0);
});

test("it is known of each segment whether anything in it expires, whatever changes", () => {
  const { table, held } = tableOf(12_000, (i) => i % 2 === 0);
  for (const { hash, ref } of held.values()) table.relocate(hash, ref, ref, false);
  const into = new TableSample(64);
  table.sampleSome(into, 5, true, nextWord);
  expect(into.count).toBe(0);
  const [last] = [...held.values()].slice(-1);
  table.relocate(last.hash, last.ref, last.ref, true);
  // Splits, shrinking and merging carry it on.
  for (const { hash, ref } of held.values()) if (ref !== last.ref) table.remove(hash, ref);
  table.sampleSome(into, 1, true, nextWord);
  expect(into.refs[0]).toBe(last.ref);
  table.remove(last.hash, last.ref);
  table.sampleSome(into, 1, true, nextWord);
  expect(into.count).toBe(0);
  expect(table.holds(last.hash, last.ref, false)).toBe(false);
});
