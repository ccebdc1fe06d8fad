/** The commands of a base file make again what was encoded, whole entries and large ones alike. */
import { describe, expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import { datasetDigest } from "../../../src/keyspace/digest.ts";
import type { LargeEncoding } from "../../../src/keyspace/snapshot.ts";
import { ValueReader } from "../../../src/keyspace/value-reader.ts";
import { ByteView } from "../../../src/memory/element.ts";
import type { Ref } from "../../../src/memory/arena.ts";
import { typeName, typeOf } from "../../../src/memory/entry.ts";
import { CommandEncoder } from "../../../src/persistence/command-encoder.ts";
import { Arguments } from "../../../src/protocol/arguments.ts";
import { REQUEST, RequestParser } from "../../../src/protocol/request-parser.ts";
import type { FrozenValue } from "../../../src/values/frozen.ts";
import { StreamId } from "../../../src/values/stream-id.ts";
import { StringView } from "../../../src/values/string.ts";
import { readableCommand } from "../../support/readable.ts";
import { LocalEngine } from "../../support/local-engine.ts";

/** Every type, packed and beyond, with what each can have; 200 elements are several batches. */
function fill(engine: LocalEngine): void {
  const each = (count: number, words: (i: number) => string[]): string[] =>
    Array.from({ length: count }, (_, i) => words(i)).flat();
  engine.do("SET", "number", "-9223372036854775808");
  engine.do("SET", "text", bytesOf("a\r\nb\0\xff"), "PXAT", "1900000000000");
  engine.do("SET", "empty", "");
  engine.do("APPEND", "raw", "x".repeat(200_000));
  engine.do("PEXPIREAT", "raw", "9007199254740999");
  engine.do("RPUSH", "list small", "1", "two", "", "-70000");
  engine.do("RPUSH", "list", ...each(200, (i) => [i % 3 === 0 ? `${i}` : `item ${i}`.repeat(9)]));
  engine.do("SADD", "integers", ...each(200, (i) => [`${i * 70001}`]));
  engine.do("SADD", "set", ...each(200, (i) => [`member ${i}`]));
  engine.do("EXPIRE", "set", "1000");
  engine.do("SELECT 3");
  engine.do("HSET", "hash small", "f", "v", "g", "17");
  engine.do("HSET", "hash", ...each(700, (i) => [`field ${i}`, `${i}`]));
  engine.do("HPEXPIRE", "hash", "100000", "FIELDS", "2", "field 3", "field 90");
  engine.do("EXPIRE", "hash", "2000");
  engine.do("ZADD", "zset small", "1.5", "a", "-inf", "b", "0.1", "c");
  engine.do("ZADD", "zset", ...each(200, (i) => [`${i / 7}`, `member ${i}`]));
  engine.do("PFADD", "log", ...each(50, (i) => [`${i}`]));
  engine.do("SELECT 11");
  for (let i = 1; i <= 350; i++) {
    const own = i % 50 === 0 ? ["other", "field"] : ["name", `${i}`, "n", "x"];
    engine.do("XADD", "stream", `${1000 + i}-${i}`, ...own);
  }
  engine.do("XDEL", "stream", "1350-350", "1007-7");
  engine.do("XGROUP CREATE stream group 1003-3 ENTRIESREAD 3");
  engine.do("XREADGROUP GROUP group alice COUNT 5 STREAMS stream >");
  engine.do("XREADGROUP GROUP group bob COUNT 2 STREAMS stream >");
  engine.do("XGROUP CREATECONSUMER stream group idle");
  engine.do("XGROUP CREATE stream other $");
  engine.do("EXPIRE stream 500");
  engine.do("XADD empty 5-5 a b");
  engine.do("XDEL empty 5-5");
  engine.do("XGROUP CREATE never g $ MKSTREAM");
}

interface Encoded {
  readonly commands: string[];
  /** A server made of them. */
  readonly made: LocalEngine;
}

/** `give` is called for each entry with what writes it whole. */
function encode(
  engine: LocalEngine,
  give: (encoder: CommandEncoder, database: number, ref: Ref) => void,
  finish: () => void = () => {},
  notedSeconds: number | null = null,
): Encoded {
  const pieces: Uint8Array[] = [];
  const write = (bytes: Uint8Array, start: number, length: number): void => {
    pieces.push(bytes.slice(start, start + length));
  };
  const encoder = new CommandEncoder(engine.engine.context, write, notedSeconds);
  encoder.begin();
  for (const { index, table } of engine.engine.keyspace.databases) {
    let cursor = 0;
    do cursor = table.scan(cursor, 1 << 16, (ref) => give(encoder, index, ref));
    while (cursor !== 0);
  }
  finish();
  encoder.end();
  return replayed(engine, Buffer.concat(pieces));
}

function replayed(source: LocalEngine, file: Uint8Array): Encoded {
  const made = new LocalEngine();
  made.clock.nowMs = source.clock.nowMs;
  made.engine.context.keepsExpired = made.engine.context.showsExpired = true;
  const parser = new RequestParser();
  parser.isStream = false;
  const commands: string[] = [];
  let bytes = file;
  if (bytes[0] === 35) {
    const end = bytes.indexOf(10) + 1;
    commands.push(Buffer.from(bytes.subarray(0, end)).toString());
    bytes = bytes.slice(end);
  }
  while (parser.position < bytes.length) {
    if (parser.next(bytes, bytes.length) !== REQUEST) throw new Error("not a whole command");
    const words = Array.from({ length: parser.args.count }, (_, i) => parser.args.copy(i));
    commands.push(readableCommand(words));
    const args = new Arguments();
    args.assign(words);
    made.do(...words);
    expect(made.engine.reply.errorCount).toBe(0);
  }
  return { commands, made };
}

const arenaOf = (engine: LocalEngine, database: number) => engine.database(database).arena;

/** Freezes an entry by a copy of all its parts, of which each walk shows `budget`. */
function freeze(engine: LocalEngine, database: number, ref: Ref): FrozenValue {
  const arena = arenaOf(engine, database);
  const reader = new ValueReader(engine.engine.context);
  const thaw = (): void => {};
  const copy = ({ bytes, start, length }: ByteView): ByteView => {
    const view = new ByteView();
    view.set(bytes.slice(start, start + length), 0, length);
    return view;
  };
  const parts: (() => void)[] = [];
  const walk = (budget: number): boolean => {
    for (const show of parts.splice(0, budget)) show();
    return parts.length > 0;
  };
  const kind = typeName(typeOf(arena, ref));
  if (kind === "string") {
    const view = new StringView();
    view.read(arena, ref);
    return { kind, bytes: view.bytes.slice(view.start, view.start + view.length), thaw };
  }
  reader.open(arena, ref);
  if (kind === "set") {
    const members: ByteView[] = [];
    reader.set.rewind();
    while (reader.set.next()) members.push(copy(reader.set.member));
    return {
      kind,
      size: members.length,
      thaw,
      walk(budget, visit) {
        for (const member of members.splice(0, budget)) visit(member);
        return members.length > 0;
      },
    };
  }
  if (kind === "hash") {
    const { hash } = reader;
    const pairs: [ByteView, ByteView, number][] = [];
    hash.rewind();
    while (hash.next()) pairs.push([copy(hash.field), copy(hash.value), hash.fieldExpiryMs]);
    return {
      kind,
      size: pairs.length,
      firstExpiryMs: Infinity,
      thaw,
      walk(budget, visit) {
        for (const pair of pairs.splice(0, budget)) visit(...pair);
        return pairs.length > 0;
      },
    };
  }
  if (kind === "zset") {
    const members: [ByteView, number][] = [];
    reader.sortedSet.rewind();
    while (reader.sortedSet.next()) {
      members.push([copy(reader.sortedSet.member), reader.sortedSet.score]);
    }
    return {
      kind,
      size: members.length,
      thaw,
      walk(budget, visit) {
        for (const member of members.splice(0, budget)) visit(...member);
        return members.length > 0;
      },
    };
  }
  if (kind === "stream") {
    const { nodes } = reader.stream.stream;
    const copies = Array.from({ length: nodes.count }, (_, i) => {
      const id = new StreamId();
      nodes.readId(i, id);
      const start = nodes.startOf(i);
      return [id, nodes.bytesOf(i).slice(start, start + nodes.roomOf(i))] as const;
    });
    return {
      kind,
      nodeCount: copies.length,
      thaw,
      walk(budget, visit) {
        for (const [id, bytes] of copies.splice(0, budget)) visit(id, bytes, 0, bytes.length);
        return copies.length > 0;
      },
    };
  }
  throw new Error(`${kind} ${walk.length}`);
}

describe("Whole entries", () => {
  test("are made again, in their databases and with their expiries", () => {
    const engine = new LocalEngine();
    fill(engine);
    const { made, commands } = encode(engine, (encoder, database, ref) => {
      encoder.entry(database, arenaOf(engine, database), ref);
    });
    expect(datasetDigest(made.engine.keyspace)).toBe(datasetDigest(engine.engine.keyspace));
    expect(commands.filter((line) => line.startsWith("SELECT"))).toEqual([
      "SELECT 0",
      "SELECT 3",
      "SELECT 11",
    ]);
    expect(commands.filter((line) => line.startsWith("ZADD")).length).toBe(5);
    for (const key of ["stream", "empty", "never"]) {
      engine.do("SELECT 11");
      made.do("SELECT 11");
      expect(made.do(`XINFO STREAM ${key} FULL COUNT 0`)).toEqual(
        engine.do(`XINFO STREAM ${key} FULL COUNT 0`),
      );
    }
  });

  test("are written even where they have expired: their removal is on its way", () => {
    const engine = new LocalEngine();
    engine.do("SET k v PX 5");
    engine.pass(10);
    const { commands } = encode(engine, (encoder, database, ref) => {
      encoder.entry(database, arenaOf(engine, database), ref);
    });
    expect(commands).toEqual(["SELECT 0", "SET k v PXAT 1700000000005"]);
  });

  test("follow the time where it is to be noted", () => {
    const engine = new LocalEngine();
    engine.do("SET k v");
    const { commands } = encode(
      engine,
      (encoder, database, ref) => encoder.entry(database, arenaOf(engine, database), ref),
      () => {},
      1_700_000_000,
    );
    expect(commands).toEqual(["#TS:1700000000\r\n", "SELECT 0", "SET k v"]);
  });
});

describe("Large entries", () => {
  test.each([1, 7, 64, 100_000])("are written in steps of %d among others", (budget) => {
    const engine = new LocalEngine();
    fill(engine);
    const waiting: LargeEncoding[] = [];
    let seen = 0;
    const step = (): void => {
      if (waiting.length > 0 && !waiting[0].step(budget)) waiting.shift();
    };
    const { made } = encode(
      engine,
      (encoder, database, ref) => {
        const arena = arenaOf(engine, database);
        const kind = typeName(typeOf(arena, ref));
        if (kind === "list" || ++seen % 3 === 0) {
          encoder.entry(database, arena, ref);
        } else {
          waiting.push(encoder.large(database, arena, ref, freeze(engine, database, ref)));
        }
        step();
      },
      () => {
        while (waiting.length > 0) step();
      },
    );
    expect(datasetDigest(made.engine.keyspace)).toBe(datasetDigest(engine.engine.keyspace));
  });

  test("do not need their entry any more", () => {
    const engine = new LocalEngine();
    fill(engine);
    const digest = datasetDigest(engine.engine.keyspace);
    const waiting: LargeEncoding[] = [];
    const { made, commands } = encode(
      engine,
      (encoder, database, ref) => {
        const arena = arenaOf(engine, database);
        if (typeName(typeOf(arena, ref)) === "list") encoder.entry(database, arena, ref);
        else waiting.push(encoder.large(database, arena, ref, freeze(engine, database, ref)));
      },
      () => {
        engine.do("FLUSHALL");
        while (waiting.length > 0) if (!waiting[0].step(10)) waiting.shift();
      },
    );
    expect(datasetDigest(made.engine.keyspace)).toBe(digest);
    const ofHash = commands.filter((line) => line.split(" ")[1] === "hash").map(wordOf);
    expect(ofHash.filter((word) => word === "HPEXPIREAT").length).toBe(2);
    expect(ofHash.at(-1)).toBe("PEXPIREAT");
  });
});

function wordOf(line: string): string {
  return line.split(" ")[0];
}
