/**
 * A hash: fields and their values. Packed as a listpack (field, value, field, …) while it is
 * small, beyond that or with a field that expires as a table (_large-hash.ts). It never goes back.
 *
 * A field that has expired is never shown. A lookup that meets one removes it where that is
 * allowed, and walks pass over it; the others wait for `removeExpired`. The home is told of what
 * was removed, and of every change of the earliest expiry.
 *
 * One object serves many commands: it is opened on a home, and `field` and `value` are views that
 * `find`, `next` and the samplers point at what they found, valid until the next change.
 */
import { hashBytes } from "../base/hash.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Ref } from "../memory/arena.ts";
import { TableWalk } from "../memory/byte-table.ts";
import { ByteView, readData, readMember } from "../memory/element.ts";
import { ENCODING_HASHTABLE, ENCODING_LISTPACK } from "../memory/entry.ts";
import type { HashHome } from "./home.ts";
import { LargeHash, NO_FIELD_EXPIRY } from "./_large-hash.ts";
import { ItemDigits, Needle } from "./_listpack.ts";
import {
  createPacked,
  findPacked,
  FIRST,
  insertPair,
  nextPlace,
  NOT_FOUND,
  packedCount,
  packedEnd,
  placeOf,
  readPlace,
  removePacked,
  replacePacked,
} from "./_packed.ts";

export { NO_FIELD_EXPIRY } from "./_large-hash.ts";

/** `hash-max-listpack-entries` and `-value`. */
export interface HashLimits {
  maxEntries: number;
  maxValueBytes: number;
}

/** Expired fields that a random pick passes over before it takes the first that has not. */
const PICK_TRIES = 100;

export class HashValue {
  readonly field = new ByteView();
  readonly value = new ByteView();
  private readonly fieldNeedle = new Needle();
  private readonly valueNeedle = new Needle();
  private readonly fieldDigits = new ItemDigits();
  private readonly valueDigits = new ItemDigits();
  private readonly walk = new TableWalk();
  private readonly expired = new ByteView();
  /** Where `next` goes on in packed bytes. */
  private place = 0;

  /** Of the last `opened`. */
  private nowMs = 0;
  /** The element that was read last. */
  private current: Ref = NULL_REF;

  readonly home: HashHome;
  readonly limits: HashLimits;

  constructor(home: HashHome, limits: HashLimits) {
    this.home = home;
    this.limits = limits;
  }

  /** To be called when the home was opened: fields that expired before `nowMs` are hidden. */
  opened(nowMs: number): this {
    this.nowMs = nowMs;
    if (this.home.collection !== null) this.large.hiddenBeforeMs = nowMs;
    return this;
  }

  /** The number of fields, 0 without a hash. Expired fields count until they are removed. */
  get size(): number {
    const { home } = this;
    if (home.collection !== null) return this.large.table.size;
    return packedCount(home) >> 1;
  }

  /** Points `value` at the field's value; false where there is no such field. */
  find(bytes: Uint8Array, start: number, length: number): boolean {
    const { home } = this;
    if (home.collection !== null) {
      const ref = this.visible(bytes, start, length);
      if (ref === NULL_REF) return false;
      readData(home.arena, ref, this.value);
      return true;
    }
    const place = this.placeOf(bytes, start, length);
    if (place === NOT_FOUND) return false;
    readPlace(home, nextPlace(home, place), this.value, this.valueDigits);
    return true;
  }

  /**
   * Sets a field. Returns whether it is new. An expiry that it had goes, unless `keepsExpiry`.
   * The bytes must not lie in this hash.
   */
  set(
    bytes: Uint8Array,
    start: number,
    length: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
    keepsExpiry = false,
  ): boolean {
    const { home, limits } = this;
    if (home.collection === null) {
      if (length <= limits.maxValueBytes && valueLength <= limits.maxValueBytes) {
        return this.setPacked(bytes, start, length, value, valueStart, valueLength);
      }
      this.enlarge();
    }
    home.touched();
    const { large } = this;
    const firstMs = large.firstExpiryMs;
    const isNew = large.set(bytes, start, length, value, valueStart, valueLength, keepsExpiry);
    this.announce(firstMs);
    return isNew;
  }

  /**
   * Removes a field, also one that has expired; false where there is none. The hash may be empty
   * afterwards.
   */
  remove(bytes: Uint8Array, start: number, length: number): boolean {
    const { home } = this;
    if (home.collection !== null) {
      const { large } = this;
      const hash = hashBytes(bytes, start, length);
      const ref = large.table.find(bytes, start, length, hash);
      if (ref === NULL_REF) return false;
      home.touched();
      const firstMs = large.firstExpiryMs;
      large.remove(ref, hash);
      this.announce(firstMs);
      return true;
    }
    const place = this.placeOf(bytes, start, length);
    if (place === NOT_FOUND) return false;
    removePacked(home, place, 2);
    return true;
  }

  /** Begins a walk over all fields; nothing may change before it ends. */
  rewind(): void {
    this.place = FIRST;
    this.walk.restart();
  }

  /** Points `field` and `value` at the next field; false at the end. */
  next(): boolean {
    const { home } = this;
    if (home.collection !== null) {
      for (;;) {
        const ref = this.large.table.walk(this.walk);
        if (ref === NULL_REF) return false;
        if (this.large.isHidden(ref)) continue;
        this.read(ref);
        return true;
      }
    }
    if (this.place >= packedEnd(home)) return false;
    this.readPair(this.place);
    this.place = nextPlace(home, nextPlace(home, this.place));
    return true;
  }

  /**
   * Points `field` and `value` at a random field of a hash that is not empty. Returns a number
   * that tells it from others, or 0 where all fields have expired.
   */
  pick(randomWord: () => number): number {
    const { home } = this;
    if (home.collection !== null) {
      for (let i = 0; i < PICK_TRIES; i++) {
        const ref = this.large.table.sample(randomWord);
        if (this.large.isHidden(ref)) continue;
        this.read(ref);
        return ref;
      }
      this.rewind();
      return this.next() ? this.current : 0;
    }
    const items = packedCount(home);
    const index = Math.floor((randomWord() / 4294967296) * (items >> 1));
    const place = placeOf(home, index * 2, items);
    this.readPair(place);
    return place;
  }

  /**
   * Walks some fields from a cursor on (0 begins), as SCAN does over keys. Returns the cursor to
   * go on from, 0 at the end. A packed hash is walked at once.
   */
  scan(cursor: number, homes: number, visit: () => void): number {
    if (this.home.collection !== null) {
      return this.large.table.scan(cursor, homes, (ref) => {
        if (this.large.isHidden(ref)) return;
        this.read(ref);
        visit();
      });
    }
    this.rewind();
    while (this.next()) visit();
    return 0;
  }

  get isPacked(): boolean {
    return this.home.collection === null;
  }

  /** Whether any field has an expiry. */
  get hasExpiringFields(): boolean {
    return this.firstExpiryMs !== Infinity;
  }

  /** The earliest expiry of a field in unix milliseconds, Infinity where none expires. */
  get firstExpiryMs(): number {
    return this.home.collection === null ? Infinity : this.large.firstExpiryMs;
  }

  /** Whether any field has expired and is still there. */
  get hidesFields(): boolean {
    return this.home.collection !== null && this.large.hidesFields;
  }

  /** The expiry of the field that `next`, `pick` or `scan` found, or NO_FIELD_EXPIRY. */
  get fieldExpiryMs(): number {
    return this.home.collection === null ? NO_FIELD_EXPIRY : this.large.expiryOf(this.current);
  }

  /** The field's expiry in unix milliseconds, NO_FIELD_EXPIRY, or null where it does not exist. */
  expiryOf(bytes: Uint8Array, start: number, length: number): number | null {
    if (this.home.collection === null) {
      return this.placeOf(bytes, start, length) === NOT_FOUND ? null : NO_FIELD_EXPIRY;
    }
    const ref = this.visible(bytes, start, length);
    return ref === NULL_REF ? null : this.large.expiryOf(ref);
  }

  /** Sets an existing field's expiry. */
  setExpiry(bytes: Uint8Array, start: number, length: number, whenMs: number): void {
    const { home } = this;
    if (home.collection === null) this.enlarge();
    home.touched();
    const hash = hashBytes(bytes, start, length);
    const { large } = this;
    const firstMs = large.firstExpiryMs;
    large.setExpiry(hash, large.table.find(bytes, start, length, hash), whenMs);
    this.announce(firstMs);
  }

  /** Takes the expiry from a field that has one. */
  dropExpiry(bytes: Uint8Array, start: number, length: number): void {
    this.home.touched();
    const hash = hashBytes(bytes, start, length);
    const { large } = this;
    const firstMs = large.firstExpiryMs;
    large.dropExpiry(hash, large.table.find(bytes, start, length, hash));
    this.announce(firstMs);
  }

  /**
   * Removes up to `limit` fields that have expired, those first that were due first, and tells the
   * home. Returns how many; the key may be gone then.
   */
  removeExpired(limit: number): number {
    if (!this.hidesFields || !this.mayRemove()) return 0;
    const { large } = this;
    const firstMs = large.firstExpiryMs;
    const fields: Uint8Array[] = [];
    while (fields.length < limit && large.hidesFields) {
      fields.push(this.takeOut(large.expired));
    }
    this.announce(firstMs);
    this.home.fieldsExpired(fields);
    return fields.length;
  }

  private get large(): LargeHash {
    return this.home.collection as LargeHash;
  }

  /** The field's element, or NULL_REF. One that has expired is removed where it may be. */
  private visible(bytes: Uint8Array, start: number, length: number): Ref {
    const { large } = this;
    const ref = large.find(bytes, start, length);
    if (ref === NULL_REF || !large.isHidden(ref)) return ref;
    if (this.mayRemove()) {
      const firstMs = large.firstExpiryMs;
      const field = this.takeOut(ref);
      this.announce(firstMs);
      this.home.fieldsExpired([field]);
    }
    return NULL_REF;
  }

  /** Whether expired fields may be removed now. */
  private mayRemove(): boolean {
    const may = this.home.removesExpired;
    // A snapshot may have read the hash just now, to which nothing is hidden.
    this.large.hiddenBeforeMs = this.nowMs;
    return may;
  }

  /** Removes an element and returns its field. */
  private takeOut(ref: Ref): Uint8Array {
    readMember(this.home.arena, ref, this.expired);
    const { bytes, start, length } = this.expired;
    const field = bytes.slice(start, start + length);
    this.large.remove(ref, hashBytes(field, 0, length));
    return field;
  }

  /** Tells the home where the earliest expiry is no longer `firstMs`. */
  private announce(firstMs: number): void {
    const present = this.large.firstExpiryMs;
    if (present !== firstMs) this.home.firstExpiryChanged(present);
  }

  private setPacked(
    bytes: Uint8Array,
    start: number,
    length: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): boolean {
    const { home, fieldNeedle, valueNeedle } = this;
    valueNeedle.set(value, valueStart, valueLength);
    const place = this.placeOf(bytes, start, length);
    if (place !== NOT_FOUND) {
      replacePacked(home, nextPlace(home, place), valueNeedle);
      return false;
    }
    if (home.length === 0) createPacked(home, ENCODING_LISTPACK);
    insertPair(home, packedEnd(home), fieldNeedle, valueNeedle);
    if (packedCount(home) > this.limits.maxEntries * 2) this.enlarge();
    return true;
  }

  /** The place of the packed field, or NOT_FOUND; leaves it in the needle. */
  private placeOf(bytes: Uint8Array, start: number, length: number): number {
    this.fieldNeedle.set(bytes, start, length);
    if (this.home.length === 0) return NOT_FOUND;
    return findPacked(this.home, this.fieldNeedle, FIRST, 2);
  }

  private readPair(place: number): void {
    readPlace(this.home, place, this.field, this.fieldDigits);
    readPlace(this.home, nextPlace(this.home, place), this.value, this.valueDigits);
  }

  private read(ref: Ref): void {
    this.current = ref;
    readMember(this.home.arena, ref, this.field);
    readData(this.home.arena, ref, this.value);
  }

  private enlarge(): void {
    const { home, field, value } = this;
    const large = new LargeHash(home.arena);
    if (home.length > 0) {
      this.rewind();
      while (this.next()) {
        const { bytes, start, length } = field;
        large.set(bytes, start, length, value.bytes, value.start, value.length, false);
      }
    }
    home.replace(ENCODING_HASHTABLE, large);
  }
}
