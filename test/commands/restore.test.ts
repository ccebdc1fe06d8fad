/**
 * RESTORE: what it makes of payloads, ours and the oracle's, and how it refuses others. Payloads
 * that DUMP gives go to the next steps as they are, so each server also restores its own.
 */
import { expect, test } from "bun:test";
import { Crc64 } from "../../src/base/crc64.ts";
import { LocalEngine } from "../support/local-engine.ts";
import { type Conversation, transcript, transcripts } from "../support/transcript.ts";

/** `type` and `value` in hexadecimal, with a version and the checksum. */
function payload(hex: string, version = 10): Uint8Array {
  const body = Uint8Array.fromHex(hex.replaceAll(" ", ""));
  const bytes = new Uint8Array(body.length + 10);
  bytes.set(body);
  bytes[body.length] = version & 255;
  bytes[body.length + 1] = version >> 8;
  const crc = new Crc64();
  crc.update(bytes, 0, body.length + 2);
  crc.write(bytes, body.length + 2);
  return bytes;
}

const HELLO = payload("00 05 68656c6c6f");

transcript("RESTORE makes a key, once", (t) => {
  t.do("RESTORE", "k", "0", HELLO).is("OK");
  t.do("GET k").is("hello");
  t.do("TTL k").is(-1);
  t.do("RESTORE", "k", "0", HELLO).error("BUSYKEY Target key name already exists.");
  t.do("RESTORE", "k", "0", payload("00 c00c"), "REPLACE").is("OK");
  t.do("GET k").is("12");
  t.do("OBJECT ENCODING k").is("int");
  t.do("RPUSH l a");
  t.do("RESTORE", "l", "0", HELLO, "replace").is("OK");
  t.do("TYPE l").is("string");
});

transcript("RESTORE with a time to live", (t) => {
  t.do("RESTORE", "k", "500000", HELLO).is("OK");
  t.do("PTTL k").matching((ms) => typeof ms === "number" && ms > 400_000 && ms <= 500_000);
  t.do("RESTORE", "far", "2569591501", HELLO).is("OK");
  t.do("PTTL far").likeInteger();
  t.do("RESTORE", "at", "99999999999999", HELLO, "ABSTTL").is("OK");
  t.do("PEXPIRETIME at").is(99999999999999);
  t.do("RESTORE", "past", "1000", HELLO, "ABSTTL").is("OK");
  t.do("EXISTS past").is(0);
  t.do("RESTORE", "k", "1000", HELLO, "ABSTTL", "REPLACE").is("OK");
  t.do("EXISTS k").is(0);
  t.do("RESTORE", "none", "0", HELLO, "ABSTTL").is("OK");
  t.do("PTTL none").is(-1);
  t.do("RESTORE", "end", "9223372036854775807", HELLO).is("OK");
  t.do("EXISTS end").is(0);
  t.do("RESTORE", "end", "9223372036854775807", HELLO, "ABSTTL").is("OK");
  t.do("PEXPIRETIME end");
});

transcript("RESTORE refuses arguments in Redis's order", (t) => {
  t.do("RESTORE", "k", "0");
  t.do("RESTORE", "k", "0", "abc").error("ERR DUMP payload version or checksum are wrong");
  t.do("RESTORE", "k", "0", "").error("ERR DUMP payload version or checksum are wrong");
  t.do("RESTORE", "k", "-1", "abc").error("ERR Invalid TTL value, must be >= 0");
  t.do("RESTORE", "k", "x", "abc").error("ERR value is not an integer or out of range");
  t.do("RESTORE", "k", "x", "abc", "WHAT").error("ERR syntax error");
  t.do("RESTORE", "k", "0", HELLO, "IDLETIME").error("ERR syntax error");
  t.do("RESTORE", "k", "0", HELLO, "IDLETIME", "-1");
  t.do("RESTORE", "k", "0", HELLO, "IDLETIME", "x");
  t.do("RESTORE", "k", "0", HELLO, "FREQ", "-1");
  t.do("RESTORE", "k", "0", HELLO, "FREQ", "256");
  t.do("RESTORE", "k", "0", HELLO, "FREQ", "1", "IDLETIME", "1").error("ERR syntax error");
  t.do("RESTORE", "k", "0", HELLO, "IDLETIME", "1", "FREQ", "1").error("ERR syntax error");
  t.do("EXISTS k").is(0);
  t.do("SET k v");
  t.do("RESTORE", "k", "x", "abc").error("BUSYKEY Target key name already exists.");
  t.do("RESTORE", "k", "x", "abc", "REPLACE").error("ERR value is not an integer or out of range");
  t.do("RESTORE", "k", "0", payload("00 20 6865"), "REPLACE").error("ERR Bad data format");
  t.do("GET k").is("v");
});

// Redis looks so closely only when it is asked to.
const sanitizing = transcripts({ directives: ["sanitize-dump-payload yes"] });

sanitizing.transcript("RESTORE refuses payloads that are none", (t) => {
  const flipped = HELLO.slice();
  flipped[3] ^= 1;
  t.do("RESTORE", "k", "0", flipped).error("ERR DUMP payload version or checksum are wrong");
  t.do("RESTORE", "k", "0", payload("00 05 68656c6c6f", 99)).error(
    "ERR DUMP payload version or checksum are wrong",
  );
  for (const hex of [
    "", // nothing
    "08 00", // no such type
    "fd 00000000", // an opcode
    "00 81 ffffffffffffffff", // a string without an end
    "00 c3 05 ff 0000000000", // LZF that makes something else
    "04 00", // a hash without fields
    "04 02 0161 0162 0161 0163", // a field twice
    "02 02 0161 0161", // a member twice
    "05 01 0161 000000000000f87f", // not a number
    "0b 09 02000000 01000000 01", // an intset that ends early
    "12 00", // a list without nodes
    "12 01 05 00", // a node of no kind
    "10 07 07000000 0000 fe", // a listpack without an end
    "06 81 4d7a1b3a 00000000", // a module's value
  ]) {
    t.do("RESTORE", "k", "0", payload(hex)).error("ERR Bad data format");
  }
  t.do("EXISTS k").is(0);
});

transcript("RESTORE sets how long a key was idle", (t) => {
  t.do("RESTORE", "k", "0", HELLO, "IDLETIME", "1000").is("OK");
  t.do("OBJECT IDLETIME k").matching((s) => typeof s === "number" && s >= 1000 && s < 1100);
  t.do("RESTORE", "k", "0", HELLO, "FREQ", "100", "REPLACE").is("OK");
  t.do("OBJECT IDLETIME k").matching((s) => typeof s === "number" && s < 100);
});

// Else a frequency would fall with the minute.
const lfu = transcripts({ directives: ["maxmemory-policy allkeys-lfu", "lfu-decay-time 0"] });
lfu.transcript("RESTORE sets how often a key was used", (t) => {
  t.do("RESTORE", "k", "0", HELLO, "FREQ", "100").is("OK");
  t.do("OBJECT FREQ k").is(100);
  t.do("RESTORE", "k", "0", HELLO, "IDLETIME", "100", "REPLACE").is("OK");
  t.do("OBJECT FREQ k");
});

/** The bytes of a step's reply, which is a string. */
function bulkOf({ lastReply }: ReturnType<Conversation["do"]>): Uint8Array {
  const raw = lastReply?.raw ?? new Uint8Array();
  return raw.slice(raw.indexOf(10) + 1, -2);
}

/** Dumps every key and restores it under another name. */
function restoreAll(t: Conversation, keys: readonly string[]): void {
  for (const key of keys) {
    const dump = t.do("DUMP", key).matching((reply) => reply !== null);
    t.do(() => ["RESTORE", `${key}2`, "0", bulkOf(dump)]).is("OK");
    t.do("DEBUG", "DIGEST-VALUE", key, `${key}2`).matching(
      (digests) => Array.isArray(digests) && digests[0] === digests[1],
    );
  }
}

transcript("RESTORE takes what DUMP gives", (t) => {
  t.do("SET text hello");
  t.do("SET integer 12345678");
  t.do("SET", "long", "abc".repeat(30_000));
  t.do("RPUSH list a 1 -5 70000 5000000000 -9223372036854775808");
  t.do("SADD integers 1 -2 3000000000");
  t.do("SADD set a b c");
  t.do("HSET hash f v 1 2");
  t.do("ZADD zset 1 a 1.5 b -inf c");
  t.do("XADD stream 1-1 f v g w");
  t.do("XADD stream 2-1 f v g w");
  t.do("XADD stream 3-1 h x");
  t.do("XDEL stream 2-1");
  t.do("XGROUP CREATE stream group 0");
  t.do("XREADGROUP GROUP group alice COUNT 1 STREAMS stream >");
  t.do("XGROUP CREATECONSUMER stream group bob");
  const many = Array.from({ length: 600 }, (_, i) => `m${i}`);
  t.do("SADD", "large-set", ...many);
  t.do("RPUSH", "large-list", ...many, "x".repeat(9000), ...many);
  t.do("HSET", "large-hash", ...many);
  t.do("ZADD", "large-zset", ...many.flatMap((member, i) => [String(i % 7), member]));
  restoreAll(t, ["text", "integer", "long", "list", "integers", "set", "hash", "zset", "stream"]);
  restoreAll(t, ["large-set", "large-list", "large-hash", "large-zset"]);
  t.do("XINFO GROUPS stream2");
  t.do("XPENDING stream2 group");
});

const NAME = "k";

test("RESTORE is propagated with the moment at which the key expires", () => {
  const engine = new LocalEngine();
  engine.recordEffects();
  engine.do("RESTORE", NAME, "5000", HELLO, "IDLETIME", "7");
  const whenMs = engine.clock.nowMs + 5000;
  const [line] = engine.effects();
  expect(line).toContain(`RESTORE k ${whenMs} `);
  expect(line).toEndWith(" IDLETIME 7 ABSTTL");
  engine.do("RESTORE", NAME, "1", HELLO, "ABSTTL", "REPLACE");
  expect(engine.effects()).toEqual(["0: DEL k"]);
  engine.do("RESTORE", NAME, "1", HELLO, "ABSTTL");
  expect(engine.effects()).toEqual([]);
  engine.do("RESTORE", NAME, "0", HELLO);
  expect(engine.effects()).toHaveLength(1);
  expect(engine.do("GET", NAME)).toBe("hello");
});

test("checks are counted where sanitize-dump-payload asks for them", () => {
  const engine = new LocalEngine();
  const restoreIntset = (): void => {
    engine.do("RESTORE", NAME, "0", payload("0b 0a 02000000 01000000 0100"), "REPLACE");
  };
  restoreIntset();
  expect(engine.engine.stats.payloadSanitizations).toBe(0);
  engine.do("CONFIG SET sanitize-dump-payload yes");
  restoreIntset();
  expect(engine.engine.stats.payloadSanitizations).toBe(1);
  engine.do("CONFIG SET sanitize-dump-payload clients");
  restoreIntset();
  expect(engine.engine.stats.payloadSanitizations).toBe(2);
  engine.do("CONFIG RESETSTAT");
  expect(engine.engine.stats.payloadSanitizations).toBe(0);
});
