/**
 * Builds a hash from the fields that a file holds, none of which may come twice: packed as long as
 * the limits allow it, and no field expires.
 */
import { hashBytes } from "../base/hash.ts";
import { NULL_REF } from "../memory/arena.ts";
import { ByteView } from "../memory/element.ts";
import { ENCODING_HASHTABLE, ENCODING_LISTPACK } from "../memory/entry.ts";
import type { HashLimits } from "./hash.ts";
import type { Home } from "./home.ts";
import { LargeHash, NO_FIELD_EXPIRY } from "./_large-hash.ts";
import { Needle } from "./_listpack.ts";
import { createPacked, FIRST, insertPair, packedEnd } from "./_packed.ts";
import { hasRepeats, ListpackReader } from "./listpack-reader.ts";

export class HashBuilder {
  size = 0;
  private readonly home: Home;
  private readonly limits: HashLimits;
  private readonly field = new Needle();
  private readonly value = new Needle();

  /** `expected` is how many fields may come; nothing is allocated for them. */
  constructor(home: Home, limits: HashLimits, expected: number) {
    this.home = home;
    this.limits = limits;
    if (expected > limits.maxEntries) home.replace(ENCODING_HASHTABLE, new LargeHash(home.arena));
  }

  /** Adds a field; false where it is found to have come before. */
  add(field: ByteView, value: ByteView, expiryMs = NO_FIELD_EXPIRY): boolean {
    const { home, limits } = this;
    this.size++;
    if (home.collection === null) {
      const isLong = field.length > limits.maxValueBytes || value.length > limits.maxValueBytes;
      if (!isLong && this.size <= limits.maxEntries && expiryMs === NO_FIELD_EXPIRY) {
        this.addPacked(field, value);
        return true;
      }
      if (!this.enlarge()) return false;
    }
    return this.addLarge(field, value, expiryMs);
  }

  /** To be called at the end; false where a field has come twice. */
  finish(): boolean {
    const { home, size } = this;
    if (home.collection !== null || size < 2) return true;
    return !hasRepeats(home.bytes, home.start + FIRST, home.start + packedEnd(home), size, 2);
  }

  private addPacked({ bytes, start, length }: ByteView, value: ByteView): void {
    const { home } = this;
    this.field.set(bytes, start, length);
    this.value.set(value.bytes, value.start, value.length);
    if (home.length === 0) createPacked(home, ENCODING_LISTPACK);
    insertPair(home, packedEnd(home), this.field, this.value);
  }

  private addLarge({ bytes, start, length }: ByteView, value: ByteView, expiryMs: number): boolean {
    const large = this.home.collection as LargeHash;
    if (!large.set(bytes, start, length, value.bytes, value.start, value.length, false)) {
      return false;
    }
    if (expiryMs !== NO_FIELD_EXPIRY) {
      const hash = hashBytes(bytes, start, length);
      const ref = large.table.find(bytes, start, length, hash);
      if (ref !== NULL_REF) large.setExpiry(hash, ref, expiryMs);
    }
    return true;
  }

  private enlarge(): boolean {
    const { home } = this;
    const large = new LargeHash(home.arena);
    const { bytes, start, length } = home;
    home.replace(ENCODING_HASHTABLE, large);
    if (length === 0) return true;
    const reader = new ListpackReader();
    reader.open(bytes, start, length);
    const field = new ByteView();
    const value = new ByteView();
    while (reader.next(field) && reader.next(value)) {
      if (!this.addLarge(field, value, NO_FIELD_EXPIRY)) return false;
    }
    return true;
  }
}
