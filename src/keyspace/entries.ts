/**
 * Entries made, moved and freed: what happens to the bytes, without a word about tables,
 * expiry or clients. The layout is memory/entry.ts.
 */
import { copyBytes } from "../base/bytes.ts";
import { MAX_BLOCK_BYTES, SLAB_SHIFT } from "../memory/arena.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import {
  EXTERNAL_KEY,
  EXTERNAL_VALUE,
  externalKeyHandleOf,
  externalKeyOf,
  flagsIn,
  HAS_EXPIRY,
  headerOf,
  integerOf,
  keyLengthIn,
  keyOffset,
  makeHeader,
  MAX_INLINE_KEY_BYTES,
  setExpiryOf,
  setHeader,
  setIntegerOf,
  setValueWord,
  startOf,
  typeIn,
  encodingIn,
  valueWordOf,
  wholeExpiryOf,
  WIDE_VALUE,
} from "../memory/entry.ts";

/** A key's bytes; one object serves many reads. */
export class KeyView {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  length = 0;

  /** Points at the entry's key. Valid until the entry moves or the view is used again. */
  read(arena: Arena, ref: Ref): void {
    const header = headerOf(arena, ref);
    const flags = flagsIn(header);
    if ((flags & EXTERNAL_KEY) !== 0) {
      this.bytes = externalKeyOf(arena, ref, flags);
      this.start = 0;
      this.length = this.bytes.length;
    } else {
      this.bytes = arena.bytes[ref >>> SLAB_SHIFT];
      this.start = startOf(ref) + keyOffset(flags);
      this.length = keyLengthIn(header);
    }
  }
}

/** What a key takes inside an entry. */
export function keyBytesInEntry(keyLength: number): number {
  return keyLength > MAX_INLINE_KEY_BYTES ? 4 : keyLength;
}

/** Whether `valueBytes` bytes fit behind such a key in one block. */
export function fitsInline(keyLength: number, valueBytes: number): boolean {
  return keyOffset(HAS_EXPIRY) + keyBytesInEntry(keyLength) + valueBytes <= MAX_BLOCK_BYTES;
}

/** Makes an entry with header and key; its expiry, value and clock are for the caller to set. */
export function makeEntry(
  arena: Arena,
  type: number,
  encoding: number,
  valueFlags: number,
  keyBytes: Uint8Array,
  keyStart: number,
  keyLength: number,
  inlineBytes: number,
): Ref {
  const external = keyLength > MAX_INLINE_KEY_BYTES;
  const flags = external ? valueFlags | EXTERNAL_KEY : valueFlags;
  const keyField = external ? 4 : keyLength;
  const ref = arena.allocate(keyOffset(flags) + keyField + inlineBytes);
  setHeader(arena, ref, makeHeader(type, encoding, flags, keyField));
  arena.words[ref >>> SLAB_SHIFT][(startOf(ref) >>> 2) + 1] = 0;
  if (external) {
    const handle = arena.objects.hold(keyBytes.slice(keyStart, keyStart + keyLength));
    arena.words[ref >>> SLAB_SHIFT][(startOf(ref) + keyOffset(flags)) >>> 2] = handle;
  } else {
    const target = arena.bytes[ref >>> SLAB_SHIFT];
    copyBytes(target, startOf(ref) + keyOffset(flags), keyBytes, keyStart, keyLength);
  }
  return ref;
}

/** Bytes that the value takes behind the key. */
export function inlineLength(arena: Arena, ref: Ref): number {
  const flags = flagsIn(headerOf(arena, ref));
  return (flags & (WIDE_VALUE | EXTERNAL_VALUE)) === 0 ? valueWordOf(arena, ref, flags) : 0;
}

/** Frees an entry with its external key and, unless it was handed on, its external value. */
export function freeEntry(arena: Arena, ref: Ref, keepsValue: boolean): void {
  const flags = flagsIn(headerOf(arena, ref));
  if ((flags & EXTERNAL_KEY) !== 0) {
    arena.objects.release(externalKeyHandleOf(arena, ref, flags));
  }
  if ((flags & EXTERNAL_VALUE) !== 0 && !keepsValue) {
    arena.objects.release(valueWordOf(arena, ref, flags));
  }
  arena.free(ref);
}

/**
 * A new entry under another key (or with another set of flags, or more room) that holds the
 * value of `from`: integers and inline bytes are copied, `handle` stands in for an external
 * value. Type, encoding and access clock are kept; the expiry where `flags` has HAS_EXPIRY and
 * `from` has one.
 */
export function cloneEntry(
  source: Arena,
  from: Ref,
  target: Arena,
  flags: number,
  key: KeyView,
  handle: number,
  roomBytes: number,
): Ref {
  const header = headerOf(source, from);
  const length = inlineLength(source, from);
  const to = makeEntry(
    target,
    typeIn(header),
    encodingIn(header),
    flags & ~EXTERNAL_KEY,
    key.bytes,
    key.start,
    key.length,
    (flags & EXTERNAL_VALUE) === 0 ? Math.max(length, roomBytes) : 0,
  );
  const itsFlags = flagsIn(headerOf(target, to));
  const sourceFlags = flagsIn(header);
  if ((itsFlags & WIDE_VALUE) !== 0) {
    setIntegerOf(target, to, itsFlags, integerOf(source, from, sourceFlags));
  } else if ((itsFlags & EXTERNAL_VALUE) !== 0) {
    setValueWord(target, to, itsFlags, handle);
  } else {
    setValueWord(target, to, itsFlags, length);
    const sourceAt = startOf(from) + keyOffset(sourceFlags) + keyLengthIn(header);
    const targetAt = startOf(to) + keyOffset(itsFlags) + keyBytesInEntry(key.length);
    const sourceBytes = source.bytes[from >>> SLAB_SHIFT];
    copyBytes(target.bytes[to >>> SLAB_SHIFT], targetAt, sourceBytes, sourceAt, length);
  }
  if ((itsFlags & sourceFlags & HAS_EXPIRY) !== 0) {
    setExpiryOf(target, to, wholeExpiryOf(source, from));
  }
  const clockWord = source.words[from >>> SLAB_SHIFT][(startOf(from) >>> 2) + 1];
  target.words[to >>> SLAB_SHIFT][(startOf(to) >>> 2) + 1] = clockWord;
  return to;
}
