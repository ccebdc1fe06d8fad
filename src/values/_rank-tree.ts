/**
 * The order of a large sorted set: a B+ tree that knows the size of every subtree, so that a rank
 * is found, and an element by its rank, in O(log n). The nodes are blocks of the arena
 * (values/_rank-tree-nodes.ts); nothing in here is a JS object per node or element.
 *
 * Elements are ordered by score, those of equal scores by their members' bytes (memcmp, the shorter
 * first). A leaf holds their scores and Refs and knows its neighbours; a member's own bytes are
 * read only where scores are equal.
 *
 * Invariants: an inner node's entry holds exactly the first element below its child, so no node
 * ever names an element that is not in the tree; every node but the root and those at the tree's
 * two ends is at least a third full; the root is a leaf or has two children. Leaves that fill up
 * at an end of the tree stay full: ascending and descending scores leave no half-empty ones.
 *
 * Benchmark: bench/micro/sorted-set.ts.
 */
import { assert } from "../base/assert.ts";
import { compareBytes } from "../base/bytes.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { ByteView, readMember } from "../memory/element.ts";
import {
  addToSize,
  balanceNodes,
  childAt,
  countOf,
  INNER,
  INNER_CAPACITY,
  LEAF,
  LEAF_CAPACITY,
  makeNode,
  mergeNodes,
  moveEntries,
  moveNodesBelow,
  nextLeaf,
  NODE_BYTES,
  previousLeaf,
  refAt,
  relinkLeaf,
  scoreAt,
  scoreBound,
  setChild,
  setCount,
  setElement,
  setSize,
  sizeAt,
  sizeBefore,
  splitNode,
  subtreeSize,
} from "./_rank-tree-nodes.ts";

/** Far above what 2^31 elements need, even in the small nodes of tests. */
const MAX_HEIGHT = 32;

/** Where a full node is split: in its middle, or so that one side stays full. */
const AT_FRONT = -1;
const IN_MIDDLE = 0;
const AT_END = 1;

/**
 * The way from the root to a leaf: the inner nodes and the slots taken in them. It and the needle
 * are valid within one operation, so all trees share them.
 */
const pathNodes = new Int32Array(MAX_HEIGHT);
const pathSlots = new Int32Array(MAX_HEIGHT);
/** The member that is looked for, and one that it is compared with. */
const needle = new ByteView();
const other = new ByteView();
/** Elements of a leaf on their way out. */
const leaving = new Int32Array(LEAF_CAPACITY);

/** Hears that an element has moved; it must not use a rank tree. */
type ElementMove = (from: Ref, to: Ref) => void;

export class RankTree {
  /** Elements in the tree. */
  size = 0;
  private root: Ref = NULL_REF;
  /** Levels of inner nodes. */
  private height = 0;
  private nodeCount = 0;
  /** The element whose member is the needle, until it is read: most searches need no member. */
  private unread: Ref = NULL_REF;
  private cursorLeaf: Ref = NULL_REF;
  private cursorIndex = 0;
  /** The leaf where `compactLeaves` goes on. */
  private leafToMove: Ref = NULL_REF;
  private readonly arena: Arena;
  private readonly leafCapacity: number;
  private readonly innerCapacity: number;

  /** Smaller capacities than a node has room for, from 4 on, are for tests: they make it high. */
  constructor(arena: Arena, leafCapacity = LEAF_CAPACITY, innerCapacity = INNER_CAPACITY) {
    assert(leafCapacity >= 4 && leafCapacity <= LEAF_CAPACITY, "a leaf holds 4 to 84 elements");
    assert(innerCapacity >= 4 && innerCapacity <= INNER_CAPACITY, "an inner node holds 4 to 50");
    this.arena = arena;
    this.leafCapacity = leafCapacity;
    this.innerCapacity = innerCapacity;
  }

  /** Bytes of all nodes; they are blocks of the arena. */
  get sizeBytes(): number {
    return this.nodeCount * NODE_BYTES;
  }

  /** Adds an element that is not in the tree. Its member must be readable; no score is NaN. */
  insert(score: number, ref: Ref): void {
    this.unread = ref;
    const leaf = this.root === NULL_REF ? this.plant() : this.descend(score, ref);
    const index = this.bound(leaf, LEAF, score, ref, false);
    this.insertAt(leaf, index, score, ref);
  }

  /** Adds an element behind all others: the caller knows that it belongs there. */
  append(score: number, ref: Ref): void {
    const { arena } = this;
    let node = this.root === NULL_REF ? this.plant() : this.root;
    for (let level = 0; level < this.height; level++) {
      const slot = countOf(arena, node) - 1;
      pathNodes[level] = node;
      pathSlots[level] = slot;
      node = childAt(arena, node, slot);
    }
    const count = countOf(arena, node);
    if (count > 0) assert(scoreAt(arena, node, count - 1) <= score, "appended in order");
    this.insertAt(node, count, score, ref);
  }

  /** Removes this very element. Its member must be readable. */
  remove(score: number, ref: Ref): void {
    this.unread = ref;
    const leaf = this.descend(score, ref);
    this.cut(leaf, this.indexOf(leaf, score, ref), 1);
  }

  /** Elements in front of this one. */
  rankOf(score: number, ref: Ref): number {
    this.unread = ref;
    const leaf = this.descend(score, ref);
    return this.sizeBeforePath() + this.indexOf(leaf, score, ref);
  }

  /** How many elements have a score < score, or <= it where `inclusive`. */
  countBelow(score: number, inclusive: boolean): number {
    const { arena } = this;
    if (this.root === NULL_REF) return 0;
    let node = this.root;
    let before = 0;
    for (let level = 0; level < this.height; level++) {
      const found = scoreBound(arena, node, 0, countOf(arena, node), score, inclusive);
      if (found === 0) return before;
      before += sizeBefore(arena, node, found - 1);
      node = childAt(arena, node, found - 1);
    }
    return before + scoreBound(arena, node, 0, countOf(arena, node), score, inclusive);
  }

  /** How many members are < these bytes, or <= them, in a tree whose scores are all equal. */
  countBelowMember(bytes: Uint8Array, start: number, length: number, inclusive: boolean): number {
    if (this.root === NULL_REF) return 0;
    needle.set(bytes, start, length);
    this.unread = NULL_REF;
    const score = scoreAt(this.arena, this.root, 0);
    const leaf = this.descend(score, NULL_REF);
    return this.sizeBeforePath() + this.bound(leaf, LEAF, score, NULL_REF, inclusive);
  }

  /** The element moved to another block, with the same score and member. Only `to` is read. */
  replaceRef(score: number, from: Ref, to: Ref): void {
    this.unread = to;
    const leaf = this.descend(score, from);
    const index = this.indexOf(leaf, score, from);
    setElement(this.arena, leaf, LEAF, index, scoreAt(this.arena, leaf, index), to);
    if (index === 0) this.setFirst(this.height - 1, leaf, LEAF);
  }

  /** Sets the cursor on the element of this rank; it stays valid until the tree changes. */
  seek(rank: number): void {
    const { arena } = this;
    assert(rank >= 0 && rank < this.size, "a rank is below the size");
    let node = this.root;
    let rest = rank;
    for (let level = 0; level < this.height; level++) {
      let slot = 0;
      for (let size = sizeAt(arena, node, 0); rest >= size; size = sizeAt(arena, node, slot)) {
        rest -= size;
        slot++;
      }
      pathNodes[level] = node;
      pathSlots[level] = slot;
      node = childAt(arena, node, slot);
    }
    this.cursorLeaf = node;
    this.cursorIndex = rest;
  }

  get cursorRef(): Ref {
    return refAt(this.arena, this.cursorLeaf, LEAF, this.cursorIndex);
  }

  get cursorScore(): number {
    return scoreAt(this.arena, this.cursorLeaf, this.cursorIndex);
  }

  /** Moves the cursor on; at the last element it stays and this is false. */
  next(): boolean {
    if (this.cursorIndex + 1 < countOf(this.arena, this.cursorLeaf)) {
      this.cursorIndex++;
      return true;
    }
    const leaf = nextLeaf(this.arena, this.cursorLeaf);
    if (leaf === NULL_REF) return false;
    this.cursorLeaf = leaf;
    this.cursorIndex = 0;
    return true;
  }

  /** Moves the cursor back; at the first element it stays and this is false. */
  previous(): boolean {
    if (this.cursorIndex > 0) {
      this.cursorIndex--;
      return true;
    }
    const leaf = previousLeaf(this.arena, this.cursorLeaf);
    if (leaf === NULL_REF) return false;
    this.cursorLeaf = leaf;
    this.cursorIndex = countOf(this.arena, leaf) - 1;
    return true;
  }

  /**
   * Removes `count` elements from `rank` on, leaf by leaf. Those that `give` gets are no longer in
   * the tree and may be freed; it must not use this or any other rank tree.
   */
  removeRange(rank: number, count: number, give: (ref: Ref) => void): void {
    assert(rank >= 0 && count >= 0 && rank + count <= this.size, "a range lies within the tree");
    for (let left = count; left > 0;) {
      this.seek(rank);
      const leaf = this.cursorLeaf;
      const index = this.cursorIndex;
      const taken = Math.min(left, countOf(this.arena, leaf) - index);
      for (let i = 0; i < taken; i++) leaving[i] = refAt(this.arena, leaf, LEAF, index + i);
      this.cut(leaf, index, taken);
      for (let i = 0; i < taken; i++) give(leaving[i] as Ref);
      left -= taken;
    }
  }

  /**
   * Frees up to `budget` nodes, children before their parent; false once none is left. After the
   * first call the tree counts as empty, and may be used again when all nodes are freed.
   */
  freeNodes(budget: number): boolean {
    const { arena } = this;
    this.size = 0;
    for (let left = budget; left > 0 && this.root !== NULL_REF; left--) {
      let parent: Ref = NULL_REF;
      let node = this.root;
      for (let level = 0; level < this.height && countOf(arena, node) > 0; level++) {
        parent = node;
        node = childAt(arena, node, countOf(arena, node) - 1);
      }
      if (parent !== NULL_REF) setCount(arena, parent, countOf(arena, parent) - 1);
      else this.root = NULL_REF;
      arena.free(node);
      this.nodeCount--;
    }
    this.leafToMove = NULL_REF;
    if (this.root === NULL_REF) this.height = 0;
    return this.root !== NULL_REF;
  }

  /**
   * Moves leaves and the elements in them out of the arena's leaving pages, and tells `moved` of
   * the elements: the next `budget` leaves and moves of a walk that goes on between changes of the
   * tree; false at its end. It may miss an element that is taken out and put in again meanwhile.
   */
  compactLeaves(begins: boolean, budget: number, moved: ElementMove): boolean {
    const { arena } = this;
    if (begins) this.leafToMove = this.firstLeaf();
    for (let left = budget; left > 0 && this.leafToMove !== NULL_REF;) {
      const leaf = this.leafToMove;
      if (this.height === 0) {
        this.root = arena.evacuate(leaf);
        this.leafToMove = NULL_REF;
        this.moveElements(this.root, moved);
        break;
      }
      this.unread = refAt(arena, leaf, LEAF, 0);
      const found = this.descend(scoreAt(arena, leaf, 0), this.unread);
      assert(found === leaf, "a leaf is where its first element is");
      left = this.moveLeaves(left, moved);
    }
    return this.leafToMove !== NULL_REF;
  }

  /**
   * Moves up to `budget` inner nodes out of the arena's leaving pages; false where none is left.
   * Looks at all of them each time: they are one in two thousand elements.
   */
  compactInnerNodes(budget: number): boolean {
    const { arena, height } = this;
    if (height === 0) return false;
    const left = arena.isLeaving(this.root) ? budget - 1 : budget;
    this.root = arena.evacuate(this.root);
    return moveNodesBelow(arena, this.root, height - 1, left) < 0;
  }

  /** The first leaf of an empty tree. */
  private plant(): Ref {
    this.root = makeNode(this.arena);
    this.nodeCount++;
    return this.root;
  }

  private firstLeaf(): Ref {
    let node = this.root;
    for (let level = 0; level < this.height; level++) node = childAt(this.arena, node, 0);
    return node;
  }

  /**
   * Moves the leaf that the path leads to, and those behind it below the same parent, within the
   * budget. Returns what is left of that.
   */
  private moveLeaves(budget: number, moved: ElementMove): number {
    const { arena } = this;
    const level = this.height - 1;
    const parent = pathNodes[level] as Ref;
    const count = countOf(arena, parent);
    let leaf: Ref = NULL_REF;
    let left = budget;
    for (let slot = pathSlots[level]; slot < count && left > 0; slot++) {
      pathSlots[level] = slot;
      const before = childAt(arena, parent, slot);
      leaf = arena.evacuate(before);
      if (leaf !== before) {
        setChild(arena, parent, slot, leaf);
        relinkLeaf(arena, leaf);
      }
      left -= 1 + this.moveElements(leaf, moved);
    }
    this.leafToMove = nextLeaf(arena, leaf);
    return left;
  }

  /** Moves the elements of the leaf that the path leads to; returns how many it were. */
  private moveElements(leaf: Ref, moved: ElementMove): number {
    const { arena } = this;
    const count = countOf(arena, leaf);
    let moves = 0;
    for (let index = 0; index < count; index++) {
      const from = refAt(arena, leaf, LEAF, index);
      const to = arena.evacuate(from);
      if (to === from) continue;
      setElement(arena, leaf, LEAF, index, scoreAt(arena, leaf, index), to);
      if (index === 0) this.setFirst(this.height - 1, leaf, LEAF);
      moved(from, to);
      moves++;
    }
    return moves;
  }

  /** The leaf where (score, needle) is or belongs, with the path to it; `ref` as in `bound`. */
  private descend(score: number, ref: Ref): Ref {
    let node = this.root;
    for (let level = 0; level < this.height; level++) {
      const found = this.bound(node, INNER, score, ref, true);
      const slot = found === 0 ? 0 : found - 1;
      pathNodes[level] = node;
      pathSlots[level] = slot;
      node = childAt(this.arena, node, slot);
    }
    return node;
  }

  /**
   * How many entries of the node are < (score, needle), or <= it. Where the needle is the member
   * of an element of the tree, `ref` is that element, whose bytes then need not be compared.
   */
  private bound(node: Ref, kind: number, score: number, ref: Ref, inclusive: boolean): number {
    const { arena } = this;
    const count = countOf(arena, node);
    let low = scoreBound(arena, node, 0, count, score, false);
    if (low === count || scoreAt(arena, node, low) !== score) return low;
    let high = low + 1;
    if (high < count && scoreAt(arena, node, high) === score) {
      high = scoreBound(arena, node, high, count, score, true);
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      const found = refAt(arena, node, kind, middle);
      const order = found === ref ? 0 : this.compareWithNeedle(found);
      if (order < 0 || (inclusive && order === 0)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private compareWithNeedle(ref: Ref): number {
    if (this.unread !== NULL_REF) {
      readMember(this.arena, this.unread, needle);
      this.unread = NULL_REF;
    }
    readMember(this.arena, ref, other);
    const { bytes, start, length } = needle;
    return compareBytes(other.bytes, other.start, other.length, bytes, start, length);
  }

  private indexOf(leaf: Ref, score: number, ref: Ref): number {
    assert(leaf !== NULL_REF, "the element is in the tree");
    const { arena } = this;
    const index = this.bound(leaf, LEAF, score, ref, false);
    const isThere =
      index < countOf(arena, leaf) &&
      refAt(arena, leaf, LEAF, index) === ref &&
      scoreAt(arena, leaf, index) === score;
    assert(isThere, "the element is in the tree");
    return index;
  }

  private sizeBeforePath(): number {
    let size = 0;
    for (let level = 0; level < this.height; level++) {
      size += sizeBefore(this.arena, pathNodes[level] as Ref, pathSlots[level]);
    }
    return size;
  }

  private addToPath(change: number): void {
    this.size += change;
    for (let level = 0; level < this.height; level++) {
      addToSize(this.arena, pathNodes[level] as Ref, pathSlots[level], change);
    }
  }

  /** The first element of `node`, the child on the path at `level`, changed. */
  private setFirst(level: number, node: Ref, kind: number): void {
    if (level < 0) return;
    const score = scoreAt(this.arena, node, 0);
    const ref = refAt(this.arena, node, kind, 0);
    for (let above = level; above >= 0; above--) {
      const slot = pathSlots[above];
      setElement(this.arena, pathNodes[above] as Ref, INNER, slot, score, ref);
      if (slot !== 0) return;
    }
  }

  /** Puts an element at `index` of the leaf that the path leads to. */
  private insertAt(leaf: Ref, index: number, score: number, ref: Ref): void {
    const { arena } = this;
    this.addToPath(1);
    const count = countOf(arena, leaf);
    if (count < this.leafCapacity) {
      this.putElement(leaf, index, score, ref);
      return;
    }
    let where = IN_MIDDLE;
    let keep = count >>> 1;
    if (index === count && nextLeaf(arena, leaf) === NULL_REF) {
      where = AT_END;
      keep = count;
    } else if (index === 0 && previousLeaf(arena, leaf) === NULL_REF) {
      where = AT_FRONT;
      keep = 0;
    }
    const right = splitNode(arena, LEAF, leaf, keep);
    this.nodeCount++;
    if (index > keep || where === AT_END) {
      moveEntries(arena, LEAF, right, index - keep, right, index - keep + 1, count - index);
      setElement(arena, right, LEAF, index - keep, score, ref);
      setCount(arena, right, count - keep + 1);
    } else {
      this.putElement(leaf, index, score, ref);
    }
    this.addSibling(right, where);
  }

  private putElement(leaf: Ref, index: number, score: number, ref: Ref): void {
    const { arena } = this;
    const count = countOf(arena, leaf);
    moveEntries(arena, LEAF, leaf, index, leaf, index + 1, count - index);
    setElement(arena, leaf, LEAF, index, score, ref);
    setCount(arena, leaf, count + 1);
    if (index === 0) this.setFirst(this.height - 1, leaf, LEAF);
  }

  /** Puts a leaf that was split off behind the one that the path leads to; splits on upwards. */
  private addSibling(leaf: Ref, where: number): void {
    const { arena } = this;
    let added = leaf;
    let kind = LEAF;
    let size = subtreeSize(arena, leaf, LEAF);
    for (let level = this.height - 1; level >= 0; level--) {
      const parent = pathNodes[level] as Ref;
      const slot = pathSlots[level] + 1;
      addToSize(arena, parent, slot - 1, -size);
      const count = countOf(arena, parent);
      if (count < this.innerCapacity) {
        this.putChild(parent, slot, added, kind, size);
        return;
      }
      // An inner node never has a single child: one more goes along with the new one.
      const keep = where === AT_END ? count - 1 : where === AT_FRONT ? 1 : count >>> 1;
      const right = splitNode(arena, INNER, parent, keep);
      this.nodeCount++;
      if (slot > keep) this.putChild(right, slot - keep, added, kind, size);
      else this.putChild(parent, slot, added, kind, size);
      added = right;
      kind = INNER;
      size = subtreeSize(arena, right, INNER);
    }
    const root = makeNode(arena);
    this.nodeCount++;
    this.putChild(root, 0, this.root, kind, this.size - size);
    this.putChild(root, 1, added, kind, size);
    this.root = root;
    this.height++;
    assert(this.height <= MAX_HEIGHT, "a rank tree's height is limited");
  }

  private putChild(node: Ref, slot: number, child: Ref, kind: number, size: number): void {
    const { arena } = this;
    const count = countOf(arena, node);
    moveEntries(arena, INNER, node, slot, node, slot + 1, count - slot);
    setChild(arena, node, slot, child);
    setSize(arena, node, slot, size);
    const score = scoreAt(arena, child, 0);
    setElement(arena, node, INNER, slot, score, refAt(arena, child, kind, 0));
    setCount(arena, node, count + 1);
  }

  /** Takes `taken` elements out of the leaf that the path leads to. */
  private cut(leaf: Ref, index: number, taken: number): void {
    const { arena } = this;
    this.addToPath(-taken);
    const count = countOf(arena, leaf) - taken;
    moveEntries(arena, LEAF, leaf, index + taken, leaf, index, count - index);
    setCount(arena, leaf, count);
    if (this.height === 0) {
      if (count === 0) this.freeNodes(1);
      return;
    }
    if (index === 0 && count > 0) this.setFirst(this.height - 1, leaf, LEAF);
    if (count < leastOf(this.leafCapacity)) this.refill();
  }

  /** The leaf that the path leads to is too empty: merges it or balances it, and so upwards. */
  private refill(): void {
    const { arena } = this;
    let kind = LEAF;
    let capacity = this.leafCapacity;
    for (let level = this.height - 1; level >= 0; level--) {
      const parent = pathNodes[level] as Ref;
      const slot = pathSlots[level] === 0 ? 0 : pathSlots[level] - 1;
      const left = childAt(arena, parent, slot);
      const right = childAt(arena, parent, slot + 1);
      const leftCount = countOf(arena, left);
      if (leftCount + countOf(arena, right) > capacity) {
        balanceNodes(arena, kind, left, right);
        setSize(arena, parent, slot, subtreeSize(arena, left, kind));
        setSize(arena, parent, slot + 1, subtreeSize(arena, right, kind));
        const score = scoreAt(arena, right, 0);
        setElement(arena, parent, INNER, slot + 1, score, refAt(arena, right, kind, 0));
        return;
      }
      if (right === this.leafToMove) this.leafToMove = nextLeaf(arena, right);
      addToSize(arena, parent, slot, sizeAt(arena, parent, slot + 1));
      mergeNodes(arena, kind, left, right);
      this.nodeCount--;
      const count = countOf(arena, parent) - 1;
      moveEntries(arena, INNER, parent, slot + 2, parent, slot + 1, count - slot - 1);
      setCount(arena, parent, count);
      if (leftCount === 0) this.setFirst(level, left, kind);
      kind = INNER;
      capacity = this.innerCapacity;
      if (count >= leastOf(capacity)) return;
    }
    if (countOf(arena, this.root) > 1) return;
    const root = this.root;
    this.root = childAt(arena, root, 0);
    this.height--;
    arena.free(root);
    this.nodeCount--;
  }
}

/** Entries below which a node is merged with a neighbour or filled from it. */
function leastOf(capacity: number): number {
  return Math.max(2, Math.floor(capacity / 3));
}
