/**
 * SORT and SORT_RO: the elements of a list, set or sorted set in order, or what other keys hold
 * for them, to the client or into a list.
 */
import {
  command,
  DENYOOM,
  KEY_ACCESS,
  KEY_OW,
  KEY_RO,
  KEY_UPDATE,
  keysAt,
  READONLY,
  WRITE,
} from "../../engine/command.ts";
import type { ArgumentDoc, KeySpec } from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import { NOTIFY_LIST } from "../../engine/key-events.ts";
import {
  readList,
  readSet,
  readSortedSet,
  storeBuilt,
  temporaryList,
} from "../../engine/typed-values.ts";
import { NULL_REF } from "../../memory/arena.ts";
import { TYPE_LIST, TYPE_SET, TYPE_ZSET, typeOf } from "../../memory/entry.ts";
import type { ListValue } from "../../values/list.ts";
import type { SetValue } from "../../values/set.ts";
import type { SortedSetValue } from "../../values/sorted-set.ts";
import { KeyPattern } from "./_key-pattern.ts";
import { findDestination, SortOptions } from "./_options.ts";
import { Sorter } from "./_sorter.ts";

const COMPLEXITY =
  "O(N*log(N)) where N is the number of elements, O(N) where they are not to be sorted";

const PATTERN_KEYS: KeySpec = {
  flags: KEY_RO | KEY_ACCESS,
  begin: "unknown",
  find: "unknown",
  notes:
    "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from " +
    "the content of the key we sort",
};

const DESTINATION_KEY: KeySpec = {
  flags: KEY_OW | KEY_UPDATE,
  begin: "unknown",
  find: "unknown",
  notes:
    "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear " +
    "anywhere in the argument array",
};

const ARGUMENTS: readonly ArgumentDoc[] = [
  { name: "key", type: "key", keySpec: 0 },
  { name: "pattern", type: "pattern", token: "BY", keySpec: 1, optional: true },
  {
    name: "offset_count",
    type: "block",
    token: "LIMIT",
    optional: true,
    parts: [
      { name: "offset", type: "integer" },
      { name: "count", type: "integer" },
    ],
  },
  {
    name: "pattern",
    type: "pattern",
    token: "GET",
    keySpec: 1,
    optional: true,
    multiple: true,
    multipleToken: true,
  },
  {
    name: "order",
    type: "oneof",
    optional: true,
    parts: [
      { name: "asc", type: "pure-token", token: "ASC" },
      { name: "desc", type: "pure-token", token: "DESC" },
    ],
  },
  { name: "sorting", type: "pure-token", token: "ALPHA", optional: true },
];

export const sort = command({
  name: "sort",
  group: "generic",
  since: "1.0.0",
  summary: "Sorts the elements of a list, a set or a sorted set, and may store the result.",
  complexity: COMPLEXITY,
  arity: -2,
  flags: WRITE | DENYOOM,
  categories: ["set", "sortedset", "list", "dangerous"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1), PATTERN_KEYS, DESTINATION_KEY],
  findKeys(args, offset, found) {
    found.add(offset + 1, KEY_RO | KEY_ACCESS);
    const destination = findDestination(args, offset + 2);
    if (destination > 0) found.add(destination, KEY_OW | KEY_UPDATE);
    return true;
  },
  args: [
    ...ARGUMENTS,
    { name: "destination", type: "key", token: "STORE", keySpec: 2, optional: true },
  ],
  run: (call) => sortElements(call, true),
});

export const sortRo = command({
  name: "sort_ro",
  group: "generic",
  since: "7.0.0",
  summary: "Sorts the elements of a list, a set or a sorted set.",
  complexity: COMPLEXITY,
  arity: -2,
  flags: READONLY,
  categories: ["set", "sortedset", "list", "dangerous"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1), PATTERN_KEYS],
  findKeys(_args, offset, found) {
    found.add(offset + 1, KEY_RO | KEY_ACCESS);
    return true;
  },
  args: ARGUMENTS,
  run: (call) => sortElements(call, false),
});

const options = new SortOptions();
const sorter = new Sorter();
/** One for each GET; they serve all commands. */
const getPatterns: KeyPattern[] = [];

function sortElements(call: Call, mayStore: boolean): void {
  options.read(call, mayStore);
  if (call.refused()) return;
  const ref = call.peekKey(1);
  const type = ref === NULL_REF ? TYPE_LIST : typeOf(call.database.arena, ref);
  const source = openSource(call, type);
  if (source === null) return;
  // A set has no order of its own that another server would repeat (sort.c).
  if (options.keepsOrder && type === TYPE_SET && options.destination !== 0) {
    options.keepsOrder = false;
    options.comparesBytes = true;
    options.by = 0;
  }
  const { size } = source;
  const first = Math.min(Math.max(options.offset, 0), size);
  const wanted = options.count < 0 ? size - first : Math.min(options.count, size - first);
  if (options.keepsOrder) {
    collect(source, first, wanted, options.descending);
    sorter.keepOrder();
    finish(call, 0, wanted);
  } else {
    collect(source, 0, size, false);
    if (sorter.sort(call, options, first, wanted)) finish(call, first, wanted);
    else call.fail("ERR One or more scores can't be converted into double");
  }
  sorter.clear();
}

type Source = ListValue | SetValue | SortedSetValue;

/** Null where the key holds what can't be sorted; the error has been replied. */
function openSource(call: Call, type: number): Source | null {
  if (type === TYPE_SET) return readSet(call, 1);
  return type === TYPE_ZSET ? readSortedSet(call, 1) : readList(call, 1);
}

/** Copies `count` elements from place `first` on, counted backwards from the end if told. */
function collect(source: Source, first: number, count: number, backwards: boolean): void {
  if (count === 0) return;
  const place = backwards ? source.size - 1 - first : first;
  if ("item" in source) collectItems(source, place, count, backwards);
  else if ("seek" in source) collectRanks(source, place, count, backwards);
  else collectMembers(source, first, count);
}

function collectItems(list: ListValue, place: number, count: number, backwards: boolean): void {
  const { elements } = sorter;
  const { item } = list;
  list.seek(place);
  for (let left = count; left > 0; left--) {
    list.read();
    elements.add(item.bytes, item.start, item.length);
    if (backwards) list.previous();
    else list.next();
  }
}

function collectRanks(set: SortedSetValue, place: number, count: number, backwards: boolean): void {
  const { elements } = sorter;
  const { member } = set;
  set.seek(place);
  for (let left = count; left > 0; left--) {
    set.read();
    elements.add(member.bytes, member.start, member.length);
    set.move(backwards);
  }
}

function collectMembers(set: SetValue, first: number, count: number): void {
  const { elements } = sorter;
  const { member } = set;
  set.rewind();
  for (let i = 0; i < first; i++) set.next();
  for (let left = count; left > 0; left--) {
    set.next();
    elements.add(member.bytes, member.start, member.length);
  }
}

function finish(call: Call, first: number, wanted: number): void {
  const { bytes, starts, lengths } = call.args;
  const { gets } = options;
  while (getPatterns.length < gets.length) getPatterns.push(new KeyPattern());
  for (const [i, index] of gets.entries()) getPatterns[i].set(bytes, starts[index], lengths[index]);
  if (options.destination === 0) reply(call, first, wanted);
  else store(call, first, wanted);
}

function reply(call: Call, first: number, wanted: number): void {
  const gets = options.gets.length;
  const { element } = sorter;
  call.reply.array(wanted * Math.max(gets, 1));
  for (let place = first; place < first + wanted; place++) {
    sorter.readAt(place);
    if (gets === 0) call.reply.bulk(element.bytes, element.start, element.length);
    for (let i = 0; i < gets; i++) {
      const pattern = getPatterns[i];
      const { value } = pattern;
      if (pattern.find(call, element)) call.reply.bulk(value.bytes, value.start, value.length);
      else call.reply.nil();
    }
  }
}

function store(call: Call, first: number, wanted: number): void {
  const gets = options.gets.length;
  const { element } = sorter;
  const { home, value: list } = temporaryList(call);
  for (let place = first; place < first + wanted; place++) {
    sorter.readAt(place);
    if (gets === 0) append(list, element);
    for (let i = 0; i < gets; i++) {
      const pattern = getPatterns[i];
      if (!pattern.find(call, element)) pattern.value.length = 0;
      append(list, pattern.value);
    }
  }
  const { size } = list;
  storeBuilt(call, options.destination, { home, size }, TYPE_LIST, NOTIFY_LIST, "sortstore");
  if (size > 0) call.changedMany(size - 1);
  call.reply.integer(size);
}

function append(list: ListValue, { bytes, start, length }: ListValue["item"]): void {
  list.prepare(1, length);
  list.push(false, bytes, start, length);
}
