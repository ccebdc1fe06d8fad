/**
 * A list beyond one packed chunk: chunks in order (_list-chunks.ts), and a cursor on one item.
 * Reaching an index means adding up the counts of the chunks from the nearer end. The cursor is
 * valid until the list changes other than through it.
 */
import { assert } from "../base/assert.ts";
import type { Arena } from "../memory/arena.ts";
import type { ByteView } from "../memory/element.ts";
import type { Collection } from "../memory/object-table.ts";
import { FrozenLargeList } from "./_frozen-list.ts";
import { FIRST_ROOM_BYTES, ListChunks } from "./_list-chunks.ts";
import {
  type ItemDigits,
  type Needle,
  nextItem,
  previousItem,
  readItem,
  skipItems,
} from "./_listpack.ts";

/** The object itself and its chunks', without their arrays. */
const OBJECT_BYTES = 176;
/** The cursor of `compact` but for the first; the chunks know the place. */
const GOES_ON = 1;

/** What one chunk may hold, from `list-max-listpack-size`. */
export interface ChunkLimits {
  maxItems: number;
  maxBytes: number;
}

export class LargeList implements Collection {
  size = 0;
  readonly chunks: ListChunks;
  readonly table = null;
  /** The cursor: a slot and an offset in its block. */
  private slot = 0;
  private at = 0;

  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
    this.chunks = new ListChunks(arena);
    arena.objects.collections.bytes += OBJECT_BYTES;
  }

  /** Without estimates. */
  sizeBytes(): number {
    return OBJECT_BYTES + this.chunks.arrayBytes + this.chunks.blockBytes;
  }

  push(atHead: boolean, needle: Needle, limits: ChunkLimits): void {
    const { chunks } = this;
    const size = needle.itemBytes;
    let slot = atHead ? chunks.first : chunks.first + chunks.length - 1;
    if (chunks.length === 0 || this.isFull(slot, size, limits)) {
      const end = atHead ? chunks.first : chunks.first + chunks.length;
      slot = chunks.insert(end, firstRoom(size, limits), atHead);
    } else {
      chunks.makeRoom(slot, atHead, size, limits.maxBytes);
    }
    chunks.beforeChange(slot);
    if (atHead) chunks.starts[slot] -= size;
    const at = atHead ? chunks.starts[slot] : chunks.ends[slot];
    needle.write(chunks.bytesAt(slot), chunks.baseAt(slot) + at);
    if (!atHead) chunks.ends[slot] += size;
    chunks.counts[slot]++;
    this.size++;
  }

  /** Puts the cursor on the first or the last item of a list that is not empty. */
  seekEnd(atHead: boolean): void {
    const { chunks } = this;
    if (atHead) {
      this.slot = chunks.first;
      this.at = chunks.starts[this.slot];
    } else {
      this.slot = chunks.first + chunks.length - 1;
      this.at = this.lastIn(this.slot);
    }
  }

  /** Puts the cursor on item `index`, which exists. */
  seek(index: number): void {
    const { chunks } = this;
    const isNearHead = index * 2 < this.size;
    const { slot, left } = isNearHead ? this.countForwards(index) : this.countBackwards(index);
    const base = chunks.baseAt(slot);
    const bytes = chunks.bytesAt(slot);
    if (left * 2 <= chunks.counts[slot]) {
      this.at = skipItems(bytes, base + chunks.starts[slot], left) - base;
    } else {
      let at = base + chunks.ends[slot];
      for (let i = chunks.counts[slot]; i > left; i--) at = previousItem(bytes, at);
      this.at = at - base;
    }
    this.slot = slot;
  }

  read(view: ByteView, digits: ItemDigits): void {
    const { chunks, slot } = this;
    readItem(chunks.bytesAt(slot), chunks.baseAt(slot) + this.at, view, digits);
  }

  isAtItem(needle: Needle): boolean {
    const { chunks, slot } = this;
    return needle.equals(chunks.bytesAt(slot), chunks.baseAt(slot) + this.at);
  }

  /** Moves the cursor; false beyond the end. */
  next(): boolean {
    const { chunks, slot } = this;
    const base = chunks.baseAt(slot);
    this.at = nextItem(chunks.bytesAt(slot), base + this.at) - base;
    return this.settleForwards();
  }

  previous(): boolean {
    const { chunks } = this;
    if (this.at === chunks.starts[this.slot]) {
      if (this.slot === chunks.first) return false;
      this.slot--;
      this.at = chunks.ends[this.slot];
    }
    const base = chunks.baseAt(this.slot);
    this.at = previousItem(chunks.bytesAt(this.slot), base + this.at) - base;
    return true;
  }

  /** Removes the item at the cursor, which then stands on the next one; false beyond the end. */
  removeAndNext(): boolean {
    this.cutOut();
    return this.settleForwards();
  }

  /** Removes the item at the cursor, which then stands on the one before; false beyond that. */
  removeAndPrevious(): boolean {
    this.cutOut();
    const { chunks } = this;
    if (this.slot >= chunks.first + chunks.length) {
      if (chunks.length === 0) return false;
      this.seekEnd(false);
      return true;
    }
    return this.previous();
  }

  /** Removes the first or the last item. */
  dropEnd(atHead: boolean): void {
    const { chunks } = this;
    this.seekEnd(atHead);
    const { slot } = this;
    if (chunks.counts[slot] === 1) chunks.remove(slot);
    else {
      const base = chunks.baseAt(slot);
      if (atHead) chunks.starts[slot] = nextItem(chunks.bytesAt(slot), base + this.at) - base;
      else chunks.ends[slot] = this.at;
      chunks.counts[slot]--;
    }
    this.size--;
  }

  /** Removes the first or the last `count` items. */
  dropEnds(atHead: boolean, count: number): void {
    const { chunks } = this;
    let left = count;
    while (left > 0) {
      const slot = atHead ? chunks.first : chunks.first + chunks.length - 1;
      const itemsIn = chunks.counts[slot];
      if (itemsIn <= left) {
        chunks.remove(slot);
        this.size -= itemsIn;
        left -= itemsIn;
      } else {
        this.dropEnd(atHead);
        left--;
        if (left === 0) chunks.tighten(atHead ? chunks.first : chunks.first + chunks.length - 1);
      }
    }
  }

  /** Puts another item in the place of the one at the cursor. */
  replace(needle: Needle, limits: ChunkLimits): void {
    const { chunks, slot } = this;
    const base = chunks.baseAt(slot);
    const before = nextItem(chunks.bytesAt(slot), base + this.at) - base - this.at;
    const size = needle.itemBytes;
    if (size === before) {
      chunks.beforeChange(slot);
      needle.write(chunks.bytesAt(slot), base + this.at);
      return;
    }
    // Behind itself first, so that the chunk never becomes empty and disappears.
    this.insert(needle, false, limits);
    this.previous();
    this.removeAndNext();
  }

  /** Inserts an item in front of or behind the cursor, which then stands on it. */
  insert(needle: Needle, isBefore: boolean, limits: ChunkLimits): void {
    const { chunks } = this;
    const size = needle.itemBytes;
    if (!isBefore) {
      const base = chunks.baseAt(this.slot);
      this.at = nextItem(chunks.bytesAt(this.slot), base + this.at) - base;
    }
    if (this.isFull(this.slot, size, limits)) this.splitAtCursor(size);
    const { slot } = this;
    const offset = this.at - chunks.starts[slot];
    chunks.makeRoom(slot, false, size, limits.maxBytes);
    this.at = chunks.starts[slot] + offset;
    chunks.beforeChange(slot);
    const bytes = chunks.bytesAt(slot);
    const from = chunks.baseAt(slot) + this.at;
    bytes.copyWithin(from + size, from, chunks.baseAt(slot) + chunks.ends[slot]);
    needle.write(bytes, from);
    chunks.ends[slot] += size;
    chunks.counts[slot]++;
    this.size++;
  }

  free(budget: number): boolean {
    const { chunks } = this;
    // A chunk is one block, however many items it holds.
    for (let left = budget; left > 0 && chunks.length > 0; left--) {
      chunks.remove(chunks.first + chunks.length - 1);
    }
    if (chunks.length > 0) return true;
    chunks.close();
    this.arena.objects.collections.bytes -= OBJECT_BYTES;
    return false;
  }

  compact(cursor: number, budget: number): number {
    assert(this.frozen === null, "what a snapshot reads stays where it is");
    return this.chunks.compact(cursor === 0, budget) > 0 ? 0 : GOES_ON;
  }

  get partCount(): number {
    return this.chunks.length;
  }

  get frozen(): FrozenLargeList | null {
    return this.chunks.frozen;
  }

  freeze(): FrozenLargeList {
    const frozen = new FrozenLargeList(this.arena, this);
    this.chunks.frozen = frozen;
    return frozen;
  }

  copyTo(arena: Arena): LargeList {
    const copy = new LargeList(arena);
    const { chunks } = this;
    for (let i = 0; i < chunks.length; i++) {
      const slot = chunks.first + i;
      const used = chunks.usedAt(slot);
      const made = copy.chunks.insert(copy.chunks.first + i, used, false);
      const from = chunks.baseAt(slot) + chunks.starts[slot];
      const target = copy.chunks.bytesAt(made);
      target.set(chunks.bytesAt(slot).subarray(from, from + used), copy.chunks.baseAt(made));
      copy.chunks.ends[made] = used;
      copy.chunks.counts[made] = chunks.counts[slot];
    }
    copy.size = this.size;
    return copy;
  }

  private isFull(slot: number, addedBytes: number, limits: ChunkLimits): boolean {
    const { chunks } = this;
    if (chunks.counts[slot] === 0) return false;
    if (chunks.counts[slot] >= limits.maxItems) return true;
    return chunks.usedAt(slot) + addedBytes > limits.maxBytes;
  }

  private lastIn(slot: number): number {
    const { chunks } = this;
    const base = chunks.baseAt(slot);
    return previousItem(chunks.bytesAt(slot), base + chunks.ends[slot]) - base;
  }

  private countForwards(index: number): { slot: number; left: number } {
    const { chunks } = this;
    let { first: slot } = chunks;
    let left = index;
    while (left >= chunks.counts[slot]) left -= chunks.counts[slot++];
    return { slot, left };
  }

  private countBackwards(index: number): { slot: number; left: number } {
    const { chunks } = this;
    let slot = chunks.first + chunks.length - 1;
    let before = this.size - chunks.counts[slot];
    while (before > index) before -= chunks.counts[--slot];
    return { slot, left: index - before };
  }

  /** From the end of a chunk on to the next one. */
  private settleForwards(): boolean {
    const { chunks } = this;
    if (this.slot < chunks.first + chunks.length && this.at < chunks.ends[this.slot]) return true;
    if (this.slot + 1 >= chunks.first + chunks.length) return false;
    this.slot++;
    this.at = chunks.starts[this.slot];
    return true;
  }

  /** Removes the item at the cursor, which then stands where it was: maybe at a chunk's end. */
  private cutOut(): void {
    const { chunks, slot } = this;
    this.size--;
    if (chunks.counts[slot] === 1) {
      const index = slot - chunks.first;
      chunks.remove(slot);
      this.slot = chunks.first + index;
      this.at = this.slot < chunks.first + chunks.length ? chunks.starts[this.slot] : 0;
      return;
    }
    chunks.beforeChange(slot);
    const bytes = chunks.bytesAt(slot);
    const base = chunks.baseAt(slot);
    const from = base + this.at;
    const next = nextItem(bytes, from);
    bytes.copyWithin(from, next, base + chunks.ends[slot]);
    chunks.ends[slot] -= next - from;
    chunks.counts[slot]--;
    const offset = this.at - chunks.starts[slot];
    chunks.tighten(slot);
    this.at = chunks.starts[slot] + offset;
  }

  /** Divides the cursor's chunk there; the cursor ends where an item of `addedBytes` may go. */
  private splitAtCursor(addedBytes: number): void {
    const { chunks } = this;
    const { slot } = this;
    const tail = chunks.ends[slot] - this.at;
    const isAtStart = this.at === chunks.starts[slot];
    if (isAtStart || tail === 0) {
      this.slot = chunks.insert(isAtStart ? slot : slot + 1, addedBytes, false);
      this.at = chunks.starts[this.slot];
      return;
    }
    const made = chunks.insert(slot + 1, Math.max(tail, addedBytes), false);
    const left = made - 1;
    const from = chunks.baseAt(left) + this.at;
    const source = chunks.bytesAt(left);
    chunks.bytesAt(made).set(source.subarray(from, from + tail), chunks.baseAt(made));
    chunks.ends[made] = tail;
    let moved = 0;
    for (let at = from; at < from + tail; at = nextItem(source, at)) moved++;
    chunks.counts[made] = moved;
    chunks.counts[left] -= moved;
    chunks.ends[left] = this.at;
    this.slot = left;
    // The item may not fit on either side: then it gets a chunk of its own between them.
    if (chunks.usedAt(left) + addedBytes > MAX_SHARED_BYTES) {
      this.slot = chunks.insert(left + 1, addedBytes, false);
      this.at = chunks.starts[this.slot];
    }
  }
}

const MAX_SHARED_BYTES = 8192;
/** Chunks of fewer items than this get no room for more. */
const FEW_ITEMS = 16;

/** The room of a new chunk whose first item takes `bytes`. */
function firstRoom(bytes: number, limits: ChunkLimits): number {
  return limits.maxItems < FEW_ITEMS ? bytes : Math.max(bytes, FIRST_ROOM_BYTES);
}
