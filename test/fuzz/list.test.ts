/** Lists against an array, over every encoding, in a key and without one. */
import { expect, test } from "bun:test";
import { bytesOf } from "../../src/base/bytes.ts";
import { TemporaryHome } from "../../src/keyspace/temporary-home.ts";
import { TYPE_LIST } from "../../src/memory/entry.ts";
import type { Home } from "../../src/values/home.ts";
import { ListValue, readListLimits } from "../../src/values/list.ts";
import { viewedText } from "../support/byte-texts.ts";
import { scale, seededRandom } from "../support/random.ts";
import { anyText, CollectionKeys, expectUsage, integerText } from "./_collection-keys.ts";

const random = seededRandom("lists");

const TIMEOUT_MS = 120_000;

/** Values of list-max-listpack-size. */
const FILLS = [-5, -4, -3, -2, -1, 0, 1, 2, 3, 10, 128, 10_000];

class Subject {
  model: string[] = [];
  readonly list: ListValue;
  private readonly longest: number;

  constructor(home: Home, fill: number) {
    const limits = { maxItems: 0, maxBytes: 0 };
    readListLimits(fill, limits);
    this.list = new ListValue(home, limits);
    this.longest = random.pick([10, 70, 5000, 20_000, 70_000]);
  }

  /** Seldom a new one, so that searches find something. */
  private text(): string {
    if (this.model.length > 0 && random.chance(0.3)) return random.pick(this.model);
    return random.chance(0.5) ? anyText(random, this.longest) : integerText(random);
  }

  step(): void {
    const size = this.model.length;
    const choice = size === 0 ? 0 : random.below(9);
    if (choice < 2) this.push();
    else if (choice === 2) this.drop();
    else if (choice === 3) this.read();
    else if (choice === 4) this.replace();
    else if (choice === 5) this.insert();
    else if (choice === 6) this.removeEqual();
    else if (choice === 7) this.removeRun();
    else this.rotate();
    // A command never leaves an empty list.
    if (this.model.length === 0 && this.list.home.exists) this.list.home.remove();
  }

  private push(): void {
    const texts = Array.from({ length: random.chance(0.1) ? random.below(300) : 1 }, () =>
      this.text(),
    );
    if (texts.length === 0) return;
    const bytes = texts.map(bytesOf);
    const atHead = random.chance(0.5);
    this.list.prepare(
      texts.length,
      bytes.reduce((sum, { length }) => sum + length, 0),
    );
    for (const item of bytes) this.list.push(atHead, item, 0, item.length);
    if (atHead) this.model.unshift(...texts.toReversed());
    else this.model.push(...texts);
  }

  private drop(): void {
    const { list, model } = this;
    const atHead = random.chance(0.5);
    const count = random.chance(0.8) ? 1 : random.between(1, model.length);
    if (count === model.length) list.home.remove();
    else {
      list.drop(atHead, count);
      list.settle();
    }
    this.model = atHead ? model.slice(count) : model.slice(0, model.length - count);
  }

  private read(): void {
    const { list, model } = this;
    const index = random.below(model.length);
    const backwards = random.chance(0.5);
    list.seek(index);
    for (let at = index, left = 20; left > 0; left--) {
      list.read();
      if (viewedText(list.item) !== model[at]) throw new Error(`item ${at} differs`);
      at += backwards ? -1 : 1;
      const isOn = backwards ? list.previous() : list.next();
      if (isOn !== (at >= 0 && at < model.length)) throw new Error(`the end at ${at}`);
      if (!isOn) return;
    }
  }

  private replace(): void {
    const index = random.below(this.model.length);
    const text = this.text();
    const bytes = bytesOf(text);
    this.list.prepare(1, bytes.length);
    this.list.seek(index);
    this.list.replace(bytes, 0, bytes.length);
    this.model[index] = text;
    if (random.chance(0.5)) this.list.settle();
  }

  private insert(): void {
    const { list, model } = this;
    const text = this.text();
    const bytes = bytesOf(text);
    list.prepare(1, bytes.length);
    const isBefore = random.chance(0.5);
    const pivot = random.chance(0.9) ? random.pick(model) : this.text();
    const pivotBytes = bytesOf(pivot);
    list.sought(pivotBytes, 0, pivotBytes.length);
    list.seekEnd(true);
    const index = model.indexOf(pivot);
    for (let at = 0; !list.isAtSought; at++) {
      const isOn = list.next();
      if (isOn !== at + 1 < model.length) throw new Error(`the end at ${at}`);
      if (isOn) continue;
      expect(index).toBe(-1);
      return;
    }
    list.insert(isBefore, bytes, 0, bytes.length);
    model.splice(isBefore ? index : index + 1, 0, text);
  }

  /** As LREM does. */
  private removeEqual(): void {
    const { list } = this;
    const text = this.text();
    const bytes = bytesOf(text);
    const backwards = random.chance(0.5);
    const most = random.chance(0.5) ? Infinity : random.between(1, 3);
    list.sought(bytes, 0, bytes.length);
    list.seekEnd(!backwards);
    let removed = 0;
    for (let isOn = true; isOn && removed < most;) {
      if (list.isAtSought) {
        isOn = list.removeAndMove(backwards);
        removed++;
      } else {
        isOn = backwards ? list.previous() : list.next();
      }
    }
    let left = removed;
    const keeps = (item: string): boolean => item !== text || left-- <= 0;
    const kept = backwards
      ? this.model.toReversed().filter(keeps).toReversed()
      : this.model.filter(keeps);
    expect(this.model.length - kept.length).toBe(removed);
    if (removed < most) expect(kept).not.toContain(text);
    this.model = kept;
    if (this.model.length > 0 && random.chance(0.5)) list.settle();
  }

  private removeRun(): void {
    const { list, model } = this;
    const backwards = random.chance(0.5);
    let index = random.below(model.length);
    list.seek(index);
    for (let left = random.between(1, 12); left > 0; left--) {
      model.splice(index, 1);
      const isOn = list.removeAndMove(backwards);
      if (backwards) index--;
      if (isOn !== (index >= 0 && index < model.length)) throw new Error(`the end at ${index}`);
      if (!isOn) return;
      list.read();
      if (viewedText(list.item) !== model[index]) throw new Error(`item ${index} differs`);
    }
  }

  private rotate(): void {
    const { list, model } = this;
    for (let turn = 0; turn < 3 && model.length > 1; turn++) {
      const last = model.pop() ?? "";
      const bytes = bytesOf(last);
      list.drop(false, 1);
      list.prepare(1, bytes.length);
      list.push(true, bytes, 0, bytes.length);
      list.settle();
      model.unshift(last);
    }
  }

  check(): void {
    checkList(this.list, this.model);
  }
}

function checkList(list: ListValue, model: readonly string[]): void {
  expect(list.size).toBe(model.length);
  if (model.length === 0) return;
  for (const backwards of [false, true]) {
    const found: string[] = [];
    list.seekEnd(!backwards);
    do {
      list.read();
      found.push(viewedText(list.item));
    } while (backwards ? list.previous() : list.next());
    if (backwards) found.reverse();
    if (!Bun.deepEquals(found, model)) throw new Error("the list differs from its model");
  }
}

test(
  "lists under keys agree with an array, and give everything back",
  () => {
    const keys = new CollectionKeys(random);
    keys.usage(random);
    const before = keys.usage(random);
    const encodings = new Set<number>();
    for (let round = 0; round < scale(60); round++) {
      const home = keys.home(TYPE_LIST);
      const subject = new Subject(home, random.pick(FILLS));
      let key = "list";
      keys.open(home, key);
      for (let step = 0; step < 250; step++) {
        subject.step();
        if (step % 10 === 0) subject.check();
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
    expect(encodings.size).toBe(2);
  },
  TIMEOUT_MS,
);

/** A copy goes its own way. */
function checkCopy(keys: CollectionKeys, key: string, subject: Subject): void {
  keys.adopt(key, "copy", false);
  const home = keys.home(TYPE_LIST);
  keys.open(home, "copy");
  const copy = new Subject(home, random.pick(FILLS));
  copy.model = [...subject.model];
  for (let step = 0; step < 10; step++) {
    copy.check();
    copy.step();
  }
  keys.remove("copy");
  keys.open(subject.list.home as typeof home, key);
  subject.check();
}

test(
  "lists without a key agree with an array, and give everything back",
  () => {
    const keys = new CollectionKeys(random);
    const before = keys.usage(random);
    for (let round = 0; round < scale(30); round++) {
      const home = new TemporaryHome(keys.database.arena);
      const subject = new Subject(home, random.pick(FILLS));
      for (let step = 0; step < 150; step++) {
        subject.step();
        if (step % 10 === 0) subject.check();
      }
      home.discard();
      expectUsage(keys, random, before);
    }
  },
  TIMEOUT_MS,
);
