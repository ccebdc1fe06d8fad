/**
 * Where a collection lives, as its type sees it: packed bytes while it is small, an object beyond.
 * The keyspace implements it over an entry (keyspace/open-value.ts); a type knows nothing of keys.
 *
 * Every change is announced: `resize`, `touched` and `remove` count as one, and so does what makes
 * the value. Another form of the same content (`replace`, `repack`) is none. `bytes` and `start`
 * are valid until the next `resize` of this home.
 */
import type { Arena } from "../memory/arena.ts";
import type { Collection } from "../memory/object-table.ts";

export interface Home {
  readonly arena: Arena;
  /** The packed bytes; meaningless while `collection` is set. */
  bytes: Uint8Array;
  start: number;
  /** Zero: there is no value yet. */
  length: number;
  /** One of Redis's numbers (memory/entry.ts). */
  encoding: number;
  /** The value where it is no longer packed. */
  collection: Collection | null;
  readonly exists: boolean;
  /** Gives the packed bytes another length, making the value where there is none yet. */
  resize(length: number, encoding: number): void;
  /** Replaces the packed bytes, or nothing, by a collection, or one collection by another. */
  replace(encoding: number, collection: Collection): void;
  /** Replaces a collection, which is thrown away, by `length` packed bytes to be filled. */
  repack(encoding: number, length: number): void;
  /** Something changed in place. */
  touched(): void;
  /** Removes the key with its value. */
  remove(): void;
}

/** The home of a hash, whose fields may expire one by one. */
export interface HashHome extends Home {
  /** Whether fields that have expired may be removed now; otherwise they are only hidden. */
  readonly removesExpired: boolean;
  /** The earliest expiry of a field is another now: unix milliseconds, Infinity for none. */
  firstExpiryChanged(firstMs: number): void;
  /** These fields (copies) were removed since they had expired; the hash may be empty now. */
  fieldsExpired(fields: readonly Uint8Array[]): void;
}
