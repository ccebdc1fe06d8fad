/** `maxmemory` and what is not data: buffers of clients, a limit that is lowered, log and INFO. */
import { expect, test } from "bun:test";
import { textOf } from "../../src/base/bytes.ts";
import type { RespClient } from "../support/resp-client.ts";
import { startServer } from "../support/server.ts";

const DIRECTIVES = ['save ""', "maxmemory-policy allkeys-random", "loglevel notice"];
const MB = 1 << 20;
const PATIENCE = 5000;

async function field(client: RespClient, name: string): Promise<number> {
  const { raw } = await client.do("INFO");
  return Number(new RegExp(`^${name}:(\\d+)`, "m").exec(textOf(raw))?.[1]);
}

async function fill(client: RespClient, keys: number, bytes: number): Promise<void> {
  const value = "x".repeat(bytes);
  for (let from = 0; from < keys; from += 1000) {
    const count = Math.min(1000, keys - from);
    await client.pipeline(
      Array.from({ length: count }, (_, i) => ["SET", `key:${from + i}`, value]),
    );
  }
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < PATIENCE; tries++) {
    if (await isSo()) return;
    await Bun.sleep(5);
  }
  throw new Error("It has not come about");
}

async function limitTo(client: RespClient, bytes: number): Promise<number> {
  const limit = (await field(client, "used_memory")) + bytes;
  await client.do("CONFIG", "SET", "maxmemory", String(limit));
  return limit;
}

test("keys go from the moment on that the length of a large value is announced", async () => {
  await using server = await startServer({ directives: DIRECTIVES });
  await using client = await server.connect();
  await using writer = await server.connect();
  await fill(client, 20_000, 500);
  await limitTo(client, MB);
  const before = await field(client, "evicted_keys");
  const value = "v".repeat(8 * MB);
  writer.send(`*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$${value.length}\r\n`);
  writer.send(value.slice(0, 1000));
  await until(async () => (await field(client, "evicted_keys")) > before + 10_000);
  writer.begin("PING");
  expect(await client.value("EXISTS large")).toBe(0);
  await writer.close();
  // Nothing more goes than had to.
  await until(async () => (await field(client, "connected_clients")) === 1);
  expect(await client.value("DBSIZE")).toBeGreaterThan(1000);
});

test("keys go when clients do not read what they asked for", async () => {
  await using server = await startServer({
    directives: [...DIRECTIVES, 'client-output-buffer-limit "normal 0 0 0"'],
  });
  await using client = await server.connect();
  await fill(client, 100, 100_000);
  await limitTo(client, MB);
  const readers = await Promise.all(Array.from({ length: 8 }, () => server.connect()));
  // The sockets' own buffers take the first megabytes of each.
  const names = Array.from({ length: 100 }, (_, i) => `key:${i}`);
  for (const reader of readers) reader.send(`MGET ${names.join(" ")}\r\n`.repeat(2));
  await until(async () => (await field(client, "evicted_keys")) > 0);
  for (const reader of readers) await reader.close();
}, 60_000);

test("a limit that is lowered is reached between turns, whoever calls", async () => {
  await using server = await startServer({ directives: DIRECTIVES });
  await using client = await server.connect();
  await fill(client, 50_000, 100);
  await client.do("CONFIG SET maxmemory-eviction-tenacity 0");
  await client.do("CONFIG", "SET", "maxmemory", "3mb");
  const limit = 3 * MB;
  await until(async () => (await field(client, "used_memory")) <= limit);
  expect(await field(client, "evicted_keys")).toBeGreaterThan(10_000);
  expect(await field(client, "total_eviction_exceeded_time")).toBeGreaterThan(0);
  await until(async () => (await field(client, "current_eviction_exceeded_time")) === 0);
});

test("a pipeline that writes much more than fits never leaves the limit behind", async () => {
  await using server = await startServer({ directives: DIRECTIVES });
  await using client = await server.connect();
  await fill(client, 30_000, 20);
  const limit = await limitTo(client, 0);
  const value = "v".repeat(200_000);
  await client.pipeline(Array.from({ length: 300 }, (_, i) => ["SET", `large:${i}`, value]));
  expect(await field(client, "used_memory_peak")).toBeLessThan(limit + 4 * MB);
  await until(async () => (await field(client, "used_memory")) <= limit);
  expect(await client.value("DBSIZE")).toBeGreaterThan(0);
});

test("the log warns of limits that are too small", async () => {
  await using server = await startServer({ directives: [...DIRECTIVES, "maxmemory 1000kb"] });
  await server.withClient(async (client) => {
    expect(await client.value("CONFIG GET maxmemory")).toEqual(["maxmemory", "1024000"]);
    await client.do("CONFIG SET maxmemory 1kb");
  });
  await server.stop();
  const { log } = server;
  expect(log).toContain(
    "WARNING: You specified a maxmemory value that is less than 1MB (current value is " +
      "1024000 bytes). Are you sure this is what you really want?",
  );
  expect(log).toContain(
    "WARNING: the new maxmemory value set via CONFIG SET (1024) is smaller than the current memory",
  );
});

test("evictions that take long are latency events", async () => {
  await using server = await startServer({ directives: DIRECTIVES });
  await using client = await server.connect();
  await client.do("CONFIG SET latency-monitor-threshold 1");
  await client.do("CONFIG SET maxmemory-eviction-tenacity 100");
  await fill(client, 50_000, 20);
  await client.do("CONFIG SET maxmemory 1mb");
  await client.do("PING");
  const events = (await client.value("LATENCY LATEST")) as [string, ...number[]][];
  expect(events.map(([name]) => name)).toContain("eviction-cycle");
});
