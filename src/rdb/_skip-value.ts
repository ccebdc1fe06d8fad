/**
 * Where values end, told from their lengths alone: nothing is checked, and nothing read that is not
 * in the buffer already.
 */
import {
  ENCODED_STRING,
  LENGTH_14_BITS,
  LENGTH_32,
  LENGTH_6_BITS,
  RDB_HASH,
  RDB_HASH_LISTPACK,
  RDB_HASH_ZIPLIST,
  RDB_HASH_ZIPMAP,
  RDB_LIST,
  RDB_LIST_QUICKLIST,
  RDB_LIST_QUICKLIST_2,
  RDB_LIST_ZIPLIST,
  RDB_SET,
  RDB_SET_INTSET,
  RDB_SET_LISTPACK,
  RDB_STRING,
  RDB_ZSET_2,
  RDB_ZSET_LISTPACK,
  RDB_ZSET_ZIPLIST,
  STRING_LZF,
} from "./rdb-types.ts";

/** The value does not end in the buffer, or is of another type than those below. */
export const NOT_HERE = -1;

/** What a value is made of. */
const ONE_STRING = 1;
const STRINGS = 2;
const PAIRS = 3;
const NODES = 4;
const SCORED = 5;
const LAYOUTS = layouts();
const SCORE_BYTES = 8;
/** Places that lie so far behind are still integers of 32 bits, which are the fast ones. */
const BEYOND = 1 << 28;

/** The place behind the value of this type that begins at `from`, or NOT_HERE. */
export function skipValue(bytes: Uint8Array, from: number, end: number, type: number): number {
  const layout = LAYOUTS[type];
  if (layout === 0) return NOT_HERE;
  let at = from;
  let left = 1;
  if (layout !== ONE_STRING) {
    left = lengthAt(bytes, from);
    at += lengthBytes(bytes[from]);
    if (layout === PAIRS) left *= 2;
  }
  for (; left > 0; left--) {
    if (layout === NODES) at += lengthBytes(bytes[at]);
    at = skipString(bytes, at);
    if (layout === SCORED) at += SCORE_BYTES;
    // What lies behind the end is not to be believed; nothing that it says leads back.
    if (at > end) return NOT_HERE;
  }
  return at <= end ? at : NOT_HERE;
}

/** The place behind a string; at least BEYOND where it begins like none. */
function skipString(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  const kind = first >>> 6;
  if (kind === LENGTH_6_BITS) return at + 1 + first;
  if (kind !== ENCODED_STRING) return at + lengthBytes(first) + lengthAt(bytes, at);
  const encoding = first & 63;
  if (encoding < STRING_LZF) return at + 1 + (1 << encoding);
  if (encoding > STRING_LZF) return BEYOND;
  const data = at + 1 + lengthBytes(bytes[at + 1]);
  return data + lengthBytes(bytes[data]) + lengthAt(bytes, at + 1);
}

/** Bytes of a length that begins so. */
function lengthBytes(first: number): number {
  const kind = first >>> 6;
  return kind > LENGTH_14_BITS ? 5 : kind + 1;
}

/** The length at `at`; at least BEYOND for one that no buffer has room for, and what is none. */
export function lengthAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  const kind = first >>> 6;
  if (kind === LENGTH_6_BITS) return first;
  if (kind === LENGTH_14_BITS) return ((first & 63) << 8) | bytes[at + 1];
  if (first !== LENGTH_32 || bytes[at + 1] >= BEYOND >>> 24) return BEYOND;
  return (bytes[at + 1] << 24) | (bytes[at + 2] << 16) | (bytes[at + 3] << 8) | bytes[at + 4];
}

function layouts(): Uint8Array {
  const table = new Uint8Array(256);
  for (const [layout, types] of [
    [ONE_STRING, [RDB_STRING, RDB_HASH_LISTPACK, RDB_ZSET_LISTPACK, RDB_SET_LISTPACK]],
    [ONE_STRING, [RDB_HASH_ZIPLIST, RDB_ZSET_ZIPLIST, RDB_LIST_ZIPLIST, RDB_HASH_ZIPMAP]],
    [ONE_STRING, [RDB_SET_INTSET]],
    [STRINGS, [RDB_SET, RDB_LIST, RDB_LIST_QUICKLIST]],
    [PAIRS, [RDB_HASH]],
    [NODES, [RDB_LIST_QUICKLIST_2]],
    [SCORED, [RDB_ZSET_2]],
  ] as const) {
    for (const type of types) table[type] = layout;
  }
  return table;
}
