/**
 * A large sorted set as it was when it was frozen (frozen.ts), shown from the highest member down,
 * as whoever loads it can then put each in front of the others. The walk goes on below the score
 * and the member that it showed last, wherever these stand by then.
 */
import { compareBytes } from "../base/bytes.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { ByteView, numberOf } from "../memory/element.ts";
import type { FrozenSortedSet } from "./frozen.ts";
import { FrozenTable } from "./_frozen-table.ts";
import type { LargeSortedSet } from "./_large-sorted-set.ts";

const NO_DATA = new ByteView();

type MemberVisitor = (member: ByteView, score: number) => void;

export class FrozenLargeSortedSet extends FrozenTable implements FrozenSortedSet {
  readonly kind = "zset";
  private hasBegun = false;
  private lastScore = 0;
  private lastMember = new Uint8Array(0);
  private visit: MemberVisitor = () => {};
  private readonly set: LargeSortedSet;

  constructor(arena: Arena, set: LargeSortedSet) {
    super(arena, set, set.table);
    this.set = set;
  }

  /** To be called before the member comes (NULL_REF), goes or gets another score. */
  keep(bytes: Uint8Array, start: number, length: number, hash: number, ref: Ref): void {
    if (this.isSettled(bytes, start, length, hash)) return;
    // One that has been shown may come back below: it must not be shown again.
    if (ref === NULL_REF || !this.isBelow(numberOf(this.arena, ref), bytes, start, length)) {
      this.noteAbsent(bytes, start, length, hash);
    } else {
      this.notePresent(bytes, start, length, hash, numberOf(this.arena, ref), NO_DATA);
    }
  }

  walk(budget: number, visit: MemberVisitor): boolean {
    this.visit = visit;
    return this.walkTree(budget) || this.walkNotes(budget);
  }

  protected show(ref: Ref): void {
    this.visit(this.memberOf(ref), numberOf(this.arena, ref));
  }

  protected detach(): void {
    this.set.frozen = null;
  }

  private walkTree(budget: number): boolean {
    const { tree } = this.set;
    const rank = this.nextRank();
    if (rank < 0) {
      this.endTable();
      return false;
    }
    tree.seek(rank);
    for (let left = budget; ;) {
      const ref = tree.cursorRef;
      if (!this.isNoted(ref)) this.showCounted(ref);
      if (--left === 0 || !tree.previous()) {
        this.stopBehind(ref);
        return true;
      }
    }
  }

  private stopBehind(ref: Ref): void {
    const { bytes, start, length } = this.memberOf(ref);
    this.lastScore = numberOf(this.arena, ref);
    this.lastMember = bytes.slice(start, start + length);
    this.hasBegun = true;
  }

  /** Whether the walk has yet to come there. */
  private isBelow(score: number, bytes: Uint8Array, start: number, length: number): boolean {
    if (!this.hasBegun || score < this.lastScore) return true;
    if (score > this.lastScore) return false;
    const { lastMember } = this;
    return compareBytes(bytes, start, length, lastMember, 0, lastMember.length) < 0;
  }

  /** The rank of the first element below the last one shown, -1 where there is none. */
  private nextRank(): number {
    const { tree, table } = this.set;
    if (!this.hasBegun) return table.size - 1;
    let low = tree.countBelow(this.lastScore, false);
    let high = tree.countBelow(this.lastScore, true);
    while (low < high) {
      const middle = (low + high) >>> 1;
      tree.seek(middle);
      const { bytes, start, length } = this.memberOf(tree.cursorRef);
      if (this.isBelow(tree.cursorScore, bytes, start, length)) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
