/** The place in the stream that an AOF ends with. */
import { describe, expect, test } from "bun:test";
import { appendFileSync, readFileSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { NoReplication, type StreamPosition } from "../../../src/engine/replication.ts";
import { parseStreamNote, streamNote } from "../../../src/persistence/stream-note.ts";
import { findOracle } from "../../support/oracle.ts";
import { startServer } from "../../support/server.ts";
import { type Fixture, incrementOf, makeDirectory, started } from "./_setup.ts";

const ID = "8f3a1c5e7b9d2046f8e1a3c7d5b90264e7f1c3a8";
const POSITION = { id: ID, offset: 12_345_678_901, database: 3 };

class At extends NoReplication {
  override readonly position: StreamPosition;

  constructor(position: StreamPosition) {
    super();
    this.position = position;
  }
}

/** A server that has ended in good order. */
async function ended(dir: string, position: StreamPosition = POSITION): Promise<void> {
  const it = await started(dir, { "rdb-version": "10" });
  it.turn("SET", "a", "1");
  it.engine.replication = new At(position);
  expect(it.aof.close()).toBe(true);
}

async function startedAgain(dir: string): Promise<Fixture> {
  const it = await started(dir);
  expect(it.do("GET", "a")).toBe("$1\r\n1\r\n");
  return it;
}

describe("an AOF", () => {
  test("ends with the place in the stream where there is one", async () => {
    const dir = makeDirectory();
    await ended(dir);
    expect(readFileSync(incrementOf(dir), "latin1")).toEndWith(`#REPL:${ID} 12345678901 3\r\n`);
    const it = await startedAgain(dir);
    expect(it.aof.loadedPosition).toEqual(POSITION);
    // It ends in a crash, and nothing was written.
    expect((await startedAgain(dir)).aof.loadedPosition).toEqual(POSITION);
    it.turn("SET", "b", "1");
    expect((await startedAgain(dir)).aof.loadedPosition).toBeNull();
  });

  test("has none where there is no stream, or the server did not end in good order", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    it.turn("SET", "a", "1");
    it.engine.replication = new At(POSITION);
    expect((await startedAgain(dir)).aof.loadedPosition).toBeNull();
    it.engine.replication = new NoReplication();
    it.aof.close();
    expect((await startedAgain(dir)).aof.loadedPosition).toBeNull();
  });

  test("has none where the line is cut, or damaged, or not the last of the last file", async () => {
    for (const left of [1, 2, 20, 61]) {
      const dir = makeDirectory();
      await ended(dir);
      const path = incrementOf(dir);
      truncateSync(path, readFileSync(path).length - left);
      expect((await startedAgain(dir)).aof.loadedPosition).toBeNull();
    }
    const dir = makeDirectory();
    await ended(dir);
    appendFileSync(incrementOf(dir), "#TS:1700000000\r\n");
    expect((await startedAgain(dir)).aof.loadedPosition).toBeNull();

    const rewritten = makeDirectory();
    await ended(rewritten);
    const it = await startedAgain(rewritten);
    it.do("BGREWRITEAOF");
    expect((await startedAgain(rewritten)).aof.loadedPosition).toBeNull();
    it.finishSnapshot();
    expect((await startedAgain(rewritten)).aof.loadedPosition).toBeNull();
  });

  test("does not take a database that is not there", async () => {
    const dir = makeDirectory();
    await ended(dir, { id: ID, offset: 5, database: 16 });
    const it = await started(dir);
    expect(it.persistence.loadedPosition).toBeNull();
  });

  const checker = Bun.which("redis-check-aof");
  test.skipIf(findOracle() === null || checker === null)("is whole to Redis", async () => {
    const dir = makeDirectory();
    await ended(dir);
    const manifest = join(dir, "appendonlydir", "appendonly.aof.manifest");
    const check = Bun.spawnSync([checker ?? "", manifest]);
    expect(check.stdout.toString()).toContain("All AOF files and manifest are valid");
    const program = findOracle();
    if (program === null) throw new Error("redis-server has gone");
    await using server = await startServer({ program, dir, directives: ["appendonly yes"] });
    await server.withClient(async (client) => {
      expect(await client.text("GET", "a")).toBe('"1"');
      await client.do("SET", "b", "2");
    });
  });
});

describe("the line", () => {
  test("says what it was given", () => {
    for (const database of [0, 15]) {
      const position = { id: ID, offset: 2 ** 50, database };
      expect(parseStreamNote(Buffer.from(streamNote(position)).toString())).toEqual(position);
    }
    const unknown = streamNote({ id: ID, offset: 1, database: -1 });
    expect(parseStreamNote(Buffer.from(unknown).toString())?.database).toBe(0);
  });

  test("is refused where it is anything else", () => {
    const end = " 1 0\r\n";
    for (const line of ["", "#TS:1\r\n", `#REPL:${ID} 1 0`, `#REPL:${ID} 1 0 0\r\n`]) {
      expect(parseStreamNote(line)).toBeNull();
    }
    for (const id of [ID.slice(1), `${ID}a`, ID.toUpperCase(), ID.replace("8", "g")]) {
      expect(parseStreamNote(`#REPL:${id}${end}`)).toBeNull();
    }
    for (const rest of [
      " -1 0",
      " 1 -1",
      " 1e3 0",
      " 9999999999999999 0",
      " 4503599627370496 0",
      " 1  0",
      " x 0",
    ]) {
      expect(parseStreamNote(`#REPL:${ID}${rest}\r\n`)).toBeNull();
    }
  });
});
