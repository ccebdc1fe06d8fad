/** Streams against an array of entries, in a key and with nodes of all sizes. */
import { expect, test } from "bun:test";
import { bytesOf } from "../../src/base/bytes.ts";
import type { OpenValue } from "../../src/keyspace/open-value.ts";
import { TYPE_STREAM } from "../../src/memory/entry.ts";
import { Arguments } from "../../src/protocol/arguments.ts";
import { StreamCursor } from "../../src/values/stream-cursor.ts";
import { StreamId } from "../../src/values/stream-id.ts";
import { StreamValue } from "../../src/values/stream.ts";
import type { Stream, StreamLimits } from "../../src/values/stream.ts";
import { viewedText } from "../support/byte-texts.ts";
import { scale, seededRandom } from "../support/random.ts";
import { anyText, CollectionKeys, expectUsage } from "./_collection-keys.ts";

const random = seededRandom("streams");

const TIMEOUT_MS = 120_000;
const MAX_WORD = 2 ** 32 - 1;

interface Entry {
  readonly id: StreamId;
  readonly pairs: readonly string[];
}

class Subject {
  model: Entry[] = [];
  lastId = new StreamId();
  maxDeletedId = new StreamId();
  added = 0;
  readonly home: OpenValue;
  private readonly value: StreamValue;
  private readonly cursor = new StreamCursor();
  private readonly longest = random.pick([10, 70, 5000, 20_000]);
  private readonly limits: StreamLimits = {
    maxNodeBytes: random.pick([0, 60, 500, 4096, 30_000]),
    maxNodeEntries: random.pick([0, 1, 3, 10, 100, 200]),
  };

  constructor(home: OpenValue) {
    this.home = home;
    this.value = new StreamValue(home);
    this.value.obtain();
  }

  get stream(): Stream {
    return this.value.stream;
  }

  step(): void {
    const choice = this.model.length === 0 ? 0 : random.below(20);
    if (choice < 14) this.append();
    else if (choice < 17) this.delete();
    else if (choice < 18) this.trim();
    else if (choice < 19) this.goBack();
    else this.walk();
  }

  private append(): void {
    const id = new StreamId().copy(this.lastId);
    const far = random.below(10);
    // Far steps make differences of 64 bits, also below zero.
    if (far === 0) id.set(id.msHigh, id.msLow, id.seqHigh, MAX_WORD);
    else if (far === 1) id.set(id.msHigh, id.msLow + 1, 0, random.below(5));
    else if (far === 2) id.set(id.msHigh + 1, 0, 0, random.below(MAX_WORD));
    for (let i = random.between(1, 3); i > 0; i--) id.increment();
    const pairs: string[] = [];
    const isUsual = random.chance(0.7);
    for (let i = isUsual ? 1 : random.between(1, 4); i > 0; i--) {
      pairs.push(isUsual ? "field" : anyText(random, 100), anyText(random, this.longest));
    }
    const args = new Arguments();
    args.assign(pairs.map(bytesOf));
    const { bytes, starts, lengths } = args;
    this.stream.append(id, bytes, starts, lengths, 0, pairs.length / 2, this.limits);
    this.model.push({ id, pairs });
    this.lastId = id;
    this.added++;
  }

  private delete(): void {
    const id = new StreamId().copy(random.pick(this.model).id);
    if (random.chance(0.2)) id.increment();
    const index = this.model.findIndex((entry) => entry.id.equals(id));
    expect(this.stream.has(id)).toBe(index >= 0);
    expect(this.stream.delete(id)).toBe(index >= 0);
    if (index < 0) return;
    this.model.splice(index, 1);
    if (id.compare(this.maxDeletedId) > 0) this.maxDeletedId = id;
  }

  private trim(): void {
    const { stream, model } = this;
    const limit = random.pick([0, 0, 1, 20]);
    const isApproximate = limit > 0 || random.chance(0.5);
    const keep = random.between(Math.max(0, model.length - 30), model.length);
    const byId = random.chance(0.5);
    const minId = keep === 0 ? new StreamId().setLast() : model[model.length - keep].id;
    const removed = byId
      ? stream.trimToId(minId, isApproximate, limit)
      : stream.trimToLength(keep, isApproximate, limit);
    if (isApproximate) {
      expect(removed).toBeLessThanOrEqual(
        limit === 0 ? model.length - keep : Math.min(limit, model.length - keep),
      );
    } else {
      expect(removed).toBe(model.length - keep);
    }
    this.model = model.slice(removed);
  }

  /** As XSETID may, to the last entry that lives. */
  private goBack(): void {
    const top = this.model.at(-1);
    if (top === undefined || random.chance(0.7)) return;
    this.lastId = new StreamId().copy(top.id);
    this.stream.lastId.copy(top.id);
  }

  private walk(): void {
    const { cursor, model } = this;
    const [one, other] = [random.pick(model).id, random.pick(model).id];
    const from = new StreamId().copy(one.compare(other) < 0 ? one : other);
    const to = new StreamId().copy(one.compare(other) < 0 ? other : one);
    if (random.chance(0.3)) from.increment();
    if (random.chance(0.3)) to.decrement();
    const isReverse = random.chance(0.5);
    const wanted = model.filter(({ id }) => id.compare(from) >= 0 && id.compare(to) <= 0);
    if (isReverse) wanted.reverse();
    cursor.seek(this.stream, from, to, isReverse);
    for (const { id, pairs } of wanted) {
      expect(cursor.next()).toBe(true);
      expect(cursor.id.toString()).toBe(id.toString());
      expect(cursor.fieldCount * 2).toBe(pairs.length);
      // Some are left half read.
      const read = random.below(cursor.fieldCount + 1);
      for (let i = 0; i < read; i++) {
        cursor.nextPair();
        expect(viewedText(cursor.field)).toBe(pairs[2 * i]);
        expect(viewedText(cursor.value)).toBe(pairs[2 * i + 1]);
      }
    }
    expect(cursor.next()).toBe(false);
    expect(cursor.next()).toBe(false);
  }

  check(): void {
    const { stream, model, cursor } = this;
    expect(stream.length).toBe(model.length);
    expect(stream.lastId.toString()).toBe(this.lastId.toString());
    expect(stream.firstId.toString()).toBe(model.length === 0 ? "0-0" : model[0].id.toString());
    expect(stream.maxDeletedId.toString()).toBe(this.maxDeletedId.toString());
    expect(stream.entriesAdded).toBe(this.added);
    const top = new StreamId();
    expect(stream.readLastEntryId(top)).toBe(model.length > 0);
    expect(top.toString()).toBe(model.at(-1)?.id.toString() ?? "0-0");
    cursor.seek(stream, new StreamId(), new StreamId().setLast(), false);
    for (const { id, pairs } of model) {
      expect(cursor.next()).toBe(true);
      const read = [cursor.id.toString()];
      for (let i = 0; i < cursor.fieldCount; i++) {
        cursor.nextPair();
        read.push(viewedText(cursor.field), viewedText(cursor.value));
      }
      expect(read).toEqual([id.toString(), ...pairs]);
    }
    expect(cursor.next()).toBe(false);
  }
}

test(
  "streams agree with an array, and give everything back",
  () => {
    const keys = new CollectionKeys(random);
    const before = keys.usage(random);
    for (let round = 0; round < scale(60); round++) {
      const home = keys.home(TYPE_STREAM);
      let key = "stream";
      keys.open(home, key);
      const subject = new Subject(home);
      const steps = random.pick([50, 300, 1000]);
      for (let step = 1; step <= steps; step++) {
        subject.step();
        if (step % 50 === 0) subject.check();
        if (step % 100 === 0) {
          checkCopy(keys, key, subject);
          keys.adopt(key, `${key}!`, true);
          key += "!";
          keys.open(home, key);
        }
      }
      subject.check();
      keys.remove(key);
      expectUsage(keys, random, before);
    }
  },
  TIMEOUT_MS,
);

/** A copy goes its own way. */
function checkCopy(keys: CollectionKeys, key: string, subject: Subject): void {
  keys.adopt(key, "copy", false);
  const home = keys.home(TYPE_STREAM);
  keys.open(home, "copy");
  const copy = new Subject(home);
  copy.model = [...subject.model];
  copy.lastId = subject.lastId;
  copy.maxDeletedId = subject.maxDeletedId;
  copy.added = subject.added;
  copy.check();
  for (let step = 0; step < 20; step++) copy.step();
  copy.check();
  keys.remove("copy");
  keys.open(subject.home, key);
  subject.check();
}
