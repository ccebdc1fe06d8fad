/** The AOF of a real server: across restarts, with redis-server on the same files, refusals. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findOracle } from "../support/oracle.ts";
import type { RespClient } from "../support/resp-client.ts";
import {
  PEDIS,
  type Program,
  runToExit,
  type ServerProcess,
  startServer,
} from "../support/server.ts";

const AOF = ["appendonly yes", 'save ""'];
/** The oracle reads nothing newer. */
const READ_BY_7_0 = "rdb-version 10";
const oracle = findOracle();
const CHECKER = Bun.which("redis-check-aof");

/** Writes of several kinds and databases, with what must be found afterwards. */
async function fill(server: ServerProcess, mark: string): Promise<void> {
  await server.withClient(async (client) => {
    await client.pipeline([
      ["SET", `${mark}:text`, "a\r\nb\0\xff"],
      ["SET", `${mark}:number`, "-9223372036854775808"],
      ["SET", `${mark}:large`, "x".repeat(3 << 20)],
      ["SET", `${mark}:expiring`, "1", "PX", "100000000"],
      ["SET", `${mark}:gone`, "1"],
      ["DEL", `${mark}:gone`],
      ["APPEND", `${mark}:text`, "!"],
      ["SELECT", "9"],
      ["INCRBY", `${mark}:counter`, "42"],
      ["MSET", `${mark}:m1`, "1", `${mark}:m2`, "2"],
    ]);
  });
}

/** All keys of databases 0 and 9 with value and absolute expiry. */
async function content(server: ServerProcess): Promise<Record<string, string>> {
  return await server.withClient(async (client) => ({
    ...(await contentOf(client, 0)),
    ...(await contentOf(client, 9)),
  }));
}

async function contentOf(client: RespClient, database: number): Promise<Record<string, string>> {
  await client.do(`SELECT ${database}`);
  const keys = (await client.value("KEYS *")) as string[];
  const found: Record<string, string> = {};
  for (const key of keys) {
    const [value, expiry] = await client.pipeline([
      ["GET", key],
      ["PEXPIRETIME", key],
    ]);
    found[`${database} ${key}`] = `${text(value)} ${text(expiry)}`;
  }
  return found;
}

function text(reply: { raw: Uint8Array }): string {
  return Buffer.from(reply.raw).toString("latin1");
}

/** What a server that needs no port is started with on this directory. */
function startArguments(dir: string): string[] {
  const listen = ["--port", "0", "--unixsocket", join(dir, "socket")];
  return [...listen, "--dir", dir, "--appendonly", "yes"];
}

async function withDirectory(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "aof-test-"));
  try {
    await use(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function filesOf(dir: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) found[path.slice(dir.length)] = readFileSync(path, "latin1");
  }
  return found;
}

function check(dir: string): void {
  if (CHECKER === null) return;
  const manifest = join(dir, "appendonlydir", "appendonly.aof.manifest");
  const run = Bun.spawnSync([CHECKER, manifest], { stdin: "ignore" });
  expect(run.stdout.toString()).toContain("All AOF files and manifest are valid");
  expect(run.exitCode).toBe(0);
}

test.each(["always", "everysec", "no"])(
  "Restarting keeps everything (appendfsync %s)",
  async (policy) => {
    await using server = await startServer({
      directives: [...AOF, READ_BY_7_0, `appendfsync ${policy}`],
    });
    await fill(server, "first");
    const before = await content(server);
    expect(Object.keys(before).length).toBe(7);
    await server.restart();
    expect(await content(server)).toEqual(before);
    await fill(server, "second");
    const then = await content(server);
    await server.kill9();
    await server.start();
    expect(await content(server)).toEqual(then);
    check(server.dir);
  },
);

describe.skipIf(oracle === null)("With redis-server on the same files", () => {
  const redis = oracle ?? PEDIS;

  test.each<[string, Program, Program]>([
    ["Pedis to Redis", PEDIS, redis],
    ["Redis to Pedis", redis, PEDIS],
  ])("%s and back", async (_, first, second) => {
    await withDirectory(async (dir) => {
      let expected: Record<string, string> = {};
      for (const [round, program] of [first, second, first, second].entries()) {
        const directives = program === PEDIS ? [...AOF, READ_BY_7_0] : AOF;
        await using server = await startServer({ program, dir, directives });
        expect(await content(server)).toEqual(expected);
        await fill(server, `round${round}`);
        expected = await content(server);
        await server.stop();
        check(dir);
      }
      expect(Object.keys(expected).length).toBe(28);
    });
  });

  test.each([
    ["empty", ""],
    ["without a final newline", "file appendonly.aof.1.incr.aof seq 1 type i"],
    ["with a blank line", "file appendonly.aof.1.incr.aof seq 1 type i\n\n"],
    ["with a long line", `file ${"x".repeat(1100)} seq 1 type i\n`],
    ["with a path", "file a/b seq 1 type i\n"],
    ["with an unknown type", "file appendonly.aof.1.incr.aof seq 1 type x\n"],
    ["with a number missing", "file appendonly.aof.1.incr.aof type i\n"],
    ["with falling numbers", "file a seq 2 type i\nfile b seq 1 type i\n"],
    ["with two bases", "file a seq 1 type b\nfile b seq 1 type b\n"],
    ["with unbalanced quotes", 'file "a seq 1 type b\n'],
    ["of a missing file", "file missing.incr.aof seq 1 type i\n"],
  ])("Both refuse a manifest %s, in the same words", async (_, manifest) => {
    await withDirectory(async (dir) => {
      mkdirSync(join(dir, "appendonlydir"));
      writeFileSync(join(dir, "appendonlydir", "appendonly.aof.1.incr.aof"), "");
      writeFileSync(join(dir, "appendonlydir", "appendonly.aof.manifest"), manifest);
      const before = filesOf(dir);
      const [ours, theirs] = await Promise.all(
        [PEDIS, redis].map((program) => runToExit(startArguments(dir), program)),
      );
      expect([ours.exitCode, theirs.exitCode]).toEqual([1, 1]);
      expect(messages(ours.stdout)).toEqual(messages(theirs.stdout));
      expect(filesOf(dir)).toEqual(before);
    });
  });
});

test("A cut increment is refused with exit code 1, and not changed", async () => {
  await withDirectory(async (dir) => {
    mkdirSync(join(dir, "appendonlydir"));
    const increment = join(dir, "appendonlydir", "appendonly.aof.1.incr.aof");
    writeFileSync(increment, "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*3\r\n$3\r\nSE");
    writeFileSync(
      join(dir, "appendonlydir", "appendonly.aof.manifest"),
      "file appendonly.aof.1.incr.aof seq 1 type i\n",
    );
    const before = filesOf(dir);
    const report = await runToExit([...startArguments(dir), "--aof-load-truncated", "no"]);
    expect(report.exitCode).toBe(1);
    expect(report.stdout).toContain("Unexpected end of file reading the append only file");
    expect(filesOf(dir)).toEqual(before);

    await using server = await startServer({ dir, directives: AOF });
    expect(await server.withClient((client) => client.value("GET a"))).toBe("1");
    expect(readFileSync(increment).length).toBe(27);
  });
});

test("A server that loads answers, with LOADING or with its progress", async () => {
  await withDirectory(async (dir) => {
    mkdirSync(join(dir, "appendonlydir"));
    const keys = 100_000;
    const value = "v".repeat(20);
    const lines: string[] = [];
    for (let i = 0; i < keys; i++) {
      const key = `key${i}`;
      lines.push(`*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$20\r\n${value}\r\n`);
    }
    writeFileSync(join(dir, "appendonlydir", "appendonly.aof.1.incr.aof"), lines.join(""));
    writeFileSync(
      join(dir, "appendonlydir", "appendonly.aof.manifest"),
      "file appendonly.aof.1.incr.aof seq 1 type i\n",
    );
    await using server = await startServer({ dir, directives: ["appendonly no"] });
    await server.stop();
    // Ten seconds, if it were not told to go on faster.
    const starting = server.start(["appendonly yes", "key-load-delay 100"]);
    const seen = new Set<string>();
    while (!seen.has("GET ok")) {
      try {
        await using client = await server.connect();
        const [get, info] = await client.pipeline(["GET key1", "INFO persistence"]);
        const answer = text(get);
        if (answer.startsWith("-LOADING Redis is loading the dataset in memory")) {
          seen.add("GET loading");
          if (/loading:1\r\n[^]*loading_loaded_perc:\d/.test(text(info))) seen.add("INFO");
          if (seen.has("INFO")) await client.do("CONFIG SET key-load-delay 0");
        } else {
          expect(answer).toBe(`$20\r\n${value}\r\n`);
          seen.add("GET ok");
        }
      } catch {
        await Bun.sleep(1);
      }
    }
    await starting;
    expect([...seen].sort()).toEqual(["GET loading", "GET ok", "INFO"]);
    expect(await server.withClient((client) => client.value("DBSIZE"))).toBe(keys);
  });
});

/** What the log says about the AOF, without time and process. */
function messages(log: string): string[] {
  const lines = log.replace(/^\d+:\w .{24} [.*#-] /gm, "").split("\n");
  return lines.filter((line) => /AOF|manifest|>>>|Found|File can't|no such/i.test(line));
}
