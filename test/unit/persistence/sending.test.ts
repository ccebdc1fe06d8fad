/** Snapshots for replicas: sent, or by way of the file; and what a file says of the stream. */
import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NoReplication, type StreamPosition } from "../../../src/engine/replication.ts";
import { MemoryTarget } from "./_memory-target.ts";
import { Fixture, makeDirectory, started } from "./_setup.ts";

const ID = "8f3a1c5e7b9d2046f8e1a3c7d5b90264e7f1c3a8";

class At extends NoReplication {
  override readonly position: StreamPosition;

  constructor(position: StreamPosition) {
    super();
    this.position = position;
  }
}

function randomText(length: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(length))).toString("latin1");
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("It never came to pass");
    await Bun.sleep(1);
  }
}

/** The value of an aux field that is a short string. */
function aux(file: string, name: string): string | null {
  const at = file.indexOf(`\xfa${String.fromCharCode(name.length)}${name}`);
  if (at < 0) return null;
  const from = at + 2 + name.length;
  const first = file.charCodeAt(from);
  if (first === 0xc0) return String(file.charCodeAt(from + 1));
  return file.slice(from + 1, from + 1 + first);
}

const ALL = { hasKeys: true, hasLibraries: true, isForAll: false };

describe("a snapshot for replicas", () => {
  test("is sent as an RDB that others can't be written beside", async () => {
    const it = new Fixture(makeDirectory(), {});
    it.do("SET", "key-one", "1");
    const target = new MemoryTarget();
    const ends: (string | null)[] = [];
    expect(it.persistence.sendSnapshot(target, ALL, (problem) => ends.push(problem))).toBe(true);
    it.do("SET", "key-two", "2");
    expect(it.info("rdb_bgsave_in_progress")).toBe(1);
    expect(it.do("BGSAVE")).toStartWith("-ERR Background save already in progress");
    expect(it.do("SAVE")).toStartWith("-ERR Background save already in progress");
    expect(it.persistence.saveForReplicas(ALL, () => {})).toBe(false);
    expect(it.persistence.rewriteAof()).toBe("scheduled");
    await until(() => ends.length > 0);
    expect(ends).toEqual([null]);
    expect(target.isFinished).toBe(true);
    expect(target.text).toContain("key-one");
    expect(target.text).not.toContain("key-two");
    expect(it.info("rdb_bgsave_in_progress")).toBe(0);
    expect(it.info("rdb_changes_since_last_save")).toBe(2);
    expect(it.log).toContain("Background RDB transfer terminated with success");
  });

  test("waits for replicas that can't follow", async () => {
    const it = new Fixture(makeDirectory(), {});
    for (let i = 0; i < 3000; i++) it.do("SET", `k${i}`, randomText(600));
    const target = new MemoryTarget();
    let isDone = false;
    target.isBusy = true;
    it.persistence.sendSnapshot(target, ALL, () => (isDone = true));
    await Bun.sleep(20);
    const { sizeBytes } = target;
    expect(sizeBytes).toBeLessThan(4096);
    expect(target.free()).toBe(true);
    await until(() => target.sizeBytes > sizeBytes);
    target.isBusy = true;
    await Bun.sleep(5);
    const held = target.sizeBytes;
    await Bun.sleep(20);
    expect(target.sizeBytes).toBe(held);
    expect(isDone).toBe(false);
    target.free();
    await until(() => isDone);
    expect(target.sizeBytes).toBeGreaterThan(3000 * 600);
  });

  test("ends where the target fails, or nobody wants it any more", async () => {
    const it = new Fixture(makeDirectory(), { "rdb-key-save-delay": "1000" });
    it.do("SET", "a", "1");
    const failing = new MemoryTarget();
    const ends: (string | null)[] = [];
    it.persistence.sendSnapshot(failing, ALL, (problem) => ends.push(problem));
    failing.problem = "all are gone";
    await until(() => ends.length > 0);
    expect(ends).toEqual(["all are gone"]);
    expect(it.log).toContain("Background transfer error: all are gone");

    const given = new MemoryTarget();
    it.persistence.sendSnapshot(given, ALL, () => ends.push("unexpected"));
    it.persistence.abortSending();
    expect(given.isDiscarded).toBe(true);
    expect(it.info("rdb_bgsave_in_progress")).toBe(0);

    const ended = new MemoryTarget();
    it.persistence.sendSnapshot(ended, ALL, (problem) => ends.push(problem));
    it.persistence.saver.abort();
    await until(() => ends.length > 1);
    expect(ended.isDiscarded).toBe(true);
    expect(ends).toEqual(["all are gone", "aborted"]);
  });

  test("is ended by FLUSHALL: replicas that ask again get what there is then", async () => {
    const it = new Fixture(makeDirectory(), { "rdb-key-save-delay": "1000" });
    it.do("SET", "key-one", "1");
    const target = new MemoryTarget();
    let end: string | null = "";
    it.persistence.sendSnapshot(target, ALL, (problem) => (end = problem));
    expect(it.do("FLUSHALL")).toBe("+OK\r\n");
    await until(() => end !== "");
    expect(end).toBe("aborted");
    expect(target.isDiscarded).toBe(true);
    expect(it.persistence.sendSnapshot(new MemoryTarget(), ALL, () => {})).toBe(true);
  });

  test("goes through the file, whose path is told once it is there", async () => {
    const dir = makeDirectory();
    const it = new Fixture(dir, {});
    it.do("SET", "key-one", "1");
    let path: string | null = "";
    expect(it.persistence.saveForReplicas(ALL, (where) => (path = where))).toBe(true);
    expect(it.persistence.sendSnapshot(new MemoryTarget(), ALL, () => {})).toBe(false);
    await until(() => path !== "");
    expect(path).toBe(join(dir, "dump.rdb"));
    expect(readFileSync(join(dir, "dump.rdb"), "latin1")).toContain("key-one");

    it.disk.roomBytes = 3;
    path = "";
    it.persistence.saveForReplicas(ALL, (where) => (path = where));
    await until(() => path !== "");
    expect(path).toBeNull();

    it.disk.roomBytes = Infinity;
    path = "";
    it.persistence.saveForReplicas(ALL, (where) => (path = where));
    it.persistence.saver.abort();
    await until(() => path !== "");
    expect(path).toBeNull();
  });
});

describe("a file's place in the stream", () => {
  test("is in each RDB but the base of an AOF", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    it.engine.replication = new At({ id: ID, offset: 77, database: -1 });
    it.do("SET", "a", "1");
    it.do("SAVE");
    const file = readFileSync(join(dir, "dump.rdb"), "latin1");
    expect(aux(file, "repl-id")).toBe(ID);
    expect(aux(file, "repl-offset")).toBe("77");
    expect(aux(file, "repl-stream-db")).toBe("0");
    expect(file.indexOf("repl-stream-db")).toBeLessThan(file.indexOf("repl-id"));
    const target = new MemoryTarget();
    it.persistence.sendSnapshot(target, ALL, () => {});
    it.finishSnapshot();
    expect(aux(target.text, "repl-offset")).toBe("77");
    it.do("BGREWRITEAOF");
    it.finishSnapshot();
    const base = readFileSync(join(dir, "appendonlydir", "appendonly.aof.2.base.rdb"), "latin1");
    expect(aux(base, "aof-base")).toBe("1");
    expect(base).not.toContain("repl-");
  });

  test("is known after the start", async () => {
    const dir = makeDirectory();
    const it = new Fixture(dir, {});
    it.do("SAVE");
    const without = new Fixture(dir, {});
    expect(await without.persistence.start()).toBe(true);
    expect(without.persistence.loadedPosition).toBeNull();

    const position = { id: ID, offset: 12_345_678_901, database: 3 };
    it.engine.replication = new At(position);
    it.do("SAVE");
    const next = new Fixture(dir, {});
    expect(await next.persistence.start()).toBe(true);
    expect(next.persistence.loadedPosition).toEqual(position);

    const path = join(dir, "dump.rdb");
    const file = readFileSync(path, "latin1");
    writeFileSync(path, file.replace(ID, `${ID.slice(0, -1)}X`), "latin1");
    const odd = new Fixture(dir, { rdbchecksum: "no" });
    expect(await odd.persistence.start()).toBe(true);
    expect(odd.persistence.loadedPosition).toBeNull();
  });
});
