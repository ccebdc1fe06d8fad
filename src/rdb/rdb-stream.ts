/**
 * An RDB that is read while it still comes, over a network: what has come and not been released is
 * kept, so that a reader who found too little can go back to where a record began.
 *
 *     0 ......... released ............. present ............. size
 *       summed up          kept, in the        still to come;
 *       and gone           chunks it came in   Infinity: nobody knows how much
 *
 * The checksum, if one is wanted, is that of all before `released`, since a reader may read things
 * more than once.
 */
import { assert } from "../base/assert.ts";
import { copyBytes } from "../base/bytes.ts";
import type { Crc64 } from "../base/crc64.ts";
import type { RdbSource } from "./rdb-input.ts";

interface Chunk {
  readonly bytes: Uint8Array;
  /** Where in `bytes` it begins. */
  readonly from: number;
  /** Its place in the whole. */
  readonly start: number;
  readonly length: number;
}

/** Chunks that are gone are cut off the list by so many at once. */
const GONE_CHUNKS = 64;

/** More has to come before a record can be read: at least up to `neededBytes` of the whole. */
export class InputMissing extends Error {
  readonly neededBytes: number;

  constructor(neededBytes: number) {
    super("The rest has not come yet");
    this.neededBytes = neededBytes;
  }
}

export class RdbStream implements RdbSource {
  sizeBytes: number;
  /** How much of it has come. */
  presentBytes = 0;
  private released = 0;
  private chunks: Chunk[] = [];
  /** The first chunk that is not gone. */
  private first = 0;
  /** The chunk that was read last. */
  private at = 0;
  /** Set by its reader, where the checksum matters. */
  crc: Crc64 | null = null;

  /** Infinity: the size is known only in the end. */
  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
  }

  get isComplete(): boolean {
    return this.presentBytes >= this.sizeBytes;
  }

  /** Bytes that have come and are still needed. */
  get keptBytes(): number {
    return this.presentBytes - this.released;
  }

  /** The next bytes, in a buffer that is never written again. */
  push(bytes: Uint8Array, from: number, length: number): void {
    if (length === 0) return;
    this.chunks.push({ bytes, from, start: this.presentBytes, length });
    this.presentBytes += length;
  }

  /** No more comes. */
  end(): void {
    this.sizeBytes = this.presentBytes;
  }

  read(into: Uint8Array, at: number, length: number, from: number): number {
    assert(from >= this.released, "what was released is not read again");
    if (from >= this.presentBytes) return 0;
    const chunk = this.chunkAt(from);
    const offset = from - chunk.start;
    const count = Math.min(length, chunk.length - offset);
    copyBytes(into, at, chunk.bytes, chunk.from + offset, count);
    return count;
  }

  /** What is before this place is not read again. */
  release(upTo: number): void {
    while (this.released < upTo) {
      const { bytes, from, start, length } = this.chunks[this.first];
      const end = Math.min(start + length, upTo);
      this.crc?.update(bytes, from + this.released - start, end - this.released);
      this.released = end;
      if (end === start + length) this.first++;
    }
    if (this.first < GONE_CHUNKS && this.first < this.chunks.length) return;
    this.chunks = this.chunks.slice(this.first);
    this.at = Math.max(0, this.at - this.first);
    this.first = 0;
  }

  private chunkAt(position: number): Chunk {
    const { chunks } = this;
    let index = Math.max(this.at, this.first);
    while (chunks[index].start > position) index--;
    while (chunks[index].start + chunks[index].length <= position) index++;
    this.at = index;
    return chunks[index];
  }
}
