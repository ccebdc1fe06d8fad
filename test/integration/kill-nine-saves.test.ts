/**
 * kill -9 at random moments of rewrites, saves and loading, under writers of all types: whatever
 * was acknowledged is there after the restart, transactions are whole or absent, and a file of a
 * save is of one moment. PEDIS_LONG=20 makes it more than a hundred rounds.
 */
import { copyFileSync, cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "bun:test";
import { findOracle } from "../support/oracle.ts";
import { type Random, scale, seededRandom } from "../support/random.ts";
import { waitUntil } from "../support/replication.ts";
import type { RespClient } from "../support/resp-client.ts";
import { withDirectory } from "../support/saving.ts";
import { type Program, type ServerProcess, startServer } from "../support/server.ts";
import { filling } from "../support/changes.ts";
import { Writer } from "./_writers.ts";

const ROUNDS = scale(3);
const WRITERS = 6;
const LEAST_GROUPS = 10;
/** Holds what makes saves long enough to be killed in their midst. */
const BALLAST = 15;
const BASIC = [
  'save ""',
  "appendonly yes",
  "enable-debug-command yes",
  "rdb-key-save-delay 100",
  "auto-aof-rewrite-min-size 200kb",
];
const oracle = findOracle();

test.each(["always", "everysec"])(
  "kill -9 during saves and rewrites loses nothing (appendfsync %s)",
  async (policy) => {
    const random = seededRandom(`kill -9 during saves, ${policy}`);
    const directives = [...BASIC, `appendfsync ${policy}`, "rdb-version 10"];
    await using server = await startServer({ directives });
    await server.withClient(async (client) => {
      await client.do("SELECT", BALLAST);
      const options = { keys: 30, hugeSize: 3000, databases: 1, hasFieldExpiry: false };
      const commands = [...filling(random, options)].filter(([name]) => name !== "SELECT");
      await client.pipeline(commands);
    });
    const writers = Array.from(
      { length: WRITERS },
      (_, i) => new Writer(random, { database: i, isTransaction: i % 3 === 0 }),
    );
    for (let round = 0; round < ROUNDS; round++) await playRound(server, writers, random);
    for (const writer of writers) expect(writer.groups).toBeGreaterThan(ROUNDS * LEAST_GROUPS);
  },
  ROUNDS * 60_000,
);

async function playRound(server: ServerProcess, writers: Writer[], random: Random): Promise<void> {
  const clients = await Promise.all(writers.map(() => server.connect()));
  const writing = writers.map((writer, i) => writer.write(clients[i]));
  await using control = await server.connect();
  await control.pipeline([
    ["CONFIG", "SET", "aof-use-rdb-preamble", random.pick(["yes", "no"])],
    ["CONFIG", "SET", "auto-aof-rewrite-percentage", random.pick([0, 10])],
  ]);
  // So much at least, however slow the machine is.
  await waitUntil(
    () => Promise.resolve(writers.every(({ progress }) => progress > LEAST_GROUPS)),
    () => `The writers got on by ${writers.map(({ progress }) => progress).join()} groups`,
  );
  await Bun.sleep(random.below(200));
  const saves = random.chance(0.5);
  // Which may have to wait for an automatic rewrite, or be it.
  await control.do(saves ? "BGSAVE SCHEDULE" : "BGREWRITEAOF");
  await Bun.sleep(random.below(400));
  await server.kill9();
  await Promise.all(writing);
  if (saves) await checkSave(server.dir, writers);
  if (random.chance(0.3)) {
    const starting = server.start().catch(() => {});
    await Bun.sleep(random.between(20, 400));
    await server.kill9();
    await starting;
  }
  await server.start();
  await checkAll(server, (writer, client) => writer.check(client), writers);
  if (oracle !== null && random.chance(0.3)) await checkWithRedis(server.dir, oracle, writers);
}

/** A file of a save is whole and of one moment, or not there. */
async function checkSave(dir: string, writers: Writer[]): Promise<void> {
  const saved = join(dir, "dump.rdb");
  if (!existsSync(saved)) return;
  await withDirectory(async (copy) => {
    copyFileSync(saved, join(copy, "dump.rdb"));
    const directives = ['save ""', "enable-debug-command yes"];
    await using server = await startServer({ dir: copy, directives });
    await checkAll(server, (writer, client) => writer.checkEarlier(client), writers);
  });
  rmSync(saved);
}

/** The directory as the crash left it and the last start repaired it. */
async function checkWithRedis(dir: string, program: Program, writers: Writer[]): Promise<void> {
  await withDirectory(async (copy) => {
    cpSync(dir, copy, { recursive: true });
    const directives = ['save ""', "appendonly yes", "enable-debug-command yes"];
    await using server = await startServer({ program, dir: copy, directives });
    await checkAll(server, (writer, client) => writer.check(client), writers);
  });
}

async function checkAll(
  server: ServerProcess,
  check: (writer: Writer, client: RespClient) => Promise<string[]>,
  writers: Writer[],
): Promise<void> {
  for (const writer of writers) {
    expect(await server.withClient((client) => check(writer, client))).toEqual([]);
  }
}
