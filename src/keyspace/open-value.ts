/**
 * A key's value opened for its type: the `Home` (values/home.ts) of a collection over an entry.
 * Opened by a lookup, it stays valid until another way changes the same key; changes of other
 * keys do not disturb it. A key that does not exist is made by the first `resize` or `replace`.
 */
import { copyBytes } from "../base/bytes.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import { MAX_BLOCK_BYTES, NULL_REF, SLAB_SHIFT } from "../memory/arena.ts";
import {
  encodingIn,
  EXTERNAL_VALUE,
  flagsIn,
  headerOf,
  keyLengthIn,
  keyOffset,
  startOf,
  valueWordOf,
} from "../memory/entry.ts";
import type { Collection } from "../memory/object-table.ts";
import type { HashHome } from "../values/home.ts";
import type { KeyspaceContext } from "./context.ts";
import type { Database } from "./database.ts";
import type { TemporaryHome } from "./temporary-home.ts";

const NO_BYTES: Uint8Array = new Uint8Array(0);

export class OpenValue implements HashHome {
  bytes = NO_BYTES;
  start = 0;
  length = 0;
  encoding = 0;
  collection: Collection | null = null;
  ref: Ref = NULL_REF;
  arena!: Arena;
  database!: Database;
  keyBytes = NO_BYTES;
  keyStart = 0;
  keyLength = 0;
  private hash = 0;
  /** The key is being made anew in the place of another value: it is not a new key. */
  private isOverwritten = false;
  private readonly type: number;
  private readonly context: KeyspaceContext;

  constructor(type: number, context: KeyspaceContext) {
    this.type = type;
    this.context = context;
  }

  /** Opens what a lookup of this key in `database`, the last one there, has found. */
  open(
    database: Database,
    ref: Ref,
    keyBytes: Uint8Array,
    keyStart: number,
    keyLength: number,
  ): void {
    this.database = database;
    this.arena = database.arena;
    this.keyBytes = keyBytes;
    this.keyStart = keyStart;
    this.keyLength = keyLength;
    this.hash = database.hash;
    this.isOverwritten = false;
    this.ref = ref;
    if (ref === NULL_REF) {
      this.length = 0;
      this.collection = null;
    } else {
      this.read();
    }
  }

  /** Opens an entry's value for reading alone, whichever database it is or was in. */
  openToRead(arena: Arena, ref: Ref): void {
    this.arena = arena;
    this.ref = ref;
    this.read();
  }

  get exists(): boolean {
    return this.ref !== NULL_REF;
  }

  resize(length: number, encoding: number): void {
    const { database } = this;
    if (this.ref === NULL_REF) {
      this.ref = database.createValue(
        this.type,
        encoding,
        this.keyBytes,
        this.keyStart,
        this.keyLength,
        this.hash,
        length,
      );
      this.tellNew();
    } else {
      // Beyond a block each growth is a copy: room for more makes that rare.
      const spareBytes = length > MAX_BLOCK_BYTES ? length >>> 3 : 0;
      this.ref = database.resizeValue(this.ref, this.hash, length, spareBytes);
      database.setEncoding(this.ref, encoding);
    }
    this.read();
  }

  replace(encoding: number, collection: Collection): void {
    const { database, ref, hash } = this;
    if (ref === NULL_REF) {
      this.ref = database.createCollection(
        this.type,
        encoding,
        this.keyBytes,
        this.keyStart,
        this.keyLength,
        hash,
        collection,
      );
      this.tellNew();
    } else {
      this.ref = database.replaceByCollection(ref, hash, encoding, collection);
    }
    this.read();
  }

  repack(encoding: number, length: number): void {
    this.ref = this.database.replaceByBytes(this.ref, this.hash, encoding, length);
    this.read();
  }

  /**
   * Makes the key, which does not exist, with what was built; `isNew`: nor did it before the
   * running command.
   */
  adopt(built: TemporaryHome, isNew: boolean): void {
    this.isOverwritten = !isNew;
    if (built.collection !== null) {
      this.replace(built.encoding, built.collection);
    } else {
      this.resize(built.length, built.encoding);
      copyBytes(this.bytes, this.start, built.bytes, 0, built.length);
    }
  }

  touched(): void {
    this.database.assertSaved(this.ref);
    this.context.mutations++;
  }

  /** Removes the key. The value may be made anew afterwards. */
  remove(): void {
    this.database.remove(this.ref);
    this.ref = NULL_REF;
    this.length = 0;
    this.collection = null;
  }

  get removesExpired(): boolean {
    if (this.context.keepsExpired && !this.context.removesFound) return false;
    // Asked just before it happens, mostly while reading.
    this.database.beforeChange(this.ref);
    return true;
  }

  firstExpiryChanged(firstMs: number): void {
    const { database, keyBytes, keyStart, keyLength, hash } = this;
    database.noteFieldExpiry(keyBytes, keyStart, keyLength, hash, firstMs);
  }

  /** An effect of its own: it does not count as a change by the running command. */
  fieldsExpired(fields: readonly Uint8Array[]): void {
    const { context, database, keyBytes, keyStart, keyLength } = this;
    const key = keyBytes.slice(keyStart, keyStart + keyLength);
    const isEmpty = this.collection !== null && this.collection.table?.size === 0;
    if (isEmpty) {
      const { mutations } = context;
      this.remove();
      context.mutations = mutations;
    }
    context.expiredFields += fields.length;
    context.onFieldsDrop(database, key, fields, isEmpty);
  }

  private tellNew(): void {
    if (!this.isOverwritten) this.database.keyMade(this.keyBytes, this.keyStart, this.keyLength);
  }

  private read(): void {
    const { arena, ref } = this;
    const header = headerOf(arena, ref);
    const flags = flagsIn(header);
    this.encoding = encodingIn(header);
    if ((flags & EXTERNAL_VALUE) === 0) {
      this.collection = null;
      this.bytes = arena.bytes[ref >>> SLAB_SHIFT];
      this.start = startOf(ref) + keyOffset(flags) + keyLengthIn(header);
      this.length = valueWordOf(arena, ref, flags);
      return;
    }
    const object = arena.objects.get(valueWordOf(arena, ref, flags));
    if (object instanceof Uint8Array) {
      this.collection = null;
      this.bytes = object;
      this.start = 0;
      this.length = object.length;
    } else {
      this.collection = object;
      this.length = 0;
    }
  }
}
