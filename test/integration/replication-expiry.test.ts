/**
 * What a primary removes by itself, because it expired or for want of memory, and its replica only
 * when it is told.
 */
import { expect, test } from "bun:test";
import { seededRandom } from "../support/random.ts";
import { infoOf, Line, lineups, waitForOffsets } from "../support/replication.ts";
import type { RespClient } from "../support/resp-client.ts";
import type { ServerProcess } from "../support/server.ts";
import { expectAllAlike } from "./_replicated-content.ts";

const PAIRS = lineups("redis redis", "redis pedis", "pedis redis", "pedis pedis");
const ROOM_BYTES = 3 << 20;
const VALUE_BYTES = 3000;
const KEYS = 3000;
const LIFE_MS = 60;

/** Each under one of the policies, and one of the ways to delete. */
const EVICTING = PAIRS.map((lineup, i) => ({
  ...lineup,
  policy: i % 2 === 0 ? "allkeys-lru" : "volatile-ttl",
  lazy: i % 2 === 0 ? "no" : "yes",
}));

test.each(EVICTING)("What is evicted is gone everywhere: $name, $policy", async (lineup) => {
  const random = seededRandom(`eviction, ${lineup.name}`);
  await using line = await Line.start(lineup, [
    `maxmemory-policy ${lineup.policy}`,
    `lazyfree-lazy-eviction ${lineup.lazy}`,
  ]);
  const [primary, replica] = line.servers;
  const used = Number((await infoOf(primary, "memory"))["used_memory"]);
  // The replica would evict far more, if it did that by itself.
  for (const [server, limit] of [
    [primary, used + ROOM_BYTES],
    [replica, 1 << 20],
  ] as const) {
    await server.withClient((client) => client.do("CONFIG", "SET", "maxmemory", limit));
  }
  await primary.withClient(async (client) => {
    for (let from = 0; from < KEYS; from += 500) {
      const commands = Array.from({ length: 500 }, (_, i) => {
        const value = random.word(10).repeat(VALUE_BYTES / 10);
        return ["SET", `key:${from + i}`, value, "EX", random.between(10_000, 90_000)];
      });
      await client.pipeline(commands);
    }
    await client.do("CONFIG SET maxmemory 0");
  });
  expect(Number((await infoOf(primary, "stats"))["evicted_keys"])).toBeGreaterThan(KEYS / 4);
  await expectAllAlike(line.servers);
  expect((await infoOf(replica, "stats"))["evicted_keys"]).toBe("0");
  const left = await sizeOf(replica);
  expect(left).toBeGreaterThan(100);
  expect(left).toBeLessThan(KEYS);
});

test.each(PAIRS)("What has expired waits for the primary's word: $name", async (lineup) => {
  await using line = await Line.start(lineup);
  const [primary, replica] = line.servers;
  await primary.withClient(async (client) => {
    // It has not noticed yet, either.
    await client.do("DEBUG SET-ACTIVE-EXPIRE 0");
    const life = ["PX", LIFE_MS];
    await client.pipeline(Array.from({ length: 50 }, (_, i) => ["SET", `k${i}`, "v", ...life]));
    await client.pipeline(["RPUSH list a b", `PEXPIRE list ${LIFE_MS}`, "SET kept v"]);
  });
  await waitForOffsets(line.servers);
  await replica.withClient(async (client) => {
    expect(await client.value("DBSIZE")).toBe(52);
    await Bun.sleep(LIFE_MS + 10);
    expect(await client.value("GET k1")).toBeNull();
    await expectHidden(client);
    // They are there all the same.
    expect(await client.value("DBSIZE")).toBe(52);
  });
  await expectAllAlike(line.servers);
  expect(await sizeOf(replica)).toBe(1);
  expect((await infoOf(replica, "stats"))["expired_keys"]).toBe("0");
  expect((await infoOf(primary, "stats"))["expired_keys"]).toBe("51");
});

async function expectHidden(client: RespClient): Promise<void> {
  expect(await client.value("EXISTS k1 k2 list")).toBe(0);
  expect(await client.value("TTL k1")).toBe(-2);
  expect(await client.value("LLEN list")).toBe(0);
  expect(await client.value("TYPE list")).toBe("none");
  expect(await client.value("KEYS *")).toEqual(["kept"]);
  expect(await client.value("RANDOMKEY")).toBe("kept");
}

test.each(PAIRS)("Keys that live shortly under many writes: $name", async (lineup) => {
  const random = seededRandom(`expiry, ${lineup.name}`);
  await using line = await Line.start(lineup, ["lazyfree-lazy-expire yes"]);
  const [primary, replica] = line.servers;
  const makers = [
    (key: string, life: number) => [["SET", `s${key}`, "1", "PX", life]],
    (key: string, life: number) => [
      ["INCR", `n${key}`],
      ["PEXPIRE", `n${key}`, life],
    ],
    (key: string, life: number) => [
      ["APPEND", `s${key}`, "more"],
      ["GETEX", `s${key}`, "PX", life],
    ],
    (key: string, life: number) => [
      ["SADD", `t${key}`, "a", "b"],
      ["PEXPIRE", `t${key}`, life, "NX"],
    ],
    (key: string, life: number) => [
      ["SPOP", `t${key}`],
      ["PEXPIRE", `t${key}`, life, "GT"],
    ],
    (key: string) => [["SUNIONSTORE", `u${key}`, `t${key}`, `t${random.below(99)}`]],
    (key: string, life: number) => [
      ["RENAME", `s${key}`, `n${key}`],
      ["EXPIRE", `n${key}`, -life],
    ],
    (key: string, life: number) => [
      ["LPUSH", `l${key}`, "x"],
      ["PEXPIRE", `l${key}`, life],
      ["LPOP", `l${key}`],
    ],
  ];
  await primary.withClient(async (client) => {
    for (let batch = 0; batch < 100; batch++) {
      const commands = Array.from({ length: 40 }, () =>
        random.pick(makers)(String(random.below(99)), random.between(1, 40)),
      );
      await client.pipeline(commands.flat());
      if (batch % 10 === 0) await Bun.sleep(random.below(20));
    }
  });
  await expectAllAlike(line.servers);
  expect(Number((await infoOf(primary, "stats"))["expired_keys"])).toBeGreaterThan(100);
  expect((await infoOf(replica, "stats"))["expired_keys"]).toBe("0");
});

function sizeOf(server: ServerProcess): Promise<number> {
  return server.withClient(async (client) => Number(await client.value("DBSIZE")));
}
