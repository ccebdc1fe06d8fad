/** A dataset of every type and encoding, and the files made of it. */
import type { Database } from "../../../src/keyspace/database.ts";
import { KeyView } from "../../../src/keyspace/entries.ts";
import type { Arena, Ref } from "../../../src/memory/arena.ts";
import { RdbEncoder, type RdbOptions } from "../../../src/rdb/rdb-encoder.ts";
import { LocalEngine } from "../../support/local-engine.ts";

export const PLAIN_OPTIONS: RdbOptions = {
  version: 10,
  compresses: true,
  checksums: true,
  aux: [
    ["redis-ver", "7.2.4"],
    ["redis-bits", "64"],
    ["ctime", "1700000000"],
  ],
  writesIdle: "none",
  libraries: [],
};

/** An engine whose clock stands at the present, so that another server expires what it would. */
export function emptyEngine(): LocalEngine {
  const engine = new LocalEngine();
  engine.clock.nowMs = Date.now();
  engine.engine.context.access.setTime(engine.clock.nowMs);
  return engine;
}

/** Fills several databases. `expires`: some keys get a TTL. */
export function populate(engine: LocalEngine): void {
  for (const database of [0, 3, 15]) {
    engine.do(`SELECT ${database}`);
    fillStrings(engine);
    fillLists(engine);
    fillSets(engine);
    fillSortedSets(engine);
    fillHashes(engine);
    fillStreams(engine);
    fillTtls(engine);
  }
  engine.do("SELECT 0");
}

const INTEGERS = [
  "0",
  "-1",
  "127",
  "128",
  "-128",
  "-129",
  "32767",
  "32768",
  "-32769",
  "2147483647",
  "2147483648",
  "-2147483648",
  "-2147483649",
  "9007199254740993",
  "9223372036854775807",
  "-9223372036854775808",
];

function fillStrings(engine: LocalEngine): void {
  for (const text of INTEGERS) {
    engine.do("SET", `integer:${text}`, text);
    engine.do("APPEND", `digits:${text}`, text);
    engine.do("SET", text, "an integer for a key");
  }
  for (const text of ["", "-", "-0", "01", "1 ", "+1", "1e3", "12345678901"]) {
    engine.do("SET", `text:${text}`, text);
  }
  for (const length of [19, 20, 21, 44, 45, 63, 64, 65, 300, 16383, 16384, 70_000, 1_100_000]) {
    engine.do("SET", `runs:${length}`, "ab".repeat(length).slice(0, length));
    engine.do("SET", `noise:${length}`, noise(length));
  }
  engine.do("SET", "k".repeat(5000), "a long key");
  engine.do("SET", noise(100), "a binary key");
}

function fillLists(engine: LocalEngine): void {
  engine.do("RPUSH l:small a b c 1 -5 100000");
  engine.do("RPUSH", "l:one", "x".repeat(40));
  for (let i = 0; i < 400; i++) engine.do("RPUSH", "l:long", `element ${i}`, String(i * i), "");
  for (let i = 0; i < 50; i++) engine.do("LPUSH", "l:wide", noise(3000 + i));
  engine.do("RPUSH", "l:huge", "small", "y".repeat(1_200_000), noise(20_000), "5");
}

function fillSets(engine: LocalEngine): void {
  engine.do("SADD s:int16 1 2 -300");
  engine.do("SADD s:int32 1 70000");
  engine.do("SADD s:int64 1 9223372036854775807 -9223372036854775808");
  engine.do("SADD s:listpack a b 3");
  for (let i = 0; i < 700; i++) engine.do("SADD", "s:table", `member:${i}`, String(i));
}

function fillSortedSets(engine: LocalEngine): void {
  engine.do("ZADD z:listpack 1 a 2.5 b -inf c +inf d 1e300 e -0.1 5 17179869184 f");
  for (let i = 0; i < 300; i++) engine.do("ZADD", "z:table", String(i / 7), `member:${i}`);
  engine.do("ZADD z:table -inf lowest +inf highest 0 0 12345678901 big");
}

function fillHashes(engine: LocalEngine): void {
  engine.do("HSET h:listpack f v 1 2 empty '' n -77");
  for (let i = 0; i < 300; i++) engine.do("HSET", "h:table", `field:${i}`, String(i));
  engine.do("HSET", "h:wide", "f", "w".repeat(100), noise(5000), noise(40_000));
}

function fillStreams(engine: LocalEngine): void {
  for (let i = 1; i <= 250; i++) engine.do("XADD", "x:nodes", `${i}-${i}`, "f", `value ${i}`);
  engine.do("XADD x:nodes 1000-0 other fields than before");
  engine.do("XDEL x:nodes 7-7 250-250");
  engine.do("XADD x:empty 5-0 a b");
  engine.do("XDEL x:empty 5-0");
  engine.do("XADD x:last 18446744073709551615-18446744073709551614 a b");
  engine.do("XGROUP CREATE x:nodes group 0 ENTRIESREAD 5");
  engine.do("XGROUP CREATE x:nodes another 100-100");
  engine.do("XGROUP CREATE x:nodes a-third $");
  engine.do("XGROUP CREATE x:empty group $");
  engine.do("XREADGROUP GROUP group alice COUNT 12 STREAMS x:nodes >");
  engine.do("XREADGROUP GROUP group bob COUNT 150 STREAMS x:nodes >");
  engine.do("XACK x:nodes group 1-1 2-2 100-100");
  engine.do("XCLAIM x:nodes group carol 0 3-3 4-4 RETRYCOUNT 9000000000");
  engine.do("XGROUP CREATECONSUMER x:nodes another idle");
}

function fillTtls(engine: LocalEngine): void {
  for (const key of ["l:long", "s:int16", "z:table", "h:listpack", "x:nodes", "integer:127"]) {
    engine.do("PEXPIRE", key, "3600000");
  }
  engine.do("SET never v PXAT 9223372036854775806");
}

/** Bytes that can't be compressed, the same for each length. */
export function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = length | 1;
  for (let i = 0; i < length; i++) {
    state = Math.imul(state, 1664525) + 1013904223;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** The file of all databases, entry by entry. */
export function fileOf(engine: LocalEngine, options: RdbOptions): Buffer {
  const { bytes, encoder } = fileInProgress(engine, options);
  encoder.begin();
  eachEntry(engine, (database, arena, ref) => encoder.entry(database, arena, ref));
  encoder.end();
  return bytes();
}

export function fileInProgress(
  { engine }: LocalEngine,
  options: RdbOptions,
): { encoder: RdbEncoder; bytes: () => Buffer } {
  const parts: Buffer[] = [];
  const encoder = new RdbEncoder(
    engine.context,
    (bytes, start, length) => parts.push(Buffer.from(bytes.subarray(start, start + length))),
    options,
  );
  return { encoder, bytes: () => Buffer.concat(parts) };
}

/** Shows every entry of every database. */
export function eachEntry(
  { engine }: LocalEngine,
  visit: (database: number, arena: Arena, ref: Ref) => void,
): void {
  for (const { index, table, arena } of engine.keyspace.databases) {
    let cursor = 0;
    do {
      cursor = table.scan(cursor, 1000, (ref) => visit(index, arena, ref));
    } while (cursor !== 0);
  }
}

export function keyCopies(database: Database): Uint8Array[] {
  const keys: Uint8Array[] = [];
  const view = new KeyView();
  let cursor = 0;
  do {
    cursor = database.table.scan(cursor, 1000, (ref) => {
      database.keyOf(ref, view);
      keys.push(view.bytes.slice(view.start, view.start + view.length));
    });
  } while (cursor !== 0);
  return keys;
}
