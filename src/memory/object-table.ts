/**
 * What does not fit a block of the arena: large strings and keys (one Uint8Array each) and
 * collections beyond their packed size. An entry names such an object by a handle, a small
 * integer that is given again after `release`.
 *
 * `sizeBytes` counts what the held objects occupy outside of the arena's blocks. A collection
 * that grows or shrinks adds to `collections.bytes` itself.
 */
import { assert } from "../base/assert.ts";
import type { Arena } from "./arena.ts";
import { arrayCost } from "./array-cost.ts";
import type { ByteTable } from "./byte-table.ts";
import { MemoryCounter } from "./memory-counter.ts";
import type { ByteCounter } from "./memory-counter.ts";
import type { Reclaimable, Reclaimer } from "./reclaimer.ts";

/** A handle's place in the two lists. */
const HANDLE_BYTES = 16;
/** What an array takes more whose buffer has been asked for: an object with that, and its own. */
const BUFFER_BYTES = 350;
/** Elements of a released collection that are freed at once; the rest is left for later. */
const FREED_AT_ONCE = 64;
/** Elements of which the size of a value is guessed that is only kept for a snapshot. */
const HELD_SAMPLES = 64;

/** A value that is an object: its insides are typed arrays and blocks of the arena. */
export interface Collection {
  /**
   * Bytes that it takes in all. Those of the elements of a table are estimated from `samples` of
   * them; 0: all are added up.
   */
  sizeBytes(samples: number): number;
  /** From its members to its elements, where it has such a table. */
  readonly table: ByteTable | null;
  /** Where parts of it expire, the earliest expiry: unix milliseconds, Infinity for none. */
  readonly firstExpiryMs?: number;
  /** Frees up to `budget` of its elements; false once nothing is left. */
  free(budget: number): boolean;
  /**
   * Moves its blocks out of the arena's leaving pages, about `budget` of its parts looked at, from
   * `cursor` on (0 begins). A part is a slot of a table or another block; the larger ones among
   * those that move count as one more for each KiB. Returns the cursor to go on from, 0 at the end.
   * The collection may change between two calls: every block that is there from the first to the
   * last is looked at. One walk at a time; not while the collection is frozen.
   */
  compact(cursor: number, budget: number): number;
  /** A copy whose elements live in `arena`. */
  copyTo(arena: Arena): Collection;
  /** What a snapshot would have to write: elements, or blocks of them. */
  readonly partCount: number;
  /** Set while a snapshot writes the collection in slices. */
  readonly frozen: FrozenCollection | null;
  /** Begins to keep the collection, beside what it becomes, as it is now. */
  freeze(): Frozen;
}

/** A value as it was at one moment (values/frozen.ts says what can be read of it). */
export interface Frozen {
  /** Bytes of the parts that were shown so far. */
  readonly shownBytes: number;
  /** The end of it, whether all was read or not. */
  thaw(): void;
}

export interface FrozenCollection extends Frozen {
  /** The collection's key has gone: it is freed by `thaw`. */
  isAbandoned: boolean;
}

export class ObjectTable {
  /** Bytes that collections hold outside of the arena's blocks; their tables count here. */
  readonly collections: MemoryCounter;
  private readonly arrays: MemoryCounter;
  /** Arrays that must stay as they are, because a snapshot still reads them. */
  private readonly pinned = new Set<Uint8Array>();
  private readonly held: (Uint8Array | Collection | undefined)[] = [];
  /** The lengths of buffers that are not as long as the arrays on them; -1 for all others. */
  private readonly backings: number[] = [];
  private readonly free: number[] = [];
  private readonly reclaimer: Reclaimer;

  /** What the objects hold counts for `memory` too. */
  constructor(reclaimer: Reclaimer, memory: ByteCounter) {
    this.reclaimer = reclaimer;
    this.collections = new MemoryCounter(memory);
    this.arrays = new MemoryCounter(memory);
  }

  /** From now on it is another count that changes; what was counted is left to the caller. */
  countFor(memory: ByteCounter): void {
    this.collections.whole = this.arrays.whole = memory;
    this.reclaimer.forgetHeld(this);
  }

  get count(): number {
    return this.held.length - this.free.length;
  }

  /** Bytes held by all objects, their JS overhead included. */
  get sizeBytes(): number {
    return this.arrays.bytes + this.collections.bytes;
  }

  /** Whether the handle still names this object. */
  holds(handle: number, object: Uint8Array | Collection): boolean {
    return this.held[handle] === object;
  }

  /** `backingBytes` is the length of the array's buffer, -1 where it is the array's own. */
  hold(object: Uint8Array | Collection, backingBytes = -1): number {
    this.arrays.bytes += costOf(object, backingBytes);
    const handle = this.free.pop() ?? this.held.length;
    this.held[handle] = object;
    this.backings[handle] = backingBytes;
    return handle;
  }

  get(handle: number): Uint8Array | Collection {
    const object = this.held[handle];
    assert(object !== undefined, "a handle names a held object");
    return object;
  }

  bytes(handle: number): Uint8Array {
    const object = this.held[handle];
    assert(object instanceof Uint8Array, "a handle names held bytes");
    return object;
  }

  /** Bytes that the object takes, its JS overhead included; `samples` as for a collection. */
  sizeOf(handle: number, samples: number): number {
    const object = this.get(handle);
    const ownBytes = object instanceof Uint8Array ? 0 : object.sizeBytes(samples);
    return costOf(object, this.backings[handle]) + ownBytes;
  }

  /** As `hold` was told; without asking the array, which then would make an object of it. */
  backingBytes(handle: number): number {
    return this.backings[handle];
  }

  /** Puts another object under the handle, as `hold` does; the old one is the caller's. */
  replace(handle: number, object: Uint8Array | Collection, backingBytes = -1): void {
    const before = costOf(this.get(handle), this.backings[handle]);
    this.arrays.bytes += costOf(object, backingBytes) - before;
    this.held[handle] = object;
    this.backings[handle] = backingBytes;
  }

  /** Takes the object out; the handle names empty bytes until it is released. */
  detach(handle: number): Uint8Array | Collection {
    const object = this.get(handle);
    this.replace(handle, NOTHING);
    return object;
  }

  release(handle: number): void {
    const object = this.get(handle);
    this.arrays.bytes -= costOf(object, this.backings[handle]);
    if (!(object instanceof Uint8Array)) {
      if (object.frozen !== null) {
        object.frozen.isAbandoned = true;
        this.reclaimer.hold(object, object.sizeBytes(HELD_SAMPLES), this);
      } else if (object.free(FREED_AT_ONCE)) this.reclaimer.add(object);
    }
    this.held[handle] = undefined;
    this.free.push(handle);
  }

  /** Frees what nothing names any more, in slices. */
  reclaim(collection: Reclaimable): void {
    this.reclaimer.add(collection);
  }

  /** From now on the array is not written into: who wants to change it makes a copy first. */
  pin(array: Uint8Array): void {
    this.pinned.add(array);
  }

  unpin(array: Uint8Array): void {
    this.pinned.delete(array);
  }

  isPinned(array: Uint8Array): boolean {
    return this.pinned.size > 0 && this.pinned.has(array);
  }
}

const NOTHING = new Uint8Array(0);

function costOf(object: Uint8Array | Collection, backingBytes: number): number {
  if (!(object instanceof Uint8Array)) return HANDLE_BYTES;
  if (backingBytes < 0) return HANDLE_BYTES + arrayCost(object.length);
  return HANDLE_BYTES + BUFFER_BYTES + arrayCost(backingBytes);
}
