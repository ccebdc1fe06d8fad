/**
 * Three Sentinels before a primary and two replicas, the primary killed again and again while
 * clients write: no write that `WAIT 1` acknowledged is lost, and each client finds the next
 * primary by itself.
 *
 * Why `WAIT 1` is enough here, with two replicas of which one is promoted:
 *
 * - One server dies at a time: the next is killed only when the last is back as a replica, with
 *   the primary's content. Until then its history is not the primary's.
 * - So both replicas hold beginnings of one and the same stream, and the one with the higher
 *   offset has all that the other has. What WAIT counted is below the offset of one of them.
 * - Sentinel promotes the replica with the highest offset (their priorities are equal), and looks
 *   at offsets that the replicas told after the primary's death (sentinels.ts has the times).
 *   Sentinel as shipped may judge by offsets of some seconds ago; who needs the promise with its
 *   times keeps one replica, or waits for all of them.
 * - What the killed primary still has when it starts again, as a primary for some moments, is never
 *   acknowledged: without replicas WAIT counts none. `min-replicas-to-write 1` refuses the writes
 *   of clients that come to it by then.
 * - It is started again only when Sentinel has replaced it. Had it come back at once, with what its
 *   own append-only file holds, there would have been no failover.
 */
import { Redis } from "ioredis";
import { afterAll, describe, expect, test } from "bun:test";
import { findOracle } from "../support/oracle.ts";
import { readmeBlock } from "../support/recipe.ts";
import { PEDIS, type Program, type ServerProcess, startServer } from "../support/server.ts";
import {
  findSentinel,
  PRIMARY_NAME,
  type Sentinels,
  startSentinels,
  until,
} from "../support/sentinels.ts";
import { AcknowledgedWriter } from "./_acknowledged-writer.ts";

const oracle = findOracle();
const hasSentinel = findSentinel() !== null && oracle !== null;
const WRITERS = 4;
const LEAST_WRITES = 100;
const LIMIT_MS = 60_000;
const CONFIG = [
  "min-replicas-to-write 1",
  "appendonly yes",
  'save ""',
  "repl-diskless-sync-delay 0",
  "enable-debug-command yes",
  readmeBlock("Sentinel's user").trim(),
];
/** Sentinel comes as the user that the README proposes. */
const SENTINEL_CONFIG = [
  `sentinel auth-user ${PRIMARY_NAME} sentinel`,
  `sentinel auth-pass ${PRIMARY_NAME} secret`,
];
const report: string[] = [];

afterAll(() => {
  for (const line of report) console.log(line);
});

describe.skipIf(!hasSentinel)("Sentinel (needs redis-sentinel and redis-server)", () => {
  const redis = oracle ?? PEDIS;
  test(
    "Redis alone, as a check of this test",
    () => killRepeatedly([redis, redis, redis], 1),
    120_000,
  );
  test("Pedis: ten primaries in a row", () => killRepeatedly([PEDIS, PEDIS, PEDIS], 10), 180_000);
  // With one replica it is settled who is promoted: Redis after Pedis, and Pedis after Redis.
  test("Redis and Pedis, in turns", () => killRepeatedly([PEDIS, redis], 3), 150_000);
});

/** Kills the primary so many times among servers that run these programs. */
async function killRepeatedly(programs: readonly Program[], kills: number): Promise<void> {
  await using servers = await startServers(programs);
  await using sentinels = await startSentinels({
    primaryPort: servers.list[0].port,
    config: SENTINEL_CONFIG,
  });
  await sentinels.settled(programs.length - 1, LIMIT_MS);
  const writers = Array.from(
    { length: WRITERS },
    (_, id) =>
      new AcknowledgedWriter({
        id,
        sentinels: sentinels.addresses,
        primaryName: PRIMARY_NAME,
        counts: id % 2 === 0,
      }),
  );
  for (const writer of writers) writer.start();
  try {
    for (let i = 0; i < kills; i++) {
      await allAcknowledge(writers, performance.now());
      report.push(await killPrimary(servers.list, sentinels, writers));
      await sentinels.settled(programs.length - 1, LIMIT_MS);
    }
    await allAcknowledge(writers, performance.now());
    await until(
      () => Promise.resolve(writers.every(({ acknowledged }) => acknowledged > LEAST_WRITES)),
      () => "The writers do not get on",
      LIMIT_MS,
    );
  } finally {
    await Promise.all(writers.map((writer) => writer.stop()));
  }
  const [port] = await sentinels.primaryPorts();
  await expectNothingLost(writers, port);
  await expectSameContent(servers.list);
}

/** Waits until each of them had a write acknowledged that it began after `sinceMs`. */
async function allAcknowledge(
  writers: readonly AcknowledgedWriter[],
  sinceMs: number,
): Promise<number> {
  const times = writers.map((writer) => writer.acknowledgedSince(sinceMs, LIMIT_MS));
  return Math.max(...(await Promise.all(times)));
}

/** Gives what happened, in a line. */
async function killPrimary(
  servers: readonly ServerProcess[],
  sentinels: Sentinels,
  writers: readonly AcknowledgedWriter[],
): Promise<string> {
  const [port] = await sentinels.primaryPorts();
  const victim = serverAt(servers, port);
  const killedAtMs = performance.now();
  await victim.kill9();
  const nextPort = await sentinels.failedOver(port, LIMIT_MS);
  const replacedAfterMs = performance.now() - killedAtMs;
  const [recoveredAtMs] = await Promise.all([
    allAcknowledge(writers, killedAtMs + replacedAfterMs),
    victim.start(),
  ]);
  const [from, to] = [victim, serverAt(servers, nextPort)].map(({ program }) => program.name);
  const times = [replacedAfterMs, recoveredAtMs - killedAtMs].map((ms) => (ms / 1000).toFixed(1));
  return `${from} killed, ${to} promoted after ${times[0]} s, all write after ${times[1]} s`;
}

async function expectNothingLost(
  writers: readonly AcknowledgedWriter[],
  port: number,
): Promise<void> {
  const primary = new Redis({ port });
  try {
    for (const writer of writers) {
      const { acknowledged, unacknowledged, failed } = writer;
      report.push(`${acknowledged} writes acknowledged, ${unacknowledged} not, ${failed} failed`);
      expect(acknowledged).toBeGreaterThan(LEAST_WRITES);
      expect(await writer.lost(primary)).toEqual([]);
    }
  } finally {
    primary.disconnect();
  }
}

async function expectSameContent(servers: readonly ServerProcess[]): Promise<void> {
  let digests: unknown[] = [];
  await until(
    async () => {
      digests = await Promise.all(
        servers.map((one) => one.withClient((client) => client.value("DEBUG DIGEST"))),
      );
      return digests.every((digest) => digest === digests[0]);
    },
    () => `The contents differ: ${digests.join(" ")}`,
    LIMIT_MS,
  );
  expect(digests[0]).toMatch(/[1-9a-f]/);
}

function serverAt(servers: readonly ServerProcess[], port: number): ServerProcess {
  const found = servers.find((one) => one.port === port);
  if (found === undefined) throw new Error(`No server listens on ${port}`);
  return found;
}

interface Servers extends AsyncDisposable {
  readonly list: readonly ServerProcess[];
}

/** A primary, and replicas of it. */
async function startServers(programs: readonly Program[]): Promise<Servers> {
  const list: ServerProcess[] = [];
  for (const program of programs) {
    const follows = list.length === 0 ? [] : [`replicaof 127.0.0.1 ${list[0].port}`];
    list.push(await startServer({ program, config: [...CONFIG, ...follows] }));
  }
  return {
    list,
    async [Symbol.asyncDispose]() {
      for (const server of list) await server[Symbol.asyncDispose]();
    },
  };
}
