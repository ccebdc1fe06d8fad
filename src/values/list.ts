/**
 * A list of byte strings: packed as one listpack while that is small, beyond it as chunks
 * (_large-list.ts); a list that has shrunk to half of that is packed again.
 *
 * One object serves many commands: it is opened on a home. Its cursor stands on one item, which
 * `read` points `item` at; it is valid until the list changes other than through it.
 */
import { ByteView } from "../memory/element.ts";
import { ENCODING_LISTPACK, ENCODING_QUICKLIST } from "../memory/entry.ts";
import type { Home } from "./home.ts";
import { LargeList } from "./_large-list.ts";
import type { ChunkLimits } from "./_large-list.ts";
import { EMPTY_LISTPACK_BYTES, ItemDigits, Needle, writeHeader } from "./_listpack.ts";
import {
  createPacked,
  FIRST,
  insertPacked,
  nextPlace,
  packedCount,
  packedEnd,
  placeOf,
  previousPlace,
  readPlace,
  removePacked,
  replacePacked,
} from "./_packed.ts";

/** Bytes of a chunk for `list-max-listpack-size` -1 to -5. */
const LEVEL_BYTES = [4096, 8192, 16384, 32768, 65536];
const SAFE_BYTES = 8192;

/** What `list-max-listpack-size` allows one chunk: so many items, or so many bytes. */
export function readListLimits(fill: number, into: ListLimits): void {
  into.maxItems = fill >= 0 ? Math.max(1, fill) : Infinity;
  into.maxBytes = fill >= 0 ? SAFE_BYTES : LEVEL_BYTES[Math.min(-fill, LEVEL_BYTES.length) - 1];
}

export interface ListLimits {
  maxItems: number;
  maxBytes: number;
}

export class ListValue {
  readonly item = new ByteView();
  private readonly digits = new ItemDigits();
  private readonly needle = new Needle();
  /** The cursor in packed bytes. */
  private place = 0;

  readonly home: Home;
  readonly limits: ChunkLimits;

  constructor(home: Home, limits: ListLimits) {
    this.home = home;
    this.limits = limits;
  }

  get size(): number {
    const { home } = this;
    return home.collection !== null ? this.large.size : packedCount(home);
  }

  /** To be called before `items` items of `bytes` bytes in all are added: they may not fit. */
  prepare(items: number, bytes: number): void {
    const { home, limits } = this;
    if (home.collection !== null) return;
    const length = home.length === 0 ? EMPTY_LISTPACK_BYTES : home.length;
    if (length + bytes <= limits.maxBytes && this.size + items <= limits.maxItems) return;
    this.enlarge();
  }

  /** Adds an item at an end. */
  push(atHead: boolean, bytes: Uint8Array, start: number, length: number): void {
    const { home, needle } = this;
    needle.set(bytes, start, length);
    if (home.collection !== null) {
      home.touched();
      this.large.push(atHead, needle, this.limits);
      return;
    }
    if (home.length === 0) createPacked(home, ENCODING_LISTPACK);
    insertPacked(home, atHead ? FIRST : packedEnd(home), needle);
  }

  /** Puts the cursor on the first or last item of a list that is not empty. */
  seekEnd(atHead: boolean): void {
    const { home } = this;
    if (home.collection !== null) this.large.seekEnd(atHead);
    else this.place = atHead ? FIRST : previousPlace(home, packedEnd(home));
  }

  /** Puts the cursor on item `index`, which must exist. */
  seek(index: number): void {
    const { home } = this;
    if (home.collection !== null) this.large.seek(index);
    else this.place = placeOf(home, index, packedCount(home));
  }

  /** Points `item` at the item at the cursor. */
  read(): void {
    const { home } = this;
    if (home.collection !== null) this.large.read(this.item, this.digits);
    else readPlace(home, this.place, this.item, this.digits);
  }

  /** Moves the cursor; false beyond the last item. */
  next(): boolean {
    const { home } = this;
    if (home.collection !== null) return this.large.next();
    this.place = nextPlace(home, this.place);
    return this.place < packedEnd(home);
  }

  /** Moves the cursor; false beyond the first item. */
  previous(): boolean {
    const { home } = this;
    if (home.collection !== null) return this.large.previous();
    if (this.place === FIRST) return false;
    this.place = previousPlace(home, this.place);
    return true;
  }

  /** What `isAtSought` compares with. */
  sought(bytes: Uint8Array, start: number, length: number): void {
    this.needle.set(bytes, start, length);
  }

  /** Whether the item at the cursor is what `sought` was given last. */
  get isAtSought(): boolean {
    const { home, needle } = this;
    if (home.collection !== null) return this.large.isAtItem(needle);
    return needle.equals(home.bytes, home.start + this.place);
  }

  /**
   * Removes the item at the cursor, which moves on to the next (or, backwards, the one before);
   * false where there is none.
   */
  removeAndMove(backwards: boolean): boolean {
    const { home } = this;
    if (home.collection !== null) {
      home.touched();
      return backwards ? this.large.removeAndPrevious() : this.large.removeAndNext();
    }
    removePacked(home, this.place, 1);
    return backwards ? this.previous() : this.place < packedEnd(home);
  }

  /** Puts another item in the place of the one at the cursor. */
  replace(bytes: Uint8Array, start: number, length: number): void {
    const { home, needle } = this;
    needle.set(bytes, start, length);
    if (home.collection === null) {
      replacePacked(home, this.place, needle);
      return;
    }
    home.touched();
    this.large.replace(needle, this.limits);
  }

  /** Inserts an item in front of or behind the one at the cursor. */
  insert(isBefore: boolean, bytes: Uint8Array, start: number, length: number): void {
    const { home, needle } = this;
    needle.set(bytes, start, length);
    if (home.collection === null) {
      insertPacked(home, isBefore ? this.place : nextPlace(home, this.place), needle);
      return;
    }
    home.touched();
    this.large.insert(needle, isBefore, this.limits);
  }

  /** Removes the first or the last `count` items, which exist. */
  drop(atHead: boolean, count: number): void {
    const { home } = this;
    if (home.collection !== null) {
      home.touched();
      if (count === 1) this.large.dropEnd(atHead);
      else this.large.dropEnds(atHead, count);
      return;
    }
    const size = packedCount(home);
    removePacked(home, atHead ? FIRST : placeOf(home, size - count, size), count);
  }

  /** To be called after items were removed: packs what has become small enough. */
  settle(): void {
    const { home } = this;
    if (home.collection === null || this.large.chunks.length !== 1) return;
    const { large, limits } = this;
    const slot = large.chunks.first;
    const used = large.chunks.usedAt(slot);
    const length = used + EMPTY_LISTPACK_BYTES;
    if (length * 2 > limits.maxBytes || large.size * 2 > limits.maxItems) return;
    const from = large.chunks.baseAt(slot) + large.chunks.starts[slot];
    const items = large.chunks.bytesAt(slot).slice(from, from + used);
    const { size } = large;
    home.repack(ENCODING_LISTPACK, length);
    home.bytes.set(items, home.start + FIRST);
    writeHeader(home.bytes, home.start, length, size);
  }

  /** How many runs of items `visitChunks` shows. */
  get chunkCount(): number {
    return this.home.collection !== null ? this.large.chunks.length : 1;
  }

  /**
   * Shows the items from the head on, in runs of `count` items of a listpack (without its header
   * and end). The cursor stays where it is.
   */
  visitChunks(
    visit: (bytes: Uint8Array, start: number, length: number, count: number) => void,
  ): void {
    const { home } = this;
    if (home.collection === null) {
      const used = home.length - EMPTY_LISTPACK_BYTES;
      visit(home.bytes, home.start + FIRST, used, packedCount(home));
      return;
    }
    const { chunks } = this.large;
    for (let i = 0; i < chunks.length; i++) {
      const slot = chunks.first + i;
      const start = chunks.baseAt(slot) + chunks.starts[slot];
      visit(chunks.bytesAt(slot), start, chunks.usedAt(slot), chunks.counts[slot]);
    }
  }

  private get large(): LargeList {
    return this.home.collection as LargeList;
  }

  private enlarge(): void {
    const { home } = this;
    const large = new LargeList(home.arena);
    if (home.length > EMPTY_LISTPACK_BYTES) {
      const used = home.length - EMPTY_LISTPACK_BYTES;
      const { chunks } = large;
      const slot = chunks.insert(chunks.first, used, false);
      const from = home.start + FIRST;
      chunks.bytesAt(slot).set(home.bytes.subarray(from, from + used), chunks.baseAt(slot));
      chunks.ends[slot] = used;
      chunks.counts[slot] = packedCount(home);
      large.size = chunks.counts[slot];
    }
    home.replace(ENCODING_QUICKLIST, large);
  }
}
