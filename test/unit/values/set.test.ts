/** When a set changes its encoding, and what a large one costs. Fuzzed in test/fuzz. */
import { expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import {
  ENCODING_HASHTABLE,
  ENCODING_INTSET,
  ENCODING_LISTPACK,
  TYPE_SET,
} from "../../../src/memory/entry.ts";
import { SetValue } from "../../../src/values/set.ts";
import { viewedText } from "../../support/byte-texts.ts";
import { Ground } from "./_homes.ts";

const LIMITS = { maxIntegers: 5, maxEntries: 8, maxValueBytes: 10 };

class Subject {
  readonly ground = new Ground();
  readonly set: SetValue;

  constructor(limits = LIMITS) {
    this.set = new SetValue(this.ground.open(TYPE_SET, "set"), limits);
  }

  add(...members: string[]): void {
    for (const member of members) {
      const bytes = bytesOf(member);
      this.set.add(bytes, 0, bytes.length);
    }
  }

  /** As SADD adds several at once. */
  addTogether(...members: string[]): void {
    const first = bytesOf(members[0]);
    this.set.prepare(members.length, first, 0, first.length);
    this.add(...members);
  }

  remove(member: string): boolean {
    const bytes = bytesOf(member);
    return this.set.remove(bytes, 0, bytes.length);
  }

  fill(from: number, to: number): void {
    for (let i = from; i < to; i++) this.add(`member:${i}`);
  }

  members(): string[] {
    const members: string[] = [];
    this.set.rewind();
    while (this.set.next()) members.push(viewedText(this.set.member));
    return members;
  }

  get encoding(): number {
    return this.set.home.encoding;
  }
}

test("integers are an intset up to the limit, then a table", () => {
  const subject = new Subject();
  subject.add("5", "3", "1", "4", "2", "3");
  expect(subject.encoding).toBe(ENCODING_INTSET);
  expect(subject.members()).toEqual(["1", "2", "3", "4", "5"]);
  subject.add("6");
  expect(subject.encoding).toBe(ENCODING_HASHTABLE);
  expect(subject.members().toSorted()).toEqual(["1", "2", "3", "4", "5", "6"]);
});

test("a text makes an intset a listpack, or a table where that would be too small", () => {
  const subject = new Subject();
  subject.add("3", "1", "a");
  expect(subject.encoding).toBe(ENCODING_LISTPACK);
  expect(subject.members()).toEqual(["1", "3", "a"]);
  subject.add("2");
  expect(subject.members()).toEqual(["1", "3", "a", "2"]);
  for (const [members, text] of [
    [["1", "2"], "eleven byte"],
    [["1", "12345678901"], "a"],
    [["-1234567890", "1"], "a"],
  ] as const) {
    const converted = new Subject();
    converted.add(...members, text);
    expect(converted.encoding).toBe(ENCODING_HASHTABLE);
    expect(converted.members().toSorted()).toEqual([...members, text].toSorted());
  }
  const many = new Subject({ ...LIMITS, maxIntegers: 100 });
  many.add("1", "2", "3", "4", "5", "6", "7", "8", "a");
  expect(many.encoding).toBe(ENCODING_HASHTABLE);
});

test("texts are a listpack up to the limits, then a table and never again", () => {
  const subject = new Subject();
  subject.add("a", "b", "c", "d", "e", "f", "g", "h", "a");
  expect(subject.encoding).toBe(ENCODING_LISTPACK);
  subject.add("i");
  expect(subject.encoding).toBe(ENCODING_HASHTABLE);
  for (const member of "abcdefgh") expect(subject.remove(member)).toBe(true);
  expect(subject.encoding).toBe(ENCODING_HASHTABLE);
  const long = new Subject();
  long.add("a", "ten bytes.");
  expect(long.encoding).toBe(ENCODING_LISTPACK);
  long.add("eleven byte");
  expect(long.encoding).toBe(ENCODING_HASHTABLE);
});

test("what is added at once chooses a new set's encoding", () => {
  const encodingOf = (...members: string[]): number => {
    const subject = new Subject();
    subject.addTogether(...members);
    expect(subject.set.size).toBe(new Set(members).size);
    return subject.encoding;
  };
  expect(encodingOf("1", "2", "3", "4", "5")).toBe(ENCODING_INTSET);
  expect(encodingOf("1", "2", "3", "4", "5", "6")).toBe(ENCODING_LISTPACK);
  expect(encodingOf("1", "2", "3", "4", "a")).toBe(ENCODING_LISTPACK);
  expect(encodingOf("a", "1", "2")).toBe(ENCODING_LISTPACK);
  expect(encodingOf(..."1 2 3 4 5 6 7 8 9".split(" "))).toBe(ENCODING_HASHTABLE);
  // Even where they are equal.
  expect(encodingOf(...Array.from("a".repeat(9)))).toBe(ENCODING_HASHTABLE);
  expect(encodingOf(...Array.from("a".repeat(8)))).toBe(ENCODING_LISTPACK);
  const existing = new Subject();
  existing.add("1");
  existing.addTogether("1", "1", "1", "1", "1", "1");
  expect(existing.encoding).toBe(ENCODING_HASHTABLE);
});

test("a large set grows and shrinks with its members", () => {
  const subject = new Subject();
  const { ground, set } = subject;
  const empty = ground.usedBytes;
  subject.fill(0, 50_000);
  expect(set.size).toBe(50_000);
  const full = ground.usedBytes - empty;
  // A block of 16 bytes and a slot of 8 for each member, where the table is three quarters full.
  expect(full / 50_000).toBeWithin(16 + 8, 16 + 2 * 8);
  expect((set.home.collection?.sizeBytes(0) ?? 0) / full).toBeWithin(0.9, 1.1);
  for (let i = 0; i < 49_000; i++) expect(subject.remove(`member:${i}`)).toBe(true);
  expect(ground.usedBytes - empty).toBeLessThan(full / 15);
  set.home.remove();
  const { reclaimer } = ground.context;
  while (!reclaimer.isEmpty) reclaimer.run(100);
  expect(ground.usedBytes).toBe(empty);
});

for (const [name, limits] of [
  ["an intset", { maxIntegers: 1000, maxEntries: 0, maxValueBytes: 0 }],
  ["a listpack", { maxIntegers: 0, maxEntries: 1000, maxValueBytes: 64 }],
  ["a table", { maxIntegers: 0, maxEntries: 0, maxValueBytes: 0 }],
] as const) {
  test(`pick is fair in ${name}`, () => {
    const subject = new Subject(limits);
    const members = Array.from({ length: 50 }, (_, index) => String(index * 1000));
    subject.addTogether(...members);
    expectFairPicks(subject, members);
  });
}

test("pick is fair among those who are left of a large set, at one end of its table", () => {
  const subject = new Subject();
  subject.fill(0, 50_000);
  const members = subject.members();
  const left = members.splice(-50);
  for (const member of members) expect(subject.remove(member)).toBe(true);
  expectFairPicks(subject, left);
});

function expectFairPicks(subject: Subject, members: readonly string[]): void {
  const counts = new Map<string, number>();
  for (let i = 0; i < members.length * 1000; i++) {
    subject.set.pick(subject.ground.context.randomWord);
    const member = viewedText(subject.set.member);
    counts.set(member, (counts.get(member) ?? 0) + 1);
  }
  expect(new Set(counts.keys())).toEqual(new Set(members));
  // 1000 each on average; the deviation is 31.
  for (const count of counts.values()) expect(count).toBeWithin(800, 1200);
}

test("a scan finds what is there all the time, while the set grows and shrinks", () => {
  const subject = new Subject();
  subject.fill(0, 20_000);
  const found = new Set<string>();
  let cursor = 0;
  let steps = 0;
  do {
    cursor = subject.set.scan(cursor, 100, () => found.add(viewedText(subject.set.member)));
    // The first thousand stay.
    if (steps < 100) subject.fill(20_000 + steps * 100, 20_000 + (steps + 1) * 100);
    else for (let i = 0; i < 300; i++) subject.remove(`member:${1000 + (steps - 100) * 300 + i}`);
    steps++;
  } while (cursor !== 0);
  expect(steps).toBeGreaterThan(110);
  for (let i = 0; i < 1000; i++) expect(found.has(`member:${i}`)).toBe(true);
});
