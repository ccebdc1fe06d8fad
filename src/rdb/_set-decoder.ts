/** Sets in all the forms that files hold them in. */
import { ENCODING_INTSET, ENCODING_LISTPACK } from "../memory/entry.ts";
import { IntsetReader } from "../values/intset-reader.ts";
import { SetValue } from "../values/set.ts";
import type { Decoding } from "./_decoding.ts";
import { RDB_SET, RDB_SET_INTSET } from "./rdb-types.ts";

const DUPLICATE = "Duplicate set members detected";
const BAD_LISTPACK = "Set listpack integrity check failed.";

/** Reads a set of this type; false where it is empty. */
export function decodeSet(decoding: Decoding, type: number): boolean {
  if (type === RDB_SET) return decodeMembers(decoding);
  return type === RDB_SET_INTSET ? decodeIntset(decoding) : decodeListpack(decoding);
}

function decodeMembers(decoding: Decoding): boolean {
  const { input, first } = decoding;
  const count = input.readCount(1);
  if (count === 0) return false;
  const { setBuilder } = decoding;
  setBuilder.begin(decoding.build(), count);
  for (let i = 0; i < count; i++) {
    input.readString(first);
    if (!setBuilder.add(first)) throw decoding.damaged(DUPLICATE);
  }
  if (!setBuilder.finish()) throw decoding.damaged(DUPLICATE);
  return true;
}

function setFor(decoding: Decoding, isLarge: boolean): SetValue {
  const set = new SetValue(decoding.build(), decoding.limits.setLimits);
  if (isLarge) set.makeLarge();
  return set;
}

function decodeIntset(decoding: Decoding): boolean {
  const { input, first, limits } = decoding;
  input.readString(first);
  decoding.checkedForms++;
  const integers = new IntsetReader();
  if (!integers.open(first.bytes, first.start, first.length)) {
    throw decoding.damaged("Intset integrity check failed.");
  }
  if (integers.count <= limits.setLimits.maxIntegers) {
    decoding.take(first, ENCODING_INTSET);
    return true;
  }
  const set = setFor(decoding, true);
  while (integers.next(first)) set.add(first.bytes, first.start, first.length);
  return true;
}

function decodeListpack(decoding: Decoding): boolean {
  const { reader, first, limits } = decoding;
  decoding.openListpack(first, BAD_LISTPACK);
  if (reader.count === 0) return false;
  const isSmall = reader.count <= limits.setLimits.maxEntries;
  if (isSmall && reader.isCanonical) {
    if (reader.hasRepeats(1)) throw decoding.damaged(BAD_LISTPACK);
    decoding.take(first, ENCODING_LISTPACK);
    return true;
  }
  const set = setFor(decoding, !isSmall);
  while (reader.next(first)) {
    const isNew = set.add(first.bytes, first.start, first.length);
    if (!isNew) throw decoding.damaged(BAD_LISTPACK);
  }
  return true;
}
