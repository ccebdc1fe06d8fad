/** Files that redis-server wrote, of all types and encodings: the same content, by its digest. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { datasetDigest } from "../../../src/keyspace/digest.ts";
import { RdbLoader } from "../../../src/rdb/rdb-loader.ts";
import { LocalEngine } from "../../support/local-engine.ts";
import { findOracle } from "../../support/oracle.ts";
import { type Random, seededRandom } from "../../support/random.ts";
import { sourceOf } from "../../support/rdb-bytes.ts";
import type { RespClient } from "../../support/resp-client.ts";
import { startServer } from "../../support/server.ts";

const oracle = findOracle();
const SIZES = [1, 5, 60, 300, 1500];
const TIMEOUT_MS = 60_000;

function word(random: Random): string {
  const kind = random.below(20);
  if (kind < 6) return String(random.between(-200, 200));
  if (kind < 8) return String(random.pick([127, 128, -4096, 4095, 32768, 2 ** 31, -(2n ** 63n)]));
  if (kind < 18) return `word-${random.below(2000)}`;
  const length = random.pick([20, 63, 64, 65, 300, 4095, 4096, 9000]);
  return random.pick(["x", "y", "abc"]).repeat(length).slice(0, length) + random.below(30);
}

const score = (random: Random): string =>
  random.pick([String(random.between(-50, 50)), String(random.below(1e9) / 1e4), "inf", "-inf"]);

async function fill(client: RespClient, random: Random): Promise<void> {
  const words = (count: number): string[] => Array.from({ length: count }, () => word(random));
  for (const index of [0, 5, 15]) {
    await client.do(`SELECT ${index}`);
    for (let i = 0; i < 100; i++) await client.do("SET", `string-${i}`, word(random));
    await client.do("SET", "random", random.bytes(100_000));
    await client.do("SET", "regular", "some text, ".repeat(30_000));
    await client.do("SET", "", "");
    await client.do("SET", "volatile", "v", "PX", "100000000");
    for (const size of SIZES) {
      await client.do("RPUSH", `list-${size}`, ...words(size));
      await client.do("SADD", `set-${size}`, ...words(size));
      const integers = Array.from({ length: size }, () => String(random.between(-9e4, 9e4)));
      await client.do("SADD", `integers-${size}`, ...integers);
      await client.do("HSET", `hash-${size}`, ...words(2 * size));
      const scored = words(size).flatMap((member) => [score(random), member]);
      await client.do("ZADD", `zset-${size}`, ...scored);
      await fillStream(client, `stream-${size}`, Math.min(size, 300), random);
    }
    await client.do("PEXPIRE hash-60 100000000");
    await client.do("XGROUP CREATE nothing group $ MKSTREAM");
    await client.do("PFADD", "hyperloglog", ...words(500));
  }
}

async function fillStream(
  client: RespClient,
  key: string,
  size: number,
  random: Random,
): Promise<void> {
  for (let i = 1; i <= size; i++) {
    const pairs = random.pick([["a", word(random)], ["a", "1", "b", word(random)], words3(random)]);
    await client.do("XADD", key, `${i * 10}-${random.below(5)}`, ...pairs);
  }
  await client.do(`XGROUP CREATE ${key} group 0`);
  for (const consumer of ["alice", "bob"]) {
    const count = Math.ceil(size / 4);
    await client.do(`XREADGROUP GROUP group ${consumer} COUNT ${count} STREAMS ${key} >`);
  }
  await client.do(`XGROUP CREATECONSUMER ${key} group idle`);
  if (size > 20) await client.do(`XTRIM ${key} MINID 55`);
  await client.do("XDEL", key, "70-0", "70-1", "70-2", "70-3");
}

const words3 = (random: Random): string[] => ["f", word(random), "g", word(random), "h", ""];

function load(path: string): LocalEngine {
  const local = new LocalEngine();
  const bytes = readFileSync(path);
  const { keyspace, values } = local.engine;
  const options = { checksums: true, keepsExpired: false, replaces: false, warn: () => {} };
  const loader = new RdbLoader(keyspace, sourceOf(bytes), { limits: values, ...options });
  while (loader.step(100_000));
  expect(loader.position).toBe(bytes.length);
  return local;
}

const SMALL = [
  "hash-max-listpack-entries 3",
  "set-max-intset-entries 3",
  "zset-max-listpack-entries 3",
  "list-max-listpack-size 3",
  "stream-node-max-entries 3",
];
const CASES: readonly [string, readonly string[]][] = [
  ["compressed", []],
  ["uncompressed, without a checksum", ["rdbcompression no", "rdbchecksum no"]],
  ["with large encodings", SMALL],
  ["with idle times", ["maxmemory 1gb", "maxmemory-policy allkeys-lru"]],
];

describe.skipIf(oracle === null)("a file of redis-server", () => {
  test.each(CASES)(
    "%s",
    async (_, directives) => {
      if (oracle === null) return;
      const random = seededRandom("redis files");
      await using server = await startServer({
        program: oracle,
        directives: [...directives, "enable-debug-command yes", 'save ""'],
      });
      await using client = await server.connect();
      await fill(client, random);
      expect(await client.value("SAVE")).toBe("OK");
      const local = load(join(server.dir, "dump.rdb"));
      expect(await client.value("DEBUG DIGEST")).toBe(datasetDigest(local.engine.keyspace));
      for (const command of ["XPENDING stream-300 group", "XINFO GROUPS stream-300"]) {
        await client.do("SELECT 5");
        local.do("SELECT 5");
        expect(local.do(command)).toEqual(await client.value(command));
      }
    },
    TIMEOUT_MS,
  );
});
