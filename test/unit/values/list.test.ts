/** When a list changes its encoding, and what a large one costs. Fuzzed in test/fuzz. */
import { expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import { ENCODING_LISTPACK, ENCODING_QUICKLIST, TYPE_LIST } from "../../../src/memory/entry.ts";
import type { LargeList } from "../../../src/values/_large-list.ts";
import { ListValue, readListLimits } from "../../../src/values/list.ts";
import { viewedText } from "../../support/byte-texts.ts";
import { Ground } from "./_homes.ts";

class Subject {
  readonly ground = new Ground();
  readonly limits = { maxItems: 0, maxBytes: 0 };
  readonly list: ListValue;

  constructor(fill: number) {
    readListLimits(fill, this.limits);
    this.list = new ListValue(this.ground.open(TYPE_LIST, "list"), this.limits);
  }

  push(text: string, times = 1, atHead = false): void {
    const bytes = bytesOf(text);
    for (let i = 0; i < times; i++) {
      this.list.prepare(1, bytes.length);
      this.list.push(atHead, bytes, 0, bytes.length);
    }
  }

  get encoding(): number {
    return this.list.home.encoding;
  }

  get large(): LargeList {
    return this.list.home.collection as LargeList;
  }

  reclaim(): void {
    const { reclaimer } = this.ground.context;
    while (!reclaimer.isEmpty) reclaimer.run(100);
  }
}

test("list-max-listpack-size is a number of items, or a level of bytes", () => {
  const limits = { maxItems: 0, maxBytes: 0 };
  const levels = [4096, 8192, 16384, 32768, 65536];
  for (const [index, maxBytes] of levels.entries()) {
    readListLimits(-1 - index, limits);
    expect(limits).toEqual({ maxItems: Infinity, maxBytes });
  }
  readListLimits(-100, limits);
  expect(limits).toEqual({ maxItems: Infinity, maxBytes: 65536 });
  readListLimits(128, limits);
  expect(limits).toEqual({ maxItems: 128, maxBytes: 8192 });
  readListLimits(0, limits);
  expect(limits).toEqual({ maxItems: 1, maxBytes: 8192 });
});

test("a list is packed up to its limit of items, and again from half of it on", () => {
  const subject = new Subject(100);
  subject.push("item", 100);
  expect(subject.encoding).toBe(ENCODING_LISTPACK);
  subject.push("item");
  expect(subject.encoding).toBe(ENCODING_QUICKLIST);
  subject.list.drop(false, 50);
  subject.list.settle();
  expect(subject.encoding).toBe(ENCODING_QUICKLIST);
  subject.list.drop(false, 1);
  subject.list.settle();
  expect(subject.encoding).toBe(ENCODING_LISTPACK);
  expect(subject.list.size).toBe(50);
});

test("a list is packed up to its limit of bytes, and again from half of it on", () => {
  const subject = new Subject(-1);
  // Header and end are 7 bytes, each of these items 16.
  subject.push("fourteen bytes", 255);
  expect(subject.list.home.length).toBe(7 + 255 * 16);
  expect(subject.encoding).toBe(ENCODING_LISTPACK);
  subject.push("fourteen bytes");
  expect(subject.encoding).toBe(ENCODING_QUICKLIST);
  subject.list.drop(true, 128);
  subject.list.settle();
  expect(subject.encoding).toBe(ENCODING_QUICKLIST);
  subject.list.drop(true, 1);
  subject.list.settle();
  expect(subject.encoding).toBe(ENCODING_LISTPACK);
});

test("chunks hold as much as the limit allows", () => {
  const byItems = new Subject(100);
  byItems.push("item", 1000);
  expect(byItems.large.chunks.length).toBe(10);
  const byBytes = new Subject(-2);
  byBytes.push("fourteen bytes", 5120);
  expect(byBytes.large.chunks.length).toBe(10);
  byBytes.push("x".repeat(100_000));
  byBytes.push("after it");
  expect(byBytes.large.chunks.length).toBe(12);
});

test("a list that shrinks gives back what it does not need", () => {
  const subject = new Subject(-2);
  const { ground, list } = subject;
  const empty = ground.usedBytes;
  subject.push("0123456789", 100_000);
  const full = ground.usedBytes - empty;
  // A byte in front and one behind each item, and some room in the chunks.
  expect(full).toBeWithin(1_200_000, 1_300_000);
  list.drop(true, 50_000);
  list.drop(false, 49_000);
  list.settle();
  expect(ground.usedBytes - empty).toBeLessThan(0.03 * full);
  list.drop(true, 999);
  list.settle();
  expect(ground.usedBytes - empty).toBeLessThan(100);
});

test("removals in the middle give back what a chunk does not need", () => {
  const subject = new Subject(-2);
  const { ground, list } = subject;
  const empty = ground.usedBytes;
  subject.push("0123456789", 100_000);
  const full = ground.usedBytes - empty;
  list.seek(10);
  for (let i = 0; i < 99_000; i++) list.removeAndMove(false);
  expect(list.size).toBe(1000);
  expect(ground.usedBytes - empty).toBeLessThan(0.05 * full);
});

test("a large list that is deleted is freed in slices, its chunks and its arrays", () => {
  const subject = new Subject(10);
  const { ground, list } = subject;
  const empty = ground.usedBytes;
  subject.push("item", 10_000);
  list.home.remove();
  const { reclaimer } = ground.context;
  expect(reclaimer.pending).toBe(1);
  const left = ground.usedBytes;
  expect(left).toBeGreaterThan(empty + 50_000);
  reclaimer.run(100);
  expect(ground.usedBytes).toBeLessThan(left);
  expect(reclaimer.pending).toBe(1);
  subject.reclaim();
  expect(ground.usedBytes).toBe(empty);
});

test("what sizeBytes says is what the list takes", () => {
  for (const fill of [-2, 1, 128]) {
    const subject = new Subject(fill);
    const before = subject.ground.usedBytes;
    subject.push("some item", 20_000);
    subject.push("x".repeat(40_000), 3, true);
    const taken = subject.ground.usedBytes - before;
    expect(subject.large.sizeBytes() / taken).toBeWithin(0.95, 1.05);
  }
});

test("an inserted or replaced item goes where it fits", () => {
  const subject = new Subject(4);
  const { list } = subject;
  subject.push("a", 20);
  const long = bytesOf("l".repeat(20_000));
  for (const index of [0, 3, 4, 10, 19]) {
    list.seek(index);
    list.replace(long, 0, long.length);
    list.read();
    expect(list.item.length).toBe(20_000);
    list.insert(true, long, 0, 1);
    list.read();
    expect(viewedText(list.item)).toBe("l");
    expect(list.removeAndMove(false)).toBe(true);
    list.read();
    expect(list.item.length).toBe(20_000);
  }
  expect(list.size).toBe(20);
});
