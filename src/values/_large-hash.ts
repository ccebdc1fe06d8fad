/**
 * A hash beyond its packed size: a table from fields to elements, whose data are the values. The
 * elements that expire have a number, their place in a heap of expiries (memory/expiry-heap.ts),
 * which is there only while there are any.
 */
import { assert } from "../base/assert.ts";
import { hashBytes } from "../base/hash.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { ByteTable, TableWalk } from "../memory/byte-table.ts";
import {
  ByteView,
  elementBytes,
  freeElement,
  hasNumber,
  makeElementWithData,
  numberOf,
  readData,
  readMember,
  replaceData,
} from "../memory/element.ts";
import { ExpiryHeap } from "../memory/expiry-heap.ts";
import type { Collection } from "../memory/object-table.ts";
import { FrozenLargeHash } from "./_frozen-hash.ts";

/** The object itself, without its table. */
const OBJECT_BYTES = 64;
export const NO_FIELD_EXPIRY = -1;

const member = new ByteView();
const data = new ByteView();

export class LargeHash implements Collection {
  readonly table: ByteTable;
  /** Fields that expired before this are treated as if they were gone. */
  hiddenBeforeMs = 0;
  frozen: FrozenLargeHash | null = null;
  private expiries: ExpiryHeap | null = null;
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
    this.table = new ByteTable(arena, arena.objects.collections);
    arena.objects.collections.bytes += OBJECT_BYTES;
  }

  sizeBytes(samples: number): number {
    const expiryBytes = this.expiries === null ? 0 : this.expiries.sizeBytes;
    const elements = sampledBytes(this.arena, this.table, samples);
    return OBJECT_BYTES + this.table.sizeBytes + expiryBytes + elements;
  }

  /** The earliest expiry of a field, Infinity where none expires. */
  get firstExpiryMs(): number {
    return this.expiries === null ? Infinity : this.expiries.firstMs;
  }

  /** A field that has expired, or NULL_REF; only where `hidesFields`. */
  get expired(): Ref {
    return this.expiries === null ? NULL_REF : this.expiries.dueBefore(this.hiddenBeforeMs);
  }

  /** Whether any field has expired. */
  get hidesFields(): boolean {
    return this.expiries !== null && this.expiries.firstMs < this.hiddenBeforeMs;
  }

  find(bytes: Uint8Array, start: number, length: number): Ref {
    return this.table.find(bytes, start, length, hashBytes(bytes, start, length));
  }

  isHidden(ref: Ref): boolean {
    return this.hidesFields && this.expires(ref) && this.expiryOf(ref) < this.hiddenBeforeMs;
  }

  /** Returns whether the field is new. An expiry that it had goes unless `keepsExpiry`. */
  set(
    bytes: Uint8Array,
    start: number,
    length: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
    keepsExpiry: boolean,
  ): boolean {
    const { arena, table } = this;
    const hash = hashBytes(bytes, start, length);
    const ref = table.find(bytes, start, length, hash);
    this.frozen?.keep(bytes, start, length, hash, ref);
    if (ref === NULL_REF) {
      const made = makeElementWithData(
        arena,
        bytes,
        start,
        length,
        value,
        valueStart,
        valueLength,
        false,
        0,
      );
      table.insert(hash, made, false);
      return true;
    }
    const expires = this.expires(ref);
    const wasHidden = this.isHidden(ref);
    const keeps = expires && keepsExpiry && !wasHidden;
    if (expires && !keeps) this.forgetExpiry(ref);
    if (expires === keeps && replaceData(arena, ref, value, valueStart, valueLength)) return false;
    const made = this.rebuild(hash, ref, value, valueStart, valueLength, keeps);
    if (keeps) this.expiries?.moved(made);
    return wasHidden;
  }

  remove(ref: Ref, hash: number): void {
    this.keep(hash, ref);
    if (this.expires(ref)) this.forgetExpiry(ref);
    this.table.remove(hash, ref);
    freeElement(this.arena, ref);
  }

  expires(ref: Ref): boolean {
    return hasNumber(this.arena, ref);
  }

  /** Unix milliseconds, or NO_FIELD_EXPIRY. */
  expiryOf(ref: Ref): number {
    const { expiries } = this;
    return expiries !== null && this.expires(ref) ? expiries.timeOf(ref) : NO_FIELD_EXPIRY;
  }

  setExpiry(hash: number, ref: Ref, whenMs: number): void {
    this.keep(hash, ref);
    const { arena } = this;
    this.expiries ??= new ExpiryHeap(arena, arena.objects.collections);
    if (this.expires(ref)) {
      this.expiries.change(ref, whenMs);
      return;
    }
    readData(arena, ref, data);
    this.expiries.add(this.rebuild(hash, ref, data.bytes, data.start, data.length, true), whenMs);
  }

  dropExpiry(hash: number, ref: Ref): void {
    this.keep(hash, ref);
    this.forgetExpiry(ref);
    readData(this.arena, ref, data);
    this.rebuild(hash, ref, data.bytes, data.start, data.length, false);
  }

  free(budget: number): boolean {
    this.dropExpiries();
    if (this.table.drain(budget, (ref) => freeElement(this.arena, ref))) return true;
    this.arena.objects.collections.bytes -= OBJECT_BYTES;
    return false;
  }

  compact(cursor: number, budget: number): number {
    assert(this.frozen === null, "what a snapshot reads stays where it is");
    return this.table.relocateSome(cursor, budget, (ref) => {
      const to = this.arena.evacuate(ref);
      if (to !== ref && this.expires(to)) this.expiries?.moved(to);
      return to;
    });
  }

  get partCount(): number {
    return this.table.size;
  }

  freeze(): FrozenLargeHash {
    this.frozen = new FrozenLargeHash(this.arena, this);
    return this.frozen;
  }

  copyTo(arena: Arena): LargeHash {
    const copy = new LargeHash(arena);
    const walk = new TableWalk();
    for (;;) {
      const ref = this.table.walk(walk);
      if (ref === NULL_REF) return copy;
      readMember(this.arena, ref, member);
      readData(this.arena, ref, data);
      const { bytes, start, length } = member;
      copy.set(bytes, start, length, data.bytes, data.start, data.length, false);
      if (this.expires(ref)) {
        const hash = hashBytes(bytes, start, length);
        const made = copy.table.find(bytes, start, length, hash);
        copy.setExpiry(hash, made, this.expiryOf(ref));
      }
    }
  }

  private keep(hash: number, ref: Ref): void {
    if (this.frozen === null) return;
    readMember(this.arena, ref, member);
    this.frozen.keep(member.bytes, member.start, member.length, hash, ref);
  }

  /** Makes the element anew; where it is to have a number and has one, it keeps that. */
  private rebuild(
    hash: number,
    ref: Ref,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
    withNumber: boolean,
  ): Ref {
    const { arena } = this;
    readMember(arena, ref, member);
    const { bytes, start, length } = member;
    const made = makeElementWithData(
      arena,
      bytes,
      start,
      length,
      value,
      valueStart,
      valueLength,
      withNumber,
      withNumber && hasNumber(arena, ref) ? numberOf(arena, ref) : 0,
    );
    this.table.relocate(hash, ref, made, false);
    freeElement(arena, ref);
    return made;
  }

  private forgetExpiry(ref: Ref): void {
    const { expiries } = this;
    if (expiries === null) return;
    expiries.remove(ref);
    if (expiries.size === 0) this.dropExpiries();
  }

  private dropExpiries(): void {
    if (this.expiries === null) return;
    this.expiries.release();
    this.expiries = null;
  }
}

/**
 * What the elements of a table take, estimated from `samples` of them: the first by their hashes,
 * which have nothing to do with sizes. 0: all are added up.
 */
export function sampledBytes(arena: Arena, table: ByteTable, samples: number): number {
  const walk = new TableWalk();
  let sampled = 0;
  let bytes = 0;
  while (samples === 0 || sampled < samples) {
    const ref = table.walk(walk);
    if (ref === NULL_REF) break;
    sampled++;
    bytes += elementBytes(arena, ref);
  }
  return sampled === 0 ? 0 : Math.round((bytes / sampled) * table.size);
}
