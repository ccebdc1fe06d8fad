/**
 * Key bytes to entry, or member bytes to element: an extendible hash table on typed arrays (Fagin
 * et al. 1979; the idea of Dragonfly's dashtable), which grows by splitting one small segment at
 * a time. A database has one, and so has each large hash, set and sorted set.
 *
 *     directory   2^depth references to segments, indexed by the hash's upper bits
 *     segment     64 to 4096 slots, open addressing with linear probing
 *     slot        [hash with bit 0 = "has an expiry", Ref], two int32
 *
 * A slot's home is given by the hash bits after those that chose the segment, so walking
 * segments and homes in order is walking the hashes in order. That is what makes SCAN simple:
 * a cursor is a hash; every entry with a smaller one was returned, and no growth, shrinkage or
 * merge moves an entry past the cursor.
 *
 * Invariants: a segment is at most 4/5 full; entries stand between their home and the next
 * empty slot; the one place where an entry's Ref is kept is its slot.
 *
 * Cost of growth: splitting a full segment re-places 3,276 slots, some 30 µs; doubling the
 * directory copies one reference per segment. Benchmark: bench/micro/byte-table.ts.
 */
import { assert } from "../base/assert.ts";
import { NULL_REF, SLAB_SHIFT, UNIT_MASK } from "./arena.ts";
import type { Arena, Ref } from "./arena.ts";
import {
  collect,
  EXPIRY_MARK,
  HASH_SPACE,
  homeOf,
  MAX_SLOT_BITS,
  MIN_SLOT_BITS,
  place,
  positionOf,
  relocateHomes,
  resize,
  Segment,
  takeOut,
  visitHomes,
} from "./_segment.ts";
import { arrayCost } from "./array-cost.ts";
import { ELEMENT, memberEquals } from "./element.ts";
import { keyEquals } from "./entry.ts";
import type { ByteCounter } from "./memory-counter.ts";
import { WINDOW_SLOTS } from "./table-sample.ts";
import type { TableSample } from "./table-sample.ts";

/** Position bits end above bit 0, which a slot uses for the expiry mark. */
const MAX_DEPTH = 31 - MAX_SLOT_BITS;
/** Slots that `sample` tries; even the sparsest table then gives an entry nearly always. */
const SAMPLE_TRIES = 1000;
/** Random places tried for each entry that expires, before a walk looks for them. */
const EXPIRING_TRIES = 2;
/** What it costs to pass over a segment without entries that expire, in slots looked at. */
const PASSED_OVER_SLOTS = 8;
/** What a table takes that has been filled and not emptied again is half of that. */
const SPARSE_BYTES_PER_ENTRY = 24;
const SPARSE_MIN_BYTES = 1 << 16;
/** The table itself with the shortest directory, and a segment beside its slots. */
const TABLE_BYTES = 224;
const SEGMENT_BYTES = 64;

/** Bytes of a segment with so many slots, by the power of two. */
function segmentBytes(slotBits: number): number {
  return SEGMENT_BYTES + arrayCost(8 << slotBits);
}

/** A full segment's slots while they are placed anew, so that a split leaves no garbage. */
const scratch = new Int32Array(2 << MAX_SLOT_BITS);

/** `ByteTable.savedUpTo` where no snapshot has anything to write any more. */
export const ALL_SAVED = HASH_SPACE;

/** Where a walk over a table stands; one object serves many walks. */
export class TableWalk {
  index = 0;
  slot = 0;
  /** The hash of the entry found last, but for its lowest bit, which the table never uses. */
  hash = 0;

  restart(): void {
    this.index = this.slot = 0;
  }
}

export class ByteTable {
  size = 0;
  /** A running snapshot has written the entries with smaller hashes, whatever becomes of them. */
  savedUpTo = ALL_SAVED;
  private depth = 1;
  private directory: Segment[];
  private segmentCount = 1;
  /** Where the last `find` stood: its hit's slot, which `relocate` and `remove` start from. */
  private hitSegment: Segment;
  private hitIndex = 0;

  /** Bytes of the segments and the directory. */
  sizeBytes = 0;
  /** Where `drain` goes on. */
  private drainIndex = 0;
  private drainSlot = 0;

  private readonly arena: Arena;
  private readonly counter: ByteCounter | null;

  /** What the table takes is also added to `counter`. */
  constructor(arena: Arena, counter: ByteCounter | null = null) {
    this.arena = arena;
    this.counter = counter;
    this.hitSegment = new Segment(0, MIN_SLOT_BITS);
    this.directory = [this.hitSegment, this.hitSegment];
    this.account(TABLE_BYTES + segmentBytes(MIN_SLOT_BITS));
  }

  get slotCount(): number {
    let slots = 0;
    this.eachSegment((segment) => (slots += segment.capacity));
    return slots;
  }

  /** The entry with this key, or NULL_REF. `hash` is `hashBytes` of the same range. */
  find(bytes: Uint8Array, start: number, length: number, hash: number): Ref {
    const segment = this.directory[hash >>> (32 - this.depth)];
    const slots = segment.slots;
    const last = slots.length - 2;
    let at = homeOf(hash, segment) << 1;
    for (;;) {
      const ref = slots[at + 1];
      if (ref === 0) return NULL_REF;
      if (((slots[at] ^ hash) & ~EXPIRY_MARK) === 0) {
        if (nameEquals(this.arena, ref as Ref, bytes, start, length)) {
          this.hitSegment = segment;
          this.hitIndex = at;
          return ref as Ref;
        }
      }
      at = (at + 2) & last;
    }
  }

  /**
   * What `find` would probably return for a key with this hash, without looking at any entry:
   * for fetching memory ahead.
   */
  candidate(hash: number): Ref {
    const segment = this.directory[hash >>> (32 - this.depth)];
    const slots = segment.slots;
    const last = slots.length - 2;
    let at = homeOf(hash, segment) << 1;
    for (;;) {
      const ref = slots[at + 1];
      if (ref === 0 || ((slots[at] ^ hash) & ~EXPIRY_MARK) === 0) return ref as Ref;
      at = (at + 2) & last;
    }
  }

  /** Adds an entry whose key is not in the table. */
  insert(hash: number, ref: Ref, hasExpiry: boolean): void {
    let segment = this.directory[hash >>> (32 - this.depth)];
    while (segment.used * 5 >= segment.capacity * 4) {
      this.makeRoom(segment, hash);
      segment = this.directory[hash >>> (32 - this.depth)];
    }
    place(segment, (hash & ~EXPIRY_MARK) | (hasExpiry ? EXPIRY_MARK : 0), ref);
    this.size++;
  }

  /** Records that the entry moved or that its expiry came or went. `hash` is its key's. */
  relocate(hash: number, from: Ref, to: Ref, hasExpiry: boolean): void {
    this.seek(hash, from);
    const slots = this.hitSegment.slots;
    this.hitSegment.expiring += (hasExpiry ? 1 : 0) - (slots[this.hitIndex] & EXPIRY_MARK);
    slots[this.hitIndex] = (hash & ~EXPIRY_MARK) | (hasExpiry ? EXPIRY_MARK : 0);
    slots[this.hitIndex + 1] = to;
  }

  remove(hash: number, ref: Ref): void {
    this.seek(hash, ref);
    const segment = this.hitSegment;
    takeOut(segment, this.hitIndex);
    this.size--;
    if (segment.used * 4 < segment.capacity) this.shrink(segment, hash);
  }

  /** Whether the last `find` found this entry: then `hitHash` is its key's hash. */
  isHit(ref: Ref): boolean {
    const slots = this.hitSegment.slots;
    return this.hitIndex < slots.length && slots[this.hitIndex + 1] === ref;
  }

  /** The hash in the slot of the last hit, but for its lowest bit, which the table never uses. */
  get hitHash(): number {
    return this.hitSegment.slots[this.hitIndex];
  }

  /**
   * Visits the entries of about `homes` consecutive home slots from `cursor` on (0 begins).
   * Returns the cursor to go on from, 0 at the end. The visitor must not change the table.
   */
  scan(cursor: number, homes: number, visit: (ref: Ref) => void): number {
    let position = cursor;
    let left = homes;
    while (left > 0) {
      const segment = this.directory[position >>> (32 - this.depth)];
      const home = homeOf(position | 0, segment);
      const end = Math.min(home + left, segment.capacity);
      visitHomes(segment, home, end, position, visit);
      left -= end - home;
      position = positionOf(position, segment, end);
      if (position >= HASH_SPACE) return 0;
    }
    return position;
  }

  /**
   * Like `scan`; `move` may put the entry into another block, whose Ref it returns, or else its
   * own. What is in the table from the first call to the last is shown at least once, whatever
   * comes and goes in between.
   */
  relocateSome(cursor: number, homes: number, move: (ref: Ref) => Ref): number {
    let position = cursor;
    let left = homes;
    while (left > 0) {
      const segment = this.directory[position >>> (32 - this.depth)];
      const home = homeOf(position | 0, segment);
      const end = Math.min(home + left, segment.capacity);
      relocateHomes(segment, home, end, move);
      left -= end - home;
      position = positionOf(position, segment, end);
      if (position >= HASH_SPACE) return 0;
    }
    return position;
  }

  /** Whether much of the table is empty slots, which `tighten` would give back. */
  get isSparse(): boolean {
    return this.sizeBytes > this.size * SPARSE_BYTES_PER_ENTRY + SPARSE_MIN_BYTES;
  }

  /**
   * Makes the segment at `cursor` (0 begins) as small as it may be, which removing alone does only
   * where it is nearly empty. Returns the cursor to go on from, 0 at the end.
   */
  tighten(cursor: number): number {
    const segment = this.directory[cursor >>> (32 - this.depth)];
    let { slotBits } = segment;
    while (slotBits > MIN_SLOT_BITS && segment.used * 3 < 1 << slotBits) slotBits--;
    if (slotBits < segment.slotBits) this.resize(segment, slotBits);
    const next = positionOf(cursor, segment, segment.capacity);
    return next >= HASH_SPACE ? 0 : next;
  }

  /**
   * Like `scan`, over slots instead of homes and only those marked as having an expiry; stops
   * after `slots` slots. Entries are found as long as they stay, though not in hash order.
   */
  scanExpiring(cursor: number, slots: number, visit: (ref: Ref) => void): number {
    let position = cursor;
    let left = slots;
    while (left > 0) {
      const segment = this.directory[position >>> (32 - this.depth)];
      if (segment.expiring === 0) {
        left -= PASSED_OVER_SLOTS;
        position = positionOf(position, segment, segment.capacity);
        if (position >= HASH_SPACE) return 0;
        continue;
      }
      const home = homeOf(position | 0, segment);
      const end = Math.min(home + left, segment.capacity);
      for (let slot = home; slot < end; slot++) {
        const ref = segment.slots[2 * slot + 1];
        if (ref !== 0 && (segment.slots[2 * slot] & EXPIRY_MARK) !== 0) visit(ref as Ref);
      }
      left -= end - home;
      position = positionOf(position, segment, end);
      if (position >= HASH_SPACE) return 0;
    }
    return position;
  }

  /**
   * An entry from a random slot of a random part of the hash space; where chance finds only empty
   * slots, the first one in sight from a random point on. NULL_REF only where there is none.
   */
  sample(nextWord: () => number): Ref {
    if (this.size === 0) return NULL_REF;
    for (let i = 0; i < SAMPLE_TRIES; i++) {
      const segment = this.directory[nextWord() >>> (32 - this.depth)];
      const ref = segment.slots[2 * (nextWord() & (segment.capacity - 1)) + 1];
      if (ref !== 0) return ref as Ref;
    }
    let index = nextWord() >>> (32 - this.depth);
    for (;;) {
      const { slots } = this.directory[index];
      for (let at = 1; at < slots.length; at += 2) if (slots[at] !== 0) return slots[at] as Ref;
      index = (index + 1) & (this.directory.length - 1);
    }
  }

  /**
   * Whether this entry is in the table under this hash, and expires if that is asked for. It is
   * the last hit then.
   */
  holds(hash: number, ref: Ref, onlyExpiring: boolean): boolean {
    const segment = this.directory[hash >>> (32 - this.depth)];
    const { slots } = segment;
    const last = slots.length - 2;
    let at = homeOf(hash, segment) << 1;
    while (slots[at + 1] !== ref) {
      if (slots[at + 1] === 0) return false;
      at = (at + 2) & last;
    }
    if (((slots[at] ^ hash) & ~EXPIRY_MARK) !== 0) return false;
    if (onlyExpiring && (slots[at] & EXPIRY_MARK) === 0) return false;
    this.hitSegment = segment;
    this.hitIndex = at;
    return true;
  }

  /**
   * Finds `wanted` entries or a few more, each equally likely, perhaps one more than once: all
   * those in windows of neighbouring slots, which cost a cache miss each, at random places. As
   * hashes have nothing to do with keys, neighbours have nothing in common. Entries that expire
   * may be few: then they are looked for from a random place on. Fewer than wanted are found only
   * where there are no more.
   */
  sampleSome(
    into: TableSample,
    wanted: number,
    onlyExpiring: boolean,
    nextWord: () => number,
  ): void {
    into.count = 0;
    let tries = onlyExpiring ? EXPIRING_TRIES * wanted : SAMPLE_TRIES;
    let index = 0;
    let slot = 0;
    while (tries-- > 0) {
      const word = nextWord();
      index = word >>> (32 - this.depth);
      const segment = this.directory[index];
      // Every slot of the table is as likely as any other: a segment counts with one of its
      // places in the directory, and as if all were of the same size.
      if ((index & ((1 << (this.depth - segment.depth)) - 1)) !== 0) continue;
      const places = this.segmentCount === 1 ? segment.capacity : 1 << MAX_SLOT_BITS;
      slot = word & (places - WINDOW_SLOTS);
      if (slot >= segment.capacity) continue;
      collect(segment, slot, onlyExpiring, into);
      if (into.count >= wanted) return;
    }
    this.sampleFrom(index, slot + WINDOW_SLOTS, into, wanted, onlyExpiring);
  }

  /** Collects what follows a slot, up to where it began. */
  private sampleFrom(
    firstIndex: number,
    firstSlot: number,
    into: TableSample,
    wanted: number,
    onlyExpiring: boolean,
  ): void {
    let index = firstIndex;
    let slot = firstSlot;
    let left = this.segmentCount + 1;
    while (left-- > 0) {
      const segment = this.directory[index];
      if ((onlyExpiring ? segment.expiring : segment.used) > 0) {
        for (; slot < segment.capacity; slot += WINDOW_SLOTS) {
          collect(segment, slot, onlyExpiring, into);
          if (into.count >= wanted) return;
        }
      }
      slot = 0;
      const span = 1 << (this.depth - segment.depth);
      index = ((index & -span) + span) & (this.directory.length - 1);
    }
  }

  /** The next entry of a walk over all, or NULL_REF; the table must not change meanwhile. */
  walk(at: TableWalk): Ref {
    while (at.index < this.directory.length) {
      const segment = this.directory[at.index];
      const { slots } = segment;
      while (at.slot < slots.length) {
        const ref = slots[at.slot + 1];
        at.slot += 2;
        if (ref === 0) continue;
        at.hash = slots[at.slot - 2];
        return ref as Ref;
      }
      at.slot = 0;
      at.index += 1 << (this.depth - segment.depth);
    }
    return NULL_REF;
  }

  /**
   * Gives up to `budget` entries away, for a table that is thrown away: nothing but `drain` may
   * be called any more. False once there are none left.
   */
  drain(budget: number, give: (ref: Ref) => void): boolean {
    let left = budget;
    while (this.drainIndex < this.directory.length) {
      const segment = this.directory[this.drainIndex];
      while (this.drainSlot < segment.capacity) {
        const ref = segment.slots[2 * this.drainSlot + 1];
        this.drainSlot++;
        if (ref === 0) continue;
        if (left-- === 0) {
          this.drainSlot--;
          return true;
        }
        give(ref as Ref);
      }
      this.drainSlot = 0;
      this.drainIndex += 1 << (this.depth - segment.depth);
    }
    this.account(-this.sizeBytes);
    return false;
  }

  private account(bytes: number): void {
    this.sizeBytes += bytes;
    if (this.counter !== null) this.counter.bytes += bytes;
  }

  private resize(segment: Segment, slotBits: number): void {
    this.account(segmentBytes(slotBits) - segmentBytes(segment.slotBits));
    resize(segment, slotBits);
  }

  /** Finds the slot that holds `ref`; where the last `find` left off, that is at once. */
  private seek(hash: number, ref: Ref): void {
    if (this.isHit(ref)) return;
    const segment = this.directory[hash >>> (32 - this.depth)];
    const last = segment.slots.length - 2;
    let at = homeOf(hash, segment) << 1;
    while (segment.slots[at + 1] !== ref) {
      assert(segment.slots[at + 1] !== 0, "an entry's slot lies behind its home");
      at = (at + 2) & last;
    }
    this.hitSegment = segment;
    this.hitIndex = at;
  }

  private makeRoom(segment: Segment, hash: number): void {
    if (segment.slotBits < MAX_SLOT_BITS) {
      this.resize(segment, segment.slotBits + 1);
      return;
    }
    if (segment.depth === this.depth) this.doubleDirectory();
    this.split(segment, hash);
  }

  private split(segment: Segment, hash: number): void {
    const old = scratch;
    old.set(segment.slots);
    segment.depth++;
    const lower = segment;
    const upper = new Segment(segment.depth, MAX_SLOT_BITS);
    lower.slots.fill(0);
    lower.used = lower.expiring = 0;
    this.segmentCount++;
    this.account(segmentBytes(MAX_SLOT_BITS));
    const bit = 1 << (32 - segment.depth);
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] !== 0) place((old[at] & bit) === 0 ? lower : upper, old[at], old[at + 1]);
    }
    const span = 1 << (this.depth - segment.depth);
    const first = this.firstIndex(hash, segment.depth - 1);
    for (let i = 0; i < span; i++) this.directory[first + span + i] = upper;
  }

  private doubleDirectory(): void {
    assert(this.depth < MAX_DEPTH, "a table holds at most 1.7 billion entries");
    const doubled = new Array<Segment>(this.directory.length * 2);
    for (let i = 0; i < this.directory.length; i++) {
      doubled[2 * i] = doubled[2 * i + 1] = this.directory[i];
    }
    this.account(this.directory.length * 8);
    this.directory = doubled;
    this.depth++;
  }

  /** The first directory index of the segment that covers `hash` at `segmentDepth`. */
  private firstIndex(hash: number, segmentDepth: number): number {
    const spanBits = this.depth - segmentDepth;
    return ((hash >>> (32 - this.depth)) >>> spanBits) << spanBits;
  }

  /**
   * Makes a sparse segment smaller, and one that is as small as can be one with its buddy. Goes
   * on until neither applies: in an emptied part of the table nothing is removed any more that
   * could give the occasion later.
   */
  private shrink(segment: Segment, hash: number): void {
    let sparse = segment;
    while (sparse.used * 4 < sparse.capacity) {
      if (sparse.slotBits > MIN_SLOT_BITS) this.resize(sparse, sparse.slotBits - 1);
      else if (sparse.depth === 0 || !this.mergeWithBuddy(sparse, hash)) return;
      sparse = this.directory[hash >>> (32 - this.depth)];
    }
  }

  /** False where the buddy is split further or larger. */
  private mergeWithBuddy(segment: Segment, hash: number): boolean {
    const span = 1 << (this.depth - segment.depth);
    const first = this.firstIndex(hash, segment.depth);
    const buddyFirst = first ^ span;
    const buddy = this.directory[buddyFirst];
    if (buddy.depth !== segment.depth || buddy.slotBits !== MIN_SLOT_BITS) return false;
    const merged = new Segment(segment.depth - 1, MIN_SLOT_BITS + 1);
    for (const part of [segment, buddy]) {
      for (let at = 0; at < part.slots.length; at += 2) {
        if (part.slots[at + 1] !== 0) place(merged, part.slots[at], part.slots[at + 1]);
      }
    }
    this.directory.fill(merged, Math.min(first, buddyFirst), Math.max(first, buddyFirst) + span);
    this.segmentCount--;
    this.account(segmentBytes(MIN_SLOT_BITS + 1) - 2 * segmentBytes(MIN_SLOT_BITS));
    this.hitSegment = merged;
    if (this.directory.length > 8 * this.segmentCount) this.halveDirectory();
    return true;
  }

  /** Halves the directory when no segment needs its last bit. */
  private halveDirectory(): void {
    for (const segment of this.directory) if (segment.depth === this.depth) return;
    if (this.depth === 1) return;
    this.account(this.directory.length * -4);
    this.directory = this.directory.filter((_, index) => (index & 1) === 0);
    this.depth--;
  }

  private eachSegment(visit: (segment: Segment) => void): void {
    let index = 0;
    while (index < this.directory.length) {
      const segment = this.directory[index];
      visit(segment);
      index += 1 << (this.depth - segment.depth);
    }
  }
}

/** Whether the entry's key, or the element's member, is exactly these bytes. */
function nameEquals(
  arena: Arena,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  return (arena.words[ref >>> SLAB_SHIFT][(ref & UNIT_MASK) << 2] & ELEMENT) === 0
    ? keyEquals(arena, ref, bytes, start, length)
    : memberEquals(arena, ref, bytes, start, length);
}
