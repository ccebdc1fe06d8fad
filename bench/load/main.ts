/**
 * Pedis and redis-server under load, in turns: `bun bench/load/main.ts --help`.
 *
 * Requests per second and latencies are what redis-benchmark sees; with servers this fast it is
 * often the generator that is busy, so what is judged is the time the server's own process spends
 * per request. A load is one row of `string-loads.ts` or `collection-loads.ts`, and something that
 * must not hold a client up is one row of `pauses.ts` or `storms.ts`.
 * `tails.ts` is about what the slowest of many requests wait.
 */
import { type Contest, prepareContest, requireProgram } from "../support/contest.ts";
import { runBenchmark } from "../support/lifetime.ts";
import { readOptions, selectCases } from "../support/options.ts";
import { type Comparison, comparisonTable, finish } from "../support/report.ts";
import { ofRounds, runCases } from "../support/run-cases.ts";
import { CLIENT_COUNT, KEY_COUNT } from "./benchmark-load.ts";
import { LOADS } from "./loads.ts";
import { type LoadResult, type LoadScale, loadTable, measureLoad } from "./measure-load.ts";
import { measurePause } from "./measure-pause.ts";
import { measureStorm } from "./measure-storm.ts";
import { measureTail } from "./measure-tail.ts";
import { PAUSES } from "./pauses.ts";
import { STORMS } from "./storms.ts";
import { TAILS } from "./tails.ts";

interface Results {
  readonly loads: LoadResult[];
  readonly comparisons: Comparison[];
}

interface Case {
  readonly name: string;
  readonly run: (contest: Contest, scale: LoadScale, into: Results) => Promise<unknown>;
}

const CASES: readonly Case[] = [
  ...LOADS.map((load) => ({
    name: load.name,
    run: async (contest: Contest, scale: LoadScale, into: Results) =>
      into.loads.push(await measureLoad(load, contest, scale)),
  })),
  ...PAUSES.map((pause) => ({
    name: pause.name,
    run: async (contest: Contest, scale: LoadScale, into: Results) =>
      into.comparisons.push(...(await measurePause(pause, contest, scale))),
  })),
  ...STORMS.map((storm) => ({
    name: storm.name,
    run: async (contest: Contest, scale: LoadScale, into: Results) =>
      into.comparisons.push(...(await measureStorm(storm, contest, scale))),
  })),
  ...TAILS.map((tail) => ({
    name: tail.name,
    run: async (contest: Contest, scale: LoadScale, into: Results) =>
      into.comparisons.push(...(await measureTail(tail, contest, scale))),
  })),
];

await runBenchmark(async () => {
  const options = readOptions("bench/load/main.ts");
  requireProgram("redis-benchmark");
  const cases = selectCases(CASES, options.names);
  const contest = prepareContest(options.pedisPath, "pinned");
  const results: Results = { loads: [], comparisons: [] };
  const failures = await runCases(cases, ({ run }) => run(contest, options, results));
  const medians = ofRounds(options.rounds);
  const million = KEY_COUNT.toLocaleString("en-US");
  console.log(`${contest.description}
pedis / redis, ${medians}; ratio is pedis ÷ redis of the server's CPU time, lower is better;
✓ hits and ✗ misses the target, which for p99 is what redis shows;
redis-benchmark with ${CLIENT_COUNT} clients and ${million} random keys or members, unless the
title says otherwise; ? is what redis cannot do${quickNote(options)}
`);
  if (results.loads.length > 0) console.log(`${loadTable(results.loads, options.markdown)}\n`);
  if (results.comparisons.length > 0) {
    console.log(comparisonTable(results.comparisons, options.markdown));
  }
  const { description } = contest;
  return finish(failures, options.jsonPath, { description, ...results });
});

function quickNote({ quick }: LoadScale): string {
  return quick ? "\n(quick: the counts are tiny and the figures mean nothing)" : "";
}
