/**
 * A client of its own process that sends PING about every millisecond, each after the reply to the
 * one before, and prints a `PingReport` as JSON once its standard input ends.
 *
 *     bun bench/support/pinger.ts PORT SERVER_PID
 *
 * Every wait is told as seen by the clock, and without the time this very thread was ready to run
 * but not running (the second figure of its schedstat), which is no doing of the server's. Some
 * are told once more without the time the server's main thread so waited for a processor: where
 * that is far less, something else on the machine held the server up. A ping that waits long
 * delays those behind it, so what the percentiles count is pings, while the longest wait is exact.
 */
import { openSync, readSync } from "node:fs";

export interface PingReport {
  readonly count: number;
  /** Percentiles and the longest of the waits without the pinger's own delays. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** Waits without the pinger's delays and the server's, which may subtract too much. */
  readonly p99RunningMs: number;
  readonly maxRunningMs: number;
  /** The longest wait by the clock. */
  readonly maxByClockMs: number;
}

const WARM_UP_COUNT = 200;
const PAUSE_MS = 1;
const MAX_SAMPLES = 1 << 20;
const PING = Buffer.from("*1\r\n$4\r\nPING\r\n");

const waitsMs = new Float64Array(MAX_SAMPLES);
const runningsMs = new Float64Array(MAX_SAMPLES);
const [, , port, serverPid] = process.argv;
const ownScheduling = openSync("/proc/thread-self/schedstat", "r");
const serverScheduling = openSync(`/proc/${serverPid}/task/${serverPid}/schedstat`, "r");
const schedulingText = Buffer.alloc(128);
let maxByClockMs = 0;
let count = 0;
let warmUpsLeft = WARM_UP_COUNT;
let isAsked = true;
let sentAtNs = 0;
let ownBeforeNs = 0;
let serverBeforeNs = 0;

const socket = await Bun.connect({
  hostname: "127.0.0.1",
  port: Number(port),
  socket: {
    data: receive,
    close: () => fail("The server closed the pinger's connection"),
    error: (_connection, problem) => fail(problem.message),
  },
});
send();
for await (const _ of Bun.stdin.stream());
isAsked = false;
report();

function send(): void {
  ownBeforeNs = delayNs(ownScheduling);
  serverBeforeNs = delayNs(serverScheduling);
  sentAtNs = Bun.nanoseconds();
  socket.write(PING);
}

function receive(_connection: Bun.Socket, reply: Uint8Array): void {
  const waitNs = Bun.nanoseconds() - sentAtNs;
  const netNs = waitNs - (delayNs(ownScheduling) - ownBeforeNs);
  const runningNs = netNs - (delayNs(serverScheduling) - serverBeforeNs);
  if (!isAsked) return;
  if (reply[0] !== 43) fail(`PING was answered by ${Buffer.from(reply).toString().trim()}`);
  if (warmUpsLeft > 0) {
    if (--warmUpsLeft === 0) console.log("ready");
  } else if (count < MAX_SAMPLES) {
    waitsMs[count] = Math.max(0, netNs) / 1e6;
    runningsMs[count++] = Math.max(0, runningNs) / 1e6;
    maxByClockMs = Math.max(maxByClockMs, waitNs / 1e6);
  }
  setTimeout(send, PAUSE_MS);
}

/** Nanoseconds a thread has waited for a processor so far. */
function delayNs(scheduling: number): number {
  const length = readSync(scheduling, schedulingText, 0, schedulingText.length, 0);
  return Number(schedulingText.toString("latin1", 0, length).split(" ")[1]);
}

function report(): void {
  waitsMs.subarray(0, count).sort();
  runningsMs.subarray(0, count).sort();
  const rank = (part: number) => Math.min(count - 1, Math.floor(part * count));
  const result: PingReport = {
    count,
    p50Ms: waitsMs[rank(0.5)],
    p99Ms: waitsMs[rank(0.99)],
    p999Ms: waitsMs[rank(0.999)],
    maxMs: waitsMs[rank(1)],
    p99RunningMs: runningsMs[rank(0.99)],
    maxRunningMs: runningsMs[rank(1)],
    maxByClockMs,
  };
  console.log(JSON.stringify(result));
  process.exit(0);
}

function fail(reason: string): never {
  console.error(reason);
  process.exit(1);
}
