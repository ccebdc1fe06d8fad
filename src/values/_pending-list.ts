/**
 * Pending entries in the order of their IDs: chunks of typed arrays, so that a million of them are
 * some thousands of objects. A group's list has with each ID when it was delivered last, how often,
 * and to whom; a consumer's has the IDs alone.
 *
 *     chunk   [first … end) of its arrays are used; IDs grow within a chunk and from one to the next
 *
 * Entries mostly come at the end and go at the front: both cost nothing but a step of `end` or
 * `first`. Invariants: no chunk is empty; a place (chunk, index) is valid until the next change.
 */
import type { ByteCounter } from "../memory/object-table.ts";
import type { StreamId } from "./stream-id.ts";

const CHUNK_ENTRIES = 128;
const FIRST_CHUNK_ENTRIES = 4;
const ID_WORDS = 4;
/** Delivery time and number of deliveries. */
const STATS = 2;
/** The typed arrays of a chunk and the chunk itself. */
const CHUNK_OVERHEAD_BYTES = 320;

class Chunk {
  first = 0;
  end = 0;
  ids: Uint32Array;
  stats: Float64Array;
  owners: Uint32Array;

  constructor(capacity: number, hasDetails: boolean) {
    this.ids = new Uint32Array(capacity * ID_WORDS);
    this.stats = new Float64Array(hasDetails ? capacity * STATS : 0);
    this.owners = new Uint32Array(hasDetails ? capacity : 0);
  }

  get capacity(): number {
    return this.ids.length / ID_WORDS;
  }

  get sizeBytes(): number {
    const arrayBytes = this.ids.byteLength + this.stats.byteLength + this.owners.byteLength;
    return CHUNK_OVERHEAD_BYTES + arrayBytes;
  }

  /** Moves `count` entries from index `from` of `source` to index `to` of this chunk. */
  take(source: Chunk, from: number, to: number, count: number): void {
    const { ids, stats, owners } = source;
    this.ids.set(ids.subarray(from * ID_WORDS, (from + count) * ID_WORDS), to * ID_WORDS);
    if (stats.length === 0) return;
    this.stats.set(stats.subarray(from * STATS, (from + count) * STATS), to * STATS);
    this.owners.set(owners.subarray(from, from + count), to);
  }

  /** Negative, 0 or positive, as the entry's ID comes before, equals or follows `id`. */
  compare(index: number, id: StreamId): number {
    const { ids } = this;
    const at = index * ID_WORDS;
    return (
      ids[at] - id.msHigh ||
      ids[at + 1] - id.msLow ||
      ids[at + 2] - id.seqHigh ||
      ids[at + 3] - id.seqLow
    );
  }
}

export class PendingList {
  /** Entries in all. */
  size = 0;
  private readonly chunks: Chunk[] = [];
  private readonly hasDetails: boolean;
  /** Counts what the chunks take. */
  private readonly counter: ByteCounter;
  sizeBytes = 0;
  /** Where `find`, `seek` or `next` stands. */
  private chunk = 0;
  private index = 0;

  constructor(hasDetails: boolean, counter: ByteCounter) {
    this.hasDetails = hasDetails;
    this.counter = counter;
  }

  /** Stands on the entry with this ID; false, and where it would be, if there is none. */
  find(id: StreamId): boolean {
    this.seek(id);
    return !this.isAtEnd && this.chunks[this.chunk].compare(this.index, id) === 0;
  }

  /** Stands on the first entry that is not in front of this ID. */
  seek(id: StreamId): void {
    const { chunks } = this;
    let low = 0;
    let high = chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (chunks[middle].compare(chunks[middle].end - 1, id) < 0) low = middle + 1;
      else high = middle;
    }
    this.chunk = low;
    this.index = 0;
    if (low === chunks.length) return;
    const chunk = chunks[low];
    let from = chunk.first;
    let to = chunk.end - 1;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (chunk.compare(middle, id) < 0) from = middle + 1;
      else to = middle;
    }
    this.index = from;
  }

  seekFirst(): void {
    this.chunk = 0;
    this.index = this.chunks.length === 0 ? 0 : this.chunks[0].first;
  }

  seekLast(): void {
    this.chunk = this.chunks.length - 1;
    this.index = this.size === 0 ? 0 : this.chunks[this.chunk].end - 1;
  }

  get isAtEnd(): boolean {
    return this.chunk >= this.chunks.length;
  }

  next(): void {
    const { chunks } = this;
    if (++this.index < chunks[this.chunk].end) return;
    this.chunk++;
    this.index = this.isAtEnd ? 0 : chunks[this.chunk].first;
  }

  /** The entry that it stands on. */
  readId(id: StreamId): StreamId {
    const { ids } = this.chunks[this.chunk];
    const at = this.index * ID_WORDS;
    return id.set(ids[at], ids[at + 1], ids[at + 2], ids[at + 3]);
  }

  /** When it was delivered last: unix milliseconds. */
  get deliveredMs(): number {
    return this.chunks[this.chunk].stats[this.index * STATS];
  }

  get deliveries(): number {
    return this.chunks[this.chunk].stats[this.index * STATS + 1];
  }

  get owner(): number {
    return this.chunks[this.chunk].owners[this.index];
  }

  setDetails(deliveredMs: number, deliveries: number, owner: number): void {
    const { stats, owners } = this.chunks[this.chunk];
    stats[this.index * STATS] = deliveredMs;
    stats[this.index * STATS + 1] = deliveries;
    owners[this.index] = owner;
  }

  /** Adds an entry that is not there, and stands on it. */
  insert(id: StreamId): void {
    const { chunks } = this;
    const last = chunks.length - 1;
    if (last < 0 || chunks[last].compare(chunks[last].end - 1, id) < 0) this.openLast();
    else this.openAt(id);
    const { ids } = chunks[this.chunk];
    const at = this.index * ID_WORDS;
    ids[at] = id.msHigh;
    ids[at + 1] = id.msLow;
    ids[at + 2] = id.seqHigh;
    ids[at + 3] = id.seqLow;
    this.size++;
  }

  /** Removes the entry that it stands on, and stands on the one behind it. */
  remove(): void {
    const chunk = this.chunks[this.chunk];
    const { index } = this;
    this.size--;
    if (index === chunk.first) {
      chunk.first++;
      this.index++;
    } else {
      this.closeGap(chunk, index);
    }
    if (chunk.first === chunk.end) this.drop(this.chunk);
    else if (chunk.end - chunk.first <= CHUNK_ENTRIES / 8) this.merge();
    const { chunks } = this;
    if (this.isAtEnd) return;
    if (this.index >= chunks[this.chunk].end) {
      this.chunk++;
      this.index = this.isAtEnd ? 0 : chunks[this.chunk].first;
    } else {
      this.index = Math.max(this.index, chunks[this.chunk].first);
    }
  }

  /** Gives up everything. */
  clear(): void {
    this.counter.bytes -= this.sizeBytes;
    this.sizeBytes = 0;
    this.chunks.length = 0;
    this.size = 0;
  }

  copyTo(counter: ByteCounter): PendingList {
    const copy = new PendingList(this.hasDetails, counter);
    for (const chunk of this.chunks) {
      const count = chunk.end - chunk.first;
      const twin = copy.newChunk(copy.chunks.length, count);
      twin.take(chunk, chunk.first, 0, count);
      twin.end = count;
    }
    copy.size = this.size;
    return copy;
  }

  /** Makes room behind all others. */
  private openLast(): void {
    const { chunks } = this;
    let last = chunks.length - 1;
    if (last < 0 || (chunks[last].end === chunks[last].capacity && !this.makeRoom(last))) {
      last++;
      this.newChunk(last, last === 0 ? FIRST_CHUNK_ENTRIES : CHUNK_ENTRIES);
    }
    this.chunk = last;
    this.index = chunks[last].end++;
  }

  /** Makes room for this ID in front of the first that follows it. */
  private openAt(id: StreamId): void {
    this.seek(id);
    const full = this.chunks[this.chunk];
    if (full.end === full.capacity) {
      if (!this.makeRoom(this.chunk)) this.split(this.chunk);
      this.seek(id);
    }
    const chunk = this.chunks[this.chunk];
    const { index } = this;
    chunk.ids.copyWithin((index + 1) * ID_WORDS, index * ID_WORDS, chunk.end * ID_WORDS);
    if (this.hasDetails) {
      chunk.stats.copyWithin((index + 1) * STATS, index * STATS, chunk.end * STATS);
      chunk.owners.copyWithin(index + 1, index, chunk.end);
    }
    chunk.end++;
  }

  /** Moves or grows a chunk so that it has room at its end; false where it is full. */
  private makeRoom(place: number): boolean {
    const chunk = this.chunks[place];
    const count = chunk.end - chunk.first;
    if (count === CHUNK_ENTRIES) return false;
    const capacity = Math.min(CHUNK_ENTRIES, Math.max(count * 2, FIRST_CHUNK_ENTRIES));
    const roomy = new Chunk(capacity, this.hasDetails);
    roomy.take(chunk, chunk.first, 0, count);
    roomy.end = count;
    this.account(roomy.sizeBytes - chunk.sizeBytes);
    this.chunks[place] = roomy;
    return true;
  }

  private split(place: number): void {
    const chunk = this.chunks[place];
    const middle = (chunk.first + chunk.end) >>> 1;
    const upper = this.newChunk(place + 1, CHUNK_ENTRIES);
    upper.take(chunk, middle, 0, chunk.end - middle);
    upper.end = chunk.end - middle;
    chunk.end = middle;
  }

  private closeGap(chunk: Chunk, index: number): void {
    chunk.ids.copyWithin(index * ID_WORDS, (index + 1) * ID_WORDS, chunk.end * ID_WORDS);
    if (this.hasDetails) {
      chunk.stats.copyWithin(index * STATS, (index + 1) * STATS, chunk.end * STATS);
      chunk.owners.copyWithin(index, index + 1, chunk.end);
    }
    chunk.end--;
  }

  /** Puts the chunk it stands in together with the one behind it, where both hold little. */
  private merge(): void {
    const chunk = this.chunks[this.chunk];
    const follower = this.chunks[this.chunk + 1];
    if (follower === undefined) return;
    const count = chunk.end - chunk.first;
    const more = follower.end - follower.first;
    if (count + more > CHUNK_ENTRIES / 2) return;
    const both = new Chunk(CHUNK_ENTRIES, this.hasDetails);
    both.take(chunk, chunk.first, 0, count);
    both.take(follower, follower.first, count, more);
    both.end = count + more;
    this.index -= chunk.first;
    this.account(both.sizeBytes - chunk.sizeBytes);
    this.chunks[this.chunk] = both;
    this.account(-follower.sizeBytes);
    this.chunks.splice(this.chunk + 1, 1);
  }

  private newChunk(place: number, capacity: number): Chunk {
    const chunk = new Chunk(capacity, this.hasDetails);
    this.chunks.splice(place, 0, chunk);
    this.account(chunk.sizeBytes);
    return chunk;
  }

  private drop(place: number): void {
    this.account(-this.chunks[place].sizeBytes);
    this.chunks.splice(place, 1);
    this.index = this.isAtEnd ? 0 : this.chunks[place].first;
  }

  private account(bytes: number): void {
    this.sizeBytes += bytes;
    this.counter.bytes += bytes;
  }
}
