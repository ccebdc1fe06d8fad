/**
 * SUBSCRIBE and its kind. Each name is confirmed by a message of its own, which is the reply and
 * not pushed behind one; CLIENT REPLY does not silence it.
 */
import type { Call } from "../../engine/call.ts";
import {
  command,
  KEY_NOT_KEY,
  keysAt,
  LOADING,
  NOSCRIPT,
  PUBSUB,
  STALE,
} from "../../engine/command.ts";
import type { Topics } from "../../engine/pubsub.ts";
import { REPLY_ON } from "../../engine/session.ts";
import { needsReplies } from "../../protocol/errors.ts";

const LISTENING = PUBSUB | NOSCRIPT | LOADING | STALE;

export const subscribe = command({
  name: "subscribe",
  group: "pubsub",
  since: "2.0.0",
  summary: "Begins to listen to messages on channels.",
  complexity: "O(N) where N is the number of channels to subscribe to.",
  arity: -2,
  flags: LISTENING,
  channels: "all",
  args: [{ name: "channel", type: "string", multiple: true }],
  run: (call) => subscribeTo(call, call.engine.pubsub.channels),
});

export const unsubscribe = command({
  name: "unsubscribe",
  group: "pubsub",
  since: "2.0.0",
  summary: "Stops listening to channels: to those named, or to all.",
  complexity: "O(N) where N is the number of channels to unsubscribe.",
  arity: -1,
  flags: LISTENING,
  args: [{ name: "channel", type: "string", optional: true, multiple: true }],
  run: (call) => unsubscribeFrom(call, call.engine.pubsub.channels),
});

export const psubscribe = command({
  name: "psubscribe",
  group: "pubsub",
  since: "2.0.0",
  summary: "Begins to listen to all channels whose names match patterns.",
  complexity: "O(N) where N is the number of patterns to subscribe to.",
  arity: -2,
  flags: LISTENING,
  channels: "patterns",
  args: [
    {
      name: "pattern",
      type: "block",
      multiple: true,
      parts: [{ name: "pattern", type: "pattern" }],
    },
  ],
  run: (call) => subscribeTo(call, call.engine.pubsub.patterns),
});

export const punsubscribe = command({
  name: "punsubscribe",
  group: "pubsub",
  since: "2.0.0",
  summary: "Stops listening to patterns: to those named, or to all.",
  complexity: "O(N) where N is the number of patterns to unsubscribe.",
  arity: -1,
  flags: LISTENING,
  args: [{ name: "pattern", type: "pattern", optional: true, multiple: true }],
  run: (call) => unsubscribeFrom(call, call.engine.pubsub.patterns),
});

export const ssubscribe = command({
  name: "ssubscribe",
  group: "pubsub",
  since: "7.0.0",
  summary: "Begins to listen to messages on shard channels.",
  complexity: "O(N) where N is the number of shard channels to subscribe to.",
  arity: -2,
  flags: LISTENING,
  keys: [keysAt(KEY_NOT_KEY, 1, -1)],
  channels: "all",
  args: [{ name: "shardchannel", type: "string", multiple: true }],
  run: (call) => subscribeTo(call, call.engine.pubsub.shardChannels),
});

export const sunsubscribe = command({
  name: "sunsubscribe",
  group: "pubsub",
  since: "7.0.0",
  summary: "Stops listening to shard channels: to those named, or to all.",
  complexity: "O(N) where N is the number of shard channels to unsubscribe.",
  arity: -1,
  flags: LISTENING,
  keys: [keysAt(KEY_NOT_KEY, 1, -1)],
  args: [{ name: "shardchannel", type: "string", optional: true, multiple: true }],
  run: (call) => unsubscribeFrom(call, call.engine.pubsub.shardChannels),
});

function subscribeTo(call: Call, topics: Topics): void {
  const { session, args, reply } = call;
  // Within EXEC it always worked; for shard channels, which are younger, it does not.
  const isShard = topics === call.engine.pubsub.shardChannels;
  if (session.deniesBlocking && (session.transaction === null || isShard)) {
    call.fail(needsReplies(call.command.name));
    return;
  }
  const mark = reply.at;
  for (let i = 1; i < call.count; i++) {
    topics.subscribe(session, args.bytes, args.starts[i], args.lengths[i]);
    confirm(call, topics, args.bytes, args.starts[i], args.lengths[i]);
  }
  insist(call, mark);
}

function unsubscribeFrom(call: Call, topics: Topics): void {
  const { session, args, reply } = call;
  const mark = reply.at;
  for (let i = 1; i < call.count; i++) {
    topics.unsubscribe(session, args.bytes, args.starts[i], args.lengths[i]);
    confirm(call, topics, args.bytes, args.starts[i], args.lengths[i]);
  }
  if (call.count === 1) {
    const names = topics.namesOf(session);
    for (const name of names) {
      topics.unsubscribe(session, name, 0, name.length);
      confirm(call, topics, name, 0, name.length);
    }
    if (names.length === 0) confirm(call, topics, null, 0, 0);
  }
  insist(call, mark);
}

/** One confirmation: what was done, to which name (null: to none), how many are left. */
function confirm(
  call: Call,
  topics: Topics,
  name: Uint8Array | null,
  start: number,
  length: number,
): void {
  const { reply, session, engine } = call;
  const own = session.subscriptions;
  let left = 0;
  if (own !== null) {
    const isShard = topics === engine.pubsub.shardChannels;
    left = isShard ? own.shardChannels : own.channels + own.patterns;
  }
  reply.push(3);
  reply.bulkText(call.command.name);
  if (name === null) reply.nil();
  else reply.bulk(name, start, length);
  reply.integer(left);
}

/** Where replies are withheld, what was written since `mark` goes out beside them. */
function insist(call: Call, mark: number): void {
  const { reply, session } = call;
  if (session.replyMode === REPLY_ON) return;
  const confirmations = reply.bytes.slice(mark, reply.at);
  reply.at = mark;
  call.engine.push(session, confirmations);
}
