/** Hashes in all the forms that files hold them in. */
import { ENCODING_LISTPACK } from "../memory/entry.ts";
import { NO_FIELD_EXPIRY } from "../values/hash.ts";
import { HashBuilder } from "../values/hash-builder.ts";
import type { Decoding } from "./_decoding.ts";
import {
  RDB_HASH,
  RDB_HASH_LISTPACK,
  RDB_HASH_LISTPACK_EX,
  RDB_HASH_METADATA,
  RDB_HASH_METADATA_PRE_GA,
  RDB_HASH_ZIPLIST,
  RDB_HASH_ZIPMAP,
} from "./rdb-types.ts";
import { ZiplistReader } from "./_ziplist.ts";
import { ZipmapReader } from "./_zipmap.ts";

/** EB_EXPIRE_TIME_MAX (ebuckets.h, Redis 7.4). */
const MAX_FIELD_EXPIRY_MS = 2 ** 48 - 2;
const DUPLICATE = "Duplicate hash fields detected";
const BAD_LISTPACK = "Hash listpack integrity check failed.";

/** Reads a hash of this type; false where it is empty. */
export function decodeHash(decoding: Decoding, type: number): boolean {
  switch (type) {
    case RDB_HASH:
      return decodePairs(decoding, false, 0);
    case RDB_HASH_METADATA_PRE_GA:
      // Every expiry counts from the epoch.
      return decodePairs(decoding, true, 1);
    case RDB_HASH_METADATA:
      return decodePairs(decoding, true, readFirstExpiry(decoding));
    case RDB_HASH_ZIPMAP:
      return decodeZipmap(decoding);
    case RDB_HASH_ZIPLIST:
      return decodeZiplist(decoding);
    case RDB_HASH_LISTPACK:
      return decodeListpack(decoding);
    default:
      if (type === RDB_HASH_LISTPACK_EX) readFirstExpiry(decoding);
      return decodeExpiringListpack(decoding);
  }
}

/** Whatever is beyond what an expiry can be says that no field expires. */
function readFirstExpiry({ input }: Decoding): number {
  input.readInt64();
  return Number(input.int64);
}

/** Fields and values one by one, each behind its expiry, less `firstMs - 1`, or 0 for none. */
function decodePairs(decoding: Decoding, mayExpire: boolean, firstMs: number): boolean {
  const { input, limits, first, second } = decoding;
  const count = input.readCount(mayExpire ? 3 : 2);
  if (count === 0) return false;
  const builder = new HashBuilder(decoding.build(), limits.hashLimits, count);
  for (let i = 0; i < count; i++) {
    const expiryMs = mayExpire ? readExpiry(decoding, firstMs) : NO_FIELD_EXPIRY;
    decoding.readCopy(first);
    const { stringOffset } = input;
    input.readString(second);
    if (!builder.add(first, second, expiryMs)) throw input.error(DUPLICATE, stringOffset);
  }
  if (!builder.finish()) throw input.error(DUPLICATE);
  return true;
}

function readExpiry({ input }: Decoding, firstMs: number): number {
  const { offset } = input;
  const ahead = input.readLength();
  if (ahead === 0) return NO_FIELD_EXPIRY;
  const whenMs = firstMs + ahead - 1;
  if (whenMs >= 0 && whenMs <= MAX_FIELD_EXPIRY_MS) return whenMs;
  throw input.error("A hash field has an invalid expiry", offset);
}

function decodeListpack(decoding: Decoding): boolean {
  const { reader, first, second } = decoding;
  decoding.openListpack(first, BAD_LISTPACK);
  const { count } = reader;
  if (count % 2 !== 0) throw decoding.damaged(BAD_LISTPACK);
  if (count === 0) return false;
  const { hashLimits } = decoding.limits;
  if (reader.isCanonical && count <= hashLimits.maxEntries * 2) {
    if (reader.hasRepeats(2)) throw decoding.damaged(BAD_LISTPACK);
    decoding.take(first, ENCODING_LISTPACK);
    return true;
  }
  const builder = new HashBuilder(decoding.build(), hashLimits, count / 2);
  while (reader.next(first) && reader.next(second)) {
    if (!builder.add(first, second)) throw decoding.damaged(BAD_LISTPACK);
  }
  if (!builder.finish()) throw decoding.damaged(BAD_LISTPACK);
  return true;
}

/** A listpack of fields, values and expiries: unix milliseconds, 0 for none. */
function decodeExpiringListpack(decoding: Decoding): boolean {
  const { reader, first, second } = decoding;
  decoding.openListpack(first, BAD_LISTPACK);
  const { count } = reader;
  if (count % 3 !== 0) throw decoding.damaged(BAD_LISTPACK);
  if (count === 0) return false;
  const builder = new HashBuilder(decoding.build(), decoding.limits.hashLimits, count / 3);
  while (reader.next(first) && reader.next(second)) {
    const whenMs = reader.nextScore();
    const isExpiry = Number.isInteger(whenMs) && whenMs >= 0 && whenMs <= MAX_FIELD_EXPIRY_MS;
    const expiryMs = whenMs === 0 ? NO_FIELD_EXPIRY : whenMs;
    if (!isExpiry || !builder.add(first, second, expiryMs)) throw decoding.damaged(BAD_LISTPACK);
  }
  if (!builder.finish()) throw decoding.damaged(BAD_LISTPACK);
  return true;
}

function decodeZiplist(decoding: Decoding): boolean {
  const { input, first, second } = decoding;
  const problem = "Hash ziplist integrity check failed.";
  const ziplist = new ZiplistReader();
  input.readString(first);
  if (!ziplist.open(first.bytes, first.start, first.length)) throw decoding.damaged(problem);
  const builder = new HashBuilder(decoding.build(), packedWhateverLength(decoding), 0);
  while (ziplist.next(first)) {
    if (!ziplist.next(second) || !builder.add(first, second)) throw decoding.damaged(problem);
  }
  if (ziplist.isDamaged || !builder.finish()) throw decoding.damaged(problem);
  return builder.size > 0;
}

/** As for listpacks: what was packed stays so, however long a field or value is. */
function packedWhateverLength({ limits }: Decoding): { maxEntries: number; maxValueBytes: number } {
  return { maxEntries: limits.hashLimits.maxEntries, maxValueBytes: Infinity };
}

function decodeZipmap(decoding: Decoding): boolean {
  const { input, first, second } = decoding;
  const problem = "Zipmap integrity check failed.";
  const zipmap = new ZipmapReader();
  input.readString(first);
  if (!zipmap.open(first.bytes, first.start, first.length)) throw decoding.damaged(problem);
  const builder = new HashBuilder(decoding.build(), decoding.limits.hashLimits, 0);
  while (zipmap.next(first, second)) {
    if (!builder.add(first, second)) throw decoding.damaged(problem);
  }
  if (zipmap.isDamaged || builder.size === 0) throw decoding.damaged(problem);
  if (!builder.finish()) {
    throw decoding.damaged("Hash zipmap with dup elements, or big length");
  }
  return true;
}
