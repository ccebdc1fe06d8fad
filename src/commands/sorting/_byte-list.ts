/**
 * Copies of byte strings, by index: SORT looks up other keys between reading its elements and
 * using them. They lie one behind the other in chunks, so that a long list of short strings costs
 * neither objects nor copying when it grows, and a long string gets a chunk of its own.
 */
import { compareBytes, copyBytes } from "../../base/bytes.ts";
import type { ByteView } from "../../memory/element.ts";

const FIRST_ITEMS = 64;
const FIRST_CHUNK_BYTES = 4096;
const MAX_CHUNK_BYTES = 1 << 20;
/** Larger lists are given up when they are cleared. */
const KEPT_ITEMS = 4096;
/** The length of what is missing. */
const MISSING = -1;

export class ByteList {
  count = 0;
  private chunks: Uint8Array[] = [new Uint8Array(FIRST_CHUNK_BYTES)];
  /** Bytes used of the last chunk. */
  private used = 0;
  private chunkOf: Int32Array = new Int32Array(FIRST_ITEMS);
  private starts: Int32Array = new Int32Array(FIRST_ITEMS);
  private lengths: Int32Array = new Int32Array(FIRST_ITEMS);

  clear(): void {
    this.count = 0;
    this.used = 0;
    const [first] = this.chunks;
    this.chunks.length = 1;
    if (first.length > FIRST_CHUNK_BYTES) this.chunks[0] = new Uint8Array(FIRST_CHUNK_BYTES);
    if (this.starts.length > KEPT_ITEMS) this.resize(FIRST_ITEMS);
  }

  add(bytes: Uint8Array, start: number, length: number): void {
    let chunk = this.chunks[this.chunks.length - 1];
    if (this.used + length > chunk.length) {
      chunk = new Uint8Array(Math.max(length, Math.min(chunk.length * 2, MAX_CHUNK_BYTES)));
      this.chunks.push(chunk);
      this.used = 0;
    }
    copyBytes(chunk, this.used, bytes, start, length);
    this.append(this.chunks.length - 1, this.used, length);
    this.used += length;
  }

  /** Adds an item that is less than every string. */
  addMissing(): void {
    this.append(0, 0, MISSING);
  }

  read(index: number, view: ByteView): void {
    view.set(this.chunks[this.chunkOf[index]], this.starts[index], this.lengths[index]);
  }

  /** Compares two items that are not missing by their bytes, as memcmp does. */
  compare(a: number, b: number): number {
    const { chunks, chunkOf, starts, lengths } = this;
    return compareBytes(
      chunks[chunkOf[a]],
      starts[a],
      lengths[a],
      chunks[chunkOf[b]],
      starts[b],
      lengths[b],
    );
  }

  /** Compares two items as texts of C: as far as their first NUL bytes. */
  compareTexts(a: number, b: number): number {
    const { chunks, chunkOf, starts, lengths } = this;
    const own = chunks[chunkOf[a]];
    const other = chunks[chunkOf[b]];
    const length = lengths[a];
    const otherLength = lengths[b];
    for (let i = 0; i < length || i < otherLength; i++) {
      const byte = i < length ? own[starts[a] + i] : 0;
      const difference = byte - (i < otherLength ? other[starts[b] + i] : 0);
      if (difference !== 0 || byte === 0) return difference;
    }
    return 0;
  }

  isMissing(index: number): boolean {
    return this.lengths[index] === MISSING;
  }

  private append(chunk: number, start: number, length: number): void {
    const index = this.count;
    if (index === this.starts.length) this.resize(index * 2);
    this.chunkOf[index] = chunk;
    this.starts[index] = start;
    this.lengths[index] = length;
    this.count = index + 1;
  }

  private resize(items: number): void {
    this.chunkOf = resized(this.chunkOf, items);
    this.starts = resized(this.starts, items);
    this.lengths = resized(this.lengths, items);
  }
}

function resized(from: Int32Array, length: number): Int32Array {
  const to = new Int32Array(length);
  to.set(from.length > length ? from.subarray(0, length) : from);
  return to;
}
