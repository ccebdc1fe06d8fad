/**
 * Random commands over all types, for servers that must answer alike. Each entry makes one
 * command from chance; its weight is how often it comes. What two right servers may answer
 * differently (SPOP of some members, cursors) is asked for in ways that leave no choice.
 */
import type { Random } from "../support/random.ts";
import { STREAMS } from "./_stream-operations.ts";
import {
  type Comparison,
  type Entry,
  index,
  INTEGERS,
  keyOf,
  maybe,
  pure,
  some,
  text,
} from "./_words.ts";

export interface Operation {
  readonly args: readonly string[];
  readonly comparison: Comparison;
}

/** Scores that every version prints alike. */
function score(r: Random): string {
  const kind = r.below(100);
  if (kind < 50) return String(r.between(-20, 20));
  if (kind < 85) return String(r.between(-200, 200) / 4);
  if (kind < 92) return String(r.between(-1e12, 1e12));
  return r.pick(["inf", "-inf", "+inf", "nan", "x", "", "1e3", "0x10", " 1"]);
}

const bound = (r: Random): string => (r.chance(0.3) ? "(" : "") + score(r);
const lexBound = (r: Random): string =>
  r.chance(0.3) ? r.pick(["-", "+", "m", ""]) : r.pick(["[", "("]) + text(r);
const limit = (r: Random): (string | number)[] =>
  r.chance(0.6) ? [] : ["LIMIT", r.between(-1, 5), r.between(-1, 8)];

/** Redis 7.2 chooses an encoding by how many are given, the oracle by how many are different. */
const different = (r: Random, most: number): string[] => [...new Set(some(r, most))];

const string = keyOf("s");
const hash = keyOf("h");
const list = keyOf("l");
const set = keyOf("t");
const sorted = keyOf("z");
const lex = pure("x");
const log = keyOf("p");
const geo = keyOf("g");
const stream = keyOf("e");
const scored = (r: Random): string => (r.chance(0.3) ? set(r) : sorted(r));
const any = (r: Random): string =>
  r.pick([string, hash, list, set, sorted, lex, log, geo, stream])(r);

const STRINGS: Entry[] = [
  [6, (r) => ["SET", string(r), text(r), ...maybe(r, r.pick(["NX", "XX", "KEEPTTL"]))]],
  [4, (r) => ["GET", string(r)]],
  [3, (r) => ["APPEND", string(r), text(r)]],
  [3, (r) => ["INCRBY", string(r), r.pick(INTEGERS)]],
  [2, (r) => ["SETRANGE", string(r), r.below(100), text(r)]],
  [2, (r) => ["GETRANGE", string(r), index(r), index(r)]],
  [2, (r) => ["SETBIT", string(r), r.below(500), r.below(2)]],
  [1, (r) => ["BITCOUNT", string(r)]],
  [1, (r) => ["MSET", string(r), text(r), string(r), text(r)]],
];

const HASHES: Entry[] = [
  [10, (r) => ["HSET", hash(r), ...different(r, 20).flatMap((field) => [field, text(r)])]],
  [1, (r) => ["HSET", hash(r), ...some(r, 3)]],
  [1, (r) => ["HMSET", hash(r), text(r), text(r)]],
  [2, (r) => ["HSETNX", hash(r), text(r), text(r)]],
  [4, (r) => ["HGET", hash(r), text(r)]],
  [2, (r) => ["HMGET", hash(r), ...some(r, 5)]],
  [2, (r) => ["HGETALL", hash(r)], "pairs"],
  [1, (r) => [r.pick(["HKEYS", "HVALS"]), hash(r)], "unordered"],
  [2, (r) => [r.pick(["HSTRLEN", "HEXISTS"]), hash(r), text(r)]],
  [6, (r) => ["HDEL", hash(r), ...some(r, 30)]],
  [3, (r) => ["HINCRBY", hash(r), text(r), r.pick(INTEGERS)]],
  [2, (r) => ["HINCRBYFLOAT", hash(r), text(r), score(r)]],
  [1, (r) => ["HRANDFIELD", hash(r), "1000000"], "unordered"],
  [1, (r) => ["HLEN", hash(r)]],
  [1, (r) => ["OBJECT", "ENCODING", pure("h")(r)]],
];

const LISTS: Entry[] = [
  [10, (r) => [r.pick(["LPUSH", "RPUSH"]), list(r), ...some(r, 40)]],
  [2, (r) => [r.pick(["LPUSHX", "RPUSHX"]), list(r), ...some(r, 3)]],
  [6, (r) => [r.pick(["LPOP", "RPOP"]), list(r), ...maybe(r, String(r.between(-1, 60)))]],
  [2, (r) => ["LLEN", list(r)]],
  [3, (r) => ["LRANGE", list(r), index(r), index(r)]],
  [3, (r) => ["LINDEX", list(r), r.between(-300, 300)]],
  [3, (r) => ["LSET", list(r), index(r), text(r)]],
  [3, (r) => ["LINSERT", list(r), r.pick(["BEFORE", "AFTER", "after", "X"]), text(r), text(r)]],
  [3, (r) => ["LREM", list(r), r.between(-3, 3), text(r)]],
  [1, (r) => ["LTRIM", list(r), r.between(-300, 20), r.between(-20, 300)]],
  [2, (r) => ["LPOS", list(r), text(r), ...maybe(r, "RANK", String(r.between(-3, 3)))]],
  [1, (r) => ["LPOS", list(r), text(r), "COUNT", r.between(-1, 3), "MAXLEN", r.below(50)]],
  [4, (r) => ["LMOVE", list(r), list(r), r.pick(["LEFT", "RIGHT"]), r.pick(["LEFT", "RIGHT"])]],
  [1, (r) => ["RPOPLPUSH", list(r), list(r)]],
  [2, (r) => ["LMPOP", 2, list(r), list(r), r.pick(["LEFT", "RIGHT"]), "COUNT", r.below(20)]],
  [0.2, (r) => [r.pick(["BLPOP", "BRPOP"]), list(r), list(r), "0.001"]],
  [0.2, (r) => ["BLMOVE", list(r), list(r), "LEFT", "RIGHT", "0.001"]],
];

const SETS: Entry[] = [
  [9, (r) => ["SADD", set(r), ...some(r, 40)]],
  [3, (r) => ["SADD", `t${4 + r.below(2)}`, ...some(r, 30).map(() => r.between(-500, 70000))]],
  [6, (r) => ["SREM", set(r), ...some(r, 40)]],
  [2, (r) => ["SMEMBERS", set(r)], "unordered"],
  [2, (r) => ["SISMEMBER", set(r), text(r)]],
  [1, (r) => ["SMISMEMBER", set(r), ...some(r, 5)]],
  [1, (r) => ["SCARD", set(r)]],
  [0.3, (r) => ["SPOP", set(r), "1000000"], "unordered"],
  [1, (r) => ["SRANDMEMBER", set(r), "1000000"], "unordered"],
  [2, (r) => ["SMOVE", set(r), set(r), text(r)]],
  [3, (r) => [r.pick(["SINTER", "SUNION", "SDIFF"]), set(r), set(r), set(r)], "unordered"],
  [2, (r) => [r.pick(["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"]), set(r), set(r), set(r)]],
  [1, (r) => ["SINTERCARD", r.below(4), set(r), set(r), ...maybe(r, "LIMIT", "3")]],
];

const SORTED_SETS: Entry[] = [
  [
    9,
    (r) => [
      "ZADD",
      sorted(r),
      ...maybe(r, r.pick(["NX", "XX", "GT", "LT", "CH", "INCR"])),
      ...maybe(r, r.pick(["CH", "GT", "XX"])),
      ...different(r, 30).flatMap((member) => [score(r), member]),
    ],
  ],
  [4, (r) => ["ZADD", lex(r), ...different(r, 30).flatMap((member) => ["0", member])]],
  [3, (r) => ["ZINCRBY", sorted(r), score(r), text(r)]],
  [5, (r) => ["ZREM", sorted(r), ...some(r, 30)]],
  [1, (r) => ["ZCARD", sorted(r)]],
  [2, (r) => ["ZCOUNT", sorted(r), bound(r), bound(r)]],
  [2, (r) => ["ZLEXCOUNT", lex(r), lexBound(r), lexBound(r)]],
  [3, (r) => [r.pick(["ZSCORE", "ZRANK", "ZREVRANK"]), sorted(r), text(r)]],
  [1, (r) => ["ZMSCORE", sorted(r), ...some(r, 5)]],
  [2, (r) => [r.pick(["ZRANGE", "ZREVRANGE"]), sorted(r), index(r), index(r), ...scores(r)]],
  [2, (r) => ["ZRANGE", sorted(r), bound(r), bound(r), "BYSCORE", ...rev(r), ...limit(r)]],
  [2, (r) => ["ZRANGE", lex(r), lexBound(r), lexBound(r), "BYLEX", ...rev(r), ...limit(r)]],
  [
    2,
    (r) => [
      r.pick(["ZRANGEBYSCORE", "ZREVRANGEBYSCORE"]),
      sorted(r),
      bound(r),
      bound(r),
      ...limit(r),
      ...scores(r),
    ],
  ],
  [
    1,
    (r) => [
      r.pick(["ZRANGEBYLEX", "ZREVRANGEBYLEX"]),
      lex(r),
      lexBound(r),
      lexBound(r),
      ...limit(r),
    ],
  ],
  [1, (r) => ["ZRANGESTORE", sorted(r), sorted(r), index(r), index(r), ...rev(r)]],
  [1, (r) => ["ZREMRANGEBYRANK", sorted(r), index(r), index(r)]],
  [1, (r) => ["ZREMRANGEBYSCORE", sorted(r), bound(r), bound(r)]],
  [0.5, (r) => ["ZREMRANGEBYLEX", lex(r), lexBound(r), lexBound(r)]],
  [2, (r) => [r.pick(["ZPOPMIN", "ZPOPMAX"]), sorted(r), ...maybe(r, String(r.between(-1, 9)))]],
  [1, (r) => ["ZMPOP", 2, sorted(r), sorted(r), r.pick(["MIN", "MAX"]), "COUNT", r.below(9)]],
  [0.2, (r) => [r.pick(["BZPOPMIN", "BZPOPMAX"]), sorted(r), "0.001"]],
  [2, (r) => [r.pick(["ZUNION", "ZINTER"]), 2, scored(r), scored(r), ...combined(r), ...scores(r)]],
  [1, (r) => ["ZDIFF", 2, scored(r), scored(r), ...scores(r)]],
  [1, (r) => ["ZINTERCARD", 2, scored(r), scored(r), ...maybe(r, "LIMIT", "2")]],
  [1, (r) => [r.pick(["ZUNIONSTORE", "ZINTERSTORE"]), sorted(r), 2, scored(r), scored(r)]],
  [1, (r) => ["ZDIFFSTORE", sorted(r), 2, scored(r), scored(r)]],
  [1, (r) => ["ZRANDMEMBER", sorted(r), "1000000"], "unordered"],
  [1, (r) => ["OBJECT", "ENCODING", pure("z")(r)]],
];

function scores(r: Random): string[] {
  return maybe(r, "WITHSCORES");
}

function rev(r: Random): string[] {
  return maybe(r, "REV");
}

function combined(r: Random): string[] {
  return [
    ...maybe(r, "WEIGHTS", r.pick(["1", "2"]), r.pick(["0.5", "3"])),
    ...maybe(r, "AGGREGATE", r.pick(["SUM", "MIN", "MAX"])),
  ];
}

const place = (r: Random): string[] => [
  String(r.between(-1800, 1800) / 10),
  String(r.between(-850, 850) / 10),
];

const OTHERS: Entry[] = [
  [4, (r) => ["PFADD", log(r), ...some(r, 40)]],
  [1, (r) => ["PFCOUNT", log(r), ...maybe(r, log(r))]],
  [0.5, (r) => ["PFMERGE", log(r), log(r)]],
  [3, (r) => ["GEOADD", geo(r), ...place(r), `m${r.below(60)}`]],
  [1, (r) => [r.pick(["GEOPOS", "GEOHASH"]), geo(r), `m${r.below(60)}`]],
  [1, (r) => ["GEODIST", geo(r), `m${r.below(60)}`, `m${r.below(60)}`, r.pick(["m", "km"])]],
  [
    1,
    (r) => [
      "GEOSEARCH",
      geo(r),
      "FROMLONLAT",
      ...place(r),
      "BYRADIUS",
      r.between(1, 9000),
      "km",
      "ASC",
      ...maybe(r, "WITHDIST"),
    ],
  ],
  [1, (r) => ["SORT", pure("l")(r), "ALPHA", ...limit(r), ...maybe(r, "DESC")]],
  // Redis unpacks what it sorts; nobody asks for the encoding of these.
  [1, (r) => ["SORT", pure("x")(r), "BY", "nosort", ...limit(r)]],
  [1, (r) => ["SORT", pure("l")(r), "ALPHA", "STORE", list(r)]],
  [0.5, (r) => ["SORT", pure("l")(r), "BY", "s*", "ALPHA", "GET", "#", "GET", "h0->*"]],
];

const KEYS: Entry[] = [
  [2, (r) => ["DEL", any(r)]],
  [0.5, (r) => ["UNLINK", any(r), any(r)]],
  [3, (r) => sameKind(r, "RENAME")],
  [3, (r) => [...sameKind(r, "COPY"), "REPLACE"]],
  [1, (r) => ["EXISTS", any(r), any(r)]],
  [1, (r) => ["TYPE", any(r)]],
  [1, (r) => ["EXPIREAT", any(r), r.pick(["33177117420", "1", "33177117421"])]],
  [1, (r) => [r.pick(["PERSIST", "EXPIRETIME"]), any(r)]],
  [0.3, (r) => ["MOVE", any(r), "1"]],
  [0.2, () => ["SWAPDB", "0", "1"]],
  [0.5, () => ["DBSIZE"]],
];

/** A command from one key to another of the same type, so that types do not mix in the end. */
function sameKind(r: Random, word: string): string[] {
  const kind = r.pick(["s", "h", "l", "t", "z", "x", "p", "g", "e"]);
  return [word, kind + r.below(4), kind + r.below(4)];
}

const ALL = [
  ...STRINGS,
  ...HASHES,
  ...LISTS,
  ...SETS,
  ...SORTED_SETS,
  ...STREAMS,
  ...OTHERS,
  ...KEYS,
];
const TOTAL_WEIGHT = ALL.reduce((sum, [weight]) => sum + weight, 0);

export function randomOperation(r: Random): Operation {
  let left = (r.below(1e6) / 1e6) * TOTAL_WEIGHT;
  for (const [weight, make, comparison = "exact"] of ALL) {
    left -= weight;
    if (left < 0) return { args: make(r).map(String), comparison };
  }
  return { args: ["DBSIZE"], comparison: "exact" };
}
