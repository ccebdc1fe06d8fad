/**
 * The loads that redis-benchmark generates; adding one is one row. The generator always runs with
 * 50 clients and keys drawn from a million (`-r 1000000`), over servers started and filled anew
 * for the load. Its CPU time per request is held against the target (pedis ÷ redis), and its p99
 * against Redis's.
 */
export interface BenchmarkLoad {
  readonly name: string;
  readonly title: string;
  /** Arguments of redis-benchmark: `-P`, `-d`, and `-t TEST` or a command of its own. */
  readonly generator: readonly string[];
  /** Of one round. */
  readonly requests: number;
  /** Sent once for each of the million keys before the first round; see the loader. */
  readonly preload?: readonly string[];
  /** Lines of redis.conf for both servers. */
  readonly directives?: readonly string[];
  /** The ratio of CPU time per request that is aimed at. */
  readonly atMost: number | null;
}

export const KEY_COUNT = 1_000_000;
export const CLIENT_COUNT = 50;

/** The commands redis-benchmark names its keys in: `key:` and twelve digits. */
const KEYS = ["SET", "key:{i}", "xxx"];
const COUNTERS = ["SET", "counter:{i}", "0"];
const KILOBYTE = "x".repeat(1024);

/** An AOF that no rewrite disturbs. */
export const AOF_DIRECTIVES = [
  "appendonly yes",
  "appendfsync everysec",
  "auto-aof-rewrite-percentage 0",
];

export const LOADS: readonly BenchmarkLoad[] = [
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
    preload: ["SET", "key:{i}", KILOBYTE],
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
