/** XPENDING: what a group has delivered and nobody acknowledged. */
import { command, KEY_ACCESS, KEY_RO, READONLY, keysAt } from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import { readStream } from "../../engine/typed-values.ts";
import { noGroup, SYNTAX } from "../../protocol/errors.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import type { Consumer, ConsumerGroup } from "../../values/consumer-group.ts";
import { StreamId } from "../../values/stream-id.ts";
import { groupAt } from "./_groups.ts";
import { readRangeEnd, readRangeStart, replyId } from "./_ids.ts";

export const xpending = command({
  name: "xpending",
  group: "stream",
  since: "5.0.0",
  summary: "Shows what is pending in a group.",
  complexity:
    "O(N) with N being the number of elements returned, so asking for a small fixed number of entries per call is O(1). O(M), where M is the total number of entries scanned when used with the IDLE filter. When the command returns just the summary and the list of consumers is small, it runs in O(1) time; otherwise, an additional O(N) time for iterating every consumer.",
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

const firstId = new StreamId();
const endId = new StreamId();
const id = new StreamId();

function replyPending(call: Call): void {
  const { count: words } = call;
  if (words !== 3 && (words < 6 || words > 9)) {
    call.syntaxError();
    return;
  }
  const isIdle = words > 3 && call.is(3, "IDLE");
  const minIdleMs = isIdle ? Number(call.int64(4)) : 0;
  if (isIdle && words < 8) call.refuse(SYNTAX);
  if (call.refused()) return;
  const at = isIdle ? 5 : 3;
  const most = words > 3 ? Math.max(0, Number(call.int64(at + 2))) : 0;
  if (words > 3) {
    readRangeStart(call, at, firstId);
    readRangeEnd(call, at + 1, endId);
  }
  if (call.refused()) return;
  const value = readStream(call, 1);
  if (value === null) return;
  const group = value.exists ? groupAt(call, value.stream, 2) : null;
  if (group === null) {
    call.fail(noGroup(call.text(1), call.text(2)));
    return;
  }
  if (words === 3) {
    replySummary(call.reply, group);
    return;
  }
  const consumer = at + 3 < words ? group.consumer(call.text(at + 3)) : null;
  if (at + 3 < words && consumer === null) call.reply.array(0);
  else replyRange(call, group, consumer, most, minIdleMs);
}

function replySummary(reply: ReplyWriter, group: ConsumerGroup): void {
  const { pending } = group;
  reply.array(4);
  reply.integer(pending.size);
  if (pending.size === 0) {
    reply.nil();
    reply.nil();
    reply.nullArray();
    return;
  }
  pending.seekFirst();
  replyId(reply, pending.readId(id));
  pending.seekLast();
  replyId(reply, pending.readId(id));
  const consumers = group.consumers().filter((consumer) => consumer.pending.size > 0);
  reply.array(consumers.length);
  for (const { name, pending: own } of consumers) {
    reply.array(2);
    reply.bulkText(name);
    reply.bulkInteger(own.size);
  }
}

/** Up to `most` entries from `firstId` to `endId`, of one consumer or (null) of all. */
function replyRange(
  { reply, nowMs }: Call,
  group: ConsumerGroup,
  consumer: Consumer | null,
  most: number,
  minIdleMs: number,
): void {
  const list = consumer === null ? group.pending : consumer.pending;
  const mark = reply.beginDeferred();
  let count = 0;
  for (list.seek(firstId); count < most && !list.isAtEnd; list.next()) {
    if (list.readId(id).compare(endId) > 0) break;
    if (consumer !== null && !group.pending.find(id)) continue;
    const idleMs = nowMs - group.pending.deliveredMs;
    if (minIdleMs !== 0 && idleMs < minIdleMs) continue;
    count++;
    reply.array(4);
    replyId(reply, id);
    reply.bulkText(group.owner.name);
    reply.integer(Math.max(0, idleMs));
    reply.integer(group.pending.deliveries);
  }
  reply.endDeferred(mark, count);
}
