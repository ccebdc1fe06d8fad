/** A set beyond its packed size: a table from members to elements without data. */
import { assert } from "../base/assert.ts";
import { hashBytes } from "../base/hash.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { ByteTable, TableWalk } from "../memory/byte-table.ts";
import { ByteView, freeElement, makeElement, readMember } from "../memory/element.ts";
import type { Collection } from "../memory/object-table.ts";
import { FrozenLargeSet } from "./_frozen-set.ts";
import { sampledBytes } from "./_large-hash.ts";

/** The object itself, without its table. */
const OBJECT_BYTES = 64;

const member = new ByteView();

export class LargeSet implements Collection {
  readonly table: ByteTable;
  frozen: FrozenLargeSet | null = null;
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
    this.table = new ByteTable(arena, arena.objects.collections);
    arena.objects.collections.bytes += OBJECT_BYTES;
  }

  sizeBytes(samples: number): number {
    return OBJECT_BYTES + this.table.sizeBytes + sampledBytes(this.arena, this.table, samples);
  }

  /** Returns whether the member is new. `hash` is that of the bytes. */
  add(bytes: Uint8Array, start: number, length: number, hash: number): boolean {
    if (this.table.find(bytes, start, length, hash) !== NULL_REF) return false;
    this.frozen?.keep(bytes, start, length, hash, NULL_REF);
    this.table.insert(hash, makeElement(this.arena, bytes, start, length, false, 0), false);
    return true;
  }

  remove(ref: Ref, hash: number): void {
    if (this.frozen !== null) {
      readMember(this.arena, ref, member);
      this.frozen.keep(member.bytes, member.start, member.length, hash, ref);
    }
    this.table.remove(hash, ref);
    freeElement(this.arena, ref);
  }

  free(budget: number): boolean {
    if (this.table.drain(budget, (ref) => freeElement(this.arena, ref))) return true;
    this.arena.objects.collections.bytes -= OBJECT_BYTES;
    return false;
  }

  compact(cursor: number, budget: number): number {
    assert(this.frozen === null, "what a snapshot reads stays where it is");
    return this.table.relocateSome(cursor, budget, (ref) => this.arena.evacuate(ref));
  }

  get partCount(): number {
    return this.table.size;
  }

  freeze(): FrozenLargeSet {
    this.frozen = new FrozenLargeSet(this.arena, this);
    return this.frozen;
  }

  copyTo(arena: Arena): LargeSet {
    const copy = new LargeSet(arena);
    const walk = new TableWalk();
    for (;;) {
      const ref = this.table.walk(walk);
      if (ref === NULL_REF) return copy;
      readMember(this.arena, ref, member);
      const { bytes, start, length } = member;
      copy.add(bytes, start, length, hashBytes(bytes, start, length));
    }
  }
}
