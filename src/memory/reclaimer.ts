/**
 * What nobody uses any more and what is given back bit by bit, between turns of the event loop.
 *
 * Collections that nobody can see any more and whose elements are still to be freed: a deletion
 * frees only a few elements at once, so that deleting millions stops nobody.
 *
 * Memory of arenas and tables that are empty or were thrown away: a garbage collection spends a
 * millisecond for every 16 MiB that it frees, so it must not find much at once.
 */
/** What is freed in slices. */
export interface Reclaimable {
  /** Frees up to `budget` of its elements; false once nothing is left. */
  free(budget: number): boolean;
}

export class Reclaimer {
  /** Collections that were freed in slices (INFO: lazyfreed_objects). */
  freed = 0;
  private readonly queue: Reclaimable[] = [];
  /** Empty slabs, which may be used again. */
  private readonly slabs: ArrayBufferLike[] = [];
  /** What a snapshot may still read. */
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
  }

  /** Frees up to `budget` elements. */
  run(budget: number): void {
    const last = this.queue.at(-1);
    if (last === undefined || last.free(budget)) return;
    this.queue.splice(this.queue.indexOf(last), 1);
    this.freed++;
  }

  /** Takes a slab that nobody uses any more. */
  addSlab(slab: ArrayBufferLike): void {
    this.slabs.push(slab);
  }

  /** A slab for someone who needs one; what is in it is undefined. */
  takeSlab(): ArrayBufferLike | null {
    return this.slabs.pop() ?? null;
  }

  /** Takes memory that is not to be used again. */
  addLeftover(buffer: ArrayBufferLike): void {
    this.leftovers.push(buffer);
  }

  /** Leaves about so many bytes to the next garbage collection. False where there was nothing. */
  letGo(bytes: number): boolean {
    let left = bytes;
    while (left > 0) {
      const buffer = this.leftovers.pop() ?? this.slabs.pop();
      if (buffer === undefined) return left < bytes;
      left -= buffer.byteLength;
    }
    return true;
  }
}
