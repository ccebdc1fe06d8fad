/** PUBLISH and SPUBLISH, and PUBSUB, which tells who listens. */
import { matchGlob } from "../../base/glob.ts";
import type { Call } from "../../engine/call.ts";
import {
  command,
  FAST,
  KEY_NOT_KEY,
  keysAt,
  LOADING,
  MAY_REPLICATE,
  PUBSUB,
  STALE,
} from "../../engine/command.ts";
import { replyHelp } from "../../engine/help.ts";
import type { Topics } from "../../engine/pubsub.ts";
import { unknownSubcommandOrArity } from "../../protocol/errors.ts";

const SENDING = PUBSUB | LOADING | STALE | FAST | MAY_REPLICATE;

export const publish = command({
  name: "publish",
  group: "pubsub",
  since: "2.0.0",
  summary: "Sends a message to those who listen to a channel.",
  complexity:
    "O(N+M) where N is the number of clients subscribed to the receiving channel and M is the " +
    "total number of subscribed patterns (by any client).",
  arity: 3,
  flags: SENDING,
  channels: "first",
  args: [
    { name: "channel", type: "string" },
    { name: "message", type: "string" },
  ],
  run({ database, engine, args, reply }) {
    const { bytes, starts, lengths } = args;
    const { effects, pubsub } = engine;
    if (effects.isActive) effects.message(database.index, args);
    reply.integer(pubsub.publish(bytes, starts[1], lengths[1], bytes, starts[2], lengths[2]));
  },
});

export const spublish = command({
  name: "spublish",
  group: "pubsub",
  since: "7.0.0",
  summary: "Sends a message to those who listen to a shard channel.",
  complexity: "O(N) where N is the number of clients subscribed to the receiving shard channel.",
  arity: 3,
  flags: SENDING,
  keys: [keysAt(KEY_NOT_KEY, 1)],
  channels: "first",
  args: [
    { name: "shardchannel", type: "string" },
    { name: "message", type: "string" },
  ],
  run({ database, engine, args, reply }) {
    const { bytes, starts, lengths } = args;
    const { effects, pubsub } = engine;
    if (effects.isActive) effects.message(database.index, args);
    reply.integer(
      pubsub.publishToShard(bytes, starts[1], lengths[1], bytes, starts[2], lengths[2]),
    );
  },
});

const ASKING = { group: "pubsub", flags: PUBSUB | LOADING | STALE } as const;

const channels = command({
  ...ASKING,
  name: "channels",
  since: "2.8.0",
  summary: "Lists the channels that somebody listens to.",
  complexity:
    "O(N) where N is the number of active channels, and assuming constant time pattern matching " +
    "(relatively short channels and patterns)",
  arity: -2,
  args: [{ name: "pattern", type: "pattern", optional: true }],
  run: (call) => listTopics(call, call.engine.pubsub.channels),
});

const numsub = command({
  ...ASKING,
  name: "numsub",
  since: "2.8.0",
  summary: "Counts those who listen to channels.",
  complexity: "O(N) for the NUMSUB subcommand, where N is the number of requested channels",
  arity: -2,
  args: [{ name: "channel", type: "string", optional: true, multiple: true }],
  run: (call) => countSubscribers(call, call.engine.pubsub.channels),
});

const numpat = command({
  ...ASKING,
  name: "numpat",
  since: "2.8.0",
  summary: "Counts the patterns that somebody listens to.",
  complexity: "O(1)",
  arity: 2,
  run: (call) => call.reply.integer(call.engine.pubsub.patterns.count),
});

const shardchannels = command({
  ...ASKING,
  name: "shardchannels",
  since: "7.0.0",
  summary: "Lists the shard channels that somebody listens to.",
  complexity:
    "O(N) where N is the number of active shard channels, and assuming constant time pattern " +
    "matching (relatively short shard channels).",
  arity: -2,
  args: [{ name: "pattern", type: "pattern", optional: true }],
  run: (call) => listTopics(call, call.engine.pubsub.shardChannels),
});

const shardnumsub = command({
  ...ASKING,
  name: "shardnumsub",
  since: "7.0.0",
  summary: "Counts those who listen to shard channels.",
  complexity:
    "O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels",
  arity: -2,
  args: [{ name: "shardchannel", type: "string", optional: true, multiple: true }],
  run: (call) => countSubscribers(call, call.engine.pubsub.shardChannels),
});

const help = command({
  name: "help",
  group: "pubsub",
  since: "6.2.0",
  summary: "Explains the subcommands.",
  complexity: "O(1)",
  arity: 2,
  flags: LOADING | STALE,
  run: (call) => replyHelp(call, "PUBSUB", HELP),
});

export const pubsub = command({
  name: "pubsub",
  group: "pubsub",
  since: "2.8.0",
  summary: "Tells who listens to what.",
  complexity: "Depends on subcommand.",
  arity: -2,
  flags: 0,
  subcommands: [numsub, channels, numpat, help, shardnumsub, shardchannels],
});

const HELP = [
  "CHANNELS [<pattern>]",
  "    The channels that somebody listens to, or those of them that match.",
  "NUMPAT",
  "    The number of patterns that somebody listens to.",
  "NUMSUB [<channel> ...]",
  "    How many listen to each channel, patterns aside.",
  "SHARDCHANNELS [<pattern>]",
  "    The shard channels that somebody listens to, or those of them that match.",
  "SHARDNUMSUB [<shardchannel> ...]",
  "    How many listen to each shard channel.",
];

function listTopics(call: Call, topics: Topics): void {
  const { args, reply } = call;
  if (call.count > 3) {
    call.fail(unknownSubcommandOrArity("PUBSUB", call.text(1)));
    return;
  }
  const { bytes, starts, lengths } = args;
  const mark = reply.beginDeferred();
  let count = 0;
  for (const name of topics.names()) {
    const isWanted =
      call.count === 2 || matchGlob(bytes, starts[2], lengths[2], name, 0, name.length, false);
    if (!isWanted) continue;
    reply.bulk(name, 0, name.length);
    count++;
  }
  reply.endDeferred(mark, count);
}

function countSubscribers(call: Call, topics: Topics): void {
  const { args, reply } = call;
  const { bytes, starts, lengths } = args;
  reply.array((call.count - 2) * 2);
  for (let i = 2; i < call.count; i++) {
    reply.bulk(bytes, starts[i], lengths[i]);
    reply.integer(topics.subscriberCount(bytes, starts[i], lengths[i]));
  }
}
