/** The commands that a snapshot is written as make again what there was when it began. */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import { datasetDigest } from "../../../src/keyspace/digest.ts";
import { Snapshot } from "../../../src/keyspace/snapshot.ts";
import { CommandEncoder } from "../../../src/persistence/command-encoder.ts";
import { REQUEST, RequestParser } from "../../../src/protocol/request-parser.ts";
import { LocalEngine } from "../../support/local-engine.ts";
import { readableCommand } from "../../support/readable.ts";

setDefaultTimeout(60_000);

const each = (count: number, words: (i: number) => string[]): string[] =>
  Array.from({ length: count }, (_, i) => words(i)).flat();

/** Every type in all its forms, also those that are written bit by bit. */
function fill(engine: LocalEngine): void {
  engine.do("SET", "number", "-9223372036854775808");
  engine.do("SET", "text", bytesOf("a\r\nb\0\xff"), "PXAT", "1900000000000");
  engine.do("SET", "empty", "");
  engine.do("APPEND", "raw", "x".repeat(200_000));
  engine.do("PEXPIREAT", "raw", "9007199254740999");
  for (const size of [1_500_000, 3_000_000]) {
    engine.do("SET", `huge ${size}`, String.fromCharCode(size % 256).repeat(size));
    engine.do("EXPIRE", `huge ${size}`, String(size));
  }
  engine.do("RPUSH", "list small", "1", "two", "", "-70000");
  engine.do("RPUSH", "list", ...each(9000, (i) => [i % 3 === 0 ? `${i}` : `item ${i}`.repeat(9)]));
  engine.do("SADD", "integers", ...each(200, (i) => [`${i * 70001}`]));
  engine.do("SADD", "set", ...each(2000, (i) => [`member ${i}`]));
  engine.do("EXPIRE", "set", "1000");
  engine.do("SELECT 3");
  engine.do("HSET", "hash small", "f", "v", "g", "17");
  engine.do("HSET", "hash", ...each(2000, (i) => [`field ${i}`, `${i}`]));
  engine.do("HPEXPIRE", "hash", "100000", "FIELDS", "2", "field 3", "field 90");
  engine.do("EXPIRE", "hash", "2000");
  engine.do("ZADD", "zset small", "1.5", "a", "-inf", "b", "0.1", "c");
  engine.do("ZADD", "zset", ...each(2000, (i) => [`${i / 7}`, `member ${i}`]));
  engine.do("PFADD", "log", ...each(50, (i) => [`${i}`]));
  engine.do("SELECT 11");
  for (const [key, count] of [
    ["stream", 5000],
    ["stream small", 120],
  ] as const) {
    for (let i = 1; i <= count; i++) {
      const own = i % 50 === 0 ? ["other", "field"] : ["name", `${i}`, "n", "x"];
      engine.do("XADD", key, `${1000 + i}-${i}`, ...own);
    }
    engine.do("XDEL", key, `${1000 + count}-${count}`, "1007-7");
    engine.do("XGROUP", "CREATE", key, "group", "1003-3", "ENTRIESREAD", "3");
    for (const consumer of ["alice", "bob"]) {
      engine.do("XREADGROUP", "GROUP", "group", consumer, "COUNT", "5", "STREAMS", key, ">");
    }
    engine.do("XGROUP", "CREATECONSUMER", key, "group", "idle");
    engine.do("XGROUP", "CREATE", key, "other", "$");
    engine.do("EXPIRE", key, "500");
  }
  engine.do("XADD empty 5-5 a b");
  engine.do("XDEL empty 5-5");
  engine.do("XGROUP CREATE never g $ MKSTREAM");
}

/** The file that a snapshot of the engine makes; `between` is called between its steps. */
function encode(
  engine: LocalEngine,
  between: (step: number) => void = () => {},
  notedSeconds: number | null = null,
): Uint8Array {
  const pieces: Uint8Array[] = [];
  const write = (bytes: Uint8Array, start: number, length: number): void => {
    pieces.push(bytes.slice(start, start + length));
  };
  const encoder = new CommandEncoder(engine.engine.context, write, notedSeconds);
  const snapshot = new Snapshot(engine.engine.keyspace, encoder);
  snapshot.begin();
  for (let step = 0; snapshot.step(() => true); step++) between(step);
  return Buffer.concat(pieces);
}

interface Made {
  readonly commands: string[];
  readonly engine: LocalEngine;
}

/** A server at the time of another that has run the file's commands, none of which may fail. */
function replayed(source: LocalEngine, file: Uint8Array): Made {
  const engine = new LocalEngine();
  engine.clock.nowMs = source.clock.nowMs;
  engine.engine.context.keepsExpired = engine.engine.context.showsExpired = true;
  const parser = new RequestParser();
  parser.isStream = false;
  const commands: string[] = [];
  while (parser.position < file.length) {
    if (parser.next(file, file.length) !== REQUEST) throw new Error("not a whole command");
    const words = Array.from({ length: parser.args.count }, (_, i) => parser.args.copy(i));
    engine.do(...words);
    const short = words.map((word) => word.subarray(0, 100));
    if (engine.engine.reply.errorCount > 0) throw new Error(readableCommand(short));
    commands.push(readableCommand(short));
  }
  return { commands, engine };
}

const digestOf = ({ engine }: LocalEngine): string => datasetDigest(engine.keyspace);

describe("A snapshot as commands", () => {
  test("is made again, in its databases and with its expiries", () => {
    const engine = new LocalEngine();
    fill(engine);
    const { engine: made, commands } = replayed(engine, encode(engine));
    expect(digestOf(made)).toBe(digestOf(engine));
    made.do("SELECT 11");
    for (const key of ["stream", "stream small", "empty", "never"]) {
      const full = ["XINFO", "STREAM", key, "FULL", "COUNT", "0"];
      expect(made.do(...full)).toEqual(engine.do(...full));
    }
    const wordsOf = (key: string): string[] =>
      commands.filter((line) => line.split(" ")[1] === key).map((line) => line.split(" ")[0]);
    expect(wordsOf("zset").length).toBe(Math.ceil(2000 / 64));
    expect(wordsOf("hash").filter((word) => word === "HPEXPIREAT").length).toBe(2);
    for (const key of ["hash", "set", "stream"]) expect(wordsOf(key).at(-1)).toBe("PEXPIREAT");
    expect(wordsOf('"huge').filter((word) => word === "SET").length).toBe(2);
  });

  test("is that of its beginning, whatever changes meanwhile", () => {
    const engine = new LocalEngine();
    fill(engine);
    const digest = digestOf(engine);
    const changes = [
      "SELECT 0",
      "APPEND raw more",
      "SPOP set 50",
      "SELECT 3",
      "HDEL hash f1",
      "HSET hash new field",
      "ZREMRANGEBYRANK zset 0 100",
      "SELECT 11",
      "XADD stream * a b",
      "XREADGROUP GROUP group alice COUNT 1 STREAMS stream >",
      "XGROUP DESTROY stream other",
      "SELECT 0",
      "SET new key",
      "RENAME list other",
      "LTRIM other 10 -10",
      "COPY other third",
      "SWAPDB 0 3",
      "DEL text",
      "MOVE number 5",
    ];
    const file = encode(engine, (step) => {
      if (step < changes.length * 3) engine.do(changes[step % changes.length]);
      else if (step === 100) engine.do("FLUSHALL");
    });
    expect(digestOf(engine)).not.toBe(digest);
    expect(digestOf(replayed(engine, file).engine)).toBe(digest);
  });

  test("holds keys even where they have expired: their removal is on its way", () => {
    const engine = new LocalEngine();
    engine.do("SET k v PX 5");
    engine.pass(10);
    const { commands } = replayed(engine, encode(engine));
    expect(commands).toEqual(["SELECT 0", "SET k v PXAT 1700000000005"]);
  });

  test("begins with the time where that is to be noted", () => {
    const engine = new LocalEngine();
    engine.do("SET k v");
    const file = textOf(encode(engine, () => {}, 1_700_000_000));
    expect(file.startsWith("#TS:1700000000\r\n*2\r\n$6\r\nSELECT\r\n")).toBe(true);
  });
});
