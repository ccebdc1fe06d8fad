/**
 * A segment of a byte table (byte-table.ts says what it is part of): slots with open addressing
 * and linear probing, where an entry stands between its home and the next empty slot.
 *
 *     slot   [hash with bit 0 = "has an expiry", Ref], two int32; Ref 0: empty
 */
import type { Ref } from "./arena.ts";
import { WINDOW_SLOTS } from "./table-sample.ts";
import type { TableSample } from "./table-sample.ts";

export const MIN_SLOT_BITS = 6;
export const MAX_SLOT_BITS = 12;
export const HASH_SPACE = 4294967296;
export const EXPIRY_MARK = 1;

export class Segment {
  slots: Int32Array;
  used = 0;
  /** Entries with an expiry, so that segments without any are passed over. */
  expiring = 0;

  /** How many of the hash's upper bits all its entries share. */
  depth: number;
  slotBits: number;

  constructor(depth: number, slotBits: number) {
    this.depth = depth;
    this.slotBits = slotBits;
    this.slots = new Int32Array(2 << slotBits);
  }

  get capacity(): number {
    return 1 << this.slotBits;
  }
}

export function homeOf(hash: number, segment: Segment): number {
  return (hash << segment.depth) >>> (32 - segment.slotBits);
}

/** Where a home of the segment that covers `position` begins in the space of hashes. */
export function positionOf(position: number, segment: Segment, home: number): number {
  const width = 2 ** (32 - segment.depth);
  return Math.floor(position / width) * width + home * (width / segment.capacity);
}

export function place(segment: Segment, markedHash: number, ref: number): void {
  const slots = segment.slots;
  const last = slots.length - 2;
  let at = homeOf(markedHash, segment) << 1;
  while (slots[at + 1] !== 0) at = (at + 2) & last;
  slots[at] = markedHash;
  slots[at + 1] = ref;
  segment.used++;
  segment.expiring += markedHash & EXPIRY_MARK;
}

/** Adds the entries of a window of slots, or those that expire. */
export function collect(
  segment: Segment,
  slot: number,
  onlyExpiring: boolean,
  into: TableSample,
): void {
  const { slots } = segment;
  const end = 2 * (slot + WINDOW_SLOTS);
  for (let at = 2 * slot; at < end; at += 2) {
    if (slots[at + 1] === 0 || (onlyExpiring && (slots[at] & EXPIRY_MARK) === 0)) continue;
    into.refs[into.count] = slots[at + 1];
    into.hashes[into.count++] = slots[at];
  }
}

/** Removes a slot and closes the gap, so that probing needs no tombstones. */
export function takeOut(segment: Segment, index: number): void {
  const slots = segment.slots;
  const last = slots.length - 2;
  let hole = index;
  let at = index;
  segment.expiring -= slots[index] & EXPIRY_MARK;
  for (;;) {
    at = (at + 2) & last;
    if (slots[at + 1] === 0) break;
    const home = homeOf(slots[at], segment) << 1;
    if (((at - home) & last) >= ((at - hole) & last)) {
      slots[hole] = slots[at];
      slots[hole + 1] = slots[at + 1];
      hole = at;
    }
  }
  slots[hole] = 0;
  slots[hole + 1] = 0;
  segment.used--;
}

export function resize(segment: Segment, slotBits: number): void {
  const old = segment.slots;
  segment.slotBits = slotBits;
  segment.slots = new Int32Array(2 << slotBits);
  segment.used = segment.expiring = 0;
  for (let at = 0; at < old.length; at += 2) {
    if (old[at + 1] !== 0) place(segment, old[at], old[at + 1]);
  }
}

/** Visits entries whose home is in [home, end) and whose hash is not below `from`. */
export function visitHomes(
  segment: Segment,
  home: number,
  end: number,
  from: number,
  visit: (ref: Ref) => void,
): void {
  const slots = segment.slots;
  const mask = segment.capacity - 1;
  for (let step = home; step <= home + mask; step++) {
    const at = (step & mask) << 1;
    const ref = slots[at + 1];
    if (ref === 0) {
      if (step >= end) return;
      continue;
    }
    const hash = slots[at];
    const itsHome = homeOf(hash, segment);
    const marked = (hash & ~EXPIRY_MARK) >>> 0;
    if (itsHome >= home && itsHome < end && marked >= from) visit(ref as Ref);
  }
}

/**
 * Lets entries whose home is in [home, end) move. Others may too: those between a home and the
 * next empty slot are mostly its own, and whether one has to move is quicker told than its home.
 */
export function relocateHomes(
  segment: Segment,
  home: number,
  end: number,
  move: (ref: Ref) => Ref,
): void {
  const slots = segment.slots;
  const mask = segment.capacity - 1;
  for (let step = home; step <= home + mask; step++) {
    const at = ((step & mask) << 1) + 1;
    const ref = slots[at];
    if (ref !== 0) slots[at] = move(ref as Ref);
    else if (step >= end) return;
  }
}
