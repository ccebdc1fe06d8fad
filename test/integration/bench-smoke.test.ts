/**
 * The benchmarks against redis-server run, small, with the suite, so that they never rot. They
 * measure the executable: PEDIS_BINARY, or the one that `bun run build` leaves at the top.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DURABILITY_CASES } from "../../bench/durability/cases.ts";
import { LOADS } from "../../bench/load/loads.ts";
import type { LoadResult } from "../../bench/load/measure-load.ts";
import { PAUSES } from "../../bench/load/pauses.ts";
import { STORMS } from "../../bench/load/storms.ts";
import { TAILS } from "../../bench/load/tails.ts";
import { MEMORY_CASES, NAMED_CASES } from "../../bench/memory/cases.ts";
import { REPLICATION_CASES } from "../../bench/replication/cases.ts";
import { type Comparison, type Failure, table } from "../../bench/support/report.ts";

interface Results {
  readonly loads?: readonly LoadResult[];
  readonly comparisons: readonly Comparison[];
  readonly failures: readonly Failure[];
}

const ROOT = new URL("../../", import.meta.url).pathname;
const BINARY = process.env["PEDIS_BINARY"] ?? join(ROOT, "pedis-server");
const TIMEOUT_MS = 600_000;

const missing = [
  existsSync(BINARY) ? null : `${BINARY} (bun run build)`,
  ...["redis-server", "redis-benchmark"].map((name) => (Bun.which(name) === null ? name : null)),
].filter((name) => name !== null);
if (missing.length > 0) console.log(`bench-smoke is skipped: ${missing.join(", ")} is not there`);

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "bench-smoke-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe.skipIf(missing.length > 0)("benchmarks, quickly", () => {
  test(
    "bench/load measures every load",
    async () => {
      const { output, results } = await run("bench/load/main.ts", "--markdown");
      expect(results.failures).toEqual([]);
      expect(results.loads?.map(({ name }) => name)).toEqual(LOADS.map(({ name }) => name));
      for (const { title, rounds } of results.loads ?? []) {
        for (const figures of [...rounds.pedis, ...rounds.redis]) {
          expect(figures.requestsPerSecond).toBeGreaterThan(0);
          expect(figures.cpuMicros).toBeGreaterThan(0);
          expect(figures.p99Ms).toBeGreaterThanOrEqual(figures.p50Ms);
        }
        expect(output).toContain(`| ${title} `);
      }
      const measured = new Set(results.comparisons.map(({ name }) => name));
      expect([...measured]).toEqual([...PAUSES, ...STORMS, ...TAILS].map(({ name }) => name));
      const alone = new Set(STORMS.flatMap(({ isPedisOnly, name }) => (isPedisOnly ? [name] : [])));
      const positive = results.comparisons.filter(({ name }) => !alone.has(name));
      expectPositive(positive.filter(({ title }) => !title.endsWith("waited for a processor")));
      expectMarkdown(output);
    },
    TIMEOUT_MS,
  );

  test(
    "bench/memory measures every case",
    async () => {
      const { output, results } = await run("bench/memory/main.ts", "--markdown");
      expect(results.failures).toEqual([]);
      const measured = new Set(results.comparisons.map(({ name }) => name));
      expect([...measured]).toEqual(MEMORY_CASES.map(({ name }) => name));
      expectPositive(results.comparisons.filter(({ title }) => !/ net\b|until/.test(title)));
      expectMarkdown(output);
    },
    TIMEOUT_MS,
  );

  test(
    "bench/memory measures what it is asked for by name",
    async () => {
      const names = NAMED_CASES.map(({ name }) => name);
      const { results } = await run("bench/memory/main.ts", ...names);
      expect(results.failures).toEqual([]);
      expect([...new Set(results.comparisons.map(({ name }) => name))]).toEqual(names);
      expectPositive(results.comparisons);
    },
    TIMEOUT_MS,
  );

  test(
    "bench/durability measures every case",
    async () => {
      const { output, results } = await run("bench/durability/main.ts", "--markdown");
      expect(results.failures).toEqual([]);
      const measured = new Set(results.comparisons.map(({ name }) => name));
      expect([...measured]).toEqual(DURABILITY_CASES.map(({ name }) => name));
      expectPositive(results.comparisons.filter(({ title }) => !/lost$|growth/.test(title)));
      expectMarkdown(output);
    },
    TIMEOUT_MS,
  );

  test(
    "bench/replication measures every case",
    async () => {
      const { output, results } = await run("bench/replication/main.ts", "--markdown");
      expect(results.failures).toEqual([]);
      const measured = new Set(results.comparisons.map(({ name }) => name));
      expect([...measured]).toEqual(REPLICATION_CASES.map(({ name }) => name));
      expectPositive(results.comparisons.filter(({ title }) => !/more of it|waits/.test(title)));
      expectMarkdown(output);
    },
    TIMEOUT_MS,
  );

  test("a name that means no case is refused with the names there are", async () => {
    const child = spawn("bench/memory/main.ts", "idle", "no-such-case");
    expect(await child.stderr.text()).toContain("idle connections strings");
    expect(await child.exited).toBe(1);
  });

  test("an interrupted benchmark leaves no server behind", async () => {
    const child = spawn("bench/load/main.ts", "ping-p16");
    const servers = await childrenOf(child.pid, 2);
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    for (const pid of servers) expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});

test("a table is aligned, and the same between bars as Markdown", () => {
  const rows = [
    ["GET", "1.5", "≤ 1 ✓"],
    ["SET with EX", "12", ""],
  ];
  expect(table(["load", "ms", "target"], rows, false)).toBe(
    [
      "load          ms  target",
      "-----------  ---  ------",
      "GET          1.5  ≤ 1 ✓",
      "SET with EX   12",
    ].join("\n"),
  );
  expect(table(["load", "ms", "target"], rows, true)).toBe(
    [
      "| load        |  ms | target |",
      "| ----------- | --: | ------ |",
      "| GET         | 1.5 | ≤ 1 ✓  |",
      "| SET with EX |  12 |        |",
    ].join("\n"),
  );
});

async function run(script: string, ...args: string[]) {
  const json = join(dir, "results.json");
  rmSync(json, { force: true });
  const child = spawn(script, "--json", json, ...args);
  const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  await child.exited;
  if (!existsSync(json)) throw new Error(`${script} wrote no results:\n${output}${errors}`);
  return { output, results: JSON.parse(readFileSync(json, "utf8")) as Results };
}

function spawn(script: string, ...args: string[]) {
  return Bun.spawn([process.execPath, script, "--quick", "--pedis", BINARY, ...args], {
    cwd: ROOT,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: TIMEOUT_MS,
  });
}

/** The child processes of `pid`, once there are `count` of them. */
async function childrenOf(pid: number, count: number): Promise<string[]> {
  for (;;) {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
    const pids = children.filter((child) => child !== "");
    if (pids.length >= count) return pids;
    await Bun.sleep(1);
  }
}

function expectPositive(comparisons: readonly Comparison[]): void {
  for (const { figures } of comparisons) {
    expect(figures.pedis).toBeGreaterThan(0);
    expect(figures.redis).toBeGreaterThan(0);
  }
}

/** Each line of a table has as many cells as the first one, and the second is the rule. */
function expectMarkdown(output: string): void {
  const tables = output.split("\n\n").filter((block) => block.startsWith("|"));
  expect(tables.length).toBeGreaterThan(0);
  for (const block of tables) {
    const lines = block.trim().split("\n");
    expect(lines[1]).toMatch(/^\|( -+:? \|)+$/);
    const bars = (line: string) => line.split("|").length;
    for (const line of lines) expect(bars(line)).toBe(bars(lines[0]));
  }
}
