/**
 * A stream: entries of fields and values in the order of their IDs, packed by the hundred into
 * nodes (_stream-node.ts, _stream-nodes.ts), and consumer groups that read it. It is read with a
 * `StreamCursor` (stream-cursor.ts).
 *
 * Every stream is such an object, also an empty one, which stays where its last entry goes. It does
 * not know its key: who changes it calls `touched` of `StreamValue` (below), which has the home.
 *
 * Invariants: a node's ID is that of the first entry ever in it, and a node has an entry that
 * lives (only an exact trim by ID may leave it without); `firstId` is the first entry that lives,
 * 0-0 in an empty stream; no entry that lives is behind `lastId`. An entry that is deleted keeps
 * its bytes, with a flag, until its whole node goes, as in Redis, so that both servers cut their
 * nodes alike.
 */
import { assert } from "../base/assert.ts";
import { equalBytes, textOf } from "../base/bytes.ts";
import type { Arena } from "../memory/arena.ts";
import { MAX_BLOCK_BYTES } from "../memory/arena.ts";
import { ENCODING_STREAM } from "../memory/entry.ts";
import type { Collection } from "../memory/object-table.ts";
import { ConsumerGroup } from "./consumer-group.ts";
import { FrozenEntries } from "./_frozen-stream.ts";
import type { Home } from "./home.ts";
import { HEADER_BYTES, totalBytes } from "./_listpack.ts";
import {
  appendEntry,
  countsGrowth,
  DELETED,
  deletedCount,
  initNode,
  liveCount,
  maxBytesOf,
  setCounts,
} from "./_stream-node.ts";
import type { PendingRecords } from "./_pending-records.ts";
import { radixNodeCount } from "./_radix-count.ts";
import { StreamNodes } from "./_stream-nodes.ts";
import { StreamCursor } from "./stream-cursor.ts";
import { StreamId } from "./stream-id.ts";

/** The object with its parts, beside what it counts. */
const OBJECT_BYTES = 448;
/** The cursors of `compact` but for the first; the parts know the place. */
const IN_NODES = 1;
const IN_GROUPS = 2;
/** Redis's limit of a node (STREAM_LISTPACK_MAX_SIZE), where none is configured. */
export const MAX_NODE_BYTES = 1 << 30;

/** The directives stream-node-max-bytes and stream-node-max-entries; 0: no limit. */
export interface StreamLimits {
  maxNodeBytes: number;
  maxNodeEntries: number;
}

/** A counter of 64 bits, which overflows as an int64: a bigint only beyond 2^53. */
export type Counter = number | bigint;

const FIRST_ID = new StreamId();
const LAST_ID = new StreamId().setLast();
const cursor = new StreamCursor();
const nodeId = new StreamId();

export class Stream implements Collection {
  readonly table = null;
  /** Entries that live. */
  length = 0;
  /** The ID of the entry added last, or what XSETID made of it. */
  readonly lastId = new StreamId();
  readonly firstId = new StreamId();
  /** The greatest ID that XDEL ever removed. */
  readonly maxDeletedId = new StreamId();
  /** Entries ever added. */
  entriesAdded: Counter = 0;
  /** Consumer groups by name (Latin-1). */
  readonly groups = new Map<string, ConsumerGroup>();
  private latestGroup: ConsumerGroup | null = null;
  /** Where `compact` goes on, once it has come to the groups. */
  private listsToCompact: Generator<PendingRecords, null> | null = null;
  private listToCompact: PendingRecords | null = null;
  /** For cursors. */
  readonly nodes: StreamNodes;
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
    this.nodes = new StreamNodes(arena);
    arena.objects.collections.bytes += OBJECT_BYTES;
  }

  /** Without estimates. */
  sizeBytes(): number {
    let bytes = OBJECT_BYTES + this.nodes.arrayBytes + this.nodes.blockBytes;
    for (const group of this.groups.values()) bytes += group.sizeBytes;
    return bytes;
  }

  /** The nodes that Redis's radix tree of these would have. */
  get radixNodeCount(): number {
    return radixNodeCount(this.nodes.count, (node) => this.nodes.readId(node, nodeId));
  }

  /**
   * Appends an entry whose ID is behind `lastId`. Its fields and values are the `2 * pairs` ranges
   * of `bytes` from `first` on, which must not lie in this arena.
   */
  append(
    id: StreamId,
    bytes: Uint8Array,
    starts: Int32Array,
    lengths: Int32Array,
    first: number,
    pairs: number,
    limits: StreamLimits,
  ): void {
    const { nodes } = this;
    const dataBytes = rangeBytes(lengths, first, pairs);
    const needed = maxBytesOf(2 * pairs, dataBytes);
    let tail = nodes.count - 1;
    if (tail < 0 || this.isFull(tail, dataBytes, limits)) {
      tail = this.openNode(id, bytes, starts, lengths, first, pairs, needed);
    }
    nodes.beforeChange(tail);
    let at = nodes.startOf(tail);
    let node = nodes.bytesOf(tail);
    const live = liveCount(node, at) + 1;
    const deleted = deletedCount(node, at);
    const used = totalBytes(node, at) + countsGrowth(node, at, live, deleted);
    if (used + needed > nodes.roomOf(tail)) {
      nodes.resize(tail, roomFor(used + needed, used * 2));
      node = nodes.bytesOf(tail);
      at = nodes.startOf(tail);
    }
    setCounts(node, at, live, deleted);
    nodes.readId(tail, nodeId);
    appendEntry(node, at, nodeId, id, bytes, starts, lengths, first, pairs);
    this.length++;
    this.entriesAdded = oneMore(this.entriesAdded);
    this.lastId.copy(id);
    if (this.length === 1) this.firstId.copy(id);
  }

  has(id: StreamId): boolean {
    cursor.seek(this, id, id, false);
    return cursor.next();
  }

  /** Deletes an entry; false where there is none with this ID. */
  delete(id: StreamId): boolean {
    cursor.seek(this, id, id, false);
    if (!cursor.next()) return false;
    const { nodes } = this;
    const { node, at } = cursor;
    const bytes = nodes.bytesOf(node);
    const live = liveCount(bytes, nodes.startOf(node));
    nodes.beforeChange(node);
    bytes[at] |= DELETED;
    if (live === 1) nodes.remove(node);
    else this.recount(node, 1);
    this.length--;
    if (id.compare(this.maxDeletedId) > 0) this.maxDeletedId.copy(id);
    if (id.equals(this.firstId)) this.findFirst();
    return true;
  }

  /**
   * Removes entries at the front until `maxLength` are left. Approximately: only whole nodes, and
   * no more than `limit` entries (0: no limit). Returns how many were removed.
   */
  trimToLength(maxLength: number, isApproximate: boolean, limit: number): number {
    const { nodes } = this;
    let removed = 0;
    while (nodes.count > 0 && this.length > maxLength) {
      const live = liveCount(nodes.bytesOf(0), nodes.startOf(0));
      if (limit > 0 && removed + live > limit) break;
      if (this.length - live < maxLength) {
        if (!isApproximate) removed += this.trimFirstNode(this.length - maxLength, LAST_ID);
        break;
      }
      nodes.remove(0);
      this.length -= live;
      removed += live;
    }
    if (removed > 0) this.findFirst();
    return removed;
  }

  /** As `trimToLength`, of the entries in front of `minId`. */
  trimToId(minId: StreamId, isApproximate: boolean, limit: number): number {
    const { nodes } = this;
    let removed = 0;
    while (nodes.count > 0) {
      const live = liveCount(nodes.bytesOf(0), nodes.startOf(0));
      if (limit > 0 && removed + live > limit) break;
      if (!this.endsBefore(minId)) {
        if (!isApproximate) removed += this.trimFirstNode(Infinity, minId);
        break;
      }
      nodes.remove(0);
      this.length -= live;
      removed += live;
    }
    if (removed > 0) this.findFirst();
    return removed;
  }

  /** Points `id` at the last entry that lives; false, and 0-0, where there is none. */
  readLastEntryId(id: StreamId): boolean {
    cursor.seek(this, FIRST_ID, LAST_ID, true);
    const isFound = cursor.next();
    if (isFound) id.copy(cursor.id);
    else id.setFirst();
    return isFound;
  }

  /** Points `id` at the first entry, deleted or not; the last possible ID where there is none. */
  readEdgeId(id: StreamId): void {
    cursor.seek(this, FIRST_ID, LAST_ID, false);
    cursor.findsDeleted = true;
    if (cursor.next()) id.copy(cursor.id);
    else id.setLast();
  }

  /** Shows each node's ID (always the same object) and its bytes, a listpack, in order. */
  visitNodes(
    visit: (id: StreamId, bytes: Uint8Array, start: number, length: number) => void,
  ): void {
    const { nodes } = this;
    for (let i = 0; i < nodes.count; i++) {
      const bytes = nodes.bytesOf(i);
      const start = nodes.startOf(i);
      visit(nodes.readId(i, nodeId), bytes, start, totalBytes(bytes, start));
    }
  }

  findGroup(bytes: Uint8Array, start: number, length: number): ConsumerGroup | null {
    const { latestGroup } = this;
    if (latestGroup !== null && latestGroup.name.length === length) {
      if (equalBytes(latestGroup.name, 0, bytes, start, length)) return latestGroup;
    }
    this.latestGroup = this.groups.get(textOf(bytes, start, length)) ?? null;
    return this.latestGroup;
  }

  /** The groups in the order of their names' bytes. */
  sortedGroups(): ConsumerGroup[] {
    return [...this.groups.values()].sort((a, b) => Buffer.compare(a.name, b.name));
  }

  /** Makes a group whose name there is none of. */
  addGroup(bytes: Uint8Array, start: number, length: number): ConsumerGroup {
    const group = new ConsumerGroup(this.arena, bytes.slice(start, start + length));
    this.groups.set(textOf(bytes, start, length), group);
    return group;
  }

  removeGroup(group: ConsumerGroup): void {
    this.groups.delete(textOf(group.name));
    this.latestGroup = null;
    while (group.free(Infinity));
  }

  free(budget: number): boolean {
    this.nodes.free(budget);
    if (this.nodes.count > 0) return true;
    for (const [name, group] of this.groups) {
      if (group.free(budget)) return true;
      this.groups.delete(name);
    }
    this.nodes.close();
    this.arena.objects.collections.bytes -= OBJECT_BYTES;
    return false;
  }

  compact(from: number, budget: number): number {
    assert(this.frozen === null, "what a snapshot reads stays where it is");
    let left = budget;
    if (from !== IN_GROUPS) {
      left = this.nodes.compact(from === 0, left);
      if (left === 0) return IN_NODES;
      if (this.groups.size === 0) return 0;
      this.listsToCompact = this.pendingLists();
      this.listToCompact = null;
    }
    while (left > 0) {
      const begun = this.listToCompact;
      const list = begun ?? this.listsToCompact?.next().value ?? null;
      this.listToCompact = list;
      if (list === null) {
        this.listsToCompact = null;
        return 0;
      }
      left = list.compact(begun === null, left);
      if (left === 0) break;
      this.listToCompact = null;
      left--;
    }
    return IN_GROUPS;
  }

  get partCount(): number {
    return this.nodes.count;
  }

  get frozen(): FrozenEntries | null {
    return this.nodes.frozen;
  }

  /** The entries alone: the rest is small, or has to be written at once. */
  freeze(): FrozenEntries {
    const frozen = new FrozenEntries(this.arena, this);
    this.nodes.frozen = frozen;
    return frozen;
  }

  copyTo(arena: Arena): Stream {
    const copy = new Stream(arena);
    this.visitNodes((id, bytes, start, length) => {
      const node = copy.nodes.count;
      copy.nodes.push(id, length);
      copy.nodes.bytesOf(node).set(bytes.subarray(start, start + length), copy.nodes.startOf(node));
    });
    copy.length = this.length;
    copy.lastId.copy(this.lastId);
    copy.firstId.copy(this.firstId);
    copy.maxDeletedId.copy(this.maxDeletedId);
    copy.entriesAdded = this.entriesAdded;
    for (const [name, group] of this.groups) copy.groups.set(name, group.copyTo(arena));
    return copy;
  }

  private *pendingLists(): Generator<PendingRecords, null> {
    for (const group of this.groups.values()) yield* group.lists();
    return null;
  }

  /** Whether a further entry begins another node. */
  private isFull(tail: number, dataBytes: number, limits: StreamLimits): boolean {
    const bytes = this.nodes.bytesOf(tail);
    const start = this.nodes.startOf(tail);
    const { maxNodeBytes, maxNodeEntries } = limits;
    const maxBytes =
      maxNodeBytes === 0 || maxNodeBytes > MAX_NODE_BYTES ? MAX_NODE_BYTES : maxNodeBytes;
    if (totalBytes(bytes, start) + dataBytes >= maxBytes) return true;
    if (maxNodeEntries === 0) return false;
    return liveCount(bytes, start) + deletedCount(bytes, start) >= maxNodeEntries;
  }

  /** Begins a node behind the others, which from now on take no more room than they need. */
  private openNode(
    id: StreamId,
    bytes: Uint8Array,
    starts: Int32Array,
    lengths: Int32Array,
    first: number,
    pairs: number,
    entryBytes: number,
  ): number {
    const { nodes } = this;
    // XSETID may go back behind entries that were deleted: a node that has no others is in the way.
    while (nodes.count > 0 && nodes.readId(nodes.count - 1, nodeId).compare(id) > 0) {
      nodes.remove(nodes.count - 1);
    }
    const tail = nodes.count;
    let expected = 0;
    if (tail > 0) {
      expected = totalBytes(nodes.bytesOf(tail - 1), nodes.startOf(tail - 1));
      nodes.tighten(tail - 1);
    }
    let fieldBytes = 0;
    for (let i = 0; i < pairs; i++) fieldBytes += lengths[first + 2 * i];
    const needed = HEADER_BYTES + maxBytesOf(pairs, fieldBytes) + entryBytes;
    // What the node before took, this one will probably take too.
    nodes.push(id, roomFor(needed, expected + (expected >>> 3)));
    initNode(nodes.bytesOf(tail), nodes.startOf(tail), bytes, starts, lengths, first, pairs);
    return tail;
  }

  /** Says of `count` more entries of a node that they are deleted. */
  private recount(node: number, count: number): void {
    const { nodes } = this;
    let bytes = nodes.bytesOf(node);
    let start = nodes.startOf(node);
    const live = liveCount(bytes, start) - count;
    const deleted = deletedCount(bytes, start) + count;
    const needed = totalBytes(bytes, start) + countsGrowth(bytes, start, live, deleted);
    if (needed > nodes.roomOf(node)) {
      nodes.resize(node, roomFor(needed, 0));
      bytes = nodes.bytesOf(node);
      start = nodes.startOf(node);
    }
    setCounts(bytes, start, live, deleted);
  }

  /** Whether the first node's last entry, deleted or not, is in front of `id`. */
  private endsBefore(id: StreamId): boolean {
    cursor.seekEndOf(this, 0);
    return cursor.next() && cursor.id.compare(id) < 0;
  }

  /** Deletes up to `count` entries in front of `minId`, all in the first node, which stays. */
  private trimFirstNode(count: number, minId: StreamId): number {
    this.nodes.beforeChange(0);
    const bytes = this.nodes.bytesOf(0);
    let removed = 0;
    cursor.seek(this, FIRST_ID, LAST_ID, false);
    // Even a deleted entry ends it, where XSETID went back behind that (streamTrim, t_stream.c).
    cursor.findsDeleted = true;
    while (removed < count && cursor.next()) {
      if (cursor.node > 0 || cursor.id.compare(minId) >= 0) break;
      if ((bytes[cursor.at] & DELETED) !== 0) continue;
      bytes[cursor.at] |= DELETED;
      removed++;
    }
    if (removed > 0) this.recount(0, removed);
    this.length -= removed;
    return removed;
  }

  private findFirst(): void {
    this.firstId.setFirst();
    if (this.length === 0) return;
    cursor.seek(this, FIRST_ID, LAST_ID, false);
    if (cursor.next()) this.firstId.copy(cursor.id);
  }
}

/** A key's stream: the object, and the home that is told of changes. */
export class StreamValue {
  readonly home: Home;

  constructor(home: Home) {
    this.home = home;
  }

  get exists(): boolean {
    return this.home.exists;
  }

  /** The stream of a key that exists. It stays the same object until the key is gone. */
  get stream(): Stream {
    return this.home.collection as Stream;
  }

  /** The stream, made where there is none, which counts as a change. */
  obtain(): Stream {
    if (!this.home.exists) this.home.replace(ENCODING_STREAM, new Stream(this.home.arena));
    return this.stream;
  }

  /** To be called with every change of the stream. */
  touched(): void {
    this.home.touched();
  }
}

/** Bytes of fields and values. */
export function rangeBytes(lengths: Int32Array, first: number, pairs: number): number {
  let bytes = 0;
  for (let i = first; i < first + 2 * pairs; i++) bytes += lengths[i];
  return bytes;
}

/** Room for `needed` bytes, or `wished`, but beyond a block not much more than needed. */
function roomFor(needed: number, wished: number): number {
  if (needed > MAX_BLOCK_BYTES) return needed + (needed >>> 3);
  return Math.max(needed, Math.min(wished, MAX_BLOCK_BYTES));
}

/** The counter one step on, as an int64. */
export function oneMore(counter: Counter): Counter {
  if (typeof counter === "bigint") return BigInt.asIntN(64, counter + 1n);
  return counter < Number.MAX_SAFE_INTEGER ? counter + 1 : BigInt(counter) + 1n;
}
