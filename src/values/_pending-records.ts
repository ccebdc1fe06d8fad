/**
 * Records under stream IDs, sorted by these: what a consumer group keeps of its pending entries,
 * and each consumer of its own. They stand in blocks of the arena, without a JS object for each.
 *
 *     directory   chunks, in order: `refs` from `firstChunk` up to `endChunk`
 *     chunk       first:4  end:4  capacity:4  -:4   then records; `first` and `end` count these
 *     record      ID: msHigh:4  msLow:4  seqHigh:4  seqLow:4   then words of the owner's
 *
 * Both the directory and a chunk may have a gap at the front, so that removing what is first and
 * appending cost O(1); in between a part of one chunk is moved. A search is binary.
 *
 * There is one position: a chunk and a record in it. `seek` sets it, every change leaves it valid,
 * and since records are often removed one after the other, a search looks there first.
 *
 * Invariants: no chunk is empty, but for the only one of an empty list; IDs rise strictly.
 */
import { SLAB_SHIFT, UNIT_MASK } from "../memory/arena.ts";
import { arrayCost } from "../memory/array-cost.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import type { StreamId } from "./stream-id.ts";

export const ID_WORDS = 4;

const MAX_CHUNK_BYTES = 4096;
const FIRST_RECORDS = 4;
/** An empty list keeps a chunk up to this size. */
const KEPT_BYTES = 1024;
const WORD_BYTES = 4;
const HEADER_WORDS = 4;
const FIRST = 0;
const END = 1;
const CAPACITY = 2;
const FIRST_CHUNKS = 4;
/** The object itself. */
const OBJECT_BYTES = 224;
const NO_REFS = new Int32Array(0);
const NO_WORDS = new Int32Array(0);

export class PendingRecords {
  size = 0;
  /** Blocks and arrays. */
  sizeBytes = 0;
  /** The record at the position: `words[at]` is its first word. Not while `isAtEnd`. */
  words: Int32Array = NO_WORDS;
  at = 0;

  private refs: Int32Array = NO_REFS;
  private firstChunk = 0;
  private endChunk = 0;
  private chunk = 0;
  private index = 0;
  /** Where the chunk of the position begins in `words`. */
  private base = 0;
  /** Chunks in front of this place of the directory were looked at by `compact`. */
  private compacted = 0;
  private readonly arena: Arena;
  private readonly recordWords: number;
  private readonly maxRecords: number;

  constructor(arena: Arena, recordWords: number) {
    this.arena = arena;
    this.recordWords = recordWords;
    this.maxRecords = Math.floor((MAX_CHUNK_BYTES / WORD_BYTES - HEADER_WORDS) / recordWords);
    this.account(OBJECT_BYTES);
  }

  /** Whether the position is behind the last record. */
  get isAtEnd(): boolean {
    return this.chunk === this.endChunk || this.index >= this.words[this.base + END];
  }

  /** Moves to the first record; false where there is none. */
  seekFirst(): boolean {
    if (this.size === 0) {
      this.chunk = this.endChunk;
      return false;
    }
    this.enter(this.firstChunk);
    this.stand(this.words[this.base + FIRST]);
    return true;
  }

  seekLast(): boolean {
    if (this.size === 0) {
      this.chunk = this.endChunk;
      return false;
    }
    this.enter(this.endChunk - 1);
    this.stand(this.words[this.base + END] - 1);
    return true;
  }

  /** Moves to the first record whose ID is not in front of this one; whether it has this ID. */
  seek(id: StreamId): boolean {
    if (this.size === 0) {
      this.chunk = this.endChunk;
      return false;
    }
    if (!this.isAtEnd && this.compare(id) === 0) return true;
    this.seekLast();
    if (this.compare(id) < 0) {
      this.index++;
      return false;
    }
    let low = this.firstChunk;
    let high = this.endChunk - 1;
    // The last chunk that does not begin behind the ID, or the first one.
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      this.enter(middle);
      this.stand(this.words[this.base + FIRST]);
      if (this.compare(id) <= 0) low = middle;
      else high = middle - 1;
    }
    this.enter(low);
    return this.seekInChunk(id);
  }

  /** Moves to the next record; false where there is none. */
  next(): boolean {
    if (this.index + 1 < this.words[this.base + END]) {
      this.stand(this.index + 1);
      return true;
    }
    return this.enterNext();
  }

  /** Reads the ID at the position. */
  readId(id: StreamId): StreamId {
    const { words, at } = this;
    return id.set(words[at] >>> 0, words[at + 1] >>> 0, words[at + 2] >>> 0, words[at + 3] >>> 0);
  }

  /**
   * Puts a record in front of the position, where `seek` of its ID has just been, and moves there.
   * Its other words are undefined.
   */
  insert(id: StreamId): void {
    const { base, index } = this;
    if (this.size > 0 && index < this.words[base + END] && this.words[base + FIRST] > 0) {
      this.openFront();
    } else {
      this.openBehind();
    }
    const { words, at } = this;
    words[at] = id.msHigh;
    words[at + 1] = id.msLow;
    words[at + 2] = id.seqHigh;
    words[at + 3] = id.seqLow;
    this.size++;
  }

  /** Removes the record at the position and moves to the one behind it. */
  remove(): void {
    const { words, base, recordWords, index } = this;
    const first = words[base + FIRST];
    const end = words[base + END];
    this.size--;
    if (end - first === 1) {
      this.dropChunk();
      return;
    }
    if (index - first < end - index - 1) {
      const from = this.placeOf(first);
      if (index > first) words.copyWithin(from + recordWords, from, this.placeOf(index));
      words[base + FIRST] = first + 1;
      this.stand(index + 1);
    } else {
      words.copyWithin(this.placeOf(index), this.placeOf(index + 1), this.placeOf(end));
      words[base + END] = end - 1;
    }
    this.mergeWithNext();
    if (this.index === this.words[this.base + END]) this.enterNext();
  }

  /**
   * Moves chunks out of the arena's leaving pages, with the budget of a `Collection`'s `compact`.
   * Returns what is left of it: nothing where the walk has to go on. The position stays.
   */
  compact(begins: boolean, budget: number): number {
    let place = begins ? this.firstChunk : Math.max(this.firstChunk, this.compacted);
    let left = budget;
    for (; left > 0 && place < this.endChunk; place++) {
      const before = this.refs[place] as Ref;
      const ref = this.arena.evacuate(before);
      left--;
      if (ref === before) continue;
      left -= this.arena.capacity(ref) >>> 10;
      this.refs[place] = ref;
      if (place !== this.chunk) continue;
      this.enter(place);
      this.stand(this.index);
    }
    this.compacted = place;
    return Math.max(0, left);
  }

  /** Frees up to `budget` chunks; false once nothing is left. To be called at the end. */
  free(budget: number): boolean {
    for (let i = 0; i < budget && this.endChunk > this.firstChunk; i++) {
      this.freeChunk(this.refs[--this.endChunk] as Ref);
    }
    this.size = 0;
    if (this.endChunk > this.firstChunk) return true;
    this.account(-this.sizeBytes);
    this.refs = NO_REFS;
    return false;
  }

  copyTo(arena: Arena): PendingRecords {
    const copy = new PendingRecords(arena, this.recordWords);
    for (let i = this.firstChunk; i < this.endChunk; i++) {
      this.enter(i);
      const { words, base } = this;
      const capacity = words[base + CAPACITY];
      copy.addChunk(i - this.firstChunk, capacity);
      copy.words.set(words.subarray(base, this.placeOf(capacity)), copy.base);
    }
    copy.size = this.size;
    copy.seekFirst();
    this.seekFirst();
    return copy;
  }

  /** Negative, 0 or positive, as the ID at the position is in front of, equals or follows `id`. */
  compare(id: StreamId): number {
    const { words, at } = this;
    return (
      (words[at] >>> 0) - id.msHigh ||
      (words[at + 1] >>> 0) - id.msLow ||
      (words[at + 2] >>> 0) - id.seqHigh ||
      (words[at + 3] >>> 0) - id.seqLow
    );
  }

  private seekInChunk(id: StreamId): boolean {
    let low = this.words[this.base + FIRST];
    let high = this.words[this.base + END];
    while (low < high) {
      const middle = (low + high) >>> 1;
      this.stand(middle);
      const order = this.compare(id);
      if (order === 0) return true;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    this.stand(low);
    // Behind this chunk's last record comes the next one's first.
    if (low === this.words[this.base + END]) this.enterNext();
    return false;
  }

  private enter(chunk: number): void {
    const ref = this.refs[chunk];
    this.chunk = chunk;
    this.words = this.arena.words[ref >>> SLAB_SHIFT];
    this.base = (ref & UNIT_MASK) << 2;
  }

  private stand(index: number): void {
    this.index = index;
    this.at = this.placeOf(index);
  }

  private placeOf(index: number): number {
    return this.base + HEADER_WORDS + index * this.recordWords;
  }

  /** Moves to the next chunk's first record, or behind the last record. */
  private enterNext(): boolean {
    if (this.chunk + 1 < this.endChunk) {
      this.enter(this.chunk + 1);
      this.stand(this.words[this.base + FIRST]);
      return true;
    }
    if (this.chunk < this.endChunk) this.index = this.words[this.base + END];
    return false;
  }

  /** Moves what is in front of the position into the gap at the chunk's front. */
  private openFront(): void {
    const { words, base, recordWords } = this;
    const first = words[base + FIRST];
    const from = this.placeOf(first);
    words.copyWithin(from - recordWords, from, this.placeOf(this.index));
    words[base + FIRST] = first - 1;
    this.stand(this.index - 1);
  }

  /** Moves what is behind the position towards the chunk's end. */
  private openBehind(): void {
    this.makeRoom();
    const { words, base, recordWords, index } = this;
    const end = words[base + END];
    const at = this.placeOf(index);
    if (index < end) words.copyWithin(at + recordWords, at, this.placeOf(end));
    words[base + END] = end + 1;
    this.at = at;
  }

  /** Lets the position's chunk have room behind its last record. */
  private makeRoom(): void {
    if (this.chunk === this.endChunk) {
      // There is no record; there may be an empty chunk.
      if (this.endChunk === this.firstChunk) this.addChunk(this.firstChunk, FIRST_RECORDS);
      else this.enter(this.firstChunk);
      this.words[this.base + FIRST] = this.words[this.base + END] = 0;
      this.stand(0);
      return;
    }
    const { words, base } = this;
    const first = words[base + FIRST];
    const end = words[base + END];
    const capacity = words[base + CAPACITY];
    if (end < capacity) return;
    if (first * 2 >= capacity) this.closeGap();
    else if (capacity < this.maxRecords) this.regrow(Math.min(capacity * 2, this.maxRecords));
    else this.split();
  }

  /** Moves the chunk's records to its front. */
  private closeGap(): void {
    const { words, base } = this;
    const first = words[base + FIRST];
    const end = words[base + END];
    words.copyWithin(this.placeOf(0), this.placeOf(first), this.placeOf(end));
    words[base + FIRST] = 0;
    words[base + END] = end - first;
    this.stand(this.index - first);
  }

  private regrow(capacity: number): void {
    const { words, base, chunk } = this;
    const old = this.refs[chunk] as Ref;
    const first = words[base + FIRST];
    const end = words[base + END];
    const from = this.placeOf(first);
    const to = this.placeOf(end);
    const ref = this.newChunk(capacity);
    this.refs[chunk] = ref;
    this.enter(chunk);
    this.words.set(words.subarray(from, to), this.placeOf(0));
    this.words[this.base + END] = end - first;
    this.stand(this.index - first);
    this.freeChunk(old);
  }

  /** Divides a full chunk in two; at the end of all, begins an empty one. */
  private split(): void {
    const { words, base, chunk, index } = this;
    const end = words[base + END];
    if (chunk === this.endChunk - 1 && index === end) {
      this.addChunk(chunk + 1, this.maxRecords);
      this.stand(0);
      return;
    }
    const middle = (words[base + FIRST] + end) >>> 1;
    const from = this.placeOf(middle);
    const to = this.placeOf(end);
    words[base + END] = middle;
    // `base` and `words` stay those of the divided chunk while the directory may move.
    this.addChunk(chunk + 1, this.maxRecords);
    this.words.set(words.subarray(from, to), this.placeOf(0));
    this.words[this.base + END] = end - middle;
    if (index > middle) {
      this.stand(index - middle);
      return;
    }
    this.enter(this.chunk - 1);
    this.stand(index);
  }

  /** Takes in the next chunk's records where both have become few. */
  private mergeWithNext(): void {
    const { words, base, chunk } = this;
    if (chunk + 1 >= this.endChunk) return;
    const count = words[base + END] - words[base + FIRST];
    const capacity = words[base + CAPACITY];
    if (count * 4 > capacity) return;
    const next = this.refs[chunk + 1] as Ref;
    const nextWords = this.arena.words[next >>> SLAB_SHIFT];
    const nextBase = (next & UNIT_MASK) << 2;
    const nextFirst = nextWords[nextBase + FIRST];
    const nextCount = nextWords[nextBase + END] - nextFirst;
    if ((count + nextCount) * 4 > capacity * 3) return;
    this.closeGap();
    const from = nextBase + HEADER_WORDS + nextFirst * this.recordWords;
    const to = from + nextCount * this.recordWords;
    words.set(nextWords.subarray(from, to), this.placeOf(count));
    words[base + END] = count + nextCount;
    this.removePlace(chunk + 1);
    this.freeChunk(next);
  }

  /** The last record of the position's chunk is gone. */
  private dropChunk(): void {
    const { words, base, chunk } = this;
    const isOnly = this.endChunk - this.firstChunk === 1;
    if (isOnly && words[base + CAPACITY] * this.recordWords * WORD_BYTES <= KEPT_BYTES) {
      words[base + FIRST] = words[base + END] = 0;
      this.chunk = this.endChunk;
      return;
    }
    const ref = this.refs[chunk] as Ref;
    const wasFirst = chunk === this.firstChunk;
    this.removePlace(chunk);
    this.freeChunk(ref);
    const next = wasFirst ? this.firstChunk : chunk;
    this.chunk = next;
    if (next === this.endChunk) return;
    this.enter(next);
    this.stand(this.words[this.base + FIRST]);
  }

  /** Puts an empty chunk at a place of the directory and enters it. */
  private addChunk(place: number, capacity: number): void {
    let at = place;
    if (this.endChunk === this.refs.length) at -= this.moveDirectory();
    const { refs } = this;
    const ref = this.newChunk(capacity);
    refs.copyWithin(at + 1, at, this.endChunk);
    refs[at] = ref;
    this.endChunk++;
    this.enter(at);
  }

  /** Makes room at the directory's end; returns by how many places everything moved down. */
  private moveDirectory(): number {
    const { refs, firstChunk, endChunk } = this;
    const count = endChunk - firstChunk;
    let target = refs;
    if (firstChunk * 2 < refs.length || refs.length === 0) {
      target = new Int32Array(Math.max(FIRST_CHUNKS, refs.length * 2));
      const before = refs.length === 0 ? 0 : arrayCost(refs.byteLength);
      this.account(arrayCost(target.byteLength) - before);
      target.set(refs.subarray(firstChunk, endChunk));
    } else {
      target.copyWithin(0, firstChunk, endChunk);
    }
    this.refs = target;
    this.compacted = Math.max(0, this.compacted - firstChunk);
    this.firstChunk = 0;
    this.endChunk = count;
    return firstChunk;
  }

  private removePlace(place: number): void {
    if (place === this.firstChunk) {
      this.firstChunk++;
      return;
    }
    if (place < this.compacted) this.compacted--;
    this.refs.copyWithin(place, place + 1, this.endChunk);
    this.endChunk--;
  }

  private newChunk(records: number): Ref {
    const { arena } = this;
    const ref = arena.allocate((HEADER_WORDS + records * this.recordWords) * WORD_BYTES);
    const bytes = arena.capacity(ref);
    this.sizeBytes += bytes;
    const words = arena.words[ref >>> SLAB_SHIFT];
    const base = (ref & UNIT_MASK) << 2;
    words[base + FIRST] = words[base + END] = 0;
    words[base + CAPACITY] = Math.floor((bytes / WORD_BYTES - HEADER_WORDS) / this.recordWords);
    return ref;
  }

  private freeChunk(ref: Ref): void {
    this.sizeBytes -= this.arena.capacity(ref);
    this.arena.free(ref);
  }

  /** Counts what is no block, in both sums. */
  private account(bytes: number): void {
    this.sizeBytes += bytes;
    this.arena.objects.collections.bytes += bytes;
  }
}
