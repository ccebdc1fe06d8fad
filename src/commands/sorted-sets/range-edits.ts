/** Ranges of sorted sets counted and removed. */
import {
  command,
  FAST,
  KEY_ACCESS,
  KEY_DELETE,
  KEY_RO,
  KEY_RW,
  READONLY,
  WRITE,
  keysAt,
} from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import { NOTIFY_GENERIC, NOTIFY_ZSET } from "../../engine/key-events.ts";
import { readSortedSet, writeSortedSet } from "../../engine/typed-values.ts";
import { BY_MEMBER, BY_RANK, BY_SCORE, RangeSpec } from "./_range-spec.ts";
import type { RangeKind } from "./_range-spec.ts";

export const zcount = command({
  name: "zcount",
  group: "sorted-set",
  since: "2.0.0",
  summary: "Counts the members of a sorted set with scores in a range.",
  complexity: "O(log(N))",
  arity: 4,
  flags: READONLY | FAST,
  categories: ["sortedset"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "min", type: "double" },
    { name: "max", type: "double" },
  ],
  run: (call) => countRange(call, BY_SCORE),
});

export const zlexcount = command({
  name: "zlexcount",
  group: "sorted-set",
  since: "2.8.9",
  summary: "Counts the members of a sorted set of equal scores in a range of bytes.",
  complexity: "O(log(N))",
  arity: 4,
  flags: READONLY | FAST,
  categories: ["sortedset"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "min", type: "string" },
    { name: "max", type: "string" },
  ],
  run: (call) => countRange(call, BY_MEMBER),
});

export const zremrangebyrank = command({
  name: "zremrangebyrank",
  group: "sorted-set",
  since: "2.0.0",
  summary: "Removes the members of a sorted set in a range of ranks.",
  complexity: "O(log(N)+M) with N being the size of the sorted set and M the members removed",
  arity: 4,
  flags: WRITE,
  categories: ["sortedset"],
  keys: [keysAt(KEY_RW | KEY_DELETE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "start", type: "integer" },
    { name: "stop", type: "integer" },
  ],
  run: (call) => removeRange(call, BY_RANK),
});

export const zremrangebyscore = command({
  name: "zremrangebyscore",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Removes the members of a sorted set in a range of scores.",
  complexity: "O(log(N)+M) with N being the size of the sorted set and M the members removed",
  arity: 4,
  flags: WRITE,
  categories: ["sortedset"],
  keys: [keysAt(KEY_RW | KEY_DELETE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "min", type: "double" },
    { name: "max", type: "double" },
  ],
  run: (call) => removeRange(call, BY_SCORE),
});

export const zremrangebylex = command({
  name: "zremrangebylex",
  group: "sorted-set",
  since: "2.8.9",
  summary: "Removes the members of a sorted set of equal scores in a range of bytes.",
  complexity: "O(log(N)+M) with N being the size of the sorted set and M the members removed",
  arity: 4,
  flags: WRITE,
  categories: ["sortedset"],
  keys: [keysAt(KEY_RW | KEY_DELETE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "min", type: "string" },
    { name: "max", type: "string" },
  ],
  run: (call) => removeRange(call, BY_MEMBER),
});

const spec = new RangeSpec();
const REMOVAL_EVENTS = ["zremrangebyrank", "zremrangebyscore", "zremrangebylex"] as const;

function countRange(call: Call, kind: RangeKind): void {
  spec.read(call, kind, 2, 3);
  if (call.refused()) return;
  const set = readSortedSet(call, 1);
  if (set === null) return;
  spec.resolve(call, set, false);
  call.reply.integer(spec.count);
}

function removeRange(call: Call, kind: RangeKind): void {
  spec.read(call, kind, 2, 3);
  if (call.refused()) return;
  const set = writeSortedSet(call, 1);
  if (set === null) return;
  spec.resolve(call, set, false);
  const { count, rank } = spec;
  call.reply.integer(count);
  if (count === 0) return;
  const isAll = count === set.size;
  if (isAll) set.home.remove();
  else set.removeRange(rank, count);
  call.changed(NOTIFY_ZSET, REMOVAL_EVENTS[kind], 1);
  call.changedMany(count - 1);
  if (isAll) call.alsoHappened(NOTIFY_GENERIC, "del", 1);
}
