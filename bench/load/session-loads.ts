/** Loads of transactions, pub/sub and streams; see `benchmark-load.ts`. */
import type { Filling } from "../support/loader.ts";
import type { BenchmarkLoad } from "./benchmark-load.ts";

/** Entries that a group of 50 streams' readers take in a round, ten at a time. */
const STREAM_ENTRIES = 20_000;
const ENTRIES_AT_ONCE = 10;
const STREAMS = 50;

export const SESSION_LOADS: readonly BenchmarkLoad[] = [
  {
    name: "multi-p16",
    title: "MULTI, SET, SET, EXEC, pipeline 16",
    generator: {
      cycle: [["MULTI"], ["SET", "key:{r}", "xxx"], ["SET", "key:{r}", "yyy"], ["EXEC"]],
      pipeline: 16,
    },
    requests: 800_000,
    preload: [{ request: ["SET", "key:{i}", "xxx"], count: 1_000_000 }],
    atMost: 0.85,
  },
  {
    name: "xadd-p16",
    title: "XADD with MAXLEN ~ 1M, pipeline 16",
    generator: ["-P", "16", "XADD", "stream", "MAXLEN", "~", "1000000", "*", "field", "value"],
    requests: 1_000_000,
    atMost: 0.85,
  },
  {
    name: "xreadgroup-p16",
    title: "XREADGROUP and XACK of 10, pipeline 16",
    generator: {
      cycle: [
        ["XREADGROUP", "GROUP", "g", "c", "COUNT", "10", "STREAMS", "s:{c}", ">"],
        ["XACK", "s:{c}", "g", ...Array.from({ length: ENTRIES_AT_ONCE }, () => "1{n}-1")],
      ],
      pipeline: 16,
      before: [["XGROUP", "SETID", "s:{c}", "g", "0"]],
    },
    requests: (STREAMS * STREAM_ENTRIES * 2) / ENTRIES_AT_ONCE,
    preload: Array.from({ length: STREAMS }, (_, index) => streamOf(index)).flat(),
    atMost: 1.0,
  },
];

/** A stream with a group, its IDs as the load acknowledges them. */
function streamOf(index: number): Filling[] {
  const key = `s:${String(index).padStart(3, "0")}`;
  return [
    { request: ["XGROUP", "CREATE", key, "g", "0", "MKSTREAM"], count: 1 },
    {
      request: ["XADD", key, "1{n}-1", "field", "value"],
      count: STREAM_ENTRIES + 1,
      replyLines: 2,
    },
  ];
}
