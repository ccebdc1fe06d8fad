/**
 * Files from one server to another and back: every type and encoding, expiry, sixteen databases.
 * Pedis writes version 10 where Redis 7.0 is to read it.
 */
import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  bulkItems,
  type Content,
  contentOf,
  type ContentOptions,
  differences,
} from "../support/content.ts";
import { type DatasetOptions, makeDataset } from "../support/dataset.ts";
import { findOracle } from "../support/oracle.ts";
import { type Random, seededRandom } from "../support/random.ts";
import type { RespClient } from "../support/resp-client.ts";
import {
  checkFile,
  copyDirectory,
  filesOf,
  persistenceField,
  rewriteAof,
  saveInBackground,
  sendAll,
  waitForField,
  withDirectory,
} from "../support/saving.ts";
import { PEDIS, type Program, startServer } from "../support/server.ts";

const BASIC = ['save ""', "enable-debug-command yes", "loglevel notice"];
const oracle = findOracle();
const redis = oracle ?? PEDIS;
if (oracle === null) console.log("Not loaded by redis-server: it is not installed.");

interface Passing {
  readonly programs: readonly Program[];
  readonly directives: readonly string[];
  /** Adds to the content, and puts all of it into files. */
  readonly work: (client: RespClient, random: Random, round: number) => Promise<void>;
  /** After each server, when it has ended. */
  readonly check?: (dir: string) => void;
  readonly content?: ContentOptions;
}

/**
 * One server after the other on the same directory: each must find what the one before it had.
 * Encodings are compared among servers of one program as they are, else by Redis 7.0's names.
 */
async function passAlong({ programs, directives, work, check, content }: Passing): Promise<void> {
  const random = seededRandom("cross-loading");
  await withDirectory(async (dir) => {
    let before: Content | null = null;
    for (const [round, program] of programs.entries()) {
      const versioned = program.name === "pedis" && programs.includes(redis);
      const all = [...BASIC, ...directives, ...(versioned ? ["rdb-version 10"] : [])];
      await using server = await startServer({ program, dir, directives: all });
      await server.withClient(async (client) => {
        if (before !== null) {
          const isOldEncoding = programs[round - 1] !== program;
          const loaded = await contentOf(client, content);
          expect(differences(loaded, before, isOldEncoding)).toEqual([]);
        }
        await work(client, random, round);
        before = await contentOf(client, content);
        expect(Object.keys(before.keys).length).toBeGreaterThan(120 * (round + 1));
      });
      await (round % 2 === 0 ? server.kill9() : server.stop());
      check?.(dir);
    }
  });
}

/** Fills with a part of its own for each round, in two halves with something done between them. */
function filling(
  between: (client: RespClient) => Promise<unknown>,
  options: DatasetOptions = {},
): Passing["work"] {
  return async (client, random, round) => {
    const { commands } = makeDataset(random, {
      ...options,
      prefix: `${round}:`,
      isSmall: round > 0,
    });
    const half = Math.floor(commands.length / 2);
    await sendAll(client, commands.slice(0, half));
    await between(client);
    await sendAll(client, commands.slice(half));
  };
}

/** Fills, then saves in one of the two ways. */
function saving(options: DatasetOptions = {}): Passing["work"] {
  const fill = filling(async () => {}, { forRdb: true, ...options });
  return async (client, random, round) => {
    await fill(client, random, round);
    if (round % 2 === 0) expect(await client.value("SAVE")).toBe("OK");
    else await saveInBackground(client);
  };
}

function expectValidRdb(dir: string): void {
  const checked = checkFile("redis-check-rdb", join(dir, "dump.rdb"));
  if (checked === null) return;
  expect(checked.output).toContain("RDB looks OK!");
  expect(checked.exitCode).toBe(0);
}

function expectValidAof(dir: string): void {
  const manifest = join(dir, "appendonlydir", "appendonly.aof.manifest");
  const checked = checkFile("redis-check-aof", manifest);
  if (checked === null) return;
  expect(checked.output).toContain("All AOF files and manifest are valid");
  expect(checked.exitCode).toBe(0);
}

describe.skipIf(oracle === null)("With redis-server on the same files", () => {
  const there = "Pedis to Redis and back";
  const back = "Redis to Pedis and back";
  /** Each server first, each value once; PEDIS_LONG tries them all. */
  const cases: [string, string, Program[]][] = [
    [there, "yes", [PEDIS, redis, PEDIS]],
    [back, "no", [redis, PEDIS, redis]],
  ];
  if (process.env["PEDIS_LONG"] !== undefined) {
    cases.push([there, "no", [PEDIS, redis, PEDIS]], [back, "yes", [redis, PEDIS, redis]]);
  }

  test.each(cases)("RDB: %s (rdbcompression %s)", async (_, value, programs) => {
    await passAlong({
      programs,
      // Where files are not compressed, nodes of lists are, by Redis at least.
      directives: [
        `rdbcompression ${value}`,
        `rdbchecksum ${value}`,
        `list-compress-depth ${value === "no" ? 1 : 0}`,
      ],
      work: saving(),
      check: expectValidRdb,
    });
  });

  test.each(cases)("AOF: %s (aof-use-rdb-preamble %s)", async (_, value, programs) => {
    await passAlong({
      programs,
      directives: ["appendonly yes", `aof-use-rdb-preamble ${value}`],
      work: filling(rewriteAof),
      check: expectValidAof,
      content: { isRebuilt: true },
    });
  });

  test.each(["yes", "no"])("AOF: a single file of old (aof-use-rdb-preamble %s)", async (value) => {
    await withDirectory(async (dir) => {
      const before = await makeOldAof(join(dir, "old"), value);
      const files = [PEDIS, redis].map(async (program) => {
        const own = join(dir, program.name);
        copyDirectory(join(dir, "old"), own);
        const directives = [...BASIC, "appendonly yes"];
        await using server = await startServer({ program, dir: own, directives });
        const loaded = await server.withClient((client) => contentOf(client, { isRebuilt: true }));
        expect(differences(loaded, before, true)).toEqual([]);
        await server.kill9();
        return filesOf(own);
      });
      const [ours, theirs] = await Promise.all(files);
      expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
      for (const [name, content] of Object.entries(theirs)) {
        expect(ours[name] === content ? name : `${name} differs`).toBe(name);
      }
    });
  });

  test("Function libraries pass through Pedis", async () => {
    await withDirectory(async (dir) => {
      const code = "#!lua name=mylib\nredis.register_function('f', function() return 'kept' end)";
      const steps: [Program, string[]][] = [
        [redis, ["appendonly no"]],
        // The base of this one is in RDB format all the same: no commands of ours make libraries.
        [PEDIS, ["appendonly yes", "aof-use-rdb-preamble no", "rdb-version 10"]],
        [redis, ["appendonly yes"]],
        [PEDIS, ["appendonly yes", "rdb-version 10"]],
        [redis, ["appendonly yes"]],
      ];
      for (const [round, [program, directives]] of steps.entries()) {
        // From here on the append-only file holds the data.
        const loadsRdb = round === 1;
        const first = loadsRdb ? ["appendonly no", "rdb-version 10"] : directives;
        const all = [...BASIC, ...first];
        await using server = await startServer({ program, dir, directives: all });
        await server.withClient(async (client) => {
          if (round === 0) expect(await client.value("FUNCTION", "LOAD", code)).toBe("mylib");
          if (program === redis) expect(await client.value("FCALL f 0")).toBe("kept");
          await client.do("SET", `key${round}`, "value");
          expect(await client.value("DBSIZE")).toBe(round + 1);
          if (loadsRdb) {
            await client.do("CONFIG SET aof-use-rdb-preamble no appendonly yes");
            await waitForField(client, "aof_rewrite_in_progress", "0");
          }
          if (round > 0) await rewriteAof(client);
          else await client.do("SAVE");
        });
        await server.kill9();
      }
    });
  });

  test.each([
    ["allkeys-lru", "IDLETIME", 5000],
    ["allkeys-lfu", "FREQ", 77],
  ])("Access clocks are kept under %s", async (policy, word, value) => {
    await withDirectory(async (dir) => {
      for (const program of [redis, PEDIS, redis, PEDIS]) {
        const directives = [...BASIC, `maxmemory-policy ${policy}`, "lfu-decay-time 0"];
        if (program === PEDIS) directives.push("rdb-version 10");
        await using server = await startServer({ program, dir, directives });
        await server.withClient(async (client) => {
          if ((await client.value("EXISTS k")) === 0) {
            await client.do("SET other v");
            const payload = bulkItems(
              Buffer.concat([Buffer.from("*1\r\n"), (await client.do("DUMP other")).raw]),
            )[0];
            expect(await client.value("RESTORE", "k", 0, payload, word, value)).toBe("OK");
          }
          const now = Number(await client.value("OBJECT", word, "k"));
          expect(now).toBeGreaterThanOrEqual(value);
          expect(now).toBeLessThan(value + 60);
          expect(await client.value("SAVE")).toBe("OK");
        });
        await server.kill9();
      }
    });
  });

  /** What Redis before 7.0 left: one file, a base and what came after it. */
  async function makeOldAof(dir: string, preamble: string): Promise<Content> {
    mkdirSync(dir);
    const directives = [...BASIC, "appendonly yes", `aof-use-rdb-preamble ${preamble}`];
    await using server = await startServer({ program: redis, dir, directives });
    const before = await server.withClient(async (client) => {
      await filling(rewriteAof)(client, seededRandom("old AOF"), 0);
      return await contentOf(client, { isRebuilt: true });
    });
    await server.kill9();
    const files = filesOf(dir);
    const [base, increment] = Object.keys(files)
      .filter((name) => !name.endsWith("manifest"))
      .sort();
    const content = `${files[base]}${files[increment]}`;
    rmSync(join(dir, "appendonlydir"), { recursive: true });
    writeFileSync(join(dir, "appendonly.aof"), content, "latin1");
    return before;
  }
});

test.each([
  ["11", "yes"],
  ["12", "no"],
])("RDB: Pedis reads its own version %s (rdbcompression %s)", async (version, value) => {
  await passAlong({
    programs: [PEDIS, PEDIS],
    directives: [`rdb-version ${version}`, `rdbcompression ${value}`],
    work: saving({ hasFieldExpiry: true }),
    content: { hasFieldExpiry: true },
  });
});

test.each(["yes", "no"])("AOF: Pedis reads its own (aof-use-rdb-preamble %s)", async (value) => {
  await passAlong({
    programs: [PEDIS, PEDIS],
    directives: ["appendonly yes", `aof-use-rdb-preamble ${value}`],
    work: filling(rewriteAof, { hasFieldExpiry: true }),
    content: { hasFieldExpiry: true, isRebuilt: true },
  });
});

test.each(oracle === null ? [PEDIS] : [PEDIS, oracle])(
  "Expired keys of an RDB file are left out: $name",
  async (program) => {
    await using server = await startServer({ program, directives: BASIC });
    await server.withClient(async (client) => {
      await client.pipeline([
        "DEBUG SET-ACTIVE-EXPIRE 0",
        "SET kept 1",
        "SET gone 1 PX 300",
        "RPUSH list 1",
        "PEXPIRE list 300",
      ]);
      expect(await client.value("SAVE")).toBe("OK");
    });
    await server.kill9();
    await Bun.sleep(310);
    await server.start();
    await server.withClient(async (client) => {
      expect(await client.value("KEYS *")).toEqual(["kept"]);
      expect(await persistenceField(client, "rdb_last_load_keys_loaded")).toBe("1");
      expect(await persistenceField(client, "rdb_last_load_keys_expired")).toBe("2");
    });
  },
);
