/**
 * What Pedis and redis-server hold in memory, in turns: `bun bench/memory/main.ts --help`.
 *
 * All figures are resident bytes (Rss of /proc/PID/smaps_rollup) of the server's process, once it
 * has come to rest. The cases are those of `cases.ts`; a dataset is one row of `datasets.ts`.
 */
import { prepareContest } from "../support/contest.ts";
import { runBenchmark } from "../support/lifetime.ts";
import { readOptions, selectCases } from "../support/options.ts";
import { type Comparison, comparisonTable, finish } from "../support/report.ts";
import { ofRounds, runCases } from "../support/run-cases.ts";
import { MEMORY_CASES, NAMED_CASES } from "./cases.ts";
import { TRACE_SEED } from "./traces.ts";

await runBenchmark(async () => {
  const options = readOptions("bench/memory/main.ts");
  const isNamed = options.names.length > 0;
  const cases = selectCases(
    isNamed ? [...MEMORY_CASES, ...NAMED_CASES] : MEMORY_CASES,
    options.names,
  );
  const contest = prepareContest(options.pedisPath, "anywhere");
  const comparisons: Comparison[] = [];
  const failures = await runCases(cases, async ({ run }) => {
    comparisons.push(...(await run(contest, options)));
  });
  const medians = ofRounds(options.rounds);
  const note = options.quick ? "\n(quick: the counts are tiny and the figures mean nothing)" : "";
  console.log(`${contest.description}
resident memory of the server's process, ${medians}; ratio is pedis ÷ redis, lower is better
unless the target is ≥; net: after − before, per item where the unit says so;
total: after loading ÷ items, the runtime included;
an item is a string with its key, or an element of a collection;
peak ÷ final: the most held while loading ÷ what is held afterwards;
hits: of GETs where what is missing is SET under maxmemory, traces of seed ${TRACE_SEED}, 1 round;
✓ target reached, ✗ missed${note}
`);
  if (comparisons.length > 0) console.log(comparisonTable(comparisons, options.markdown));
  const { description } = contest;
  return finish(failures, options.jsonPath, { description, comparisons });
});
