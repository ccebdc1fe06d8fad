/**
 * Opens the keys among a command's arguments as values of a type. A missing key opens as an empty
 * value, which the first addition makes; null means that the key holds another type and the
 * error has been replied.
 *
 * Each type has two objects that serve all commands, `values.hash` and so on, so that opening
 * costs no allocation: a command that works on two keys opens the second as OTHER. Commands of
 * many keys make further ones with `newSet` and `newSortedSet`.
 */
import type { KeyspaceContext } from "../keyspace/context.ts";
import { OpenValue } from "../keyspace/open-value.ts";
import { TemporaryHome } from "../keyspace/temporary-home.ts";
import {
  ENCODING_RAW,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
  TYPE_ZSET,
  typeOf,
} from "../memory/entry.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Ref } from "../memory/arena.ts";
import { NOT_A_HYPERLOGLOG } from "../protocol/errors.ts";
import { HashValue } from "../values/hash.ts";
import type { Home } from "../values/home.ts";
import { HyperLogLog } from "../values/hyperloglog.ts";
import { ListValue, readListLimits } from "../values/list.ts";
import { SetValue } from "../values/set.ts";
import { SortedSetValue } from "../values/sorted-set.ts";
import { StreamValue } from "../values/stream.ts";
import { isInteger } from "../values/string.ts";
import type { Call } from "./call.ts";
import type { Config } from "./config/config.ts";
import { NOTIFY_GENERIC } from "./key-events.ts";

/** Which of a type's two objects opens the key. */
export const FIRST = 0;
export const OTHER = 1;
export type Which = typeof FIRST | typeof OTHER;

/** Directives that `configure` reads. */
export const ENCODING_DIRECTIVES = [
  "hash-max-listpack-entries",
  "hash-max-listpack-value",
  "list-max-listpack-size",
  "set-max-intset-entries",
  "set-max-listpack-entries",
  "set-max-listpack-value",
  "zset-max-listpack-entries",
  "zset-max-listpack-value",
  "hll-sparse-max-bytes",
  "stream-node-max-bytes",
  "stream-node-max-entries",
] as const;

/** A type's object with the home that it is opened on. */
interface Opener<T> {
  readonly home: OpenValue;
  readonly value: T;
}

export class TypedValues {
  readonly hashLimits = { maxEntries: 0, maxValueBytes: 0 };
  readonly listLimits = { maxItems: 0, maxBytes: 0 };
  readonly setLimits = { maxIntegers: 0, maxEntries: 0, maxValueBytes: 0 };
  readonly sortedSetLimits = { maxEntries: 0, maxValueBytes: 0 };
  readonly hyperLogLogLimits = { maxSparseBytes: 0 };
  readonly streamLimits = { maxNodeBytes: 0, maxNodeEntries: 0 };
  readonly hash: Opener<HashValue>;
  readonly hyperLogLog: Opener<HyperLogLog>;
  readonly stream: Opener<StreamValue>;
  readonly lists: readonly [Opener<ListValue>, Opener<ListValue>];
  readonly sets: readonly [Opener<SetValue>, Opener<SetValue>];
  readonly sortedSets: readonly [Opener<SortedSetValue>, Opener<SortedSetValue>];
  private readonly context: KeyspaceContext;

  constructor(context: KeyspaceContext) {
    this.context = context;
    this.hash = this.opener(TYPE_HASH, (home) => new HashValue(home, this.hashLimits));
    this.hyperLogLog = this.opener(
      TYPE_STRING,
      (home) => new HyperLogLog(home, this.hyperLogLogLimits),
    );
    this.stream = this.opener(TYPE_STREAM, (home) => new StreamValue(home));
    const newList = (): Opener<ListValue> =>
      this.opener(TYPE_LIST, (home) => new ListValue(home, this.listLimits));
    this.lists = [newList(), newList()];
    this.sets = [this.newSet(), this.newSet()];
    this.sortedSets = [this.newSortedSet(), this.newSortedSet()];
  }

  /** Reads the thresholds between encodings; called again when one is set. */
  configure({ values }: Config): void {
    this.hashLimits.maxEntries = values["hash-max-listpack-entries"];
    this.hashLimits.maxValueBytes = values["hash-max-listpack-value"];
    readListLimits(values["list-max-listpack-size"], this.listLimits);
    this.setLimits.maxIntegers = values["set-max-intset-entries"];
    this.setLimits.maxEntries = values["set-max-listpack-entries"];
    this.setLimits.maxValueBytes = values["set-max-listpack-value"];
    this.sortedSetLimits.maxEntries = values["zset-max-listpack-entries"];
    this.sortedSetLimits.maxValueBytes = values["zset-max-listpack-value"];
    this.hyperLogLogLimits.maxSparseBytes = values["hll-sparse-max-bytes"];
    this.streamLimits.maxNodeBytes = values["stream-node-max-bytes"];
    this.streamLimits.maxNodeEntries = values["stream-node-max-entries"];
  }

  /** A set of its own, for commands of many keys. */
  newSet(): Opener<SetValue> {
    return this.opener(TYPE_SET, (home) => new SetValue(home, this.setLimits));
  }

  newSortedSet(): Opener<SortedSetValue> {
    return this.opener(TYPE_ZSET, (home) => new SortedSetValue(home, this.sortedSetLimits));
  }

  private opener<T>(type: number, make: (home: OpenValue) => T): Opener<T> {
    const home = new OpenValue(type, this.context);
    return { home, value: make(home) };
  }
}

export function readHash(call: Call, index: number): HashValue | null {
  return hashOf(call, call.readKey(index), index);
}

export function writeHash(call: Call, index: number): HashValue | null {
  return hashOf(call, call.writeKey(index), index);
}

/** Opens what a lookup of a key that need not be an argument, the last one there, has found. */
export function openHash(
  call: Call,
  ref: Ref,
  bytes: Uint8Array,
  start: number,
  length: number,
): HashValue {
  const { hash } = call.engine.values;
  hash.home.open(call.database, ref, bytes, start, length);
  return hash.value.opened(call.visibleFromMs);
}

function hashOf(call: Call, ref: Ref, index: number): HashValue | null {
  const { hash } = call.engine.values;
  return open(call, hash.home, ref, index, TYPE_HASH)
    ? hash.value.opened(call.visibleFromMs)
    : null;
}

export function readList(call: Call, index: number): ListValue | null {
  return listOf(call, call.readKey(index), index, FIRST);
}

export function writeList(call: Call, index: number, which: Which = FIRST): ListValue | null {
  return listOf(call, call.writeKey(index), index, which);
}

function listOf(call: Call, ref: Ref, index: number, which: Which): ListValue | null {
  const list = call.engine.values.lists[which];
  return open(call, list.home, ref, index, TYPE_LIST) ? list.value : null;
}

export function readSet(call: Call, index: number, which: Which = FIRST): SetValue | null {
  return setOf(call, call.readKey(index), index, which);
}

export function writeSet(call: Call, index: number, which: Which = FIRST): SetValue | null {
  return setOf(call, call.writeKey(index), index, which);
}

function setOf(call: Call, ref: Ref, index: number, which: Which): SetValue | null {
  const set = call.engine.values.sets[which];
  return open(call, set.home, ref, index, TYPE_SET) ? set.value : null;
}

export function readSortedSet(
  call: Call,
  index: number,
  which: Which = FIRST,
): SortedSetValue | null {
  return sortedSetOf(call, call.readKey(index), index, which);
}

export function writeSortedSet(
  call: Call,
  index: number,
  which: Which = FIRST,
): SortedSetValue | null {
  return sortedSetOf(call, call.writeKey(index), index, which);
}

function sortedSetOf(call: Call, ref: Ref, index: number, which: Which): SortedSetValue | null {
  const set = call.engine.values.sortedSets[which];
  return open(call, set.home, ref, index, TYPE_ZSET) ? set.value : null;
}

export function readStream(call: Call, index: number): StreamValue | null {
  return streamOf(call, call.readKey(index), index);
}

/** As `readStream`, for commands that read and thereby change the stream's groups. */
export function readStreamToEdit(call: Call, index: number): StreamValue | null {
  const ref = call.readKey(index);
  if (ref !== NULL_REF) call.database.beforeChange(ref);
  return streamOf(call, ref, index);
}

export function writeStream(call: Call, index: number): StreamValue | null {
  return streamOf(call, call.writeKey(index), index);
}

/** The stream of argument `index`, which has just been looked up as `ref`. */
export function streamOf(call: Call, ref: Ref, index: number): StreamValue | null {
  const { stream } = call.engine.values;
  return open(call, stream.home, ref, index, TYPE_STREAM) ? stream.value : null;
}

/** Null also where the key holds another string; its registers may still prove corrupt. */
export function readHyperLogLog(call: Call, index: number): HyperLogLog | null {
  return hyperLogLogOf(call, call.readKey(index), index);
}

/**
 * As `readHyperLogLog`, for a key that has been looked up as `ref` and may be changed. From then on
 * the string shows as "raw", also where nothing changes: Redis un-shares it first.
 */
export function editHyperLogLog(call: Call, ref: Ref, index: number): HyperLogLog | null {
  if (ref !== NULL_REF) call.database.beforeChange(ref);
  const value = hyperLogLogOf(call, ref, index);
  if (value !== null && ref !== NULL_REF) call.database.setEncoding(ref, ENCODING_RAW);
  return value;
}

function hyperLogLogOf(call: Call, ref: Ref, index: number): HyperLogLog | null {
  const { home, value } = call.engine.values.hyperLogLog;
  if (!open(call, home, ref, index, TYPE_STRING)) return null;
  if (ref !== NULL_REF && (isInteger(home.arena, ref) || !value.isValid)) {
    call.fail(NOT_A_HYPERLOGLOG);
    return null;
  }
  return value.opened();
}

/** The sets under `count` keys from argument `first` on, or null where one is of another type. */
export function readSets(call: Call, first: number, count: number): SetValue[] | null {
  const sets: SetValue[] = [];
  for (let index = first; index < first + count; index++) {
    const { home, value } = call.engine.values.newSet();
    if (!open(call, home, call.readKey(index), index, TYPE_SET)) return null;
    sets.push(value);
  }
  return sets;
}

/** What set operations on sorted sets read: a sorted set, or a set, whose scores are all 1. */
export type ScoredValue = SetValue | SortedSetValue;

/** As `readSets`, for sorted sets and sets. */
export function openScored(call: Call, first: number, count: number): ScoredValue[] | null {
  const found: ScoredValue[] = [];
  for (let index = first; index < first + count; index++) {
    const ref = call.readKey(index);
    const isSet = ref !== NULL_REF && typeOf(call.database.arena, ref) === TYPE_SET;
    const { values } = call.engine;
    const { home, value } = isSet ? values.newSet() : values.newSortedSet();
    if (!open(call, home, ref, index, isSet ? TYPE_SET : TYPE_ZSET)) return null;
    found.push(value);
  }
  return found;
}

/** An empty set in the database's arena; see TemporaryHome. */
export function temporarySet(call: Call): { home: TemporaryHome; value: SetValue } {
  const home = new TemporaryHome(call.database.arena);
  return { home, value: new SetValue(home, call.engine.values.setLimits) };
}

/** As `temporarySet`. */
export function temporaryList(call: Call): { home: TemporaryHome; value: ListValue } {
  const home = new TemporaryHome(call.database.arena);
  return { home, value: new ListValue(home, call.engine.values.listLimits) };
}

/** As `temporarySet`. */
export function temporarySortedSet(call: Call): { home: TemporaryHome; value: SortedSetValue } {
  const home = new TemporaryHome(call.database.arena);
  return { home, value: new SortedSetValue(home, call.engine.values.sortedSetLimits) };
}

/**
 * Stores what was built under the key in argument `index`, whatever that held, or removes the key
 * where nothing was built, and reports it. `event` is the keyspace event of a stored result.
 */
export function storeBuilt(
  call: Call,
  index: number,
  built: { readonly home: TemporaryHome; readonly size: number },
  type: number,
  kind: number,
  event: string,
): void {
  const existing = call.writeKey(index);
  if (existing !== NULL_REF) call.database.remove(existing);
  if (built.size === 0) {
    built.home.discard();
    if (existing !== NULL_REF) call.changed(NOTIFY_GENERIC, "del", index);
    return;
  }
  const { bytes, starts, lengths } = call.args;
  const home = new OpenValue(type, call.engine.context);
  home.open(call.database, NULL_REF, bytes, starts[index], lengths[index]);
  home.adopt(built.home, existing === NULL_REF);
  call.changed(kind, event, index);
}

/** False where the key is of another type; the error has been replied. */
function open(call: Call, home: OpenValue, ref: Ref, index: number, type: number): boolean {
  if (call.isWrongType(ref, type)) return false;
  const { bytes, starts, lengths } = call.args;
  home.open(call.database, ref, bytes, starts[index], lengths[index]);
  return true;
}

/** Removes the key in argument `index` where its value has become empty, and reports that. */
export function removeEmptied(
  call: Call,
  value: { readonly size: number; readonly home: Home },
  index: number,
): void {
  if (value.size > 0 || !value.home.exists) return;
  value.home.remove();
  call.alsoHappened(NOTIFY_GENERIC, "del", index);
}
