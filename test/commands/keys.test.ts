/** Commands on keys whatever they hold, compared with redis-server. */
import { expect, test } from "bun:test";
import { startServer } from "../support/server.ts";
import { compare, transcript, transcripts } from "../support/transcript.ts";
import { makeIdle } from "./_texts.ts";

compare(
  "DEL UNLINK EXISTS TYPE TOUCH",
  `
  MSET a 1 b 2 c 3
  EXISTS a b missing a
  TOUCH a missing
  TYPE a
  TYPE missing
  DEL a missing a
  UNLINK b c
  DBSIZE
  DEL
  UNLINK
  EXISTS
  TYPE
  TYPE a b
  DBSIZE x
  TOUCH
  `,
);

compare(
  "RENAME RENAMENX",
  `
  SET a 1 EX 100
  RENAME a b
  ~ TTL b
  EXISTS a
  RENAME missing x
  RENAME b b
  RENAMENX b b
  SET c 3
  RENAMENX b c
  RENAME b c
  GET c
  ~ TTL c
  RENAMENX c d
  RENAMENX missing y
  RENAME missing missing
  RENAMENX missing missing
  SET n 42
  RENAME n m
  OBJECT ENCODING m
  APPEND m x
  OBJECT ENCODING m
  RENAME m n
  OBJECT ENCODING n
  GET n
  RENAME n
  RENAMENX n
  `,
);

compare(
  "COPY MOVE SWAPDB SELECT",
  `
  SET a 1 EX 100
  COPY a b
  GET b
  ~ TTL b
  COPY a b
  COPY a b REPLACE
  COPY missing x
  COPY a a
  COPY a a DB 1
  COPY a b DB 99
  COPY a b DB x
  COPY a b BOGUS
  COPY a b DB
  COPY a b DB 99999999999
  COPY a b DB 99999999999999999999
  COPY a b REPLACE DB 1 replace db 0
  COPY a b REPLACE BOGUS DB 99
  COPY a
  SELECT 1
  GET a
  SELECT 0
  MOVE a 1
  MOVE b 1
  EXISTS b
  MOVE a 0
  MOVE a 99
  MOVE a x
  MOVE missing 1
  SWAPDB 0 1
  GET b
  SWAPDB 0 0
  SWAPDB 0 99
  SWAPDB x 1
  SWAPDB 99999999999 1
  SWAPDB 0 99999999999
  SWAPDB -1 0
  MOVE a 99999999999
  MOVE a -1
  MOVE a 0
  SWAPDB 0 x
  SELECT 99
  SELECT -1
  SELECT x
  DBSIZE
  SELECT 1
  DBSIZE
  FLUSHDB
  DBSIZE
  SELECT 0
  FLUSHALL
  DBSIZE
  FLUSHALL ASYNC
  FLUSHALL SYNC
  FLUSHDB ASYNC
  FLUSHALL BOGUS
  FLUSHDB SYNC ASYNC
  `,
);

compare(
  "EXPIRE and its conditions",
  `
  SET k v
  EXPIRE k 100
  ~ TTL k
  ~ PTTL k
  EXPIRE k 200 NX
  EXPIRE k 200 XX
  EXPIRE k 100 GT
  EXPIRE k 300 GT
  EXPIRE k 400 LT
  EXPIRE k 50 LT
  PERSIST k
  PERSIST k
  EXPIRE k 100 XX
  EXPIRE k 100 GT
  EXPIRE k 100 LT
  EXPIRE k 100 NX XX
  EXPIRE k 100 GT LT
  EXPIRE k 100 NX GT
  EXPIRE k 50 XX GT
  EXPIRE k 100 BOGUS
  EXPIRE k x
  EXPIRE k 9223372036854775807
  EXPIRE k -9223372036854775808
  PEXPIRE k 9223372036854775807
  EXPIREAT k 9223372036854775807
  PEXPIREAT k 9223372036854775807
  PEXPIRETIME k
  EXPIRETIME k
  EXPIREAT k 33177117420
  EXPIRETIME k
  PEXPIRETIME k
  PEXPIREAT k 33177117420999
  EXPIRETIME k
  EXPIRE missing 10
  TTL missing
  PTTL missing
  EXPIRETIME missing
  PEXPIRETIME missing
  EXPIRE k -1
  EXISTS k
  SET k v
  PEXPIREAT k 1
  EXISTS k
  SET k v
  EXPIRE k 0
  EXISTS k
  SET k v
  TTL k
  PTTL k
  EXPIRETIME k
  PEXPIRETIME k
  PERSIST missing
  `,
);

compare(
  "KEYS SCAN RANDOMKEY",
  `
  MSET one 1 two 2 three 3 [x] 4 a*b 5
  ? KEYS *
  ? KEYS t*
  ? KEYS *e
  KEYS o?e
  ? KEYS [ot]*
  KEYS \\\\[x\\\\]
  KEYS a\\\\*b
  KEYS nothing
  KEYS
  SCAN x
  SCAN -
  SCAN 0 COUNT 0
  SCAN 0 COUNT -1
  SCAN 0 COUNT x
  SCAN 0 MATCH
  SCAN 0 BOGUS x
  SCAN 18446744073709551616
  SCAN " 0"
  DEL one two three [x] a*b
  SCAN 0
  RANDOMKEY
  SET only 1
  RANDOMKEY
  SCAN 0 COUNT 1000
  SCAN 0 COUNT 1000 TYPE string
  SCAN 0 COUNT 1000 TYPE STRING
  SCAN 0 COUNT 1000 TYPE list
  SCAN 0 COUNT 1000 MATCH o* TYPE string
  `,
);

compare(
  "OBJECT",
  `
  SET k v
  OBJECT ENCODING k
  OBJECT REFCOUNT k
  ~ OBJECT IDLETIME k
  OBJECT FREQ k
  OBJECT ENCODING missing
  OBJECT IDLETIME missing
  OBJECT BOGUS k
  OBJECT ENCODING
  OBJECT
  OBJECT HELP
  SET k "this text is a good deal longer than forty-four bytes"
  OBJECT ENCODING k
  SET k 12
  OBJECT ENCODING k
  SET k 3.5
  OBJECT ENCODING k
  `,
);

transcript("large values and keys move, and copies are of their own", (t) => {
  const key = "k".repeat(5000);
  const value = "v".repeat(40_000);
  t.do("SET", key, value).is("OK");
  t.do("COPY", key, "copied").is(1);
  t.do("RENAME", key, `${key}2`).is("OK");
  t.do("APPEND", "copied", "more").is(40_004);
  t.do("GET", `${key}2`).is(value);
  t.do("COPY", "copied", `${key}3`, "DB", "4").is(1);
  t.do("MOVE", `${key}2`, "4").is(1);
  t.do("DBSIZE").is(1);
  t.do("SELECT 4");
  t.do("GET", `${key}2`).is(value);
  t.do("GET", `${key}3`).is(`${value}more`);
  t.do("KEYS", `${key}*`)
    .unordered()
    .is([`${key}2`, `${key}3`]);
  t.do("SWAPDB 0 4").is("OK");
  t.do("KEYS *").is(["copied"]);
  t.do("DEL", "copied").is(1);
  t.do("SELECT 0");
  t.do("RENAME", `${key}2`, `${key}3`).is("OK");
  t.do("GET", `${key}3`).is(value);
  t.do("DBSIZE").is(1);
});

transcript("SWAPDB exchanges what connections see, with expiry", (t) => {
  t.do("SET k here EX 1000");
  t.on("@other").do("SELECT 1").is("OK");
  t.on("@other").do("SET k there").is("OK");
  t.on("@other").do("SWAPDB 0 1").is("OK");
  t.on("@other").do("GET k").is("here");
  t.on("@other").do("TTL k").within(990, 1000);
  t.do("GET k").is("there");
  t.do("TTL k").is(-1);
  t.do("FLUSHDB");
  t.on("@other").do("GET k").is("here");
});

// Else a frequency would fall with the minute.
transcripts({ directives: ["maxmemory-policy allkeys-lfu", "lfu-decay-time 0"] }).transcript(
  "under an LFU policy OBJECT shows frequencies",
  (t) => {
    t.do("SET k v");
    t.do("OBJECT FREQ k").within(4, 6);
    t.do("OBJECT FREQ missing").is(null);
    t.do("OBJECT IDLETIME missing").is(null);
    t.do("OBJECT IDLETIME k");
    for (let i = 0; i < 300; i++) t.do("GET k");
    t.do("OBJECT FREQ k").within(7, 40);
    t.do("CONFIG SET maxmemory-policy noeviction").is("OK");
    t.do("OBJECT FREQ k");
    t.do("OBJECT IDLETIME k").likeInteger();
    t.do("CONFIG SET maxmemory-policy allkeys-lfu").is("OK");
  },
);

transcript("TOUCH marks an access, other looks do not", (t) => {
  t.do("SET k v");
  const dump = t.do("DUMP k").matching((value) => value !== null);
  t.do(() => {
    const raw = dump.lastReply?.raw ?? new Uint8Array();
    return ["RESTORE", "k", "0", raw.slice(raw.indexOf(10) + 1, -2), "REPLACE", "IDLETIME", "1000"];
  }).is("OK");
  t.do("EXISTS k");
  t.do("TTL k");
  t.do("TYPE k");
  t.do("OBJECT IDLETIME k").within(1000, 1100);
  t.do("TOUCH k").is(1);
  t.do("OBJECT IDLETIME k").within(0, 100);
});

transcript("an expired key is gone for every command", (t) => {
  t.do("SET k v PX 30").is("OK");
  t.do("SET n 5 PX 30").is("OK");
  t.pause(60);
  t.do("GET k").is(null);
  t.do("EXISTS k").is(0);
  t.do("TTL k").is(-2);
  t.do("KEYS *").is([]);
  t.do("SETNX k new").is(1);
  t.do("TTL k").is(-1);
  t.do("INCR n").is(1);
  t.do("TTL n").is(-1);
  t.do("DBSIZE").is(2);
});

transcript("DEBUG DIGEST agrees on equal strings", (t) => {
  t.do("DEBUG DIGEST").is("0000000000000000000000000000000000000000");
  t.do("MSET a 1 b two c 3.5");
  t.do("SET d x EX 1000");
  t.do("SELECT 3");
  t.do('SET e "\\x00\\x01"');
  t.do("DEBUG DIGEST");
  t.do("DEBUG DIGEST-VALUE e missing");
  t.do("DEBUG POPULATE 50").is("OK");
  t.do("DEBUG POPULATE 10 pre 64").is("OK");
  t.do("GET key:7").is("value:7");
  t.do("STRLEN pre:3").is(64);
  t.do("DEBUG DIGEST");
});

test("TOUCH marks an access even for a client that asked to leave no trace", async () => {
  await using server = await startServer({ directives: ['save ""'] });
  await using client = await server.connect();
  await client.do("SET k v");
  await makeIdle(client, "k", 1000);
  expect(await client.value("CLIENT NO-TOUCH ON")).toBe("OK");
  expect(await client.value("GET k")).toBe("v");
  expect(await client.value("OBJECT IDLETIME k")).toBeGreaterThanOrEqual(1000);
  expect(await client.value("TOUCH k")).toBe(1);
  expect(await client.value("OBJECT IDLETIME k")).toBeLessThan(100);
});
