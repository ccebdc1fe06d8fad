/**
 * What the servers hold when they save, and load. A content is one row: fillings that make it up.
 * Its values are as compressible as their kind is in life: a token hardly, a document well.
 */
import type { ServerProcess } from "../../test/support/server.ts";
import { cutDown, elementCount, type Filling, load } from "../support/loader.ts";
import type { Scale } from "../support/turns.ts";

export interface Content {
  readonly name: string;
  readonly title: string;
  readonly fillings: readonly Filling[];
  /** The ratio (pedis ÷ redis) of the time to load it, and to save it, that is aimed at. */
  readonly atMost: number | null;
}

/** A key of 16 bytes and a value of 32, in the words of the loader. */
export const KEY = "key:{i}";
export const VALUE = "user={n:8};token={r:10};v1";

const DOCUMENT =
  '{"id":{n:8},"name":"customer {n:6}","email":"customer{n:6}@example.com",' +
  '"visits":{r:4},"tags":["first","second"]}';

const COLLECTIONS: readonly Filling[] = [
  {
    request: ["HSET", "hash:{i}"],
    each: ["field:{e}", "value:{n:8}"],
    elements: 10,
    count: 30_000,
  },
  { request: ["RPUSH", "list:{i}"], each: ["item:{n:8}"], elements: 20, count: 15_000 },
  { request: ["SADD", "set:{i}"], each: ["member:{n:8}"], elements: 20, count: 15_000 },
  { request: ["SADD", "integers:{i}"], each: ["1{n:7}"], elements: 100, count: 3_000 },
  { request: ["ZADD", "zset:{i}"], each: ["{r:6}", "member:{n:8}"], elements: 20, count: 15_000 },
  large(["HSET", "hash"], ["field:{n:7}", "value:{n:8}"]),
  large(["RPUSH", "list"], ["item:{n:8}"]),
  large(["SADD", "set"], ["member:{n:8}"]),
  large(["ZADD", "zset"], ["{r:6}", "member:{n:8}"]),
  {
    request: ["XADD", "stream", "1{n}-1", "field", "value:{n:8}"],
    count: 300_000,
    replyLines: 2,
  },
];

export const CONTENTS: readonly Content[] = [
  {
    name: "strings",
    title: "1M strings of 32 bytes",
    fillings: [{ request: ["SET", KEY, VALUE], count: 1_000_000 }],
    atMost: 1,
  },
  {
    name: "documents",
    title: "500k JSON documents with a TTL",
    fillings: [{ request: ["SET", KEY, DOCUMENT, "EX", "100000"], count: 500_000 }],
    atMost: null,
  },
  {
    name: "collections",
    title: "collections of 3M elements",
    fillings: COLLECTIONS,
    atMost: null,
  },
];

function large(request: readonly string[], each: readonly string[]): Filling {
  return { request, each, elements: 100, count: 3_000 };
}

const QUICK_PART = 200;

/** Has a server hold it; in a quick run a small part. */
export async function fill(
  server: ServerProcess,
  { fillings }: Content,
  { quick }: Scale,
): Promise<void> {
  for (const filling of fillings) {
    const part = quick ? cutDown(filling, elementCount(filling) / QUICK_PART) : filling;
    await load(server.port, part);
  }
}
