/**
 * A table of elements (a large set, hash or sorted set) as it was when it was frozen. Before a
 * member comes, goes or changes, `keep` notes how it was, with a number: it was there, with this
 * number and these data; without: there was none, or it has been shown. The walk passes over what
 * is noted, and in the end the notes are shown that were there. What changes costs one note; the
 * rest is read where it lies.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { ByteTable, TableWalk } from "../memory/byte-table.ts";
import {
  ByteView,
  freeElement,
  hasNumber,
  makeElement,
  makeElementWithData,
  readMember,
} from "../memory/element.ts";
import type { Collection } from "../memory/object-table.ts";
import { hashBytes } from "../base/hash.ts";

/** What an element is beside its member and its data. */
const ELEMENT_BYTES = 16;
/** Notes that are freed at once; more of them go in slices. */
const FREED_AT_ONCE = 1024;
/** A position behind all hashes. */
const END = 4294967296;

export abstract class FrozenTable {
  readonly size: number;
  isAbandoned = false;
  shownBytes = 0;
  protected readonly notes: ByteTable;
  protected readonly member = new ByteView();
  /** Hashes below were shown. */
  private position = 0;
  private hasShownAll = false;
  private readonly noteWalk = new TableWalk();
  protected readonly arena: Arena;
  private readonly collection: Collection;
  protected readonly table: ByteTable;

  constructor(arena: Arena, collection: Collection, table: ByteTable) {
    this.arena = arena;
    this.collection = collection;
    this.table = table;
    this.size = table.size;
    this.notes = new ByteTable(arena, arena.objects.collections);
  }

  /** Lets go of the collection: it must forget this. */
  protected abstract detach(): void;

  /** Shows an element of the table, or a note. */
  protected abstract show(ref: Ref): void;

  /** Whether the walk has yet to come to a member of this hash. */
  protected isAhead(hash: number): boolean {
    return hash >>> 0 >= this.position;
  }

  /** Whether nothing needs to be noted of this member (any more). */
  protected isSettled(bytes: Uint8Array, start: number, length: number, hash: number): boolean {
    return this.hasShownAll || this.notes.find(bytes, start, length, hash) !== NULL_REF;
  }

  protected noteAbsent(bytes: Uint8Array, start: number, length: number, hash: number): void {
    this.notes.insert(hash, makeElement(this.arena, bytes, start, length, false, 0), false);
  }

  protected notePresent(
    bytes: Uint8Array,
    start: number,
    length: number,
    hash: number,
    number: number,
    data: ByteView,
  ): void {
    const { arena } = this;
    const note = makeElementWithData(
      arena,
      bytes,
      start,
      length,
      data.bytes,
      data.start,
      data.length,
      true,
      number,
    );
    this.notes.insert(hash, note, false);
  }

  /** Shows an element, or a note, that is due. */
  protected showCounted(ref: Ref): void {
    this.show(ref);
    this.shownBytes += this.member.length + ELEMENT_BYTES;
  }

  /** The next part of the walk, in the order of the hashes; false at the end of the table. */
  protected walkTable(budget: number): boolean {
    if (this.hasShownAll) return false;
    const next = this.table.scan(this.position, budget, (ref) => {
      if (!this.isNoted(ref)) this.showCounted(ref);
    });
    this.position = next === 0 ? END : next;
    if (next === 0) this.hasShownAll = true;
    return true;
  }

  /** All of the table has been shown, by a walk of another order. */
  protected endTable(): void {
    this.hasShownAll = true;
    this.position = END;
  }

  protected isNoted(ref: Ref): boolean {
    if (this.notes.size === 0) return false;
    const { bytes, start, length } = this.memberOf(ref);
    return this.notes.find(bytes, start, length, hashBytes(bytes, start, length)) !== NULL_REF;
  }

  protected memberOf(ref: Ref): ByteView {
    readMember(this.arena, ref, this.member);
    return this.member;
  }

  /** The next of the notes; false at their end. */
  protected walkNotes(budget: number): boolean {
    for (let i = 0; i < budget; i++) {
      const ref = this.notes.walk(this.noteWalk);
      if (ref === NULL_REF) return false;
      if (hasNumber(this.arena, ref)) this.showCounted(ref);
    }
    return true;
  }

  thaw(): void {
    this.detach();
    this.hasShownAll = true;
    const give = (ref: Ref): void => freeElement(this.arena, ref);
    const { objects } = this.arena;
    if (this.notes.drain(FREED_AT_ONCE, give)) {
      objects.reclaim({ free: (budget) => this.notes.drain(budget, give) });
    }
    if (this.isAbandoned) this.arena.objects.reclaim(this.collection);
  }
}
