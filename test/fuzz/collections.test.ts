/**
 * Hashes, lists, sets and sorted sets against a Map, an array, a Set and a sorted array, in every
 * encoding: random edits, walks both ways, copies, conversions, and not a byte left at the end.
 */
import { expect, test } from "bun:test";
import { bytesOf, textOf } from "../../src/base/bytes.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { Random } from "../../src/base/random.ts";
import { KeyspaceContext } from "../../src/keyspace/context.ts";
import { Database } from "../../src/keyspace/database.ts";
import { OpenValue } from "../../src/keyspace/open-value.ts";
import type { ByteView } from "../../src/memory/element.ts";
import { TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_ZSET } from "../../src/memory/entry.ts";
import { HashValue } from "../../src/values/hash.ts";
import { ListValue } from "../../src/values/list.ts";
import { SetValue } from "../../src/values/set.ts";
import { SortedSetValue } from "../../src/values/sorted-set.ts";
import { scale, seededRandom } from "../support/random.ts";

const random = seededRandom("collections");
const EDITS = scale(3000);
const KEY = bytesOf("key");
/** Thresholds: packed for long, converted soon, large from the first element on. */
const LIMITS = [1000, 20, 0];

function text(): string {
  const kind = random.below(20);
  if (kind < 6) return String(random.between(-40, 40));
  if (kind < 8) return String(random.pick([127, 4096, -4097, 32768, 8388608, 2 ** 31, 2 ** 53]));
  if (kind < 17) return `m${random.below(random.pick([10, 300]))}`;
  if (kind < 19) return "x".repeat(random.pick([63, 64, 65, 200])) + random.below(3);
  return "y".repeat(random.pick([4095, 4097, 9000, 17000])) + random.below(3);
}

/** A database with one key, and a home for its value. */
class Subject {
  readonly context = new KeyspaceContext(new ManualClock(1), new Random(1));
  readonly database = new Database(0, this.context);
  readonly home: OpenValue;
  private readonly emptyBytes = this.database.usedBytes;

  constructor(type: number) {
    this.home = new OpenValue(type, this.context);
    this.reopen();
  }

  /** As the next command finds the value. */
  reopen(): void {
    const ref = this.database.write(KEY, 0, KEY.length);
    this.home.open(this.database, ref, KEY, 0, KEY.length);
  }

  /** Puts a copy in the place of the value, as COPY makes it, and drops the old one. */
  copy(): void {
    if (!this.home.exists) return;
    const other = bytesOf("other");
    const { database, home } = this;
    database.write(other, 0, other.length);
    const copied = database.adopt(database, home.ref, other, 0, other.length, false);
    database.remove(database.write(KEY, 0, KEY.length));
    database.write(KEY, 0, KEY.length);
    database.adopt(database, copied, KEY, 0, KEY.length, true);
    database.remove(database.write(other, 0, other.length));
    this.reopen();
  }

  /** Nothing may be left once the key is gone. */
  expectNothingLeft(): void {
    this.reopen();
    if (this.home.exists) this.home.remove();
    while (!this.context.reclaimer.isEmpty) this.context.reclaimer.run(100);
    expect(this.database.usedBytes).toBe(this.emptyBytes);
    expect(this.database.arena.objects.count).toBe(0);
  }
}

const shown = ({ bytes, start, length }: ByteView): string => textOf(bytes, start, length);

test.each(LIMITS)("a hash is a Map (limit %d)", (limit) => {
  const subject = new Subject(TYPE_HASH);
  const hash = new HashValue(subject.home, { maxEntries: limit, maxValueBytes: 64 });
  const model = new Map<string, string>();
  for (let i = 0; i < EDITS; i++) {
    subject.reopen();
    hash.opened(0);
    const name = text();
    const field = bytesOf(name);
    if (random.below(3) > 0) {
      const value = text();
      const bytes = bytesOf(value);
      const isNew = hash.set(field, 0, field.length, bytes, 0, bytes.length);
      expect(isNew).toBe(!model.has(name));
      model.set(name, value);
    } else {
      expect(hash.remove(field, 0, field.length)).toBe(model.delete(name));
      if (model.size === 0 && subject.home.exists) subject.home.remove();
    }
    expect(hash.size).toBe(model.size);
    expect(hash.find(field, 0, field.length)).toBe(model.has(name));
    if (model.has(name)) expect(shown(hash.value)).toBe(model.get(name) ?? "");
    if (random.below(200) === 0) subject.copy();
    if (random.below(100) === 0 && model.size > 0) {
      const found = new Map<string, string>();
      hash.rewind();
      while (hash.next()) found.set(shown(hash.field), shown(hash.value));
      expect(found).toEqual(model);
    }
  }
  subject.expectNothingLeft();
});

test.each([
  [Infinity, 8192],
  [Infinity, 300],
  [4, 8192],
])("a list is an array (%d items, %d bytes in a chunk)", (maxItems, maxBytes) => {
  const subject = new Subject(TYPE_LIST);
  const list = new ListValue(subject.home, { maxItems, maxBytes });
  let model: string[] = [];
  for (let i = 0; i < EDITS; i++) {
    subject.reopen();
    model = editList(list, model);
    if (model.length === 0 && subject.home.exists) subject.home.remove();
    expect(list.size).toBe(model.length);
    if (random.below(200) === 0) subject.copy();
    if (random.below(100) === 0) expectSameOrder(list, model);
  }
  subject.expectNothingLeft();
});

function editList(list: ListValue, model: string[]): string[] {
  const value = text();
  const bytes = bytesOf(value);
  const kind = model.length === 0 ? 0 : random.below(10);
  if (kind < 5) {
    const atHead = random.chance(0.5);
    list.prepare(1, bytes.length);
    list.push(atHead, bytes, 0, bytes.length);
    return atHead ? [value, ...model] : [...model, value];
  }
  const index = random.below(model.length);
  if (kind < 7) {
    const atHead = random.chance(0.5);
    const count = random.chance(0.9) ? 1 : random.between(1, Math.min(30, model.length));
    if (count === model.length) list.home.remove();
    else {
      list.drop(atHead, count);
      list.settle();
    }
    return atHead ? model.slice(count) : model.slice(0, model.length - count);
  }
  list.prepare(1, bytes.length);
  list.seek(index);
  list.read();
  expect(shown(list.item)).toBe(model[index]);
  if (kind === 7) {
    list.replace(bytes, 0, bytes.length);
    return model.with(index, value);
  }
  if (kind === 8) {
    const isBefore = random.chance(0.5);
    list.insert(isBefore, bytes, 0, bytes.length);
    return model.toSpliced(isBefore ? index : index + 1, 0, value);
  }
  list.removeAndMove(random.chance(0.5));
  return model.toSpliced(index, 1);
}

function expectSameOrder(list: ListValue, model: readonly string[]): void {
  if (model.length === 0) return;
  for (const atHead of [true, false]) {
    const found: string[] = [];
    list.seekEnd(atHead);
    do {
      list.read();
      found.push(shown(list.item));
    } while (atHead ? list.next() : list.previous());
    expect(atHead ? found : found.toReversed()).toEqual([...model]);
  }
}

test.each(LIMITS)("a set is a Set (limit %d)", (limit) => {
  for (const onlyIntegers of [true, false]) {
    const subject = new Subject(TYPE_SET);
    const limits = { maxIntegers: limit, maxEntries: limit, maxValueBytes: 64 };
    const set = new SetValue(subject.home, limits);
    const model = new Set<string>();
    for (let i = 0; i < EDITS; i++) {
      subject.reopen();
      const width = random.pick([100, 1e5, 2 ** 40]);
      const name = onlyIntegers ? String(random.between(-width, width)) : text();
      const bytes = bytesOf(name);
      if (random.below(3) > 0) {
        expect(set.add(bytes, 0, bytes.length)).toBe(!model.has(name));
        model.add(name);
      } else {
        const gone = random.chance(0.5) && model.size > 0 ? random.pick([...model]) : name;
        const goneBytes = bytesOf(gone);
        expect(set.remove(goneBytes, 0, goneBytes.length)).toBe(model.delete(gone));
        if (model.size === 0 && subject.home.exists) subject.home.remove();
      }
      expect(set.size).toBe(model.size);
      expect(set.has(bytes, 0, bytes.length)).toBe(model.has(name));
      if (random.below(200) === 0) subject.copy();
      if (random.below(100) === 0 && model.size > 0) {
        const found = new Set<string>();
        set.rewind();
        while (set.next()) found.add(shown(set.member));
        expect(found).toEqual(model);
        set.pick(() => random.below(2 ** 32));
        expect(model.has(shown(set.member))).toBe(true);
      }
    }
    subject.expectNothingLeft();
  }
});

test.each(LIMITS)("a sorted set is a sorted array (limit %d)", (limit) => {
  const subject = new Subject(TYPE_ZSET);
  const set = new SortedSetValue(subject.home, { maxEntries: limit, maxValueBytes: 64 });
  const model = new Map<string, number>();
  for (let i = 0; i < EDITS; i++) {
    subject.reopen();
    const name = text();
    const bytes = bytesOf(name);
    const before = set.scoreOf(bytes, 0, bytes.length);
    expect(before).toBe(model.get(name) ?? Number.NaN);
    if (random.below(3) > 0) {
      const score = random.pick([random.between(-9, 9), random.between(-999, 999) / 8, Infinity]);
      if (model.has(name)) set.rescore(bytes, 0, bytes.length, score);
      else set.add(bytes, 0, bytes.length, score);
      model.set(name, score);
    } else {
      expect(set.remove(bytes, 0, bytes.length)).toBe(model.delete(name));
      if (model.size === 0 && subject.home.exists) subject.home.remove();
    }
    expect(set.size).toBe(model.size);
    if (random.below(200) === 0) subject.copy();
    if (random.below(60) === 0 && model.size > 1) expectSameRanks(set, model);
  }
  subject.expectNothingLeft();
});

function expectSameRanks(set: SortedSetValue, model: Map<string, number>): void {
  const ordered = [...model].sort(([a, x], [b, y]) => {
    if (x !== y) return x - y;
    return Buffer.compare(Buffer.from(a, "latin1"), Buffer.from(b, "latin1"));
  });
  const rank = random.below(ordered.length);
  const [name, score] = ordered[rank];
  const bytes = bytesOf(name);
  expect(set.rankOf(bytes, 0, bytes.length)).toBe(rank);
  expect(set.countBelow(score, false)).toBe(ordered.filter(([, other]) => other < score).length);
  expect(set.countBelow(score, true)).toBe(ordered.filter(([, other]) => other <= score).length);
  const found: [string, number][] = [];
  set.seek(0);
  do {
    set.read();
    found.push([shown(set.member), set.score]);
  } while (set.move(false));
  expect(found).toEqual(ordered);
  const count = random.between(1, Math.min(10, ordered.length - 1));
  const first = random.below(ordered.length - count);
  set.removeRange(first, count);
  for (const [gone] of ordered.slice(first, first + count)) model.delete(gone);
}
