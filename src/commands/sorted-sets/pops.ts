/** Members removed from the ends of sorted sets. */
import {
  command,
  FAST,
  KEY_ACCESS,
  KEY_DELETE,
  KEY_RW,
  WRITE,
  countedKeys,
  keysAt,
} from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import { writeSortedSet } from "../../engine/typed-values.ts";
import { NOT_POSITIVE } from "../../protocol/errors.ts";
import { readPopOptions } from "./_arguments.ts";
import { popMembers, popWithKey } from "./_popping.ts";

export const zpopmin = command({
  name: "zpopmin",
  group: "sorted-set",
  since: "5.0.0",
  summary: "Removes and returns the members with the lowest scores.",
  complexity: "O(log(N)*M) with N being the size of the sorted set and M the members returned",
  arity: -2,
  flags: WRITE | FAST,
  categories: ["sortedset"],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_DELETE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "count", type: "integer", optional: true },
  ],
  run: (call) => pop(call, false),
});

export const zpopmax = command({
  name: "zpopmax",
  group: "sorted-set",
  since: "5.0.0",
  summary: "Removes and returns the members with the highest scores.",
  complexity: "O(log(N)*M) with N being the size of the sorted set and M the members returned",
  arity: -2,
  flags: WRITE | FAST,
  categories: ["sortedset"],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_DELETE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "count", type: "integer", optional: true },
  ],
  run: (call) => pop(call, true),
});

export const zmpop = command({
  name: "zmpop",
  group: "sorted-set",
  since: "7.0.0",
  summary: "Removes and returns members from the first of several sorted sets that is not empty.",
  complexity:
    "O(K) + O(M*log(N)) with K keys, N the size of the sorted set and M the members returned",
  arity: -4,
  flags: WRITE,
  categories: ["sortedset"],
  keys: [countedKeys(KEY_RW | KEY_ACCESS | KEY_DELETE, 1)],
  args: [
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
  run: popFromFirst,
});

function pop(call: Call, isMax: boolean): void {
  const { reply } = call;
  if (call.count > 3) {
    call.syntaxError();
    return;
  }
  const hasCount = call.count === 3;
  const wanted = hasCount ? Number(call.int64(2, NOT_POSITIVE)) : 1;
  if (wanted < 0) call.refuse(NOT_POSITIVE);
  if (call.refused()) return;
  const set = writeSortedSet(call, 1);
  if (set === null) return;
  if (!set.home.exists || wanted === 0) reply.array(0);
  else popMembers(call, set, 1, isMax, wanted, hasCount && reply.resp3);
}

function popFromFirst(call: Call): void {
  const { keyCount, isMax, count } = readPopOptions(call, 1);
  if (call.refused()) return;
  for (let index = 2; index < 2 + keyCount; index++) {
    const set = writeSortedSet(call, index);
    if (set === null) return;
    if (!set.home.exists) continue;
    popWithKey(call, set, index, isMax, count);
    return;
  }
  call.reply.nullArray();
}
