/** Sorted sets at random and in steps. */
import { command, KEY_ACCESS, KEY_RO, READONLY, keysAt } from "../../engine/command.ts";
import { formatPrecise } from "../../base/doubles.ts";
import type { Call } from "../../engine/call.ts";
import { drawDistinct } from "../../engine/random-draw.ts";
import { cursorAt, replyScan } from "../../engine/scan-options.ts";
import { readSortedSet } from "../../engine/typed-values.ts";
import { rangeProblem, SYNTAX } from "../../protocol/errors.ts";
import type { SortedSetValue } from "../../values/sorted-set.ts";

export const zrandmember = command({
  name: "zrandmember",
  group: "sorted-set",
  since: "6.2.0",
  summary: "Returns random members of a sorted set.",
  complexity: "O(N) where N is the number of members returned",
  arity: -2,
  flags: READONLY,
  categories: ["sortedset"],
  tips: ["nondeterministic_output"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    {
      name: "options",
      type: "block",
      optional: true,
      parts: [
        { name: "count", type: "integer" },
        { name: "withscores", type: "pure-token", token: "WITHSCORES", optional: true },
      ],
    },
  ],
  run: randomMembers,
});

export const zscan = command({
  name: "zscan",
  group: "sorted-set",
  since: "2.8.0",
  summary: "Returns some members of a sorted set and a cursor to go on from.",
  complexity: "O(1) for every call. O(N) for a complete iteration",
  arity: -3,
  flags: READONLY,
  categories: ["sortedset"],
  tips: ["nondeterministic_output"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "cursor", type: "integer" },
    { name: "pattern", type: "pattern", token: "MATCH", optional: true },
    { name: "count", type: "integer", token: "COUNT", optional: true },
  ],
  run: scanMembers,
});

const MAX_COUNT = 2n ** 63n - 1n;
/** Where fewer than one in so many members are wanted, picking beats walking. */
const PICKED_PART = 3;

function randomMembers(call: Call): void {
  const { reply } = call;
  const { randomWord } = call.engine.context;
  if (call.count === 2) {
    const set = readSortedSet(call, 1);
    if (set === null) return;
    if (set.size === 0) {
      reply.nil();
      return;
    }
    set.pick(randomWord);
    reply.bulk(set.member.bytes, set.member.start, set.member.length);
    return;
  }
  const wanted = call.int64(2);
  if (wanted < -MAX_COUNT) call.refuse(rangeProblem(-MAX_COUNT, MAX_COUNT));
  const withScores = call.count === 4 && call.is(3, "WITHSCORES");
  if (call.count > 4 || (call.count === 4 && !withScores)) call.refuse(SYNTAX);
  if (withScores && (wanted < -MAX_COUNT / 2n || wanted > MAX_COUNT / 2n)) {
    call.refuse("ERR value is out of range");
  }
  if (call.refused()) return;
  const set = readSortedSet(call, 1);
  if (set === null) return;
  const count = Number(wanted);
  if (set.size === 0 || count === 0) {
    reply.array(0);
    return;
  }
  const mark = reply.beginDeferred();
  const sent =
    count < 0
      ? replyRepeated(call, set, -count, withScores)
      : replyDistinct(call, set, Math.min(count, set.size), withScores);
  reply.endDeferred(mark, withScores && !reply.resp3 ? sent * 2 : sent);
}

function replyMember(call: Call, set: SortedSetValue, withScores: boolean): void {
  const { reply } = call;
  const { member } = set;
  if (withScores && reply.resp3) reply.array(2);
  reply.bulk(member.bytes, member.start, member.length);
  if (withScores) reply.double(set.score);
}

/** Members may come several times. */
function replyRepeated(
  call: Call,
  set: SortedSetValue,
  count: number,
  withScores: boolean,
): number {
  for (let i = 0; i < count && !call.reply.hasOverflowed; i++) {
    set.pick(call.engine.context.randomWord);
    replyMember(call, set, withScores);
  }
  return count;
}

function replyDistinct(
  call: Call,
  set: SortedSetValue,
  count: number,
  withScores: boolean,
): number {
  if (set.isPacked || count * PICKED_PART > set.size) {
    const chosen = drawDistinct(set.size, count, call.engine.random);
    set.rewind();
    for (let index = 0; set.next(); index++) {
      if (chosen.has(index)) replyMember(call, set, withScores);
    }
    return count;
  }
  const picked = new Set<number>();
  while (picked.size < count) {
    const identity = set.pick(call.engine.context.randomWord);
    if (picked.has(identity)) continue;
    picked.add(identity);
    replyMember(call, set, withScores);
  }
  return count;
}

function scanMembers(call: Call): void {
  const { reply } = call;
  const cursor = cursorAt(call, 2);
  if (call.refused()) return;
  const set = readSortedSet(call, 1);
  if (set === null) return;
  const { member } = set;
  replyScan(call, cursor, set, member, 2, () => {
    reply.bulk(member.bytes, member.start, member.length);
    // A large one's scores go through C's long double in Redis.
    if (set.isPacked) reply.bulkDouble(set.score);
    else reply.bulkText(formatPrecise(set.score));
  });
}
