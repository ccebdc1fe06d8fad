/** Expiry at its limits: 64-bit times, rounding, what is propagated, who removes what when. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findOracle } from "../support/oracle.ts";
import type { RespClient } from "../support/resp-client.ts";
import { PEDIS, type Program, type ServerProcess, startServer } from "../support/server.ts";
import { compare, transcript, transcripts } from "../support/transcript.ts";
import { until } from "./_texts.ts";

compare(
  "times are exact over all of int64",
  `
  SET k v
  PEXPIREAT k 9223372036854775807
  PEXPIRETIME k
  EXPIRETIME k
  ~ PTTL k
  ~ TTL k
  PEXPIREAT k 9223372036854775807 GT
  PEXPIREAT k 9223372036854775807 LT
  PEXPIREAT k 9223372036854775806 GT
  PEXPIREAT k 9223372036854775806 LT
  PEXPIREAT k 9223372036854775807 GT XX
  PEXPIRETIME k
  COPY k copied
  PEXPIRETIME copied
  RENAME copied renamed
  PEXPIRETIME renamed
  MOVE renamed 1
  SELECT 1
  PEXPIRETIME renamed
  SELECT 0
  EXPIREAT k 9223372036854775
  PEXPIRETIME k
  EXPIRETIME k
  EXPIREAT k 9223372036854776
  EXPIREAT k 9223372036854775808
  EXPIRE k 9223372036854775
  PEXPIRE k 9223372036854775807
  PEXPIREAT k 9007199254740993
  PEXPIRETIME k
  EXPIRETIME k
  PEXPIRETIME k
  EXPIREAT k -9223372036854776
  EXISTS k
  EXPIREAT k -9223372036854775
  EXISTS k
  SET k v
  PEXPIREAT k -9223372036854775808
  EXISTS k
  `,
);

compare(
  "seconds are rounded to the nearest",
  `
  SET k v
  PEXPIREAT k 33177117420499
  EXPIRETIME k
  PEXPIREAT k 33177117420500
  EXPIRETIME k
  `,
);

transcript("what is left is rounded too", (t) => {
  t.do("SET k v");
  // Asked for in the turn in which it is set, and 450 ms from where it would round otherwise.
  for (const [leftMs, seconds] of [
    [100_450, 100],
    [100_950, 101],
    [101_450, 101],
  ]) {
    t.send(`PEXPIRE k ${leftMs}\r\nTTL k\r\n`);
    t.reply().is(1);
    t.reply().is(seconds);
  }
});

compare(
  "arguments are checked before the key, conditions before the time",
  `
  EXPIRE missing x
  EXPIRE missing x BOGUS
  EXPIRE missing 1 BOGUS NX
  EXPIRE missing 1 nx xx
  EXPIRE missing 1 nx lt
  EXPIRE missing 1 gt lt
  EXPIRE missing 1 nx gt lt
  EXPIRE missing 1 gt lt bogus
  EXPIRE missing "" NX
  EXPIRE missing 1.5
  EXPIRE missing " 1"
  EXPIRE missing 9223372036854775808
  EXPIRE missing 9223372036854775807
  EXPIRE missing 1
  EXPIRE missing
  EXPIRE
  PEXPIRE missing
  EXPIREAT missing
  PEXPIREAT missing
  PERSIST
  PERSIST a b
  TTL a b
  SET k v
  EXPIRE k 100 nx nx
  EXPIRE k 200 xx XX gt GT
  EXPIRE k 150 lt xx lt
  `,
);

compare(
  "conditions of a key that never expires, and of a time in the past",
  `
  SET k v
  EXPIRE k -5 GT
  EXPIRE k -5 XX
  EXISTS k
  EXPIRE k -5 LT
  EXISTS k
  SET k v EX 100
  EXPIRE k -5 NX
  EXPIRE k -5 GT
  EXISTS k
  EXPIRE k -5 LT XX
  EXISTS k
  SET k v EX 100
  EXPIREAT k 1
  EXISTS k
  `,
);

compare(
  "what keeps an expiry and what ends it",
  `
  SET k 1 EX 1000
  INCR k
  ~ TTL k
  APPEND k 23
  ~ TTL k
  SETRANGE k 0 x
  ~ TTL k
  GETSET k other
  TTL k
  SET k v PXAT 33177117420000
  SET k w KEEPTTL
  PEXPIRETIME k
  SET k w
  PEXPIRETIME k
  SET n 5 PXAT 33177117420000
  INCRBYFLOAT n 1.5
  PEXPIRETIME n
  SET n 5 XX KEEPTTL
  PEXPIRETIME n
  PERSIST n
  PEXPIRETIME n
  `,
);

transcript("without the active cycle an expired key stays until it is asked for", (t) => {
  t.do("DEBUG SET-ACTIVE-EXPIRE 0").is("OK");
  for (const key of ["a", "b", "c", "d", "e", "f", "g"]) t.do(`SET ${key} v PX 1`).is("OK");
  t.pause(20);
  t.do("DBSIZE").is(7);
  t.do("DEL a").is(0);
  t.do("DBSIZE").is(6);
  t.do("EXISTS b").is(0);
  t.do("TTL c").is(-2);
  t.do("RENAME d x").error("ERR no such key");
  t.do("COPY e x").is(0);
  t.do("DBSIZE").is(2);
  t.do("KEYS *").is([]);
  t.do("DBSIZE").is(2);
  t.do("EXPIRE f 100").is(0);
  t.do("PERSIST g").is(0);
  t.do("DBSIZE").is(0);
  t.do("SET k v PX 1").is("OK");
  t.pause(20);
  t.do("RANDOMKEY").is(null);
  t.do("DBSIZE").is(0);
  t.do("DEBUG SET-ACTIVE-EXPIRE 1").is("OK");
});

transcript("the active cycle removes what nobody asks for", (t) => {
  t.do("DEBUG SET-ACTIVE-EXPIRE 1").is("OK");
  t.do("MSET stays 1 too 2");
  for (let i = 0; i < 50; i++) t.do(`SET gone:${i} v PX 1`);
  t.do("SELECT 3");
  t.do("SET gone v PX 1");
  t.do("SELECT 0");
  t.do("DBSIZE").eventually().is(2);
  t.do("SELECT 3");
  t.do("DBSIZE").eventually().is(0);
});

transcripts({ protocols: [2] }).transcript(
  "hits and misses are counted as Redis counts them",
  (t) => {
    t.do("CONFIG RESETSTAT").is("OK");
    t.do("MSET a 1 b 2");
    t.do("EXISTS a missing");
    t.do("TTL a");
    t.do("TTL missing");
    t.do("TYPE b");
    t.do("TYPE missing");
    t.do("TOUCH a b missing");
    t.do("OBJECT ENCODING a");
    t.do("OBJECT ENCODING missing");
    t.do("DEL missing");
    t.do("EXPIRE missing 1");
    t.do("PERSIST missing");
    t.do("COPY missing other");
    t.do("INFO stats").matching(
      (info) =>
        typeof info === "string" && info.includes("keyspace_hits:6\r\nkeyspace_misses:6\r\n"),
    );
  },
);

const AOF = ["appendonly yes", 'save ""', "aof-use-rdb-preamble no", "enable-debug-command yes"];
const oracle = findOracle();

describe("what is propagated", () => {
  const FAR = "33177117420000";

  test.skipIf(oracle === null)("is to the byte what redis-server propagates", async () => {
    const run = (client: RespClient) =>
      client.pipeline(
        [
          "MSET a 1 b 2 c 3 d 4",
          "EXPIREAT a 33177117420",
          `pexpireat b ${FAR}`,
          `PEXPIREAT b ${FAR} xx lt`,
          "EXPIREAT c 33177117421 NX",
          "EXPIREAT c 33177117422 GT",
          "EXPIRE d -1",
          "PEXPIREAT c 1",
          "PERSIST a",
          "PERSIST missing",
          "EXPIRE missing 10",
          "DEL missing b",
          "UNLINK a missing",
          "FLUSHDB",
          "FLUSHALL ASYNC",
          "SET a 1",
          "RENAME a b",
          "RENAMENX b c",
          "COPY c d DB 3 REPLACE",
          "MOVE c 2",
          "SWAPDB 2 3",
          "SELECT 3",
          "flushdb sync",
          "DEBUG POPULATE 3",
        ].map((line) => line.split(" ")),
      );
    const ours = await propagated(PEDIS, run);
    const theirs = await propagated(oracle ?? PEDIS, run);
    expect(ours).toEqual(theirs);
    expect(ours.length).toBeGreaterThan(16);
  });

  test("keys found expired go one by one, as DEL or UNLINK", async () => {
    const stream = await propagated(PEDIS, async (client) => {
      await client.do("DEBUG SET-ACTIVE-EXPIRE 0");
      await client.do("CONFIG SET lazyfree-lazy-expire yes");
      await client.do("MSET a 1 b 2 stays 3");
      await client.do("PEXPIRE a 1");
      await client.do("PEXPIRE b 1");
      await Bun.sleep(20);
      expect(await client.value("SCAN 0 COUNT 100")).toEqual(["0", ["stays"]]);
      await client.do("CONFIG SET lazyfree-lazy-expire no");
      await client.do("MSET c 1 d 2");
      await client.do("PEXPIRE c 1");
      await client.do("PEXPIRE d 1");
      await Bun.sleep(20);
      expect(await client.value("EXISTS c d")).toBe(0);
    });
    const words = stream.map((line) => line.split(" ").slice(0, 2).join(" "));
    expect(words.slice(0, 4)).toEqual(["SELECT 0", "MSET a", "PEXPIREAT a", "PEXPIREAT b"]);
    expect(words.slice(4, 6).toSorted()).toEqual(["UNLINK a", "UNLINK b"]);
    expect(words.slice(6, 9)).toEqual(["MSET c", "PEXPIREAT c", "PEXPIREAT d"]);
    expect(words.slice(9)).toEqual(["MULTI", "DEL c", "DEL d", "EXEC"]);
  });

  test("the active cycle propagates what it removes", async () => {
    const stream = await propagated(PEDIS, async (client) => {
      for (let i = 0; i < 30; i++) await client.do(`SET k${i} v PX 1`);
      await until(async () => (await client.value("DBSIZE")) === 0);
    });
    const removed = stream.filter((line) => line.startsWith("DEL k"));
    expect(new Set(removed).size).toBe(30);
    expect(stream.some((line) => line === "MULTI")).toBeFalse();
  });
});

test("while clients are paused no key is expired, though none is shown", async () => {
  await using server = await startServer({ directives: AOF });
  await using client = await server.connect();
  await client.do("DEBUG SET-ACTIVE-EXPIRE 0");
  await client.do("SET k v PX 30");
  await client.do("CLIENT PAUSE 100000 WRITE");
  await client.do("DEBUG SET-ACTIVE-EXPIRE 1");
  await Bun.sleep(200);
  expect(await client.value("GET k")).toBeNull();
  expect(await client.value("DBSIZE")).toBe(1);
  expect(await client.value("KEYS *")).toEqual([]);
  // Nothing else is there: an expired key will do (db.c).
  expect(await client.value("RANDOMKEY")).toBe("k");
  await client.do("CLIENT UNPAUSE");
  expect(await client.value("GET k")).toBeNull();
  expect(await client.value("DBSIZE")).toBe(0);
});

test("what expired while the server was down is gone, and its removal written", async () => {
  await using server = await startServer({ directives: AOF });
  await server.withClient(async (client) => {
    await client.do("DEBUG SET-ACTIVE-EXPIRE 0");
    // Together, so that the counter is there when it is counted on. Replaying that must find it
    // too, though its time will have passed by then.
    await client.pipeline([
      "MSET stays 1 gone 2 counter 5",
      "PEXPIRE gone 200",
      "PEXPIRE counter 200",
      "INCR counter",
      "EXPIREAT stays 33177117420",
    ]);
  });
  await server.stop();
  await Bun.sleep(250);
  await server.start();
  await server.withClient(async (client) => {
    expect(await client.value("GET gone")).toBeNull();
    expect(await client.value("GET counter")).toBeNull();
    expect(await client.value("PEXPIRETIME stays")).toBe(33177117420000);
    expect(await client.value("DBSIZE")).toBe(1);
  });
  const removed = aofLines(server).filter((line) => line.startsWith("DEL "));
  expect(removed.toSorted()).toEqual(["DEL counter", "DEL gone"]);
});

/** The commands in the AOF after `use`, one line each. */
async function propagated(
  program: Program,
  use: (client: RespClient) => Promise<unknown>,
): Promise<string[]> {
  await using server = await startServer({ program, directives: AOF });
  await using client = await server.connect();
  await use(client);
  await client.do("PING");
  return aofLines(server);
}

function aofLines(server: ServerProcess): string[] {
  const file = join(server.dir, "appendonlydir", "appendonly.aof.1.incr.aof");
  if (!existsSync(file)) throw new Error(`${server.program.name} wrote no ${file}`);
  const lines: string[] = [];
  const parts = readFileSync(file, "latin1").split("\r\n");
  for (let at = 0; parts[at].startsWith("*");) {
    const count = Number(parts[at].slice(1));
    const words: string[] = [];
    for (let i = 0; i < count; i++) words.push(parts[at + 2 + 2 * i]);
    lines.push(words.join(" "));
    at += 1 + 2 * count;
  }
  return lines;
}
