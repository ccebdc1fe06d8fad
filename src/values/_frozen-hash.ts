/** A large hash as it was when it was frozen (frozen.ts). A note's number is its expiry. */
import { NULL_REF } from "../memory/arena.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { ByteView, numberOf, readData } from "../memory/element.ts";
import type { FrozenHash } from "./frozen.ts";
import { FrozenTable } from "./_frozen-table.ts";
import type { LargeHash } from "./_large-hash.ts";

type FieldVisitor = (field: ByteView, value: ByteView, expiryMs: number) => void;

export class FrozenLargeHash extends FrozenTable implements FrozenHash {
  readonly kind = "hash";
  readonly firstExpiryMs: number;
  private readonly value = new ByteView();
  private visit: FieldVisitor = () => {};
  private isInNotes = false;
  private readonly hash: LargeHash;

  constructor(arena: Arena, hash: LargeHash) {
    super(arena, hash, hash.table);
    this.hash = hash;
    this.firstExpiryMs = hash.firstExpiryMs;
  }

  /** To be called before the field comes (NULL_REF), goes or changes. */
  keep(bytes: Uint8Array, start: number, length: number, hash: number, ref: Ref): void {
    if (!this.isAhead(hash) || this.isSettled(bytes, start, length, hash)) return;
    if (ref === NULL_REF) {
      this.noteAbsent(bytes, start, length, hash);
      return;
    }
    readData(this.arena, ref, this.value);
    this.notePresent(bytes, start, length, hash, this.hash.expiryOf(ref), this.value);
  }

  walk(budget: number, visit: FieldVisitor): boolean {
    this.visit = visit;
    if (this.walkTable(budget)) return true;
    this.isInNotes = true;
    return this.walkNotes(budget);
  }

  protected show(ref: Ref): void {
    const expiryMs = this.isInNotes ? numberOf(this.arena, ref) : this.hash.expiryOf(ref);
    readData(this.arena, ref, this.value);
    this.shownBytes += this.value.length;
    this.visit(this.memberOf(ref), this.value, expiryMs);
  }

  protected detach(): void {
    this.hash.frozen = null;
  }
}
