/** Lists by index and by value. */
import {
  command,
  DENYOOM,
  FAST,
  KEY_ACCESS,
  KEY_DELETE,
  KEY_INSERT,
  KEY_RO,
  KEY_RW,
  KEY_UPDATE,
  READONLY,
  WRITE,
  keysAt,
} from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import { NOTIFY_GENERIC, NOTIFY_LIST } from "../../engine/key-events.ts";
import { readList, removeEmptied, writeList } from "../../engine/typed-values.ts";
import type { ListValue } from "../../values/list.ts";
import { INDEX_OUT_OF_RANGE, NO_SUCH_KEY, rangeProblem, SYNTAX } from "../../protocol/errors.ts";
import { clampRange } from "../../engine/ranges.ts";

export const llen = command({
  name: "llen",
  group: "list",
  since: "1.0.0",
  summary: "Returns how many elements a list has.",
  complexity: "O(1)",
  arity: 2,
  flags: READONLY | FAST,
  categories: ["list"],
  keys: [keysAt(KEY_RO, 1)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run: replyLength,
});

export const lrange = command({
  name: "lrange",
  group: "list",
  since: "1.0.0",
  summary: "Returns a range of a list's elements.",
  complexity: "O(S+N) where S is the way to the first element and N the number of elements",
  arity: 4,
  flags: READONLY,
  categories: ["list"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "start", type: "integer" },
    { name: "stop", type: "integer" },
  ],
  run: replyRange,
});

export const lindex = command({
  name: "lindex",
  group: "list",
  since: "1.0.0",
  summary: "Returns an element of a list by its index.",
  complexity: "O(N) where N is the way to the element from the nearer end",
  arity: 3,
  flags: READONLY,
  categories: ["list"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "index", type: "integer" },
  ],
  run: replyElement,
});

export const lset = command({
  name: "lset",
  group: "list",
  since: "1.0.0",
  summary: "Replaces an element of a list by its index.",
  complexity: "O(N) where N is the way to the element from the nearer end",
  arity: 4,
  flags: WRITE | DENYOOM,
  categories: ["list"],
  keys: [keysAt(KEY_RW | KEY_UPDATE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "index", type: "integer" },
    { name: "element", type: "string" },
  ],
  run: setElement,
});

export const linsert = command({
  name: "linsert",
  group: "list",
  since: "2.2.0",
  summary: "Inserts an element in front of or behind another one of a list.",
  complexity: "O(N) where N is the way to the pivot",
  arity: 5,
  flags: WRITE | DENYOOM,
  categories: ["list"],
  keys: [keysAt(KEY_RW | KEY_INSERT, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    {
      name: "where",
      type: "oneof",
      parts: [
        { name: "before", type: "pure-token", token: "BEFORE" },
        { name: "after", type: "pure-token", token: "AFTER" },
      ],
    },
    { name: "pivot", type: "string" },
    { name: "element", type: "string" },
  ],
  run: insertElement,
});

export const lrem = command({
  name: "lrem",
  group: "list",
  since: "1.0.0",
  summary: "Removes elements of a list that equal a value.",
  complexity: "O(N) where N is the length of the list",
  arity: 4,
  flags: WRITE,
  categories: ["list"],
  keys: [keysAt(KEY_RW | KEY_DELETE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "count", type: "integer" },
    { name: "element", type: "string" },
  ],
  run: removeElements,
});

export const ltrim = command({
  name: "ltrim",
  group: "list",
  since: "1.0.0",
  summary: "Removes all elements of a list outside of a range.",
  complexity: "O(N) where N is the number of elements removed",
  arity: 4,
  flags: WRITE,
  categories: ["list"],
  keys: [keysAt(KEY_RW | KEY_DELETE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "start", type: "integer" },
    { name: "stop", type: "integer" },
  ],
  run: trim,
});

export const lpos = command({
  name: "lpos",
  group: "list",
  since: "6.0.6",
  summary: "Returns the indices of elements of a list that equal a value.",
  complexity: "O(N) where N is the length of the list",
  arity: -3,
  flags: READONLY,
  categories: ["list"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "element", type: "string" },
    { name: "rank", type: "integer", token: "RANK", optional: true },
    { name: "num-matches", type: "integer", token: "COUNT", optional: true },
    { name: "len", type: "integer", token: "MAXLEN", optional: true },
  ],
  run: findPositions,
});

const MAX_RANK = 2n ** 63n - 1n;

function replyLength(call: Call): void {
  const list = readList(call, 1);
  if (list !== null) call.reply.integer(list.size);
}

function replyRange(call: Call): void {
  const first = call.int64(2);
  const last = call.int64(3);
  if (call.refused()) return;
  const list = readList(call, 1);
  if (list === null) return;
  const { reply } = call;
  const { start, count } = clampRange(first, last, list.size);
  reply.array(count);
  if (count === 0) return;
  const { item } = list;
  list.seek(start);
  for (let i = 0; i < count; i++) {
    list.read();
    reply.bulk(item.bytes, item.start, item.length);
    list.next();
  }
}

/** The index counted from the front; -1 where it lies outside of the list. */
function indexIn(list: ListValue, given: number | bigint): number {
  const { size } = list;
  const index = Number(given);
  const fromFront = index < 0 ? index + size : index;
  return fromFront >= 0 && fromFront < size ? fromFront : -1;
}

function replyElement(call: Call): void {
  const list = readList(call, 1);
  if (list === null) return;
  if (!list.home.exists) {
    call.reply.nil();
    return;
  }
  const given = call.int64(2);
  if (call.refused()) return;
  const index = indexIn(list, given);
  if (index === -1) {
    call.reply.nil();
    return;
  }
  list.seek(index);
  list.read();
  call.reply.bulk(list.item.bytes, list.item.start, list.item.length);
}

function setElement(call: Call): void {
  const list = writeList(call, 1);
  if (list === null) return;
  if (!list.home.exists) {
    call.fail(NO_SUCH_KEY);
    return;
  }
  const given = call.int64(2);
  if (call.refused()) return;
  const index = indexIn(list, given);
  if (index === -1) {
    call.fail(INDEX_OUT_OF_RANGE);
    return;
  }
  const { bytes, starts, lengths } = call.args;
  list.prepare(1, lengths[3]);
  list.seek(index);
  list.replace(bytes, starts[3], lengths[3]);
  list.settle();
  call.changed(NOTIFY_LIST, "lset", 1);
  call.reply.ok();
}

function insertElement(call: Call): void {
  const isBefore = call.is(2, "BEFORE");
  if (!isBefore && !call.is(2, "AFTER")) {
    call.syntaxError();
    return;
  }
  const list = writeList(call, 1);
  if (list === null) return;
  if (!list.home.exists) {
    call.reply.integer(0);
    return;
  }
  const { bytes, starts, lengths } = call.args;
  list.prepare(1, lengths[4]);
  list.sought(bytes, starts[3], lengths[3]);
  list.seekEnd(true);
  while (!list.isAtSought) {
    if (list.next()) continue;
    call.reply.integer(-1);
    return;
  }
  list.insert(isBefore, bytes, starts[4], lengths[4]);
  call.changed(NOTIFY_LIST, "linsert", 1);
  call.reply.integer(list.size);
}

function removeElements(call: Call): void {
  const given = call.int64(2);
  if (call.refused()) return;
  const list = writeList(call, 1);
  if (list === null) return;
  if (!list.home.exists) {
    call.reply.integer(0);
    return;
  }
  const { bytes, starts, lengths } = call.args;
  const backwards = given < 0;
  const most = given === 0 ? Infinity : Math.abs(Number(given));
  list.sought(bytes, starts[3], lengths[3]);
  list.seekEnd(!backwards);
  let removed = 0;
  for (let isOn = true; isOn && removed < most;) {
    if (list.isAtSought) {
      isOn = list.removeAndMove(backwards);
      removed++;
    } else {
      isOn = backwards ? list.previous() : list.next();
    }
  }
  if (removed > 0) {
    call.changed(NOTIFY_LIST, "lrem", 1);
    call.changedMany(removed - 1);
    removeEmptied(call, list, 1);
    if (list.home.exists) list.settle();
  }
  call.reply.integer(removed);
}

function trim(call: Call): void {
  const first = call.int64(2);
  const last = call.int64(3);
  if (call.refused()) return;
  const list = writeList(call, 1);
  if (list === null) return;
  call.reply.ok();
  if (!list.home.exists) return;
  const { size } = list;
  const { start, count } = clampRange(first, last, size);
  const removed = size - count;
  if (removed === 0) {
    call.alsoHappened(NOTIFY_LIST, "ltrim", 1);
    return;
  }
  if (count > 0) {
    if (size - start - count > 0) list.drop(false, size - start - count);
    if (start > 0) list.drop(true, start);
    list.settle();
  } else {
    list.home.remove();
  }
  call.changed(NOTIFY_LIST, "ltrim", 1);
  call.changedMany(removed - 1);
  if (count === 0) call.alsoHappened(NOTIFY_GENERIC, "del", 1);
}

interface Search {
  rank: number;
  /** Null: one index is replied, not an array. */
  count: number | null;
  maxLength: number;
}

function readSearch(call: Call): Search {
  const search: Search = { rank: 1, count: null, maxLength: 0 };
  for (let i = 3; i < call.count; i += 2) {
    if (i + 1 === call.count) call.refuse(SYNTAX);
    else if (call.is(i, "RANK")) {
      const rank = call.int64(i + 1);
      if (rank < -MAX_RANK) call.refuse(rangeProblem(-MAX_RANK, MAX_RANK));
      if (rank === 0) {
        call.refuse(
          "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... " +
            "or use negative to start from the end of the list",
        );
      }
      search.rank = Number(rank);
    } else if (call.is(i, "COUNT")) search.count = notNegative(call, i + 1, "COUNT");
    else if (call.is(i, "MAXLEN")) search.maxLength = notNegative(call, i + 1, "MAXLEN");
    else call.refuse(SYNTAX);
    if (call.hasProblem) break;
  }
  return search;
}

function notNegative(call: Call, index: number, name: string): number {
  const problem = `ERR ${name} can't be negative`;
  const value = call.int64(index, problem);
  if (value < 0) call.refuse(problem);
  return Number(value);
}

function findPositions(call: Call): void {
  const { rank, count, maxLength } = readSearch(call);
  if (call.refused()) return;
  const list = readList(call, 1);
  if (list === null) return;
  const { reply } = call;
  const mark = reply.beginDeferred();
  const most = count === 0 ? Infinity : (count ?? 1);
  let found = 0;
  if (list.home.exists) {
    const { bytes, starts, lengths } = call.args;
    const { size } = list;
    const backwards = rank < 0;
    const steps = maxLength === 0 ? size : Math.min(size, maxLength);
    let toSkip = Math.abs(rank) - 1;
    list.sought(bytes, starts[2], lengths[2]);
    list.seekEnd(!backwards);
    for (let i = 0; i < steps && found < most; i++) {
      if (list.isAtSought && --toSkip < 0) {
        reply.integer(backwards ? size - 1 - i : i);
        found++;
      }
      if (backwards) list.previous();
      else list.next();
    }
  }
  if (count !== null) reply.endDeferred(mark, found);
  else if (found === 0) reply.nil();
}
