/**
 * Which clients have read which keys: key bytes to client ids, in an arena of its own.
 *
 *     element (memory/element.ts)   member = the key
 *                                   data   = its clients' ids, six bytes each, or, beyond
 *                                            MAX_PACKED_IDS, four bytes: an index of `crowds`
 *
 * A key of 16 bytes that one client has read takes a block of 32 bytes and a slot. There is no
 * database in it, as in Redis: a change of the key in any of them counts.
 */
import { hashBytes } from "../base/hash.ts";
import { Arena, NULL_REF } from "../memory/arena.ts";
import type { Ref } from "../memory/arena.ts";
import { ByteTable } from "../memory/byte-table.ts";
import {
  ByteView,
  freeElement,
  makeElementWithData,
  readData,
  readMember,
  replaceData,
} from "../memory/element.ts";

const ID_BYTES = 6;
const MAX_PACKED_IDS = 16;
const CROWD_INDEX_BYTES = 4;
const TWO_TO_32 = 2 ** 32;
/** What a Set spends on a number in it. */
const BYTES_PER_CROWDED_ID = 40;

export class TrackingTable {
  /** Pairs of a key and a client. */
  itemCount = 0;
  private arena = new Arena();
  private table = new ByteTable(this.arena);
  /** Clients of the keys that many have read. */
  private crowds: (Set<number> | null)[] = [];
  private freeCrowds: number[] = [];
  private crowdedIds = 0;
  private readonly view = new ByteView();
  private readonly packed = new Uint8Array((MAX_PACKED_IDS + 1) * ID_BYTES);

  get keyCount(): number {
    return this.table.size;
  }

  get sizeBytes(): number {
    const { arena, table, crowdedIds } = this;
    const crowdBytes = crowdedIds * BYTES_PER_CROWDED_ID;
    return arena.usedBytes + arena.objects.sizeBytes + table.sizeBytes + crowdBytes;
  }

  /** The client with this id has read the key. */
  add(bytes: Uint8Array, start: number, length: number, id: number): void {
    const { arena, table, packed } = this;
    const hash = hashBytes(bytes, start, length);
    const ref = table.find(bytes, start, length, hash);
    if (ref === NULL_REF) {
      putId(packed, 0, id);
      table.insert(hash, this.make(bytes, start, length, ID_BYTES), false);
      this.itemCount++;
      return;
    }
    const { view } = this;
    readData(arena, ref, view);
    if (view.length === CROWD_INDEX_BYTES) {
      const crowd = this.crowdOf(view);
      const before = crowd.size;
      crowd.add(id);
      this.crowdedIds += crowd.size - before;
      this.itemCount += crowd.size - before;
      return;
    }
    if (holdsId(view, id)) return;
    this.itemCount++;
    const usedBytes = view.length;
    for (let i = 0; i < usedBytes; i++) packed[i] = view.bytes[view.start + i];
    putId(packed, usedBytes, id);
    let dataBytes = usedBytes + ID_BYTES;
    if (dataBytes > MAX_PACKED_IDS * ID_BYTES) dataBytes = this.makeCrowd(dataBytes);
    if (replaceData(arena, ref, packed, 0, dataBytes)) return;
    const larger = this.make(bytes, start, length, dataBytes);
    table.relocate(hash, ref, larger, false);
    freeElement(arena, ref);
  }

  /** Forgets the key and puts the ids of those who had read it into `ids`, which it empties. */
  take(bytes: Uint8Array, start: number, length: number, ids: number[]): void {
    ids.length = 0;
    const hash = hashBytes(bytes, start, length);
    const ref = this.table.find(bytes, start, length, hash);
    if (ref === NULL_REF) return;
    const { arena, view } = this;
    readData(arena, ref, view);
    if (view.length === CROWD_INDEX_BYTES) {
      ids.push(...this.crowdOf(view));
      const index = indexIn(view);
      this.crowds[index] = null;
      this.freeCrowds.push(index);
      this.crowdedIds -= ids.length;
    } else {
      for (let at = 0; at < view.length; at += ID_BYTES) ids.push(idAt(view, at));
    }
    this.itemCount -= ids.length;
    this.table.remove(hash, ref);
    freeElement(arena, ref);
  }

  /** A copy of a key, chosen by chance; there must be one. */
  sample(nextWord: () => number): Uint8Array {
    const { view } = this;
    readMember(this.arena, this.table.sample(nextWord), view);
    return view.bytes.slice(view.start, view.start + view.length);
  }

  clear(): void {
    if (this.keyCount === 0) return;
    this.arena = new Arena();
    this.table = new ByteTable(this.arena);
    this.crowds = [];
    this.freeCrowds = [];
    this.itemCount = this.crowdedIds = 0;
  }

  private make(bytes: Uint8Array, start: number, length: number, dataBytes: number): Ref {
    const { arena, packed } = this;
    return makeElementWithData(arena, bytes, start, length, packed, 0, dataBytes, false, 0);
  }

  /** Moves the ids in `packed` to a crowd and leaves its index there; returns its bytes. */
  private makeCrowd(dataBytes: number): number {
    const crowd = new Set<number>();
    const { view, packed } = this;
    view.set(packed, 0, dataBytes);
    for (let at = 0; at < dataBytes; at += ID_BYTES) crowd.add(idAt(view, at));
    const index = this.freeCrowds.pop() ?? this.crowds.length;
    this.crowds[index] = crowd;
    this.crowdedIds += crowd.size;
    putWord(packed, 0, index);
    return CROWD_INDEX_BYTES;
  }

  private crowdOf(view: ByteView): Set<number> {
    const crowd = this.crowds[indexIn(view)];
    if (crowd === null || crowd === undefined) throw new Error("a key names its crowd");
    return crowd;
  }
}

function holdsId(view: ByteView, id: number): boolean {
  for (let at = 0; at < view.length; at += ID_BYTES) if (idAt(view, at) === id) return true;
  return false;
}

function indexIn({ bytes, start }: ByteView): number {
  return wordAt(bytes, start);
}

function idAt({ bytes, start }: ByteView, offset: number): number {
  const at = start + offset;
  return wordAt(bytes, at) + (bytes[at + 4] | (bytes[at + 5] << 8)) * TWO_TO_32;
}

function putId(bytes: Uint8Array, at: number, id: number): void {
  putWord(bytes, at, id);
  const upper = Math.floor(id / TWO_TO_32);
  bytes[at + 4] = upper;
  bytes[at + 5] = upper >>> 8;
}

function wordAt(bytes: Uint8Array, at: number): number {
  const upper = bytes[at + 3] << 24;
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | upper) >>> 0;
}

function putWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
}
