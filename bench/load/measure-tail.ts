/**
 * Percentiles far out, as redis-benchmark's list of them tells: it goes on in halves of what is
 * left, so the one next to 99.9 is 99.902 (1023 of 1024). Each is of the wall clock; how long the
 * server was ready to run meanwhile and had to wait for a processor is told beside it.
 */
import type { ServerProcess } from "../../test/support/server.ts";
import { type Contest, requireProgram, SIDES, startPair } from "../support/contest.ts";
import { checkNotEnding, runOwned } from "../support/lifetime.ts";
import { cutDown, load } from "../support/loader.ts";
import { cpuMicros, waitedMicros } from "../support/process-usage.ts";
import { type Comparison, median, progress, readable } from "../support/report.ts";
import { CLIENT_COUNT } from "./benchmark-load.ts";
import type { LoadScale } from "./measure-load.ts";
import { type Tail, TAIL_FILLING, TAIL_KEY_COUNT } from "./tails.ts";

interface TailFigures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** Of the time that the round took, in which the server could have run but did not. */
  readonly waitedPercent: number;
  readonly cpuMicros: number;
}

const REQUESTS = 1_000_000;
const QUICK_REQUESTS = 5_000;
const QUICK_KEYS = 5_000;
const WARM_UP_PART = 10;
const ROUND_LIMIT_MS = 120_000;
const PERCENTILE = /^(\d+\.\d+)% <= (\d+\.\d+) milliseconds/gm;
/** What redis-benchmark lists next to those that are meant. */
const P99 = 99.219;
const P999 = 99.902;

export async function measureTail(
  tail: Tail,
  contest: Contest,
  { rounds, quick }: LoadScale,
): Promise<readonly Comparison[]> {
  const { name, title } = tail;
  await using servers = await startPair(contest);
  const keys = quick ? QUICK_KEYS : TAIL_KEY_COUNT;
  const requests = quick ? QUICK_REQUESTS : REQUESTS;
  for (const side of SIDES) {
    await load(servers[side].port, cutDown(TAIL_FILLING, keys));
    await measureRound(servers[side], tail, keys, Math.ceil(requests / WARM_UP_PART));
  }
  const taken: Record<(typeof SIDES)[number], TailFigures[]> = { pedis: [], redis: [] };
  for (let round = 1; round <= rounds; round++) {
    for (const side of SIDES) {
      checkNotEnding();
      const figures = await measureRound(servers[side], tail, keys, requests);
      taken[side].push(figures);
      const { p999Ms, waitedPercent } = figures;
      const note = `the server waited for a processor for ${readable(waitedPercent)} % of the time`;
      progress(`${name} ${round}/${rounds} ${side}: p99.9 ${readable(p999Ms)} ms; ${note}`);
    }
  }
  const compare = (
    what: string,
    unit: string,
    figure: keyof TailFigures,
    isJudged = false,
  ): Comparison => ({
    name,
    title: `${title}: ${what}`,
    unit,
    figures: {
      pedis: median(taken.pedis.map((figures) => figures[figure])),
      redis: median(taken.redis.map((figures) => figures[figure])),
    },
    target: isJudged ? { of: "ratio", atMost: 1 } : null,
  });
  return [
    compare("p50", "ms", "p50Ms"),
    compare("p99.2", "ms", "p99Ms"),
    compare("p99.9", "ms", "p999Ms", true),
    compare("longest", "ms", "maxMs"),
    compare("CPU per request", "µs", "cpuMicros"),
    compare("time the server waited for a processor", "%", "waitedPercent"),
  ];
}

async function measureRound(
  server: ServerProcess,
  { test }: Tail,
  keys: number,
  requests: number,
): Promise<TailFigures> {
  const options = { "-p": server.port, "-c": CLIENT_COUNT, "-n": requests, "-r": keys, "-t": test };
  const command = [
    requireProgram("redis-benchmark"),
    ...Object.entries(options).flatMap(([flag, value]) => [flag, String(value)]),
    "--precision",
    "3",
  ];
  const startMs = performance.now();
  const startCpu = cpuMicros(server.pid);
  const startWaited = waitedMicros(server.pid);
  const output = await runOwned(command, ROUND_LIMIT_MS);
  const listed = [...output.matchAll(PERCENTILE)];
  const at = (percent: number): number => {
    const found = listed.find(([, part]) => Number(part) >= percent);
    if (found === undefined) throw new Error(`No ${percent} % in what redis-benchmark printed`);
    return Number(found[2]);
  };
  const waitedMs = (waitedMicros(server.pid) - startWaited) / 1000;
  return {
    p50Ms: at(50),
    p99Ms: at(P99),
    p999Ms: at(P999),
    maxMs: at(100),
    waitedPercent: (100 * waitedMs) / (performance.now() - startMs),
    cpuMicros: (cpuMicros(server.pid) - startCpu) / requests,
  };
}
