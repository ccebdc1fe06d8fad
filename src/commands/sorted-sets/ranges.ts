/** Ranges of sorted sets: by rank, by score, by bytes. */
import {
  command,
  DENYOOM,
  KEY_ACCESS,
  KEY_OW,
  KEY_RO,
  KEY_UPDATE,
  READONLY,
  WRITE,
  keysAt,
} from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import { NOTIFY_ZSET } from "../../engine/key-events.ts";
import { readSortedSet, storeBuilt, temporarySortedSet } from "../../engine/typed-values.ts";
import { TYPE_ZSET } from "../../memory/entry.ts";
import { SYNTAX } from "../../protocol/errors.ts";
import type { SortedSetValue } from "../../values/sorted-set.ts";
import { SortedSetBuilder } from "../../values/sorted-set-builder.ts";
import { BY_MEMBER, BY_RANK, BY_SCORE, RangeSpec } from "./_range-spec.ts";
import type { RangeKind } from "./_range-spec.ts";

export const zrange = command({
  name: "zrange",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Returns members of a sorted set by rank, score or bytes.",
  complexity: "O(log(N)+M) with N being the size of the sorted set and M the members returned",
  arity: -4,
  flags: READONLY,
  categories: ["sortedset"],
  history: [["6.2.0", "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options."]],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "start", type: "string" },
    { name: "stop", type: "string" },
    {
      name: "sortby",
      type: "oneof",
      since: "6.2.0",
      optional: true,
      parts: [
        { name: "byscore", type: "pure-token", token: "BYSCORE" },
        { name: "bylex", type: "pure-token", token: "BYLEX" },
      ],
    },
    { name: "rev", type: "pure-token", token: "REV", since: "6.2.0", optional: true },
    {
      name: "offset_count",
      type: "block",
      token: "LIMIT",
      since: "6.2.0",
      optional: true,
      parts: [
        { name: "offset", type: "integer" },
        { name: "count", type: "integer" },
      ],
    },
    { name: "withscores", type: "pure-token", token: "WITHSCORES", optional: true },
  ],
  run: (call) => rangeByOptions(call, 1, false),
});

export const zrangestore = command({
  name: "zrangestore",
  group: "sorted-set",
  since: "6.2.0",
  summary: "Stores members of a sorted set, chosen by rank, score or bytes, in another.",
  complexity: "O(log(N)+M) with N being the size of the sorted set and M the members stored",
  arity: -5,
  flags: WRITE | DENYOOM,
  categories: ["sortedset"],
  keys: [keysAt(KEY_OW | KEY_UPDATE, 1), keysAt(KEY_RO | KEY_ACCESS, 2)],
  args: [
    { name: "dst", type: "key", keySpec: 0 },
    { name: "src", type: "key", keySpec: 1 },
    { name: "min", type: "string" },
    { name: "max", type: "string" },
    {
      name: "sortby",
      type: "oneof",
      optional: true,
      parts: [
        { name: "byscore", type: "pure-token", token: "BYSCORE" },
        { name: "bylex", type: "pure-token", token: "BYLEX" },
      ],
    },
    { name: "rev", type: "pure-token", token: "REV", optional: true },
    {
      name: "offset_count",
      type: "block",
      token: "LIMIT",
      optional: true,
      parts: [
        { name: "offset", type: "integer" },
        { name: "count", type: "integer" },
      ],
    },
  ],
  run: (call) => rangeByOptions(call, 2, true),
});

export const zrevrange = command({
  name: "zrevrange",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Returns members of a sorted set by rank, the highest score first.",
  complexity: "O(log(N)+M) with N being the size of the sorted set and M the members returned",
  arity: -4,
  flags: READONLY,
  categories: ["sortedset"],
  deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `REV` argument" },
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "start", type: "integer" },
    { name: "stop", type: "integer" },
    { name: "withscores", type: "pure-token", token: "WITHSCORES", optional: true },
  ],
  run: (call) => rangeOf(call, BY_RANK, true),
});

export const zrangebyscore = command({
  name: "zrangebyscore",
  group: "sorted-set",
  since: "1.0.5",
  summary: "Returns members of a sorted set by score.",
  complexity: "O(log(N)+M) with N being the size of the sorted set and M the members returned",
  arity: -4,
  flags: READONLY,
  categories: ["sortedset"],
  history: [["2.0.0", "Added the `WITHSCORES` modifier."]],
  deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `BYSCORE` argument" },
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "min", type: "double" },
    { name: "max", type: "double" },
    { name: "withscores", type: "pure-token", token: "WITHSCORES", since: "2.0.0", optional: true },
    {
      name: "offset_count",
      type: "block",
      token: "LIMIT",
      optional: true,
      parts: [
        { name: "offset", type: "integer" },
        { name: "count", type: "integer" },
      ],
    },
  ],
  run: (call) => rangeOf(call, BY_SCORE, false),
});

export const zrevrangebyscore = command({
  name: "zrevrangebyscore",
  group: "sorted-set",
  since: "2.2.0",
  summary: "Returns members of a sorted set by score, the highest first.",
  complexity: "O(log(N)+M) with N being the size of the sorted set and M the members returned",
  arity: -4,
  flags: READONLY,
  categories: ["sortedset"],
  history: [["2.1.6", "`min` and `max` can be exclusive."]],
  deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `REV` and `BYSCORE` arguments" },
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "max", type: "double" },
    { name: "min", type: "double" },
    { name: "withscores", type: "pure-token", token: "WITHSCORES", optional: true },
    {
      name: "offset_count",
      type: "block",
      token: "LIMIT",
      optional: true,
      parts: [
        { name: "offset", type: "integer" },
        { name: "count", type: "integer" },
      ],
    },
  ],
  run: (call) => rangeOf(call, BY_SCORE, true),
});

export const zrangebylex = command({
  name: "zrangebylex",
  group: "sorted-set",
  since: "2.8.9",
  summary: "Returns members of a sorted set of equal scores by their bytes.",
  complexity: "O(log(N)+M) with N being the size of the sorted set and M the members returned",
  arity: -4,
  flags: READONLY,
  categories: ["sortedset"],
  deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `BYLEX` argument" },
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "min", type: "string" },
    { name: "max", type: "string" },
    {
      name: "offset_count",
      type: "block",
      token: "LIMIT",
      optional: true,
      parts: [
        { name: "offset", type: "integer" },
        { name: "count", type: "integer" },
      ],
    },
  ],
  run: (call) => rangeOf(call, BY_MEMBER, false),
});

export const zrevrangebylex = command({
  name: "zrevrangebylex",
  group: "sorted-set",
  since: "2.8.9",
  summary: "Returns members of a sorted set of equal scores by their bytes, the last first.",
  complexity: "O(log(N)+M) with N being the size of the sorted set and M the members returned",
  arity: -4,
  flags: READONLY,
  categories: ["sortedset"],
  deprecated: { since: "6.2.0", replacedBy: "`ZRANGE` with the `REV` and `BYLEX` arguments" },
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "max", type: "string" },
    { name: "min", type: "string" },
    {
      name: "offset_count",
      type: "block",
      token: "LIMIT",
      optional: true,
      parts: [
        { name: "offset", type: "integer" },
        { name: "count", type: "integer" },
      ],
    },
  ],
  run: (call) => rangeOf(call, BY_MEMBER, true),
});

const LIMIT_NEEDS_RANGE =
  "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX";
const NO_SCORES_BY_MEMBER = "ERR syntax error, WITHSCORES not supported in combination with BYLEX";

const spec = new RangeSpec();

interface RangeOptions {
  kind: RangeKind;
  isReversed: boolean;
  withScores: boolean;
  offset: number;
  /** Negative: no limit. */
  limit: number;
}

/** One object serves all calls. */
const options: RangeOptions = {
  kind: BY_RANK,
  isReversed: false,
  withScores: false,
  offset: 0,
  limit: -1,
};

function resetOptions(kind: RangeKind, isReversed: boolean): void {
  options.kind = kind;
  options.isReversed = isReversed;
  options.withScores = false;
  options.offset = 0;
  options.limit = -1;
}

/** ZREVRANGE, ZRANGEBYSCORE and so on: what they range over is in their names. */
function rangeOf(call: Call, kind: RangeKind, isReversed: boolean): void {
  resetOptions(kind, isReversed);
  readOptions(call, 4, false);
  if (!call.hasProblem) replyRange(call);
  else call.refused();
}

/** ZRANGE and ZRANGESTORE: the source is in argument `keyIndex`. */
function rangeByOptions(call: Call, keyIndex: number, stores: boolean): void {
  resetOptions(BY_RANK, false);
  readOptions(call, keyIndex + 3, true, stores);
  if (call.refused()) return;
  if (stores) storeRange(call);
  else replyRange(call);
}

function readOptions(call: Call, first: number, choosesKind: boolean, stores = false): void {
  let hasLimit = false;
  for (let i = first; i < call.count; i++) {
    if (!stores && call.is(i, "WITHSCORES")) options.withScores = true;
    else if (call.is(i, "LIMIT") && i + 2 < call.count) {
      options.offset = Number(call.int64(i + 1));
      options.limit = Number(call.int64(i + 2));
      hasLimit = true;
      i += 2;
    } else if (choosesKind && !options.isReversed && call.is(i, "REV")) options.isReversed = true;
    else if (maySetKind(choosesKind) && call.is(i, "BYLEX")) options.kind = BY_MEMBER;
    else if (maySetKind(choosesKind) && call.is(i, "BYSCORE")) options.kind = BY_SCORE;
    else call.refuse(SYNTAX);
    if (call.hasProblem) return;
  }
  if (hasLimit && options.limit !== -1 && options.kind === BY_RANK) call.refuse(LIMIT_NEEDS_RANGE);
  if (options.withScores && options.kind === BY_MEMBER) call.refuse(NO_SCORES_BY_MEMBER);
}

function maySetKind(choosesKind: boolean): boolean {
  return choosesKind && options.kind === BY_RANK;
}

/** The part of the sorted set under the key in argument `keyIndex`; null: an error was replied. */
function open(call: Call, keyIndex: number): SortedSetValue | null {
  const { kind, isReversed } = options;
  const swaps = isReversed && kind !== BY_RANK;
  spec.read(call, kind, keyIndex + (swaps ? 2 : 1), keyIndex + (swaps ? 1 : 2));
  if (call.refused()) return null;
  const set = readSortedSet(call, keyIndex);
  if (set === null) return null;
  spec.resolve(call, set, isReversed);
  applyLimit();
  return set;
}

/** Narrows `spec` to LIMIT's part of it, counted from the range's own beginning. */
function applyLimit(): void {
  const { offset, limit, isReversed } = options;
  if (offset === 0 && limit < 0) return;
  const skipped = offset < 0 ? spec.count : Math.min(offset, spec.count);
  const left = spec.count - skipped;
  const count = limit < 0 ? left : Math.min(limit, left);
  spec.rank += isReversed ? left - count : skipped;
  spec.count = count;
}

function replyRange(call: Call): void {
  const set = open(call, 1);
  if (set === null) return;
  const { reply } = call;
  const { count, rank } = spec;
  const { isReversed, withScores } = options;
  const isNested = withScores && reply.resp3;
  reply.array(withScores && !isNested ? count * 2 : count);
  if (count === 0) return;
  const { member } = set;
  set.seek(isReversed ? rank + count - 1 : rank);
  for (let i = 0; i < count; i++) {
    set.read();
    if (isNested) reply.array(2);
    reply.bulk(member.bytes, member.start, member.length);
    if (withScores) reply.double(set.score);
    set.move(isReversed);
  }
}

function storeRange(call: Call): void {
  const set = open(call, 2);
  if (set === null) return;
  const { count, rank } = spec;
  const { home, value } = temporarySortedSet(call);
  const builder = new SortedSetBuilder(home, value.limits);
  const { member } = set;
  if (count > 0) set.seek(rank);
  for (let i = 0; i < count; i++) {
    set.read();
    builder.add(member.bytes, member.start, member.length, set.score);
    set.move(false);
  }
  builder.finish(true);
  storeBuilt(call, 1, { home, size: count }, TYPE_ZSET, NOTIFY_ZSET, "zrangestore");
  call.reply.integer(count);
}
