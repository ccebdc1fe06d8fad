/** The heap against a plain map, beyond several chunks, with elements that move. */
import { expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import { Arena, type Ref } from "../../../src/memory/arena.ts";
import { freeElement, makeElement, numberOf } from "../../../src/memory/element.ts";
import { ExpiryHeap } from "../../../src/memory/expiry-heap.ts";
import { scale, seededRandom } from "../../support/random.ts";

const random = seededRandom("expiry heap");
const MEMBER = bytesOf("a member");

function element(arena: Arena, number = 0): Ref {
  return makeElement(arena, MEMBER, 0, MEMBER.length, true, number);
}

class Subject {
  readonly arena = new Arena();
  readonly counter = { bytes: 0 };
  readonly heap = new ExpiryHeap(this.arena, this.counter);
  readonly model = new Map<Ref, number>();
  private readonly refs: Ref[] = [];

  get size(): number {
    return this.refs.length;
  }

  add(whenMs: number): void {
    const ref = element(this.arena);
    this.heap.add(ref, whenMs);
    this.model.set(ref, whenMs);
    this.refs.push(ref);
  }

  change(whenMs: number): void {
    const ref = random.pick(this.refs);
    this.heap.change(ref, whenMs);
    this.model.set(ref, whenMs);
  }

  move(): void {
    const at = random.below(this.refs.length);
    const from = this.refs[at];
    const to = element(this.arena, numberOf(this.arena, from));
    this.heap.moved(to);
    this.replace(at, from, to);
  }

  remove(ref = random.pick(this.refs)): void {
    this.heap.remove(ref);
    this.model.delete(ref);
    const last = this.refs.pop() as Ref;
    if (last !== ref) this.refs[this.refs.indexOf(ref)] = last;
    freeElement(this.arena, ref);
  }

  check(): void {
    const { heap, model } = this;
    expect(heap.size).toBe(model.size);
    let least = Infinity;
    for (const [ref, whenMs] of model) {
      if (heap.timeOf(ref) !== whenMs) throw new Error("an element's time is another's");
      least = Math.min(least, whenMs);
    }
    expect(heap.firstMs).toBe(least);
    if (model.size > 0) {
      expect(model.get(heap.dueBefore(least + 1))).toBe(least);
      const beforeMs = least + 1 + random.below(2000);
      expect(model.get(heap.dueBefore(beforeMs))).toBeLessThan(beforeMs);
    }
    expect(heap.sizeBytes).toBe(this.counter.bytes);
    expect(this.counter.bytes).toBeGreaterThanOrEqual(heap.size * 12);
  }

  private replace(at: number, from: Ref, to: Ref): void {
    this.model.set(to, this.model.get(from) ?? NaN);
    this.model.delete(from);
    this.refs[at] = to;
    freeElement(this.arena, from);
  }
}

test.each([3, 20, 5000, 14_000])("like a map, about %i elements", (size) => {
  const subject = new Subject();
  const time = (): number => random.below(random.pick([5, 1000, 2 ** 32]));
  for (let phase = 0; phase < scale(6); phase++) {
    const target = phase % 2 === 0 ? size : random.below(size);
    while (subject.size < target) subject.add(time());
    while (subject.size > target) subject.remove();
    subject.check();
    for (let i = 0; i < Math.min(size, 300); i++) {
      if (subject.size > 0) subject.change(time());
      if (subject.size > 0) subject.move();
      if (subject.size > 0 && random.chance(0.5)) subject.remove();
      if (random.chance(0.5)) subject.add(time());
      if (size < 100) subject.check();
    }
    subject.check();
  }
  emptyInOrder(subject);
});

function emptyInOrder(subject: Subject): void {
  const left = [...subject.model.values()].toSorted((a, b) => a - b);
  for (const whenMs of left) {
    if (subject.heap.firstMs !== whenMs) throw new Error("out of order");
    subject.remove(subject.heap.dueBefore(whenMs + 1));
  }
  expect(subject.heap.size).toBe(0);
}

test("elements come out in the order of their times, and the memory goes with the heap", () => {
  const subject = new Subject();
  for (let i = 0; i < 9000; i++) subject.add(random.below(4000));
  emptyInOrder(subject);
  expect(subject.heap.firstMs).toBe(Infinity);
  // What 9000 needed has been given back but for the chunk in reserve.
  expect(subject.counter.bytes).toBeLessThan(5000 * 12);
  subject.heap.release();
  expect(subject.counter.bytes).toBe(0);
  expect(subject.arena.usedBytes).toBe(0);
});
