/**
 * Saving and loading, Pedis and redis-server in turns: `bun bench/durability/main.ts --help`.
 *
 * What is loaded and saved is one row of `contents.ts`, each of which is loaded in the forms of
 * `loading.ts` and saved by SAVE; the saves in the background are rows of `background.ts`. What
 * generates load keeps to one processor; the servers may use all, as they are not just busy with
 * clients here: Redis forks, and a runtime compiles.
 */
import { prepareContest } from "../support/contest.ts";
import { runBenchmark } from "../support/lifetime.ts";
import { readOptions, selectCases } from "../support/options.ts";
import { type Comparison, comparisonTable, finish } from "../support/report.ts";
import { ofRounds, runCases } from "../support/run-cases.ts";
import { DURABILITY_CASES } from "./cases.ts";

await runBenchmark(async () => {
  const options = readOptions("bench/durability/main.ts");
  const cases = selectCases(DURABILITY_CASES, options.names);
  const contest = prepareContest(options.pedisPath, "generator pinned");
  const comparisons: Comparison[] = [];
  const failures = await runCases(cases, async ({ run }) => {
    comparisons.push(...(await run(contest, options)));
  });
  const medians = ofRounds(options.rounds);
  const note = options.quick ? "\n(quick: the counts are tiny and the figures mean nothing)" : "";
  console.log(`${contest.description}
${medians}; ratio is pedis ÷ redis, lower is better; CPU is user and system time of the process;
a load is all from starting the process, on files that redis-server has written;
growth of memory: resident bytes, with redis also those that its child copied;
✓ hits, ✗ misses${note}
`);
  if (comparisons.length > 0) console.log(comparisonTable(comparisons, options.markdown));
  const { description } = contest;
  return finish(failures, options.jsonPath, { description, comparisons });
});
