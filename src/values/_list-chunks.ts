/**
 * The chunks of a large list: each a run of listpack items (_listpack.ts, without header and end)
 * in a block of the arena, or in an array of its own where one item is larger than a block. A
 * chunk's items may begin anywhere in its block, so both of its ends can grow and shrink in place.
 *
 *     refs      a block's Ref, or a handle of the object table
 *     rooms     the block's bytes; 0: the chunk is in the object table
 *     starts    where the items begin in it, and `ends` where they end
 *     counts    items
 *
 * Chunk i of the list is slot `first + i` of these arrays, which have spare slots on both sides.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { MAX_BLOCK_BYTES, SLAB_SHIFT, UNIT_MASK } from "../memory/arena.ts";
import { arrayCost } from "../memory/array-cost.ts";
import { moveBlock } from "./_moved-block.ts";

import type { FrozenLargeList } from "./_frozen-list.ts";

const MIN_SLOTS = 8;
/** A new chunk's block where many items may follow; it doubles up to what the limits allow. */
export const FIRST_ROOM_BYTES = 1024;
/** As many as there are, of equal length. */
const ARRAYS = 5;

export class ListChunks {
  length = 0;
  /** Bytes that the chunks take, with what they have to spare. */
  blockBytes = 0;
  first = MIN_SLOTS >> 1;
  refs = new Int32Array(MIN_SLOTS);
  rooms = new Int32Array(MIN_SLOTS);
  starts = new Int32Array(MIN_SLOTS);
  ends = new Int32Array(MIN_SLOTS);
  counts = new Int32Array(MIN_SLOTS);
  /** Hears of each chunk that is about to change or to go. */
  frozen: FrozenLargeList | null = null;
  /** Chunks in front of it were looked at by `compact`. */
  private compacted = 0;
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
    this.arena.objects.collections.bytes += this.arrayBytes;
  }

  /** Bytes of the arrays. */
  get arrayBytes(): number {
    return ARRAYS * arrayCost(4 * this.refs.length);
  }

  /** The buffer that holds a slot's items. */
  bytesAt(slot: number): Uint8Array {
    const ref = this.refs[slot];
    if (this.rooms[slot] === 0) return this.arena.objects.bytes(ref);
    return this.arena.bytes[ref >>> SLAB_SHIFT];
  }

  /** Where the slot's block begins in its buffer. */
  baseAt(slot: number): number {
    return this.rooms[slot] === 0 ? 0 : (this.refs[slot] & UNIT_MASK) << 4;
  }

  usedAt(slot: number): number {
    return this.ends[slot] - this.starts[slot];
  }

  /** Adds an empty chunk with that much room in front of slot `slot`; returns its slot. */
  insert(slot: number, roomBytes: number, growsAtHead: boolean): number {
    const made = this.openSlot(slot);
    this.counts[made] = 0;
    this.allocate(made, roomBytes);
    const at = growsAtHead ? this.roomAt(made) : 0;
    this.starts[made] = this.ends[made] = at;
    return made;
  }

  /** Frees the slot's block and closes the gap. */
  remove(slot: number): void {
    this.freeBlock(slot);
    const index = slot - this.first;
    if (index < this.compacted) this.compacted--;
    if (index * 2 < this.length) {
      this.move(this.first, this.first + 1, index);
      this.first++;
    } else {
      this.move(slot + 1, slot, this.length - index - 1);
    }
    this.length--;
  }

  /** To be called before a chunk's items change in their place. */
  beforeChange(slot: number): void {
    this.frozen?.keep(this.refs[slot], this.rooms[slot] === 0);
  }

  freeBlock(slot: number): void {
    this.beforeChange(slot);
    this.release(this.refs[slot], this.rooms[slot]);
  }

  /** Bytes that a slot's chunk can hold without moving. */
  roomAt(slot: number): number {
    return this.rooms[slot] === 0 ? this.bytesAt(slot).length : this.rooms[slot];
  }

  /**
   * Makes `bytes` of room in front of or behind the items, moving them within the block or to a
   * larger one of at most `limitBytes`, where that is enough.
   */
  makeRoom(slot: number, atHead: boolean, bytes: number, limitBytes: number): void {
    const free = atHead ? this.starts[slot] : this.roomAt(slot) - this.ends[slot];
    if (free >= bytes) return;
    const used = this.usedAt(slot);
    const needed = used + bytes;
    const room = this.roomAt(slot);
    if (needed <= room && needed * 4 <= room * 3) {
      const start = atHead ? room - used : 0;
      this.shiftItems(slot, start);
      return;
    }
    this.reallocate(slot, Math.max(needed, Math.min(limitBytes, needed * 2)), atHead);
  }

  /** Gives back most of a block that has become nearly empty. */
  tighten(slot: number): void {
    const used = this.usedAt(slot);
    if (used * 4 < this.roomAt(slot) && this.roomAt(slot) > FIRST_ROOM_BYTES) {
      this.reallocate(slot, Math.max(FIRST_ROOM_BYTES, used * 2), this.starts[slot] > 0);
    }
  }

  /**
   * Moves blocks out of the arena's leaving pages, with the budget of a `Collection`'s `compact`.
   * Returns what is left of it: nothing where the walk has to go on.
   */
  compact(begins: boolean, budget: number): number {
    if (begins) this.compacted = 0;
    let left = budget;
    for (; left > 0 && this.compacted < this.length; this.compacted++) {
      left -= moveBlock(this.arena, this.refs, this.rooms, this.first + this.compacted);
    }
    return Math.max(0, left);
  }

  /** Gives the arrays' bytes back to the count; for a list that is thrown away. */
  close(): void {
    this.arena.objects.collections.bytes -= this.arrayBytes;
  }

  private shiftItems(slot: number, start: number): void {
    this.beforeChange(slot);
    const base = this.baseAt(slot);
    const used = this.usedAt(slot);
    const from = base + this.starts[slot];
    this.bytesAt(slot).copyWithin(base + start, from, from + used);
    this.starts[slot] = start;
    this.ends[slot] = start + used;
  }

  private reallocate(slot: number, roomBytes: number, growsAtHead: boolean): void {
    this.beforeChange(slot);
    const source = this.bytesAt(slot);
    const from = this.baseAt(slot) + this.starts[slot];
    const used = this.usedAt(slot);
    const oldRef = this.refs[slot];
    const oldRoom = this.rooms[slot];
    this.allocate(slot, roomBytes);
    const start = growsAtHead ? this.roomAt(slot) - used : 0;
    this.bytesAt(slot).set(source.subarray(from, from + used), this.baseAt(slot) + start);
    this.starts[slot] = start;
    this.ends[slot] = start + used;
    this.release(oldRef, oldRoom);
  }

  private allocate(slot: number, bytes: number): void {
    const { arena } = this;
    if (bytes > MAX_BLOCK_BYTES) {
      this.refs[slot] = arena.objects.hold(new Uint8Array(bytes));
      this.rooms[slot] = 0;
      this.blockBytes += arena.objects.sizeOf(this.refs[slot], 0);
    } else {
      const ref = arena.allocate(bytes);
      this.refs[slot] = ref;
      this.rooms[slot] = arena.capacity(ref);
      this.blockBytes += this.rooms[slot];
    }
  }

  private release(ref: number, room: number): void {
    const { arena } = this;
    if (room === 0) {
      this.blockBytes -= arena.objects.sizeOf(ref, 0);
      arena.objects.release(ref);
    } else {
      this.blockBytes -= room;
      arena.free(ref as Ref);
    }
  }

  /** Makes an undefined slot in front of `slot`, moving the shorter side. */
  private openSlot(slot: number): number {
    const index = slot - this.first;
    const towardsHead = index * 2 < this.length;
    const isCrowded = towardsHead
      ? this.first === 0
      : this.first + this.length === this.refs.length;
    if (isCrowded) this.spread();
    const at = this.first + index;
    if (towardsHead) {
      this.move(this.first, this.first - 1, index);
      this.first--;
      this.length++;
      return at - 1;
    }
    this.move(at, at + 1, this.length - index);
    this.length++;
    return at;
  }

  /** Puts the slots into the middle of arrays with room on both sides. */
  private spread(): void {
    const size = Math.max(MIN_SLOTS, this.length * 2);
    const first = (size - this.length) >> 1;
    const counter = this.arena.objects.collections;
    counter.bytes -= this.arrayBytes;
    this.refs = this.spreadArray(this.refs, size, first);
    this.rooms = this.spreadArray(this.rooms, size, first);
    this.starts = this.spreadArray(this.starts, size, first);
    this.ends = this.spreadArray(this.ends, size, first);
    this.counts = this.spreadArray(this.counts, size, first);
    this.first = first;
    counter.bytes += this.arrayBytes;
  }

  private spreadArray(old: Int32Array, size: number, first: number): Int32Array<ArrayBuffer> {
    const spread = new Int32Array(size);
    spread.set(old.subarray(this.first, this.first + this.length), first);
    return spread;
  }

  private move(from: number, to: number, count: number): void {
    if (count === 0) return;
    const end = from + count;
    this.refs.copyWithin(to, from, end);
    this.rooms.copyWithin(to, from, end);
    this.starts.copyWithin(to, from, end);
    this.ends.copyWithin(to, from, end);
    this.counts.copyWithin(to, from, end);
  }
}
