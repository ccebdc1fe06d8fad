/**
 * Files from one server to another and back: every type and encoding, expiry, sixteen databases.
 * Pedis writes version 10 where Redis 7.0 is to read it.
 */
import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Content, contentOf, type ContentOptions, differences } from "../support/content.ts";
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
        expect(Object.keys(before.keys).length).toBeGreaterThan(200 * (round + 1));
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
    const { commands } = makeDataset(random, { ...options, prefix: `${round}:` });
    const half = Math.floor(commands.length / 2);
    await sendAll(client, commands.slice(0, half));
    await between(client);
    await sendAll(client, commands.slice(half));
  };
}

/** Fills, then saves in one of the two ways. */
function saving(options: DatasetOptions = {}): Passing["work"] {
  const fill = filling(async () => {}, { hasDeletedPending: true, ...options });
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
  const chains: [string, Program[]][] = [
    ["Pedis to Redis and back", [PEDIS, redis, PEDIS]],
    ["Redis to Pedis and back", [redis, PEDIS, redis]],
  ];
  const both = (values: string[]): [string, Program[], string][] =>
    chains.flatMap(([name, programs]) =>
      values.map((value): [string, Program[], string] => [name, programs, value]),
    );

  test.each(both(["yes", "no"]))("RDB: %s %p (rdbcompression %s)", async (_, programs, value) => {
    await passAlong({
      programs,
      directives: [`rdbcompression ${value}`],
      work: saving(),
      check: expectValidRdb,
      content: { hasSeenTimes: true },
    });
  });
});
