/** Loads of transactions, pub/sub and streams; see `benchmark-load.ts`. */
import type { Filling } from "../support/loader.ts";
import type { BenchmarkLoad } from "./benchmark-load.ts";

/** Entries that a group of 50 streams' readers take in a round, ten at a time. */
const STREAM_ENTRIES = 20_000;
const ENTRIES_AT_ONCE = 10;
const STREAMS = 50;

const MESSAGE = "x".repeat(16);
const SUBSCRIBERS = { count: 100, channel: "news" };
const TO_SUBSCRIBERS = {
  cycle: [["PUBLISH", SUBSCRIBERS.channel, MESSAGE]],
  subscribers: SUBSCRIBERS,
};
/** Whoever reads slowly because the generator keeps its processor busy must not be cut off. */
const PATIENT = ["client-output-buffer-limit pubsub 0 0 0"];

/** A user with ten rules: what it reads is permitted by the last. */
const TEN_RULES = "~a:* ~b:* ~c:* ~d:* ~*:e %R~f:* ~key:* +@all -@dangerous +get".split(" ");

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
    name: "get-acl-p16",
    title: "GET by a user with ten ACL rules, pipeline 16",
    generator: ["--user", "limited", "-a", "secret", "-P", "16", "-t", "get"],
    requests: 1_500_000,
    preload: [
      { request: ["ACL", "SETUSER", "limited", "on", ">secret", ...TEN_RULES], count: 1 },
      { request: ["SET", "key:{i}", "xxx"], count: 1_000_000 },
    ],
    atMost: null,
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
