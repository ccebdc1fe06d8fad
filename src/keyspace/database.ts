/**
 * One numbered database: the only gate through which keys and values change.
 *
 * Every method that changes something counts it in the context's `mutations`; the engine holds
 * that against what the command reported (a change that nobody reported would be lost to the
 * AOF, to replicas and to watchers). An expired key is never handed out: `peek`, `read` and `write`
 * remove it first, or hide it where removing it is not ours to do.
 *
 * A lookup leaves the key's hash in `hash`, which `storeString`, `storeInteger`, `storePacked` and
 * `adopt` rely on: they must follow a lookup of the same key. A `Ref` is valid until the next
 * change.
 */
import { copyBytes } from "../base/bytes.ts";
import { hashBytes } from "../base/hash.ts";
import { Arena, NULL_REF, SLAB_SHIFT } from "../memory/arena.ts";
import type { Ref } from "../memory/arena.ts";
import { ByteTable } from "../memory/byte-table.ts";
import {
  clockOf,
  expiryOf,
  EXTERNAL_KEY,
  EXTERNAL_VALUE,
  externalKeyHandleOf,
  flagsIn,
  HAS_EXPIRY,
  headerOf,
  keyOffset,
  setClock,
  setExpiryOf,
  startOf,
  valueWordOf,
} from "../memory/entry.ts";
import { cloneEntry, freeEntry, keyBytesInEntry, KeyView } from "./entries.ts";
import { EntryStore, NO_EXPIRY } from "./entry-store.ts";
import type { Expiry } from "./entry-store.ts";
import type { KeyListener, KeyspaceContext } from "./context.ts";

/** What a key's part of the table may count: what a table has been filled for counts for none. */
const MAX_SLOT_BYTES = 24;
/** Expired keys that RANDOMKEY passes over where they must stay. */
const RANDOM_KEY_TRIES = 100;

export class Database extends EntryStore {
  /** Where the active expiry cycle goes on. */
  expiryCursor = 0;
  /** Of the keys that the cycle sampled, the mean time left; for INFO. */
  averageTtlMs = 0;
  index: number;

  constructor(index: number, context: KeyspaceContext) {
    super(context);
    this.index = index;
  }

  get size(): number {
    return this.table.size;
  }

  /** Bytes held for this database: blocks, large values and the table. */
  get usedBytes(): number {
    return this.arena.usedBytes + this.arena.objects.sizeBytes + this.table.sizeBytes;
  }

  /** The live entry with this key, or NULL_REF; neither counted nor marked as an access. */
  peek(bytes: Uint8Array, start: number, length: number): Ref {
    const hash = this.context.hashOf(bytes, start, length);
    this.hash = hash;
    const ref = this.table.find(bytes, start, length, hash);
    if (ref === NULL_REF) return NULL_REF;
    if ((headerOf(this.arena, ref) & (HAS_EXPIRY << 8)) === 0) return ref;
    return this.hideExpired(ref);
  }

  /** The entry with this key even where it has expired; for DEBUG. */
  peekAny(bytes: Uint8Array, start: number, length: number): Ref {
    return this.table.find(bytes, start, length, hashBytes(bytes, start, length));
  }

  /** As `peek`, for a command that reads: counts a hit or a miss and marks the access. */
  read(bytes: Uint8Array, start: number, length: number): Ref {
    const ref = this.peek(bytes, start, length);
    if (ref === NULL_REF) {
      this.context.misses++;
      this.context.onMiss?.(this, bytes, start, length);
      return NULL_REF;
    }
    this.context.hits++;
    this.touch(ref);
    return ref;
  }

  /** As `peek`, for a command that may write: marks the access. */
  write(bytes: Uint8Array, start: number, length: number): Ref {
    const ref = this.peek(bytes, start, length);
    if (ref !== NULL_REF) {
      this.touch(ref);
      this.beforeChange(ref);
    }
    return ref;
  }

  keyMade(keyBytes: Uint8Array, keyStart: number, keyLength: number): void {
    this.context.onNew?.(this, keyBytes, keyStart, keyLength);
  }

  /**
   * Makes a value of these packed bytes under a key that was just looked up and does not exist.
   * Returns the entry.
   */
  storePacked(
    type: number,
    encoding: number,
    keyBytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
  ): Ref {
    const { arena, hash } = this;
    const ref = this.createValue(type, encoding, keyBytes, keyStart, keyLength, hash, valueLength);
    const flags = flagsIn(headerOf(arena, ref));
    if ((flags & EXTERNAL_VALUE) === 0) {
      const at = startOf(ref) + keyOffset(flags) + keyBytesInEntry(keyLength);
      copyBytes(arena.bytes[ref >>> SLAB_SHIFT], at, value, valueStart, valueLength);
    } else {
      const target = arena.objects.bytes(valueWordOf(arena, ref, flags));
      copyBytes(target, 0, value, valueStart, valueLength);
    }
    this.keyMade(keyBytes, keyStart, keyLength);
    return ref;
  }

  touch(ref: Ref): void {
    if (this.context.leavesNoTrace) return;
    const access = this.context.access;
    setClock(this.arena, ref, access.touched(clockOf(this.arena, ref)));
  }

  /**
   * Bytes that the entry takes: its block, what it holds elsewhere, its part of the table. What
   * the elements of a collection take is estimated from `samples` of them; 0: from all.
   */
  sizeOf(ref: Ref, samples: number): number {
    const { arena, table } = this;
    const flags = flagsIn(headerOf(arena, ref));
    const slotBytes = Math.min(Math.ceil(table.sizeBytes / table.size), MAX_SLOT_BYTES);
    let bytes = arena.capacity(ref) + slotBytes;
    if ((flags & EXTERNAL_VALUE) !== 0) {
      bytes += arena.objects.sizeOf(valueWordOf(arena, ref, flags), samples);
    }
    if ((flags & EXTERNAL_KEY) !== 0) {
      bytes += arena.objects.sizeOf(externalKeyHandleOf(arena, ref, flags), samples);
    }
    return bytes;
  }

  hasExpiry(ref: Ref): boolean {
    return (headerOf(this.arena, ref) & (HAS_EXPIRY << 8)) !== 0;
  }

  /** Sets, moves or (NO_EXPIRY) removes the expiry. Returns the entry. */
  setExpiry(ref: Ref, expiry: Expiry): Ref {
    this.beforeChange(ref);
    this.context.mutations++;
    const arena = this.arena;
    const header = headerOf(arena, ref);
    const flags = flagsIn(header);
    const wanted = expiry === NO_EXPIRY ? flags & ~HAS_EXPIRY : flags | HAS_EXPIRY;
    let result = ref;
    if (wanted !== flags) {
      const hash = this.hashOf(ref);
      const key = this.keyOf(ref, this.key);
      const handle = (flags & EXTERNAL_VALUE) !== 0 ? valueWordOf(arena, ref, flags) : 0;
      result = cloneEntry(arena, ref, arena, wanted, key, handle, 0);
      freeEntry(arena, ref, true);
      this.table.relocate(hash, ref, result, expiry !== NO_EXPIRY);
      this.expiring += expiry === NO_EXPIRY ? -1 : 1;
    }
    if (expiry !== NO_EXPIRY) setExpiryOf(arena, result, expiry);
    return result;
  }

  /** Removes an entry that a command deletes; its key must be reported by the command. */
  remove(ref: Ref): void {
    this.beforeChange(ref);
    const hash = this.hashOf(ref);
    this.context.mutations++;
    if (this.hasExpiry(ref)) this.expiring--;
    this.forgetFieldExpiry(ref, hash);
    this.table.remove(hash, ref);
    freeEntry(this.arena, ref, false);
  }

  /** Removes an entry whose time has come, unless that is not ours to do. */
  expire(ref: Ref): void {
    const { context } = this;
    if (context.keepsExpired && !context.removesFound) return;
    context.expiredKeys++;
    this.takeOut(ref, this.hashOf(ref), context.onExpire);
  }

  /** Removes an entry that is evicted. `hash` is its key's, and the table has just found it. */
  evict(ref: Ref, hash: number): void {
    this.context.evictedKeys++;
    this.takeOut(ref, hash, this.context.onEvict);
  }

  /** Takes over a copy (COPY) or the value itself (RENAME, MOVE) of an entry under this key. */
  adopt(
    source: Database,
    from: Ref,
    keyBytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    takesValue: boolean,
  ): Ref {
    const key = new KeyView();
    key.bytes = keyBytes;
    key.start = keyStart;
    key.length = keyLength;
    const hash = hashBytes(keyBytes, keyStart, keyLength);
    const flags = flagsIn(headerOf(source.arena, from));
    if (takesValue) source.beforeChange(from);
    let handle = 0;
    if ((flags & EXTERNAL_VALUE) !== 0) {
      handle = this.adoptObject(source, valueWordOf(source.arena, from, flags), takesValue);
    }
    const ref = cloneEntry(source.arena, from, this.arena, flags, key, handle, 0);
    // Even where there is no snapshot: the copy must not keep the mark of another place.
    this.markNew(ref, hash);
    this.table.insert(hash, ref, (flags & HAS_EXPIRY) !== 0);
    if ((flags & HAS_EXPIRY) !== 0) this.expiring++;
    if ((flags & EXTERNAL_VALUE) !== 0) {
      const object = this.arena.objects.get(handle);
      const firstMs = object instanceof Uint8Array ? Infinity : (object.firstExpiryMs ?? Infinity);
      this.noteFieldExpiry(keyBytes, keyStart, keyLength, hash, firstMs);
    }
    this.context.mutations++;
    this.keyMade(keyBytes, keyStart, keyLength);
    return ref;
  }

  /** A collection's elements lie in its arena: it can be handed on only within that. */
  private adoptObject(source: Database, handle: number, takesValue: boolean): number {
    const { objects } = source.arena;
    const held = objects.get(handle);
    if (held instanceof Uint8Array) {
      // Elsewhere nobody would know that a snapshot still reads these bytes.
      const isLeft = source.arena !== this.arena && objects.isPinned(held);
      return takesValue && !isLeft
        ? this.arena.objects.hold(held, objects.backingBytes(handle))
        : this.arena.objects.hold(held.slice());
    }
    const isMoved = takesValue && source.arena === this.arena;
    return this.arena.objects.hold(isMoved ? objects.detach(handle) : held.copyTo(this.arena));
  }

  /** Forgets everything at once; the memory goes with the old arena. */
  clear(): void {
    if (this.table.size > 0) this.context.mutations++;
    this.arena.abandon();
    this.arena = new Arena(this.context.reclaimer, this.context.memory);
    this.table = new ByteTable(this.arena, this.arena.tables);
    this.expiringHashes = null;
    this.expiring = 0;
    this.expiryCursor = 0;
    this.averageTtlMs = 0;
  }

  /** A live key chosen about evenly, or NULL_REF where there is none. */
  randomKey(): Ref {
    // Where expired keys must stay there may be no other: then one of them will do (db.c).
    const mayAllExpire = this.context.keepsExpired && this.expiring === this.size;
    let tries = RANDOM_KEY_TRIES;
    for (;;) {
      const ref = this.table.sample(this.context.randomWord);
      if (ref === NULL_REF || !this.isExpired(ref)) return ref;
      if (mayAllExpire && --tries === 0) return ref;
      this.expire(ref);
    }
  }

  /** An entry expires when its time has passed, not yet in the millisecond itself. */
  isExpired(ref: Ref): boolean {
    return this.hasExpiry(ref) && expiryOf(this.arena, ref) < this.context.clock.nowMs;
  }

  /** Exchanges the content of two databases; sessions keep their numbers. */
  swapContent(other: Database): void {
    this.context.mutations++;
    [this.arena, other.arena] = [other.arena, this.arena];
    [this.table, other.table] = [other.table, this.table];
    [this.expiring, other.expiring] = [other.expiring, this.expiring];
    [this.expiringHashes, other.expiringHashes] = [other.expiringHashes, this.expiringHashes];
    [this.expiryCursor, other.expiryCursor] = [other.expiryCursor, this.expiryCursor];
    [this.averageTtlMs, other.averageTtlMs] = [other.averageTtlMs, this.averageTtlMs];
  }

  private hideExpired(ref: Ref): Ref {
    if (expiryOf(this.arena, ref) >= this.context.clock.nowMs) return ref;
    const { context } = this;
    if (context.keepsExpired && !context.removesFound) return context.showsExpired ? ref : NULL_REF;
    const hash = this.hash;
    this.expire(ref);
    this.hash = hash;
    return NULL_REF;
  }

  /** Removes an entry that no command deletes, and tells the hook. */
  private takeOut(ref: Ref, hash: number, tell: KeyListener): void {
    this.beforeChange(ref);
    if (this.hasExpiry(ref)) this.expiring--;
    this.forgetFieldExpiry(ref, hash);
    this.table.remove(hash, ref);
    // Its key is read where it lies, so its memory goes last.
    const { key } = this;
    key.read(this.arena, ref);
    tell(this, key.bytes, key.start, key.length);
    freeEntry(this.arena, ref, false);
  }
}
