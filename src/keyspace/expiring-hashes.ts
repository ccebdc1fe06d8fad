/**
 * The hashes of a database that have fields with an expiry, in the order in which their first
 * field is due: what the active expiry of fields goes by.
 *
 * A table from copied keys to elements (memory/element.ts), which have places in a heap of times.
 * Invariant: a key is here, with its hash's earliest expiry, exactly while that hash has a field
 * that expires. Hashes announce every change of it (`firstExpiryChanged`, values/home.ts), and
 * entries that come, go or are overwritten do through `EntryStore` and `Database`.
 */
import type { Arena } from "../memory/arena.ts";
import { NULL_REF } from "../memory/arena.ts";
import { ByteTable } from "../memory/byte-table.ts";
import type { ByteView } from "../memory/element.ts";
import { elementBytes, freeElement, makeElement, readMember } from "../memory/element.ts";
import { ExpiryHeap } from "../memory/expiry-heap.ts";

export class ExpiringHashes {
  private readonly table: ByteTable;
  private readonly heap: ExpiryHeap;
  private blockBytes = 0;
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
    this.table = new ByteTable(arena, arena.objects.collections);
    this.heap = new ExpiryHeap(arena, arena.objects.collections);
  }

  get size(): number {
    return this.heap.size;
  }

  get sizeBytes(): number {
    return this.table.sizeBytes + this.heap.sizeBytes + this.blockBytes;
  }

  /** When the first field of all is due; Infinity where there is none. */
  get firstMs(): number {
    return this.heap.firstMs;
  }

  /** Points the view at the key of a hash with a field due before `ms`; only where there is one. */
  readDue(view: ByteView, ms: number): void {
    readMember(this.arena, this.heap.dueBefore(ms), view);
  }

  /** Adds a key, or gives it another time. `hash` is that of the key. */
  put(bytes: Uint8Array, start: number, length: number, hash: number, firstMs: number): void {
    const ref = this.table.find(bytes, start, length, hash);
    if (ref !== NULL_REF) {
      this.heap.change(ref, firstMs);
      return;
    }
    const made = makeElement(this.arena, bytes, start, length, true, 0);
    this.blockBytes += elementBytes(this.arena, made);
    this.table.insert(hash, made, false);
    this.heap.add(made, firstMs);
  }

  /** Moves elements out of the arena's leaving pages, as a `Collection` does. */
  compact(cursor: number, budget: number): number {
    return this.table.relocateSome(cursor, budget, (ref) => {
      const to = this.arena.evacuate(ref);
      if (to !== ref) this.heap.moved(to);
      return to;
    });
  }

  /** Removes a key where it is here. */
  remove(bytes: Uint8Array, start: number, length: number, hash: number): void {
    const ref = this.table.find(bytes, start, length, hash);
    if (ref === NULL_REF) return;
    this.heap.remove(ref);
    this.table.remove(hash, ref);
    this.blockBytes -= elementBytes(this.arena, ref);
    freeElement(this.arena, ref);
  }
}
