/**
 * Loads of hashes, lists, sets and sorted sets; see `benchmark-load.ts`. The keys and members are
 * those of redis-benchmark's own tests where it has one. "Small" are many collections that stay
 * packed or nearly so, the others one large collection.
 *
 * Every round of a load meets the same state: what it consumes is filled up before, and what it
 * writes replaces as much, or is little beside what is there (`sadd` and `zadd-1m` grow, as such
 * sets do; an element pushed costs the same in a list of any length).
 */
import type { Filling } from "../support/loader.ts";
import { type BenchmarkLoad, KEY_COUNT } from "./benchmark-load.ts";

/** Elements brought by one request of a filling. */
const AT_ONCE = 100;
/** For what takes so long that clients would only measure how they queue. */
const ONE_CLIENT = ["-c", "1"];
const MEMBER = "element:{n}";

const LARGE_HASH = fill(["HSET", "myhash"], [MEMBER, "xxx"], 1_000_000);
const LARGE_SET = fill(["SADD", "myset"], [MEMBER], 1_000_000);
const LIST = fill(["RPUSH", "mylist"], ["xxx"], 100_000);
const LEADERBOARD = fill(["ZADD", "myzset"], ["{r:5}", MEMBER], 100_000);
const LARGE_LEADERBOARD = fill(["ZADD", "myzset"], ["{r:6}", MEMBER], 1_000_000);

const SMALL_HASHES: Filling = {
  request: ["HSET", "hash:{i}"],
  each: ["field:{e}", "val:{n}"],
  elements: 4,
  count: KEY_COUNT,
};
const SMALL_SET_COUNT = 100_000;
const SMALL_SETS: Filling = {
  request: ["SADD", "set:{i}"],
  each: [MEMBER],
  elements: 4,
  count: SMALL_SET_COUNT,
};
const SMALL_LEADERBOARD_COUNT = 50_000;
const SMALL_LEADERBOARDS: Filling = {
  request: ["ZADD", "zset:{i}"],
  each: ["{r:5}", "element:{e}"],
  elements: 20,
  count: SMALL_LEADERBOARD_COUNT,
};

const HASH_LOADS: readonly BenchmarkLoad[] = [
  {
    name: "hset-p16",
    title: "HSET in one hash of 1M fields, pipeline 16",
    generator: p16("-t hset"),
    requests: 1_000_000,
    preload: [LARGE_HASH],
    atMost: 0.85,
  },
  {
    name: "hset-small-p16",
    title: "HSET in hashes of 4 fields, pipeline 16",
    generator: p16("HSET hash:__rand_int__ field:2 val:__rand_int__"),
    requests: 1_000_000,
    preload: [SMALL_HASHES],
    atMost: 0.85,
  },
  {
    name: "hgetall-p16",
    title: "HGETALL of 4 fields, pipeline 16",
    generator: p16("HGETALL hash:__rand_int__"),
    requests: 1_000_000,
    preload: [SMALL_HASHES],
    atMost: 0.85,
  },
];

const LIST_LOADS: readonly BenchmarkLoad[] = [
  {
    name: "lpush-p16",
    title: "LPUSH, pipeline 16",
    generator: p16("-t lpush"),
    requests: 1_500_000,
    preload: [LIST],
    atMost: 0.85,
  },
  {
    name: "rpop-p16",
    title: "RPOP, pipeline 16",
    generator: p16("-t rpop"),
    requests: 1_500_000,
    refill: LIST,
    atMost: 0.85,
  },
  {
    name: "lrange-100",
    title: "LRANGE of 100",
    // Not `-t lrange_100`, which pushes as many elements first, in the same run.
    generator: ["LRANGE", "mylist", "0", "99"],
    requests: 150_000,
    preload: [LIST],
    atMost: 1.0,
  },
];

const SET_LOADS: readonly BenchmarkLoad[] = [
  {
    name: "sadd-p16",
    title: "SADD into one set of 1M, most of it new, pipeline 16",
    generator: p16("-t sadd"),
    range: 10_000_000,
    requests: 1_000_000,
    preload: [LARGE_SET],
    atMost: 0.85,
  },
  {
    name: "sadd-small-p16",
    title: "SADD into sets of 4 to 40, pipeline 16",
    generator: p16("SADD set:__rand_int__ element:__rand_int__"),
    range: SMALL_SET_COUNT,
    requests: 1_000_000,
    preload: [SMALL_SETS],
    atMost: 0.85,
  },
  {
    name: "spop-p16",
    title: "SPOP, pipeline 16",
    generator: p16("-t spop"),
    requests: 1_000_000,
    refill: LARGE_SET,
    atMost: 0.85,
  },
  {
    name: "sinter",
    title: "SINTER of two sets of 100k, 1,000 in common, one client",
    generator: [...ONE_CLIENT, "SINTER", "one", "other"],
    requests: 200,
    preload: twoOf("SADD", [], { common: 1_000, own: 99_000 }),
    atMost: 1.2,
  },
  {
    name: "sintercard",
    title: "SINTERCARD of two sets of 100k, half in common, one client",
    generator: [...ONE_CLIENT, "SINTERCARD", "2", "one", "other"],
    requests: 200,
    preload: twoOf("SADD", [], { common: 50_000, own: 50_000 }),
    atMost: 1.2,
  },
];

const SORTED_SET_LOADS: readonly BenchmarkLoad[] = [
  {
    name: "zadd-p16",
    title: "ZADD, new scores in one sorted set of 100k, pipeline 16",
    generator: p16("-t zadd"),
    range: 100_000,
    requests: 1_000_000,
    preload: [LEADERBOARD],
    atMost: 0.85,
  },
  {
    name: "zadd-small-p16",
    title: "ZADD, new scores in sorted sets of 20, pipeline 16",
    generator: p16("ZADD zset:__rand_int__ __rand_int__ element:7"),
    range: SMALL_LEADERBOARD_COUNT,
    requests: 1_000_000,
    preload: [SMALL_LEADERBOARDS],
    atMost: 0.85,
  },
  {
    name: "zadd-1m-p16",
    title: "ZADD into one sorted set of 1M, half of it new, pipeline 16",
    generator: p16("-t zadd"),
    range: 2_000_000,
    requests: 500_000,
    preload: [LARGE_LEADERBOARD],
    atMost: 1.0,
  },
  {
    name: "zrange-by-score-p16",
    title: "ZRANGE BYSCORE of 10 of 100k, pipeline 16",
    generator: p16("ZRANGE myzset __rand_int__ +inf BYSCORE LIMIT 0 10"),
    range: 100_000,
    requests: 500_000,
    preload: [LEADERBOARD],
    atMost: 0.85,
  },
  {
    name: "zrank-p16",
    title: "ZRANK among 100k, pipeline 16",
    generator: p16("ZRANK myzset element:__rand_int__"),
    range: 100_000,
    requests: 1_000_000,
    preload: [LEADERBOARD],
    atMost: 0.85,
  },
  {
    name: "zincrby-p16",
    title: "ZINCRBY in one sorted set of 100k, pipeline 16",
    generator: p16("ZINCRBY myzset 100 element:__rand_int__"),
    range: 100_000,
    requests: 1_000_000,
    preload: [LEADERBOARD],
    atMost: 0.85,
  },
  {
    name: "zunionstore",
    title: "ZUNIONSTORE of two sorted sets of 100k, half in common, one client",
    generator: [...ONE_CLIENT, "ZUNIONSTORE", "union", "2", "one", "other"],
    requests: 15,
    preload: twoOf("ZADD", ["{r:5}"], { common: 50_000, own: 50_000 }),
    atMost: 1.2,
  },
];

export const COLLECTION_LOADS: readonly BenchmarkLoad[] = [
  ...HASH_LOADS,
  ...LIST_LOADS,
  ...SET_LOADS,
  ...SORTED_SET_LOADS,
];

function p16(command: string): readonly string[] {
  return ["-P", "16", ...command.split(" ")];
}

function fill(request: readonly string[], each: readonly string[], elements: number): Filling {
  return { request, each, elements: AT_ONCE, count: elements / AT_ONCE };
}

/** The keys `one` and `other`, which have some members in common and others of their own. */
function twoOf(
  command: "SADD" | "ZADD",
  score: readonly string[],
  members: { readonly common: number; readonly own: number },
): readonly Filling[] {
  return ["one", "other"].flatMap((key) => [
    fill([command, key], [...score, "both:{n}"], members.common),
    fill([command, key], [...score, `${key}:{n}`], members.own),
  ]);
}
