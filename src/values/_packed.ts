/**
 * Editing a listpack that lives in a home. Places are offsets from the listpack's first byte, so
 * they survive a home that moves; `end` is the place behind the last item.
 */
import type { ByteView } from "../memory/element.ts";
import type { Home } from "./home.ts";
import {
  EMPTY_LISTPACK_BYTES,
  HEADER_BYTES,
  initListpack,
  itemCount,
  type ItemDigits,
  type Needle,
  nextItem,
  previousItem,
  readItem,
  skipItems,
  writeHeader,
} from "./_listpack.ts";

export const FIRST = HEADER_BYTES;
export const NOT_FOUND = -1;

/** The items; 0 where there is no value. */
export function packedCount(home: Home): number {
  return home.length === 0 ? 0 : itemCount(home.bytes, home.start);
}

export function packedEnd(home: Home): number {
  return home.length - 1;
}

export function createPacked(home: Home, encoding: number): void {
  home.resize(EMPTY_LISTPACK_BYTES, encoding);
  initListpack(home.bytes, home.start);
}

/** The place of the first item from `from` on, looking at every `step`-th, that equals. */
export function findPacked(home: Home, needle: Needle, from: number, step: number): number {
  const { bytes, start } = home;
  const at = needle.find(bytes, start + from, start + home.length - 1, step);
  return at < 0 ? NOT_FOUND : at - start;
}

export function nextPlace(home: Home, place: number): number {
  return nextItem(home.bytes, home.start + place) - home.start;
}

export function previousPlace(home: Home, place: number): number {
  return previousItem(home.bytes, home.start + place) - home.start;
}

/** The place of item `index`, from whichever end is nearer; `count` is the number of items. */
export function placeOf(home: Home, index: number, count: number): number {
  if (index * 2 <= count) return skipItems(home.bytes, home.start + FIRST, index) - home.start;
  let place = packedEnd(home);
  for (let i = count; i > index; i--) place = previousPlace(home, place);
  return place;
}

export function readPlace(home: Home, place: number, view: ByteView, digits: ItemDigits): void {
  readItem(home.bytes, home.start + place, view, digits);
}

/** Puts an item in front of `place`. The needle's bytes must not lie in this home. */
export function insertPacked(home: Home, place: number, needle: Needle): void {
  const count = packedCount(home);
  const size = needle.itemBytes;
  openGap(home, place, 0, size);
  needle.write(home.bytes, home.start + place);
  writeHeader(home.bytes, home.start, home.length, count + 1);
}

/** Puts two items (a field and its value) in front of `place`, moving what follows once. */
export function insertPair(home: Home, place: number, first: Needle, second: Needle): void {
  const count = packedCount(home);
  const size = first.itemBytes;
  openGap(home, place, 0, size + second.itemBytes);
  first.write(home.bytes, home.start + place);
  second.write(home.bytes, home.start + place + size);
  writeHeader(home.bytes, home.start, home.length, count + 2);
}

/** Puts another item in the place of one. */
export function replacePacked(home: Home, place: number, needle: Needle): void {
  const size = needle.itemBytes;
  const before = nextPlace(home, place) - place;
  if (before === size) {
    home.touched();
    needle.write(home.bytes, home.start + place);
    return;
  }
  const count = packedCount(home);
  openGap(home, place, before, size);
  needle.write(home.bytes, home.start + place);
  writeHeader(home.bytes, home.start, home.length, count);
}

/** Removes `items` items from `place` on. */
export function removePacked(home: Home, place: number, items: number): void {
  const count = packedCount(home);
  const until = skipItems(home.bytes, home.start + place, items) - home.start;
  openGap(home, place, until - place, 0);
  writeHeader(home.bytes, home.start, home.length, count - items);
}

/** Turns `before` bytes at `place` into `after` bytes, whose content is for the caller. */
function openGap(home: Home, place: number, before: number, after: number): void {
  const length = home.length;
  if (after > before) home.resize(length + after - before, home.encoding);
  const { bytes, start } = home;
  bytes.copyWithin(start + place + after, start + place + before, start + length);
  if (after < before) home.resize(length + after - before, home.encoding);
}
