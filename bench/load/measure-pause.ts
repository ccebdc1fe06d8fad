/** How long a pinging client waits while something happens that could hold the server up. */
import type { Program } from "../../test/support/server.ts";
import { type Contest, SIDES, startContestant } from "../support/contest.ts";
import { checkNotEnding } from "../support/lifetime.ts";
import { cutDown, type Filling, load } from "../support/loader.ts";
import type { PingReport } from "../support/pinger.ts";
import { startPinging } from "../support/pinging.ts";
import { type Comparison, median, progress, readable, worst } from "../support/report.ts";
import type { LoadScale } from "./measure-load.ts";
import type { Pause } from "./pauses.ts";

const QUICK_ELEMENTS = 20_000;
const AFTERMATH_MS = 3_000;
const QUICK_AFTERMATH_MS = 50;

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
  const pinging = await startPinging(server);
  await load(server.port, scaled(meanwhile));
  if (hasAftermath) await Bun.sleep(quick ? QUICK_AFTERMATH_MS : AFTERMATH_MS);
  return await pinging.end();
}
