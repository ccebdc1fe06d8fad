/**
 * Random commands over all types and several databases under a limit that leaves room for a part
 * of what they make: memory stays below it, or, where nothing may be evicted, not far above it.
 * What is left is what the append-only file holds, for Pedis and for redis-server; and each
 * eviction was told, once.
 */
import { cpSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { textOf } from "../../src/base/bytes.ts";
import { findOracle } from "../support/oracle.ts";
import { type Random, randomFrom, scale, seededRandom } from "../support/random.ts";
import type { RespClient } from "../support/resp-client.ts";
import { type ServerProcess, startServer } from "../support/server.ts";
import { randomOperation } from "./_operations.ts";

const BATCHES = scale(40);
const BATCH = 100;
const TIMEOUT_MS = 60_000 + BATCHES * 500;
const LARGEST_VALUE_BYTES = 300_000;
/** What a command may add before it is refused: the largest value, with room to grow. */
const ADDED_AT_ONCE_BYTES = 1_500_000;
const EXACTNESS_BYTES = 4096;
const PATIENCE_MS = 20_000;

const DIRECTIVES = [
  'save ""',
  "appendonly yes",
  "appendfsync no",
  "auto-aof-rewrite-percentage 0",
  "enable-debug-command yes",
  "loglevel warning",
  "rdb-version 10",
];
const POLICIES = [
  "allkeys-lru",
  "allkeys-lfu",
  "allkeys-random",
  "volatile-lru",
  "volatile-lfu",
  "volatile-random",
  "volatile-ttl",
  "noeviction",
];

const oracle = findOracle();

describe("random commands under maxmemory", () => {
  const random = seededRandom("eviction");
  let server: ServerProcess;
  let heard = 0;
  let listener: RespClient;

  beforeAll(async () => {
    server = await startServer({ directives: DIRECTIVES });
    listener = await server.connect();
    await listener.do("CONFIG SET notify-keyspace-events Ee");
    await listener.do("PSUBSCRIBE __keyevent@*__:evicted");
  });

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });

  test.each([...POLICIES.entries()])(
    "round %d: %s",
    async (round, policy) => {
      await using client = await server.connect();
      await playRound(client, policy, randomFrom(random.seed + round));
    },
    TIMEOUT_MS,
  );

  test("every evicted key was told", async () => {
    const evicted = await server.withClient((client) => info(client, "stats", "evicted_keys"));
    expect(evicted).toBeGreaterThan(100);
    while (heard < evicted) {
      await listener.next();
      heard++;
    }
    await listener.close();
  });

  test(
    "what was written to the append-only file",
    async () => {
      const digest = await server.withClient((client) => client.value("DEBUG DIGEST"));
      await server.restart();
      expect(await server.withClient((client) => client.value("DEBUG DIGEST"))).toBe(digest);
      if (oracle === null) return;
      await using redis = await startServer({
        program: oracle,
        directives: DIRECTIVES.slice(0, -1),
      });
      await redis.stop();
      const log = "appendonlydir";
      cpSync(join(server.dir, log), join(redis.dir, log), { recursive: true, force: true });
      await redis.start();
      expect(await redis.withClient((client) => client.value("DEBUG DIGEST"))).toBe(digest);
    },
    TIMEOUT_MS,
  );
});

async function playRound(client: RespClient, policy: string, random: Random): Promise<void> {
  await client.do("CONFIG SET maxmemory 0");
  await client.do("CONFIG", "SET", "maxmemory-policy", policy);
  await client.do("CONFIG", "SET", "maxmemory-samples", String(random.between(1, 20)));
  const lazily = random.pick(["yes", "no"]);
  await client.do("CONFIG", "SET", "lazyfree-lazy-eviction", lazily);
  // Nothing must be left of earlier rounds that could not go.
  await client.do("FLUSHALL");
  const limit = (await counted(client)) + random.between(200_000, 3_000_000);
  await client.do("CONFIG", "SET", "maxmemory", String(limit));
  const slack = policy.startsWith("allkeys") ? EXACTNESS_BYTES : ADDED_AT_ONCE_BYTES;
  for (let batch = 0; batch < BATCHES; batch++) {
    // A snapshot keeps what it has not written yet.
    if (random.chance(0.1)) await client.do("BGREWRITEAOF");
    const requests = Array.from({ length: BATCH }, () => randomRequest(random));
    await client.pipeline(requests.map((args) => args.map((text) => Buffer.from(text, "latin1"))));
    await expectBelow(client, limit + slack);
  }
  await client.do("CONFIG SET maxmemory 0");
  while ((await info(client, "persistence", "aof_rewrite_in_progress")) === 1) await Bun.sleep(10);
}

/** Above the limit for a moment only: as long as it takes to evict what the last batch made. */
async function expectBelow(client: RespClient, limit: number): Promise<void> {
  const endMs = Date.now() + PATIENCE_MS;
  for (;;) {
    const bytes = await counted(client);
    if (bytes <= limit) return;
    if (Date.now() > endMs) throw new Error(`${bytes} bytes are used, and ${limit} are allowed`);
    await Bun.sleep(1);
  }
}

async function counted(client: RespClient): Promise<number> {
  const { raw } = await client.do("INFO memory");
  return field(raw, "used_memory") - field(raw, "mem_not_counted_for_evict");
}

async function info(client: RespClient, section: string, name: string): Promise<number> {
  return field((await client.do("INFO", section)).raw, name);
}

function field(raw: Uint8Array, name: string): number {
  return Number(new RegExp(`^${name}:(\\d+)`, "m").exec(textOf(raw))?.[1]);
}

function randomRequest(random: Random): readonly string[] {
  const choice = random.below(20);
  if (choice === 0) return ["SELECT", String(random.below(16))];
  if (choice < 9) return randomOperation(random).args;
  return randomFilling(random);
}

/** Makes values of all sizes under many keys, half of which expire some day. */
function randomFilling(random: Random): string[] {
  const name = String(random.below(3000));
  const size = random.below(random.chance(0.02) ? LARGEST_VALUE_BYTES : 300);
  const items = Array.from({ length: 2 * random.between(1, random.chance(0.02) ? 500 : 8) }, () =>
    random.word(random.between(1, 30)),
  );
  switch (random.below(8)) {
    case 0:
      return ["HSET", `fh${name}`, ...items];
    case 1:
      return ["SADD", `ft${name}`, ...items];
    case 2:
      return ["ZADD", `fz${name}`, ...items.flatMap((item) => [String(random.below(100)), item])];
    case 3:
      return ["RPUSH", `fl${name}`, ...items];
    case 4:
      return ["XADD", `fx${name}`, "*", ...items];
    case 5:
      return ["SETRANGE", `fs${name}`, String(size), "x"];
    case 6:
      return [
        "EXPIRE",
        `f${random.pick("htzlxs".split(""))}${name}`,
        String(1000 + random.below(1000)),
      ];
    default:
      return ["SET", `fs${name}`, "y".repeat(size), "EX", String(1000 + random.below(1000))];
  }
}
