/** XREADGROUP: new entries for a consumer of a group, or its own pending ones once more. */
import type { Call } from "../../engine/call.ts";
import { command, BLOCKING, KEY_ACCESS, KEY_RO, WRITE } from "../../engine/command.ts";
import { readStream, readStreamToEdit } from "../../engine/typed-values.ts";
import { TYPE_STREAM } from "../../memory/entry.ts";
import {
  GROUP_MISSING,
  LAST_ID_IN_XREADGROUP,
  noKeyOrGroup,
  SYNTAX,
  unbalancedStreams,
} from "../../protocol/errors.ts";
import type { Consumer, ConsumerGroup } from "../../values/consumer-group.ts";
import { advance } from "../../values/group-progress.ts";
import { oneMore } from "../../values/stream.ts";
import type { Stream, StreamValue } from "../../values/stream.ts";
import { StreamCursor } from "../../values/stream-cursor.ts";
import { StreamId } from "../../values/stream-id.ts";
import { replyEntry } from "./_entries.ts";
import {
  addConsumer,
  findConsumer,
  findGroup,
  IdList,
  propagateConsumer,
  propagatePending,
  propagateProgress,
} from "./_groups.ts";
import { readId, replyId } from "./_ids.ts";

export const xreadgroup = command({
  name: "xreadgroup",
  group: "stream",
  since: "5.0.0",
  summary:
    "Returns new entries of several streams to a consumer of a group, or those it has not " +
    "acknowledged; waits for one.",
  complexity: "O(N) where N is the number of entries returned",
  arity: -7,
  flags: WRITE | BLOCKING,
  categories: ["stream"],
  keys: [
    {
      flags: KEY_RO | KEY_ACCESS,
      begin: { keyword: "STREAMS", startFrom: 4 },
      find: { lastKey: -1, step: 1, limit: 2 },
    },
  ],
  args: [
    {
      name: "group-block",
      type: "block",
      token: "GROUP",
      parts: [
        { name: "group", type: "string" },
        { name: "consumer", type: "string" },
      ],
    },
    { name: "count", type: "integer", token: "COUNT", optional: true },
    { name: "milliseconds", type: "integer", token: "BLOCK", optional: true },
    { name: "noack", type: "pure-token", token: "NOACK", optional: true },
    {
      name: "streams",
      type: "block",
      token: "STREAMS",
      parts: [
        { name: "key", type: "key", keySpec: 0, multiple: true },
        { name: "id", type: "string", multiple: true },
      ],
    },
  ],
  run: readGroups,
});

const NO_TIMEOUT = -1;
const NEW_ENTRIES = ">";

const from = new StreamId();
const LAST_ID = new StreamId().setLast();
const cursor = new StreamCursor();
/** Behind which ID each stream's history is read; the last ID there is: its new entries. */
const ids = new IdList();
/** Where the names are; `key` is that of the stream that is being read. */
const at = { key: 0, group: 0, consumer: 0 };

let limit = 0;
let timeoutMs = NO_TIMEOUT;
let isAcknowledged = false;
let firstKey = 0;

function readGroups(call: Call): void {
  readOptions(call);
  if (call.refused()) return;
  const count = (call.count - firstKey) / 2;
  if (!resolve(call, count)) return;
  call.instead();
  const { reply } = call;
  const mark = reply.beginDeferred();
  let served = 0;
  for (let i = 0; i < count; i++) {
    at.key = firstKey + i;
    const value = readStreamToEdit(call, at.key);
    const group = value === null || !value.exists ? null : findGroup(call, value.stream, at.group);
    if (value !== null && group !== null && serve(call, value, group, ids.at(i))) served++;
  }
  if (served > 0) {
    if (reply.resp3) reply.endDeferredMap(mark, served);
    else reply.endDeferred(mark, served);
  } else if (timeoutMs === NO_TIMEOUT) {
    reply.nullArray();
  } else {
    const lastKey = firstKey + count - 1;
    call.block({ firstKey, lastKey, type: TYPE_STREAM, timeoutMs, wakesWithoutKey: true });
  }
}

function readOptions(call: Call): void {
  limit = 0;
  timeoutMs = NO_TIMEOUT;
  isAcknowledged = false;
  firstKey = at.group = 0;
  for (let i = 1; i < call.count && firstKey === 0; i++) {
    const more = call.count - i - 1;
    if (more > 0 && call.is(i, "BLOCK")) timeoutMs = call.timeoutMs(++i, "milliseconds");
    else if (more > 0 && call.is(i, "COUNT")) limit = Math.max(0, Number(call.int64(++i)));
    else if (more > 0 && call.is(i, "STREAMS")) firstKey = i + 1;
    else if (more > 1 && call.is(i, "GROUP")) {
      at.group = i + 1;
      at.consumer = i + 2;
      i += 2;
    } else if (call.is(i, "NOACK")) isAcknowledged = true;
    else call.refuse(SYNTAX);
    if (call.hasProblem) return;
  }
  if (firstKey === 0) call.refuse(SYNTAX);
  else if ((call.count - firstKey) % 2 !== 0) {
    call.refuse(unbalancedStreams("xreadgroup", NEW_ENTRIES));
  } else if (at.group === 0) call.refuse(GROUP_MISSING);
}

/** Makes sure of each stream's group and reads the IDs; false where an error was replied. */
function resolve(call: Call, count: number): boolean {
  ids.clear();
  for (let i = 0; i < count; i++) {
    const value = readStream(call, firstKey + i);
    if (value === null) return false;
    if (!value.exists || findGroup(call, value.stream, at.group) === null) {
      const context = " in XREADGROUP with GROUP option";
      call.fail(noKeyOrGroup(call.text(firstKey + i), call.text(at.group), context));
      return false;
    }
    const index = firstKey + count + i;
    if (call.is(index, NEW_ENTRIES)) ids.add().setLast();
    else if (call.is(index, "$")) call.refuse(LAST_ID_IN_XREADGROUP);
    else readId(call, index, ids.add());
    if (call.refused()) return false;
  }
  return true;
}

/** Replies with one stream's entries; false, and no reply, where there is nothing new. */
function serve(call: Call, value: StreamValue, group: ConsumerGroup, id: StreamId): boolean {
  const known = findConsumer(call, group, at.consumer);
  const consumer = known ?? addConsumer(call, value, group, at);
  consumer.seenMs = call.nowMs;
  const isNew = id.isLast;
  let hasPending = false;
  let isServed = true;
  if (!isNew) replyHistory(call, value.stream, group, consumer, id);
  else if (findNew(value.stream, group)) {
    hasPending = !isAcknowledged;
    replyNew(call, value, group, consumer);
  } else isServed = false;
  // A consumer with pending entries is made by what propagates these.
  if (known === null && !hasPending) propagateConsumer(call, at);
  if (isNew && isServed) propagateProgress(call, group, at);
  return isServed;
}

/** Points the cursor at the first entry that the group was not given yet. */
function findNew(stream: Stream, group: ConsumerGroup): boolean {
  if (stream.lastId.compare(group.lastId) <= 0) return false;
  from.copy(group.lastId).increment();
  cursor.seek(stream, from, LAST_ID, false);
  return cursor.next();
}

/** Gives the consumer entries from the cursor's on. */
function replyNew(call: Call, value: StreamValue, group: ConsumerGroup, consumer: Consumer): void {
  const { reply, nowMs } = call;
  const { stream } = value;
  beginStream(call);
  const mark = reply.beginDeferred();
  let count = 0;
  do {
    const { id } = cursor;
    advance(stream, group, id);
    replyEntry(reply, cursor);
    if (!isAcknowledged) {
      group.deliver(id, consumer, nowMs);
      propagatePending(call, group, at);
    }
    count++;
  } while (count !== limit && cursor.next());
  if (!isAcknowledged) consumer.activeMs = nowMs;
  reply.endDeferred(mark, count);
  value.touched();
  call.changedMany(1);
}

/**
 * The consumer's own pending entries behind an ID; of one that was deleted, null. That they are
 * delivered once more counts as no change, as in Redis; it is propagated all the same, so that who
 * counts deliveries to find entries that can't be processed goes on counting after a restart.
 */
function replyHistory(
  call: Call,
  stream: Stream,
  group: ConsumerGroup,
  consumer: Consumer,
  id: StreamId,
): void {
  const { reply } = call;
  beginStream(call);
  const mark = reply.beginDeferred();
  let count = 0;
  from.copy(id).increment();
  let isThere = group.seek(from, consumer);
  while (isThere && (limit === 0 || count < limit)) {
    cursor.seek(stream, group.id, group.id, false);
    if (cursor.next()) {
      replyEntry(reply, cursor);
      group.setDelivery(call.nowMs, oneMore(group.deliveries));
      propagatePending(call, group, at);
    } else {
      reply.array(2);
      replyId(reply, group.id);
      reply.nullArray();
    }
    count++;
    isThere = group.next(consumer);
  }
  reply.endDeferred(mark, count);
}

/** A stream's part of the reply: its key, which its entries follow. */
function beginStream({ args, reply }: Call): void {
  if (!reply.resp3) reply.array(2);
  reply.bulk(args.bytes, args.starts[at.key], args.lengths[at.key]);
}
