/** Sorted sets, member by member. */
import {
  command,
  DENYOOM,
  FAST,
  KEY_ACCESS,
  KEY_DELETE,
  KEY_RO,
  KEY_RW,
  KEY_UPDATE,
  READONLY,
  WRITE,
  keysAt,
} from "../../engine/command.ts";
import { parseDouble } from "../../base/numbers.ts";
import type { Call } from "../../engine/call.ts";
import { NOTIFY_ZSET } from "../../engine/key-events.ts";
import { readSortedSet, removeEmptied, writeSortedSet } from "../../engine/typed-values.ts";
import { NOT_A_FLOAT, SYNTAX } from "../../protocol/errors.ts";
import type { SortedSetValue } from "../../values/sorted-set.ts";

export const zadd = command({
  name: "zadd",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Adds members to a sorted set or changes their scores.",
  complexity: "O(log(N)) for each member",
  arity: -4,
  flags: WRITE | DENYOOM | FAST,
  categories: ["sortedset"],
  history: [
    ["2.4.0", "Accepts multiple elements."],
    ["3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."],
    ["6.2.0", "Added the `GT` and `LT` options."],
  ],
  keys: [keysAt(KEY_RW | KEY_UPDATE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    {
      name: "condition",
      type: "oneof",
      since: "3.0.2",
      optional: true,
      parts: [
        { name: "nx", type: "pure-token", token: "NX" },
        { name: "xx", type: "pure-token", token: "XX" },
      ],
    },
    {
      name: "comparison",
      type: "oneof",
      since: "6.2.0",
      optional: true,
      parts: [
        { name: "gt", type: "pure-token", token: "GT" },
        { name: "lt", type: "pure-token", token: "LT" },
      ],
    },
    { name: "change", type: "pure-token", token: "CH", since: "3.0.2", optional: true },
    { name: "increment", type: "pure-token", token: "INCR", since: "3.0.2", optional: true },
    {
      name: "score_member",
      type: "block",
      multiple: true,
      parts: [
        { name: "score", type: "double" },
        { name: "member", type: "string" },
      ],
    },
  ],
  run: (call) => addMembers(call, false),
});

export const zincrby = command({
  name: "zincrby",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Adds a number to the score of a member; a missing one counts as 0.",
  complexity: "O(log(N)) where N is the size of the sorted set",
  arity: 4,
  flags: WRITE | DENYOOM | FAST,
  categories: ["sortedset"],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_UPDATE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "increment", type: "integer" },
    { name: "member", type: "string" },
  ],
  run: (call) => addMembers(call, true),
});

export const zrem = command({
  name: "zrem",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Removes members of a sorted set, and the sorted set with its last member.",
  complexity: "O(M*log(N)) with N being the size of the sorted set and M the members to be removed",
  arity: -3,
  flags: WRITE | FAST,
  categories: ["sortedset"],
  history: [["2.4.0", "Accepts multiple elements."]],
  keys: [keysAt(KEY_RW | KEY_DELETE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "member", type: "string", multiple: true },
  ],
  run: removeMembers,
});

export const zcard = command({
  name: "zcard",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Returns how many members a sorted set has.",
  complexity: "O(1)",
  arity: 2,
  flags: READONLY | FAST,
  categories: ["sortedset"],
  keys: [keysAt(KEY_RO, 1)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run: replySize,
});

export const zscore = command({
  name: "zscore",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Returns the score of a member of a sorted set.",
  complexity: "O(1)",
  arity: 3,
  flags: READONLY | FAST,
  categories: ["sortedset"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "member", type: "string" },
  ],
  run: replyScore,
});

export const zmscore = command({
  name: "zmscore",
  group: "sorted-set",
  since: "6.2.0",
  summary: "Returns the scores of several members of a sorted set.",
  complexity: "O(N) where N is the number of members asked for",
  arity: -3,
  flags: READONLY | FAST,
  categories: ["sortedset"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "member", type: "string", multiple: true },
  ],
  run: replyScores,
});

export const zrank = command({
  name: "zrank",
  group: "sorted-set",
  since: "2.0.0",
  summary: "Returns the rank of a member, the lowest score first.",
  complexity: "O(log(N))",
  arity: -3,
  flags: READONLY | FAST,
  categories: ["sortedset"],
  history: [["7.2.0", "Added the optional `WITHSCORE` argument."]],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "member", type: "string" },
    { name: "withscore", type: "pure-token", token: "WITHSCORE", since: "7.2.0", optional: true },
  ],
  run: (call) => replyRank(call, false),
});

export const zrevrank = command({
  name: "zrevrank",
  group: "sorted-set",
  since: "2.0.0",
  summary: "Returns the rank of a member, the highest score first.",
  complexity: "O(log(N))",
  arity: -3,
  flags: READONLY | FAST,
  categories: ["sortedset"],
  history: [["7.2.0", "Added the optional `WITHSCORE` argument."]],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "member", type: "string" },
    { name: "withscore", type: "pure-token", token: "WITHSCORE", since: "7.2.0", optional: true },
  ],
  run: (call) => replyRank(call, true),
});

const NX = 1;
const XX = 2;
const GT = 4;
const LT = 8;
const CH = 16;
const INCR = 32;
const OPTIONS = [
  ["NX", NX],
  ["XX", XX],
  ["GT", GT],
  ["LT", LT],
  ["CH", CH],
  ["INCR", INCR],
] as const;

const LAST_DIGIT = 57;
const SCORE_NOT_A_NUMBER = "ERR resulting score is not a number (NaN)";

/** The scores of the running command; it grows to what was needed most. */
let scores = new Float64Array(16);

/** Where the scores begin. */
let firstPair = 0;

/** The option that an argument names, or 0. */
function flagAt(call: Call, index: number): number {
  for (const [word, flag] of OPTIONS) if (call.is(index, word)) return flag;
  return 0;
}

function readFlags(call: Call): number {
  let flags = 0;
  let i = 2;
  // Options begin with letters, and scores hardly ever.
  for (; i < call.count && call.args.bytes[call.args.starts[i]] > LAST_DIGIT; i++) {
    const flag = call.args.lengths[i] > 4 ? 0 : flagAt(call, i);
    if (flag === 0) break;
    flags |= flag;
  }
  firstPair = i;
  const left = call.count - i;
  if (left === 0 || left % 2 === 1) call.refuse(SYNTAX);
  if ((flags & NX) !== 0 && (flags & XX) !== 0) {
    call.refuse("ERR XX and NX options at the same time are not compatible");
  }
  const conditions = flags & (NX | GT | LT);
  if ((conditions & (conditions - 1)) !== 0) {
    call.refuse("ERR GT, LT, and/or NX options at the same time are not compatible");
  }
  if ((flags & INCR) !== 0 && left > 2) {
    call.refuse("ERR INCR option supports a single increment-element pair");
  }
  return flags;
}

function readScores(call: Call): void {
  const { bytes, starts, lengths } = call.args;
  const pairs = (call.count - firstPair) / 2;
  if (pairs > scores.length) scores = new Float64Array(pairs * 2);
  for (let i = 0; i < pairs; i++) {
    const index = firstPair + 2 * i;
    const score = parseDouble(bytes, starts[index], lengths[index]);
    if (score !== score) {
      call.refuse(NOT_A_FLOAT);
      return;
    }
    scores[i] = score;
  }
}

function addMembers(call: Call, isIncrement: boolean): void {
  firstPair = 2;
  const flags = isIncrement ? INCR : readFlags(call);
  if (call.refused()) return;
  readScores(call);
  if (call.refused()) return;
  const set = writeSortedSet(call, 1);
  if (set === null) return;
  const { reply } = call;
  if ((flags & XX) !== 0 && !set.home.exists) {
    if ((flags & INCR) === 0) reply.integer(0);
    else reply.nil();
    return;
  }
  if ((flags & INCR) !== 0) {
    increment(call, set, flags);
    return;
  }
  const { starts, lengths } = call.args;
  const pairs = (call.count - firstPair) / 2;
  if (!set.home.exists) set.prepare(pairs);
  let added = 0;
  let updated = 0;
  for (let i = 0; i < pairs; i++) {
    const member = firstPair + 2 * i + 1;
    const outcome = put(call, set, starts[member], lengths[member], scores[i], flags);
    if (outcome === ADDED) added++;
    else if (outcome === UPDATED) updated++;
  }
  if (added + updated > 0) {
    call.changed(NOTIFY_ZSET, "zadd", 1);
    call.changedMany(added + updated - 1);
  }
  reply.integer((flags & CH) === 0 ? added : added + updated);
}

const UNCHANGED = 0;
const ADDED = 1;
const UPDATED = 2;

function put(
  call: Call,
  set: SortedSetValue,
  start: number,
  length: number,
  score: number,
  flags: number,
): number {
  const { bytes } = call.args;
  const before = set.scoreOf(bytes, start, length);
  if (before !== before) {
    if ((flags & XX) !== 0) return UNCHANGED;
    set.add(bytes, start, length, score);
    return ADDED;
  }
  if ((flags & NX) !== 0 || before === score) return UNCHANGED;
  if ((flags & GT) !== 0 && score <= before) return UNCHANGED;
  if ((flags & LT) !== 0 && score >= before) return UNCHANGED;
  set.rescore(bytes, start, length, score);
  return UPDATED;
}

function increment(call: Call, set: SortedSetValue, flags: number): void {
  const { bytes, starts, lengths } = call.args;
  const member = firstPair + 1;
  const before = set.scoreOf(bytes, starts[member], lengths[member]);
  const isNew = before !== before;
  const score = isNew ? scores[0] : before + scores[0];
  if (score !== score) {
    call.fail(SCORE_NOT_A_NUMBER);
    return;
  }
  const isStopped =
    (isNew ? (flags & XX) !== 0 : (flags & NX) !== 0) ||
    (!isNew && (flags & GT) !== 0 && score <= before) ||
    (!isNew && (flags & LT) !== 0 && score >= before);
  if (isStopped) {
    call.reply.nil();
    return;
  }
  const outcome = put(call, set, starts[member], lengths[member], score, 0);
  if (outcome !== UNCHANGED) call.changed(NOTIFY_ZSET, "zincr", 1);
  call.reply.double(score);
}

function removeMembers(call: Call): void {
  const set = writeSortedSet(call, 1);
  if (set === null) return;
  const { bytes, starts, lengths } = call.args;
  let removed = 0;
  for (let i = 2; i < call.count && set.size > 0; i++) {
    if (set.remove(bytes, starts[i], lengths[i])) removed++;
  }
  if (removed > 0) {
    call.changed(NOTIFY_ZSET, "zrem", 1);
    call.changedMany(removed - 1);
    removeEmptied(call, set, 1);
  }
  call.reply.integer(removed);
}

function replySize(call: Call): void {
  const set = readSortedSet(call, 1);
  if (set !== null) call.reply.integer(set.size);
}

function replyScore(call: Call): void {
  const set = readSortedSet(call, 1);
  if (set !== null) replyScoreOf(call, set, 2);
}

function replyScores(call: Call): void {
  const set = readSortedSet(call, 1);
  if (set === null) return;
  call.reply.array(call.count - 2);
  for (let i = 2; i < call.count; i++) replyScoreOf(call, set, i);
}

function replyScoreOf(call: Call, set: SortedSetValue, index: number): void {
  const { bytes, starts, lengths } = call.args;
  const score = set.scoreOf(bytes, starts[index], lengths[index]);
  if (score !== score) call.reply.nil();
  else call.reply.double(score);
}

function replyRank(call: Call, isReversed: boolean): void {
  const { reply } = call;
  const { bytes, starts, lengths } = call.args;
  const withScore = call.count === 4 && call.is(3, "WITHSCORE");
  if (call.count > 4 || (call.count === 4 && !withScore)) {
    call.syntaxError();
    return;
  }
  const set = readSortedSet(call, 1);
  if (set === null) return;
  const rank = set.rankOf(bytes, starts[2], lengths[2]);
  if (rank === -1) {
    if (withScore) reply.nullArray();
    else reply.nil();
    return;
  }
  if (withScore) reply.array(2);
  reply.integer(isReversed ? set.size - 1 - rank : rank);
  if (withScore) reply.double(set.score);
}
