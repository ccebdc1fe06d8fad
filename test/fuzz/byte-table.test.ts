/** The table against a Map: growth, shrinkage, merges, moves, and SCAN's guarantee throughout. */
import { expect, test } from "bun:test";
import { bytesOf, textOf } from "../../src/base/bytes.ts";
import { hashBytes } from "../../src/base/hash.ts";
import { KeyView, makeEntry } from "../../src/keyspace/entries.ts";
import { Arena, NULL_REF } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/arena.ts";
import { ByteTable } from "../../src/memory/byte-table.ts";
import { TYPE_STRING } from "../../src/memory/entry.ts";
import { scale, seededRandom } from "../support/random.ts";

const random = seededRandom("byte table");

class Subject {
  readonly arena = new Arena();
  readonly table = new ByteTable(this.arena);
  readonly model = new Map<string, { ref: Ref; expires: boolean }>();
  private readonly view = new KeyView();

  add(key: string): void {
    const bytes = bytesOf(key);
    const ref = makeEntry(this.arena, TYPE_STRING, 0, 0, bytes, 0, bytes.length, 0);
    const expires = random.below(2) === 0;
    this.table.insert(hashOf(key), ref, expires);
    this.model.set(key, { ref, expires });
  }

  find(key: string): Ref {
    const bytes = bytesOf(key);
    return this.table.find(bytes, 0, bytes.length, hashOf(key));
  }

  remove(key: string): void {
    const held = this.model.get(key);
    if (held === undefined) throw new Error("the model lacks the key");
    // Half of the removals follow a lookup, as commands do; the others must search.
    if (random.below(2) === 0) this.find(key);
    this.table.remove(hashOf(key), held.ref);
    this.arena.free(held.ref);
    this.model.delete(key);
  }

  move(key: string): void {
    const held = this.model.get(key);
    if (held === undefined) throw new Error("the model lacks the key");
    const bytes = bytesOf(key);
    const to = makeEntry(this.arena, TYPE_STRING, 0, 0, bytes, 0, bytes.length, 100);
    this.table.relocate(hashOf(key), held.ref, to, !held.expires);
    this.arena.free(held.ref);
    this.model.set(key, { ref: to, expires: !held.expires });
  }

  keyAt(ref: Ref): string {
    this.view.read(this.arena, ref);
    return textOf(this.view.bytes, this.view.start, this.view.length);
  }

  check(): void {
    expect(this.table.size).toBe(this.model.size);
    for (const [key, { ref }] of this.model) {
      if (this.find(key) !== ref) throw new Error(`lost ${key}`);
    }
    expect(this.find("never added")).toBe(NULL_REF);
    const expiring = new Set<string>();
    this.table.scanExpiring(0, Infinity, (ref) => expiring.add(this.keyAt(ref)));
    const wanted = [...this.model].filter(([, { expires }]) => expires);
    expect(expiring.size).toBe(wanted.length);
  }
}

function hashOf(key: string): number {
  const bytes = bytesOf(key);
  return hashBytes(bytes, 0, bytes.length);
}

test("inserts, removals and moves agree with a Map", () => {
  const subject = new Subject();
  let next = 0;
  const keys: string[] = [];
  for (let phase = 0; phase < scale(12); phase++) {
    const grows = phase % 3 !== 2;
    for (let i = 0; i < 4000; i++) {
      const choice = random.below(10);
      if (keys.length === 0 || (grows ? choice < 7 : choice < 1)) {
        keys.push(`key:${next++}`);
        subject.add(keys[keys.length - 1]);
      } else {
        const at = random.below(keys.length);
        if (choice === 9) subject.move(keys[at]);
        else {
          subject.remove(keys[at]);
          keys[at] = keys[keys.length - 1];
          keys.pop();
        }
      }
    }
    subject.check();
  }
  for (const key of keys) subject.remove(key);
  subject.check();
  expect(subject.arena.usedBytes).toBe(0);
});

test("a scan returns every key that stays, while others come and go", () => {
  for (let round = 0; round < scale(10); round++) {
    const subject = new Subject();
    const staying = new Set<string>();
    const passing: string[] = [];
    const count = 1 + random.below(20000);
    for (let i = 0; i < count; i++) {
      subject.add(`stay:${i}`);
      staying.add(`stay:${i}`);
    }
    let made = 0;
    const seen = new Map<string, number>();
    let cursor = 0;
    let steps = 0;
    do {
      cursor = subject.table.scan(cursor, 1 + random.below(200), (ref) => {
        const key = subject.keyAt(ref);
        seen.set(key, (seen.get(key) ?? 0) + 1);
      });
      const grows = Math.floor(steps / 20) % 2 === 0;
      for (let i = 0; i < 100; i++) {
        if (grows) {
          passing.push(`pass:${made++}`);
          subject.add(passing[passing.length - 1]);
        } else if (passing.length > 0) {
          subject.remove(passing[passing.length - 1]);
          passing.pop();
        }
      }
      steps++;
    } while (cursor !== 0);
    for (const key of staying) {
      // Exactly once: a cursor is a hash, and a key's hash never changes.
      if (seen.get(key) !== 1) throw new Error(`${key} was returned ${seen.get(key) ?? 0} times`);
    }
  }
});

test("a walk lets every entry move that stays, while others come and go", () => {
  let moved = 0;
  for (let round = 0; round < scale(10); round++) {
    const subject = new Subject();
    const { arena, table } = subject;
    const count = 1 + random.below(20000);
    for (let i = 0; i < count; i++) subject.add(`stay:${i}`);
    const passing: string[] = [];
    arena.beginLeaving(() => random.chance(0.5));
    let made = 0;
    const move = (ref: Ref): Ref => {
      const to = arena.evacuate(ref);
      if (to === ref) return ref;
      moved++;
      const held = subject.model.get(subject.keyAt(to));
      if (held === undefined) throw new Error("an entry that is gone was shown");
      if (held.ref !== ref) throw new Error("an entry was shown under another's place");
      held.ref = to;
      return to;
    };
    let steps = 0;
    let cursor = 0;
    do {
      cursor = table.relocateSome(cursor, 1 + random.below(200), move);
      const grows = Math.floor(steps++ / 20) % 2 === 0;
      for (let i = 0; i < 100; i++) {
        if (grows) {
          passing.push(`pass:${made++}`);
          subject.add(passing[passing.length - 1]);
        } else if (passing.length > 0) {
          subject.remove(passing[passing.length - 1]);
          passing.pop();
        }
      }
    } while (cursor !== 0);
    for (const { ref } of subject.model.values()) {
      if (arena.isLeaving(ref)) throw new Error("an entry was not shown");
    }
    expect(arena.leavingPages).toBe(0);
    subject.check();
  }
  expect(moved).toBeGreaterThan(0);
});
