/**
 * A hundred million small keys: how fast they are loaded, what they take, and how long GET and PING
 * take then, against the same with a hundredth of them. Each server needs the memory for itself, so
 * there is one round, and the machine must have some 16 GB to spare.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Program, ServerProcess } from "../../test/support/server.ts";
import { type Contest, startContestant } from "../support/contest.ts";
import type { CyclePlan, GeneratorReport } from "../support/generator.ts";
import { runOwned } from "../support/lifetime.ts";
import { load } from "../support/loader.ts";
import { startPinging } from "../support/pinging.ts";
import { cpuMicros, residentBytes } from "../support/process-usage.ts";
import { type Comparison, progress, readable } from "../support/report.ts";
import { type Scale, type Shown, takeTurns } from "../support/turns.ts";

export const HUNDRED_MILLION_NAME = "hundred-million";

interface Waits {
  readonly getMs: number;
  readonly pingMs: number;
  /** Less the server's waits for a processor. */
  readonly pingRunningMs: number;
}

interface HundredMillionFigures {
  readonly perSecond: number;
  readonly perCpuSecond: number;
  readonly bytes: number;
  readonly getBeforeMs: number;
  readonly getMs: number;
  readonly pingBeforeMs: number;
  readonly pingMs: number;
  readonly pingRunningBeforeMs: number;
  readonly pingRunningMs: number;
}

const TITLE = "100M keys of 16 bytes, values of 11";
const FEW_TITLE = "the same with 1M";
const KEYS = 100_000_000;
const PART = 100;
const QUICK_KEYS = 100_000;
const NEEDED_BYTES = 16 * 1024 ** 3;
const LEAST_PER_SECOND = 500_000;
const CLIENTS = 50;
const GETS = 500_000;
const QUICK_GETS = 5_000;
const LIMIT_MS = 1_200_000;
const GENERATOR = join(import.meta.dir, "../support/generator.ts");

export async function measureHundredMillion(
  contest: Contest,
  scale: Scale,
): Promise<readonly Comparison[]> {
  const available = availableBytes();
  if (!scale.quick && available < NEEDED_BYTES) {
    throw new Error(`Needs ${NEEDED_BYTES} bytes of memory, and ${available} are available`);
  }
  return takeTurns(
    { name: HUNDRED_MILLION_NAME, contest, scale: { ...scale, rounds: 1 } },
    (program) => measure(program, scale.quick),
    [
      {
        figure: "perSecond",
        title: `${TITLE}: loaded per second`,
        unit: "keys",
        target: { of: "pedis", atLeast: LEAST_PER_SECOND },
      },
      {
        figure: "perCpuSecond",
        title: `${TITLE}: loaded per second of CPU`,
        unit: "keys",
        target: null,
      },
      { figure: "bytes", title: `${TITLE}: total`, unit: "B/item", target: null },
      ...waitRows("getMs", "getBeforeMs", `p99 of GET, ${CLIENTS} clients`),
      ...waitRows("pingMs", "pingBeforeMs", "p99 of PING meanwhile"),
      ...waitRows(
        "pingRunningMs",
        "pingRunningBeforeMs",
        "p99 of PING, less the server's waits for a processor",
      ),
    ],
    ({ perSecond, bytes, getMs }) =>
      `${readable(perSecond)} keys/s, ${readable(bytes)} B, p99 ${readable(getMs)} ms`,
  );
}

function waitRows(
  figure: keyof HundredMillionFigures,
  before: keyof HundredMillionFigures,
  what: string,
): readonly Shown<HundredMillionFigures>[] {
  return [
    { figure, title: `${TITLE}: ${what}`, unit: "ms", target: null },
    { figure: before, title: `${FEW_TITLE}: ${what}`, unit: "ms", target: null },
  ];
}

async function measure(program: Program, quick: boolean): Promise<HundredMillionFigures> {
  const keys = quick ? QUICK_KEYS : KEYS;
  const few = keys / PART;
  await using server = await startContestant(program);
  await fill(server, 0, few);
  const before = await ask(server, few, quick);
  const cpuBefore = cpuMicros(server.pid);
  const startedMs = performance.now();
  await fill(server, few, keys - few);
  const seconds = (performance.now() - startedMs) / 1000;
  const cpuSeconds = (cpuMicros(server.pid) - cpuBefore) / 1e6;
  const bytes = residentBytes(server.pid) / keys;
  progress(`${program.name}: ${readable((keys - few) / seconds)} keys/s, ${readable(bytes)} B`);
  const after = await ask(server, keys, quick);
  return {
    perSecond: (keys - few) / seconds,
    perCpuSecond: (keys - few) / cpuSeconds,
    bytes,
    getMs: after.getMs,
    getBeforeMs: before.getMs,
    pingMs: after.pingMs,
    pingBeforeMs: before.pingMs,
    pingRunningMs: after.pingRunningMs,
    pingRunningBeforeMs: before.pingRunningMs,
  };
}

function fill(server: ServerProcess, first: number, count: number): Promise<void> {
  const filling = { request: ["SET", "key:{i}", "v:{i:9}"], first, count };
  return load(server.port, filling, LIMIT_MS);
}

async function ask(server: ServerProcess, keys: number, quick: boolean): Promise<Waits> {
  const plan: CyclePlan = {
    cycle: [["GET", "key:{r}"]],
    pipeline: 1,
    clients: CLIENTS,
    requests: quick ? QUICK_GETS : GETS,
    range: keys,
  };
  const pinging = await startPinging(server);
  const command = [process.execPath, GENERATOR, String(server.port), JSON.stringify(plan)];
  const { p99Ms } = JSON.parse(await runOwned(command, LIMIT_MS)) as GeneratorReport;
  const { p99Ms: pingMs, p99RunningMs: pingRunningMs } = await pinging.end();
  return { getMs: p99Ms, pingMs, pingRunningMs };
}

function availableBytes(): number {
  const text = readFileSync("/proc/meminfo", "utf8");
  return Number(/^MemAvailable:\s+(\d+) kB/m.exec(text)?.[1]) * 1024;
}
