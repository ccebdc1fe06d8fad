/**
 * What a pinging client should hardly notice: growth and shrinkage of tables, the freeing of large
 * values. Adding one is one row. What is sent meanwhile goes out in batches so small that what is
 * queued before a ping costs well below a millisecond.
 */
import type { Filling } from "../support/loader.ts";

export interface Pause {
  readonly name: string;
  /** When PING is sent; counts are those of a run that is not quick. */
  readonly title: string;
  /** Sent before the pinger starts. */
  readonly before: readonly Filling[];
  readonly meanwhile: Filling;
  /** Whether work may be left to do after the last reply, so that the pinging goes on. */
  readonly hasAftermath: boolean;
  /** Milliseconds that Pedis's longest wait should not exceed. */
  readonly atMost: number | null;
}

const AT_ONCE = 100;
const LARGE_COUNT = 5_000_000 / AT_ONCE;

const LARGE_SORTED_SET: Filling = {
  request: ["ZADD", "zset"],
  each: ["{r:7}", "element:{n}"],
  elements: AT_ONCE,
  count: LARGE_COUNT,
};
const LARGE_SET: Filling = {
  request: ["SADD", "set"],
  each: ["element:{n}"],
  elements: AT_ONCE,
  count: LARGE_COUNT,
};

export const PAUSES: readonly Pause[] = [
  {
    name: "table-growth",
    title: "while loading 10,000,000 keys",
    before: [],
    meanwhile: { request: ["SET", "key:{i}", "val:{i}"], count: 10_000_000, depth: 100 },
    hasAftermath: false,
    atMost: 10,
  },
  {
    name: "set-growth",
    title: "while one set grows to 5,000,000 members",
    before: [],
    meanwhile: { ...LARGE_SET, depth: 1 },
    hasAftermath: false,
    atMost: null,
  },
  {
    name: "set-shrinkage",
    title: "while SPOP empties a set of 5,000,000 members",
    before: [LARGE_SET],
    meanwhile: {
      request: ["SPOP", "set", String(AT_ONCE)],
      elements: AT_ONCE,
      count: LARGE_COUNT,
      depth: 1,
      // The head of the array, and two of each member.
      replyLines: 1 + 2 * AT_ONCE,
    },
    hasAftermath: true,
    atMost: null,
  },
  {
    name: "zset-del",
    title: "during DEL of a sorted set of 5,000,000 members",
    before: [LARGE_SORTED_SET],
    meanwhile: { request: ["DEL", "zset"], count: 1 },
    hasAftermath: true,
    atMost: 5,
  },
  {
    name: "zset-unlink",
    title: "during UNLINK of a sorted set of 5,000,000 members",
    before: [LARGE_SORTED_SET],
    meanwhile: { request: ["UNLINK", "zset"], count: 1 },
    hasAftermath: true,
    atMost: 5,
  },
];
