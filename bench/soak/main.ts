/**
 * Runs the soak and tells what it sees each minute: `bun bench/soak/main.ts --help`. It ends with 1
 * where memory grew, a reply was wrong, or anything was left at the end.
 */
import { parseArgs } from "node:util";
import { randomFrom } from "../../test/support/random.ts";
import { requireProgram } from "../support/contest.ts";
import { runBenchmark } from "../support/lifetime.ts";
import { readable } from "../support/report.ts";
import { problemsOf, type Sample, soak } from "./soak.ts";

const USAGE = `Usage: bun bench/soak/main.ts [options] [DIRECTIVE...]
  DIRECTIVE        a line of redis.conf: "active-defrag-ignore-bytes 4mb"
  --minutes N      how long (60)
  --rate N         requests per second of all clients together (2500)
  --megabytes N    what keys and values may take (64)
  --seed N         what chance begins with (1)
  --pedis PATH     the executable (./pedis-server)
  --redis          redis-server instead`;
const BUILT_BINARY = new URL("../../pedis-server", import.meta.url).pathname;
const SAMPLE_EVERY_MS = 1_000;
const TOLD_EVERY_SECONDS = 60;
const MOST_GROWTH = 1.1;
const SPARE_MS = 120_000;
const MEGABYTE = 1024 ** 2;
const HEADS = [
  "minute  used MB  taken MB  rss MB     keys  clients  requests   evicted   expired",
  "cpu %  longest ms  troubles",
].join("  ");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "60" },
    rate: { type: "string", default: "2500" },
    megabytes: { type: "string", default: "64" },
    seed: { type: "string", default: "1" },
    pedis: { type: "string", default: BUILT_BINARY },
    redis: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const durationMs = Number(values.minutes) * 60_000;
await runBenchmark(run, durationMs + SPARE_MS);

async function run(): Promise<number> {
  let told = 0;
  console.log(HEADS);
  const report = await soak({
    program: values.redis
      ? { name: "redis", command: [requireProgram("redis-server")] }
      : { name: "pedis", command: [values.pedis] },
    random: randomFrom(Number(values.seed)),
    durationMs,
    requestsPerSecond: Number(values.rate),
    dataBytes: Number(values.megabytes) * MEGABYTE,
    sampleEveryMs: SAMPLE_EVERY_MS,
    directives: positionals,
    onSample(sample) {
      if (sample.seconds < told * TOLD_EVERY_SECONDS) return;
      told++;
      console.log(line(sample));
    },
  });
  const { growth, leftBytes, saves, rewrites, samples } = report;
  const problems = problemsOf(report, MOST_GROWTH);
  const last = samples.at(-1);
  console.log(`
${last?.requests} requests over ${last?.connections} connections,
${saves} saves, ${rewrites} rewrites
resident memory of the last quarter ÷ of the second: ${growth.toFixed(3)}
used_memory when all is gone, less that at the start: ${leftBytes} bytes
${problems.length === 0 ? "no trouble" : problems.join("\n")}`);
  return problems.length === 0 ? 0 : 1;
}

function line(sample: Sample): string {
  const cells: readonly (readonly [string, number])[] = [
    [(sample.seconds / 60).toFixed(1), 6],
    [(sample.usedBytes / MEGABYTE).toFixed(1), 7],
    [(sample.allocatedBytes / MEGABYTE).toFixed(1), 8],
    [(sample.residentBytes / MEGABYTE).toFixed(1), 6],
    [String(sample.keys), 7],
    [String(sample.clients), 7],
    [String(sample.requests), 8],
    [String(sample.evicted), 8],
    [String(sample.expired), 8],
    [String(Math.round(sample.cpu * 100)), 5],
    [readable(sample.longestMs), 10],
    [String(sample.troubles), 8],
  ];
  return cells.map(([text, width]) => text.padStart(width)).join("  ");
}
