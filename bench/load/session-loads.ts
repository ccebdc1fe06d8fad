/** Loads of transactions, pub/sub and streams; see `benchmark-load.ts`. */
import { type BenchmarkLoad } from "./benchmark-load.ts";

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
];
