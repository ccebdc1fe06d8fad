/**
 * Running counts of memory: whatever takes or gives back bytes adds them to a counter of its own,
 * and with that to one that is shared, so that how much is in use is known at any time without
 * adding anything up. The arena, which is hotter than the rest, does so by itself.
 */

/** Bytes of something that grows and shrinks; what holds them adds and subtracts. */
export interface ByteCounter {
  bytes: number;
}

/** A part: what is added to it, or taken from it, is so from `whole` as well. */
export class MemoryCounter implements ByteCounter {
  /** Where the part no longer belongs, another one may be put in its place. */
  whole: ByteCounter;
  private own = 0;

  constructor(whole: ByteCounter) {
    this.whole = whole;
  }

  get bytes(): number {
    return this.own;
  }

  set bytes(bytes: number) {
    this.whole.bytes += bytes - this.own;
    this.own = bytes;
  }
}
