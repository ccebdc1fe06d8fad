/**
 * The nodes of a stream, in the order of their IDs, which are those of their first entries. What a
 * node holds is in _stream-node.ts; here is where it lies.
 *
 *     ids      the four words of its ID
 *     refs     the Ref of its block in the arena, or a handle of the object table
 *     rooms    the block's bytes; 0: the node is larger than a block, in the object table
 *
 * Node i is slot `first + i` of these arrays. Nodes come at the end and mostly go at the front, so
 * both cost O(1); one that goes in the middle moves the shorter side by a slot. Growing copies the
 * arrays: some ten milliseconds at a million nodes, which are a hundred million entries.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { MAX_BLOCK_BYTES, SLAB_SHIFT, UNIT_MASK } from "../memory/arena.ts";
import { arrayCost } from "../memory/array-cost.ts";
import { moveBlock } from "./_moved-block.ts";
import { totalBytes } from "./_listpack.ts";
import type { FrozenEntries } from "./_frozen-stream.ts";
import type { StreamId } from "./stream-id.ts";

const FIRST_SLOTS = 2;
const ID_WORDS = 4;

export class StreamNodes {
  count = 0;
  /** Bytes of the nodes' blocks, with what they have to spare. */
  blockBytes = 0;
  /** Hears of each node that is about to change or to go. */
  frozen: FrozenEntries | null = null;
  private first = 0;
  /** Nodes in front of it were looked at by `compact`. */
  private compacted = 0;
  private ids = new Uint32Array(FIRST_SLOTS * ID_WORDS);
  private refs = new Int32Array(FIRST_SLOTS);
  private rooms = new Int32Array(FIRST_SLOTS);
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
    arena.objects.collections.bytes += this.arrayBytes;
  }

  /** Bytes of the arrays. */
  get arrayBytes(): number {
    const { ids, refs, rooms } = this;
    return arrayCost(ids.byteLength) + arrayCost(refs.byteLength) + arrayCost(rooms.byteLength);
  }

  /** The buffer that holds the node. */
  bytesOf(node: number): Uint8Array {
    const slot = this.first + node;
    const ref = this.refs[slot];
    if (this.rooms[slot] === 0) return this.arena.objects.bytes(ref);
    return this.arena.bytes[ref >>> SLAB_SHIFT];
  }

  /** Where the node begins in its buffer. */
  startOf(node: number): number {
    const slot = this.first + node;
    return this.rooms[slot] === 0 ? 0 : (this.refs[slot] & UNIT_MASK) << 4;
  }

  /** The Ref of the node's block or, where `isLargeNode`, its handle. */
  placeOf(node: number): number {
    return this.refs[this.first + node];
  }

  /** Whether it is in the object table. */
  isLargeNode(node: number): boolean {
    return this.rooms[this.first + node] === 0;
  }

  /** To be called before a node changes in its place. */
  beforeChange(node: number): void {
    this.frozen?.keep(this.placeOf(node), this.isLargeNode(node));
  }

  /** Bytes that the node can take without moving. */
  roomOf(node: number): number {
    const room = this.rooms[this.first + node];
    return room === 0 ? this.bytesOf(node).length : room;
  }

  readId(node: number, id: StreamId): StreamId {
    const { ids } = this;
    const at = (this.first + node) * ID_WORDS;
    return id.set(ids[at], ids[at + 1], ids[at + 2], ids[at + 3]);
  }

  /** The last node whose ID is not behind `id`; -1 where there is none. */
  findUpTo(id: StreamId): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.compare(middle, id) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Adds a node behind the others, with that much room and undefined bytes. */
  push(id: StreamId, roomBytes: number): void {
    if (this.first + this.count === this.refs.length) this.makeSlots();
    const slot = this.first + this.count++;
    const at = slot * ID_WORDS;
    const { ids } = this;
    ids[at] = id.msHigh;
    ids[at + 1] = id.msLow;
    ids[at + 2] = id.seqHigh;
    ids[at + 3] = id.seqLow;
    this.allocate(slot, roomBytes);
  }

  /** Moves the node, which stays as it is, to a block with another room. */
  resize(node: number, roomBytes: number): void {
    this.beforeChange(node);
    const bytes = this.bytesOf(node);
    const start = this.startOf(node);
    const slot = this.first + node;
    const ref = this.refs[slot];
    const isBlock = this.rooms[slot] !== 0;
    this.allocate(slot, roomBytes);
    const used = totalBytes(bytes, start);
    this.bytesOf(node).set(bytes.subarray(start, start + used), this.startOf(node));
    this.release(ref, isBlock);
  }

  /** Gives back room that the node does not need. */
  tighten(node: number): void {
    const used = totalBytes(this.bytesOf(node), this.startOf(node));
    const isSmall = used <= MAX_BLOCK_BYTES;
    const enough = isSmall ? this.arena.capacityFor(used) : used;
    if (enough < this.roomOf(node)) this.resize(node, used);
  }

  /** Frees the node and closes the gap. */
  remove(node: number): void {
    this.freeBlock(node);
    if (node < this.compacted) this.compacted--;
    const slot = this.first + node;
    if (node * 2 < this.count) {
      this.moveSlots(this.first, this.first + 1, node);
      this.first++;
    } else {
      this.moveSlots(slot + 1, slot, this.count - node - 1);
    }
    this.count--;
    if (this.count * 8 < this.refs.length && this.refs.length > FIRST_SLOTS) this.shrink();
  }

  /** Frees the last nodes, `budget` at the most, of a stream that is thrown away. */
  free(budget: number): void {
    for (let i = 0; i < budget && this.count > 0; i++) {
      this.freeBlock(this.count - 1);
      this.count--;
    }
  }

  /**
   * Moves blocks out of the arena's leaving pages, with the budget of a `Collection`'s `compact`.
   * Returns what is left of it: nothing where the walk has to go on.
   */
  compact(begins: boolean, budget: number): number {
    if (begins) this.compacted = 0;
    let left = budget;
    for (; left > 0 && this.compacted < this.count; this.compacted++) {
      left -= moveBlock(this.arena, this.refs, this.rooms, this.first + this.compacted);
    }
    return Math.max(0, left);
  }

  /** Gives the arrays' bytes back to the count; for a stream that is thrown away. */
  close(): void {
    this.arena.objects.collections.bytes -= this.arrayBytes;
    this.replaceArrays(0);
    this.first = 0;
  }

  private compare(node: number, id: StreamId): number {
    const { ids } = this;
    const at = (this.first + node) * ID_WORDS;
    return (
      ids[at] - id.msHigh ||
      ids[at + 1] - id.msLow ||
      ids[at + 2] - id.seqHigh ||
      ids[at + 3] - id.seqLow
    );
  }

  private allocate(slot: number, roomBytes: number): void {
    const { arena } = this;
    if (roomBytes <= MAX_BLOCK_BYTES) {
      const ref = arena.allocate(roomBytes);
      this.refs[slot] = ref;
      this.rooms[slot] = arena.capacity(ref);
      this.blockBytes += this.rooms[slot];
      return;
    }
    this.refs[slot] = arena.objects.hold(new Uint8Array(roomBytes));
    this.rooms[slot] = 0;
    this.blockBytes += arena.objects.sizeOf(this.refs[slot], 0);
  }

  private freeBlock(node: number): void {
    this.beforeChange(node);
    const slot = this.first + node;
    this.release(this.refs[slot], this.rooms[slot] !== 0);
  }

  private release(ref: number, isBlock: boolean): void {
    const { arena } = this;
    if (isBlock) {
      this.blockBytes -= arena.capacity(ref as Ref);
      arena.free(ref as Ref);
    } else {
      this.blockBytes -= arena.objects.sizeOf(ref, 0);
      arena.objects.release(ref);
    }
  }

  /** Makes slots behind the last node: by moving them all to the front, or in larger arrays. */
  private makeSlots(): void {
    if (this.first * 2 >= this.refs.length) {
      this.moveSlots(this.first, 0, this.count);
      this.first = 0;
    } else {
      this.reallocate(this.refs.length * 2);
    }
  }

  private shrink(): void {
    this.reallocate(Math.max(FIRST_SLOTS, this.count * 2));
  }

  private reallocate(slots: number): void {
    const { first, count, ids, refs, rooms } = this;
    this.arena.objects.collections.bytes -= this.arrayBytes;
    this.replaceArrays(slots);
    this.arena.objects.collections.bytes += this.arrayBytes;
    this.ids.set(ids.subarray(first * ID_WORDS, (first + count) * ID_WORDS));
    this.refs.set(refs.subarray(first, first + count));
    this.rooms.set(rooms.subarray(first, first + count));
    this.first = 0;
  }

  private replaceArrays(slots: number): void {
    this.ids = new Uint32Array(slots * ID_WORDS);
    this.refs = new Int32Array(slots);
    this.rooms = new Int32Array(slots);
  }

  private moveSlots(from: number, to: number, count: number): void {
    this.ids.copyWithin(to * ID_WORDS, from * ID_WORDS, (from + count) * ID_WORDS);
    this.refs.copyWithin(to, from, from + count);
    this.rooms.copyWithin(to, from, from + count);
  }
}
