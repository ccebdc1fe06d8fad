/** One load of the table, run against both servers in turns. */
import { join } from "node:path";
import type { ServerProcess } from "../../test/support/server.ts";
import { type Contest, type Pair, requireProgram, SIDES, startPair } from "../support/contest.ts";
import type { CyclePlan, GeneratorReport } from "../support/generator.ts";
import { checkNotEnding, runOwned } from "../support/lifetime.ts";
import { cutDown, elementCount, type Filling, load } from "../support/loader.ts";
import { cpuMicros } from "../support/process-usage.ts";
import { mark, median, progress, readable, table } from "../support/report.ts";
import { type BenchmarkLoad, CLIENT_COUNT, KEY_COUNT } from "./benchmark-load.ts";

/** What one round, or the medians of several, show of one server. */
export interface LoadFigures {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** User and system time of the server's process per request. */
  readonly cpuMicros: number;
}

export interface LoadResult {
  readonly name: string;
  readonly title: string;
  readonly atMost: number | null;
  readonly medians: Pair<LoadFigures>;
  readonly rounds: Pair<readonly LoadFigures[]>;
}

export interface LoadScale {
  readonly rounds: number;
  readonly quick: boolean;
}

/** A quick run sends a part of the requests, and fills a smaller part of the elements. */
const QUICK_REQUESTS_PART = 250;
const QUICK_LEAST_REQUESTS = 2_000;
const QUICK_PART = 1_000;
const WARM_UP_PART = 4;
const ROUND_LIMIT_MS = 120_000;
const CSV_FIGURES = 7;
const HEADS = ["", "requests/s", "p50 ms", "p99 ms", "CPU µs/request", "ratio", "target"];

export async function measureLoad(
  row: BenchmarkLoad,
  contest: Contest,
  { rounds, quick }: LoadScale,
): Promise<LoadResult> {
  const definition = quick ? quickened(row) : row;
  await using servers = await startPair(contest, definition.directives);
  for (const side of SIDES) {
    for (const filling of definition.preload ?? []) await load(servers[side].port, filling);
    const requests = Math.ceil(definition.requests / WARM_UP_PART);
    await measureRound(servers[side], { ...definition, requests });
  }
  const figures: Pair<LoadFigures[]> = { pedis: [], redis: [] };
  for (let round = 1; round <= rounds; round++) {
    for (const side of SIDES) {
      checkNotEnding();
      const result = await measureRound(servers[side], definition);
      figures[side].push(result);
      progress(
        `${definition.name} ${round}/${rounds} ${side}: ` +
          `${readable(result.requestsPerSecond)}/s, ${readable(result.cpuMicros)} µs`,
      );
    }
  }
  return {
    name: definition.name,
    title: definition.title,
    atMost: definition.atMost,
    medians: { pedis: medians(figures.pedis), redis: medians(figures.redis) },
    rounds: figures,
  };
}

/** Two figures in a cell are Pedis's and Redis's. */
export function loadTable(results: readonly LoadResult[], markdown: boolean): string {
  const rows = results.map(({ title, atMost, medians: { pedis, redis } }) => {
    const ratio = pedis.cpuMicros / redis.cpuMicros;
    const both = (figure: keyof LoadFigures) =>
      `${readable(pedis[figure])} / ${readable(redis[figure])}`;
    return [
      title,
      both("requestsPerSecond"),
      both("p50Ms"),
      `${both("p99Ms")} ${mark(pedis.p99Ms, redis.p99Ms)}`,
      both("cpuMicros"),
      ratio.toFixed(2),
      atMost === null ? "" : `≤ ${atMost} ${mark(ratio, atMost)}`,
    ];
  });
  return table(HEADS, rows, markdown);
}

/** The row with so little to do that it only shows that it can be done. */
function quickened(row: BenchmarkLoad): BenchmarkLoad {
  const { range = KEY_COUNT, requests, preload = [] } = row;
  const cut = (filling: Filling) => cutDown(filling, elementCount(filling) / QUICK_PART);
  return {
    ...row,
    range: Math.ceil(range / QUICK_PART),
    requests: Math.max(QUICK_LEAST_REQUESTS, Math.ceil(requests / QUICK_REQUESTS_PART)),
    preload: preload.map(cut),
  };
}

/** Fills up what the round consumes, and runs it. */
async function measureRound(
  server: ServerProcess,
  definition: BenchmarkLoad,
): Promise<LoadFigures> {
  const { refill, requests, unitsPerRequest = 1 } = definition;
  if (refill !== undefined) {
    await load(server.port, { ...refill, count: Math.ceil(requests / (refill.elements ?? 1)) });
  }
  const before = cpuMicros(server.pid);
  const generated = await generate(server.port, definition);
  return { ...generated, cpuMicros: (cpuMicros(server.pid) - before) / requests / unitsPerRequest };
}

/** Has one of the generators run to its end. */
function generate(port: number, row: BenchmarkLoad): Promise<GeneratorReport> {
  const { generator, requests, range = KEY_COUNT } = row;
  return "cycle" in generator
    ? generateCycles(port, { ...generator, clients: CLIENT_COUNT, requests, range })
    : generateSame(port, row, generator);
}

async function generateCycles(port: number, plan: CyclePlan): Promise<GeneratorReport> {
  const program = join(import.meta.dir, "../support/generator.ts");
  const command = [process.execPath, program, String(port), JSON.stringify(plan)];
  return JSON.parse(await runOwned(command, ROUND_LIMIT_MS)) as GeneratorReport;
}

/** Reads the last line of redis-benchmark's CSV. */
async function generateSame(
  port: number,
  { requests, range = KEY_COUNT }: BenchmarkLoad,
  generator: readonly string[],
): Promise<GeneratorReport> {
  const options = { "-p": port, "-c": CLIENT_COUNT, "-n": requests, "-r": range };
  const command = [
    requireProgram("redis-benchmark"),
    ...Object.entries(options).flatMap(([flag, value]) => [flag, String(value)]),
    "--csv",
    ...generator,
  ];
  const output = await runOwned(command, ROUND_LIMIT_MS);
  // The test's name, requests per second, then latencies: average, least, p50, p95, p99, most.
  const [requestsPerSecond, , , p50Ms, , p99Ms] = output
    .trim()
    .split('","')
    .slice(-CSV_FIGURES)
    .map((field) => Number.parseFloat(field));
  if (!(requestsPerSecond > 0 && p50Ms >= 0 && p99Ms >= p50Ms)) {
    throw new Error(`redis-benchmark printed ${JSON.stringify(output)}`);
  }
  return { requestsPerSecond, p50Ms, p99Ms };
}

function medians(rounds: readonly LoadFigures[]): LoadFigures {
  const of = (figure: keyof LoadFigures) => median(rounds.map((round) => round[figure]));
  return {
    requestsPerSecond: of("requestsPerSecond"),
    p50Ms: of("p50Ms"),
    p99Ms: of("p99Ms"),
    cpuMicros: of("cpuMicros"),
  };
}
