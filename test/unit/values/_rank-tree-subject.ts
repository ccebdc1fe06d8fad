/**
 * A rank tree with what tests need around it: elements made from texts, a model in a sorted array,
 * and a walk over the whole tree that checks every invariant its header states.
 */
import { expect } from "bun:test";
import { bytesOf, compareBytes, textOf } from "../../../src/base/bytes.ts";
import { Arena, MAX_BLOCK_BYTES, NULL_REF } from "../../../src/memory/arena.ts";
import type { Ref } from "../../../src/memory/arena.ts";
import { ByteView, freeElement, makeElement, readMember } from "../../../src/memory/element.ts";
import { RankTree } from "../../../src/values/_rank-tree.ts";
import {
  childAt,
  countOf,
  INNER,
  INNER_CAPACITY,
  LEAF,
  LEAF_CAPACITY,
  nextLeaf,
  previousLeaf,
  refAt,
  scoreAt,
  sizeAt,
} from "../../../src/values/_rank-tree-nodes.ts";
import type { Random } from "../../support/random.ts";

export interface Item {
  score: number;
  member: string;
  bytes: Uint8Array;
  ref: Ref;
}

export function compareItems(a: Item, b: Item): number {
  if (a.score !== b.score) return a.score < b.score ? -1 : 1;
  return compareBytes(a.bytes, 0, a.bytes.length, b.bytes, 0, b.bytes.length);
}

/** Blocks of 16 KiB that leave 11 pages of the first slab: what follows lies on both sides. */
const FILLING_BLOCKS = 980;

interface Walk {
  items: { score: number; ref: Ref }[];
  leaves: Ref[];
  nodes: number;
}

export class RankTreeSubject {
  readonly arena = new Arena();
  readonly tree: RankTree;
  /** The model: what the tree must hold, in its order. */
  readonly items: Item[] = [];
  private readonly leafCapacity: number;
  private readonly innerCapacity: number;
  private readonly fillingBytes: number;
  private readonly view = new ByteView();
  /** What `moveNodes` does next. */
  private stage: "begin" | "leaves" | "inner" = "begin";

  constructor(leafCapacity = LEAF_CAPACITY, innerCapacity = INNER_CAPACITY) {
    this.leafCapacity = leafCapacity;
    this.innerCapacity = innerCapacity;
    this.tree = new RankTree(this.arena, leafCapacity, innerCapacity);
    for (let i = 0; i < FILLING_BLOCKS; i++) this.arena.allocate(MAX_BLOCK_BYTES);
    this.fillingBytes = this.arena.usedBytes;
  }

  /** Bytes of elements and nodes. */
  get usedBytes(): number {
    return this.arena.usedBytes - this.fillingBytes;
  }

  make(score: number, member: string): Item {
    const bytes = bytesOf(member);
    const ref = makeElement(this.arena, bytes, 0, bytes.length, true, score);
    return { score, member, bytes, ref };
  }

  /** The model's index of the first item that is not below this one. */
  indexOf(item: Item): number {
    let low = 0;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareItems(this.items[middle], item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** False where the item is there already. */
  insert(score: number, member: string): boolean {
    const item = this.make(score, member);
    const index = this.indexOf(item);
    if (index < this.items.length && compareItems(this.items[index], item) === 0) {
      freeElement(this.arena, item.ref);
      return false;
    }
    this.tree.insert(score, item.ref);
    this.items.splice(index, 0, item);
    return true;
  }

  append(score: number, member: string): void {
    const item = this.make(score, member);
    this.tree.append(score, item.ref);
    this.items.push(item);
  }

  removeAt(index: number): void {
    const [{ score, ref }] = this.items.splice(index, 1);
    this.tree.remove(score, ref);
    this.erase(ref);
  }

  removeRange(rank: number, count: number): void {
    const given: Ref[] = [];
    this.tree.removeRange(rank, count, (ref) => {
      given.push(ref);
      this.erase(ref);
    });
    expect(given).toEqual(this.items.splice(rank, count).map(({ ref }) => ref));
  }

  /** Moves the element; the old block is gone before the tree hears of it, if `early`. */
  moveAt(index: number, early: boolean): void {
    const item = this.items[index];
    const from = item.ref;
    item.ref = this.make(item.score, item.member).ref;
    if (early) this.erase(from);
    this.tree.replaceRef(item.score, from, item.ref);
    if (!early) this.erase(from);
  }

  /** The next of walks that move the nodes out of pages chosen at random; checks it at the end. */
  moveNodes(random: Random): void {
    const { arena, tree } = this;
    const budget = random.pick([1, 2, 7, 50]);
    if (this.stage !== "inner") {
      if (this.stage === "begin") arena.beginLeaving(() => random.chance(0.3));
      const isOn = tree.compactLeaves(this.stage === "begin", budget, (from, to) => {
        const item = this.items.find(({ ref }) => ref === from);
        if (item === undefined) throw new Error("an element moved that is not in the model");
        item.ref = to;
      });
      this.stage = isOn ? "leaves" : "inner";
    } else if (!tree.compactInnerNodes(budget)) {
      this.stage = "begin";
      this.checkPlaces(tree["root"], tree["height"]);
    }
  }

  private checkPlaces(node: Ref, level: number): void {
    const { arena } = this;
    if (node === NULL_REF) return;
    if (arena.isLeaving(node)) throw new Error(`a node of level ${level} was left behind`);
    for (let slot = 0; level > 0 && slot < countOf(arena, node); slot++) {
      this.checkPlaces(childAt(arena, node, slot), level - 1);
    }
  }

  /** Frees an element, after making what it held unlike any member. */
  private erase(ref: Ref): void {
    readMember(this.arena, ref, this.view);
    this.view.bytes.fill(255, this.view.start, this.view.start + this.view.length);
    freeElement(this.arena, ref);
  }

  memberOf(ref: Ref): string {
    readMember(this.arena, ref, this.view);
    return textOf(this.view.bytes, this.view.start, this.view.length);
  }

  /** Walks the whole tree: order, sizes, fill, links and the first elements of every child. */
  check(): void {
    const root = this.tree["root"];
    const walk: Walk = { items: [], leaves: [], nodes: 0 };
    if (root !== NULL_REF) this.walk(root, this.tree["height"], true, true, walk);
    expect(walk.items.length).toBe(this.items.length);
    expect(this.tree.size).toBe(this.items.length);
    expect(this.tree.sizeBytes).toBe(walk.nodes * 1024);
    walk.items.forEach(({ score, ref }, rank) => {
      const item = this.items[rank];
      if (item.score !== score || item.ref !== ref) {
        throw new Error(`rank ${rank} is not ${item.score} ${item.member}`);
      }
    });
    walk.leaves.forEach((leaf, index) => {
      if (nextLeaf(this.arena, leaf) !== (walk.leaves[index + 1] ?? NULL_REF)) {
        throw new Error(`leaf ${index} has another next one`);
      }
      if (previousLeaf(this.arena, leaf) !== (walk.leaves[index - 1] ?? NULL_REF)) {
        throw new Error(`leaf ${index} has another previous one`);
      }
    });
  }

  /** Adds what lies below the node; it is the first or the last of its level, or neither. */
  private walk(node: Ref, level: number, isFirst: boolean, isLast: boolean, into: Walk): void {
    const { arena } = this;
    const isRoot = isFirst && isLast;
    const count = countOf(arena, node);
    const capacity = level === 0 ? this.leafCapacity : this.innerCapacity;
    const third = Math.max(2, Math.floor(capacity / 3));
    const least = level === 0 ? (isFirst || isLast ? 1 : third) : isFirst || isLast ? 2 : third;
    if (count < least || count > capacity) throw new Error(`${count} entries, level ${level}`);
    into.nodes++;
    if (level === 0) {
      into.leaves.push(node);
      for (let i = 0; i < count; i++) {
        into.items.push({ score: scoreAt(arena, node, i), ref: refAt(arena, node, LEAF, i) });
      }
      return;
    }
    for (let slot = 0; slot < count; slot++) {
      const before = into.items.length;
      const firstHere = isFirst && slot === 0;
      const lastHere = isLast && slot === count - 1;
      this.walk(childAt(arena, node, slot), level - 1, firstHere, lastHere, into);
      const size = into.items.length - before;
      if (sizeAt(arena, node, slot) !== size) throw new Error(`slot ${slot} has size ${size}`);
      const { score, ref } = into.items[before];
      if (scoreAt(arena, node, slot) !== score || refAt(arena, node, INNER, slot) !== ref) {
        throw new Error(`slot ${slot} names another first element`);
      }
    }
    if (isRoot) expect(level).toBe(this.tree["height"]);
  }

  /** Frees the elements and the nodes; nothing may be left of them in the arena. */
  destroy(): void {
    for (const { ref } of this.items) freeElement(this.arena, ref);
    this.items.length = 0;
    while (this.tree.freeNodes(7));
    this.check();
    expect(this.usedBytes).toBe(0);
    expect(this.arena.objects.count).toBe(0);
  }
}
