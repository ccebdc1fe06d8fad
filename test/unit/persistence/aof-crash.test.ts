/**
 * A rewrite, and AOF being switched on, with the disk failing at each of its operations: once, or
 * for good, which is a crash. Whatever was acknowledged is there after the next start.
 */
import { describe, expect, test } from "bun:test";
import type { DirectiveName } from "../../../src/engine/config/directives.ts";
import { type Fixture, fixture, makeDirectory, started } from "./_setup.ts";

const TIMEOUT_MS = 180_000;

type Directives = Partial<Record<DirectiveName, string>>;

/** Writes under keys of their own, with those that were acknowledged. */
class Writes {
  readonly attempted: string[] = [];
  readonly acknowledged: string[] = [];
  private readonly it: Fixture;

  constructor(it: Fixture) {
    this.it = it;
  }

  /** Three in a group and one alone; they count only while nothing is being switched on. */
  add(): void {
    const number = this.attempted.length;
    const group = [0, 1, 2].map((i) => `group${number}:${i}`);
    const chunk = [["MULTI"], ...group.map((key) => ["SET", key, "1"]), ["EXEC"]];
    this.attempted.push(...group);
    const before = this.it.engine.keyspace.keyCount;
    this.it.pipeline(chunk);
    const wasRun = this.it.engine.keyspace.keyCount === before + group.length;
    if (wasRun && this.settles) this.acknowledged.push(...group);
    const key = `key${number}`;
    this.attempted.push(key);
    if (this.it.do("SET", key, "1") === "+OK\r\n" && this.settles) this.acknowledged.push(key);
  }

  private get settles(): boolean {
    return this.it.aof.writer.settle() && this.it.aof.state === "on";
  }

  check(found: readonly string[]): void {
    const keys = new Set(found.map((line) => line.slice(2, line.indexOf("="))));
    expect(this.acknowledged.filter((key) => !keys.has(key))).toEqual([]);
    const attempted = new Set(this.attempted);
    expect([...keys].filter((key) => !attempted.has(key))).toEqual([]);
    for (const key of keys) {
      if (!key.startsWith("group")) continue;
      const [group] = key.split(":");
      expect([0, 1, 2].every((i) => keys.has(`${group}:${i}`))).toBe(true);
    }
  }
}

/** Two rewrites with writes before, during and after them. */
function rewriteTwice(it: Fixture, writes: Writes): void {
  for (let round = 0; round < 2; round++) {
    writes.add();
    it.do("BGREWRITEAOF");
    writes.add();
    it.aof.cron();
    it.finishSnapshot();
    writes.add();
    it.clock.advance(1100);
    it.aof.cron();
  }
}

function switchOn(it: Fixture, writes: Writes): void {
  writes.add();
  it.set("appendonly", "yes");
  writes.add();
  it.finishSnapshot();
  writes.add();
  it.aof.cron();
  it.finishSnapshot();
  writes.add();
  it.do("BGREWRITEAOF");
  it.finishSnapshot();
  writes.add();
}

const ALWAYS: Directives = { "aof-use-rdb-preamble": "no", appendfsync: "always" };

const SCENARIOS: [string, Directives, typeof rewriteTwice][] = [
  ["a rewrite", {}, rewriteTwice],
  ["a rewrite to commands, synced always", ALWAYS, rewriteTwice],
  ["switching on", { appendonly: "no" }, switchOn],
];

/** The operations of a run in which nothing fails, counted from the end of the start. */
async function countOperations([, directives, run]: (typeof SCENARIOS)[number]): Promise<number> {
  const it = await started(makeDirectory(), directives);
  const before = it.disk.operations;
  run(it, new Writes(it));
  return it.disk.operations - before;
}

describe.each(SCENARIOS)("%s", (...scenario) => {
  const [, directives, run] = scenario;

  test(
    "loses nothing in a crash at any moment",
    async () => {
      const count = await countOperations(scenario);
      expect(count).toBeGreaterThan(30);
      for (let i = 1; i <= count; i++) {
        const dir = makeDirectory();
        const it = await started(dir, directives);
        const writes = new Writes(it);
        it.disk.failsAt = it.disk.operations + i;
        it.disk.diesThen = true;
        run(it, writes);
        expect(it.disk.isDead).toBe(true);
        const again = await started(dir);
        writes.check(again.content());
        again.turn("SET", "new", "1");
        expect((await started(dir)).content()).toEqual(again.content());
      }
    },
    TIMEOUT_MS,
  );

  test(
    "goes on when any one operation fails",
    async () => {
      const count = await countOperations(scenario);
      for (let i = 1; i <= count; i++) {
        const dir = makeDirectory();
        const it = await started(dir, directives);
        const writes = new Writes(it);
        it.disk.failsAt = it.disk.operations + i;
        run(it, writes);
        writes.check((await started(dir)).content());
        // A sync that fails under `always` ends the server.
        if (it.exits.length > 0) continue;
        it.set("appendonly", "yes");
        it.finishSnapshot();
        run(it, writes);
        expect(it.aof.state).toBe("on");
        expect(it.info("aof_last_write_status")).toBe("ok");
        writes.check((await started(dir)).content());
        expect(writes.acknowledged.length).toBeGreaterThan(8);
      }
    },
    TIMEOUT_MS,
  );
});

test("A crash while the first files are made leaves a directory to start on", async () => {
  const probe = await started(makeDirectory());
  for (let i = 1; i <= probe.disk.operations; i++) {
    const dir = makeDirectory();
    const it = fixture(dir);
    it.disk.failsAt = i;
    it.disk.diesThen = true;
    await it.aof.start();
    expect(it.disk.isDead).toBe(true);
    const again = await started(dir);
    again.turn("SET", "a", "1");
    expect((await started(dir)).content()).toEqual(["0 a=1"]);
  }
});
