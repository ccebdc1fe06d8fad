/**
 * Collections that nobody can see any more and whose elements are still to be freed. A deletion
 * frees only a few elements at once; the rest goes in slices between turns of the event loop, so
 * that deleting millions of elements stops nobody.
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
}
