/**
 * Opens any entry's collection for reading, without a command: for files and digests. One of
 * `hash`, `list`, `set`, `sortedSet` and `stream` is what `open` says; the others are meaningless.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_STREAM, TYPE_ZSET, typeOf } from "../memory/entry.ts";
import { HashValue } from "../values/hash.ts";
import { ListValue } from "../values/list.ts";
import { SetValue } from "../values/set.ts";
import { SortedSetValue } from "../values/sorted-set.ts";
import { StreamValue } from "../values/stream.ts";
import type { KeyspaceContext } from "./context.ts";
import { OpenValue } from "./open-value.ts";

export class ValueReader {
  readonly hash: HashValue;
  readonly list: ListValue;
  readonly set: SetValue;
  readonly sortedSet: SortedSetValue;
  readonly stream: StreamValue;
  private readonly homes: ReadonlyMap<number, OpenValue>;

  constructor(context: KeyspaceContext) {
    const types = [TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_ZSET, TYPE_STREAM];
    const homes = types.map((type) => [type, new OpenValue(type, context)] as const);
    const [hash, list, set, sortedSet, stream] = homes;
    this.homes = new Map(homes);
    // Limits matter to those who add.
    this.hash = new HashValue(hash[1], { maxEntries: 0, maxValueBytes: 0 });
    this.list = new ListValue(list[1], { maxItems: 0, maxBytes: 0 });
    this.set = new SetValue(set[1], { maxIntegers: 0, maxEntries: 0, maxValueBytes: 0 });
    this.sortedSet = new SortedSetValue(sortedSet[1], { maxEntries: 0, maxValueBytes: 0 });
    this.stream = new StreamValue(stream[1]);
  }

  /** Opens the entry, which is no string; returns its type. */
  open(arena: Arena, ref: Ref): number {
    const type = typeOf(arena, ref);
    this.homes.get(type)?.openToRead(arena, ref);
    // Fields that have expired are still there.
    if (type === TYPE_HASH) this.hash.opened(0);
    return type;
  }
}
