/**
 * What nobody uses any more and what is given back bit by bit, between turns of the event loop.
 *
 * Collections that nobody can see any more and whose elements are still to be freed: a deletion
 * frees only a few elements at once, so that deleting millions stops nobody.
 *
 * Slabs that are empty, or of arenas that were thrown away: they are given back to the system a few
 * at a time, and until then the empty ones serve who needs a slab.
 */
import { giveBack } from "../base/garbage.ts";

/** What is freed in slices. */
export interface Reclaimable {
  /** Frees up to `budget` of its elements; false once nothing is left. */
  free(budget: number): boolean;
}

interface Held {
  readonly bytes: number;
  readonly whole: object;
}

export class Reclaimer {
  /** Collections that were freed in slices (INFO: lazyfreed_objects). */
  freed = 0;
  /** Bytes of values that were deleted, but that a snapshot still reads. */
  heldBytes = 0;
  private readonly held = new Map<Reclaimable, Held>();
  private readonly queue: Reclaimable[] = [];
  /** Empty slabs, which may be used again. */
  private readonly slabs: ArrayBufferLike[] = [];
  /** Slabs of arenas that were thrown away, which a snapshot may still read. */
  private readonly leftovers: ArrayBufferLike[] = [];

  get isEmpty(): boolean {
    return this.queue.length === 0;
  }

  /** Values whose elements wait to be freed (INFO: lazyfree_pending_objects). */
  get pending(): number {
    return this.queue.length;
  }

  add(collection: Reclaimable): void {
    this.queue.push(collection);
    this.heldBytes -= this.held.get(collection)?.bytes ?? 0;
    this.held.delete(collection);
  }

  /** The collection, which is a part of `whole`, will be added when a snapshot has read it. */
  hold(collection: Reclaimable, bytes: number, whole: object): void {
    this.held.set(collection, { bytes, whole });
    this.heldBytes += bytes;
  }

  /** What is held of it is counted no more, as it is not counted as used either. */
  forgetHeld(whole: object): void {
    for (const [collection, held] of this.held) {
      if (held.whole !== whole) continue;
      this.heldBytes -= held.bytes;
      this.held.delete(collection);
    }
  }

  /** Frees up to `budget` elements. */
  run(budget: number): void {
    const last = this.queue.at(-1);
    if (last === undefined || last.free(budget)) return;
    // It is at the end, or near it where others were added meanwhile: many may be waiting.
    this.queue.splice(this.queue.lastIndexOf(last), 1);
    this.freed++;
  }

  /** Takes a slab that nobody uses any more. */
  addSlab(slab: ArrayBufferLike): void {
    this.slabs.push(slab);
  }

  /** Bytes that are neither used nor given back. */
  get keptBytes(): number {
    let bytes = 0;
    for (const list of [this.slabs, this.leftovers]) {
      for (const { byteLength } of list) bytes += byteLength;
    }
    return bytes;
  }

  /** A slab for someone who needs one; what is in it is undefined. */
  takeSlab(): ArrayBufferLike | null {
    return this.slabs.pop() ?? null;
  }

  /** Takes a slab that may still be read, and so is not to be used again. */
  addLeftover(buffer: ArrayBufferLike): void {
    this.leftovers.push(buffer);
  }

  /**
   * Gives about so many bytes back to the system. What a collection or, as `isRead` says, a
   * snapshot may still read is left for later. Returns the bytes that were given back.
   */
  letGo(bytes: number, isRead: boolean): number {
    const fromLeftovers = this.isEmpty && !isRead;
    let given = 0;
    while (given < bytes) {
      const buffer = (fromLeftovers ? this.leftovers.pop() : undefined) ?? this.slabs.pop();
      if (buffer === undefined) break;
      given += buffer.byteLength;
      giveBack(buffer);
    }
    return given;
  }
}
