/** Rewrites of the AOF by a real server: under writes, by themselves, and for redis-server. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findOracle } from "../support/oracle.ts";
import { type Random, randomFrom } from "../support/random.ts";
import type { RespClient } from "../support/resp-client.ts";
import { PEDIS, type Program, type ServerProcess, startServer } from "../support/server.ts";

const AOF = ["appendonly yes", 'save ""', "enable-debug-command yes"];
const oracle = findOracle();
const CHECKER = Bun.which("redis-check-aof");
const ELEMENTS = 1500;
setDefaultTimeout(60_000);

/** Collections that are written bit by bit, and small ones of every kind. */
async function fill(client: RespClient): Promise<void> {
  const commands: string[][] = [];
  for (let i = 0; i < 5000; i++) commands.push(["SET", `string:${i}`, `value ${i}`.repeat(i % 9)]);
  for (let i = 0; i < ELEMENTS; i++) {
    commands.push(["RPUSH", "list", `item ${i} ${"x".repeat(400)}`], ["SADD", "set", `m${i}`]);
    commands.push(["HSET", "hash", `f${i}`, `v${i}`], ["ZADD", "zset", `${i / 3}`, `m${i}`]);
    commands.push(["XADD", "stream", `${i + 1}-1`, "field", "x".repeat(100)]);
  }
  commands.push(["SET", "huge", "h".repeat(5 << 20)], ["XGROUP", "CREATE", "stream", "group", "0"]);
  commands.push(["XREADGROUP", "GROUP", "group", "me", "COUNT", "50", "STREAMS", "stream", ">"]);
  commands.push(["SELECT", "7"], ["SET", "other", "database"], ["SELECT", "0"]);
  for (let i = 0; i < commands.length; i += 1000) {
    await client.pipeline(commands.slice(i, i + 1000));
  }
}

/** Commands that change what `fill` made, and other keys, all types alike. */
function change(random: Random, number: number): string[] {
  const member = `m${random.below(ELEMENTS * 2)}`;
  const changes: string[][] = [
    ["SET", `string:${random.below(6000)}`, `new ${number}`],
    ["EXPIRE", `string:${random.below(6000)}`, "100000"],
    ["DEL", `string:${random.below(6000)}`],
    ["APPEND", "huge", "x"],
    ["RPUSH", "list", `new ${number}`],
    ["LPOP", "list"],
    ["LSET", "list", String(random.below(ELEMENTS >> 1)), `set ${number}`],
    ["SADD", "set", member],
    ["SREM", "set", member],
    ["HSET", "hash", member, String(number)],
    ["HDEL", "hash", `f${random.below(ELEMENTS)}`],
    ["ZINCRBY", "zset", "1", member],
    ["ZREM", "zset", member],
    ["XADD", "stream", "*", "n", String(number)],
    ["XTRIM", "stream", "MAXLEN", "~", String(ELEMENTS)],
    ["RPUSH", `small:${random.below(300)}`, String(number)],
  ];
  return random.pick(changes);
}

/** Writes from several clients until it is told to stop; then what was sent has been answered. */
function startWrites(server: ServerProcess): () => Promise<void> {
  let isOver = false;
  const writers = [1, 2, 3].map((seed) =>
    server.withClient(async (client) => {
      const random = randomFrom(seed);
      for (let number = 0; !isOver; number += 50) {
        const commands = Array.from({ length: 50 }, (_, i) => change(random, number + i));
        await client.pipeline(commands);
        await Bun.sleep(1);
      }
    }),
  );
  return async () => {
    isOver = true;
    await Promise.all(writers);
  };
}

async function info(client: RespClient, field: string): Promise<string> {
  const text = (await client.value("INFO persistence")) as string;
  return new RegExp(`^${field}:(.*?)\r?$`, "m").exec(text)?.[1] ?? "";
}

async function untilRewritten(client: RespClient): Promise<void> {
  for (;;) {
    const isRunning = await info(client, "aof_rewrite_in_progress");
    const isScheduled = await info(client, "aof_rewrite_scheduled");
    if (isRunning === "0" && isScheduled === "0") return;
    await Bun.sleep(5);
  }
}

function digest(server: ServerProcess): Promise<string> {
  return server.withClient(async (client) => (await client.value("DEBUG DIGEST")) as string);
}

function check(dir: string): void {
  if (CHECKER === null) return;
  const manifest = join(dir, "appendonlydir", "appendonly.aof.manifest");
  const run = Bun.spawnSync([CHECKER, manifest], { stdin: "ignore" });
  expect(run.stdout.toString()).toContain("All AOF files and manifest are valid");
  expect(run.exitCode).toBe(0);
}

/** 7.0 does not read what Pedis writes by default. */
function directivesOf(program: Program, preamble: string): string[] {
  const directives = [...AOF, `aof-use-rdb-preamble ${preamble}`];
  return program === PEDIS ? [...directives, "rdb-version 10"] : directives;
}

describe.each(["yes", "no"])("With aof-use-rdb-preamble %s", (preamble) => {
  test("a rewrite under writes loses nothing", async () => {
    await using server = await startServer({ directives: directivesOf(PEDIS, preamble) });
    await using client = await server.connect();
    await fill(client);
    const stop = startWrites(server);
    for (let round = 2; round <= 3; round++) {
      await Bun.sleep(50);
      expect(await client.value("BGREWRITEAOF")).toBe(
        "Background append only file rewriting started",
      );
      await untilRewritten(client);
      expect(await info(client, "aof_last_bgrewrite_status")).toBe("ok");
    }
    await Bun.sleep(50);
    await stop();
    const before = await digest(server);
    expect(await client.value("DEBUG LOADAOF")).toBe("OK");
    expect(await digest(server)).toBe(before);
    await server.kill9();
    check(server.dir);
    expect(readdirSync(join(server.dir, "appendonlydir")).sort()).toEqual([
      `appendonly.aof.3.base.${preamble === "yes" ? "rdb" : "aof"}`,
      "appendonly.aof.3.incr.aof",
      "appendonly.aof.manifest",
    ]);
    await server.start();
    expect(await digest(server)).toBe(before);
  });

  test("switching on under writes loses nothing", async () => {
    const directives = directivesOf(PEDIS, preamble).map((line) => line.replace("ly yes", "ly no"));
    await using server = await startServer({ directives });
    await using client = await server.connect();
    await fill(client);
    const stop = startWrites(server);
    await Bun.sleep(20);
    expect(await client.value("CONFIG SET appendonly yes")).toBe("OK");
    await untilRewritten(client);
    await Bun.sleep(50);
    await stop();
    const before = await digest(server);
    await server.kill9();
    check(server.dir);
    await server.start(["appendonly yes"]);
    expect(await digest(server)).toBe(before);
  });

  test.skipIf(oracle === null)("redis-server loads a rewrite of Pedis, and Pedis its", async () => {
    const dir = mkdtempSync(join(tmpdir(), "aof-test-"));
    let expected: string | null = null;
    for (const program of [PEDIS, oracle ?? PEDIS, PEDIS]) {
      const directives = directivesOf(program, preamble);
      await using server = await startServer({ program, dir, directives });
      await using client = await server.connect();
      if (expected === null) await fill(client);
      else expect(await digest(server)).toBe(expected);
      await client.do("BGREWRITEAOF");
      await untilRewritten(client);
      const random = randomFrom(9);
      await client.pipeline(Array.from({ length: 500 }, (_, i) => change(random, i)));
      expected = await digest(server);
      await server.stop();
      check(dir);
    }
    rmSync(dir, { recursive: true });
  });
});

test("Rewrites begin by themselves when the file has grown enough", async () => {
  await using server = await startServer({
    directives: [
      ...directivesOf(PEDIS, "yes"),
      "auto-aof-rewrite-percentage 50",
      "auto-aof-rewrite-min-size 64kb",
    ],
  });
  await using client = await server.connect();
  const value = "x".repeat(1000);
  for (let i = 0; i < 40; i++) {
    await client.pipeline(
      Array.from({ length: 10 }, (_, j) => ["SET", `key${j}`, `${i} ${value}`]),
    );
    await Bun.sleep(20);
  }
  await server.waitForLog(/Starting automatic rewriting of AOF on \d+% growth/);
  await server.waitForLog(/Background AOF rewrite finished successfully/);
  await untilRewritten(client);
  expect(Number(await info(client, "aof_current_size"))).toBeLessThan(400_000);
  const before = await digest(server);
  await server.restart();
  expect(await digest(server)).toBe(before);
  check(server.dir);
});
