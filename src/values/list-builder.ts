/**
 * Builds a list from what a file holds: single items, and listpacks of some, whose bytes are taken
 * as they are. A list that fits one packed chunk becomes one, as listTypeTryConversion makes it
 * (t_list.c, Redis 7.2).
 */
import type { ByteView } from "../memory/element.ts";
import { ENCODING_LISTPACK, ENCODING_QUICKLIST } from "../memory/entry.ts";
import type { Home } from "./home.ts";
import { LargeList } from "./_large-list.ts";
import { EMPTY_LISTPACK_BYTES, HEADER_BYTES, Needle, nextItem, writeHeader } from "./_listpack.ts";
import type { ListLimits } from "./list.ts";
import type { ListpackReader } from "./listpack-reader.ts";

/** Larger listpacks than any server makes of more than one item are divided into such chunks. */
const MAX_CHUNK_BYTES = 65536;
const DIVIDED_BYTES = 8192;

export class ListBuilder {
  private readonly home: Home;
  private readonly limits: ListLimits;
  private readonly large: LargeList;
  private readonly needle = new Needle();
  /** A single large item stays a chunk of its own. */
  private isPackable = true;

  constructor(home: Home, limits: ListLimits) {
    this.home = home;
    this.limits = limits;
    this.large = new LargeList(home.arena);
    home.replace(ENCODING_QUICKLIST, this.large);
  }

  get size(): number {
    return this.large.size;
  }

  /** Appends an item to the last chunk, or to a new one where that is full. */
  add({ bytes, start, length }: ByteView): void {
    this.needle.set(bytes, start, length);
    this.large.push(false, this.needle, this.limits);
  }

  /** Appends an item as a chunk of its own. */
  addPlain({ bytes, start, length }: ByteView): void {
    const { needle } = this;
    needle.set(bytes, start, length);
    const slot = this.open(needle.itemBytes);
    const { chunks } = this.large;
    needle.write(chunks.bytesAt(slot), chunks.baseAt(slot));
    this.close(slot, needle.itemBytes, 1);
    this.isPackable = false;
  }

  /** Appends the items of a listpack that was just opened and has no foreign ones. */
  addListpack(reader: ListpackReader): void {
    const { bytes } = reader;
    const from = reader.start + HEADER_BYTES;
    const end = reader.start + reader.length - 1;
    if (end - from <= MAX_CHUNK_BYTES) {
      if (reader.count > 0) this.addItems(bytes, from, end, reader.count);
      return;
    }
    let first = from;
    let count = 0;
    for (let at = from; at < end;) {
      const next = nextItem(bytes, at);
      if (next - first > DIVIDED_BYTES && count > 0) {
        this.addItems(bytes, first, at, count);
        first = at;
        count = 0;
      }
      at = next;
      count++;
    }
    if (count > 0) this.addItems(bytes, first, end, count);
  }

  /** To be called at the end. */
  finish(): void {
    const { home, limits } = this;
    const { chunks, size } = this.large;
    if (chunks.length !== 1 || !this.isPackable || size > limits.maxItems) return;
    const slot = chunks.first;
    const used = chunks.usedAt(slot);
    const length = used + EMPTY_LISTPACK_BYTES;
    if (length > limits.maxBytes) return;
    const from = chunks.baseAt(slot) + chunks.starts[slot];
    const items = chunks.bytesAt(slot).slice(from, from + used);
    home.repack(ENCODING_LISTPACK, length);
    home.bytes.set(items, home.start + HEADER_BYTES);
    writeHeader(home.bytes, home.start, length, size);
  }

  private addItems(bytes: Uint8Array, from: number, end: number, count: number): void {
    const slot = this.open(end - from);
    const { chunks } = this.large;
    chunks.bytesAt(slot).set(bytes.subarray(from, end), chunks.baseAt(slot));
    this.close(slot, end - from, count);
  }

  private open(roomBytes: number): number {
    const { chunks } = this.large;
    return chunks.insert(chunks.first + chunks.length, roomBytes, false);
  }

  private close(slot: number, usedBytes: number, count: number): void {
    const { chunks } = this.large;
    chunks.ends[slot] = usedBytes;
    chunks.counts[slot] = count;
    this.large.size += count;
  }
}
