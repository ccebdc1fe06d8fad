/**
 * A server that is asked to end while clients write, and one that saves again and again: whatever
 * was acknowledged is in the files, and no descriptor stays open.
 */
import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { randomFrom, scale, seededRandom } from "../support/random.ts";
import { ReplyError, type RespClient } from "../support/resp-client.ts";
import { persistenceField, waitForField } from "../support/saving.ts";
import { type ServerProcess, startServer } from "../support/server.ts";

const ROUNDS = scale(4);
const WRITERS = 4;
const AT_ONCE = 20;
const SAVES = scale(60);

/** Counts on in a key of its own until the server is gone; how far it was acknowledged. */
async function count(client: RespClient, key: string): Promise<number> {
  let acknowledged = 0;
  try {
    for (;;) {
      const requests = Array.from({ length: AT_ONCE }, async () => {
        const reply = await client.value("INCR", key);
        if (typeof reply === "number" || typeof reply === "bigint") acknowledged = Number(reply);
      });
      await Promise.all(requests);
    }
  } catch {
    return acknowledged;
  }
}

/** Asks for an end that is taken back, or that does not come to pass. */
async function askInVain(server: ServerProcess): Promise<void> {
  await using first = await server.connect();
  await using second = await server.connect();
  await first.do("CONFIG SET rdb-key-save-delay 2000");
  const asked = first.value("SHUTDOWN SAVE");
  // It has come once there is something to be taken back.
  while ((await second.value("SHUTDOWN ABORT")) !== "OK") await Bun.sleep(5);
  expect(await asked).toBeInstanceOf(ReplyError);
  await first.do("CONFIG SET rdb-key-save-delay 0");
}

describe("The end of a server under writers", () => {
  test.each([
    ["SIGTERM", "no"],
    ["SIGTERM", "yes"],
    ["SHUTDOWN SAVE", "no"],
    ["SHUTDOWN NOSAVE", "yes"],
  ])(
    "%s loses nothing that was acknowledged (appendonly %s)",
    async (way, appendonly) => {
      const random = randomFrom(seededRandom(`${way} under writers`).seed);
      await using server = await startServer({
        directives: ["save 3600 100000000", `appendonly ${appendonly}`, "enable-debug-command yes"],
      });
      const counts: number[] = Array.from({ length: WRITERS }, () => 0);
      for (let round = 0; round < ROUNDS; round++) {
        await server.withClient((client) => client.do("DEBUG POPULATE 3000 ballast 50"));
        const clients = await Promise.all(counts.map(() => server.connect()));
        const writing = clients.map((client, i) => count(client, `count${i}`));
        await Bun.sleep(random.below(150));
        if (random.chance(0.5)) await askInVain(server);
        const background = random.pick(["BGSAVE", "BGREWRITEAOF", "PING"]);
        await server.withClient((client) => client.do(background));
        await Bun.sleep(random.below(30));
        if (way === "SIGTERM") {
          expect(await server.stop()).toBe(0);
        } else {
          const control = await server.connect();
          control.begin(way);
          expect(await server.exited()).toBe(0);
        }
        const acknowledged = await Promise.all(writing);
        await server.start();
        for (const [i, before] of counts.entries()) {
          const now = await server.withClient((client) => client.value("GET", `count${i}`));
          expect(Number(now)).toBeGreaterThanOrEqual(Math.max(acknowledged[i], before));
          counts[i] = Number(now);
        }
      }
      expect(Math.min(...counts)).toBeGreaterThan(0);
    },
    120_000,
  );
});

describe("Saves and rewrites, failed ones among them", () => {
  test("leave no descriptor and no temporary file behind", async () => {
    await using server = await startServer({
      directives: ['save ""', "appendonly yes", "enable-debug-command yes"],
    });
    await using client = await server.connect();
    await client.do("DEBUG POPULATE 200 key 10");
    const blocks = [
      `temp-${server.pid}.rdb`,
      "dump.rdb",
      join("appendonlydir", "temp-appendonly.aof.manifest"),
    ].map((name) => join(server.dir, name, "in the way"));
    await saveOnce(client, 0);
    const before = await steady(server);
    for (let i = 1; i <= SAVES; i++) {
      const block = i % 5 === 0 ? blocks[(i / 5) % blocks.length] : null;
      if (block !== null) {
        rmSync(join(server.dir, "dump.rdb"), { recursive: true, force: true });
        mkdirSync(block, { recursive: true });
      }
      await saveOnce(client, i);
      if (block !== null) rmSync(join(block, ".."), { recursive: true });
    }
    await saveOnce(client, 1);
    expect(await persistenceField(client, "rdb_last_bgsave_status")).toBe("ok");
    expect(await persistenceField(client, "aof_last_bgrewrite_status")).toBe("ok");
    expect(await settled(server, before)).toBe(before);
    const names = [...readdirSync(server.dir), ...readdirSync(join(server.dir, "appendonlydir"))];
    expect(names.filter((name) => name.startsWith("temp-"))).toEqual([]);
  }, 120_000);
});

/** A save, and mostly a rewrite; now and then one that is broken off, or all of it off and on. */
async function saveOnce(client: RespClient, number: number): Promise<void> {
  await client.do("BGSAVE");
  if (number % 7 === 3) await client.do("FLUSHALL");
  if (number % 7 === 5) await client.do("SAVE");
  await waitForField(client, "rdb_bgsave_in_progress", "0");
  await client.do("BGREWRITEAOF");
  if (number % 10 === 1) {
    await client.do("CONFIG SET appendonly no");
    await client.do("CONFIG SET appendonly yes");
  }
  await waitForField(client, "aof_rewrite_in_progress", "0");
}

function descriptors(server: ServerProcess): number {
  return readdirSync(`/proc/${server.pid}/fd`).length;
}

/** How many there are once that has been so for a while: files are closed behind their syncs. */
async function steady(server: ServerProcess): Promise<number> {
  let last = descriptors(server);
  for (let looks = 0; looks < 30; looks++) {
    await Bun.sleep(10);
    const now = descriptors(server);
    if (now !== last) looks = 0;
    last = now;
  }
  return last;
}

/** Waits until there are so many. */
async function settled(server: ServerProcess, wanted: number): Promise<number> {
  const deadline = Date.now() + 20_000;
  while (descriptors(server) !== wanted && Date.now() < deadline) await Bun.sleep(10);
  return descriptors(server);
}
