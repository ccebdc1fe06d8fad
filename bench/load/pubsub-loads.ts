/**
 * Loads of messages; see `benchmark-load.ts`. Where there are subscribers, the CPU time is that of
 * one message to one of them.
 */
import type { BenchmarkLoad } from "./benchmark-load.ts";

const CHANNEL = "news";
const MESSAGE = "x".repeat(16);
/** Whoever reads slowly because the generator keeps its processor busy must not be cut off. */
const PATIENT = ["client-output-buffer-limit pubsub 0 0 0"];

export const PUBSUB_LOADS: readonly BenchmarkLoad[] = [
  {
    name: "publish-nobody-p16",
    title: "PUBLISH to no one, pipeline 16",
    generator: ["-P", "16", "PUBLISH", "channel:__rand_int__", MESSAGE],
    requests: 2_000_000,
    subscribers: { count: 1, channel: CHANNEL, message: MESSAGE, deliveries: 0 },
    atMost: 0.8,
  },
  {
    name: "publish-100",
    title: "PUBLISH to 100 subscribers, one publisher, per delivery",
    generator: ["-c", "1", "PUBLISH", CHANNEL, MESSAGE],
    requests: 10_000,
    subscribers: { count: 100, channel: CHANNEL, message: MESSAGE, deliveries: 100 },
    directives: PATIENT,
    atMost: 1.0,
  },
  {
    name: "publish-100-p16",
    title: "PUBLISH to 100 subscribers, pipeline 16, per delivery",
    generator: ["-P", "16", "PUBLISH", CHANNEL, MESSAGE],
    requests: 50_000,
    subscribers: { count: 100, channel: CHANNEL, message: MESSAGE, deliveries: 100 },
    directives: PATIENT,
    atMost: 1.0,
  },
];
