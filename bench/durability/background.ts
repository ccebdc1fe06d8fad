/**
 * What a save in the background costs clients and memory: 50 clients SET random keys, one request
 * each at a time, for a while before it and until it is done, and one pings.
 *
 * Throughput is told by the server's own count of SETs, per second and, since others may use the
 * machine as well, per second that the server's process has had a processor for. Growth is the
 * most the process holds during the save, less the most it held under the same writes before,
 * against what it says the data take (`used_memory`); with Redis the pages that its child no
 * longer shares are added, as Redis counts them (`…_last_cow_size`).
 */
import { readableReply } from "../../test/support/readable.ts";
import type { RespClient } from "../../test/support/resp-client.ts";
import type { Program, ServerProcess } from "../../test/support/server.ts";
import { AOF_DIRECTIVES, type Contest, startContestant } from "../support/contest.ts";
import { load } from "../support/loader.ts";
import type { PingReport } from "../support/pinger.ts";
import { startPinging } from "../support/pinging.ts";
import { cpuMicros, peakBytes, resetPeak } from "../support/process-usage.ts";
import { type Comparison, readable, worst } from "../support/report.ts";
import { type Scale, type Shown, takeTurns } from "../support/turns.ts";
import { startWriters } from "../support/writers.ts";
import { KEY, VALUE } from "./contents.ts";
import { infoFields, until } from "../support/info.ts";

export interface BackgroundSave {
  readonly name: string;
  readonly command: string;
  readonly directives: readonly string[];
  /** Fields of INFO. */
  readonly isInProgress: string;
  readonly lastStatus: string;
  readonly copiedBytes: string;
}

export const BACKGROUND_SAVES: readonly BackgroundSave[] = [
  {
    name: "bgsave",
    command: "BGSAVE",
    directives: [],
    isInProgress: "rdb_bgsave_in_progress",
    lastStatus: "rdb_last_bgsave_status",
    copiedBytes: "rdb_last_cow_size",
  },
  {
    name: "bgrewriteaof",
    command: "BGREWRITEAOF",
    directives: AOF_DIRECTIVES,
    isInProgress: "aof_rewrite_in_progress",
    lastStatus: "aof_last_bgrewrite_status",
    copiedBytes: "aof_last_cow_size",
  },
];

interface BackgroundFigures {
  readonly lostPercent: number;
  readonly lostOfCpuPercent: number;
  readonly p99BeforeMs: number;
  readonly p99Ms: number;
  readonly p99RunningMs: number;
  readonly maxMs: number;
  readonly maxRunningMs: number;
  readonly growthPercent: number;
  readonly seconds: number;
}

/** What is seen of a server under the writes for a while. */
interface Period {
  readonly setsPerSecond: number;
  readonly setsPerCpuSecond: number;
  readonly pings: PingReport;
  readonly peakBytes: number;
  readonly seconds: number;
}

const KEYS = 2_000_000;
const QUICK_KEYS = 10_000;
const SETTLING_MS = 2_000;
const BEFORE_MS = 5_000;
const QUICK_MS = 100;
const MOST_LOST_PERCENT = 30;
const LONGEST_MS = 20;
const MOST_GROWTH_PERCENT = 20;

export function measureBackgroundSave(
  kind: BackgroundSave,
  contest: Contest,
  scale: Scale,
): Promise<readonly Comparison[]> {
  const { name } = kind;
  return takeTurns(
    { name, contest, scale },
    (program) => saveUnderWrites(program, kind, scale),
    shown(kind.command),
    ({ lostPercent, p99Ms, maxMs, growthPercent, seconds }) =>
      `−${readable(lostPercent)} % SETs, PING p99 ${readable(p99Ms)} ms, longest ` +
      `${readable(maxMs)} ms, memory +${readable(growthPercent)} %, ${readable(seconds)} s`,
  );
}

function shown(command: string): readonly Shown<BackgroundFigures>[] {
  const title = (what: string) => `${command} of 2M keys while 50 clients SET: ${what}`;
  const share = (atMost: number) => ({ of: "pedis", atMost }) as const;
  return [
    {
      figure: "lostPercent",
      title: title("SETs per second lost"),
      unit: "%",
      target: share(MOST_LOST_PERCENT),
    },
    {
      figure: "lostOfCpuPercent",
      title: title("SETs per second of CPU lost"),
      unit: "%",
      target: null,
    },
    {
      figure: "p99Ms",
      title: title("p99 of PING"),
      unit: "ms",
      target: { of: "ratio", atMost: 1 },
    },
    {
      figure: "p99RunningMs",
      title: title("p99 of PING, less the server's waits for a processor"),
      unit: "ms",
      target: null,
    },
    { figure: "p99BeforeMs", title: title("p99 of PING before"), unit: "ms", target: null },
    {
      figure: "maxMs",
      title: title("longest PING of all rounds"),
      unit: "ms",
      target: share(LONGEST_MS),
      over: worst,
    },
    {
      figure: "maxRunningMs",
      title: title("longest PING, less the server's waits for a processor"),
      unit: "ms",
      target: null,
      over: worst,
    },
    {
      figure: "growthPercent",
      title: title("growth of memory"),
      unit: "% of data",
      target: share(MOST_GROWTH_PERCENT),
    },
    { figure: "seconds", title: title("duration"), unit: "s", target: null },
  ];
}

async function saveUnderWrites(
  program: Program,
  kind: BackgroundSave,
  { quick }: Scale,
): Promise<BackgroundFigures> {
  const keys = quick ? QUICK_KEYS : KEYS;
  await using server = await startContestant(program, kind.directives);
  await using client = await server.connect();
  const emptyBytes = await usedBytes(client);
  await load(server.port, { request: ["SET", KEY, VALUE], count: keys });
  const dataBytes = (await usedBytes(client)) - emptyBytes;
  // What they write is as long as what is there, as otherwise memory grows without a save too.
  const writers = startWriters(server, keys);
  await Bun.sleep(quick ? QUICK_MS : SETTLING_MS);
  const before = await observe(server, client, () => Bun.sleep(quick ? QUICK_MS : BEFORE_MS));
  const during = await observe(server, client, () => save(client, kind));
  await writers.end();
  const { [kind.copiedBytes]: copied = "0" } = await infoFields(client, "persistence");
  const grownBytes = during.peakBytes - before.peakBytes + Number(copied);
  return {
    lostPercent: (1 - during.setsPerSecond / before.setsPerSecond) * 100,
    lostOfCpuPercent: (1 - during.setsPerCpuSecond / before.setsPerCpuSecond) * 100,
    p99BeforeMs: before.pings.p99Ms,
    p99Ms: during.pings.p99Ms,
    p99RunningMs: during.pings.p99RunningMs,
    maxMs: during.pings.maxMs,
    maxRunningMs: during.pings.maxRunningMs,
    growthPercent: (grownBytes / dataBytes) * 100,
    seconds: during.seconds,
  };
}

/** Resolves when the save is done, and rejects when it failed. */
async function save(client: RespClient, kind: BackgroundSave): Promise<void> {
  const { command, isInProgress, lastStatus } = kind;
  const reply = readableReply(await client.value(command));
  if (!reply.includes("started")) throw new Error(`${command} was answered by ${reply}`);
  let fields = await infoFields(client, "persistence");
  await until(async () => {
    fields = await infoFields(client, "persistence");
    return fields[isInProgress] === "0";
  });
  if (fields[lastStatus] !== "ok") throw new Error(`${command} ended with ${fields[lastStatus]}`);
}

async function observe(
  server: ServerProcess,
  client: RespClient,
  meanwhile: () => Promise<void>,
): Promise<Period> {
  const pinging = await startPinging(server);
  resetPeak(server.pid);
  const setsBefore = await countSets(client);
  const cpuBefore = cpuMicros(server.pid);
  const startedAtMs = performance.now();
  await meanwhile();
  const seconds = (performance.now() - startedAtMs) / 1000;
  const cpuSeconds = (cpuMicros(server.pid) - cpuBefore) / 1e6;
  const sets = (await countSets(client)) - setsBefore;
  const peak = peakBytes(server.pid);
  return {
    setsPerSecond: sets / seconds,
    setsPerCpuSecond: sets / cpuSeconds,
    pings: await pinging.end(),
    peakBytes: peak,
    seconds,
  };
}

/** SETs that the server has served. */
async function countSets(client: RespClient): Promise<number> {
  const { cmdstat_set: text = "" } = await infoFields(client, "commandstats");
  return Number(/^calls=(\d+)/.exec(text)?.[1]);
}

async function usedBytes(client: RespClient): Promise<number> {
  return Number((await infoFields(client, "memory"))["used_memory"]);
}
