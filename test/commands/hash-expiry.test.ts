/**
 * Fields of hashes that expire, as Redis 7.4 documents it; the oracle does not know of it. Replies
 * are tried on a clock that the test sets; that fields leave by themselves and stay gone after a
 * restart is tried on a real server.
 */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { LocalEngine, START_MS } from "../support/local-engine.ts";
import { ReplyError, type ReplyValue } from "../support/resp-client.ts";
import { startServer } from "../support/server.ts";
import { infoFields, until } from "./_texts.ts";

const NO_FIELD = -2;
const NO_EXPIRY = -1;
const MAX_MS = 2 ** 46 - 1;

/** An engine with a hash of three fields, in either form. */
function withHash(isLarge = false): LocalEngine {
  const engine = new LocalEngine();
  engine.do("HSET h a 1 b 2 c 3");
  if (isLarge) {
    engine.do("HSET", "h", "long", "x".repeat(100));
    engine.do("HDEL h long");
  }
  engine.events();
  return engine;
}

function error(reply: ReplyValue): string {
  return reply instanceof ReplyError ? reply.message : "no error";
}

describe.each([false, true])("a hash, a table before: %p", (isLarge) => {
  test("HEXPIRE and its kin set an expiry, HTTL and its kin show it", () => {
    const engine = withHash(isLarge);
    expect(engine.do("HEXPIRE h 100 FIELDS 2 a none")).toEqual([1, NO_FIELD]);
    expect(engine.do("HTTL h FIELDS 3 a b none")).toEqual([100, NO_EXPIRY, NO_FIELD]);
    expect(engine.do("HPTTL h FIELDS 1 a")).toEqual([100_000]);
    expect(engine.do("HEXPIRETIME h FIELDS 2 a b")).toEqual([1_700_000_100, NO_EXPIRY]);
    expect(engine.do("HPEXPIRETIME h FIELDS 1 a")).toEqual([START_MS + 100_000]);
    expect(engine.do("HPEXPIRE h 1500 FIELDS 1 a")).toEqual([1]);
    expect(engine.do("HPTTL h FIELDS 1 a")).toEqual([1500]);
    // A part of a second counts as one.
    expect(engine.do("HTTL h FIELDS 1 a")).toEqual([2]);
    expect(engine.do("HEXPIRETIME h FIELDS 1 a")).toEqual([1_700_000_002]);
    expect(engine.do("HEXPIREAT h 1700000007 FIELDS 1 b")).toEqual([1]);
    expect(engine.do("HPEXPIREAT h 1700000007001 FIELDS 1 c")).toEqual([1]);
    expect(engine.do("HPTTL h FIELDS 3 a b c")).toEqual([1500, 7000, 7001]);
    expect(engine.do("OBJECT ENCODING h")).toBe("hashtable");
    expect(engine.do("HGETALL h")).toBeArrayOfSize(6);
  });

  test("conditions: NX, XX, GT, LT", () => {
    const engine = withHash(isLarge);
    expect(engine.do("HPEXPIRE h 1000 XX FIELDS 1 a")).toEqual([0]);
    expect(engine.do("HPEXPIRE h 1000 GT FIELDS 1 a")).toEqual([0]);
    expect(engine.do("HPEXPIRE h 1000 NX FIELDS 2 a a")).toEqual([1, 0]);
    expect(engine.do("HPEXPIRE h 2000 lt FIELDS 2 a b")).toEqual([0, 1]);
    expect(engine.do("HPEXPIRE h 1000 LT FIELDS 1 a")).toEqual([0]);
    expect(engine.do("HPEXPIRE h 1000 GT FIELDS 1 a")).toEqual([0]);
    expect(engine.do("HPEXPIRE h 1001 GT FIELDS 1 a")).toEqual([1]);
    expect(engine.do("HPEXPIRE h 999 LT FIELDS 1 a")).toEqual([1]);
    expect(engine.do("HPEXPIRE h 5 XX FIELDS 2 a c")).toEqual([1, 0]);
    expect(engine.do("HPTTL h FIELDS 3 a b c")).toEqual([5, 2000, NO_EXPIRY]);
    // Conditions come before the past.
    expect(engine.do("HPEXPIREAT h 1 NX FIELDS 2 a c")).toEqual([0, 2]);
  });

  test("HPERSIST takes the expiry away", () => {
    const engine = withHash(isLarge);
    engine.do("HPEXPIRE h 10 FIELDS 2 a b");
    expect(engine.do("HPERSIST h FIELDS 3 a c none")).toEqual([1, NO_EXPIRY, NO_FIELD]);
    expect(engine.do("HPERSIST h FIELDS 1 a")).toEqual([NO_EXPIRY]);
    engine.pass(11);
    expect(engine.do("HPERSIST h FIELDS 2 a b")).toEqual([NO_EXPIRY, NO_FIELD]);
    expect(engine.do("HMGET h a b c")).toEqual(["1", null, "3"]);
  });

  test("a time that is past removes the fields, and with the last one the hash", () => {
    const engine = withHash(isLarge);
    expect(engine.do("HEXPIRE h 0 FIELDS 3 a none a")).toEqual([2, NO_FIELD, NO_FIELD]);
    expect(engine.events()).toEqual(["0:hdel h"]);
    expect(engine.do(`HPEXPIREAT h ${START_MS} FIELDS 1 b`)).toEqual([2]);
    expect(engine.do("HLEN h")).toBe(1);
    engine.events();
    expect(engine.do("HEXPIREAT h 1 FIELDS 1 c")).toEqual([2]);
    expect(engine.events()).toEqual(["0:hdel h", "0:del h"]);
    expect(engine.do("EXISTS h")).toBe(0);
    expect(engine.engine.context.expiredFields).toBe(3);
  });

  test("a field is there in its last millisecond and gone after it", () => {
    const engine = withHash(isLarge);
    engine.do("HPEXPIRE h 10 FIELDS 2 a b");
    engine.pass(10);
    expect(engine.do("HMGET h a b")).toEqual(["1", "2"]);
    expect(engine.do("HPTTL h FIELDS 1 a")).toEqual([0]);
    engine.pass(1);
    // Counted while it is there; a look at it removes it.
    expect(engine.do("HLEN h")).toBe(3);
    expect(engine.do("HGETALL h")).toEqual(["c", "3"]);
    expect(engine.do("HKEYS h")).toEqual(["c"]);
    expect(engine.do("HVALS h")).toEqual(["3"]);
    expect(engine.do("HSCAN h 0")).toEqual(["0", ["c", "3"]]);
    expect(engine.do("HLEN h")).toBe(3);
    expect(engine.do("HGET h a")).toBeNull();
    expect(engine.do("HLEN h")).toBe(2);
    expect(engine.do("HSTRLEN h b")).toBe(0);
    expect(engine.do("HLEN h")).toBe(1);
    expect(engine.events().filter((event) => event === "0:hexpired h")).toHaveLength(2);
  });
});

describe("commands on a field with an expiry", () => {
  test("HSET and HSETNX make it anew, HINCRBY and HINCRBYFLOAT keep the expiry", () => {
    const engine = withHash();
    engine.do("HPEXPIRE h 10 FIELDS 3 a b c");
    expect(engine.do("HSET h a 5 d 6")).toBe(1);
    expect(engine.do("HINCRBY h b 40")).toBe(42);
    expect(engine.do("HINCRBYFLOAT h c 0.5")).toBe("3.5");
    expect(engine.do("HSETNX h b 1")).toBe(0);
    expect(engine.do("HPTTL h FIELDS 3 a b c")).toEqual([NO_EXPIRY, 10, 10]);
    engine.pass(11);
    expect(engine.do("HINCRBY h b 1")).toBe(1);
    expect(engine.do("HINCRBYFLOAT h c 2")).toBe("2");
    expect(engine.do("HPTTL h FIELDS 3 a b c")).toEqual([NO_EXPIRY, NO_EXPIRY, NO_EXPIRY]);
    engine.do("HPEXPIRE h 10 FIELDS 2 b c");
    engine.pass(11);
    expect(engine.do("HSETNX h b 7")).toBe(1);
    expect(engine.do("HSET h c 8")).toBe(1);
    expect(engine.do("HEXISTS h b")).toBe(1);
    expect(engine.do("HMGET h a b c d")).toEqual(["5", "7", "8", "6"]);
  });

  test("HDEL counts an expired field that is still there", () => {
    const engine = withHash();
    engine.do("HPEXPIRE h 10 FIELDS 3 a b c");
    engine.pass(11);
    expect(engine.do("HDEL h a")).toBe(1);
    expect(engine.do("HEXISTS h b")).toBe(0);
    expect(engine.do("EXISTS h")).toBe(1);
    engine.events();
    expect(engine.do("HDEL h c")).toBe(1);
    expect(engine.events()).toEqual(["0:hdel h", "0:del h"]);
  });

  test("the hash goes with its last field, in the midst of a command", () => {
    const engine = withHash();
    engine.do("HPEXPIRE h 10 FIELDS 3 a b c");
    engine.pass(11);
    expect(engine.do("HMGET h a b c a x")).toEqual([null, null, null, null, null]);
    expect(engine.do("EXISTS h")).toBe(0);
    engine.do("HSET h a 1");
    engine.do("HPEXPIRE h 10 FIELDS 1 a");
    engine.pass(11);
    engine.events();
    expect(engine.do("HINCRBY h a 2")).toBe(2);
    expect(engine.events()).toEqual(["0:hexpired h", "0:del h", "0:hincrby h"]);
    expect(engine.do("HPERSIST h FIELDS 1 a")).toEqual([NO_EXPIRY]);
    engine.do("HPEXPIRE h 10 FIELDS 1 a");
    engine.pass(11);
    expect(engine.do("HPEXPIRE h 10 FIELDS 2 a b")).toEqual([NO_FIELD, NO_FIELD]);
    expect(engine.do("EXISTS h")).toBe(0);
  });

  test("HRANDFIELD draws from what has not expired", () => {
    const engine = new LocalEngine();
    for (let i = 0; i < 4000; i++) engine.do("HSET", "h", `f${i}`, "v");
    // More than it removes at once.
    for (let i = 3; i < 4000; i++) engine.do("HPEXPIRE", "h", 10, "FIELDS", 1, `f${i}`);
    engine.pass(11);
    expect(["f0", "f1", "f2"]).toContain(engine.do("HRANDFIELD h") as string);
    expect((engine.do("HRANDFIELD h 10") as string[]).toSorted()).toEqual(["f0", "f1", "f2"]);
    expect(engine.do("HRANDFIELD h 2 WITHVALUES")).toBeArrayOfSize(4);
    expect(engine.do("HRANDFIELD h -5")).toBeArrayOfSize(5);
    engine.do("HDEL h f0 f1 f2");
    expect(engine.do("HRANDFIELD h")).toBeNull();
    expect(engine.do("EXISTS h")).toBe(0);
  });

  test("SORT BY and GET pass over it", () => {
    const engine = withHash();
    engine.do("RPUSH l a b");
    engine.do("HSET w_a w 2");
    engine.do("HSET w_b w 1");
    expect(engine.do("SORT l BY w_*->w GET w_*->w")).toEqual(["1", "2"]);
    engine.do("HPEXPIRE w_a 10 FIELDS 1 w");
    engine.pass(11);
    expect(engine.do("SORT l BY w_*->w GET w_*->w")).toEqual([null, "1"]);
    expect(engine.do("EXISTS w_a")).toBe(0);
  });

  test("keys take their fields' expiries along", () => {
    const engine = withHash();
    engine.do("HPEXPIRE h 10 FIELDS 2 a b");
    engine.do("COPY h copy");
    engine.do("COPY h h DB 3");
    engine.do("RENAME h renamed");
    engine.do("COPY renamed moved");
    engine.do("MOVE moved 2");
    engine.do("SWAPDB 0 1");
    engine.do("SELECT 1");
    expect(engine.do("HPTTL renamed FIELDS 2 a c")).toEqual([10, NO_EXPIRY]);
    engine.do("EXPIRE renamed 100");
    engine.pass(11);
    engine.expire();
    expect(engine.engine.context.expiredFields).toBe(8);
    for (const [database, key] of [
      [1, "copy"],
      [1, "renamed"],
      [2, "moved"],
      [3, "h"],
    ] as const) {
      engine.do("SELECT", database);
      expect(engine.do("HLEN", key)).toBe(1);
    }
  });
});

describe("errors", () => {
  const FIELDS_MISSING = "ERR Mandatory argument FIELDS is missing or not at the right position";
  const MISCOUNTED = "ERR The `numfields` parameter must match the number of arguments";
  const engine = withHash();
  engine.do("SET s text");

  test.each([
    ["HEXPIRE h 1 FIELDS 1", "ERR wrong number of arguments for 'hexpire' command"],
    ["HPERSIST h FIELDS 1", "ERR wrong number of arguments for 'hpersist' command"],
    ["HTTL h FIELDS 1", "ERR wrong number of arguments for 'httl' command"],
    ["HEXPIRE h x FIELDS 1 a", "ERR value is not an integer or out of range"],
    ["HEXPIRE h -1 FIELDS 1 a", "ERR invalid expire time, must be >= 0"],
    ["HPEXPIREAT h -1 FIELDS 1 a", "ERR invalid expire time, must be >= 0"],
    ["HEXPIRE h 1 1 FIELDS a", FIELDS_MISSING],
    ["HEXPIRE h 1 YY FIELDS 1 a", FIELDS_MISSING],
    ["HEXPIRE h 1 NX XX FIELDS 1 a", FIELDS_MISSING],
    ["HTTL h 1 FIELDS a", FIELDS_MISSING],
    ["HPERSIST h FIELD 1 a", FIELDS_MISSING],
    ["HEXPIRE h 1 FIELDS 0 a", "ERR Parameter `numFields` should be greater than 0"],
    ["HEXPIRE h 1 FIELDS x a", "ERR Parameter `numFields` should be greater than 0"],
    ["HTTL h FIELDS 0 a", "ERR Number of fields must be a positive integer"],
    ["HPERSIST h FIELDS -1 a", "ERR Number of fields must be a positive integer"],
    ["HEXPIRE h 1 FIELDS 2 a", MISCOUNTED],
    ["HEXPIRE h 1 FIELDS 1 a b", MISCOUNTED],
    ["HEXPIRE h 1 NX FIELDS 1", MISCOUNTED],
    ["HPEXPIRETIME h FIELDS 9223372036854775807 a", MISCOUNTED],
    ["HEXPIRE s x FIELDS 1 a", "WRONGTYPE Operation against a key holding the wrong kind of value"],
    ["HPTTL s x y z", "WRONGTYPE Operation against a key holding the wrong kind of value"],
    ["HPERSIST s x y z", "WRONGTYPE Operation against a key holding the wrong kind of value"],
  ])("%s", (command, expected) => {
    expect(error(engine.do(command))).toBe(expected);
    expect(engine.do("HGETALL h")).toBeArrayOfSize(6);
  });

  test("the latest time is 2^46 - 1 milliseconds", () => {
    const invalid = (name: string): string => `ERR invalid expire time in '${name}' command`;
    const longestMs = MAX_MS - START_MS;
    expect(engine.do(`HPEXPIREAT h ${MAX_MS} FIELDS 1 a`)).toEqual([1]);
    expect(engine.do("HPEXPIRETIME h FIELDS 1 a")).toEqual([MAX_MS]);
    expect(error(engine.do(`HPEXPIREAT h ${MAX_MS + 1} FIELDS 1 a`))).toBe(invalid("hpexpireat"));
    expect(engine.do(`HPEXPIRE h ${longestMs} FIELDS 1 b`)).toEqual([1]);
    expect(error(engine.do(`HPEXPIRE h ${longestMs + 1} FIELDS 1 b`))).toBe(invalid("hpexpire"));
    const seconds = Math.floor(MAX_MS / 1000);
    expect(engine.do(`HEXPIREAT h ${seconds} FIELDS 1 c`)).toEqual([1]);
    expect(error(engine.do(`HEXPIREAT h ${seconds + 1} FIELDS 1 c`))).toBe(invalid("hexpireat"));
    expect(error(engine.do("HEXPIRE h 9223372036854775807 FIELDS 1 c"))).toBe(invalid("hexpire"));
  });

  test("a key that is not there has no fields, but arguments are checked", () => {
    expect(engine.do("HEXPIRE none 1 FIELDS 2 a b")).toEqual([NO_FIELD, NO_FIELD]);
    expect(engine.do("HTTL none FIELDS 1 a")).toEqual([NO_FIELD]);
    expect(engine.do("HPERSIST none FIELDS 1 a")).toEqual([NO_FIELD]);
    expect(error(engine.do("HTTL none FIELDS 2 a"))).toBe(MISCOUNTED);
    expect(engine.do("EXISTS none")).toBe(0);
  });
});

describe("effects", () => {
  test("times are propagated as HPEXPIREAT of the fields that got them", () => {
    const engine = withHash();
    engine.recordEffects();
    engine.do("HEXPIRE h 10 FIELDS 2 a none");
    engine.do("HPEXPIRE h 10 NX FIELDS 3 a b c");
    engine.do("HPEXPIREAT h 1800000000000 XX FIELDS 1 a");
    engine.do("HEXPIRE h 10 NX FIELDS 1 a");
    engine.do("HTTL h FIELDS 1 a");
    engine.do("HPERSIST h FIELDS 2 a none");
    engine.do("HPERSIST h FIELDS 2 a none");
    engine.do("HINCRBYFLOAT h b 1.5");
    expect(engine.effects()).toEqual([
      "0: HPEXPIREAT h 1700000010000 FIELDS 1 a",
      "0: HPEXPIREAT h 1700000000010 FIELDS 2 b c",
      "0: HPEXPIREAT h 1800000000000 FIELDS 1 a",
      "0: HPERSIST h FIELDS 2 a none",
      "0: MULTI",
      "0: HSET h b 3.5",
      "0: HPEXPIREAT h 1700000000010 FIELDS 1 b",
      "0: EXEC",
    ]);
    engine.events();
  });

  test("what is removed is propagated as HDEL, once", () => {
    const engine = withHash();
    engine.recordEffects();
    engine.do("HEXPIRE h 0 FIELDS 2 a none");
    engine.do("HPEXPIRE h 10 FIELDS 2 b c");
    engine.pass(11);
    engine.do("HGET h b");
    engine.do("HINCRBY h c 1");
    engine.do("HPEXPIRE h 10 FIELDS 1 c");
    engine.pass(11);
    engine.expire();
    expect(engine.effects()).toEqual([
      "0: HDEL h a",
      "0: HPEXPIREAT h 1700000000010 FIELDS 2 b c",
      "0: HDEL h b",
      "0: MULTI",
      "0: HDEL h c",
      "0: HINCRBY h c 1",
      "0: EXEC",
      "0: HPEXPIREAT h 1700000000021 FIELDS 1 c",
      "0: HDEL h c",
    ]);
    expect(engine.do("EXISTS h")).toBe(0);
  });

  test("events: hexpire, hpersist, hexpired, and del with the last field", () => {
    const engine = withHash();
    engine.do("HPEXPIRE h 10 FIELDS 3 a b c");
    engine.do("HPERSIST h FIELDS 1 a");
    engine.do("HPERSIST h FIELDS 1 a");
    engine.do("HPEXPIRE h 10 XX FIELDS 1 a");
    expect(engine.events()).toEqual(["0:hexpire h", "0:hpersist h"]);
    engine.pass(11);
    engine.expire();
    expect(engine.events()).toEqual(["0:hexpired h"]);
    engine.do("HPEXPIRE h 10 FIELDS 1 a");
    engine.pass(11);
    engine.expire();
    expect(engine.events()).toEqual(["0:hexpire h", "0:hexpired h", "0:del h"]);
  });

  test("while a file is loaded all fields can be seen and a past time removes none", () => {
    const engine = withHash();
    const { context } = engine.engine;
    context.keepsExpired = context.showsExpired = true;
    expect(engine.do("HPEXPIREAT h 5 FIELDS 2 a b")).toEqual([1, 1]);
    expect(engine.do("HGET h a")).toBe("1");
    context.keepsExpired = context.showsExpired = false;
    expect(engine.do("HGET h a")).toBeNull();
    engine.expire();
    expect(engine.do("HLEN h")).toBe(1);
  });
});

test("on a server, fields leave by themselves and INFO counts them", async () => {
  await using server = await startServer({ directives: ["enable-debug-command yes"] });
  await using client = await server.connect();
  await client.value("DEBUG SET-ACTIVE-EXPIRE 0");
  await client.value("HSET h a 1 b 2");
  await client.value("HSET gone a 1");
  await client.value("HSET stays a 1");
  await client.value("HPEXPIRE h 20 FIELDS 1 a");
  await client.value("HPEXPIRE gone 20 FIELDS 1 a");
  await client.value("HPEXPIRE stays 1000000 FIELDS 1 a");
  const before = await infoFields(client, "keyspace");
  expect(before["db0"]).toBe("keys=3,expires=0,avg_ttl=0,subexpiry=3");
  await client.value("DEBUG SET-ACTIVE-EXPIRE 1");
  await until(async () => (await infoFields(client, "stats"))["expired_subkeys"] === "2");
  expect(await client.value("EXISTS gone h")).toBe(1);
  expect(await client.value("HLEN h")).toBe(1);
  const after = await infoFields(client, "keyspace");
  expect(after["db0"]).toBe("keys=2,expires=0,avg_ttl=0,subexpiry=1");
  await client.value("CONFIG RESETSTAT");
  expect((await infoFields(client, "stats"))["expired_subkeys"]).toBe("0");
});

test("DEBUG SET-ACTIVE-EXPIRE and CLIENT PAUSE hold them back", async () => {
  await using server = await startServer({ directives: ["enable-debug-command yes"] });
  await using client = await server.connect();
  await client.value("DEBUG SET-ACTIVE-EXPIRE 0");
  await client.value("HSET h a 1 b 2");
  await client.value("HPEXPIRE h 1 FIELDS 1 a");
  await Bun.sleep(300);
  expect(await client.value("HLEN h")).toBe(2);
  await client.value("CLIENT PAUSE 60000 WRITE");
  await client.value("DEBUG SET-ACTIVE-EXPIRE 1");
  await Bun.sleep(200);
  expect(await client.value("HGET h a")).toBeNull();
  expect(await client.value("HLEN h")).toBe(2);
  await client.value("CLIENT UNPAUSE");
  await until(async () => (await client.value("HLEN h")) === 1);
});

test("the AOF, as it grew or made anew, brings expiries back and not what is gone", async () => {
  const directives = ["appendonly yes", 'save ""', "enable-debug-command yes"];
  await using server = await startServer({ directives });
  await using client = await server.connect();
  await client.value("HSET h a 1 b 2 c 3 d 4");
  await client.value("HSET gone a 1");
  await client.value("HEXPIREAT h 33177117420 FIELDS 2 a b");
  await client.value("HINCRBYFLOAT h b 1.5");
  await client.value("HPEXPIRE h 20 FIELDS 1 c");
  await client.value("HPEXPIRE gone 20 FIELDS 1 a");
  await until(async () => (await infoFields(client, "stats"))["expired_subkeys"] === "2");
  const file = join(server.dir, "appendonlydir", "appendonly.aof.1.incr.aof");
  const written = readFileSync(file, "latin1");
  expect(written).toContain("HDEL\r\n$1\r\nh\r\n$1\r\nc\r\n");
  expect(written).toContain("HDEL\r\n$4\r\ngone\r\n$1\r\na\r\n");
  expect(written).not.toContain("\r\nDEL\r\n");
  const digest = await client.value("DEBUG DIGEST");
  await client.value("DEBUG LOADAOF");
  expect(await client.value("DEBUG DIGEST")).toBe(digest);
  const all = "HEXPIRETIME h FIELDS 4 a b c d";
  const expected = [33177117420, 33177117420, NO_FIELD, NO_EXPIRY];
  expect(await client.value(all)).toEqual(expected);
  await client.value("CONFIG SET appendonly no");
  await client.value("CONFIG SET appendonly yes");
  await server.waitForLog(/Background AOF rewrite finished successfully/);
  await client.value("DEBUG LOADAOF");
  expect(await client.value("DEBUG DIGEST")).toBe(digest);
  expect(await client.value(all)).toEqual(expected);
});
