/** Lists in all the forms that files hold them in. */
import { ENCODING_LISTPACK } from "../memory/entry.ts";
import { ListBuilder } from "../values/list-builder.ts";
import type { Decoding } from "./_decoding.ts";
import {
  NODE_PACKED,
  NODE_PLAIN,
  RDB_LIST,
  RDB_LIST_QUICKLIST,
  RDB_LIST_ZIPLIST,
} from "./rdb-types.ts";
import { ZiplistReader } from "./_ziplist.ts";

/** A node is a string at the least. */
const MIN_NODE_BYTES = 1;

/** Reads a list of this type; false where it is empty. */
export function decodeList(decoding: Decoding, type: number): boolean {
  if (type === RDB_LIST_ZIPLIST) {
    const builder = builderOf(decoding);
    addZiplist(decoding, builder, "List ziplist integrity check failed.");
    return finish(builder);
  }
  const count = decoding.input.readCount(MIN_NODE_BYTES);
  if (count === 0) return false;
  if (type === RDB_LIST) return decodeItems(decoding, count);
  if (type === RDB_LIST_QUICKLIST) {
    const builder = builderOf(decoding);
    for (let i = 0; i < count; i++) {
      addZiplist(decoding, builder, "Ziplist integrity check failed.");
    }
    return finish(builder);
  }
  return decodeNodes(decoding, count);
}

function builderOf(decoding: Decoding): ListBuilder {
  return new ListBuilder(decoding.build(), decoding.limits.listLimits);
}

function finish(builder: ListBuilder): boolean {
  if (builder.size === 0) return false;
  builder.finish();
  return true;
}

function decodeItems(decoding: Decoding, count: number): boolean {
  const builder = builderOf(decoding);
  for (let i = 0; i < count; i++) {
    decoding.input.readString(decoding.first);
    builder.add(decoding.first);
  }
  return finish(builder);
}

/** Nodes that say of what kind they are. One packed node that fits is a packed list. */
function decodeNodes(decoding: Decoding, count: number): boolean {
  const { input, reader, first, limits } = decoding;
  let builder: ListBuilder | null = null;
  for (let i = 0; i < count; i++) {
    const { offset } = input;
    const kind = input.readLength();
    if (kind !== NODE_PLAIN && kind !== NODE_PACKED) {
      throw input.error("Quicklist integrity check failed.", offset);
    }
    if (kind === NODE_PLAIN) {
      input.readString(first);
      if (first.length === 0) throw decoding.damaged("Quicklist integrity check failed.");
      builder ??= builderOf(decoding);
      builder.addPlain(first);
      continue;
    }
    decoding.openListpack(first, "Listpack integrity check failed.");
    if (count === 1 && reader.isCanonical && reader.count > 0) {
      const { maxBytes, maxItems } = limits.listLimits;
      if (first.length <= maxBytes && reader.count <= maxItems) {
        decoding.take(first, ENCODING_LISTPACK);
        return true;
      }
    }
    builder ??= builderOf(decoding);
    if (!reader.hasForeignItems) builder.addListpack(reader);
    else while (reader.next(first)) builder.add(first);
  }
  return builder !== null && finish(builder);
}

function addZiplist(decoding: Decoding, builder: ListBuilder, problem: string): void {
  const { input, first } = decoding;
  const ziplist = new ZiplistReader();
  input.readString(first);
  if (!ziplist.open(first.bytes, first.start, first.length)) throw decoding.damaged(problem);
  while (ziplist.next(first)) builder.add(first);
  if (ziplist.isDamaged) throw decoding.damaged(problem);
}
