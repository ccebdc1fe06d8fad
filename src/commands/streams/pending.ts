/** XACK and XPENDING: what consumers were given and have not acknowledged. */
import type { Call } from "../../engine/call.ts";
import {
  command,
  FAST,
  KEY_ACCESS,
  KEY_RO,
  KEY_RW,
  KEY_UPDATE,
  READONLY,
  WRITE,
  keysAt,
} from "../../engine/command.ts";
import { readStream, readStreamToEdit } from "../../engine/typed-values.ts";
import { noKeyOrGroup, SYNTAX } from "../../protocol/errors.ts";
import type { ConsumerGroup } from "../../values/consumer-group.ts";
import { StreamId } from "../../values/stream-id.ts";
import { findConsumer, findGroup, IdList } from "./_groups.ts";
import { readId, readRangeEnd, readRangeStart, replyId } from "./_ids.ts";

export const xack = command({
  name: "xack",
  group: "stream",
  since: "5.0.0",
  summary: "Removes entries from a group's pending ones: they have been processed.",
  complexity: "O(N) where N is the number of IDs",
  arity: -4,
  flags: WRITE | FAST,
  categories: ["stream"],
  keys: [keysAt(KEY_RW | KEY_UPDATE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "group", type: "string" },
    { name: "id", type: "string", multiple: true },
  ],
  run: acknowledge,
});

export const xpending = command({
  name: "xpending",
  group: "stream",
  since: "5.0.0",
  summary: "Returns the entries that a group's consumers were given and have not acknowledged.",
  complexity: "O(log(N)+M) with N pending entries and M of them returned",
  arity: -3,
  flags: READONLY,
  categories: ["stream"],
  tips: ["nondeterministic_output"],
  history: [["6.2.0", "Added the `IDLE` option and exclusive range intervals."]],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "group", type: "string" },
    {
      name: "filters",
      type: "block",
      optional: true,
      parts: [
        { name: "min-idle-time", type: "integer", token: "IDLE", since: "6.2.0", optional: true },
        { name: "start", type: "string" },
        { name: "end", type: "string" },
        { name: "count", type: "integer" },
        { name: "consumer", type: "string", optional: true },
      ],
    },
  ],
  run: replyPending,
});

const ids = new IdList();
const from = new StreamId();
const to = new StreamId();

function acknowledge(call: Call): void {
  const value = readStreamToEdit(call, 1);
  if (value === null) return;
  const group = value.exists ? findGroup(call, value.stream, 2) : null;
  if (group === null) {
    call.reply.integer(0);
    return;
  }
  ids.clear();
  for (let i = 3; i < call.count && !call.hasProblem; i++) readId(call, i, ids.add());
  if (call.refused()) return;
  let acknowledged = 0;
  for (let i = 0; i < ids.count; i++) if (group.acknowledge(ids.at(i))) acknowledged++;
  if (acknowledged > 0) {
    value.touched();
    call.changedMany(acknowledged);
  }
  call.reply.integer(acknowledged);
}

/** A part of a group's pending entries that a request asks for. */
interface PendingRange {
  minIdleMs: number;
  limit: number;
  /** The argument that names the consumer; 0: all of them. */
  consumer: number;
}

function replyPending(call: Call): void {
  const range = call.count === 3 ? null : readRange(call);
  if (call.refused()) return;
  const value = readStream(call, 1);
  if (value === null) return;
  const group = value.exists ? findGroup(call, value.stream, 2) : null;
  if (group === null) call.fail(noKeyOrGroup(call.text(1), call.text(2)));
  else if (range === null) replySummary(call, group);
  else replyRange(call, group, range);
}

/** Reads `[IDLE ms] start end count [consumer]`, the IDs into `from` and `to`. */
function readRange(call: Call): PendingRange {
  const range = { minIdleMs: 0, limit: 0, consumer: 0 };
  let first = 3;
  if (call.count < 6 || call.count > 9) {
    call.refuse(SYNTAX);
    return range;
  }
  if (call.is(3, "IDLE")) {
    range.minIdleMs = Number(call.int64(4));
    if (call.count < 8) call.refuse(SYNTAX);
    first = 5;
  }
  if (call.hasProblem) return range;
  range.limit = Math.max(0, Number(call.int64(first + 2)));
  readRangeStart(call, first, from);
  readRangeEnd(call, first + 1, to);
  if (first + 3 < call.count) range.consumer = first + 3;
  return range;
}

function replySummary({ reply }: Call, group: ConsumerGroup): void {
  reply.array(4);
  reply.integer(group.pendingCount);
  if (!group.seekFirst()) {
    reply.nil();
    reply.nil();
    reply.nullArray();
    return;
  }
  replyId(reply, group.id);
  group.seekLast();
  replyId(reply, group.id);
  const busy = group.sortedConsumers().filter(({ pending }) => pending.size > 0);
  reply.array(busy.length);
  for (const { name, pending } of busy) {
    reply.array(2);
    reply.bulk(name, 0, name.length);
    reply.bulkInteger(pending.size);
  }
}

function replyRange(call: Call, group: ConsumerGroup, range: PendingRange): void {
  const { reply, nowMs } = call;
  const { minIdleMs, limit } = range;
  const consumer = range.consumer === 0 ? null : findConsumer(call, group, range.consumer);
  if (range.consumer !== 0 && consumer === null) {
    reply.array(0);
    return;
  }
  const mark = reply.beginDeferred();
  let count = 0;
  let isThere = group.seek(from, consumer);
  while (count < limit && isThere && group.id.compare(to) <= 0) {
    const idleMs = nowMs - group.deliveredMs;
    if (minIdleMs === 0 || idleMs >= minIdleMs) {
      const { name } = group.consumer;
      reply.array(4);
      replyId(reply, group.id);
      reply.bulk(name, 0, name.length);
      reply.integer(Math.max(0, idleMs));
      reply.int64(group.deliveries);
      count++;
    }
    isThere = group.next(consumer);
  }
  reply.endDeferred(mark, count);
}
