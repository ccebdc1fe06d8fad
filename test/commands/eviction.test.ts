/** maxmemory and what leaves at the end of a turn: replies and messages cost no key. */
import { expect, test } from "bun:test";
import { infoFields } from "./_texts.ts";
import type { RespClient } from "../support/resp-client.ts";
import { startServer } from "../support/server.ts";

const KEYS = 300;
const KEY_BYTES = 1000;
const TRACKING_CLIENTS = 10;

async function usedBytes(client: RespClient): Promise<number> {
  const { used_memory, mem_not_counted_for_evict } = await infoFields(client, "memory");
  return Number(used_memory) - Number(mem_not_counted_for_evict);
}

async function evictedKeys(client: RespClient): Promise<number> {
  return Number((await infoFields(client, "stats")).evicted_keys);
}

function keyOf(index: number): string {
  return `${index}:`.padEnd(KEY_BYTES, "x");
}

/** What the slow log and the like take on a machine that is busy would cost keys. */
const UNMONITORED = { directives: ["slowlog-log-slower-than -1"] };

test("a reply that is larger than what is left below the limit costs no key", async () => {
  await using server = await startServer(UNMONITORED);
  await using client = await server.connect();
  await client.value("SET", "large", "x".repeat(10_000));
  await client.value("CONFIG SET maxmemory-policy allkeys-lru");
  await client.value(`CONFIG SET maxmemory ${(await usedBytes(client)) + 4000}`);
  for (let i = 0; i < 20; i++) {
    expect((await client.do("GET large")).raw.length).toBeGreaterThan(10_000);
  }
  expect(await client.value("DBSIZE")).toBe(1);
  expect(await evictedKeys(client)).toBe(0);
});

test("telling clients of evicted keys makes no more of them go", async () => {
  await using server = await startServer(UNMONITORED);
  await using client = await server.connect();
  const trackers: RespClient[] = [];
  for (let i = 0; i < TRACKING_CLIENTS; i++) {
    const tracker = await server.connect();
    await tracker.value("HELLO 3");
    await tracker.value("CLIENT TRACKING on");
    trackers.push(tracker);
  }
  for (let i = 0; i < KEYS; i++) {
    await client.value("SET", keyOf(i), "x");
    for (const tracker of trackers) await tracker.value("GET", keyOf(i));
  }
  await client.value("CONFIG SET maxmemory-policy allkeys-lru maxmemory-eviction-tenacity 100");
  // Each key takes some 1000 bytes, and as many among those that are tracked.
  await client.value(`CONFIG SET maxmemory ${(await usedBytes(client)) - 20 * KEY_BYTES}`);
  expect(await evictedKeys(client)).toBeWithin(8, 22);
  await Bun.sleep(200);
  const evicted = await evictedKeys(client);
  expect(evicted).toBeWithin(8, 22);
  expect(await client.value("DBSIZE")).toBe(KEYS - evicted);
  for (const tracker of trackers) {
    const message = await tracker.next();
    expect(message.type).toBe(">");
    await tracker.close();
  }
});
