/**
 * How long a pinging client waits while the keyspace grows to ten million keys: the pauses of
 * growing tables and of garbage collection. The loader sends small batches, so that what is queued
 * before a ping costs well below a millisecond. The pinger is a process of its own, which the
 * scheduler prefers over the loader where this is permitted.
 */
import { type Contest, SIDES, startContestant } from "../support/contest.ts";
import { checkNotEnding, spawnOwned } from "../support/lifetime.ts";
import { load } from "../support/loader.ts";
import { type Comparison, median, progress, readable } from "../support/report.ts";
import type { LoadScale } from "./measure-load.ts";
import type { PingReport } from "./pinger.ts";
import type { Program } from "../../test/support/server.ts";

const NAME = "table-growth";
const KEY_COUNT = 10_000_000;
const QUICK_KEY_COUNT = 20_000;
const LOADER_DEPTH = 100;
const LONGEST_WAIT_MS = 10;
const ROUND_LIMIT_MS = 300_000;
const PINGER = new URL("./pinger.ts", import.meta.url).pathname;

export async function measureTableGrowth(
  contest: Contest,
  { rounds, quick }: LoadScale,
): Promise<readonly Comparison[]> {
  const keys = quick ? QUICK_KEY_COUNT : KEY_COUNT;
  const reports: Record<(typeof SIDES)[number], PingReport[]> = { pedis: [], redis: [] };
  for (let round = 1; round <= rounds; round++) {
    for (const side of SIDES) {
      checkNotEnding();
      const report = await pingWhileLoading(contest.programs[side], keys);
      reports[side].push(report);
      progress(`${NAME} ${round}/${rounds} ${side}: longest ${readable(report.maxMs)} ms`);
    }
  }
  const compare = (
    what: string,
    figure: keyof PingReport,
    over: (values: readonly number[]) => number,
    atMost: number | null = null,
  ): Comparison => ({
    name: NAME,
    title: `PING while loading ${keys.toLocaleString("en-US")} keys, ${what}`,
    unit: "ms",
    figures: {
      pedis: over(reports.pedis.map((report) => report[figure])),
      redis: over(reports.redis.map((report) => report[figure])),
    },
    target: atMost === null ? null : { of: "pedis", atMost },
  });
  return [
    compare("p99", "p99Ms", median),
    compare("p99.9", "p999Ms", median),
    compare("longest of all rounds", "maxMs", worst, LONGEST_WAIT_MS),
    compare("longest, less the server's waits for a processor", "maxRunningMs", worst),
    compare("longest, with the pinger's own delays", "maxByClockMs", worst),
  ];
}

async function pingWhileLoading(program: Program, keys: number): Promise<PingReport> {
  await using server = await startContestant(program);
  const command = [process.execPath, PINGER, String(server.port), String(server.pid)];
  const pinger = spawnOwned([...preferred(), ...command], ROUND_LIMIT_MS);
  const output = linesOf(pinger.stdout);
  const next = async (): Promise<string> => {
    const { done, value } = await output.next();
    if (done) throw new Error(`The pinger ended: ${await pinger.stderr.text()}`);
    return value;
  };
  await next();
  await load(server.port, {
    request: ["SET", "key:{i}", "val:{i}"],
    count: keys,
    depth: LOADER_DEPTH,
    limitMs: ROUND_LIMIT_MS,
  });
  await pinger.stdin?.end();
  const report = JSON.parse(await next()) as PingReport;
  await pinger.exited;
  return report;
}

/** What to start a command with so that it runs as soon as it can. */
function preferred(): readonly string[] {
  const ways = [
    ["chrt", "-f", "1"],
    ["nice", "-n", "-10"],
  ];
  return ways.find((way) => Bun.which(way[0]) && worksQuietly(way)) ?? [];
}

/** `nice` runs its command even when refused, but complains. */
function worksQuietly(way: readonly string[]): boolean {
  const { exitCode, stderr } = Bun.spawnSync([...way, "true"]);
  return exitCode === 0 && stderr.length === 0;
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

function worst(values: readonly number[]): number {
  return Math.max(...values);
}
