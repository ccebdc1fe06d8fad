/**
 * A node of a stream: a listpack (_listpack.ts) in Redis's own form (t_stream.c), so that files
 * can hold it as it is.
 *
 *     count | deleted | n | field 1 … field n | 0           the master: no entry itself
 *     flags | ms | seq | value 1 … value n | items          an entry with the master's fields
 *     flags | ms | seq | m | field 1 | value 1 | … | items  an entry with its own
 *
 * `ms` and `seq` are what the entry's ID is ahead of the node's, which is that of its first entry
 * (64 bits, modulo 2^64). `items` counts the entry's items in front of it, for walks backwards; the
 * master's 0 ends them. `count` are the entries that live, `deleted` those that only carry a flag.
 */
import {
  HEADER_BYTES,
  highWordAt,
  initListpack,
  integerItemBytes,
  itemEquals,
  lowWordAt,
  MAX_ITEM_OVERHEAD,
  nextItem,
  SHORT_ITEM_OVERHEAD,
  SHORT_STRING_BYTES,
  skipItems,
  totalBytes,
  writeHeader,
  writeIntegerItem,
  writeStringItem,
  writeWordsItem,
} from "./_listpack.ts";
import type { StreamId } from "./stream-id.ts";

export const DELETED = 1;
export const SAME_FIELDS = 2;

const MAX_SHOWN_ITEMS = 65535;
/** The integers about a master or an entry, and the listpack's end. */
const FIXED_BYTES = 48;
const WORD = 4294967296;

/** Integers below it are items of two bytes, the first of which they are. */
const ONE_BYTE_LIMIT = 128;

export function liveCount(bytes: Uint8Array, start: number): number {
  return lowWordAt(bytes, start + HEADER_BYTES);
}

export function deletedCount(bytes: Uint8Array, start: number): number {
  return lowWordAt(bytes, nextItem(bytes, start + HEADER_BYTES));
}

/** The item with the number of the master's fields, which follow it. */
export function masterAt(bytes: Uint8Array, start: number): number {
  const at = start + HEADER_BYTES;
  if ((bytes[at] | bytes[at + 2]) < ONE_BYTE_LIMIT) return at + 4;
  return skipItems(bytes, at, 2);
}

/** The place behind the last entry. */
export function endOf(bytes: Uint8Array, start: number): number {
  return start + totalBytes(bytes, start) - 1;
}

/**
 * Room that is certainly enough for a master or an entry of so many strings with so many bytes
 * in all.
 */
export function maxBytesOf(strings: number, bytes: number): number {
  const overhead = bytes < SHORT_STRING_BYTES ? SHORT_ITEM_OVERHEAD : MAX_ITEM_OVERHEAD;
  return FIXED_BYTES + bytes + strings * overhead;
}

/** Writes a node without entries. Its fields are every other one of the ranges from `first` on. */
export function initNode(
  target: Uint8Array,
  start: number,
  bytes: Uint8Array,
  starts: Int32Array,
  lengths: Int32Array,
  first: number,
  pairs: number,
): void {
  initListpack(target, start);
  let at = writeIntegerItem(target, start + HEADER_BYTES, 0);
  at = writeIntegerItem(target, at, 0);
  at = writeIntegerItem(target, at, pairs);
  for (let i = first; i < first + 2 * pairs; i += 2) {
    at = writeStringItem(target, at, bytes, starts[i], lengths[i]);
  }
  at = writeIntegerItem(target, at, 0);
  writeHeader(target, start, at + 1 - start, pairs + 4);
}

/** Appends an entry, for which there is room, to the node with ID `base`; counts no entries. */
export function appendEntry(
  target: Uint8Array,
  start: number,
  base: StreamId,
  id: StreamId,
  bytes: Uint8Array,
  starts: Int32Array,
  lengths: Int32Array,
  first: number,
  pairs: number,
): void {
  const isSame = hasFields(target, start, bytes, starts, lengths, first, pairs);
  let at = writeIntegerItem(target, endOf(target, start), isSame ? SAME_FIELDS : 0);
  at = writeDifference(target, at, id.msHigh, id.msLow, base.msHigh, base.msLow);
  at = writeDifference(target, at, id.seqHigh, id.seqLow, base.seqHigh, base.seqLow);
  let items = 3 + pairs;
  if (!isSame) {
    at = writeIntegerItem(target, at, pairs);
    items += pairs + 1;
  }
  for (let i = first; i < first + 2 * pairs; i += 2) {
    if (!isSame) at = writeStringItem(target, at, bytes, starts[i], lengths[i]);
    at = writeStringItem(target, at, bytes, starts[i + 1], lengths[i + 1]);
  }
  at = writeIntegerItem(target, at, items);
  const shown = target[start + 4] | (target[start + 5] << 8);
  // Once too many to be said, the number of items stays unsaid.
  const count = shown === MAX_SHOWN_ITEMS ? shown : shown + items + 1;
  writeHeader(target, start, at + 1 - start, count);
}

/** What setting the two counts adds to the node's bytes; may be negative. */
export function countsGrowth(
  bytes: Uint8Array,
  start: number,
  live: number,
  deleted: number,
): number {
  const at = start + HEADER_BYTES;
  if ((live | deleted | bytes[at] | bytes[at + 2]) < ONE_BYTE_LIMIT) return 0;
  return at + integerItemBytes(live) + integerItemBytes(deleted) - masterAt(bytes, start);
}

/** Sets how many entries live and how many do not; there must be room for `countsGrowth`. */
export function setCounts(bytes: Uint8Array, start: number, live: number, deleted: number): void {
  const at = start + HEADER_BYTES;
  if ((live | deleted | bytes[at] | bytes[at + 2]) < ONE_BYTE_LIMIT) {
    bytes[at] = live;
    bytes[at + 2] = deleted;
    return;
  }
  const growth = countsGrowth(bytes, start, live, deleted);
  if (growth !== 0) {
    const master = masterAt(bytes, start);
    const total = totalBytes(bytes, start);
    bytes.copyWithin(master + growth, master, start + total);
    // The number of items stays.
    writeHeader(bytes, start, total + growth, bytes[start + 4] | (bytes[start + 5] << 8));
  }
  writeIntegerItem(bytes, writeIntegerItem(bytes, at, live), deleted);
}

/** Points `id` at the entry that begins at `at`; returns the place behind its ID. */
export function readEntryId(bytes: Uint8Array, at: number, base: StreamId, id: StreamId): number {
  // The flags take two bytes, and mostly so does each difference.
  const msAt = at + 2;
  if ((bytes[msAt] | bytes[msAt + 2]) < ONE_BYTE_LIMIT) {
    const low = base.msLow + bytes[msAt];
    const sequence = base.seqLow + bytes[msAt + 2];
    if (low < WORD && sequence < WORD) {
      id.set(base.msHigh, low, base.seqHigh, sequence);
      return msAt + 4;
    }
  }
  const seqAt = nextItem(bytes, msAt);
  const msLow = base.msLow + (lowWordAt(bytes, msAt) >>> 0);
  id.msHigh = (base.msHigh + highWordAt(bytes, msAt) + (msLow >= WORD ? 1 : 0)) >>> 0;
  id.msLow = msLow >>> 0;
  const seqLow = base.seqLow + (lowWordAt(bytes, seqAt) >>> 0);
  id.seqHigh = (base.seqHigh + highWordAt(bytes, seqAt) + (seqLow >= WORD ? 1 : 0)) >>> 0;
  id.seqLow = seqLow >>> 0;
  return nextItem(bytes, seqAt);
}

/** Whether the ranges from `first` on begin with the master's fields, every other one. */
function hasFields(
  target: Uint8Array,
  start: number,
  bytes: Uint8Array,
  starts: Int32Array,
  lengths: Int32Array,
  first: number,
  pairs: number,
): boolean {
  let at = masterAt(target, start);
  if (lowWordAt(target, at) !== pairs) return false;
  for (let i = first; i < first + 2 * pairs; i += 2) {
    at = nextItem(target, at);
    if (!itemEquals(target, at, bytes, starts[i], lengths[i])) return false;
  }
  return true;
}

function writeDifference(
  target: Uint8Array,
  at: number,
  high: number,
  low: number,
  baseHigh: number,
  baseLow: number,
): number {
  const lowWord = low - baseLow;
  if (high === baseHigh && lowWord >= 0 && lowWord < ONE_BYTE_LIMIT) {
    target[at] = lowWord;
    target[at + 1] = 1;
    return at + 2;
  }
  const highWord = high - baseHigh - (lowWord < 0 ? 1 : 0);
  return writeWordsItem(target, at, highWord | 0, lowWord | 0);
}
