/** XINFO GROUPS, XINFO CONSUMERS, and the groups in XINFO STREAM FULL. */
import type { Call } from "../../engine/call.ts";
import { command, KEY_ACCESS, KEY_RO, keysAt, READONLY } from "../../engine/command.ts";
import { readStream } from "../../engine/typed-values.ts";
import { NO_SUCH_KEY, noGroup } from "../../protocol/errors.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import { NEVER, UNKNOWN_COUNT } from "../../values/consumer-group.ts";
import type { Consumer, ConsumerGroup } from "../../values/consumer-group.ts";
import { lagOf } from "../../values/group-progress.ts";
import type { Stream } from "../../values/stream.ts";
import { StreamId } from "../../values/stream-id.ts";
import { findGroup } from "./_groups.ts";
import { replyId } from "./_ids.ts";

export const groups = command({
  name: "groups",
  group: "stream",
  since: "5.0.0",
  summary: "Lists a stream's consumer groups.",
  complexity: "O(1)",
  arity: 3,
  flags: READONLY,
  categories: ["stream"],
  history: [["7.0.0", "Added the `entries-read` and `lag` fields"]],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 2)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run: replyGroupList,
});

export const consumers = command({
  name: "consumers",
  group: "stream",
  since: "5.0.0",
  summary: "Lists a group's consumers.",
  complexity: "O(1)",
  arity: 4,
  flags: READONLY,
  categories: ["stream"],
  tips: ["nondeterministic_output"],
  history: [["7.2.0", "Added the `inactive` field, and changed the meaning of `idle`."]],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 2)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "group", type: "string" },
  ],
  run: replyConsumerList,
});

const FIRST_ID = new StreamId();

function replyGroupList(call: Call): void {
  const stream = openStream(call);
  if (stream === null) return;
  const { reply } = call;
  reply.array(stream.groups.size);
  for (const group of stream.sortedGroups()) {
    reply.map(6);
    replyName(reply, group);
    reply.bulkText("consumers");
    reply.integer(group.consumerCount);
    reply.bulkText("pending");
    reply.integer(group.pendingCount);
    replyProgress(reply, stream, group);
  }
}

function replyConsumerList(call: Call): void {
  const stream = openStream(call);
  if (stream === null) return;
  const group = findGroup(call, stream, 3);
  if (group === null) {
    call.fail(noGroup(call.text(3), call.text(2)));
    return;
  }
  const { reply, nowMs } = call;
  reply.array(group.consumerCount);
  for (const consumer of group.sortedConsumers()) {
    const { activeMs, pending, seenMs } = consumer;
    reply.map(4);
    replyName(reply, consumer);
    reply.bulkText("pending");
    reply.integer(pending.size);
    reply.bulkText("idle");
    reply.integer(Math.max(0, nowMs - seenMs));
    reply.bulkText("inactive");
    reply.integer(activeMs === NEVER ? NEVER : Math.max(0, nowMs - activeMs));
  }
}

function openStream(call: Call): Stream | null {
  const value = readStream(call, 2);
  if (value === null || value.exists) return value === null ? null : value.stream;
  call.fail(NO_SUCH_KEY);
  return null;
}

/** The groups with up to `limit` (0: all) pending entries of each and of each consumer. */
export function replyGroups({ reply }: Call, stream: Stream, limit: number): void {
  reply.array(stream.groups.size);
  for (const group of stream.sortedGroups()) {
    reply.map(7);
    replyName(reply, group);
    replyProgress(reply, stream, group);
    reply.bulkText("pel-count");
    reply.integer(group.pendingCount);
    reply.bulkText("pending");
    replyPending(reply, group, null, limit);
    reply.bulkText("consumers");
    reply.array(group.consumerCount);
    for (const consumer of group.sortedConsumers()) {
      reply.map(5);
      replyName(reply, consumer);
      reply.bulkText("seen-time");
      reply.integer(consumer.seenMs);
      reply.bulkText("active-time");
      reply.integer(consumer.activeMs);
      reply.bulkText("pel-count");
      reply.integer(consumer.pending.size);
      reply.bulkText("pending");
      replyPending(reply, group, consumer, limit);
    }
  }
}

function replyName(reply: ReplyWriter, { name }: ConsumerGroup | Consumer): void {
  reply.bulkText("name");
  reply.bulk(name, 0, name.length);
}

function replyProgress(reply: ReplyWriter, stream: Stream, group: ConsumerGroup): void {
  reply.bulkText("last-delivered-id");
  replyId(reply, group.lastId);
  reply.bulkText("entries-read");
  if (group.entriesRead === UNKNOWN_COUNT) reply.nil();
  else reply.int64(group.entriesRead);
  reply.bulkText("lag");
  const lag = lagOf(stream, group);
  if (lag === null) reply.nil();
  else reply.int64(lag);
}

/** Pending entries of a consumer, or (null) of all, each then with its consumer. */
function replyPending(
  reply: ReplyWriter,
  group: ConsumerGroup,
  consumer: Consumer | null,
  limit: number,
): void {
  const total = consumer === null ? group.pendingCount : consumer.pending.size;
  const count = limit === 0 ? total : Math.min(limit, total);
  reply.array(count);
  group.seek(FIRST_ID, consumer);
  for (let i = 0; i < count; i++) {
    if (i > 0) group.next(consumer);
    reply.array(consumer === null ? 4 : 3);
    replyId(reply, group.id);
    if (consumer === null) {
      const { name } = group.consumer;
      reply.bulk(name, 0, name.length);
    }
    reply.integer(group.deliveredMs);
    reply.int64(group.deliveries);
  }
}
