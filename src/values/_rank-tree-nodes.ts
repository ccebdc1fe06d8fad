/**
 * The nodes of a rank tree: blocks of 1024 bytes in the arena. A node is a few columns of entries,
 * which stand in the tree's order.
 *
 *     leaf   count:4  next:4  previous:4  -:4     inner   count:4  -:12
 *     16     scores       84 doubles              16      scores       50 doubles
 *     688    refs         84 words                416     refs         50 words
 *                                                 616     children     50 words
 *                                                 816     subtree sizes 50 words
 *
 * An entry of a leaf is an element: its score and Ref. An entry of an inner node is a child; score
 * and Ref are those of the first element below it. So both kinds are searched alike, and differ
 * only in where the refs begin: that number, LEAF or INNER, tells a function which kind it has.
 */
import { NULL_REF, SLAB_SHIFT, UNIT_MASK } from "../memory/arena.ts";
import type { Arena, Ref } from "../memory/arena.ts";

export const NODE_BYTES = 1024;
export const LEAF_CAPACITY = 84;
export const INNER_CAPACITY = 50;

/** The kinds of nodes, each named by the word where its refs begin. */
export const LEAF = 172;
export const INNER = 104;

const NEXT = 1;
const PREVIOUS = 2;
/** In doubles from the node's beginning, and in words. */
const SCORES = 2;
const SCORE_WORDS = 4;
const CHILDREN = 154;
const SIZES = 204;

/** An empty node, linked to nothing. */
export function makeNode(arena: Arena): Ref {
  const node = arena.allocate(NODE_BYTES);
  const words = arena.words[node >>> SLAB_SHIFT];
  words.fill(0, (node & UNIT_MASK) << 2, ((node & UNIT_MASK) << 2) + SCORE_WORDS);
  return node;
}

function word(arena: Arena, node: Ref, offset: number): number {
  return arena.words[node >>> SLAB_SHIFT][((node & UNIT_MASK) << 2) + offset];
}

function setWord(arena: Arena, node: Ref, offset: number, value: number): void {
  arena.words[node >>> SLAB_SHIFT][((node & UNIT_MASK) << 2) + offset] = value;
}

/** Entries of the node. */
export function countOf(arena: Arena, node: Ref): number {
  return word(arena, node, 0);
}

export function setCount(arena: Arena, node: Ref, count: number): void {
  setWord(arena, node, 0, count);
}

export function nextLeaf(arena: Arena, leaf: Ref): Ref {
  return word(arena, leaf, NEXT) as Ref;
}

export function previousLeaf(arena: Arena, leaf: Ref): Ref {
  return word(arena, leaf, PREVIOUS) as Ref;
}

/** Tells a leaf's neighbours where it is now. */
export function relinkLeaf(arena: Arena, leaf: Ref): void {
  const next = nextLeaf(arena, leaf);
  const previous = previousLeaf(arena, leaf);
  if (next !== NULL_REF) setWord(arena, next, PREVIOUS, leaf);
  if (previous !== NULL_REF) setWord(arena, previous, NEXT, leaf);
}

export function scoreAt(arena: Arena, node: Ref, index: number): number {
  return arena.doubles[node >>> SLAB_SHIFT][((node & UNIT_MASK) << 1) + SCORES + index];
}

export function refAt(arena: Arena, node: Ref, kind: number, index: number): Ref {
  return word(arena, node, kind + index) as Ref;
}

/** Sets the element that an entry is, or begins with. */
export function setElement(
  arena: Arena,
  node: Ref,
  kind: number,
  index: number,
  score: number,
  ref: Ref,
): void {
  arena.doubles[node >>> SLAB_SHIFT][((node & UNIT_MASK) << 1) + SCORES + index] = score;
  setWord(arena, node, kind + index, ref);
}

export function childAt(arena: Arena, node: Ref, slot: number): Ref {
  return word(arena, node, CHILDREN + slot) as Ref;
}

export function setChild(arena: Arena, node: Ref, slot: number, child: Ref): void {
  setWord(arena, node, CHILDREN + slot, child);
}

/** Elements below the child in this slot. */
export function sizeAt(arena: Arena, node: Ref, slot: number): number {
  return word(arena, node, SIZES + slot);
}

export function setSize(arena: Arena, node: Ref, slot: number, size: number): void {
  setWord(arena, node, SIZES + slot, size);
}

export function addToSize(arena: Arena, node: Ref, slot: number, change: number): void {
  arena.words[node >>> SLAB_SHIFT][((node & UNIT_MASK) << 2) + SIZES + slot] += change;
}

/** Elements below the children in front of this slot. */
export function sizeBefore(arena: Arena, node: Ref, slot: number): number {
  const words = arena.words[node >>> SLAB_SHIFT];
  const first = ((node & UNIT_MASK) << 2) + SIZES;
  let size = 0;
  for (let at = first; at < first + slot; at++) size += words[at];
  return size;
}

/** Elements in or below the node. */
export function subtreeSize(arena: Arena, node: Ref, kind: number): number {
  const count = countOf(arena, node);
  return kind === LEAF ? count : sizeBefore(arena, node, count);
}

/** How many entries from `from` to `until` lie in front: those with a score < score, or <= it. */
export function scoreBound(
  arena: Arena,
  node: Ref,
  from: number,
  until: number,
  score: number,
  inclusive: boolean,
): number {
  const scores = arena.doubles[node >>> SLAB_SHIFT];
  const first = ((node & UNIT_MASK) << 1) + SCORES;
  let low = first + from;
  let high = first + until;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const found = scores[middle];
    if (found < score || (inclusive && found === score)) low = middle + 1;
    else high = middle;
  }
  return low - first;
}

/** Moves entries within a node or to another of the same kind; counts are for the caller. */
export function moveEntries(
  arena: Arena,
  kind: number,
  from: Ref,
  fromIndex: number,
  to: Ref,
  toIndex: number,
  count: number,
): void {
  if (count === 0) return;
  const source = arena.words[from >>> SLAB_SHIFT];
  const target = arena.words[to >>> SLAB_SHIFT];
  const a = ((from & UNIT_MASK) << 2) + fromIndex;
  const b = ((to & UNIT_MASK) << 2) + toIndex;
  const scoresA = a + SCORE_WORDS + fromIndex;
  moveWords(source, scoresA, target, b + SCORE_WORDS + toIndex, count << 1);
  moveWords(source, a + kind, target, b + kind, count);
  if (kind === LEAF) return;
  moveWords(source, a + CHILDREN, target, b + CHILDREN, count);
  moveWords(source, a + SIZES, target, b + SIZES, count);
}

/** Ranges of one slab may overlap. */
function moveWords(
  source: Int32Array,
  from: number,
  target: Int32Array,
  to: number,
  count: number,
): void {
  if (source === target) source.copyWithin(to, from, from + count);
  else for (let i = 0; i < count; i++) target[to + i] = source[from + i];
}

/** Moves the entries from `keep` on to a new node behind this one, and returns it. */
export function splitNode(arena: Arena, kind: number, left: Ref, keep: number): Ref {
  const right = makeNode(arena);
  const count = countOf(arena, left);
  moveEntries(arena, kind, left, keep, right, 0, count - keep);
  setCount(arena, left, keep);
  setCount(arena, right, count - keep);
  if (kind === LEAF) {
    const next = nextLeaf(arena, left);
    setWord(arena, right, NEXT, next);
    setWord(arena, right, PREVIOUS, left);
    setWord(arena, left, NEXT, right);
    if (next !== NULL_REF) setWord(arena, next, PREVIOUS, right);
  }
  return right;
}

/** Moves everything of `right` to the end of its left neighbour and frees it. */
export function mergeNodes(arena: Arena, kind: number, left: Ref, right: Ref): void {
  const leftCount = countOf(arena, left);
  const rightCount = countOf(arena, right);
  moveEntries(arena, kind, right, 0, left, leftCount, rightCount);
  setCount(arena, left, leftCount + rightCount);
  if (kind === LEAF) {
    const next = nextLeaf(arena, right);
    setWord(arena, left, NEXT, next);
    if (next !== NULL_REF) setWord(arena, next, PREVIOUS, left);
  }
  arena.free(right);
}

/** Gives two neighbours the same number of entries. */
export function balanceNodes(arena: Arena, kind: number, left: Ref, right: Ref): void {
  const leftCount = countOf(arena, left);
  const rightCount = countOf(arena, right);
  const keep = (leftCount + rightCount) >>> 1;
  if (keep < leftCount) {
    moveEntries(arena, kind, right, 0, right, leftCount - keep, rightCount);
    moveEntries(arena, kind, left, keep, right, 0, leftCount - keep);
  } else {
    moveEntries(arena, kind, right, 0, left, leftCount, keep - leftCount);
    const rest = leftCount + rightCount - keep;
    moveEntries(arena, kind, right, keep - leftCount, right, 0, rest);
  }
  setCount(arena, left, keep);
  setCount(arena, right, leftCount + rightCount - keep);
}

/**
 * Moves the inner nodes below this one, which has `levels` levels of them below itself, out of the
 * arena's leaving pages. Returns how many more may move; -1 where one must that may not.
 */
export function moveNodesBelow(arena: Arena, node: Ref, levels: number, budget: number): number {
  if (levels === 0) return budget;
  const count = countOf(arena, node);
  let left = budget;
  for (let slot = 0; slot < count; slot++) {
    const before = childAt(arena, node, slot);
    if (arena.isLeaving(before) && left-- === 0) return -1;
    const child = arena.evacuate(before);
    if (child !== before) setChild(arena, node, slot, child);
    left = moveNodesBelow(arena, child, levels - 1, left);
    if (left < 0) return left;
  }
  return left;
}
