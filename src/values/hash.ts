/**
 * A hash: fields and their values. Packed as a listpack (field, value, field, …) while it is
 * small, beyond that or with a field that expires as a table (_large-hash.ts). It never goes back.
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
import type { Home } from "./home.ts";
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

/** Expired fields that a random pick passes over. */
const PICK_TRIES = 100;

export class HashValue {
  readonly field = new ByteView();
  readonly value = new ByteView();
  private readonly fieldNeedle = new Needle();
  private readonly valueNeedle = new Needle();
  private readonly fieldDigits = new ItemDigits();
  private readonly valueDigits = new ItemDigits();
  private readonly walk = new TableWalk();
  /** Where `next` goes on in packed bytes. */
  private place = 0;

  readonly home: Home;
  readonly limits: HashLimits;

  constructor(home: Home, limits: HashLimits) {
    this.home = home;
    this.limits = limits;
  }

  /** To be called when the home was opened: fields that expired before `nowMs` are hidden. */
  opened(nowMs: number): this {
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
      const ref = this.large.findVisible(bytes, start, length);
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
    return this.large.set(bytes, start, length, value, valueStart, valueLength, keepsExpiry);
  }

  /** Removes a field; false where there is none. The hash may be empty afterwards. */
  remove(bytes: Uint8Array, start: number, length: number): boolean {
    const { home } = this;
    if (home.collection !== null) {
      const hash = hashBytes(bytes, start, length);
      const ref = this.large.table.find(bytes, start, length, hash);
      if (ref === NULL_REF || this.large.isHidden(ref)) return false;
      home.touched();
      this.large.remove(ref, hash);
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
   * that tells it from others, or 0 where chance found only expired ones.
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
      return 0;
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

  /** Whether a field may expire. */
  get hasExpiringFields(): boolean {
    return this.home.collection !== null && this.large.expiring > 0;
  }

  /** The field's expiry in unix milliseconds, NO_FIELD_EXPIRY, or null where it does not exist. */
  expiryOf(bytes: Uint8Array, start: number, length: number): number | null {
    if (this.home.collection === null) {
      return this.find(bytes, start, length) ? NO_FIELD_EXPIRY : null;
    }
    const ref = this.large.findVisible(bytes, start, length);
    return ref === NULL_REF ? null : this.large.expiryOf(ref);
  }

  /** Sets an existing field's expiry. */
  setExpiry(bytes: Uint8Array, start: number, length: number, whenMs: number): void {
    const { home } = this;
    if (home.collection === null) this.enlarge();
    home.touched();
    const hash = hashBytes(bytes, start, length);
    const { large } = this;
    large.setExpiry(hash, large.table.find(bytes, start, length, hash), whenMs);
  }

  /** Takes the expiry from a field that has one. */
  dropExpiry(bytes: Uint8Array, start: number, length: number): void {
    this.home.touched();
    const hash = hashBytes(bytes, start, length);
    const { large } = this;
    large.dropExpiry(hash, large.table.find(bytes, start, length, hash));
  }

  /**
   * Copies of fields that have expired, found among the next `slots` slots of the table from the
   * cursor on (0 begins), and the cursor to go on from.
   */
  findExpired(cursor: number, slots: number): { cursor: number; fields: Uint8Array[] } {
    const fields: Uint8Array[] = [];
    const { large } = this;
    const next = large.table.scanExpiring(cursor, slots, (ref) => {
      if (!large.isHidden(ref)) return;
      readMember(this.home.arena, ref, this.field);
      const { bytes, start, length } = this.field;
      fields.push(bytes.slice(start, start + length));
    });
    return { cursor: next, fields };
  }

  /** Removes a field that has expired. */
  removeExpired(field: Uint8Array): void {
    const hash = hashBytes(field, 0, field.length);
    const ref = this.large.table.find(field, 0, field.length, hash);
    if (ref === NULL_REF || !this.large.isHidden(ref)) return;
    this.home.touched();
    this.large.remove(ref, hash);
  }

  private get large(): LargeHash {
    return this.home.collection as LargeHash;
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
