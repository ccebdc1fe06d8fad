/** Several strings at once. */
import type { Call } from "../../engine/call.ts";
import {
  command,
  DENYOOM,
  FAST,
  KEY_ACCESS,
  KEY_INSERT,
  KEY_OW,
  KEY_RO,
  KEY_UPDATE,
  keysAt,
  READONLY,
  WRITE,
} from "../../engine/command.ts";
import { NOTIFY_STRING } from "../../engine/key-events.ts";
import { NO_EXPIRY } from "../../keyspace/entry-store.ts";
import { NULL_REF } from "../../memory/arena.ts";
import { TYPE_STRING, typeOf } from "../../memory/entry.ts";
import { wrongArity } from "../../protocol/errors.ts";

export const mget = command({
  name: "mget",
  group: "string",
  since: "1.0.0",
  summary: "Returns the strings that several keys hold.",
  complexity: "O(N) where N is the number of keys to retrieve",
  arity: -2,
  flags: READONLY | FAST,
  categories: ["string"],
  tips: ["request_policy:multi_shard"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1, -1)],
  args: [{ name: "key", type: "key", keySpec: 0, multiple: true }],
  run(call) {
    const { database, reply } = call;
    call.fetchKeys(1, 1);
    reply.array(call.count - 1);
    for (let i = 1; i < call.count; i++) {
      const ref = call.readKey(i);
      if (ref === NULL_REF || typeOf(database.arena, ref) !== TYPE_STRING) reply.nil();
      else {
        const text = database.stringOf(ref);
        reply.bulk(text.bytes, text.start, text.length);
      }
    }
  },
});

const PAIRS = {
  group: "string",
  complexity: "O(N) where N is the number of keys to set",
  arity: -3,
  flags: WRITE | DENYOOM,
  categories: ["string"],
  args: [
    {
      name: "data",
      type: "block",
      multiple: true,
      parts: [
        { name: "key", type: "key", keySpec: 0 },
        { name: "value", type: "string" },
      ],
    },
  ],
} as const;

export const mset = command({
  ...PAIRS,
  name: "mset",
  since: "1.0.1",
  summary: "Sets several keys to strings.",
  tips: ["request_policy:multi_shard", "response_policy:all_succeeded"],
  keys: [keysAt(KEY_OW | KEY_UPDATE, 1, -1, 2)],
  run(call) {
    if (!hasPairs(call)) return;
    storePairs(call);
    call.reply.ok();
  },
});

export const msetnx = command({
  ...PAIRS,
  name: "msetnx",
  since: "1.0.1",
  summary: "Sets several keys to strings where none of them exists.",
  tips: ["request_policy:multi_shard", "response_policy:agg_min"],
  keys: [keysAt(KEY_OW | KEY_INSERT, 1, -1, 2)],
  run(call) {
    if (!hasPairs(call)) return;
    for (let i = 1; i < call.count; i += 2) {
      if (call.writeKey(i) !== NULL_REF) {
        call.reply.integer(0);
        return;
      }
    }
    storePairs(call);
    call.reply.integer(1);
  },
});

function hasPairs(call: Call): boolean {
  if (call.count % 2 === 1) return true;
  call.fail(wrongArity(call.command.fullName));
  return false;
}

function storePairs(call: Call): void {
  const { args, database } = call;
  const { bytes, starts, lengths } = args;
  call.fetchKeys(1, 2);
  for (let i = 1; i < call.count; i += 2) {
    database.storeString(
      call.writeKey(i),
      bytes,
      starts[i],
      lengths[i],
      bytes,
      starts[i + 1],
      lengths[i + 1],
      NO_EXPIRY,
    );
    call.changed(NOTIFY_STRING, "set", i);
  }
}
