/** Unions, intersections and differences of sorted sets, and of sets, whose scores are 1. */
import {
  command,
  DENYOOM,
  KEY_ACCESS,
  KEY_OW,
  KEY_RO,
  KEY_UPDATE,
  READONLY,
  WRITE,
  countedKeys,
  keysAt,
} from "../../engine/command.ts";
import { parseDouble } from "../../base/numbers.ts";
import type { Call } from "../../engine/call.ts";
import { NOTIFY_ZSET } from "../../engine/key-events.ts";
import { openScored, storeBuilt, temporarySortedSet } from "../../engine/typed-values.ts";
import type { ScoredValue } from "../../engine/typed-values.ts";
import { TYPE_ZSET } from "../../memory/entry.ts";
import { SYNTAX } from "../../protocol/errors.ts";
import { SortedSetBuilder } from "../../values/sorted-set-builder.ts";

export const zunion = command({
  name: "zunion",
  group: "sorted-set",
  since: "6.2.0",
  summary: "Returns the members of any of several sorted sets.",
  complexity: "O(N)+O(M*log(M)) with N members in all and M in the result",
  arity: -3,
  flags: READONLY,
  categories: ["sortedset"],
  keys: [countedKeys(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "numkeys", type: "integer" },
    { name: "key", type: "key", keySpec: 0, multiple: true },
    { name: "weight", type: "integer", token: "WEIGHTS", optional: true, multiple: true },
    {
      name: "aggregate",
      type: "oneof",
      token: "AGGREGATE",
      optional: true,
      parts: [
        { name: "sum", type: "pure-token", token: "SUM" },
        { name: "min", type: "pure-token", token: "MIN" },
        { name: "max", type: "pure-token", token: "MAX" },
      ],
    },
    { name: "withscores", type: "pure-token", token: "WITHSCORES", optional: true },
  ],
  run: (call) => combine(call, UNION, false),
});

export const zunionstore = command({
  name: "zunionstore",
  group: "sorted-set",
  since: "2.0.0",
  summary: "Stores the members of any of several sorted sets.",
  complexity: "O(N)+O(M*log(M)) with N members in all and M in the result",
  arity: -4,
  flags: WRITE | DENYOOM,
  categories: ["sortedset"],
  keys: [keysAt(KEY_OW | KEY_UPDATE, 1), countedKeys(KEY_RO | KEY_ACCESS, 2)],
  args: [
    { name: "destination", type: "key", keySpec: 0 },
    { name: "numkeys", type: "integer" },
    { name: "key", type: "key", keySpec: 1, multiple: true },
    { name: "weight", type: "integer", token: "WEIGHTS", optional: true, multiple: true },
    {
      name: "aggregate",
      type: "oneof",
      token: "AGGREGATE",
      optional: true,
      parts: [
        { name: "sum", type: "pure-token", token: "SUM" },
        { name: "min", type: "pure-token", token: "MIN" },
        { name: "max", type: "pure-token", token: "MAX" },
      ],
    },
  ],
  run: (call) => combine(call, UNION, true),
});

export const zinter = command({
  name: "zinter",
  group: "sorted-set",
  since: "6.2.0",
  summary: "Returns the members of all of several sorted sets.",
  complexity: "O(N*K)+O(M*log(M)) with N members in the smallest of K and M in the result",
  arity: -3,
  flags: READONLY,
  categories: ["sortedset"],
  keys: [countedKeys(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "numkeys", type: "integer" },
    { name: "key", type: "key", keySpec: 0, multiple: true },
    { name: "weight", type: "integer", token: "WEIGHTS", optional: true, multiple: true },
    {
      name: "aggregate",
      type: "oneof",
      token: "AGGREGATE",
      optional: true,
      parts: [
        { name: "sum", type: "pure-token", token: "SUM" },
        { name: "min", type: "pure-token", token: "MIN" },
        { name: "max", type: "pure-token", token: "MAX" },
      ],
    },
    { name: "withscores", type: "pure-token", token: "WITHSCORES", optional: true },
  ],
  run: (call) => combine(call, INTERSECTION, false),
});

export const zinterstore = command({
  name: "zinterstore",
  group: "sorted-set",
  since: "2.0.0",
  summary: "Stores the members of all of several sorted sets.",
  complexity: "O(N*K)+O(M*log(M)) with N members in the smallest of K and M in the result",
  arity: -4,
  flags: WRITE | DENYOOM,
  categories: ["sortedset"],
  keys: [keysAt(KEY_OW | KEY_UPDATE, 1), countedKeys(KEY_RO | KEY_ACCESS, 2)],
  args: [
    { name: "destination", type: "key", keySpec: 0 },
    { name: "numkeys", type: "integer" },
    { name: "key", type: "key", keySpec: 1, multiple: true },
    { name: "weight", type: "integer", token: "WEIGHTS", optional: true, multiple: true },
    {
      name: "aggregate",
      type: "oneof",
      token: "AGGREGATE",
      optional: true,
      parts: [
        { name: "sum", type: "pure-token", token: "SUM" },
        { name: "min", type: "pure-token", token: "MIN" },
        { name: "max", type: "pure-token", token: "MAX" },
      ],
    },
  ],
  run: (call) => combine(call, INTERSECTION, true),
});

export const zintercard = command({
  name: "zintercard",
  group: "sorted-set",
  since: "7.0.0",
  summary: "Counts the members of all of several sorted sets.",
  complexity: "O(N*K) with N members in the smallest of K",
  arity: -3,
  flags: READONLY,
  categories: ["sortedset"],
  keys: [countedKeys(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "numkeys", type: "integer" },
    { name: "key", type: "key", keySpec: 0, multiple: true },
    { name: "limit", type: "integer", token: "LIMIT", optional: true },
  ],
  run: countIntersection,
});

export const zdiff = command({
  name: "zdiff",
  group: "sorted-set",
  since: "6.2.0",
  summary: "Returns the members of a sorted set that are in none of several others.",
  complexity: "O(N*K)+O(M*log(M)) with N members in the first of K and M in the result",
  arity: -3,
  flags: READONLY,
  categories: ["sortedset"],
  keys: [countedKeys(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "numkeys", type: "integer" },
    { name: "key", type: "key", keySpec: 0, multiple: true },
    { name: "withscores", type: "pure-token", token: "WITHSCORES", optional: true },
  ],
  run: (call) => combine(call, DIFFERENCE, false),
});

export const zdiffstore = command({
  name: "zdiffstore",
  group: "sorted-set",
  since: "6.2.0",
  summary: "Stores the members of a sorted set that are in none of several others.",
  complexity: "O(N*K)+O(M*log(M)) with N members in the first of K and M in the result",
  arity: -4,
  flags: WRITE | DENYOOM,
  categories: ["sortedset"],
  keys: [keysAt(KEY_OW | KEY_UPDATE, 1), countedKeys(KEY_RO | KEY_ACCESS, 2)],
  args: [
    { name: "destination", type: "key", keySpec: 0 },
    { name: "numkeys", type: "integer" },
    { name: "key", type: "key", keySpec: 1, multiple: true },
  ],
  run: (call) => combine(call, DIFFERENCE, true),
});

const UNION = 0;
const INTERSECTION = 1;
const DIFFERENCE = 2;
type Operation = typeof UNION | typeof INTERSECTION | typeof DIFFERENCE;

const EVENTS = ["zunionstore", "zinterstore", "zdiffstore"] as const;
const WEIGHT_NOT_A_FLOAT = "ERR weight value is not a float";

type Together = (a: number, b: number) => number;

const AGGREGATES: readonly (readonly [string, Together])[] = [
  // Opposite infinities make 0.
  ["SUM", (a, b) => (a + b === a + b ? a + b : 0)],
  ["MIN", (a, b) => (a > b ? b : a)],
  ["MAX", (a, b) => (a < b ? b : a)],
];

interface Source {
  readonly value: ScoredValue;
  readonly weight: number;
}

interface Combination {
  sources: Source[];
  together: Together;
  withScores: boolean;
}

function weighted(source: Source, score: number): number {
  const value = source.weight * score;
  return value === value ? value : 0;
}

/** `numkeys key [key …]` and the options; null: an error was replied. */
function readCombination(
  call: Call,
  operation: Operation,
  first: number,
  stores: boolean,
): Combination | null {
  const keys = Number(call.int64(first));
  if (keys < 1) {
    call.refuse(`ERR at least 1 input key is needed for '${call.command.fullName}' command`);
  }
  if (keys > call.count - first - 1) call.refuse(SYNTAX);
  if (call.refused()) return null;
  const values = openScored(call, first + 1, keys);
  if (values === null) return null;
  const weights = new Array<number>(keys).fill(1);
  const combination: Combination = { sources: [], together: AGGREGATES[0][1], withScores: false };
  readOptions(call, operation, first + 1 + keys, stores, weights, combination);
  if (call.refused()) return null;
  combination.sources = values.map((value, i) => ({ value, weight: weights[i] }));
  return combination;
}

function readOptions(
  call: Call,
  operation: Operation,
  first: number,
  stores: boolean,
  weights: number[],
  into: Combination,
): void {
  const { bytes, starts, lengths } = call.args;
  for (let i = first; i < call.count && !call.hasProblem; i++) {
    if (operation !== DIFFERENCE && call.is(i, "WEIGHTS") && call.count - i - 1 >= weights.length) {
      for (let j = 0; j < weights.length; j++) {
        i++;
        weights[j] = parseDouble(bytes, starts[i], lengths[i]);
        if (weights[j] !== weights[j]) call.refuse(WEIGHT_NOT_A_FLOAT);
      }
    } else if (operation !== DIFFERENCE && call.is(i, "AGGREGATE") && i + 1 < call.count) {
      i++;
      const aggregate = AGGREGATES.find(([word]) => call.is(i, word));
      if (aggregate === undefined) call.refuse(SYNTAX);
      else into.together = aggregate[1];
    } else if (!stores && call.is(i, "WITHSCORES")) into.withScores = true;
    else call.refuse(SYNTAX);
  }
}

function combine(call: Call, operation: Operation, stores: boolean): void {
  const combination = readCombination(call, operation, stores ? 2 : 1, stores);
  if (combination === null) return;
  const { home, value } = temporarySortedSet(call);
  const builder = new SortedSetBuilder(home, value.limits);
  if (operation === UNION) unite(builder, combination);
  else if (operation === INTERSECTION) intersect(builder, combination);
  else subtract(builder, combination);
  builder.finish(stores);
  const { size } = builder;
  if (stores) {
    storeBuilt(call, 1, { home, size }, TYPE_ZSET, NOTIFY_ZSET, EVENTS[operation]);
    call.reply.integer(size);
    return;
  }
  const { reply } = call;
  const { withScores } = combination;
  const isNested = withScores && reply.resp3;
  reply.array(withScores && !isNested ? size * 2 : size);
  if (size > 0) value.seek(0);
  for (let i = 0; i < size; i++) {
    value.read();
    if (isNested) reply.array(2);
    reply.bulk(value.member.bytes, value.member.start, value.member.length);
    if (withScores) reply.double(value.score);
    value.move(false);
  }
  home.discard();
}

function bySize(sources: readonly Source[]): Source[] {
  return sources.toSorted((a, b) => a.value.size - b.value.size);
}

function unite(builder: SortedSetBuilder, { sources, together }: Combination): void {
  for (const source of bySize(sources)) {
    const { value } = source;
    if (value.size === 0) continue;
    const { member } = value;
    value.rewind();
    while (value.next()) {
      const score = weighted(source, value.score);
      builder.merge(member.bytes, member.start, member.length, score, value.memberHash, together);
    }
  }
}

function intersect(builder: SortedSetBuilder, { sources, together }: Combination): void {
  const [smallest, ...others] = bySize(sources);
  const { value } = smallest;
  if (value.size === 0) return;
  const { member } = value;
  value.rewind();
  while (value.next()) {
    const score = scoreInAll(smallest, others, together);
    if (score === score) builder.add(member.bytes, member.start, member.length, score);
  }
}

/** The walked member's score over all sources, or NaN where one lacks it. */
function scoreInAll(walked: Source, others: readonly Source[], together: Together): number {
  const { value } = walked;
  const { member } = value;
  const hash = value.memberHash;
  let score = weighted(walked, value.score);
  for (const other of others) {
    const own = other.value.scoreOfHashed(member.bytes, member.start, member.length, hash);
    if (own !== own) return NaN;
    // What is no number stays one here: as Redis has it, only the first score is mended (t_zset.c).
    score = together(score, other.weight * own);
  }
  return score;
}

function subtract(builder: SortedSetBuilder, { sources }: Combination): void {
  const [{ value }, ...others] = sources;
  if (value.size === 0) return;
  const { member } = value;
  value.rewind();
  while (value.next()) {
    const hash = value.memberHash;
    const isElsewhere = others.some((other) => {
      const score = other.value.scoreOfHashed(member.bytes, member.start, member.length, hash);
      return score === score;
    });
    if (!isElsewhere) builder.add(member.bytes, member.start, member.length, value.score);
  }
}

function countIntersection(call: Call): void {
  const keys = Number(call.int64(1));
  if (keys < 1) call.refuse("ERR at least 1 input key is needed for 'zintercard' command");
  if (keys > call.count - 2) call.refuse(SYNTAX);
  if (call.refused()) return;
  const values = openScored(call, 2, keys);
  if (values === null) return;
  let limit = 0;
  for (let i = 2 + keys; i < call.count && !call.hasProblem; i += 2) {
    if (!call.is(i, "LIMIT") || i + 1 === call.count) call.refuse(SYNTAX);
    else {
      limit = Number(call.int64(i + 1, "ERR LIMIT can't be negative"));
      if (limit < 0) call.refuse("ERR LIMIT can't be negative");
    }
  }
  if (call.refused()) return;
  const most = limit === 0 ? Infinity : limit;
  const [smallest, ...others] = bySize(values.map((value) => ({ value, weight: 1 })));
  let found = 0;
  if (smallest.value.size > 0) {
    smallest.value.rewind();
    while (found < most && smallest.value.next()) {
      const score = scoreInAll(smallest, others, AGGREGATES[0][1]);
      if (score === score) found++;
    }
  }
  call.reply.integer(found);
}
