/** Loads of the connection and of strings; see `benchmark-load.ts`. */
import type { Filling } from "../support/loader.ts";
import { AOF_DIRECTIVES } from "../support/contest.ts";
import { type BenchmarkLoad, KEY_COUNT } from "./benchmark-load.ts";

const KEYS = strings("key:{i}", "xxx");
const COUNTERS = strings("counter:{i}", "0");
const KILOBYTES = strings("key:{i}", "x".repeat(1024));

export const STRING_LOADS: readonly BenchmarkLoad[] = [
  {
    name: "ping-p16",
    title: "PING, pipeline 16",
    generator: ["-P", "16", "-t", "ping_mbulk"],
    requests: 2_000_000,
    atMost: null,
  },
  {
    name: "set",
    title: "SET",
    generator: ["-t", "set"],
    requests: 300_000,
    preload: KEYS,
    atMost: 1.0,
  },
  {
    name: "get",
    title: "GET",
    generator: ["-t", "get"],
    requests: 300_000,
    preload: KEYS,
    atMost: 1.0,
  },
  {
    name: "set-p16",
    title: "SET, pipeline 16",
    generator: ["-P", "16", "-t", "set"],
    requests: 1_500_000,
    preload: KEYS,
    atMost: 0.72,
  },
  {
    name: "get-p16",
    title: "GET, pipeline 16",
    generator: ["-P", "16", "-t", "get"],
    requests: 1_500_000,
    preload: KEYS,
    atMost: 0.72,
  },
  {
    name: "incr-p16",
    title: "INCR, pipeline 16",
    generator: ["-P", "16", "-t", "incr"],
    requests: 1_500_000,
    preload: COUNTERS,
    atMost: 0.72,
  },
  {
    name: "get-p64",
    title: "GET, pipeline 64",
    generator: ["-P", "64", "-t", "get"],
    requests: 2_000_000,
    preload: KEYS,
    atMost: 0.65,
  },
  {
    name: "set-ex-p16",
    title: "SET with EX, pipeline 16",
    generator: ["-P", "16", "SET", "key:__rand_int__", "xxx", "EX", "10000"],
    requests: 1_500_000,
    preload: KEYS,
    atMost: 0.8,
  },
  {
    name: "mset10-p16",
    title: "MSET of 10 keys, pipeline 16",
    generator: ["-P", "16", "-t", "mset"],
    requests: 300_000,
    preload: KEYS,
    atMost: 0.8,
  },
  {
    name: "get-1k-p16",
    title: "GET of 1 KB, pipeline 16",
    generator: ["-P", "16", "-t", "get"],
    requests: 1_000_000,
    preload: KILOBYTES,
    atMost: 0.9,
  },
  {
    name: "set-aof-p16",
    title: "SET with AOF everysec, pipeline 16",
    generator: ["-P", "16", "-t", "set"],
    requests: 1_500_000,
    preload: KEYS,
    directives: AOF_DIRECTIVES,
    atMost: 0.6,
  },
];

function strings(key: string, value: string): readonly Filling[] {
  return [{ request: ["SET", key, value], count: KEY_COUNT }];
}
