/** Keys of databases, found by their bytes: those that somebody waits for or watches. */
import { equalBytes } from "../base/bytes.ts";
import { hashBytes } from "../base/hash.ts";
import type { Database } from "../keyspace/database.ts";
import { arrayCost } from "../memory/array-cost.ts";

/** A key's objects and its places, beside its bytes. */
const BYTES_PER_KEY = 272;

/** What the index knows of a key; who uses the index adds what it needs to know. */
export class IndexedKey {
  readonly database: Database;
  readonly bytes: Uint8Array;
  readonly hash: number;

  constructor(database: Database, bytes: Uint8Array, hash: number) {
    this.database = database;
    this.bytes = bytes;
    this.hash = hash;
  }
}

export class KeyIndex<T extends IndexedKey> {
  count = 0;
  sizeBytes = 0;
  private readonly byHash = new Map<number, T[]>();
  private readonly make: (database: Database, bytes: Uint8Array, hash: number) => T;

  constructor(make: (database: Database, bytes: Uint8Array, hash: number) => T) {
    this.make = make;
  }

  find(database: Database, bytes: Uint8Array, start: number, length: number): T | null {
    const hash = hashBytes(bytes, start, length);
    return this.findHashed(database, bytes, start, length, hash);
  }

  /** The key, added where it was not there yet; then its bytes are copied. */
  obtain(database: Database, bytes: Uint8Array, start: number, length: number): T {
    const hash = hashBytes(bytes, start, length);
    const known = this.findHashed(database, bytes, start, length, hash);
    if (known !== null) return known;
    const key = this.make(database, bytes.slice(start, start + length), hash);
    const alike = this.byHash.get(hash);
    if (alike === undefined) this.byHash.set(hash, [key]);
    else alike.push(key);
    this.count++;
    this.sizeBytes += BYTES_PER_KEY + arrayCost(length);
    return key;
  }

  remove(key: T): void {
    const alike = this.byHash.get(key.hash) ?? [];
    if (alike.length === 1) this.byHash.delete(key.hash);
    else alike.splice(alike.indexOf(key), 1);
    this.count--;
    this.sizeBytes -= BYTES_PER_KEY + arrayCost(key.bytes.length);
  }

  *all(): Generator<T> {
    for (const alike of this.byHash.values()) yield* alike;
  }

  private findHashed(
    database: Database,
    bytes: Uint8Array,
    start: number,
    length: number,
    hash: number,
  ): T | null {
    const alike = this.byHash.get(hash);
    if (alike === undefined) return null;
    for (const key of alike) {
      const isSame = key.database === database && key.bytes.length === length;
      if (isSame && equalBytes(key.bytes, 0, bytes, start, length)) return key;
    }
    return null;
  }
}
