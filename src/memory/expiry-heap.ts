/**
 * Elements in the order in which they expire: a binary heap of (unix milliseconds, Ref). The
 * first one is due first; adding, moving and taking out any of them costs O(log n), so nobody has
 * to walk a large hash, or all hashes, to find what has expired.
 *
 *     chunk   4096 places, the only chunk as few as 4: times (Float64Array), refs (Int32Array)
 *     place   behind the one at (place - 1) >> 1, which is due no later
 *
 * Invariant: the number of an element (memory/element.ts) is its place here. So an element tells
 * its own time without a search; who moves an element to another block must call `moved`.
 * It grows by whole chunks, without copying what is there.
 */
import type { Arena, Ref } from "./arena.ts";
import { arrayCost } from "./array-cost.ts";
import { numberOf, setNumberOf } from "./element.ts";
import type { ByteCounter } from "./memory-counter.ts";

const CHUNK_BITS = 12;
const CHUNK_PLACES = 1 << CHUNK_BITS;
const CHUNK_MASK = CHUNK_PLACES - 1;
const FIRST_PLACES = 4;
/** The object itself with its lists. */
const OBJECT_BYTES = 272;

export class ExpiryHeap {
  size = 0;
  sizeBytes = 0;
  private readonly times: Float64Array[] = [];
  private readonly refs: Int32Array[] = [];
  private places = 0;
  private readonly arena: Arena;
  private readonly counter: ByteCounter;

  /** What the heap takes is also added to `counter`. */
  constructor(arena: Arena, counter: ByteCounter) {
    this.arena = arena;
    this.counter = counter;
    this.account(OBJECT_BYTES);
    this.addChunk(FIRST_PLACES);
  }

  /** When the first element is due; Infinity where there is none. */
  get firstMs(): number {
    return this.size === 0 ? Infinity : this.times[0][0];
  }

  /**
   * One of the elements that are due before `ms`, which `firstMs` must be. Among them it is one
   * that costs little to take out, since hardly anything has to sink in its place: the last of the
   * heap, or one above none that is due. While a million are due, that is a tenth of the cost of
   * taking the first each time.
   */
  dueBefore(ms: number): Ref {
    const { size } = this;
    if (this.timeAt(size - 1) < ms) return this.refAt(size - 1);
    let place = 0;
    for (;;) {
      const child = 2 * place + 1;
      if (child < size && this.timeAt(child) < ms) place = child;
      else if (child + 1 < size && this.timeAt(child + 1) < ms) place = child + 1;
      else return this.refAt(place);
    }
  }

  timeOf(ref: Ref): number {
    return this.timeAt(numberOf(this.arena, ref));
  }

  /** Adds an element that was made with a number. */
  add(ref: Ref, whenMs: number): void {
    if (this.size === this.places) this.grow();
    this.rise(this.size++, ref, whenMs);
  }

  change(ref: Ref, whenMs: number): void {
    const place = numberOf(this.arena, ref);
    if (whenMs < this.timeAt(place)) this.rise(place, ref, whenMs);
    else this.sink(place, ref, whenMs);
  }

  /** The element that had this number is now `to`, which has it too. */
  moved(to: Ref): void {
    const place = numberOf(this.arena, to);
    this.refs[place >>> CHUNK_BITS][place & CHUNK_MASK] = to;
  }

  /** Takes an element out; its number means nothing any more. */
  remove(ref: Ref): void {
    const place = numberOf(this.arena, ref);
    const removedMs = this.timeAt(place);
    const last = --this.size;
    if (place !== last) {
      const lastMs = this.timeAt(last);
      if (lastMs < removedMs) this.rise(place, this.refAt(last), lastMs);
      else this.sink(place, this.refAt(last), lastMs);
    }
    // One chunk is kept in reserve, so that a heap about its edge does not make and drop it.
    if (this.places - this.size >= 2 * CHUNK_PLACES) this.dropChunk();
  }

  /** To be called once, when the heap is thrown away. */
  release(): void {
    this.account(-this.sizeBytes);
  }

  private timeAt(place: number): number {
    return this.times[place >>> CHUNK_BITS][place & CHUNK_MASK];
  }

  private refAt(place: number): Ref {
    return this.refs[place >>> CHUNK_BITS][place & CHUNK_MASK] as Ref;
  }

  private put(place: number, ref: Ref, whenMs: number): void {
    this.times[place >>> CHUNK_BITS][place & CHUNK_MASK] = whenMs;
    this.refs[place >>> CHUNK_BITS][place & CHUNK_MASK] = ref;
    setNumberOf(this.arena, ref, place);
  }

  private rise(from: number, ref: Ref, whenMs: number): void {
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const parentMs = this.timeAt(parent);
      if (parentMs <= whenMs) break;
      this.put(place, this.refAt(parent), parentMs);
      place = parent;
    }
    this.put(place, ref, whenMs);
  }

  private sink(from: number, ref: Ref, whenMs: number): void {
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.size) break;
      if (child + 1 < this.size && this.timeAt(child + 1) < this.timeAt(child)) child++;
      const childMs = this.timeAt(child);
      if (childMs >= whenMs) break;
      this.put(place, this.refAt(child), childMs);
      place = child;
    }
    this.put(place, ref, whenMs);
  }

  private grow(): void {
    if (this.places >= CHUNK_PLACES) {
      this.addChunk(CHUNK_PLACES);
      return;
    }
    const [times] = this.times;
    const [refs] = this.refs;
    this.times.length = this.refs.length = 0;
    this.places = 0;
    this.account(-chunkBytes(times.length));
    this.addChunk(times.length * 2);
    this.times[0].set(times);
    this.refs[0].set(refs);
  }

  private addChunk(places: number): void {
    this.times.push(new Float64Array(places));
    this.refs.push(new Int32Array(places));
    this.places += places;
    this.account(chunkBytes(places));
  }

  private dropChunk(): void {
    this.times.pop();
    this.refs.pop();
    this.places -= CHUNK_PLACES;
    this.account(-chunkBytes(CHUNK_PLACES));
  }

  private account(bytes: number): void {
    this.sizeBytes += bytes;
    this.counter.bytes += bytes;
  }
}

function chunkBytes(places: number): number {
  return arrayCost(8 * places) + arrayCost(4 * places);
}
