/** The parts of Pedis by themselves, in nanoseconds: `bun bench/micro/main.ts --help`. */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { measure } from "mitata";
import { readable, table } from "../support/report.ts";
import type { MicroBenchmark } from "./benchmark.ts";
import { SUBJECTS } from "./subjects.ts";

const DEFAULT_ITEMS = 1_000_000;
const HEADS = ["ns per operation", "mean", "p50", "p99"];
const USAGE = `Usage: bun bench/micro/main.ts [options]
  --filter NAME    only the subjects whose name contains it
  --items N        keys, blocks or entries that the large subjects work on (${DEFAULT_ITEMS})
  --markdown       print the tables as Markdown
  --quick          few runs, to see that it runs`;
/** mitata's options, in its units. */
const QUICK = { min_cpu_time: 1e6, min_samples: 3 };

const { values } = parseArgs({
  options: {
    filter: { type: "string", default: "" },
    items: { type: "string", default: String(DEFAULT_ITEMS) },
    markdown: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(USAGE);
} else {
  process.exitCode = await runSubjects(values.filter, Number(values.items), values.markdown);
}

async function runSubjects(filter: string, itemCount: number, markdown: boolean): Promise<number> {
  const subjects = SUBJECTS.filter(({ name }) => name.includes(filter));
  if (subjects.length === 0 || !Number.isInteger(itemCount) || itemCount < 1) {
    console.error(`Subjects: ${SUBJECTS.map(({ name }) => name).join(" ")}\n${USAGE}`);
    return 1;
  }
  console.log(`Bun ${Bun.version}, ${cpus()[0]?.model ?? "unknown processor"}, ${itemCount} items`);
  for (const { name, benchmarks } of subjects) {
    const rows: string[][] = [];
    for (const benchmark of benchmarks) rows.push(await row(benchmark, itemCount));
    console.log(`\n${name}\n${table(HEADS, rows, markdown)}`);
  }
  return 0;
}

async function row(benchmark: MicroBenchmark, itemCount: number): Promise<string[]> {
  const { run, operations, expected } = benchmark.prepare(itemCount);
  if (run() !== expected) throw new Error(`${benchmark.name} does not do its work`);
  const { avg, p50, p99 } = await measure(run, values.quick ? QUICK : {});
  return [benchmark.name, ...[avg, p50, p99].map((time) => readable(time / operations))];
}
