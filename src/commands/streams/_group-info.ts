/** Consumer groups in XINFO. */
import { command, KEY_ACCESS, KEY_RO, READONLY, keysAt } from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import { readStream } from "../../engine/typed-values.ts";
import { NO_SUCH_KEY, noSuchGroup } from "../../protocol/errors.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import {
  type Consumer,
  type ConsumerGroup,
  NEVER,
  UNKNOWN_COUNT,
} from "../../values/consumer-group.ts";
import type { Stream } from "../../values/stream.ts";
import { StreamId } from "../../values/stream-id.ts";
import { groupAt } from "./_groups.ts";
import { replyId } from "./_ids.ts";

export const groups = command({
  name: "groups",
  group: "stream",
  since: "5.0.0",
  summary: "Lists the consumer groups of a stream.",
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
  summary: "Lists the consumers of a group.",
  complexity: "O(1)",
  arity: 4,
  flags: READONLY,
  categories: ["stream"],
  tips: ["nondeterministic_output"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 2)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "groupname", type: "string" },
  ],
  run: replyConsumerList,
});

function replyGroupList(call: Call): void {
  const { reply } = call;
  const value = readStream(call, 2);
  if (value === null) return;
  if (!value.exists) {
    call.fail(NO_SUCH_KEY);
    return;
  }
  const { stream } = value;
  reply.array(stream.groups.size);
  for (const [name, group] of groupsInOrder(stream)) {
    reply.map(6);
    reply.bulkText("name");
    reply.bulkText(name);
    reply.bulkText("consumers");
    reply.integer(group.consumerCount);
    reply.bulkText("pending");
    reply.integer(group.pending.size);
    replyProgress(reply, stream, group);
  }
}

function replyConsumerList(call: Call): void {
  const { reply, nowMs } = call;
  const value = readStream(call, 2);
  if (value === null) return;
  if (!value.exists) {
    call.fail(NO_SUCH_KEY);
    return;
  }
  const group = groupAt(call, value.stream, 3);
  if (group === null) {
    call.fail(noSuchGroup(call.text(3), call.text(2)));
    return;
  }
  reply.array(group.consumerCount);
  for (const { name, pending, seenMs, activeMs } of group.consumers()) {
    reply.map(4);
    reply.bulkText("name");
    reply.bulkText(name);
    reply.bulkText("pending");
    reply.integer(pending.size);
    reply.bulkText("idle");
    reply.integer(Math.max(0, nowMs - seenMs));
    reply.bulkText("inactive");
    reply.integer(activeMs === NEVER ? NEVER : Math.max(0, nowMs - activeMs));
  }
}

/** For XINFO STREAM FULL: the groups with up to `count` (0: all) pending entries of each list. */
export function replyGroups({ reply }: Call, stream: Stream, count: number): void {
  reply.array(stream.groups.size);
  for (const [name, group] of groupsInOrder(stream)) {
    reply.map(7);
    reply.bulkText("name");
    reply.bulkText(name);
    replyProgress(reply, stream, group);
    reply.bulkText("pel-count");
    reply.integer(group.pending.size);
    reply.bulkText("pending");
    replyPendingOf(reply, group, null, count);
    reply.bulkText("consumers");
    reply.array(group.consumerCount);
    for (const consumer of group.consumers()) replyConsumer(reply, group, consumer, count);
  }
}

function replyConsumer(
  reply: ReplyWriter,
  group: ConsumerGroup,
  consumer: Consumer,
  count: number,
): void {
  reply.map(5);
  reply.bulkText("name");
  reply.bulkText(consumer.name);
  reply.bulkText("seen-time");
  reply.integer(consumer.seenMs);
  reply.bulkText("active-time");
  reply.integer(consumer.activeMs);
  reply.bulkText("pel-count");
  reply.integer(consumer.pending.size);
  reply.bulkText("pending");
  replyPendingOf(reply, group, consumer, count);
}

function replyPendingOf(
  reply: ReplyWriter,
  group: ConsumerGroup,
  consumer: Consumer | null,
  count: number,
): void {
  const list = consumer === null ? group.pending : consumer.pending;
  const shown = count === 0 ? list.size : Math.min(count, list.size);
  reply.array(shown);
  list.seekFirst();
  for (let i = 0; i < shown; i++) {
    list.readId(id);
    if (consumer !== null) group.pending.find(id);
    reply.array(consumer === null ? 4 : 3);
    replyId(reply, id);
    if (consumer === null) reply.bulkText(group.owner.name);
    reply.integer(group.pending.deliveredMs);
    reply.integer(group.pending.deliveries);
    list.next();
  }
}

/** Three pairs: how far the group has come. */
function replyProgress(reply: ReplyWriter, stream: Stream, group: ConsumerGroup): void {
  reply.bulkText("last-delivered-id");
  replyId(reply, group.lastId);
  reply.bulkText("entries-read");
  if (group.entriesRead === UNKNOWN_COUNT) reply.nil();
  else reply.int64(group.entriesRead);
  reply.bulkText("lag");
  const lag = group.lag(stream);
  if (lag === null) reply.nil();
  else reply.int64(lag);
}

const id = new StreamId();

function groupsInOrder(stream: Stream): [string, ConsumerGroup][] {
  return [...stream.groups].sort(([one], [other]) => (one < other ? -1 : 1));
}
