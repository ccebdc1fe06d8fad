/**
 * used_memory against what the process really holds, and what clients hold in it. (That it is the
 * sum of what keys are said to take, and nothing is left without them, is test/fuzz's matter.)
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { type RespClient } from "../support/resp-client.ts";
import { type ServerProcess, startServer } from "../support/server.ts";

const MB = 1 << 20;
const LIMIT_MS = 20_000;
const TIMEOUT_MS = 90_000;

let server: ServerProcess;
let client: RespClient;

beforeEach(async () => {
  server = await startServer({
    directives: ['save ""', "enable-debug-command yes", "slowlog-log-slower-than -1"],
  });
  client = await server.connect();
});

afterEach(async () => {
  await client.close();
  await server[Symbol.asyncDispose]();
});

async function figure(name: string): Promise<number> {
  const info = (await client.value("INFO memory")) as string;
  return Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1]);
}

const used = (): Promise<number> => figure("used_memory");

/** Asks until it is so. */
async function until(isSo: (usedBytes: number) => boolean): Promise<number> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const bytes = await used();
    if (isSo(bytes) || Date.now() > deadline) return bytes;
    await Bun.sleep(20);
  }
}

describe("what clients hold is used memory, and is not once they are gone:", () => {
  test.each([
    [
      "a huge transaction",
      20 * MB,
      async (other: RespClient) => {
        await other.do("MULTI");
        for (let i = 0; i < 20; i++) await other.do("SET", "k", "x".repeat(MB));
      },
    ],
    [
      "half of a large bulk",
      20 * MB,
      (other: RespClient) => {
        other.send(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${20 * MB}\r\n${"x".repeat(10 * MB)}`);
      },
    ],
    [
      "what nobody reads",
      20 * MB,
      async (other: RespClient) => {
        await client.do("SET", "big", "x".repeat(2 * MB));
        other.pause();
        for (let i = 0; i < 20; i++) other.send("GET big\r\n");
      },
    ],
    [
      "many channels",
      10_000 * 200,
      async (other: RespClient) => {
        const names = Array.from({ length: 10_000 }, (_, i) => `channel:${i}`);
        await other.do("SUBSCRIBE", ...names);
      },
    ],
    [
      "many watched keys",
      10_000 * 450,
      async (other: RespClient) => {
        await other.do("WATCH", ...Array.from({ length: 10_000 }, (_, i) => `key:${i}`));
      },
    ],
    [
      "a request that is blocked for many keys",
      10_000 * 270,
      (other: RespClient) => {
        other.begin("BLPOP", ...Array.from({ length: 10_000 }, (_, i) => `key:${i}`), "0");
      },
    ],
  ] as const)(
    "%s",
    async (_name, leastBytes, hold) => {
      const before = await used();
      const other = await server.connect();
      await hold(other);
      const held = (await until((bytes) => bytes - before >= leastBytes)) - before;
      expect(held).toBeGreaterThanOrEqual(leastBytes);
      expect(held).toBeLessThan(leastBytes * 2.5);
      await other.close();
      await client.do("DEL big");
      const left = (await until((bytes) => bytes - before < 20_000)) - before;
      expect(left).toBeLessThan(20_000);
    },
    TIMEOUT_MS,
  );

  test("and so is the slow log", async () => {
    const before = await used();
    await client.do("CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 100000");
    await client.pipeline(Array.from({ length: 2000 }, () => ["ECHO", "x".repeat(120)]));
    expect((await used()) - before).toBeGreaterThan(2000 * 300);
    await client.do("CONFIG SET slowlog-log-slower-than -1 slowlog-max-len 0");
    expect((await until((bytes) => bytes - before < 20_000)) - before).toBeLessThan(20_000);
  });
});

type Command = readonly string[];

const row = (length: number, make: (i: number) => string): string[] =>
  Array.from({ length }, (_, i) => make(i));

/** What a key is made of, and how many copies there are of it. */
const DATA: readonly (readonly [string, number, readonly Command[]])[] = [
  ["small strings", 200_000, [["SET", "made", "value:12345678"]]],
  ["strings of 20 KB", 1200, [["SET", "made", "x".repeat(20_000)]]],
  ["hashes of 200", 2500, [["HSET", "made", ...row(400, (i) => `field-value:${i}`)]]],
  [
    "small hashes whose fields expire",
    6000,
    [
      ["HSET", "made", "a", "1", "b", "2"],
      ["HEXPIRE", "made", "1000", "FIELDS", "2", "a", "b"],
    ],
  ],
  ["lists of 1000", 2000, [["RPUSH", "made", ...row(1000, (i) => `item:${i}`)]]],
  [
    "sorted sets of 200",
    1500,
    [["ZADD", "made", ...row(400, (i) => (i % 2 === 0 ? `${i}` : `member:${i}`))]],
  ],
  [
    "streams with a group",
    4000,
    [
      ["XADD", "made", "1-1", "field", "value"],
      ["XGROUP", "CREATE", "made", "group", "0"],
      ["XREADGROUP", "GROUP", "group", "consumer", "STREAMS", "made", ">"],
    ],
  ],
];
const ASKED_KEYS = 50;
const SETTLED_LOOKS = 4;
const LOOK_MS = 120;

describe("used_memory grows as the process does, and is told so of each key:", () => {
  test.each(DATA)(
    "%s",
    async (_name, count, commands) => {
      for (const command of commands) await client.do(...command);
      // What the process takes once for such work is no data.
      await copies("warm", Math.ceil(count / 5));
      const [usedBefore, residentBefore] = [await used(), await settledResident()];
      await copies("key", count);
      const [usedAfter, residentAfter] = [await used(), await settledResident()];
      const usedBytes = usedAfter - usedBefore;
      const asked = row(ASKED_KEYS, (i) => `MEMORY USAGE key:${nameOf(i)} SAMPLES 0`);
      const sizes = (await client.pipeline(asked)).map(({ value }) => Number(value));
      const told = (sizes.reduce((sum, size) => sum + size, 0) * count) / ASKED_KEYS;
      expect(usedBytes / told).toBeWithin(0.9, 1.1);
      // More leave here, where the data are few and garbage is much of what there is.
      expect(usedBytes / (residentAfter - residentBefore)).toBeWithin(0.75, 1.3);
      await client.do("DEBUG RELOAD");
      expect((await used()) / usedAfter).toBeWithin(0.9, 1.1);
      await client.do("FLUSHALL");
      expect(await until((bytes) => bytes < MB)).toBeLessThan(MB);
    },
    TIMEOUT_MS,
  );
});

/** All of a length, so that no key takes more than another. */
const nameOf = (number: number): string => String(number).padStart(7, "0");

/** In one go, and without a reply to each: only the last one is waited for. */
async function copies(name: string, count: number): Promise<void> {
  const requests = row(count, (i) => `COPY made ${name}:${nameOf(i)}\r\n`);
  client.send(`CLIENT REPLY OFF\r\n${requests.join("")}CLIENT REPLY ON\r\n`);
  await client.next();
}

/** Resident bytes once garbage has been collected and given back: they have become no fewer. */
async function settledResident(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let looks = 0; looks < SETTLED_LOOKS; looks++) {
    await client.do("MEMORY PURGE");
    await Bun.sleep(LOOK_MS);
    const rollup = readFileSync(`/proc/${server.pid}/smaps_rollup`, "utf8");
    const now = Number(/^Rss:\s+(\d+)/m.exec(rollup)?.[1]) * 1024;
    if (now < least - MB / 4) looks = 0;
    least = Math.min(least, now);
  }
  return least;
}
