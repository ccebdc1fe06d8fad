/**
 * What Pedis and redis-server hold in memory, in turns: `bun bench/memory/main.ts --help`.
 *
 * All figures are resident bytes (Rss of /proc/PID/smaps_rollup) of the server's process, once it
 * has come to rest. A dataset is one row of `datasets.ts`.
 */
import { type Contest, prepareContest } from "../support/contest.ts";
import { runBenchmark } from "../support/lifetime.ts";
import { readOptions, selectCases } from "../support/options.ts";
import { type Comparison, comparisonTable, finish } from "../support/report.ts";
import { ofRounds, runCases } from "../support/run-cases.ts";
import { DATASETS } from "./datasets.ts";
import { GIVING_BACK_NAME, measureGivingBack } from "./giving-back.ts";
import { HIT_CASES } from "./hits.ts";
import { CONNECTIONS_NAME, IDLE_NAME, measureConnections, measureIdle } from "./idle.ts";
import { measureDataset } from "./measure-dataset.ts";
import type { Scale } from "../support/turns.ts";

interface Case {
  readonly name: string;
  readonly run: (contest: Contest, scale: Scale) => Promise<readonly Comparison[]>;
}

const CASES: readonly Case[] = [
  { name: IDLE_NAME, run: measureIdle },
  { name: CONNECTIONS_NAME, run: measureConnections },
  ...DATASETS.map((dataset) => ({
    name: dataset.name,
    run: (contest: Contest, scale: Scale) => measureDataset(dataset, contest, scale),
  })),
  ...HIT_CASES,
  { name: GIVING_BACK_NAME, run: measureGivingBack },
];

await runBenchmark(async () => {
  const options = readOptions("bench/memory/main.ts");
  const cases = selectCases(CASES, options.names);
  const contest = prepareContest(options.pedisPath, "anywhere");
  const comparisons: Comparison[] = [];
  const failures = await runCases(cases, async ({ run }) => {
    comparisons.push(...(await run(contest, options)));
  });
  const medians = ofRounds(options.rounds);
  const note = options.quick ? "\n(quick: the counts are tiny and the figures mean nothing)" : "";
  console.log(`${contest.description}
resident memory of the server's process, ${medians}; ratio is pedis ÷ redis, lower is better;
net: (after loading − before) ÷ items; total: after loading ÷ items, the runtime included;
an item is a string with its key, or an element of a collection;
peak ÷ final: the most held while loading ÷ what is held afterwards; ✓ hits, ✗ misses${note}
`);
  if (comparisons.length > 0) console.log(comparisonTable(comparisons, options.markdown));
  const { description } = contest;
  return finish(failures, options.jsonPath, { description, comparisons });
});
