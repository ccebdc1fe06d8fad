/** Hashes against a Map of fields to values and expiries, over every encoding. */
import { expect, test } from "bun:test";
import { bytesOf } from "../../src/base/bytes.ts";
import type { OpenValue } from "../../src/keyspace/open-value.ts";
import { TYPE_HASH } from "../../src/memory/entry.ts";
import { HashValue, NO_FIELD_EXPIRY } from "../../src/values/hash.ts";
import { viewedText } from "../support/byte-texts.ts";
import { scale, seededRandom } from "../support/random.ts";
import { anyText, CollectionKeys, expectUsage, integerText } from "./_collection-keys.ts";

const random = seededRandom("hashes");
const TIMEOUT_MS = 120_000;

interface Held {
  value: string;
  whenMs: number;
}

class Subject {
  key = "hash";
  readonly model = new Map<string, Held>();
  readonly hash: HashValue;
  private readonly home: OpenValue;
  private readonly keys: CollectionKeys;
  private readonly fields: readonly string[];
  private readonly longest = random.pick([8, 70, 5000, 20_000]);
  /** How many in a hundred steps set an expiry. */
  private readonly expiring = random.pick([0, 0, 5, 30]);

  constructor(keys: CollectionKeys) {
    this.keys = keys;
    this.home = keys.home(TYPE_HASH);
    this.hash = new HashValue(this.home, {
      maxEntries: random.pick([0, 1, 5, 128, 1000]),
      maxValueBytes: random.pick([0, 5, 64, 100_000]),
    });
    const longestField = random.pick([8, 8, 70, 5000, 20_000]);
    this.fields = Array.from({ length: random.pick([10, 150, 1500]) }, () =>
      anyText(random, longestField),
    );
  }

  step(): void {
    this.open();
    const choice = random.below(100);
    if (choice < this.expiring) this.expire();
    else if (choice < 60) this.set();
    else if (choice < 80) this.remove();
    else if (choice < 90) this.find();
    else this.pick();
    if (this.hash.size === 0 && this.home.exists) this.home.remove();
  }

  open(): void {
    this.keys.open(this.home, this.key);
    this.hash.opened(this.keys.clock.nowMs);
  }

  private set(): void {
    const times = random.chance(0.1) ? random.below(200) : 1;
    for (let i = 0; i < times; i++) {
      const field = random.pick(this.fields);
      const value = random.chance(0.5) ? integerText(random) : anyText(random, this.longest);
      const bytes = bytesOf(field);
      const valueBytes = bytesOf(value);
      const keepsExpiry = random.chance(0.5);
      const held = this.model.get(field);
      const isNew = this.hash.set(
        ...([bytes, 0, bytes.length, valueBytes, 0, valueBytes.length, keepsExpiry] as const),
      );
      expect(isNew).toBe(held === undefined);
      const whenMs = keepsExpiry && held !== undefined ? held.whenMs : NO_FIELD_EXPIRY;
      this.model.set(field, { value, whenMs });
    }
  }

  private remove(): void {
    const field = this.anyField();
    const bytes = bytesOf(field);
    // The caller does not count a field that has expired.
    const isThere = this.hash.expiryOf(bytes, 0, bytes.length) !== null;
    expect(isThere).toBe(this.model.has(field));
    if (!this.home.exists) return;
    expect(this.hash.remove(bytes, 0, bytes.length)).toBe(this.model.delete(field));
  }

  private find(): void {
    const field = this.anyField();
    const bytes = bytesOf(field);
    const held = this.model.get(field);
    expect(this.hash.find(bytes, 0, bytes.length)).toBe(held !== undefined);
    if (held !== undefined && viewedText(this.hash.value) !== held.value) {
      throw new Error("the value differs");
    }
    expect(this.hash.expiryOf(bytes, 0, bytes.length)).toBe(held?.whenMs ?? null);
  }

  private expire(): void {
    const field = this.anyField();
    const bytes = bytesOf(field);
    const held = this.model.get(field);
    expect(this.hash.expiryOf(bytes, 0, bytes.length)).toBe(held?.whenMs ?? null);
    if (held === undefined) return;
    if (held.whenMs !== NO_FIELD_EXPIRY && random.chance(0.3)) {
      this.hash.dropExpiry(bytes, 0, bytes.length);
      held.whenMs = NO_FIELD_EXPIRY;
    } else {
      held.whenMs = this.keys.clock.nowMs + random.below(1000);
      this.hash.setExpiry(bytes, 0, bytes.length, held.whenMs);
    }
  }

  /** Fields that `pick` tells apart are different ones. */
  private pick(): void {
    if (this.hash.size === 0) return;
    const picked = new Map<number, string>();
    for (let i = 0; i < 5; i++) {
      const identity = this.hash.pick(this.keys.randomWord);
      if (identity === 0) {
        expect(this.model.size).toBe(0);
        return;
      }
      const field = viewedText(this.hash.field);
      expect(viewedText(this.hash.value)).toBe(this.model.get(field)?.value ?? "(no such field)");
      expect(picked.get(identity) ?? field).toBe(field);
      picked.set(identity, field);
    }
    expect(new Set(picked.values()).size).toBe(picked.size);
  }

  private anyField(): string {
    return random.chance(0.9) ? random.pick(this.fields) : anyText(random, 70);
  }

  /** Some time passes, and what has expired is removed, or only hidden for now. */
  age(): void {
    this.keys.clock.advance(random.below(300));
    const { nowMs } = this.keys.clock;
    for (const [field, { whenMs }] of this.model) {
      if (whenMs !== NO_FIELD_EXPIRY && whenMs < nowMs) this.model.delete(field);
    }
    this.open();
    if (random.chance(0.5)) while (this.hash.removeExpired(random.between(1, 10)) > 0);
    this.check();
  }

  check(): void {
    checkHash(this.hash, this.model);
  }
}

function checkHash(hash: HashValue, model: ReadonlyMap<string, Held>): void {
  if (!hash.hidesFields) expect(hash.size).toBe(model.size);
  if (hash.size === 0) return;
  const walked = new Map<string, Held>();
  const collect = (): unknown =>
    walked.set(viewedText(hash.field), {
      value: viewedText(hash.value),
      whenMs: hash.fieldExpiryMs,
    });
  hash.rewind();
  for (let count = 1; hash.next(); count++) {
    collect();
    if (walked.size !== count) throw new Error("a field came twice");
  }
  if (!Bun.deepEquals(walked, model)) throw new Error("the walk differs");
  walked.clear();
  let cursor = 0;
  do {
    cursor = hash.scan(cursor, random.between(1, 50), collect);
  } while (cursor !== 0);
  if (!Bun.deepEquals(walked, model)) throw new Error("the scan differs");
}

test(
  "hashes agree with a Map, and give everything back",
  () => {
    const keys = new CollectionKeys(random);
    // The table of hashes with fields that expire is made once and stays.
    const warm = new Subject(keys);
    warm.open();
    const field = bytesOf("f");
    warm.hash.set(field, 0, 1, field, 0, 1);
    warm.hash.setExpiry(field, 0, 1, keys.clock.nowMs + 1);
    keys.remove(warm.key);
    const before = keys.usage(random);
    const encodings = new Set<number>();
    for (let round = 0; round < scale(80); round++) {
      const subject = new Subject(keys);
      for (let step = 0; step < 200; step++) {
        subject.step();
        if (step % 20 === 0) subject.age();
        if (subject.model.size > 0) encodings.add(subject.hash.home.encoding);
        if (step % 40 === 0 && subject.model.size > 0) move(keys, subject);
      }
      keys.remove(subject.key);
      expectUsage(keys, random, before);
    }
    expect(encodings.size).toBe(2);
  },
  TIMEOUT_MS,
);

function move(keys: CollectionKeys, subject: Subject): void {
  if (random.chance(0.5)) keys.setExpiry(subject.key, keys.clock.nowMs + 1e9);
  keys.adopt(subject.key, "copy", false);
  const home = keys.home(TYPE_HASH);
  keys.open(home, "copy");
  const copy = new HashValue(home, subject.hash.limits).opened(keys.clock.nowMs);
  checkHash(copy, subject.model);
  const extra = bytesOf("only in the copy");
  copy.set(extra, 0, extra.length, extra, 0, extra.length);
  keys.remove("copy");
  const renamed = `${subject.key}!`;
  keys.adopt(subject.key, renamed, true);
  subject.key = renamed;
  subject.open();
  subject.check();
}
