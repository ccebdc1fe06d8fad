/**
 * An entry: one block of the arena that holds a key with everything kept for it.
 *
 *     word 0   type:4 | encoding:4 | flags:8 | key length:16
 *     word 1   access clock:24 (LRU seconds, or LFU minutes:16 and counter:8) | mark:8
 *     [2 words expiry, unix milliseconds, low word first]             HAS_EXPIRY
 *     value    1 word: length of the bytes behind the key, or a handle EXTERNAL_VALUE
 *              2 words: an integer, low word first                    WIDE_VALUE
 *     key      its bytes, or one word with a handle                   EXTERNAL_KEY
 *     bytes    the value, directly behind the key
 *
 * Types and encodings carry Redis's own numbers (object.h, rdb.h). The functions here read and
 * write fields; what allocates, moves or frees an entry is the keyspace.
 */
import { equalBytes } from "../base/bytes.ts";
import { SLAB_SHIFT, UNIT_MASK } from "./arena.ts";
import type { Arena, Ref } from "./arena.ts";

export const TYPE_STRING = 0;
export const TYPE_LIST = 1;
export const TYPE_SET = 2;
export const TYPE_ZSET = 3;
export const TYPE_HASH = 4;
export const TYPE_STREAM = 6;

export const ENCODING_RAW = 0;
export const ENCODING_INT = 1;
export const ENCODING_HASHTABLE = 2;
export const ENCODING_INTSET = 6;
export const ENCODING_SKIPLIST = 7;
export const ENCODING_EMBSTR = 8;
export const ENCODING_QUICKLIST = 9;
export const ENCODING_STREAM = 10;
export const ENCODING_LISTPACK = 11;

const TYPE_NAMES = ["string", "list", "set", "zset", "hash", "module", "stream"] as const;

/** The name that TYPE shows. */
export function typeName(type: number): string {
  return TYPE_NAMES[type];
}

const ENCODING_NAMES = [
  "raw",
  "int",
  "hashtable",
  "zipmap",
  "linkedlist",
  "ziplist",
  "intset",
  "skiplist",
  "embstr",
  "quicklist",
  "stream",
  "listpack",
] as const;

/** The name that OBJECT ENCODING shows. */
export function encodingName(encoding: number): string {
  return ENCODING_NAMES[encoding];
}

export const HAS_EXPIRY = 1;
export const WIDE_VALUE = 2;
export const EXTERNAL_KEY = 4;
export const EXTERNAL_VALUE = 8;

/** Longer keys live in the object table. */
export const MAX_INLINE_KEY_BYTES = 4096;

/** Header and access clock. */
const FIXED_BYTES = 8;
const EXPIRY_WORD = 2;

export function headerOf(arena: Arena, ref: Ref): number {
  return arena.words[ref >>> SLAB_SHIFT][(ref & UNIT_MASK) << 2];
}

export function setHeader(arena: Arena, ref: Ref, header: number): void {
  arena.words[ref >>> SLAB_SHIFT][(ref & UNIT_MASK) << 2] = header;
}

export function makeHeader(
  type: number,
  encoding: number,
  flags: number,
  keyLength: number,
): number {
  return type | (encoding << 4) | (flags << 8) | (keyLength << 16);
}

export const typeIn = (header: number): number => header & 15;
export const encodingIn = (header: number): number => (header >>> 4) & 15;
export const flagsIn = (header: number): number => (header >>> 8) & 255;
/** Bytes that the key takes in the entry: its length, or those of its handle. */
export const keyLengthIn = (header: number): number => header >>> 16;

export function typeOf(arena: Arena, ref: Ref): number {
  return headerOf(arena, ref) & 15;
}

/** From the entry's start to the value's first word. */
export function valueOffset(flags: number): number {
  return FIXED_BYTES + ((flags & HAS_EXPIRY) << 3);
}

/** From the entry's start to the key. */
export function keyOffset(flags: number): number {
  return FIXED_BYTES + 4 + ((flags & HAS_EXPIRY) << 3) + ((flags & WIDE_VALUE) << 1);
}

/** Where the entry begins in its slab, in bytes. */
export function startOf(ref: Ref): number {
  return (ref & UNIT_MASK) << 4;
}

export function clockOf(arena: Arena, ref: Ref): number {
  return arena.words[ref >>> SLAB_SHIFT][((ref & UNIT_MASK) << 2) + 1] & 0xffffff;
}

export function setClock(arena: Arena, ref: Ref, clock: number): void {
  const words = arena.words[ref >>> SLAB_SHIFT];
  const at = ((ref & UNIT_MASK) << 2) + 1;
  words[at] = (words[at] & ~0xffffff) | clock;
}

/** Of a snapshot that has the entry already (keyspace/snapshot.ts). */
export function markOf(arena: Arena, ref: Ref): number {
  return arena.words[ref >>> SLAB_SHIFT][((ref & UNIT_MASK) << 2) + 1] >>> 24;
}

export function setMark(arena: Arena, ref: Ref, mark: number): void {
  const words = arena.words[ref >>> SLAB_SHIFT];
  const at = ((ref & UNIT_MASK) << 2) + 1;
  words[at] = (words[at] & 0xffffff) | (mark << 24);
}

/** Unix milliseconds, exact up to 2^53 and rounded beyond; only where HAS_EXPIRY is set. */
export function expiryOf(arena: Arena, ref: Ref): number {
  const words = arena.words[ref >>> SLAB_SHIFT];
  const at = ((ref & UNIT_MASK) << 2) + EXPIRY_WORD;
  return words[at + 1] * 4294967296 + (words[at] >>> 0);
}

/** The expiry as a number, or beyond 2^53 as a bigint. */
export function wholeExpiryOf(arena: Arena, ref: Ref): number | bigint {
  const rounded = expiryOf(arena, ref);
  return Number.isSafeInteger(rounded) ? rounded : exactExpiryOf(arena, ref);
}

/** The expiry as the exact 64-bit integer, for replies and files. */
export function exactExpiryOf(arena: Arena, ref: Ref): bigint {
  const words = arena.words[ref >>> SLAB_SHIFT];
  const at = ((ref & UNIT_MASK) << 2) + EXPIRY_WORD;
  return (BigInt(words[at + 1]) << 32n) | BigInt(words[at] >>> 0);
}

export function setExpiryOf(arena: Arena, ref: Ref, whenMs: number | bigint): void {
  writeInt64(arena.words[ref >>> SLAB_SHIFT], ((ref & UNIT_MASK) << 2) + EXPIRY_WORD, whenMs);
}

/** The value word: a length or a handle. */
export function valueWordOf(arena: Arena, ref: Ref, flags: number): number {
  const at = ((ref & UNIT_MASK) << 2) + (valueOffset(flags) >>> 2);
  return arena.words[ref >>> SLAB_SHIFT][at] >>> 0;
}

export function setValueWord(arena: Arena, ref: Ref, flags: number, word: number): void {
  const at = ((ref & UNIT_MASK) << 2) + (valueOffset(flags) >>> 2);
  arena.words[ref >>> SLAB_SHIFT][at] = word;
}

/** A WIDE_VALUE as a number where it is a safe integer, otherwise as a bigint. */
export function integerOf(arena: Arena, ref: Ref, flags: number): number | bigint {
  const words = arena.words[ref >>> SLAB_SHIFT];
  const at = ((ref & UNIT_MASK) << 2) + (valueOffset(flags) >>> 2);
  const low = words[at] >>> 0;
  const high = words[at + 1];
  const value = high * 4294967296 + low;
  if (Number.isSafeInteger(value)) return value;
  return (BigInt(high) << 32n) | BigInt(low);
}

export function setIntegerOf(arena: Arena, ref: Ref, flags: number, value: number | bigint): void {
  writeInt64(
    arena.words[ref >>> SLAB_SHIFT],
    ((ref & UNIT_MASK) << 2) + (valueOffset(flags) >>> 2),
    value,
  );
}

function writeInt64(words: Int32Array, at: number, value: number | bigint): void {
  if (typeof value === "number") {
    words[at] = value | 0;
    words[at + 1] = Math.floor(value / 4294967296);
  } else {
    words[at] = Number(BigInt.asIntN(32, value));
    words[at + 1] = Number(value >> 32n);
  }
}

/** Whether the entry's key is exactly these bytes. */
export function keyEquals(
  arena: Arena,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  const slab = ref >>> SLAB_SHIFT;
  const unit = ref & UNIT_MASK;
  const header = arena.words[slab][unit << 2];
  const flags = (header >>> 8) & 255;
  if ((flags & EXTERNAL_KEY) !== 0) {
    const key = externalKeyOf(arena, ref, flags);
    return key.length === length && equalBytes(key, 0, bytes, start, length);
  }
  if (header >>> 16 !== length) return false;
  const entryBytes = arena.bytes[slab];
  const at = (unit << 4) + keyOffset(flags);
  for (let i = 0; i < length; i++) if (entryBytes[at + i] !== bytes[start + i]) return false;
  return true;
}

export function externalKeyOf(arena: Arena, ref: Ref, flags: number): Uint8Array {
  return arena.objects.bytes(externalKeyHandleOf(arena, ref, flags));
}

export function externalKeyHandleOf(arena: Arena, ref: Ref, flags: number): number {
  const at = (startOf(ref) + keyOffset(flags)) >>> 2;
  return arena.words[ref >>> SLAB_SHIFT][at] >>> 0;
}
