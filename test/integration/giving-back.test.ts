/** What deletions leave in holes goes back to the system, and nothing else changes. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { RespClient } from "../support/resp-client.ts";
import { type ServerProcess, startServer } from "../support/server.ts";

const KEYS = 400_000;
const VALUE_BYTES = 64;
const PER_REQUEST = 1000;
const DEADLINE_MS = 30_000;
const MB = 1024 * 1024;

let server: ServerProcess;

beforeAll(async () => {
  server = await startServer({
    directives: ['save ""', "enable-debug-command yes", "active-defrag-ignore-bytes 4mb"],
  });
});

afterAll(() => server[Symbol.asyncDispose]());

function residentBytes(): number {
  const text = readFileSync(`/proc/${server.pid}/smaps_rollup`, "utf8");
  return Number(/Rss:\s+(\d+)/.exec(text)?.[1]) * 1024;
}

async function figure(client: RespClient, name: string): Promise<number> {
  const info = (await client.value("INFO", "everything")) as string;
  return Number(new RegExp(`${name}:(\\d+)`).exec(info)?.[1]);
}

/** Resident bytes once they become no fewer: garbage goes back to the system in its own time. */
async function settledBytes(client: RespClient): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let looks = 0; looks < 5; looks++) {
    await client.value("MEMORY", "PURGE");
    await Bun.sleep(100);
    const now = residentBytes();
    if (now < least - MB / 4) looks = 0;
    least = Math.min(least, now);
  }
  return least;
}

async function until(client: RespClient, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await isSo())) {
    if (Date.now() > deadline) {
      throw new Error((await client.value("MEMORY", "MALLOC-STATS")) as string);
    }
    await Bun.sleep(50);
  }
}

/** All but each tenth. */
async function deleteMost(client: RespClient): Promise<void> {
  for (let first = 0; first < KEYS; first += PER_REQUEST) {
    const numbers = Array.from({ length: PER_REQUEST }, (_, i) => first + i);
    const gone = numbers.filter((number) => number % 10 !== 0);
    await client.value("DEL", ...gone.map((number) => `key:${number}`));
  }
}

test("nine of ten keys are deleted at random, and their memory goes", async () => {
  await using client = await server.connect();
  await client.value("CONFIG", "SET", "activedefrag", "no");
  await client.value("DEBUG", "POPULATE", String(KEYS), "key", String(VALUE_BYTES));
  const digests = await client.value("DEBUG", "DIGEST-VALUE", "key:0", "key:10", "key:399990");
  await client.value("SADD", "members", ...Array.from({ length: 2000 }, (_, i) => `member:${i}`));
  const full = residentBytes();
  await deleteMost(client);
  const pages = await figure(client, "allocator_active");
  await Bun.sleep(300);
  expect(await figure(client, "active_defrag_hits")).toBe(0);
  expect(await figure(client, "active_defrag_running")).toBe(0);

  await client.value("CONFIG", "SET", "activedefrag", "yes");
  await until(client, async () => (await figure(client, "allocator_active")) < pages / 2);
  await until(client, async () => (await figure(client, "active_defrag_running")) === 0);
  expect(await figure(client, "active_defrag_hits")).toBeGreaterThan(KEYS / 50);
  expect(await figure(client, "active_defrag_key_hits")).toBeGreaterThan(KEYS / 50);
  await until(client, () => Promise.resolve(residentBytes() < full - 16 * MB));

  expect(await client.value("DBSIZE")).toBe(KEYS / 10 + 1);
  expect(await client.value("DEBUG", "DIGEST-VALUE", "key:0", "key:10", "key:399990")).toEqual(
    digests,
  );
  expect(await client.value("SCARD", "members")).toBe(2000);
});

test("a database that is emptied gives all back", async () => {
  await using client = await server.connect();
  await client.value("FLUSHALL");
  const idle = await settledBytes(client);
  await client.value("DEBUG", "POPULATE", String(KEYS), "key", String(VALUE_BYTES));
  expect(residentBytes()).toBeGreaterThan(idle + 30 * MB);
  await client.value("FLUSHALL");
  await until(client, () => Promise.resolve(residentBytes() < idle + 10 * MB));
});

test("what clients sent leaves nothing behind, however large it was", async () => {
  const megabytes = "0123456789abcdef".repeat(MB / 4);
  await using client = await server.connect();
  await client.value("FLUSHALL");
  const idle = await settledBytes(client);
  for (let round = 0; round < 8; round++) {
    const clients = await Promise.all([1, 2, 3, 4].map(() => server.connect()));
    await Promise.all(clients.map((sender, i) => sender.value("SET", `large:${i}`, megabytes)));
    for (const sender of clients) await sender[Symbol.asyncDispose]();
  }
  for (const key of ["large:0", "large:3"]) {
    expect(await client.value("STRLEN", key)).toBe(megabytes.length);
    expect(await client.value("GETRANGE", key, "2000000", "2000099")).toBe(
      megabytes.slice(2_000_000, 2_000_100),
    );
  }
  expect(residentBytes()).toBeGreaterThan(idle + 12 * MB);
  await client.value("DEL", "large:0", "large:1", "large:2", "large:3");
  await until(client, () => Promise.resolve(residentBytes() < idle + 8 * MB));
});
