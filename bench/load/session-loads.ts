/** Loads of transactions, pub/sub and streams; see `benchmark-load.ts`. */
import { type BenchmarkLoad } from "./benchmark-load.ts";

const MESSAGE = "x".repeat(16);
const SUBSCRIBERS = { count: 100, channel: "news" };
const TO_SUBSCRIBERS = {
  cycle: [["PUBLISH", SUBSCRIBERS.channel, MESSAGE]],
  subscribers: SUBSCRIBERS,
};
/** Whoever reads slowly because the generator keeps its processor busy must not be cut off. */
const PATIENT = ["client-output-buffer-limit pubsub 0 0 0"];

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
    name: "publish-nobody-p16",
    title: "PUBLISH to no one, pipeline 16",
    generator: ["-P", "16", "PUBLISH", "channel:__rand_int__", MESSAGE],
    requests: 2_000_000,
    atMost: 0.8,
  },
  {
    name: "publish-100",
    title: "PUBLISH to 100 subscribers, per delivery",
    generator: { ...TO_SUBSCRIBERS, pipeline: 1 },
    unitsPerRequest: SUBSCRIBERS.count,
    requests: 20_000,
    directives: PATIENT,
    atMost: 1.0,
  },
  {
    name: "publish-100-p16",
    title: "PUBLISH to 100 subscribers, pipeline 16, per delivery",
    generator: { ...TO_SUBSCRIBERS, pipeline: 16 },
    unitsPerRequest: SUBSCRIBERS.count,
    requests: 50_000,
    directives: PATIENT,
    atMost: 1.0,
  },
];
