/**
 * An element: one block of the arena that holds a member of a large collection with what belongs
 * to it (a hash's value and expiry, a sorted set's score).
 *
 *     word 0   EXTERNAL_MEMBER 1 | EXTERNAL_DATA 2 | HAS_NUMBER 4 | ELEMENT 8 |
 *              member length:14 | data length:14
 *     [2 words a double: the score, or the expiry in unix milliseconds]     HAS_NUMBER
 *     [1 word a handle: the data lies in the object table]                  EXTERNAL_DATA
 *     member   its bytes, or one word with a handle                         EXTERNAL_MEMBER
 *     data     directly behind the member, unless external
 *
 * The bit ELEMENT tells it from an entry (memory/entry.ts), whose type is below 8: so one table,
 * `ByteTable`, finds both.
 */
import { copyBytes, equalBytes } from "../base/bytes.ts";
import { MAX_BLOCK_BYTES, SLAB_SHIFT, UNIT_MASK } from "./arena.ts";
import type { Arena, Ref } from "./arena.ts";

export const EXTERNAL_MEMBER = 1;
export const EXTERNAL_DATA = 2;
export const HAS_NUMBER = 4;
/** Also in the header of every element; no entry has it. */
export const ELEMENT = 8;

/** Longer members live in the object table. */
const MAX_INLINE_MEMBER_BYTES = 4096;
const LENGTH_MASK = 0x3fff;
const MEMBER_SHIFT = 4;
const DATA_SHIFT = 18;

/** Words of a double, to take it out of a block and put it in. */
const doubles = new Float64Array(1);
const doubleWords = new Int32Array(doubles.buffer);

/** Bytes of a member or of its data; one object serves many reads. */
export class ByteView {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  length = 0;

  set(bytes: Uint8Array, start: number, length: number): void {
    this.bytes = bytes;
    this.start = start;
    this.length = length;
  }
}

function memberOffset(header: number): number {
  return 4 + ((header & HAS_NUMBER) << 1) + ((header & EXTERNAL_DATA) << 1);
}

function headerAt(arena: Arena, ref: Ref): number {
  return arena.words[ref >>> SLAB_SHIFT][(ref & UNIT_MASK) << 2];
}

/** Makes an element without data. The number is set where `withNumber` says so. */
export function makeElement(
  arena: Arena,
  bytes: Uint8Array,
  start: number,
  length: number,
  withNumber: boolean,
  number: number,
): Ref {
  const flags = withNumber ? ELEMENT | HAS_NUMBER : ELEMENT;
  return makeWithRoom(arena, flags, bytes, start, length, 0, number);
}

/** Makes an element with data, in the block or, where it would not fit, in the object table. */
export function makeElementWithData(
  arena: Arena,
  bytes: Uint8Array,
  start: number,
  length: number,
  data: Uint8Array,
  dataStart: number,
  dataLength: number,
  withNumber: boolean,
  number: number,
): Ref {
  let flags = withNumber ? ELEMENT | HAS_NUMBER : ELEMENT;
  const memberField = length > MAX_INLINE_MEMBER_BYTES ? 4 : length;
  const isLarge = 16 + memberField + dataLength > MAX_BLOCK_BYTES;
  if (isLarge) flags |= EXTERNAL_DATA;
  const room = isLarge ? 0 : dataLength;
  const ref = makeWithRoom(arena, flags, bytes, start, length, room, number);
  putData(arena, ref, data, dataStart, dataLength);
  return ref;
}

function makeWithRoom(
  arena: Arena,
  wanted: number,
  bytes: Uint8Array,
  start: number,
  length: number,
  dataBytes: number,
  number: number,
): Ref {
  const isExternal = length > MAX_INLINE_MEMBER_BYTES;
  const flags = isExternal ? wanted | EXTERNAL_MEMBER : wanted;
  const field = isExternal ? 4 : length;
  const offset = memberOffset(flags);
  const ref = arena.allocate(offset + field + dataBytes);
  const words = arena.words[ref >>> SLAB_SHIFT];
  const at = (ref & UNIT_MASK) << 2;
  words[at] = flags | (field << MEMBER_SHIFT) | (dataBytes << DATA_SHIFT);
  if ((flags & HAS_NUMBER) !== 0) {
    doubles[0] = number;
    words[at + 1] = doubleWords[0];
    words[at + 2] = doubleWords[1];
  }
  if (isExternal) {
    words[at + (offset >>> 2)] = arena.objects.hold(bytes.slice(start, start + length));
  } else {
    copyBytes(arena.bytes[ref >>> SLAB_SHIFT], (at << 2) + offset, bytes, start, length);
  }
  return ref;
}

function putData(
  arena: Arena,
  ref: Ref,
  data: Uint8Array,
  dataStart: number,
  dataLength: number,
): void {
  const header = headerAt(arena, ref);
  const at = (ref & UNIT_MASK) << 4;
  if ((header & EXTERNAL_DATA) !== 0) {
    const place = (at + memberOffset(header) - 4) >>> 2;
    const copy = data.slice(dataStart, dataStart + dataLength);
    arena.words[ref >>> SLAB_SHIFT][place] = arena.objects.hold(copy);
  } else {
    const to = at + memberOffset(header) + ((header >>> MEMBER_SHIFT) & LENGTH_MASK);
    copyBytes(arena.bytes[ref >>> SLAB_SHIFT], to, data, dataStart, dataLength);
  }
}

/**
 * Puts other data into the element's own block. False where it does not fit there, or would
 * leave most of it empty: then the caller makes a new element.
 */
export function replaceData(
  arena: Arena,
  ref: Ref,
  data: Uint8Array,
  dataStart: number,
  dataLength: number,
): boolean {
  const header = headerAt(arena, ref);
  if ((header & EXTERNAL_DATA) !== 0) return false;
  const used = memberOffset(header) + ((header >>> MEMBER_SHIFT) & LENGTH_MASK) + dataLength;
  const capacity = arena.capacity(ref);
  if (used > capacity || (capacity > 64 && used * 2 < capacity)) return false;
  const words = arena.words[ref >>> SLAB_SHIFT];
  words[(ref & UNIT_MASK) << 2] =
    (header & ~(LENGTH_MASK << DATA_SHIFT)) | (dataLength << DATA_SHIFT);
  putData(arena, ref, data, dataStart, dataLength);
  return true;
}

/** Points the view at the member. Valid until the element is freed or the view used again. */
export function readMember(arena: Arena, ref: Ref, view: ByteView): void {
  const header = headerAt(arena, ref);
  const at = ((ref & UNIT_MASK) << 4) + memberOffset(header);
  if ((header & EXTERNAL_MEMBER) !== 0) {
    const bytes = arena.objects.bytes(arena.words[ref >>> SLAB_SHIFT][at >>> 2]);
    view.set(bytes, 0, bytes.length);
  } else {
    view.set(arena.bytes[ref >>> SLAB_SHIFT], at, (header >>> MEMBER_SHIFT) & LENGTH_MASK);
  }
}

/** Points the view at the data. */
export function readData(arena: Arena, ref: Ref, view: ByteView): void {
  const header = headerAt(arena, ref);
  const at = ((ref & UNIT_MASK) << 4) + memberOffset(header);
  if ((header & EXTERNAL_DATA) !== 0) {
    const bytes = arena.objects.bytes(arena.words[ref >>> SLAB_SHIFT][(at - 4) >>> 2]);
    view.set(bytes, 0, bytes.length);
  } else {
    const start = at + ((header >>> MEMBER_SHIFT) & LENGTH_MASK);
    view.set(arena.bytes[ref >>> SLAB_SHIFT], start, header >>> DATA_SHIFT);
  }
}

export function hasNumber(arena: Arena, ref: Ref): boolean {
  return (headerAt(arena, ref) & HAS_NUMBER) !== 0;
}

/** The score or expiry; only where the element has one. */
export function numberOf(arena: Arena, ref: Ref): number {
  const words = arena.words[ref >>> SLAB_SHIFT];
  const at = ((ref & UNIT_MASK) << 2) + 1;
  doubleWords[0] = words[at];
  doubleWords[1] = words[at + 1];
  return doubles[0];
}

export function setNumberOf(arena: Arena, ref: Ref, number: number): void {
  const words = arena.words[ref >>> SLAB_SHIFT];
  const at = ((ref & UNIT_MASK) << 2) + 1;
  doubles[0] = number;
  words[at] = doubleWords[0];
  words[at + 1] = doubleWords[1];
}

/** Bytes of the block and of what the element holds in the object table. */
export function elementBytes(arena: Arena, ref: Ref): number {
  const header = headerAt(arena, ref);
  let bytes = arena.capacity(ref);
  if ((header & (EXTERNAL_MEMBER | EXTERNAL_DATA)) !== 0) {
    const words = arena.words[ref >>> SLAB_SHIFT];
    const at = (((ref & UNIT_MASK) << 4) + memberOffset(header)) >>> 2;
    if ((header & EXTERNAL_MEMBER) !== 0) bytes += arena.objects.sizeOf(words[at], 0);
    if ((header & EXTERNAL_DATA) !== 0) bytes += arena.objects.sizeOf(words[at - 1], 0);
  }
  return bytes;
}

/** Frees the block and what the element holds in the object table. */
export function freeElement(arena: Arena, ref: Ref): void {
  const header = headerAt(arena, ref);
  if ((header & (EXTERNAL_MEMBER | EXTERNAL_DATA)) !== 0) {
    const words = arena.words[ref >>> SLAB_SHIFT];
    const at = (((ref & UNIT_MASK) << 4) + memberOffset(header)) >>> 2;
    if ((header & EXTERNAL_MEMBER) !== 0) arena.objects.release(words[at]);
    if ((header & EXTERNAL_DATA) !== 0) arena.objects.release(words[at - 1]);
  }
  arena.free(ref);
}

/** Whether the element's member is exactly these bytes. */
export function memberEquals(
  arena: Arena,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  const slab = ref >>> SLAB_SHIFT;
  const header = arena.words[slab][(ref & UNIT_MASK) << 2];
  const at = ((ref & UNIT_MASK) << 4) + memberOffset(header);
  if ((header & EXTERNAL_MEMBER) !== 0) {
    const member = arena.objects.bytes(arena.words[slab][at >>> 2]);
    return member.length === length && equalBytes(member, 0, bytes, start, length);
  }
  if (((header >>> MEMBER_SHIFT) & LENGTH_MASK) !== length) return false;
  const own = arena.bytes[slab];
  for (let i = 0; i < length; i++) if (own[at + i] !== bytes[start + i]) return false;
  return true;
}
