/**
 * One numbered database: the only gate through which keys and values change.
 *
 * Every method that changes something counts it in the context's `mutations`; the engine holds
 * that against what the command reported (a change that nobody reported would be lost to the
 * AOF, to replicas and to watchers). An expired key is never handed out: `peek`, `read` and `write`
 * remove it first, or hide it where removing it is not ours to do.
 *
 * A lookup leaves the key's hash in `hash`, which `storeString`, `storeInteger` and `adopt`
 * rely on: they must follow a lookup of the same key. A `Ref` is valid until the next change.
 */
import { copyBytes } from "../base/bytes.ts";
import { hashBytes } from "../base/hash.ts";
import { parseInt64, parseSafeInteger } from "../base/numbers.ts";
import { Arena, NULL_REF, SLAB_SHIFT } from "../memory/arena.ts";
import type { Ref } from "../memory/arena.ts";
import { ByteTable } from "../memory/byte-table.ts";
import {
  clockOf,
  ENCODING_EMBSTR,
  ENCODING_INT,
  ENCODING_RAW,
  encodingIn,
  expiryOf,
  EXTERNAL_KEY,
  EXTERNAL_VALUE,
  externalKeyOf,
  flagsIn,
  HAS_EXPIRY,
  headerOf,
  keyLengthIn,
  keyOffset,
  makeHeader,
  setClock,
  setExpiryOf,
  setHeader,
  setIntegerOf,
  setValueWord,
  startOf,
  TYPE_STRING,
  typeIn,
  valueWordOf,
  wholeExpiryOf,
  WIDE_VALUE,
} from "../memory/entry.ts";
import { EMBSTR_LIMIT, MAX_INTEGER_DIGITS, StringView } from "../values/string.ts";
import {
  cloneEntry,
  fitsInline,
  freeEntry,
  keyBytesInEntry,
  KeyView,
  makeEntry,
} from "./entries.ts";
import type { KeyspaceContext, RemovalReason } from "./context.ts";

/** What a setter does with the expiry: none, the one that stands, or a time. */
export const NO_EXPIRY = -1;
export const KEEP_EXPIRY = -2;
/** A slot of the table, at its usual two thirds of fullness. */
const SLOT_BYTES = 12;
/** What a string that grows gets beyond its length at the most, to grow further in place. */
const MAX_SPARE_BYTES = 1 << 20;
/** Expired keys that RANDOMKEY passes over where they must stay. */
const RANDOM_KEY_TRIES = 100;
export type Expiry = number | bigint;

export class Database {
  arena = new Arena();
  table = new ByteTable(this.arena);
  /** Entries that have an expiry. */
  expiring = 0;
  /** Where the active expiry cycle goes on. */
  expiryCursor = 0;
  /** Of the keys that the cycle sampled, the mean time left; for INFO. */
  averageTtlMs = 0;
  /** The hash of the key that was looked up last. */
  hash = 0;
  readonly string = new StringView();
  private readonly key = new KeyView();

  index: number;
  private readonly context: KeyspaceContext;

  constructor(index: number, context: KeyspaceContext) {
    this.index = index;
    this.context = context;
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
    const context = this.context;
    const isKnown =
      context.hashedStart === start &&
      context.hashedBytes === bytes &&
      context.hashedLength === length;
    const hash = isKnown ? context.hashedAs : hashBytes(bytes, start, length);
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
      this.context.onMiss(this, bytes, start, length);
      return NULL_REF;
    }
    this.context.hits++;
    this.touch(ref);
    return ref;
  }

  /** As `peek`, for a command that may write: marks the access. */
  write(bytes: Uint8Array, start: number, length: number): Ref {
    const ref = this.peek(bytes, start, length);
    if (ref !== NULL_REF) this.touch(ref);
    return ref;
  }

  touch(ref: Ref): void {
    if (this.context.leavesNoTrace) return;
    const access = this.context.access;
    setClock(this.arena, ref, access.touched(clockOf(this.arena, ref)));
  }

  /** Points `this.string` at a string value and returns it. */
  stringOf(ref: Ref): StringView {
    this.string.read(this.arena, ref);
    return this.string;
  }

  /** Points `view` at an entry's key. */
  keyOf(ref: Ref, view: KeyView): KeyView {
    view.read(this.arena, ref);
    return view;
  }

  /** Bytes that the entry takes: its block, what it holds elsewhere, its slot in the table. */
  sizeOf(ref: Ref): number {
    const flags = flagsIn(headerOf(this.arena, ref));
    let bytes = this.arena.capacity(ref) + SLOT_BYTES;
    if ((flags & EXTERNAL_VALUE) !== 0) {
      bytes += this.arena.objects.sizeOf(valueWordOf(this.arena, ref, flags));
    }
    if ((flags & EXTERNAL_KEY) !== 0) bytes += externalKeyOf(this.arena, ref, flags).length;
    return bytes;
  }

  hasExpiry(ref: Ref): boolean {
    return (headerOf(this.arena, ref) & (HAS_EXPIRY << 8)) !== 0;
  }

  /**
   * Sets the key to a string, over `existing` where there is one (of any type). Integers in
   * canonical form become "int". A value too large for a block is kept as a view of `value`'s
   * own buffer when it fills most of it (request buffers are never written again), otherwise
   * copied; `value` must not lie in this arena. Returns the entry.
   */
  storeString(
    existing: Ref,
    keyBytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
    expiry: Expiry,
  ): Ref {
    if (valueLength <= MAX_INTEGER_DIGITS) {
      const integer = integerIn(value, valueStart, valueLength);
      if (integer !== null) {
        return this.storeInteger(existing, keyBytes, keyStart, keyLength, integer, expiry);
      }
    }
    const encoding = valueLength <= EMBSTR_LIMIT ? ENCODING_EMBSTR : ENCODING_RAW;
    return this.storeBytes(
      existing,
      keyBytes,
      keyStart,
      keyLength,
      value,
      valueStart,
      valueLength,
      encoding,
      expiry,
    );
  }

  /** As `storeString`, for a value that stays bytes even where it reads as an integer. */
  storeBytes(
    existing: Ref,
    keyBytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    value: Uint8Array,
    valueStart: number,
    valueLength: number,
    encoding: number,
    expiry: Expiry,
  ): Ref {
    const large = !fitsInline(keyLength, valueLength);
    const ref = this.shape(
      existing,
      keyBytes,
      keyStart,
      keyLength,
      encoding,
      large ? EXTERNAL_VALUE : 0,
      large ? 0 : valueLength,
      expiry,
    );
    const flags = flagsIn(headerOf(this.arena, ref));
    if (large) {
      const handle = this.arena.objects.hold(owned(value, valueStart, valueLength));
      setValueWord(this.arena, ref, flags, handle);
    } else {
      setValueWord(this.arena, ref, flags, valueLength);
      const at = startOf(ref) + keyOffset(flags) + keyBytesInEntry(keyLength);
      copyBytes(this.arena.bytes[ref >>> SLAB_SHIFT], at, value, valueStart, valueLength);
    }
    return ref;
  }

  /** Sets the key to an integer within int64, over `existing` where there is one. */
  storeInteger(
    existing: Ref,
    keyBytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    value: number | bigint,
    expiry: Expiry,
  ): Ref {
    const ref = this.shape(
      existing,
      keyBytes,
      keyStart,
      keyLength,
      ENCODING_INT,
      WIDE_VALUE,
      0,
      expiry,
    );
    setIntegerOf(this.arena, ref, flagsIn(headerOf(this.arena, ref)), value);
    return ref;
  }

  /** Changes the integer of an "int" string in its place. */
  setInteger(ref: Ref, value: number | bigint): void {
    setIntegerOf(this.arena, ref, flagsIn(headerOf(this.arena, ref)), value);
    this.context.mutations++;
  }

  /**
   * Makes the string `length` bytes long and "raw", keeping what it held and filling with
   * zeros, and points `this.string` at it, for the caller to write into. A string that grows
   * gets room to grow further, doubled up to a megabyte. Returns the entry.
   */
  resizeString(ref: Ref, length: number): Ref {
    this.context.mutations++;
    const flags = flagsIn(headerOf(this.arena, ref));
    const before = this.stringOf(ref).length;
    this.keyOf(ref, this.key);
    let result = ref;
    if ((flags & EXTERNAL_VALUE) !== 0) {
      this.resizeLarge(ref, flags, length);
    } else if ((flags & WIDE_VALUE) !== 0 || this.roomOf(ref, flags) < length) {
      const spare = length > before ? Math.min(length, MAX_SPARE_BYTES) : 0;
      result = this.rebuildString(ref, flags, before, length, spare);
    } else {
      setValueWord(this.arena, ref, flags, length);
    }
    this.setEncoding(result, ENCODING_RAW);
    const view = this.stringOf(result);
    if (length > before) view.bytes.fill(0, view.start + before, view.start + length);
    return result;
  }

  /** Sets, moves or (NO_EXPIRY) removes the expiry. Returns the entry. */
  setExpiry(ref: Ref, expiry: Expiry): Ref {
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
    const hash = this.hashOf(ref);
    this.context.mutations++;
    if (this.hasExpiry(ref)) this.expiring--;
    this.table.remove(hash, ref);
    freeEntry(this.arena, ref, false);
  }

  /** Removes an expired or evicted entry and tells the hooks why. */
  drop(ref: Ref, reason: RemovalReason): void {
    const key = new KeyView();
    key.read(this.arena, ref);
    const bytes = key.bytes.slice(key.start, key.start + key.length);
    const mutations = this.context.mutations;
    this.remove(ref);
    this.context.mutations = mutations;
    if (reason === "expired") this.context.expiredKeys++;
    this.context.onDrop(this, bytes, reason);
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
    let handle = 0;
    if ((flags & EXTERNAL_VALUE) !== 0) {
      const held = source.arena.objects.bytes(valueWordOf(source.arena, from, flags));
      handle = this.arena.objects.hold(takesValue ? held : held.slice());
    }
    const ref = cloneEntry(source.arena, from, this.arena, flags, key, handle, 0);
    this.table.insert(hash, ref, (flags & HAS_EXPIRY) !== 0);
    if ((flags & HAS_EXPIRY) !== 0) this.expiring++;
    this.context.mutations++;
    return ref;
  }

  /** Forgets everything at once; the memory goes with the old arena. */
  clear(): void {
    if (this.table.size > 0) this.context.mutations++;
    this.arena = new Arena();
    this.table = new ByteTable(this.arena);
    this.expiring = 0;
    this.expiryCursor = 0;
    this.averageTtlMs = 0;
  }

  /** A live key chosen about evenly, or NULL_REF where there is none. */
  randomKey(): Ref {
    // Where expired keys must stay there may be no other: then one of them will do (db.c).
    let tries = RANDOM_KEY_TRIES;
    for (;;) {
      const ref = this.table.sample(this.context.randomWord);
      if (ref === NULL_REF || !this.isExpired(ref)) return ref;
      if (this.context.keepsExpired && --tries === 0) return ref;
      this.expire(ref);
    }
  }

  /** An entry expires when its time has passed, not yet in the millisecond itself. */
  isExpired(ref: Ref): boolean {
    return this.hasExpiry(ref) && expiryOf(this.arena, ref) < this.context.clock.nowMs;
  }

  /** Removes an entry whose time has come, unless that is not ours to do. */
  expire(ref: Ref): void {
    if (!this.context.keepsExpired) this.drop(ref, "expired");
  }

  /** Exchanges the content of two databases; sessions keep their numbers. */
  swapContent(other: Database): void {
    this.context.mutations++;
    [this.arena, other.arena] = [other.arena, this.arena];
    [this.table, other.table] = [other.table, this.table];
    [this.expiring, other.expiring] = [other.expiring, this.expiring];
    [this.expiryCursor, other.expiryCursor] = [other.expiryCursor, this.expiryCursor];
    [this.averageTtlMs, other.averageTtlMs] = [other.averageTtlMs, this.averageTtlMs];
  }

  /** The hash of the entry's key, which the table mostly still has from its last lookup. */
  private hashOf(ref: Ref): number {
    if (this.table.isHit(ref)) return this.table.hitHash;
    const key = this.keyOf(ref, this.key);
    return hashBytes(key.bytes, key.start, key.length);
  }

  private hideExpired(ref: Ref): Ref {
    if (expiryOf(this.arena, ref) >= this.context.clock.nowMs) return ref;
    if (this.context.keepsExpired) return this.context.showsExpired ? ref : NULL_REF;
    const hash = this.hash;
    this.drop(ref, "expired");
    this.hash = hash;
    return NULL_REF;
  }

  /**
   * An entry of the wanted shape under this key: `existing` itself where its block fits, else
   * a new one in its place. Header, key, clock and expiry are set, the value is not.
   */
  private shape(
    existing: Ref,
    keyBytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    encoding: number,
    valueFlags: number,
    inlineBytes: number,
    expiry: Expiry,
  ): Ref {
    this.context.mutations++;
    const arena = this.arena;
    const oldHeader = existing === NULL_REF ? 0 : headerOf(arena, existing);
    const oldFlags = flagsIn(oldHeader);
    const keeps = expiry === KEEP_EXPIRY && (oldFlags & HAS_EXPIRY) !== 0;
    const expires = keeps || (expiry !== KEEP_EXPIRY && expiry !== NO_EXPIRY);
    const flags = expires ? valueFlags | HAS_EXPIRY : valueFlags;
    if (existing !== NULL_REF && oldFlags === flags && (flags & EXTERNAL_VALUE) === 0) {
      const needed = keyOffset(flags) + keyLength + inlineBytes;
      const capacity = arena.capacity(existing);
      if (needed <= capacity && (capacity <= 64 || needed * 2 > capacity)) {
        setHeader(arena, existing, makeHeader(TYPE_STRING, encoding, flags, keyLength));
        if (expires && !keeps) setExpiryOf(arena, existing, expiry);
        return existing;
      }
    }
    const kept = keeps ? wholeExpiryOf(arena, existing) : expiry;
    const hadExpiry = (oldFlags & HAS_EXPIRY) !== 0;
    const ref = makeEntry(
      arena,
      TYPE_STRING,
      encoding,
      flags,
      keyBytes,
      keyStart,
      keyLength,
      inlineBytes,
    );
    setClock(arena, ref, this.context.access.fresh());
    if (expires) setExpiryOf(arena, ref, kept);
    if (existing === NULL_REF) {
      this.table.insert(this.hash, ref, expires);
    } else {
      setClock(arena, ref, clockOf(arena, existing));
      this.table.relocate(this.hash, existing, ref, expires);
      freeEntry(arena, existing, false);
      if (hadExpiry) this.expiring--;
    }
    if (expires) this.expiring++;
    return ref;
  }

  private setEncoding(ref: Ref, encoding: number): void {
    const header = headerOf(this.arena, ref);
    if (encodingIn(header) === encoding) return;
    setHeader(
      this.arena,
      ref,
      makeHeader(typeIn(header), encoding, flagsIn(header), keyLengthIn(header)),
    );
  }

  /** Bytes that an inline value may take in its block. */
  private roomOf(ref: Ref, flags: number): number {
    const header = headerOf(this.arena, ref);
    return this.arena.capacity(ref) - keyOffset(flags) - keyLengthIn(header);
  }

  private resizeLarge(ref: Ref, flags: number, length: number): void {
    const objects = this.arena.objects;
    const handle = valueWordOf(this.arena, ref, flags);
    const held = objects.bytes(handle);
    // A view into a request's buffer (never at its start) must not be written into.
    const isOwn = held.byteOffset === 0;
    if (isOwn && length <= held.buffer.byteLength) {
      if (length !== held.length) objects.replace(handle, new Uint8Array(held.buffer, 0, length));
      return;
    }
    const spare = length > held.length ? Math.min(length, MAX_SPARE_BYTES) : 0;
    const copy = new Uint8Array(length + spare);
    copy.set(held.length > length ? held.subarray(0, length) : held);
    objects.replace(handle, copy.subarray(0, length));
  }

  /** Moves an inline string or an integer to a block, or the object table, with more room. */
  private rebuildString(
    ref: Ref,
    flags: number,
    before: number,
    length: number,
    spare: number,
  ): Ref {
    const arena = this.arena;
    const key = this.key;
    const hash = hashBytes(key.bytes, key.start, key.length);
    const view = this.string;
    const kept = Math.min(before, length);
    const base = flags & HAS_EXPIRY;
    const inline = fitsInline(key.length, length);
    const room = inline && fitsInline(key.length, length + spare) ? length + spare : length;
    const large = inline ? null : new Uint8Array(length + spare);
    const to = makeEntry(
      arena,
      TYPE_STRING,
      ENCODING_RAW,
      inline ? base : base | EXTERNAL_VALUE,
      key.bytes,
      key.start,
      key.length,
      inline ? room : 0,
    );
    const newFlags = flagsIn(headerOf(arena, to));
    setClock(arena, to, clockOf(arena, ref));
    if (base !== 0) setExpiryOf(arena, to, wholeExpiryOf(arena, ref));
    if (large !== null) {
      copyBytes(large, 0, view.bytes, view.start, kept);
      setValueWord(arena, to, newFlags, arena.objects.hold(large.subarray(0, length)));
    } else {
      setValueWord(arena, to, newFlags, length);
      const at = startOf(to) + keyOffset(newFlags) + keyBytesInEntry(key.length);
      copyBytes(arena.bytes[to >>> SLAB_SHIFT], at, view.bytes, view.start, kept);
    }
    this.table.relocate(hash, ref, to, base !== 0);
    freeEntry(arena, ref, true);
    return to;
  }
}

/** The range as an integer within int64 where it is one in canonical form, else null. */
function integerIn(bytes: Uint8Array, start: number, length: number): number | bigint | null {
  const integer = parseSafeInteger(bytes, start, length);
  if (integer === integer) return integer;
  return length > 15 ? parseInt64(bytes, start, length) : null;
}

/** The range as an array of its own, or as a view where it is most of its buffer anyway. */
function owned(bytes: Uint8Array, start: number, length: number): Uint8Array {
  if (length * 8 >= bytes.buffer.byteLength * 7) return bytes.subarray(start, start + length);
  return bytes.slice(start, start + length);
}
