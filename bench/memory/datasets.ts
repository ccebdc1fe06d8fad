/**
 * What the servers are filled with to see what an item costs: a key with its string, or an element
 * of a collection (a field with its value, a member with its score). Adding a dataset is one row.
 */
import type { Filling } from "../support/loader.ts";

export interface Dataset {
  readonly name: string;
  readonly title: string;
  /** Its elements are the items; see the loader. */
  readonly filling: Filling;
  /** The ratio (pedis ÷ redis) of net bytes per item that is aimed at. */
  readonly atMost: number | null;
}

/** Elements brought by one request to a single large collection. */
const AT_ONCE = 100;

const STRINGS: readonly Dataset[] = [
  {
    name: "strings",
    title: "1M strings, 16-byte keys and values",
    filling: { request: ["SET", "key:{i}", "val:{i}"], count: 1_000_000 },
    atMost: 0.85,
  },
  {
    name: "strings-ttl",
    title: "1M strings with a TTL, 16-byte keys and values",
    filling: { request: ["SET", "key:{i}", "val:{i}", "EX", "100000"], count: 1_000_000 },
    atMost: 0.85,
  },
];

const FIELD = ["field:{e}", "value:{n:8}"];
const MEMBER = "member:{n:8}";

/** Many collections, each filled by one request. */
const SMALL: readonly Dataset[] = [
  {
    name: "hashes-10",
    title: "100k hashes of 10 fields",
    filling: { request: ["HSET", "hash:{i}"], each: FIELD, elements: 10, count: 100_000 },
    atMost: 1.0,
  },
  {
    name: "hashes-200",
    title: "5k hashes of 200 fields",
    filling: { request: ["HSET", "hash:{i}"], each: FIELD, elements: 200, count: 5_000 },
    atMost: 1.0,
  },
  {
    name: "lists-20",
    title: "100k lists of 20",
    filling: { request: ["RPUSH", "list:{i}"], each: ["item:{n:8}"], elements: 20, count: 100_000 },
    atMost: 1.0,
  },
  {
    name: "sets-20",
    title: "50k sets of 20 strings",
    filling: { request: ["SADD", "set:{i}"], each: [MEMBER], elements: 20, count: 50_000 },
    atMost: 1.0,
  },
  {
    name: "sets-100-integers",
    title: "20k sets of 100 integers",
    filling: { request: ["SADD", "set:{i}"], each: ["1{n:7}"], elements: 100, count: 20_000 },
    atMost: 1.0,
  },
  {
    name: "sorted-sets-20",
    title: "50k sorted sets of 20",
    filling: {
      request: ["ZADD", "zset:{i}"],
      each: ["{r:6}", MEMBER],
      elements: 20,
      count: 50_000,
    },
    atMost: 1.0,
  },
];

const LARGE: readonly Dataset[] = [
  large("one-hash", "one hash of 1M fields", ["HSET", "hash"], ["field:{n:7}", "value:{n:8}"]),
  large("one-list", "one list of 1M", ["RPUSH", "list"], ["item:{n:8}"]),
  large("one-set", "one set of 1M strings", ["SADD", "set"], [MEMBER]),
  large("one-sorted-set", "one sorted set of 1M", ["ZADD", "zset"], ["{r:6}", MEMBER]),
  {
    name: "one-stream",
    title: "one stream of 1M entries",
    filling: {
      request: ["XADD", "stream", "1{n}-1", "field", "value:{n:8}"],
      count: 1_000_000,
      replyLines: 2,
    },
    atMost: 1.0,
  },
];

export const DATASETS: readonly Dataset[] = [...STRINGS, ...SMALL, ...LARGE];

function large(
  name: string,
  title: string,
  request: readonly string[],
  each: readonly string[],
): Dataset {
  const filling = { request, each, elements: AT_ONCE, count: 1_000_000 / AT_ONCE };
  return { name, title, filling, atMost: 1.0 };
}
