/** Sets against a Set, over every encoding, in a key and without one. */
import { expect, test } from "bun:test";
import { bytesOf } from "../../src/base/bytes.ts";
import { hashBytes } from "../../src/base/hash.ts";
import { TemporaryHome } from "../../src/keyspace/temporary-home.ts";
import { TYPE_SET } from "../../src/memory/entry.ts";
import type { Home } from "../../src/values/home.ts";
import { SetValue } from "../../src/values/set.ts";
import { viewedText } from "../support/byte-texts.ts";
import { scale, seededRandom } from "../support/random.ts";
import { anyText, CollectionKeys, expectUsage, integerText } from "./_collection-keys.ts";

const random = seededRandom("sets");
const TIMEOUT_MS = 120_000;

class Subject {
  readonly model = new Set<string>();
  readonly set: SetValue;
  private readonly texts: readonly string[];
  private readonly keys: CollectionKeys;

  constructor(keys: CollectionKeys, home: Home) {
    this.keys = keys;
    this.set = new SetValue(home, {
      maxIntegers: random.pick([0, 1, 5, 100, 512, 10_000]),
      maxEntries: random.pick([0, 1, 5, 128, 1000]),
      maxValueBytes: random.pick([0, 5, 64, 100_000]),
    });
    this.texts = pool();
  }

  step(): void {
    const choice = random.below(10);
    if (choice < 5) this.add();
    else if (choice < 8) this.remove();
    else if (choice === 8) this.ask();
    else if (this.model.size > 0) this.pick();
    if (this.model.size === 0 && this.set.home.exists) this.set.home.remove();
  }

  private add(): void {
    const texts = Array.from({ length: random.chance(0.1) ? random.between(2, 200) : 1 }, () =>
      random.pick(this.texts),
    );
    const bytes = texts.map(bytesOf);
    if (texts.length > 1) this.set.prepare(texts.length, bytes[0], 0, bytes[0].length);
    for (const [index, text] of texts.entries()) {
      const member = bytes[index];
      expect(this.set.add(member, 0, member.length)).toBe(!this.model.has(text));
      this.model.add(text);
    }
  }

  private remove(): void {
    const text = random.chance(0.8) && this.model.size > 0 ? this.anyMember() : this.anyText();
    const bytes = bytesOf(text);
    expect(this.set.remove(bytes, 0, bytes.length)).toBe(this.model.delete(text));
  }

  private ask(): void {
    const text = this.anyText();
    const bytes = bytesOf(text);
    expect(this.set.has(bytes, 0, bytes.length)).toBe(this.model.has(text));
    const hash = hashBytes(bytes, 0, bytes.length);
    expect(this.set.hasHashed(bytes, 0, bytes.length, hash)).toBe(this.model.has(text));
  }

  /** Members that `pick` tells apart are different ones. */
  private pick(): void {
    const picked = new Map<number, string>();
    for (let i = 0; i < 5; i++) {
      const identity = this.set.pick(this.keys.randomWord);
      const text = viewedText(this.set.member);
      if (!this.model.has(text)) throw new Error(`picked ${text}`);
      expect(picked.get(identity) ?? text).toBe(text);
      picked.set(identity, text);
    }
    expect(new Set(picked.values()).size).toBe(picked.size);
  }

  private anyMember(): string {
    let left = random.below(Math.min(this.model.size, 50));
    for (const member of this.model) if (left-- === 0) return member;
    throw new Error("No members");
  }

  private anyText(): string {
    return random.chance(0.8) ? random.pick(this.texts) : anyText(random, 70);
  }

  check(): void {
    checkSet(this.set, this.model);
  }
}

/** Texts of one kind or of several, so that every encoding lasts for a while. */
function pool(): string[] {
  const count = random.pick([10, 150, 1500]);
  const longest = random.pick([8, 70, 5000, 20_000]);
  const integers = random.pick([0, 0.5, 0.99, 1, 1]);
  const isNarrow = random.chance(0.5);
  return Array.from({ length: count }, () => {
    if (!random.chance(integers)) return anyText(random, longest);
    return isNarrow ? String(random.between(-1000, 1000)) : integerText(random);
  });
}

function checkSet(set: SetValue, model: ReadonlySet<string>): void {
  expect(set.size).toBe(model.size);
  if (model.size === 0) return;
  const wanted = [...model].toSorted();
  const walked: string[] = [];
  set.rewind();
  while (set.next()) {
    const { bytes, start, length } = set.member;
    // All of a hash but the lowest bit is known without hashing again.
    expect(set.memberHash | 1).toBe(hashBytes(bytes, start, length) | 1);
    walked.push(viewedText(set.member));
  }
  if (!Bun.deepEquals(walked.toSorted(), wanted)) throw new Error("the walk differs");
  const scanned = new Set<string>();
  let cursor = 0;
  do {
    cursor = set.scan(cursor, random.between(1, 50), () => scanned.add(viewedText(set.member)));
  } while (cursor !== 0);
  if (!Bun.deepEquals([...scanned].toSorted(), wanted)) throw new Error("the scan differs");
}

test(
  "sets under keys agree with a Set, and give everything back",
  () => {
    const keys = new CollectionKeys(random);
    const before = keys.usage(random);
    const encodings = new Set<number>();
    for (let round = 0; round < scale(60); round++) {
      const home = keys.home(TYPE_SET);
      const subject = new Subject(keys, home);
      let key = "set";
      keys.open(home, key);
      for (let step = 0; step < 200; step++) {
        subject.step();
        if (step % 20 === 0) subject.check();
        if (home.exists) encodings.add(home.encoding);
        if (step % 40 === 0 && home.exists) {
          if (random.chance(0.5)) keys.setExpiry(key, keys.clock.nowMs + 1e9);
          checkCopy(keys, key, subject);
          keys.adopt(key, `${key}!`, true);
          key += "!";
          keys.open(home, key);
          subject.check();
        }
      }
      keys.remove(key);
      expectUsage(keys, random, before);
    }
    expect(encodings.size).toBe(3);
  },
  TIMEOUT_MS,
);

function checkCopy(keys: CollectionKeys, key: string, subject: Subject): void {
  keys.adopt(key, "copy", false);
  const home = keys.home(TYPE_SET);
  keys.open(home, "copy");
  const copy = new SetValue(home, subject.set.limits);
  checkSet(copy, subject.model);
  const extra = bytesOf("only in the copy");
  copy.add(extra, 0, extra.length);
  keys.remove("copy");
  keys.open(subject.set.home as typeof home, key);
  subject.check();
}

test(
  "sets without a key agree with a Set, and give everything back",
  () => {
    const keys = new CollectionKeys(random);
    const before = keys.usage(random);
    for (let round = 0; round < scale(40); round++) {
      const home = new TemporaryHome(keys.database.arena);
      const subject = new Subject(keys, home);
      for (let step = 0; step < 100; step++) {
        subject.step();
        if (step % 20 === 0) subject.check();
      }
      home.discard();
      expectUsage(keys, random, before);
    }
  },
  TIMEOUT_MS,
);
