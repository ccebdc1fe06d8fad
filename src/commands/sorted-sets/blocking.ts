/** Sorted set commands that wait for a member; propagated is what they did. */
import {
  command,
  BLOCKING,
  FAST,
  KEY_ACCESS,
  KEY_DELETE,
  KEY_RW,
  NOSCRIPT,
  WRITE,
  countedKeys,
  keysAt,
} from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import { writeSortedSet } from "../../engine/typed-values.ts";
import { TYPE_ZSET } from "../../memory/entry.ts";
import { readPopOptions } from "./_arguments.ts";
import { popInto, popWithKey } from "./_popping.ts";

export const bzpopmin = command({
  name: "bzpopmin",
  group: "sorted-set",
  since: "5.0.0",
  summary: "Removes and returns the lowest member of one of several sorted sets; waits for one.",
  complexity: "O(log(N)) with N being the size of the sorted set",
  arity: -3,
  flags: WRITE | NOSCRIPT | BLOCKING | FAST,
  categories: ["sortedset"],
  history: [["6.0.0", "`timeout` is interpreted as a double instead of an integer."]],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_DELETE, 1, -2)],
  args: [
    { name: "key", type: "key", keySpec: 0, multiple: true },
    { name: "timeout", type: "double" },
  ],
  run: (call) => popBlocking(call, false),
});

export const bzpopmax = command({
  name: "bzpopmax",
  group: "sorted-set",
  since: "5.0.0",
  summary: "Removes and returns the highest member of one of several sorted sets; waits for one.",
  complexity: "O(log(N)) with N being the size of the sorted set",
  arity: -3,
  flags: WRITE | NOSCRIPT | BLOCKING | FAST,
  categories: ["sortedset"],
  history: [["6.0.0", "`timeout` is interpreted as a double instead of an integer."]],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_DELETE, 1, -2)],
  args: [
    { name: "key", type: "key", keySpec: 0, multiple: true },
    { name: "timeout", type: "double" },
  ],
  run: (call) => popBlocking(call, true),
});

export const bzmpop = command({
  name: "bzmpop",
  group: "sorted-set",
  since: "7.0.0",
  summary: "Removes and returns members from one of several sorted sets; waits for one.",
  complexity:
    "O(K) + O(M*log(N)) with K keys, N the size of the sorted set and M the members returned",
  arity: -5,
  flags: WRITE | BLOCKING,
  categories: ["sortedset"],
  keys: [countedKeys(KEY_RW | KEY_ACCESS | KEY_DELETE, 2)],
  args: [
    { name: "timeout", type: "double" },
    { name: "numkeys", type: "integer" },
    { name: "key", type: "key", keySpec: 0, multiple: true },
    {
      name: "where",
      type: "oneof",
      parts: [
        { name: "min", type: "pure-token", token: "MIN" },
        { name: "max", type: "pure-token", token: "MAX" },
      ],
    },
    { name: "count", type: "integer", token: "COUNT", optional: true },
  ],
  run: popFromFirstBlocking,
});

function popBlocking(call: Call, isMax: boolean): void {
  const { args, reply } = call;
  const last = call.count - 2;
  const timeoutMs = call.timeoutMs(call.count - 1);
  if (call.refused()) return;
  for (let index = 1; index <= last; index++) {
    const set = writeSortedSet(call, index);
    if (set === null) return;
    if (!set.home.exists) continue;
    reply.array(3);
    reply.bulk(args.bytes, args.starts[index], args.lengths[index]);
    popInto(call, set, index, isMax, 1, false);
    const effects = call.instead();
    effects.begin(call.database.index, 2);
    effects.word(isMax ? "ZPOPMAX" : "ZPOPMIN");
    effects.argument(args, index);
    return;
  }
  call.block({ firstKey: 1, lastKey: last, type: TYPE_ZSET, timeoutMs });
}

function popFromFirstBlocking(call: Call): void {
  const timeoutMs = call.timeoutMs(1);
  if (call.refused()) return;
  const { keyCount, isMax, count } = readPopOptions(call, 2);
  if (call.refused()) return;
  const last = 2 + keyCount;
  for (let index = 3; index <= last; index++) {
    const set = writeSortedSet(call, index);
    if (set === null) return;
    if (!set.home.exists) continue;
    popWithKey(call, set, index, isMax, count);
    return;
  }
  call.block({ firstKey: 3, lastKey: last, type: TYPE_ZSET, timeoutMs });
}
