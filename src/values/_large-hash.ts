/**
 * A hash beyond its packed size: a table from fields to elements, whose data are the values and
 * whose number, where they have one, is the field's expiry in unix milliseconds.
 */
import { hashBytes } from "../base/hash.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { ByteTable, TableWalk } from "../memory/byte-table.ts";
import {
  ByteView,
  freeElement,
  hasNumber,
  makeElementWithData,
  numberOf,
  readData,
  readMember,
  replaceData,
  setNumberOf,
} from "../memory/element.ts";
import type { Collection } from "../memory/object-table.ts";

/** The object itself and its table's, beside the segments. */
const OBJECT_BYTES = 200;
export const NO_FIELD_EXPIRY = -1;

const member = new ByteView();
const data = new ByteView();

export class LargeHash implements Collection {
  readonly table: ByteTable;
  /** Fields that have an expiry, and a moment before which none of them expires. */
  expiring = 0;
  nextExpiryMs = Infinity;
  /** Fields that expired before this are treated as if they were gone. */
  hiddenBeforeMs = 0;
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
    this.table = new ByteTable(arena, arena.objects.collections);
  }

  get sizeBytes(): number {
    return OBJECT_BYTES + this.table.sizeBytes + this.elementBytes();
  }

  find(bytes: Uint8Array, start: number, length: number): Ref {
    return this.table.find(bytes, start, length, hashBytes(bytes, start, length));
  }

  isHidden(ref: Ref): boolean {
    if (this.expiring === 0 || !hasNumber(this.arena, ref)) return false;
    return numberOf(this.arena, ref) < this.hiddenBeforeMs;
  }

  findVisible(bytes: Uint8Array, start: number, length: number): Ref {
    const ref = this.find(bytes, start, length);
    return ref !== NULL_REF && this.isHidden(ref) ? NULL_REF : ref;
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
    const expires = hasNumber(arena, ref);
    const wasHidden = this.isHidden(ref);
    const keeps = expires && keepsExpiry && !wasHidden;
    if (expires && !keeps) this.expiring--;
    if (expires === keeps && replaceData(arena, ref, value, valueStart, valueLength)) return false;
    this.rebuild(
      hash,
      ref,
      value,
      valueStart,
      valueLength,
      keeps,
      keeps ? numberOf(arena, ref) : 0,
    );
    return wasHidden;
  }

  remove(ref: Ref, hash: number): void {
    if (hasNumber(this.arena, ref)) this.expiring--;
    this.table.remove(hash, ref);
    freeElement(this.arena, ref);
  }

  /** Unix milliseconds, or NO_FIELD_EXPIRY. */
  expiryOf(ref: Ref): number {
    return hasNumber(this.arena, ref) ? numberOf(this.arena, ref) : NO_FIELD_EXPIRY;
  }

  setExpiry(hash: number, ref: Ref, whenMs: number): void {
    if (whenMs < this.nextExpiryMs) this.nextExpiryMs = whenMs;
    if (hasNumber(this.arena, ref)) {
      setNumberOf(this.arena, ref, whenMs);
      return;
    }
    this.expiring++;
    readData(this.arena, ref, data);
    this.rebuild(hash, ref, data.bytes, data.start, data.length, true, whenMs);
  }

  dropExpiry(hash: number, ref: Ref): void {
    this.expiring--;
    readData(this.arena, ref, data);
    this.rebuild(hash, ref, data.bytes, data.start, data.length, false, 0);
  }

  free(budget: number): boolean {
    return this.table.drain(budget, (ref) => freeElement(this.arena, ref));
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
      if (hasNumber(this.arena, ref)) {
        const hash = hashBytes(bytes, start, length);
        const made = copy.table.find(bytes, start, length, hash);
        copy.setExpiry(hash, made, numberOf(this.arena, ref));
      }
    }
  }

  private rebuild(
    hash: number,
    ref: Ref,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
    expires: boolean,
    whenMs: number,
  ): void {
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
      expires,
      whenMs,
    );
    this.table.relocate(hash, ref, made, expires);
    freeElement(arena, ref);
  }

  /** Estimated from a few elements. */
  private elementBytes(): number {
    return sampledBytes(this.arena, this.table);
  }
}

const SAMPLES = 8;

/** What the elements of a table take, estimated from the first few. */
export function sampledBytes(arena: Arena, table: ByteTable): number {
  const walk = new TableWalk();
  let sampled = 0;
  let bytes = 0;
  while (sampled < SAMPLES) {
    const ref = table.walk(walk);
    if (ref === NULL_REF) break;
    sampled++;
    bytes += arena.capacity(ref);
  }
  return sampled === 0 ? 0 : Math.round((bytes / sampled) * table.size);
}
