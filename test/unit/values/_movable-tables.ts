/** Large hashes, sets, sorted sets and the list of expiring hashes, each beside its model. */
import { bytesOf, compareBytes } from "../../../src/base/bytes.ts";
import { hashBytes } from "../../../src/base/hash.ts";
import { ExpiringHashes } from "../../../src/keyspace/expiring-hashes.ts";
import { Arena, NULL_REF } from "../../../src/memory/arena.ts";
import type { Ref } from "../../../src/memory/arena.ts";
import { ByteView, readData, readMember } from "../../../src/memory/element.ts";
import { LargeHash, NO_FIELD_EXPIRY } from "../../../src/values/_large-hash.ts";
import { LargeSet } from "../../../src/values/_large-set.ts";
import { LargeSortedSet } from "../../../src/values/_large-sorted-set.ts";
import { viewedText } from "../../support/byte-texts.ts";
import type { Random } from "../../support/random.ts";

/** An owner of blocks in an arena of its own. */
export interface Movable {
  readonly arena: Arena;
  readonly size: number;
  /** One change, which mostly adds something where `grows`, and mostly removes where not. */
  change(grows: boolean): void;
  compact(cursor: number, budget: number): number;
  /** Throws where it is not what its model is. */
  check(): void;
  /** Frees all blocks. */
  free(): void;
}

const view = new ByteView();

function hashOf(text: string): number {
  const bytes = bytesOf(text);
  return hashBytes(bytes, 0, bytes.length);
}

/** Mostly short, sometimes with bytes outside of the block; often one that is known. */
function name(random: Random, known: number): string {
  const text = `${random.below(known * 2)}`;
  return random.chance(0.01) ? `${text}:${"long".repeat(1100)}` : text;
}

function differ(what: string): never {
  throw new Error(`${what} differs from the model`);
}

export class MovableHash implements Movable {
  readonly arena = new Arena();
  private readonly hash = new LargeHash(this.arena);
  private readonly model = new Map<string, { value: string; whenMs: number }>();
  private readonly random: Random;
  private readonly expected: number;

  constructor(random: Random, expected: number) {
    this.random = random;
    this.expected = expected;
  }

  get size(): number {
    return this.model.size;
  }

  change(grows: boolean): void {
    const { random, hash, model } = this;
    const field = name(random, this.expected);
    const bytes = bytesOf(field);
    const ref = hash.find(bytes, 0, bytes.length);
    const before = model.get(field);
    if (random.chance(grows ? 0.6 : 0.1)) {
      const value = random.chance(0.01) ? "v".repeat(17_000) : random.word(random.below(60));
      const keepsExpiry = random.chance(0.5);
      hash.set(bytes, 0, bytes.length, bytesOf(value), 0, value.length, keepsExpiry);
      const whenMs = keepsExpiry && before !== undefined ? before.whenMs : NO_FIELD_EXPIRY;
      model.set(field, { value, whenMs });
      return;
    }
    if (before === undefined) return;
    const choice = random.below(4);
    if (choice === 0 || !grows) {
      hash.remove(ref, hashOf(field));
      model.delete(field);
    } else if (choice === 1 && before.whenMs !== NO_FIELD_EXPIRY) {
      hash.dropExpiry(hashOf(field), ref);
      before.whenMs = NO_FIELD_EXPIRY;
    } else {
      before.whenMs = random.below(2 ** 31);
      hash.setExpiry(hashOf(field), ref, before.whenMs);
    }
  }

  compact(cursor: number, budget: number): number {
    return this.hash.compact(cursor, budget);
  }

  check(): void {
    const { hash, model, arena } = this;
    if (hash.table.size !== model.size) differ("the number of fields");
    let firstMs = Infinity;
    for (const [field, { value, whenMs }] of model) {
      const bytes = bytesOf(field);
      const ref = hash.find(bytes, 0, bytes.length);
      if (ref === NULL_REF) differ(`field ${field}`);
      readData(arena, ref, view);
      if (viewedText(view) !== value) differ(`the value of ${field}`);
      if (hash.expiryOf(ref) !== whenMs) differ(`the expiry of ${field}`);
      if (whenMs !== NO_FIELD_EXPIRY) firstMs = Math.min(firstMs, whenMs);
    }
    if (hash.firstExpiryMs !== firstMs) differ("the first expiry");
    if (firstMs === Infinity) return;
    hash.hiddenBeforeMs = firstMs + 1;
    readMember(arena, hash.expired, view);
    hash.hiddenBeforeMs = 0;
    if (model.get(viewedText(view))?.whenMs !== firstMs) differ("the field that expires first");
  }

  free(): void {
    while (this.hash.free(100));
  }
}

export class MovableSet implements Movable {
  readonly arena = new Arena();
  private readonly set = new LargeSet(this.arena);
  private readonly model = new Set<string>();
  private readonly random: Random;
  private readonly expected: number;

  constructor(random: Random, expected: number) {
    this.random = random;
    this.expected = expected;
  }

  get size(): number {
    return this.model.size;
  }

  change(grows: boolean): void {
    const { random, set, model } = this;
    const text = name(random, this.expected);
    const bytes = bytesOf(text);
    if (random.chance(grows ? 0.7 : 0.1)) {
      if (set.add(bytes, 0, bytes.length, hashOf(text)) === model.has(text)) differ(text);
      model.add(text);
    } else if (model.delete(text)) {
      set.remove(set.table.find(bytes, 0, bytes.length, hashOf(text)), hashOf(text));
    }
  }

  compact(cursor: number, budget: number): number {
    return this.set.compact(cursor, budget);
  }

  check(): void {
    const { set, model } = this;
    if (set.table.size !== model.size) differ("the number of members");
    for (const text of model) {
      const bytes = bytesOf(text);
      if (set.table.find(bytes, 0, bytes.length, hashOf(text)) === NULL_REF) differ(text);
    }
  }

  free(): void {
    while (this.set.free(100));
  }
}

export class MovableSortedSet implements Movable {
  readonly arena = new Arena();
  private readonly set = new LargeSortedSet(this.arena);
  private readonly model = new Map<string, number>();
  private readonly random: Random;
  private readonly expected: number;
  /** Few scores make the tree compare members. */
  private readonly scores: number;

  constructor(random: Random, expected: number) {
    this.random = random;
    this.expected = expected;
    this.scores = random.pick([1, 5, 2 ** 31]);
  }

  get size(): number {
    return this.model.size;
  }

  change(grows: boolean): void {
    const { random, set, model } = this;
    const text = name(random, this.expected);
    const bytes = bytesOf(text);
    const ref = set.find(bytes, 0, bytes.length);
    const choice = random.below(100);
    if (choice < (grows ? 70 : 20)) {
      const score = random.below(this.scores);
      if (model.has(text)) set.rescore(ref, score);
      else set.add(bytes, 0, bytes.length, score, hashOf(text));
      model.set(text, score);
    } else if (choice < 99) {
      if (model.delete(text)) set.remove(ref, hashOf(text));
    } else {
      this.removeRange();
    }
  }

  private removeRange(): void {
    const { random, set, model } = this;
    const count = Math.min(model.size, random.below(60));
    const rank = random.pick([0, random.below(model.size - count + 1), model.size - count]);
    if (count === 0) return;
    const members: string[] = [];
    set.tree.seek(rank);
    do members.push(this.textOf(set.tree.cursorRef));
    while (set.tree.next() && members.length < count);
    set.removeRange(rank, count);
    for (const text of members) if (!model.delete(text)) differ(text);
  }

  private textOf(ref: Ref): string {
    readMember(this.arena, ref, view);
    return viewedText(view);
  }

  compact(cursor: number, budget: number): number {
    return this.set.compact(cursor, budget);
  }

  check(): void {
    const { set, model } = this;
    if (set.table.size !== model.size) differ("the number of members");
    const ordered = [...model].toSorted(([a, x], [b, y]) => x - y || compareTexts(a, b));
    ordered.forEach(([text, score], rank) => {
      const bytes = bytesOf(text);
      const ref = set.find(bytes, 0, bytes.length);
      if (ref === NULL_REF || set.scoreOf(ref) !== score) differ(text);
      if (set.tree.rankOf(score, ref) !== rank) differ(`the rank of ${text}`);
      if (rank === 0) set.tree.seek(0);
      else if (!set.tree.next()) differ("the end");
      if (set.tree.cursorRef !== ref) differ(`who follows at ${rank}`);
    });
  }

  free(): void {
    while (this.set.free(100));
  }
}

function compareTexts(a: string, b: string): number {
  const x = bytesOf(a);
  const y = bytesOf(b);
  return compareBytes(x, 0, x.length, y, 0, y.length);
}

export class MovableExpiringHashes implements Movable {
  readonly arena = new Arena();
  private readonly hashes = new ExpiringHashes(this.arena);
  private readonly model = new Map<string, number>();
  private readonly random: Random;
  private readonly expected: number;

  constructor(random: Random, expected: number) {
    this.random = random;
    this.expected = expected;
  }

  get size(): number {
    return this.model.size;
  }

  change(grows: boolean): void {
    const { random, hashes, model } = this;
    const text = name(random, this.expected);
    const bytes = bytesOf(text);
    if (random.chance(grows ? 0.7 : 0.1)) {
      const whenMs = random.below(2 ** 31);
      hashes.put(bytes, 0, bytes.length, hashOf(text), whenMs);
      model.set(text, whenMs);
    } else {
      hashes.remove(bytes, 0, bytes.length, hashOf(text));
      model.delete(text);
    }
  }

  compact(cursor: number, budget: number): number {
    return this.hashes.compact(cursor, budget);
  }

  check(): void {
    const { hashes, model } = this;
    if (hashes.size !== model.size) differ("the number of keys");
    const firstMs = model.values().reduce((least, whenMs) => Math.min(least, whenMs), Infinity);
    if (hashes.firstMs !== firstMs) differ("the first time");
    if (model.size === 0) return;
    hashes.readDue(view, firstMs + 1);
    if (model.get(viewedText(view)) !== firstMs) differ("who is due first");
  }

  free(): void {
    for (let left = this.size; left > 0; left--) {
      this.check();
      this.hashes.readDue(view, Infinity);
      const text = viewedText(view);
      const bytes = bytesOf(text);
      this.hashes.remove(bytes, 0, bytes.length, hashOf(text));
      this.model.delete(text);
    }
  }
}
