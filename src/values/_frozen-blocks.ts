/**
 * The blocks of a large list or stream as they were when it was frozen. A block that is about to
 * change or to go, and has not been shown, is copied first (`keep`); the others are read where they
 * lie. Blocks are known by their place in memory, since their numbers shift.
 */
import type { Arena } from "../memory/arena.ts";
import { SLAB_SHIFT, UNIT_MASK } from "../memory/arena.ts";
import type { Collection } from "../memory/object-table.ts";

/** Refs are below it, handles of the object table begin here. */
const FIRST_HANDLE = 4294967296;

export abstract class FrozenBlocks {
  isAbandoned = false;
  shownBytes = 0;
  /** Blocks below have been shown. */
  protected next = 0;
  /** From a block's place to its number. */
  private readonly numbers = new Map<number, number>();
  private readonly copies: (Uint8Array | undefined)[] = [];
  private readonly places: Float64Array;
  private readonly starts: Int32Array;
  private readonly lengths: Int32Array;
  protected readonly arena: Arena;
  private readonly collection: Collection;

  constructor(arena: Arena, collection: Collection, count: number) {
    this.arena = arena;
    this.collection = collection;
    this.places = new Float64Array(count);
    this.starts = new Int32Array(count);
    this.lengths = new Int32Array(count);
  }

  /** Lets go of the collection: it must forget this. */
  protected abstract detach(): void;

  protected get count(): number {
    return this.places.length;
  }

  /** Takes block `number`: a Ref, or a handle where `isHandle`, and the part of it that counts. */
  protected take(
    number: number,
    ref: number,
    isHandle: boolean,
    start: number,
    length: number,
  ): void {
    const place = placeOf(ref, isHandle);
    this.places[number] = place;
    this.starts[number] = start;
    this.lengths[number] = length;
    this.numbers.set(place, number);
  }

  /** To be called before a block changes or goes. */
  keep(ref: number, isHandle: boolean): void {
    const place = placeOf(ref, isHandle);
    const number = this.numbers.get(place);
    if (number === undefined) return;
    this.numbers.delete(place);
    if (number < this.next) return;
    const base = isHandle ? 0 : (ref & UNIT_MASK) << 4;
    const from = base + this.starts[number];
    const bytes = isHandle ? this.arena.objects.bytes(ref) : this.arena.bytes[ref >>> SLAB_SHIFT];
    this.copies[number] = bytes.slice(from, from + this.lengths[number]);
  }

  /** Shows the next `budget` blocks; false once all have been shown. */
  protected walkBlocks(
    budget: number,
    visit: (number: number, bytes: Uint8Array, start: number, length: number) => void,
  ): boolean {
    const end = Math.min(this.count, this.next + budget);
    for (; this.next < end; this.next++) {
      const { next: number } = this;
      const copy = this.copies[number];
      this.shownBytes += this.lengths[number];
      if (copy !== undefined) {
        visit(number, copy, 0, copy.length);
        this.copies[number] = undefined;
      } else {
        this.showInPlace(number, visit);
      }
    }
    return this.next < this.count;
  }

  private showInPlace(
    number: number,
    visit: (number: number, bytes: Uint8Array, start: number, length: number) => void,
  ): void {
    const place = this.places[number];
    const start = this.starts[number];
    if (place >= FIRST_HANDLE) {
      visit(number, this.arena.objects.bytes(place - FIRST_HANDLE), start, this.lengths[number]);
      return;
    }
    const base = (place & UNIT_MASK) << 4;
    visit(number, this.arena.bytes[place >>> SLAB_SHIFT], base + start, this.lengths[number]);
  }

  thaw(): void {
    this.detach();
    this.numbers.clear();
    if (this.isAbandoned) this.arena.objects.reclaim(this.collection);
  }
}

function placeOf(ref: number, isHandle: boolean): number {
  return isHandle ? FIRST_HANDLE + ref : ref >>> 0;
}
