/** What the versions beyond redis-server 7.0's have, byte by byte. */
import { expect, test } from "bun:test";
import { fileVersion, type RdbVersion } from "../../../src/rdb/rdb-version.ts";
import type { LocalEngine } from "../../support/local-engine.ts";
import { START_MS } from "../../support/local-engine.ts";
import { emptyEngine, fileOf, PLAIN_OPTIONS } from "./_content.ts";

const CHECKSUM_BYTES = 8;

/** The file's records, without magic and checksum. */
function recordsOf(engine: LocalEngine, version: RdbVersion): Buffer {
  const file = fileOf(engine, { ...PLAIN_OPTIONS, version, aux: [] });
  expect(file.toString("latin1", 0, 9)).toBe(`REDIS00${version}`);
  return file.subarray(9, file.length - CHECKSUM_BYTES);
}

function int64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
}

/** Texts with their length in front, numbers as bytes. */
function record(...parts: readonly (string | number | Buffer)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if (typeof part === "number") return Buffer.of(part);
      return typeof part === "string"
        ? Buffer.concat([Buffer.of(part.length), Buffer.from(part)])
        : part;
    }),
  );
}

test("A packed set: elements in version 10, a listpack from 11 on", () => {
  const engine = emptyEngine();
  engine.do("SADD s a");
  const listpack = Buffer.from("0a0000000100816102ff", "hex");
  expect(recordsOf(engine, 10)).toEqual(record(254, 0, 2, "s", 1, "a", 255));
  for (const version of [11, 12] as const) {
    const expected = record(254, 0, 20, "s", listpack.length, listpack, 255);
    expect(recordsOf(engine, version)).toEqual(expected);
  }
});

test("A consumer's active time: from version 11 on", () => {
  const engine = emptyEngine();
  engine.clock.nowMs = START_MS;
  engine.do("XADD x 1-1 f v");
  engine.do("XGROUP CREATE x g 0");
  engine.do("XGROUP CREATECONSUMER x g idle");
  engine.pass(5);
  engine.do("XREADGROUP GROUP g busy STREAMS x >");
  engine.do("XDEL x 1-1");
  const id = Buffer.from("00000000000000010000000000000001", "hex");
  const expected = (type: number, active: (when: number) => readonly Buffer[]): Buffer => {
    const entries = [0, 0, 1, 1, 0, 0, 1, 1, 1];
    const group = [1, "g", 1, 1, 1, 1, id, int64(START_MS + 5), 1, 2];
    const busy = ["busy", int64(START_MS + 5), ...active(START_MS + 5), 1, id];
    const idle = ["idle", int64(START_MS), ...active(-1), 0];
    return record(254, 0, type, "x", ...entries, ...group, ...busy, ...idle, 255);
  };
  expect(recordsOf(engine, 10)).toEqual(expected(19, () => []));
  expect(recordsOf(engine, 11)).toEqual(expected(21, (when) => [int64(when)]));
});

test("Fields with an expiry: the earliest, and the others relative to it", () => {
  const engine = emptyEngine();
  const { keyspace } = engine.engine;
  engine.do("HSET h a 1");
  expect(fileVersion(keyspace, 10)).toBe(10);
  const first = 9_000_000_000_000;
  engine.do(`HPEXPIREAT h ${first + 20} FIELDS 1 a`);
  expect(fileVersion(keyspace, 10)).toBe(12);
  const expected = record(254, 0, 24, "h", int64(first + 20), 1, 1, "a", 0xc0, 1, 255);
  expect(recordsOf(engine, 12)).toEqual(expected);
  engine.do("HSET h b vb c vc");
  engine.do(`HPEXPIREAT h ${first} FIELDS 1 b`);
  const records = recordsOf(engine, 12);
  expect(records.subarray(0, 14)).toEqual(record(254, 0, 24, "h", int64(first), 3));
  for (const field of [record(21, "a", 0xc0, 1), record(1, "b", "vb"), record(0, "c", "vc")]) {
    expect(records.includes(field)).toBe(true);
  }
  engine.do("DEL h");
  expect(fileVersion(keyspace, 11)).toBe(11);
});
