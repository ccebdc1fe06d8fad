/** Every micro-benchmark runs a few times over a few items and does its work, so that none rots. */
import { describe, expect, test } from "bun:test";
import { SUBJECTS } from "../../bench/micro/subjects.ts";

const ITEM_COUNT = 300;
const RUNS = 3;
const MAIN = new URL("../../bench/micro/main.ts", import.meta.url).pathname;

describe.each(SUBJECTS)("$name", ({ benchmarks }) => {
  test.each(benchmarks)("$name", ({ prepare }) => {
    const { run, operations, expected } = prepare(ITEM_COUNT);
    expect(operations).toBeGreaterThan(0);
    for (let i = 0; i < RUNS; i++) expect(run()).toBe(expected);
  });
});

test("every file of bench/micro that the sources name is there", async () => {
  const root = new URL("../../", import.meta.url).pathname;
  const named = new Set<string>();
  for (const path of new Bun.Glob("src/**/*.{ts,md}").scanSync(root)) {
    const text = await Bun.file(root + path).text();
    for (const [found] of text.matchAll(/bench\/micro\/[\w-]+\.ts/g)) named.add(found);
  }
  expect(named.size).toBeGreaterThan(2);
  for (const path of named) {
    expect([path, await Bun.file(root + path).exists()]).toEqual([path, true]);
  }
});

test("the program prints a table of figures per subject", async () => {
  const options = ["--filter", "hash", "--items", "10", "--quick", "--markdown"];
  const child = Bun.spawn([process.execPath, MAIN, ...options], { stderr: "inherit" });
  const output = await child.stdout.text();
  expect(await child.exited).toBe(0);
  expect(output).toMatch(/^\| 16 bytes +\| +[\d.]+ \| +[\d.]+ \| +[\d.]+ \|$/m);
});

test("a filter that names nothing is refused with the names there are", async () => {
  const child = Bun.spawn([process.execPath, MAIN, "--filter", "no-such"], { stderr: "pipe" });
  expect(await child.stderr.text()).toContain(SUBJECTS.map(({ name }) => name).join(" "));
  expect(await child.exited).toBe(1);
});
