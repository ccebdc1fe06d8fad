/** A large set as it was when it was frozen (frozen.ts). */
import { NULL_REF } from "../memory/arena.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { ByteView } from "../memory/element.ts";
import type { FrozenSet } from "./frozen.ts";
import { FrozenTable } from "./_frozen-table.ts";
import type { LargeSet } from "./_large-set.ts";

const NO_DATA = new ByteView();

export class FrozenLargeSet extends FrozenTable implements FrozenSet {
  readonly kind = "set";
  private visit: (member: ByteView) => void = () => {};
  private readonly set: LargeSet;

  constructor(arena: Arena, set: LargeSet) {
    super(arena, set, set.table);
    this.set = set;
  }

  /** To be called before the member comes (NULL_REF) or goes. */
  keep(bytes: Uint8Array, start: number, length: number, hash: number, ref: Ref): void {
    if (!this.isAhead(hash) || this.isSettled(bytes, start, length, hash)) return;
    if (ref === NULL_REF) this.noteAbsent(bytes, start, length, hash);
    else this.notePresent(bytes, start, length, hash, 0, NO_DATA);
  }

  walk(budget: number, visit: (member: ByteView) => void): boolean {
    this.visit = visit;
    return this.walkTable(budget) || this.walkNotes(budget);
  }

  protected show(ref: Ref): void {
    this.visit(this.memberOf(ref));
  }

  protected detach(): void {
    this.set.frozen = null;
  }
}
