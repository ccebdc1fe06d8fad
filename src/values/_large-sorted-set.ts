/**
 * A sorted set beyond its packed size: a table from members to elements, whose numbers are the
 * scores, and a tree that knows their order.
 */
import { assert } from "../base/assert.ts";
import { compareBytes } from "../base/bytes.ts";
import { hashBytes } from "../base/hash.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { ByteTable, TableWalk } from "../memory/byte-table.ts";
import {
  ByteView,
  freeElement,
  makeElement,
  numberOf,
  readMember,
  setNumberOf,
} from "../memory/element.ts";
import type { Collection } from "../memory/object-table.ts";
import { FrozenLargeSortedSet } from "./_frozen-sorted-set.ts";
import { sampledBytes } from "./_large-hash.ts";
import { RankTree } from "./_rank-tree.ts";

/** The object itself and its tree's, without the table. */
const OBJECT_BYTES = 176;

/** Cursors of `compact`; those of the table, which are hashes, follow. */
const LEAVES = 1;
const INNER_NODES = 2;
const TABLE = 3;

const member = new ByteView();
const otherMember = new ByteView();

export class LargeSortedSet implements Collection {
  readonly table: ByteTable;
  readonly tree: RankTree;
  frozen: FrozenLargeSortedSet | null = null;
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
    this.table = new ByteTable(arena, arena.objects.collections);
    this.tree = new RankTree(arena);
    arena.objects.collections.bytes += OBJECT_BYTES;
  }

  sizeBytes(samples: number): number {
    const elements = sampledBytes(this.arena, this.table, samples);
    return OBJECT_BYTES + this.table.sizeBytes + this.tree.sizeBytes + elements;
  }

  find(bytes: Uint8Array, start: number, length: number): Ref {
    return this.table.find(bytes, start, length, hashBytes(bytes, start, length));
  }

  scoreOf(ref: Ref): number {
    return numberOf(this.arena, ref);
  }

  /** Adds a member that is missing; `hash` is that of its bytes. */
  add(bytes: Uint8Array, start: number, length: number, score: number, hash: number): void {
    this.frozen?.keep(bytes, start, length, hash, NULL_REF);
    this.tree.insert(score, this.addElement(bytes, start, length, score, hash));
  }

  /** Adds a missing member that comes behind all others. */
  append(bytes: Uint8Array, start: number, length: number, score: number): void {
    const hash = hashBytes(bytes, start, length);
    this.tree.append(score, this.addElement(bytes, start, length, score, hash));
  }

  rescore(ref: Ref, score: number): void {
    if (this.frozen !== null) this.keep(ref);
    this.tree.remove(this.scoreOf(ref), ref);
    setNumberOf(this.arena, ref, score);
    this.tree.insert(score, ref);
  }

  remove(ref: Ref, hash: number): void {
    if (this.frozen !== null) this.keep(ref);
    this.tree.remove(this.scoreOf(ref), ref);
    this.table.remove(hash, ref);
    freeElement(this.arena, ref);
  }

  removeRange(rank: number, count: number): void {
    this.tree.removeRange(rank, count, (ref) => {
      if (this.frozen !== null) this.keep(ref);
      readMember(this.arena, ref, member);
      this.table.remove(hashBytes(member.bytes, member.start, member.length), ref);
      freeElement(this.arena, ref);
    });
  }

  free(budget: number): boolean {
    if (this.table.drain(budget, (ref) => freeElement(this.arena, ref))) return true;
    if (this.tree.freeNodes(budget)) return true;
    this.arena.objects.collections.bytes -= OBJECT_BYTES;
    return false;
  }

  /**
   * The tree's leaves come first, with the elements in them, and then its inner nodes. The table's
   * walk finds elements that got another score meanwhile and so jumped over the one along the
   * leaves; to move one by itself takes three times as long.
   */
  compact(cursor: number, budget: number): number {
    assert(this.frozen === null, "what a snapshot reads stays where it is");
    const { arena, table, tree } = this;
    if (cursor <= LEAVES) {
      const moved = (from: Ref, to: Ref): void => {
        readMember(arena, to, member);
        const { bytes, start, length } = member;
        table.relocate(hashBytes(bytes, start, length), from, to, false);
      };
      return tree.compactLeaves(cursor !== LEAVES, budget, moved) ? LEAVES : INNER_NODES;
    }
    if (cursor === INNER_NODES) return tree.compactInnerNodes(budget) ? INNER_NODES : TABLE;
    const next = table.relocateSome(cursor - TABLE, budget, (ref) => {
      const to = arena.evacuate(ref);
      if (to !== ref) tree.replaceRef(this.scoreOf(to), ref, to);
      return to;
    });
    return next === 0 ? 0 : TABLE + next;
  }

  get partCount(): number {
    return this.table.size;
  }

  freeze(): FrozenLargeSortedSet {
    this.frozen = new FrozenLargeSortedSet(this.arena, this);
    return this.frozen;
  }

  copyTo(arena: Arena): LargeSortedSet {
    const copy = new LargeSortedSet(arena);
    const { tree } = this;
    tree.seek(0);
    do {
      readMember(this.arena, tree.cursorRef, member);
      copy.append(member.bytes, member.start, member.length, tree.cursorScore);
    } while (tree.next());
    return copy;
  }

  /** An element that is not in the tree yet. */
  addElement(bytes: Uint8Array, start: number, length: number, score: number, hash: number): Ref {
    const ref = makeElement(this.arena, bytes, start, length, true, score);
    this.table.insert(hash, ref, false);
    return ref;
  }

  /** Puts all elements, none of which is in the tree yet, into it. */
  order(): void {
    const refs = new Int32Array(this.table.size);
    const walk = new TableWalk();
    for (let i = 0; i < refs.length; i++) refs[i] = this.table.walk(walk);
    const scores = new Float64Array(refs.length);
    for (let i = 0; i < refs.length; i++) scores[i] = this.scoreOf(refs[i] as Ref);
    const indices = new Uint32Array(refs.length);
    for (let i = 0; i < indices.length; i++) indices[i] = i;
    indices.sort((a, b) => scores[a] - scores[b] || this.compareMembers(refs[a], refs[b]));
    for (const index of indices) this.tree.append(scores[index], refs[index] as Ref);
  }

  /** As `order`, given all elements as they came: mostly in order, or from the last one on. */
  orderArrived(refs: Int32Array): void {
    if (this.isOrdered(refs, -1)) refs.reverse();
    else if (!this.isOrdered(refs, 1)) {
      this.order();
      return;
    }
    for (const ref of refs) this.tree.append(this.scoreOf(ref as Ref), ref as Ref);
  }

  /** Whether each element comes behind (`sign` 1) or in front of the one before. */
  private isOrdered(refs: Int32Array, sign: number): boolean {
    for (let i = 1; i < refs.length; i++) {
      const before = this.scoreOf(refs[i - 1] as Ref);
      const score = this.scoreOf(refs[i] as Ref);
      const order = score - before || this.compareMembers(refs[i], refs[i - 1]);
      if (order * sign <= 0) return false;
    }
    return true;
  }

  private keep(ref: Ref): void {
    readMember(this.arena, ref, member);
    const { bytes, start, length } = member;
    this.frozen?.keep(bytes, start, length, hashBytes(bytes, start, length), ref);
  }

  /** Equal infinities differ by NaN, which is as false as zero. */
  private compareMembers(a: number, b: number): number {
    readMember(this.arena, a as Ref, member);
    readMember(this.arena, b as Ref, otherMember);
    const { bytes, start, length } = otherMember;
    return compareBytes(member.bytes, member.start, member.length, bytes, start, length);
  }
}
