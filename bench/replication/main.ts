/**
 * Replication, Pedis and redis-server in turns: `bun bench/replication/main.ts --help`.
 *
 * What a replica costs its primary is in `replica-cost.ts`, how long it takes to become one in
 * `full-sync.ts`, and what it takes to remain one in `applying.ts`.
 */
import { prepareContest, requireProgram } from "../support/contest.ts";
import { runBenchmark } from "../support/lifetime.ts";
import { readOptions, selectCases } from "../support/options.ts";
import { type Comparison, comparisonTable, finish } from "../support/report.ts";
import { ofRounds, runCases } from "../support/run-cases.ts";
import { REPLICATION_CASES } from "./cases.ts";

await runBenchmark(async () => {
  const options = readOptions("bench/replication/main.ts");
  requireProgram("redis-benchmark");
  const cases = selectCases(REPLICATION_CASES, options.names);
  const contest = prepareContest(options.pedisPath, "pinned");
  const comparisons: Comparison[] = [];
  const failures = await runCases(cases, async ({ run }) => {
    comparisons.push(...(await run(contest, options)));
  });
  const medians = ofRounds(options.rounds);
  const note = options.quick ? "\n(quick: the counts are tiny and the figures mean nothing)" : "";
  console.log(`${contest.description}
${medians}; ratio is pedis ÷ redis, lower is better; CPU is user and system time of the process;
a replica whose primary is measured, and a primary whose replica is, run beside the load generator;
both servers of a full sync run on all processors;
✓ hits, ✗ misses${note}
`);
  if (comparisons.length > 0) console.log(comparisonTable(comparisons, options.markdown));
  const { description } = contest;
  return finish(failures, options.jsonPath, { description, comparisons });
});
