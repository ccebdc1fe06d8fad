/** XREADGROUP: reading a stream as one of a group, each entry by one of its consumers. */
import { command, BLOCKING, KEY_ACCESS, KEY_RO, WRITE } from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import type { Effects } from "../../engine/effects.ts";
import { readStream } from "../../engine/typed-values.ts";
import { TYPE_STREAM } from "../../memory/entry.ts";
import {
  DOLLAR_IN_XREADGROUP,
  GROUP_IS_MISSING,
  IN_XREADGROUP,
  noGroup,
  SYNTAX,
  unbalancedStreams,
} from "../../protocol/errors.ts";
import type { Consumer, ConsumerGroup } from "../../values/consumer-group.ts";
import type { Stream } from "../../values/stream.ts";
import { StreamCursor } from "../../values/stream-cursor.ts";
import { StreamId } from "../../values/stream-id.ts";
import { replyEntry } from "./_entries.ts";
import {
  groupAt,
  propagateClaim,
  propagateConsumer,
  propagateGroupId,
  seenConsumer,
} from "./_groups.ts";
import { readId, replyId } from "./_ids.ts";

export const xreadgroup = command({
  name: "xreadgroup",
  group: "stream",
  since: "5.0.0",
  summary:
    "Returns entries that no consumer of a group has got yet, or one's own pending ones; waits for one.",
  complexity:
    "For each stream mentioned: O(M) with M being the number of elements returned. If M is constant (e.g. always asking for the first 10 elements with COUNT), you can consider it O(1). On the other side when XREADGROUP blocks, XADD will pay the O(N) time in order to serve the N clients blocked on the stream getting new data.",
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
      name: "group_consumer",
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
  run: readAsGroup,
});

const NO_TIMEOUT = -1;
const LAST_ID = new StreamId().setLast();
const topId = new StreamId();
const from = new StreamId();
const pendingId = new StreamId();
const cursor = new StreamCursor();
const entryCursor = new StreamCursor();
/** The ID behind which each stream's own pending entries are asked for; the last ID: new ones. */
const ids: StreamId[] = [];
const groups: ConsumerGroup[] = [];

let limit = 0;
let timeoutMs = NO_TIMEOUT;
let isUnacknowledged = false;
let groupIndex = 0;
let firstKey = 0;

function readAsGroup(call: Call): void {
  readOptions(call);
  if (call.refused()) return;
  const count = (call.count - firstKey) / 2;
  if (!resolve(call, count)) return;
  const effects = call.instead();
  const { args, reply } = call;
  const mark = reply.beginDeferred();
  let served = 0;
  for (let i = 0; i < count; i++) {
    const index = firstKey + i;
    const value = readStream(call, index);
    if (value === null || !value.exists) continue;
    const { stream } = value;
    const group = groups[i];
    const { consumer, isNew } = seenConsumer(call, group, index, groupIndex + 1);
    if (isNew) value.touched();
    const asksForNew = ids[i].isLast;
    if (asksForNew && !hasNew(stream, group)) {
      if (isNew) propagateConsumer(call, effects, index, groupIndex, consumer);
      continue;
    }
    served++;
    if (!reply.resp3) reply.array(2);
    reply.bulk(args.bytes, args.starts[index], args.lengths[index]);
    if (isNew && (isUnacknowledged || !asksForNew)) {
      propagateConsumer(call, effects, index, groupIndex, consumer);
    }
    if (asksForNew) deliver(call, effects, index, stream, group, consumer);
    else deliverAgain(call, stream, group, consumer, ids[i]);
    value.touched();
    call.changedMany(1);
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
  limit = groupIndex = firstKey = 0;
  timeoutMs = NO_TIMEOUT;
  isUnacknowledged = false;
  for (let i = 1; i < call.count && firstKey === 0; i++) {
    const more = call.count - i - 1;
    if (more > 0 && call.is(i, "BLOCK")) timeoutMs = call.timeoutMs(++i, "milliseconds");
    else if (more > 0 && call.is(i, "COUNT")) limit = Math.max(0, Number(call.int64(++i)));
    else if (more > 0 && call.is(i, "STREAMS")) firstKey = i + 1;
    else if (more > 1 && call.is(i, "GROUP")) {
      groupIndex = i + 1;
      i += 2;
    } else if (call.is(i, "NOACK")) isUnacknowledged = true;
    else call.refuse(SYNTAX);
    if (call.hasProblem) return;
  }
  if (firstKey === 0) call.refuse(SYNTAX);
  else if ((call.count - firstKey) % 2 !== 0) call.refuse(unbalancedStreams("xreadgroup", ">"));
  else if (groupIndex === 0) call.refuse(GROUP_IS_MISSING);
}

/** Finds the groups and reads the IDs; false where one is wrong, which has been replied. */
function resolve(call: Call, count: number): boolean {
  while (ids.length < count) ids.push(new StreamId());
  for (let i = 0; i < count; i++) {
    const value = readStream(call, firstKey + i);
    if (value === null) return false;
    const group = value.exists ? groupAt(call, value.stream, groupIndex) : null;
    const index = firstKey + count + i;
    if (group === null) {
      call.refuse(`${noGroup(call.text(firstKey + i), call.text(groupIndex))} ${IN_XREADGROUP}`);
    } else if (call.is(index, "$")) {
      call.refuse(DOLLAR_IN_XREADGROUP);
    } else {
      groups[i] = group;
      if (call.is(index, ">")) ids[i].setLast();
      else readId(call, index, ids[i]);
    }
    if (call.refused()) return false;
  }
  return true;
}

function hasNew(stream: Stream, group: ConsumerGroup): boolean {
  return stream.readLastEntryId(topId) && topId.compare(group.lastId) > 0;
}

/** Replies with entries that nobody has got, which are then the consumer's. */
function deliver(
  call: Call,
  effects: Effects,
  keyIndex: number,
  stream: Stream,
  group: ConsumerGroup,
  consumer: Consumer,
): void {
  const { reply, nowMs } = call;
  const mark = reply.beginDeferred();
  const isPropagated = effects.isActive;
  let count = 0;
  from.copy(group.lastId).increment();
  cursor.seek(stream, from, LAST_ID, false);
  while ((limit === 0 || count < limit) && cursor.next()) {
    count++;
    const { id } = cursor;
    group.advance(stream, id);
    replyEntry(reply, cursor);
    if (isUnacknowledged) continue;
    group.assign(id, consumer, nowMs, 1);
    if (isPropagated) propagateClaim(call, effects, keyIndex, groupIndex, group, id);
  }
  consumer.activeMs = nowMs;
  // XCLAIM tells all but how many entries were read, without which the lag is lost.
  propagateGroupId(call, effects, keyIndex, groupIndex, group);
  reply.endDeferred(mark, count);
}

/** Replies with what is pending for the consumer behind `id`; entries deleted since have no fields. */
function deliverAgain(
  call: Call,
  stream: Stream,
  group: ConsumerGroup,
  { pending, number }: Consumer,
  id: StreamId,
): void {
  const { reply, nowMs } = call;
  const mark = reply.beginDeferred();
  let count = 0;
  from.copy(id).increment();
  for (pending.seek(from); !pending.isAtEnd && (limit === 0 || count < limit); pending.next()) {
    count++;
    pending.readId(pendingId);
    entryCursor.seek(stream, pendingId, pendingId, false);
    if (entryCursor.next()) {
      replyEntry(reply, entryCursor);
      if (group.pending.find(pendingId)) {
        group.pending.setDetails(nowMs, group.pending.deliveries + 1, number);
      }
    } else {
      reply.array(2);
      replyId(reply, pendingId);
      reply.nullArray();
    }
  }
  reply.endDeferred(mark, count);
}
