/** The keys that blocked requests wait for, found by their bytes. */
import { equalBytes } from "../base/bytes.ts";
import { hashBytes } from "../base/hash.ts";
import type { Database } from "../keyspace/database.ts";
import type { BlockedRequest } from "./blocked-request.ts";

export class AwaitedKey {
  /** In the order in which they blocked. */
  readonly waiters = new Set<BlockedRequest>();
  /** Those of them that also wake when the key is gone. */
  waitersWithoutKey = 0;
  /** It waits to be served already. */
  isReady = false;

  readonly database: Database;
  readonly bytes: Uint8Array;
  readonly hash: number;

  constructor(database: Database, bytes: Uint8Array, hash: number) {
    this.database = database;
    this.bytes = bytes;
    this.hash = hash;
  }
}

export class AwaitedKeys {
  count = 0;
  private readonly byHash = new Map<number, AwaitedKey[]>();

  find(database: Database, bytes: Uint8Array, start: number, length: number): AwaitedKey | null {
    const hash = hashBytes(bytes, start, length);
    return this.findHashed(database, bytes, start, length, hash);
  }

  /** The key, added where it was not awaited yet; then its bytes are copied. */
  obtain(database: Database, bytes: Uint8Array, start: number, length: number): AwaitedKey {
    const hash = hashBytes(bytes, start, length);
    const known = this.findHashed(database, bytes, start, length, hash);
    if (known !== null) return known;
    const key = new AwaitedKey(database, bytes.slice(start, start + length), hash);
    const alike = this.byHash.get(hash);
    if (alike === undefined) this.byHash.set(hash, [key]);
    else alike.push(key);
    this.count++;
    return key;
  }

  remove(key: AwaitedKey): void {
    const alike = this.byHash.get(key.hash) ?? [];
    if (alike.length === 1) this.byHash.delete(key.hash);
    else alike.splice(alike.indexOf(key), 1);
    this.count--;
  }

  *all(): Generator<AwaitedKey> {
    for (const alike of this.byHash.values()) yield* alike;
  }

  private findHashed(
    database: Database,
    bytes: Uint8Array,
    start: number,
    length: number,
    hash: number,
  ): AwaitedKey | null {
    const alike = this.byHash.get(hash);
    if (alike === undefined) return null;
    for (const key of alike) {
      const isSame = key.database === database && key.bytes.length === length;
      if (isSame && equalBytes(key.bytes, 0, bytes, start, length)) return key;
    }
    return null;
  }
}
