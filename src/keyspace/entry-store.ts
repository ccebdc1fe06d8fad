/**
 * The entries of a database and their values: made, overwritten, resized and moved. The part of
 * `Database` that knows what becomes of the bytes; lookups, expiry and removal are there.
 *
 * Every method that changes something counts it in the context's `mutations`, and lets a running
 * snapshot have the entry as it was first (`beforeChange`).
 */
import { assert } from "../base/assert.ts";
import { copyBytes, copyFromView } from "../base/bytes.ts";
import { hashBytes } from "../base/hash.ts";
import { parseInt64, parseSafeInteger } from "../base/numbers.ts";
import { Arena, NULL_REF, SLAB_SHIFT } from "../memory/arena.ts";
import type { Ref } from "../memory/arena.ts";
import { ALL_SAVED, ByteTable } from "../memory/byte-table.ts";
import {
  clockOf,
  ENCODING_EMBSTR,
  ENCODING_INT,
  ENCODING_RAW,
  encodingIn,
  EXTERNAL_VALUE,
  flagsIn,
  HAS_EXPIRY,
  headerOf,
  keyLengthIn,
  keyOffset,
  makeHeader,
  MAX_INLINE_KEY_BYTES,
  markOf,
  setClock,
  setExpiryOf,
  setHeader,
  setIntegerOf,
  setMark,
  setValueWord,
  startOf,
  TYPE_HASH,
  TYPE_STRING,
  typeIn,
  valueWordOf,
  wholeExpiryOf,
  WIDE_VALUE,
} from "../memory/entry.ts";
import type { Collection } from "../memory/object-table.ts";
import { EMBSTR_LIMIT, MAX_INTEGER_DIGITS, StringView } from "../values/string.ts";
import type { KeyspaceContext } from "./context.ts";
import {
  cloneEntry,
  fitsInline,
  freeEntry,
  keyBytesInEntry,
  KeyView,
  makeEntry,
} from "./entries.ts";
import { ExpiringHashes } from "./expiring-hashes.ts";

/** What a setter does with the expiry: none, the one that stands, or a time. */
export const NO_EXPIRY = -1;
export const KEEP_EXPIRY = -2;
export type Expiry = number | bigint;

/** What a string that grows gets beyond its length at the most, to grow further in place. */
const MAX_SPARE_BYTES = 1 << 20;

export abstract class EntryStore {
  arena: Arena;
  table: ByteTable;
  /** Entries that have an expiry. */
  expiring = 0;
  /** Which hashes have fields that expire, and when; made by the first of them. */
  expiringHashes: ExpiringHashes | null = null;
  /** The hash of the key that was looked up last. */
  hash = 0;
  readonly string = new StringView();
  protected readonly key = new KeyView();
  protected readonly context: KeyspaceContext;

  constructor(context: KeyspaceContext) {
    this.context = context;
    this.arena = new Arena(context.reclaimer, context.memory);
    this.table = new ByteTable(this.arena, this.arena.tables);
  }

  /** A key was made where there was none, and nothing that it replaced. */
  abstract keyMade(keyBytes: Uint8Array, keyStart: number, keyLength: number): void;

  /**
   * To be called before an entry, or what is in its value, changes. The methods here do so; who
   * changes a value in its place has it from the lookup (`Database.write`).
   */
  beforeChange(ref: Ref): void {
    if (this.table.savedUpTo !== ALL_SAVED) this.saveFirst(ref);
  }

  /** Catches whoever changed a value without `beforeChange`: it must not be news to a snapshot. */
  assertSaved(ref: Ref): void {
    if (this.table.savedUpTo === ALL_SAVED || this.context.snapshot === null) return;
    const isSaved =
      this.hashOf(ref) >>> 0 < this.table.savedUpTo ||
      markOf(this.arena, ref) === this.context.snapshot.mark;
    assert(isSaved, "a snapshot has every entry before it changes");
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

  /**
   * As `storeString` for a key that does not exist and a value that is no integer: for many of
   * them, when a file is loaded, so `keyMade` is not called. False, with nothing done, where the
   * entry is too large for a block.
   */
  loadString(
    key: DataView,
    keyStart: number,
    keyLength: number,
    value: DataView,
    valueStart: number,
    valueLength: number,
    expiry: Expiry,
  ): boolean {
    if (keyLength > MAX_INLINE_KEY_BYTES || !fitsInline(keyLength, valueLength)) return false;
    const { arena, context, table } = this;
    const expires = expiry !== NO_EXPIRY;
    const flags = expires ? HAS_EXPIRY : 0;
    const offset = keyOffset(flags);
    const ref = arena.allocate(offset + keyLength + valueLength);
    const words = arena.words[ref >>> SLAB_SHIFT];
    const bytes = arena.bytes[ref >>> SLAB_SHIFT];
    const start = startOf(ref);
    const encoding = valueLength <= EMBSTR_LIMIT ? ENCODING_EMBSTR : ENCODING_RAW;
    words[start >>> 2] = makeHeader(TYPE_STRING, encoding, flags, keyLength);
    words[(start >>> 2) + 1] = context.access.fresh();
    words[((start + offset) >>> 2) - 1] = valueLength;
    copyFromView(words, bytes, start + offset, key, keyStart, keyLength);
    copyFromView(words, bytes, start + offset + keyLength, value, valueStart, valueLength);
    if (expires) {
      setExpiryOf(arena, ref, expiry);
      this.expiring++;
    }
    context.mutations++;
    if (table.savedUpTo !== ALL_SAVED) this.markNew(ref, this.hash);
    table.insert(this.hash, ref, expires);
    return true;
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
      const handle = holdRange(this.arena, value, valueStart, valueLength);
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
    this.beforeChange(ref);
    setIntegerOf(this.arena, ref, flagsIn(headerOf(this.arena, ref)), value);
    this.context.mutations++;
  }

  /**
   * Makes the string `length` bytes long and "raw", keeping what it held and filling with
   * zeros, and points `this.string` at it, for the caller to write into. A string that grows
   * gets room to grow further, doubled up to a megabyte. Returns the entry.
   */
  resizeString(ref: Ref, length: number): Ref {
    const before = this.stringOf(ref).length;
    const spare = length > before ? Math.min(length, MAX_SPARE_BYTES) : 0;
    const wasInteger = (flagsIn(headerOf(this.arena, ref)) & WIDE_VALUE) !== 0;
    const hash = this.hashOf(ref);
    const text = wasInteger ? this.integerToBytes(ref, hash) : ref;
    const result = this.resizeValue(text, hash, length, spare);
    this.setEncoding(result, ENCODING_RAW);
    const view = this.stringOf(result);
    if (length > before) view.bytes.fill(0, view.start + before, view.start + length);
    return result;
  }

  /** Makes a value of `length` undefined bytes under a key that does not exist. */
  createValue(
    type: number,
    encoding: number,
    keyBytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    hash: number,
    length: number,
  ): Ref {
    const isInline = fitsInline(keyLength, length);
    const handle = isInline ? length : this.arena.objects.hold(new Uint8Array(length));
    const flags = isInline ? 0 : EXTERNAL_VALUE;
    const room = isInline ? length : 0;
    return this.addEntry(type, encoding, flags, keyBytes, keyStart, keyLength, hash, room, handle);
  }

  /** Makes a value that is a collection under a key that does not exist. */
  createCollection(
    type: number,
    encoding: number,
    keyBytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    hash: number,
    collection: Collection,
  ): Ref {
    const handle = this.arena.objects.hold(collection);
    const flags = EXTERNAL_VALUE;
    return this.addEntry(type, encoding, flags, keyBytes, keyStart, keyLength, hash, 0, handle);
  }

  /**
   * Makes the value's bytes (of an inline or external value, not of an integer) `length` long and
   * keeps what they held; what is new is undefined. `hash` is that of the key. Returns the entry.
   */
  resizeValue(ref: Ref, hash: number, length: number, spareBytes: number): Ref {
    this.beforeChange(ref);
    this.context.mutations++;
    const arena = this.arena;
    const header = headerOf(arena, ref);
    const flags = flagsIn(header);
    if ((flags & EXTERNAL_VALUE) !== 0) {
      this.resizeLarge(ref, flags, length, spareBytes);
      return ref;
    }
    const used = keyOffset(flags) + keyLengthIn(header) + length;
    const capacity = arena.capacity(ref);
    if (used <= capacity && (capacity <= 64 || used * 2 > capacity)) {
      setValueWord(arena, ref, flags, length);
      return ref;
    }
    const key = this.keyOf(ref, this.key);
    const hasExpiry = (flags & HAS_EXPIRY) !== 0;
    if (!fitsInline(key.length, length)) {
      const large = new Uint8Array(length + spareBytes);
      const before = valueWordOf(arena, ref, flags);
      const at = startOf(ref) + keyOffset(flags) + keyLengthIn(header);
      copyBytes(large, 0, arena.bytes[ref >>> SLAB_SHIFT], at, before);
      return spareBytes === 0
        ? this.moveOut(ref, hash, large)
        : this.moveOut(ref, hash, large.subarray(0, length), large.length);
    }
    const room = fitsInline(key.length, length + spareBytes) ? length + spareBytes : length;
    if (valueWordOf(arena, ref, flags) > length) setValueWord(arena, ref, flags, length);
    const to = cloneEntry(arena, ref, arena, flags, key, 0, room);
    setValueWord(arena, to, flagsIn(headerOf(arena, to)), length);
    this.table.relocate(hash, ref, to, hasExpiry);
    freeEntry(arena, ref, true);
    return to;
  }

  /**
   * Puts a collection in the place of the value: the same content in another form, so it does
   * not count as a change. Returns the entry.
   */
  replaceByCollection(ref: Ref, hash: number, encoding: number, collection: Collection): Ref {
    const flags = flagsIn(headerOf(this.arena, ref));
    let result = ref;
    if ((flags & EXTERNAL_VALUE) !== 0) {
      this.arena.objects.replace(valueWordOf(this.arena, ref, flags), collection);
    } else {
      result = this.moveOut(ref, hash, collection);
    }
    this.setEncoding(result, encoding);
    return result;
  }

  /**
   * Throws a collection away and puts `length` undefined bytes in its place, for the same
   * content in another form: not counted as a change either.
   */
  replaceByBytes(ref: Ref, hash: number, encoding: number, length: number): Ref {
    const arena = this.arena;
    const flags = flagsIn(headerOf(arena, ref));
    const key = this.keyOf(ref, this.key);
    let result = ref;
    if (fitsInline(key.length, length)) {
      result = cloneEntry(arena, ref, arena, flags & ~EXTERNAL_VALUE, key, 0, length);
      setValueWord(arena, result, flagsIn(headerOf(arena, result)), length);
      this.table.relocate(hash, ref, result, (flags & HAS_EXPIRY) !== 0);
      freeEntry(arena, ref, false);
    } else {
      const handle = valueWordOf(arena, ref, flags);
      setValueWord(arena, ref, flags, arena.objects.hold(new Uint8Array(length)));
      arena.objects.release(handle);
    }
    this.setEncoding(result, encoding);
    return result;
  }

  /** Notes the earliest expiry among the fields of a hash, Infinity where none expires. */
  noteFieldExpiry(
    keyBytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    hash: number,
    firstMs: number,
  ): void {
    if (firstMs === Infinity) {
      this.expiringHashes?.remove(keyBytes, keyStart, keyLength, hash);
      return;
    }
    this.expiringHashes ??= new ExpiringHashes(this.arena);
    this.expiringHashes.put(keyBytes, keyStart, keyLength, hash, firstMs);
  }

  /** To be called before an entry goes. */
  protected forgetFieldExpiry(ref: Ref, hash: number): void {
    const { expiringHashes } = this;
    if (expiringHashes === null || expiringHashes.size === 0) return;
    const header = headerOf(this.arena, ref);
    if (typeIn(header) !== TYPE_HASH || (flagsIn(header) & EXTERNAL_VALUE) === 0) return;
    const key = this.keyOf(ref, this.key);
    expiringHashes.remove(key.bytes, key.start, key.length, hash);
  }

  setEncoding(ref: Ref, encoding: number): void {
    const header = headerOf(this.arena, ref);
    if (encodingIn(header) === encoding) return;
    setHeader(
      this.arena,
      ref,
      makeHeader(typeIn(header), encoding, flagsIn(header), keyLengthIn(header)),
    );
  }

  /** The hash of the entry's key, which the table mostly still has from its last lookup. */
  protected hashOf(ref: Ref): number {
    if (this.table.isHit(ref)) return this.table.hitHash;
    const key = this.keyOf(ref, this.key);
    return hashBytes(key.bytes, key.start, key.length);
  }

  /** A snapshot that has not come to an entry made just now has no business with it. */
  protected markNew(ref: Ref, hash: number): void {
    const { snapshot } = this.context;
    const isAhead = hash >>> 0 >= this.table.savedUpTo && snapshot !== null;
    setMark(this.arena, ref, isAhead ? snapshot.mark : 0);
  }

  private saveFirst(ref: Ref): void {
    if (this.hashOf(ref) >>> 0 < this.table.savedUpTo) return;
    this.context.snapshot?.beforeChange(this.table, this.arena, ref);
  }

  /** The entry of an inline value becomes one of an object. */
  private moveOut(ref: Ref, hash: number, object: Uint8Array | Collection, backingBytes = -1): Ref {
    const arena = this.arena;
    const flags = flagsIn(headerOf(arena, ref));
    const handle = arena.objects.hold(object, backingBytes);
    const key = this.keyOf(ref, this.key);
    const to = cloneEntry(arena, ref, arena, flags | EXTERNAL_VALUE, key, handle, 0);
    this.table.relocate(hash, ref, to, (flags & HAS_EXPIRY) !== 0);
    freeEntry(arena, ref, true);
    return to;
  }

  /** Replaces the integer of a string by its digits. */
  private integerToBytes(ref: Ref, hash: number): Ref {
    const arena = this.arena;
    const view = this.stringOf(ref);
    const flags = flagsIn(headerOf(arena, ref)) & ~WIDE_VALUE;
    const key = this.keyOf(ref, this.key);
    const to = cloneEntry(arena, ref, arena, flags, key, 0, view.length);
    const itsFlags = flagsIn(headerOf(arena, to));
    setValueWord(arena, to, itsFlags, view.length);
    const at = startOf(to) + keyOffset(itsFlags) + keyBytesInEntry(key.length);
    copyBytes(arena.bytes[to >>> SLAB_SHIFT], at, view.bytes, view.start, view.length);
    this.table.relocate(hash, ref, to, (flags & HAS_EXPIRY) !== 0);
    freeEntry(arena, ref, true);
    return to;
  }

  private addEntry(
    type: number,
    encoding: number,
    valueFlags: number,
    keyBytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    hash: number,
    roomBytes: number,
    valueWord: number,
  ): Ref {
    this.context.mutations++;
    const arena = this.arena;
    const ref = makeEntry(
      arena,
      type,
      encoding,
      valueFlags,
      keyBytes,
      keyStart,
      keyLength,
      roomBytes,
    );
    setClock(arena, ref, this.context.access.fresh());
    setValueWord(arena, ref, flagsIn(headerOf(arena, ref)), valueWord);
    if (this.table.savedUpTo !== ALL_SAVED) this.markNew(ref, hash);
    this.table.insert(hash, ref, false);
    return ref;
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
    if (existing !== NULL_REF) this.beforeChange(existing);
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
    if (this.table.savedUpTo !== ALL_SAVED) this.markNew(ref, this.hash);
    if (existing === NULL_REF) {
      this.table.insert(this.hash, ref, expires);
      this.keyMade(keyBytes, keyStart, keyLength);
    } else {
      setClock(arena, ref, clockOf(arena, existing));
      this.forgetFieldExpiry(existing, this.hash);
      this.table.relocate(this.hash, existing, ref, expires);
      freeEntry(arena, existing, false);
      if (hadExpiry) this.expiring--;
    }
    if (expires) this.expiring++;
    return ref;
  }

  private resizeLarge(ref: Ref, flags: number, length: number, spareBytes: number): void {
    const objects = this.arena.objects;
    const handle = valueWordOf(this.arena, ref, flags);
    const held = objects.bytes(handle);
    const backing = objects.backingBytes(handle);
    const capacity = backing < 0 ? held.length : backing;
    // A view into a request's buffer (never at its start) must not be written into.
    const isOwn = held.byteOffset === 0 && !objects.isPinned(held);
    if (isOwn && length <= capacity) {
      if (length !== held.length) {
        objects.replace(handle, new Uint8Array(held.buffer, 0, length), capacity);
      }
      return;
    }
    const copy = new Uint8Array(length + spareBytes);
    copy.set(held.length > length ? held.subarray(0, length) : held);
    if (spareBytes === 0) objects.replace(handle, copy);
    else objects.replace(handle, copy.subarray(0, length), copy.length);
  }
}

/** The range as an integer within int64 where it is one in canonical form, else null. */
function integerIn(bytes: Uint8Array, start: number, length: number): number | bigint | null {
  const integer = parseSafeInteger(bytes, start, length);
  if (integer === integer) return integer;
  return length > 15 ? parseInt64(bytes, start, length) : null;
}

/** Holds the range as an array of its own, or as a view where it is most of its buffer anyway. */
function holdRange(arena: Arena, bytes: Uint8Array, start: number, length: number): number {
  const backingBytes = bytes.buffer.byteLength;
  return length * 8 >= backingBytes * 7
    ? arena.objects.hold(bytes.subarray(start, start + length), backingBytes)
    : arena.objects.hold(bytes.slice(start, start + length));
}
