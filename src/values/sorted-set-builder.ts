/**
 * Builds a sorted set from members that come in any order and may come several times, as unions
 * and intersections make them: scores are gathered in a table first and ordered once at the end.
 */
import { hashBytes } from "../base/hash.ts";
import { NULL_REF } from "../memory/arena.ts";
import { ByteView, numberOf, readMember, setNumberOf } from "../memory/element.ts";
import { ENCODING_LISTPACK, ENCODING_SKIPLIST } from "../memory/entry.ts";
import type { Home } from "./home.ts";
import { LargeSortedSet } from "./_large-sorted-set.ts";
import { Needle } from "./_listpack.ts";
import { createPacked, insertPair, packedEnd } from "./_packed.ts";
import type { SortedSetLimits } from "./sorted-set.ts";

export class SortedSetBuilder {
  private readonly home: Home;
  private readonly limits: SortedSetLimits;
  private readonly gathered: LargeSortedSet;
  private longest = 0;
  /** What `addOnce` made, in that order. */
  private readonly arrivals: number[] = [];

  constructor(home: Home, limits: SortedSetLimits) {
    this.home = home;
    this.limits = limits;
    this.gathered = new LargeSortedSet(home.arena);
  }

  get size(): number {
    return this.gathered.table.size;
  }

  /** Adds a member; false where it came before. */
  addOnce({ bytes, start, length }: ByteView, score: number): boolean {
    const { gathered } = this;
    const hash = hashBytes(bytes, start, length);
    if (gathered.table.find(bytes, start, length, hash) !== NULL_REF) return false;
    if (length > this.longest) this.longest = length;
    this.arrivals.push(gathered.addElement(bytes, start, length, score, hash));
    return true;
  }

  /** Adds a member that did not come before. */
  add(bytes: Uint8Array, start: number, length: number, score: number): void {
    if (length > this.longest) this.longest = length;
    this.gathered.addElement(bytes, start, length, score, hashBytes(bytes, start, length));
  }

  /** Adds a member, or puts both of its scores together. */
  merge(
    bytes: Uint8Array,
    start: number,
    length: number,
    score: number,
    hash: number,
    together: (a: number, b: number) => number,
  ): void {
    const { gathered, home } = this;
    const ref = gathered.table.find(bytes, start, length, hash);
    if (ref !== NULL_REF) {
      setNumberOf(home.arena, ref, together(numberOf(home.arena, ref), score));
      return;
    }
    if (length > this.longest) this.longest = length;
    gathered.addElement(bytes, start, length, score, hash);
  }

  /** Orders the members and leaves the sorted set in the home; `packs` a small one. */
  finish(packs: boolean): void {
    const { gathered, home, limits } = this;
    const { arrivals } = this;
    if (arrivals.length === this.size) gathered.orderArrived(Int32Array.from(arrivals));
    else gathered.order();
    home.replace(ENCODING_SKIPLIST, gathered);
    const { size } = this;
    if (!packs || size > limits.maxEntries || this.longest > limits.maxValueBytes) return;
    this.pack(size);
  }

  /** Leaves what was added in the home, to be thrown away with that. */
  abandon(): void {
    this.home.replace(ENCODING_SKIPLIST, this.gathered);
  }

  private pack(size: number): void {
    const { home, gathered } = this;
    const members: { bytes: Uint8Array; score: number }[] = [];
    const view = new ByteView();
    const { tree } = gathered;
    if (size > 0) tree.seek(0);
    for (let i = 0; i < size; i++) {
      readMember(home.arena, tree.cursorRef, view);
      const bytes = view.bytes.slice(view.start, view.start + view.length);
      members.push({ bytes, score: tree.cursorScore });
      tree.next();
    }
    home.repack(ENCODING_LISTPACK, 0);
    if (size === 0) return;
    createPacked(home, ENCODING_LISTPACK);
    const member = new Needle();
    const score = new Needle();
    for (const one of members) {
      member.set(one.bytes, 0, one.bytes.length);
      score.setDouble(one.score);
      insertPair(home, packedEnd(home), member, score);
    }
  }
}
