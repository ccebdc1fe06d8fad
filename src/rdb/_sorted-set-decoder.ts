/** Sorted sets in all the forms that files hold them in. */
import { compareBytes } from "../base/bytes.ts";
import { parseDouble } from "../base/numbers.ts";
import { ENCODING_LISTPACK } from "../memory/entry.ts";
import type { ListpackReader } from "../values/listpack-reader.ts";
import { SortedSetBuilder } from "../values/sorted-set-builder.ts";
import type { Decoding } from "./_decoding.ts";
import { RDB_ZSET, RDB_ZSET_2, RDB_ZSET_ZIPLIST } from "./rdb-types.ts";
import { ZiplistReader } from "./_ziplist.ts";

const BAD_LISTPACK = "Zset listpack integrity check failed.";
const BAD_ZIPLIST = "Zset ziplist integrity check failed.";
const NOT_A_NUMBER = "Zset with NAN score detected";
const DUPLICATE = "Duplicate zset fields detected";
/** A member and a score take a byte each at the least. */
const MIN_PAIR_BYTES = 2;

/** Reads a sorted set of this type; false where it is empty. */
export function decodeSortedSet(decoding: Decoding, type: number): boolean {
  if (type === RDB_ZSET || type === RDB_ZSET_2) return decodePairs(decoding, type === RDB_ZSET_2);
  return type === RDB_ZSET_ZIPLIST ? decodeZiplist(decoding) : decodeListpack(decoding);
}

function decodePairs(decoding: Decoding, isBinary: boolean): boolean {
  const { input, limits, first } = decoding;
  const count = input.readCount(MIN_PAIR_BYTES);
  if (count === 0) return false;
  return build(decoding, limits.sortedSetLimits.maxValueBytes, (builder) => {
    for (let i = 0; i < count; i++) {
      decoding.readCopy(first);
      const { stringOffset } = input;
      const score = isBinary ? input.readDouble() : input.readTextDouble();
      if (score !== score) throw input.error(NOT_A_NUMBER, stringOffset);
      if (!builder.addOnce(first, score)) throw input.error(DUPLICATE, stringOffset);
    }
  });
}

/** Gathers members and orders them; what is left of a failure lies in the home. */
function build(
  decoding: Decoding,
  maxValueBytes: number,
  gather: (builder: SortedSetBuilder) => void,
): boolean {
  const { maxEntries } = decoding.limits.sortedSetLimits;
  const builder = new SortedSetBuilder(decoding.build(), { maxEntries, maxValueBytes });
  try {
    gather(builder);
  } catch (error) {
    builder.abandon();
    throw error;
  }
  builder.finish(true);
  return builder.size > 0;
}

/** As it is, where it is in order; otherwise, and where it is too large, anew. */
function decodeListpack(decoding: Decoding): boolean {
  const { reader, first, limits } = decoding;
  decoding.openListpack(first, BAD_LISTPACK);
  const { count } = reader;
  if (count % 2 !== 0) throw decoding.damaged(BAD_LISTPACK);
  if (count === 0) return false;
  const isSmall = count <= limits.sortedSetLimits.maxEntries * 2;
  if (isSmall && reader.isCanonical && isOrdered(decoding)) {
    if (reader.hasRepeats(2)) throw decoding.damaged(BAD_LISTPACK);
    const { bytes, start, length } = reader;
    first.set(bytes, start, length);
    decoding.take(first, ENCODING_LISTPACK);
    return true;
  }
  return build(decoding, Infinity, (builder) => {
    reader.rewind();
    while (reader.next(first)) {
      const score = scoreOf(decoding, reader);
      if (!builder.addOnce(first, score)) throw decoding.damaged(BAD_LISTPACK);
    }
  });
}

function scoreOf(decoding: Decoding, reader: ListpackReader): number {
  const score = reader.nextScore();
  if (score !== score) throw decoding.damaged(NOT_A_NUMBER);
  return score;
}

/** Whether each pair of the open listpack comes behind the one before. */
function isOrdered(decoding: Decoding): boolean {
  const { reader } = decoding;
  let before = 0;
  let scoreBefore = NaN;
  while (!reader.isAtEnd) {
    const { at } = reader;
    reader.skip();
    const score = scoreOf(decoding, reader);
    if (score < scoreBefore) return false;
    if (score === scoreBefore && !isBehind(decoding, at, before)) return false;
    before = at;
    scoreBefore = score;
  }
  return true;
}

/** Whether the member at one place is greater than that at another. */
function isBehind({ reader, first, second }: Decoding, at: number, other: number): boolean {
  reader.readAt(at, first);
  reader.readAt(other, second);
  const { bytes, start, length } = second;
  return compareBytes(first.bytes, first.start, first.length, bytes, start, length) > 0;
}

function decodeZiplist(decoding: Decoding): boolean {
  const { input, first, second } = decoding;
  const ziplist = new ZiplistReader();
  input.readString(first);
  if (!ziplist.open(first.bytes, first.start, first.length)) throw decoding.damaged(BAD_ZIPLIST);
  return build(decoding, Infinity, (builder) => {
    while (ziplist.next(first)) {
      if (!ziplist.next(second)) throw decoding.damaged(BAD_ZIPLIST);
      const score = parseDouble(second.bytes, second.start, second.length);
      if (score !== score) throw decoding.damaged(NOT_A_NUMBER);
      if (!builder.addOnce(first, score)) throw decoding.damaged(BAD_ZIPLIST);
    }
    if (ziplist.isDamaged) throw decoding.damaged(BAD_ZIPLIST);
  });
}
