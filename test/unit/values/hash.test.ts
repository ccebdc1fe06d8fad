/** When a hash changes its encoding, and what a large one costs. Fuzzed in test/fuzz. */
import { expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import { ENCODING_HASHTABLE, ENCODING_LISTPACK, TYPE_HASH } from "../../../src/memory/entry.ts";
import { HashValue } from "../../../src/values/hash.ts";
import { viewedText } from "../../support/byte-texts.ts";
import { Ground } from "./_homes.ts";

class Subject {
  readonly ground = new Ground();
  readonly hash: HashValue;

  constructor(maxEntries: number, maxValueBytes: number) {
    const home = this.ground.open(TYPE_HASH, "hash");
    this.hash = new HashValue(home, { maxEntries, maxValueBytes });
  }

  set(field: string, value: string): boolean {
    const bytes = bytesOf(field);
    const valueBytes = bytesOf(value);
    return this.hash.set(bytes, 0, bytes.length, valueBytes, 0, valueBytes.length);
  }

  get(field: string): string | null {
    const bytes = bytesOf(field);
    return this.hash.find(bytes, 0, bytes.length) ? viewedText(this.hash.value) : null;
  }

  remove(field: string): boolean {
    const bytes = bytesOf(field);
    return this.hash.remove(bytes, 0, bytes.length);
  }

  fill(from: number, to: number): void {
    for (let i = from; i < to; i++) this.set(`field:${i}`, `value:${i}`);
  }

  reclaim(): void {
    const { reclaimer } = this.ground.context;
    while (!reclaimer.isEmpty) reclaimer.run(1000);
  }
}

test("a hash is packed up to its limits and never again", () => {
  const byCount = new Subject(3, 64);
  byCount.fill(0, 3);
  expect(byCount.hash.home.encoding).toBe(ENCODING_LISTPACK);
  byCount.fill(0, 3);
  expect(byCount.hash.home.encoding).toBe(ENCODING_LISTPACK);
  byCount.fill(3, 4);
  expect(byCount.hash.home.encoding).toBe(ENCODING_HASHTABLE);
  byCount.remove("field:0");
  byCount.remove("field:1");
  expect(byCount.hash.home.encoding).toBe(ENCODING_HASHTABLE);

  for (const [field, value] of [
    ["f".repeat(65), "v"],
    ["f", "v".repeat(65)],
  ]) {
    const byLength = new Subject(100, 64);
    byLength.set("f".repeat(64), "v".repeat(64));
    byLength.fill(0, 50);
    expect(byLength.hash.home.encoding).toBe(ENCODING_LISTPACK);
    byLength.set(field, value);
    expect(byLength.hash.home.encoding).toBe(ENCODING_HASHTABLE);
    expect(byLength.get("field:7")).toBe("value:7");
    expect(byLength.get(field)).toBe(value);
  }
});

test("a large hash grows and shrinks with its fields", () => {
  const subject = new Subject(0, 64);
  const { ground, hash } = subject;
  const empty = ground.usedBytes;
  subject.fill(0, 50_000);
  expect(hash.size).toBe(50_000);
  const full = ground.usedBytes - empty;
  // A block of 32 bytes and a slot of 8 for each field, where the table is three quarters full.
  expect(full / 50_000).toBeWithin(32 + 8, 32 + 2 * 8);
  for (let i = 0; i < 49_000; i++) expect(subject.remove(`field:${i}`)).toBe(true);
  expect(ground.usedBytes - empty).toBeLessThan(full / 20);
  expect(subject.get("field:48999")).toBeNull();
  expect(subject.get("field:49999")).toBe("value:49999");
});

test("a value that changes its length takes no more than it needs", () => {
  const subject = new Subject(0, 64);
  const { ground } = subject;
  subject.set("field", "");
  const shortest = ground.usedBytes;
  for (const length of [10, 100, 4096, 16_000, 16_384, 100_000, 16_384, 5000, 30, 0]) {
    expect(subject.set("field", "v".repeat(length))).toBe(false);
    expect(subject.get("field")).toBe("v".repeat(length));
    expect(ground.usedBytes - shortest).toBeWithin(length - 32, 1.25 * length + 256);
  }
  expect(ground.usedBytes).toBeWithin(shortest, shortest + 64);
});

test("a field that is longer than an element's block can name is kept aside", () => {
  const subject = new Subject(0, 64);
  const { ground } = subject;
  subject.set("short", "v");
  const before = ground.usedBytes;
  const objects = ground.database.arena.objects.count;
  subject.set("f".repeat(5000), "v".repeat(17_000));
  expect(ground.database.arena.objects.count).toBe(objects + 2);
  expect(subject.get("f".repeat(5000))).toBe("v".repeat(17_000));
  expect(subject.get("f".repeat(5001))).toBeNull();
  expect(subject.remove("f".repeat(5000))).toBe(true);
  expect(ground.usedBytes).toBe(before);
});

test("a large hash that is deleted is freed in slices", () => {
  const subject = new Subject(0, 64);
  const { ground, hash } = subject;
  const empty = ground.usedBytes;
  subject.fill(0, 20_000);
  hash.home.remove();
  const { reclaimer } = ground.context;
  expect(reclaimer.pending).toBe(1);
  const { arena } = ground.database;
  let left = arena.usedBytes;
  expect(left).toBeGreaterThan(20_000 * 30);
  while (!reclaimer.isEmpty) {
    reclaimer.run(1000);
    // As many elements as it may free, of 32 bytes.
    expect(left - arena.usedBytes).toBeLessThanOrEqual(1000 * 32);
    left = arena.usedBytes;
  }
  expect(ground.usedBytes).toBe(empty);
});

test("what sizeBytes says is what the hash takes", () => {
  const subject = new Subject(0, 64);
  const before = subject.ground.usedBytes;
  subject.fill(0, 20_000);
  const taken = subject.ground.usedBytes - before;
  expect((subject.hash.home.collection?.sizeBytes(0) ?? 0) / taken).toBeWithin(0.9, 1.1);
});

for (const maxEntries of [1000, 0]) {
  test(`pick is fair ${maxEntries === 0 ? "in a table" : "in packed bytes"}`, () => {
    const subject = new Subject(maxEntries, 64);
    subject.fill(0, 50);
    const counts = new Map<string, number>();
    for (let i = 0; i < 50_000; i++) {
      subject.hash.pick(subject.ground.context.randomWord);
      const field = viewedText(subject.hash.field);
      expect(viewedText(subject.hash.value)).toBe(field.replace("field", "value"));
      counts.set(field, (counts.get(field) ?? 0) + 1);
    }
    expect(counts.size).toBe(50);
    // 1000 each on average; the deviation is 31.
    for (const count of counts.values()) expect(count).toBeWithin(800, 1200);
  });
}

test("a scan finds what is there all the time, while the hash grows and shrinks", () => {
  const subject = new Subject(0, 64);
  subject.fill(0, 20_000);
  const found = new Set<string>();
  let cursor = 0;
  let steps = 0;
  do {
    cursor = subject.hash.scan(cursor, 100, () => found.add(viewedText(subject.hash.field)));
    // The first thousand stay.
    if (steps < 100) subject.fill(20_000 + steps * 100, 20_000 + (steps + 1) * 100);
    else for (let i = 0; i < 300; i++) subject.remove(`field:${1000 + (steps - 100) * 300 + i}`);
    steps++;
  } while (cursor !== 0);
  expect(steps).toBeGreaterThan(110);
  for (let i = 0; i < 1000; i++) expect(found.has(`field:${i}`)).toBe(true);
});
