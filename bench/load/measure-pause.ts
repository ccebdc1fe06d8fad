/**
 * How long a pinging client waits while something happens that could hold the server up. The
 * pinger is a process of its own, which the scheduler prefers over what sends the requests where
 * this is permitted.
 */
import type { Program } from "../../test/support/server.ts";
import { type Contest, SIDES, startContestant } from "../support/contest.ts";
import { checkNotEnding, spawnOwned } from "../support/lifetime.ts";
import { cutDown, type Filling, load } from "../support/loader.ts";
import { type Comparison, median, progress, readable } from "../support/report.ts";
import type { LoadScale } from "./measure-load.ts";
import type { Pause } from "./pauses.ts";
import type { PingReport } from "./pinger.ts";

const QUICK_ELEMENTS = 20_000;
const AFTERMATH_MS = 3_000;
const QUICK_AFTERMATH_MS = 50;
const ROUND_LIMIT_MS = 300_000;
const PINGER = new URL("./pinger.ts", import.meta.url).pathname;

export async function measurePause(
  pause: Pause,
  contest: Contest,
  { rounds, quick }: LoadScale,
): Promise<readonly Comparison[]> {
  const { name } = pause;
  const reports: Record<(typeof SIDES)[number], PingReport[]> = { pedis: [], redis: [] };
  for (let round = 1; round <= rounds; round++) {
    for (const side of SIDES) {
      checkNotEnding();
      const report = await pingMeanwhile(contest.programs[side], pause, quick);
      reports[side].push(report);
      progress(`${name} ${round}/${rounds} ${side}: longest ${readable(report.maxMs)} ms`);
    }
  }
  const compare = (
    what: string,
    figure: keyof PingReport,
    over: (values: readonly number[]) => number,
    atMost: number | null = null,
  ): Comparison => ({
    name,
    title: `PING ${pause.title}, ${what}`,
    unit: "ms",
    figures: {
      pedis: over(reports.pedis.map((report) => report[figure])),
      redis: over(reports.redis.map((report) => report[figure])),
    },
    target: atMost === null ? null : { of: "pedis", atMost },
  });
  return [
    compare("p99.9", "p999Ms", median),
    compare("longest of all rounds", "maxMs", worst, pause.atMost),
    compare("longest, less the server's waits for a processor", "maxRunningMs", worst),
    compare("longest, with the pinger's own delays", "maxByClockMs", worst),
  ];
}

async function pingMeanwhile(
  program: Program,
  { before, meanwhile, hasAftermath }: Pause,
  quick: boolean,
): Promise<PingReport> {
  const scaled = (filling: Filling) => (quick ? cutDown(filling, QUICK_ELEMENTS) : filling);
  await using server = await startContestant(program);
  for (const filling of before) await load(server.port, scaled(filling));
  const command = [process.execPath, PINGER, String(server.port), String(server.pid)];
  const pinger = spawnOwned([...preferred(), ...command], ROUND_LIMIT_MS);
  const output = linesOf(pinger.stdout);
  const next = async (): Promise<string> => {
    const { done, value } = await output.next();
    if (done) throw new Error(`The pinger ended: ${await pinger.stderr.text()}`);
    return value;
  };
  await next();
  await load(server.port, scaled(meanwhile));
  if (hasAftermath) await Bun.sleep(quick ? QUICK_AFTERMATH_MS : AFTERMATH_MS);
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
