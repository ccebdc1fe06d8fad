/** Snapshots that a primary sends: by way of a file, and straight into the databases. */
import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DirectiveName } from "../../../src/engine/config/directives.ts";
import type { IntakeOptions, SnapshotIntake } from "../../../src/engine/persistence.ts";
import { MemoryTarget } from "./_memory-target.ts";
import { Fixture, makeDirectory, started } from "./_setup.ts";

const LOADING = "-LOADING Redis is loading the dataset in memory\r\n";

const ALL = { hasKeys: true, hasLibraries: true, isForAll: false };

/** What a primary would send. */
function snapshotOf(fill: (primary: Fixture) => void): Uint8Array {
  const primary = new Fixture(makeDirectory(), {});
  fill(primary);
  const target = new MemoryTarget();
  primary.persistence.sendSnapshot(target, ALL, () => {});
  primary.finishSnapshot();
  return target.content;
}

const NEW_DATA = snapshotOf((primary) => {
  for (let i = 0; i < 50; i++) primary.do("SET", `new:${i}`, `value ${i}`);
  primary.do("SELECT", "7");
  primary.do("SET", "seventh", "7");
  primary.do("SET", "due", "x", "PXAT", "1700000000001");
});
const NEW_KEYS = 52;

interface Setup {
  readonly it: Fixture;
  readonly dir: string;
  readonly replaced: string[];
  readonly intake: SnapshotIntake;
}

function begin(
  mode: "disabled" | "on-empty-db" | "swapdb",
  directives: Partial<Record<DirectiveName, string>> = {},
  options: Partial<IntakeOptions> = {},
): Setup {
  const dir = makeDirectory();
  const it = new Fixture(dir, { "repl-diskless-load": mode, save: "", ...directives });
  if (mode !== "on-empty-db") it.do("SET", "old", "1");
  return beginWith(it, dir, options);
}

function beginWith(it: Fixture, dir: string, options: Partial<IntakeOptions> = {}): Setup {
  const replaced: string[] = [];
  const intake = it.persistence.receiveSnapshot({
    sizeBytes: null,
    continuesHistory: false,
    onReplace: () => replaced.push(it.content().join()),
    ...options,
  });
  if (typeof intake === "string") throw new Error(intake);
  return { it, dir, replaced, intake };
}

function send(intake: SnapshotIntake, bytes: Uint8Array, chunkBytes = 100): void {
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    intake.write(bytes, at, Math.min(chunkBytes, bytes.length - at));
  }
}

function finished(intake: SnapshotIntake): Promise<string | null> {
  return new Promise((resolve) => {
    intake.finish(resolve);
  });
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("It never came to pass");
    await Bun.sleep(1);
  }
}

function damaged(): Uint8Array {
  const bytes = Uint8Array.from(NEW_DATA);
  bytes[bytes.length - 3] ^= 1;
  return bytes;
}

function keyCount(it: Fixture): number {
  return it.engine.keyspace.keyCount;
}

describe("a snapshot that goes through a file", () => {
  test("replaces the data and the server's file", async () => {
    const { it, dir, replaced, intake } = begin("disabled");
    send(intake, NEW_DATA);
    expect(it.content()).toEqual(["0 old=1"]);
    expect(readdirSync(dir).join()).toMatch(/^temp-\d+\.\d+\.rdb$/);
    expect(await finished(intake)).toBeNull();
    expect(replaced).toEqual(["0 old=1"]);
    expect(keyCount(it)).toBe(NEW_KEYS);
    expect(it.do("GET", "new:7")).toBe("$7\r\nvalue 7\r\n");
    expect(it.do("EXISTS", "old")).toBe(":0\r\n");
    expect(readdirSync(dir)).toEqual(["dump.rdb"]);
    expect(Buffer.compare(readFileSync(join(dir, "dump.rdb")), NEW_DATA)).toBe(0);
    expect(it.info("loading")).toBe(0);
    expect(it.info("rdb_last_load_keys_loaded")).toBe(NEW_KEYS);
    expect(it.log).toContain("MASTER <-> REPLICA sync: Flushing old data");
    expect(it.log).toContain("MASTER <-> REPLICA sync: Loading DB in memory");
  });

  test("keeps what has expired, until the primary says that it goes", async () => {
    const { it, intake } = begin("disabled");
    it.clock.advance(60_000);
    send(intake, NEW_DATA);
    expect(await finished(intake)).toBeNull();
    expect(it.content().filter((line) => line.startsWith("7 due"))).toHaveLength(1);
    expect(it.info("rdb_last_load_keys_expired")).toBe(0);
  });

  test("is loaded in slices, while clients hear LOADING", async () => {
    const { it, intake } = begin("disabled", { "key-load-delay": "1000" });
    send(intake, NEW_DATA);
    let end: string | null = "";
    intake.finish((problem) => (end = problem));
    await until(() => it.info("loading") === 1);
    expect(it.do("GET", "old")).toBe(LOADING);
    expect(it.info("loading_total_bytes")).toBe(NEW_DATA.length);
    expect(it.persistence.sendSnapshot(new MemoryTarget(), ALL, () => {})).toBe(false);
    for (let i = 0; i < 5; i++) it.clock.advance(1);
    await until(() => keyCount(it) >= 4);
    expect(keyCount(it)).toBeLessThan(10);
    it.clock.advance(1000);
    await until(() => end === null);
    expect(keyCount(it)).toBe(NEW_KEYS);
  });

  test("leaves everything as it was where the disk refuses", async () => {
    for (const refuse of ["write", "sync", "rename"]) {
      const { it, dir, replaced, intake } = begin("disabled");
      writeFileSync(join(dir, "dump.rdb"), "old");
      if (refuse === "write") it.disk.roomBytes = 300;
      it.disk.refusesSync = refuse === "sync";
      it.disk.refusesRename = refuse === "rename";
      send(intake, NEW_DATA);
      expect(intake.problem !== null).toBe(refuse === "write");
      expect(await finished(intake)).toBeString();
      expect(it.content()).toEqual(["0 old=1"]);
      expect(replaced).toEqual([]);
      expect(readdirSync(dir)).toEqual(["dump.rdb"]);
      expect(readFileSync(join(dir, "dump.rdb"), "latin1")).toBe("old");
      expect(it.info("loading")).toBe(0);
    }
    const dir = makeDirectory();
    const it = new Fixture(dir, { "repl-diskless-load": "disabled" });
    it.disk.refusesOpenOf = ".rdb";
    const options = { sizeBytes: 1, continuesHistory: false, onReplace: () => {} };
    expect(it.persistence.receiveSnapshot(options)).toBe("Permission denied");
    expect(it.log).toContain("Opening the temp file needed for MASTER <-> REPLICA synchronization");
  });

  test("leaves nothing where it is damaged", async () => {
    const { it, intake } = begin("disabled");
    send(intake, damaged());
    expect(await finished(intake)).toBeString();
    expect(it.log).toContain("RDB CRC error");
    expect(keyCount(it)).toBe(0);
    expect(it.info("loading")).toBe(0);
    expect(it.do("SET", "a", "1")).toBe("+OK\r\n");
  });

  test("may end at any time", async () => {
    const receiving = begin("disabled");
    send(receiving.intake, NEW_DATA.subarray(0, 200));
    receiving.intake.abort();
    expect(readdirSync(receiving.dir)).toEqual([]);
    expect(receiving.it.content()).toEqual(["0 old=1"]);

    const syncing = begin("disabled");
    syncing.it.disk.holdsSyncs = true;
    send(syncing.intake, NEW_DATA);
    syncing.intake.finish(() => syncing.replaced.push("unexpected"));
    syncing.intake.abort();
    syncing.it.disk.endSyncs();
    expect(syncing.replaced).toEqual([]);
    expect(readdirSync(syncing.dir)).toEqual([]);

    const loading = begin("disabled", { "key-load-delay": "1000" });
    send(loading.intake, NEW_DATA);
    loading.intake.finish(() => loading.replaced.push("unexpected"));
    await until(() => loading.it.info("loading") === 1);
    loading.intake.abort();
    expect(loading.it.info("loading")).toBe(0);
    expect(keyCount(loading.it)).toBe(0);
    await Bun.sleep(5);
    expect(loading.replaced).toEqual(["0 old=1"]);
  });

  test("ends a save of what goes", async () => {
    const { it, dir, intake } = begin("disabled", { "rdb-key-save-delay": "1000" });
    send(intake, NEW_DATA);
    it.do("BGSAVE");
    expect(await finished(intake)).toBeNull();
    expect(it.info("rdb_bgsave_in_progress")).toBe(0);
    it.clock.advance(1000);
    await Bun.sleep(5);
    expect(Buffer.compare(readFileSync(join(dir, "dump.rdb")), NEW_DATA)).toBe(0);
  });

  test("leaves no file where none is kept", async () => {
    const { it, dir, intake } = begin("disabled", { "rdb-del-sync-files": "yes" });
    send(intake, NEW_DATA);
    expect(await finished(intake)).toBeNull();
    expect(keyCount(it)).toBe(NEW_KEYS);
    expect(readdirSync(dir)).toEqual([]);
  });
});

describe("a snapshot that is loaded as it comes", () => {
  test("needs no file where there are no keys", async () => {
    const { it, dir, replaced, intake } = begin("on-empty-db");
    expect(it.info("loading")).toBe(1);
    expect(replaced).toEqual([""]);
    expect(it.do("GET", "new:1")).toBe(LOADING);
    send(intake, NEW_DATA.subarray(0, 600));
    await until(() => keyCount(it) > 10);
    expect(it.info("loading_total_bytes")).toBe(0);
    expect(Number(it.info("loading_loaded_bytes"))).toBeGreaterThan(100);
    intake.write(NEW_DATA, 600, NEW_DATA.length - 600);
    await until(() => keyCount(it) === NEW_KEYS);
    expect(it.info("loading")).toBe(1);
    expect(await finished(intake)).toBeNull();
    expect(it.info("loading")).toBe(0);
    expect(it.do("GET", "new:7")).toBe("$7\r\nvalue 7\r\n");
    expect(readdirSync(dir)).toEqual([]);
    expect(it.info("rdb_changes_since_last_save")).toBe(1);
  });

  test("goes through a file where there are some", async () => {
    const dir = makeDirectory();
    const it = new Fixture(dir, { "repl-diskless-load": "on-empty-db" });
    it.do("SET", "old", "1");
    const { intake } = beginWith(it, dir);
    send(intake, NEW_DATA);
    expect(it.content()).toEqual(["0 old=1"]);
    expect(await finished(intake)).toBeNull();
    expect(existsSync(join(dir, "dump.rdb"))).toBe(true);
  });

  test("leaves nothing behind where it fails or ends early", async () => {
    const broken = begin("on-empty-db");
    send(broken.intake, damaged());
    expect(await finished(broken.intake)).toBeString();
    expect(keyCount(broken.it)).toBe(0);
    expect(broken.it.info("loading")).toBe(0);

    const cut = begin("on-empty-db");
    send(cut.intake, NEW_DATA.subarray(0, 700));
    expect(await finished(cut.intake)).toBeString();
    expect(keyCount(cut.it)).toBe(0);

    const ended = begin("on-empty-db");
    send(ended.intake, NEW_DATA);
    await until(() => keyCount(ended.it) > 0);
    ended.intake.abort();
    expect(keyCount(ended.it)).toBe(0);
    expect(ended.it.info("loading")).toBe(0);
  });

  test("replaces what is there only when it is whole (swapdb)", async () => {
    const { it, replaced, intake } = begin("swapdb", {}, { sizeBytes: NEW_DATA.length });
    it.do("SELECT", "7");
    expect(it.do("GET", "old")).toBe(LOADING);
    send(intake, NEW_DATA);
    await Bun.sleep(5);
    expect(it.content()).toEqual(["0 old=1"]);
    expect(replaced).toEqual([]);
    expect(await finished(intake)).toBeNull();
    expect(replaced).toEqual(["0 old=1"]);
    expect(keyCount(it)).toBe(NEW_KEYS);
    expect(it.do("GET", "seventh")).toBe("$1\r\n7\r\n");
    expect(it.info("loading")).toBe(0);
    expect(it.log).toContain("Swapping active DB with loaded DB");
    const before = it.engine.context.memory.bytes;
    it.do("FLUSHALL");
    expect(it.engine.context.memory.bytes).toBeLessThan(before);
  });

  test("leaves what is there where it fails (swapdb)", async () => {
    for (const bytes of [damaged(), NEW_DATA.subarray(0, 700)]) {
      const { it, replaced, intake } = begin("swapdb");
      send(intake, bytes);
      expect(await finished(intake)).toBeString();
      expect(it.content()).toEqual(["0 old=1"]);
      expect(replaced).toEqual([]);
      expect(it.do("GET", "old")).toBe("$1\r\n1\r\n");
    }
    const { it, intake } = begin("swapdb");
    send(intake, NEW_DATA);
    await Bun.sleep(5);
    intake.abort();
    expect(it.content()).toEqual(["0 old=1"]);
    expect(it.info("loading")).toBe(0);
  });

  test("leaves no count of its memory behind (swapdb)", async () => {
    const dir = makeDirectory();
    const it = new Fixture(dir, { "repl-diskless-load": "swapdb", save: "" });
    const { memory } = it.engine.context;
    const before = memory.bytes;
    for (const bytes of [damaged(), NEW_DATA, NEW_DATA]) {
      const { intake } = beginWith(it, dir);
      send(intake, bytes);
      await finished(intake);
      it.do("FLUSHALL");
      expect(memory.bytes).toBe(before);
    }
  });

  test("shows an older state of the same data meanwhile (swapdb)", async () => {
    const { it, intake } = begin("swapdb", {}, { continuesHistory: true });
    expect(it.info("loading")).toBe(0);
    expect(it.info("async_loading")).toBe(1);
    send(intake, NEW_DATA.subarray(0, 700));
    await Bun.sleep(5);
    expect(it.do("GET", "old")).toBe("$1\r\n1\r\n");
    expect(it.do("EXISTS", "new:1")).toBe(":0\r\n");
    expect(it.do("BGSAVE")).toBe(LOADING);
    expect(it.do("BGREWRITEAOF")).toBe(LOADING);
    it.do("WATCH", "old");
    intake.write(NEW_DATA, 700, NEW_DATA.length - 700);
    expect(await finished(intake)).toBeNull();
    it.do("MULTI");
    expect(it.do("EXEC")).toBe("*-1\r\n");
    expect(it.info("async_loading")).toBe(0);
    expect(it.do("EXISTS", "new:1")).toBe(":1\r\n");
    expect(it.do("BGSAVE")).toBe("+Background saving started\r\n");
  });

  test("is busy while more has come than was loaded", async () => {
    const bytes = snapshotOf((primary) => {
      for (let i = 0; i < 300; i++) {
        primary.do("SET", `k${i}`, crypto.getRandomValues(new Uint8Array(60_000)));
      }
    });
    const { it, intake } = begin("on-empty-db");
    expect(intake.isBusy).toBe(false);
    send(intake, bytes.subarray(0, 17 << 20), 1 << 16);
    expect(intake.isBusy).toBe(true);
    let isFree = false;
    intake.whenFree(() => (isFree = true));
    await until(() => isFree);
    intake.write(bytes, 17 << 20, bytes.length - (17 << 20));
    expect(await finished(intake)).toBeNull();
    expect(keyCount(it)).toBe(300);
  });
});

describe("an AOF", () => {
  test("begins anew with what was loaded", async () => {
    for (const mode of ["disabled", "swapdb"] as const) {
      const dir = makeDirectory();
      const it = await started(dir, { "repl-diskless-load": mode });
      it.do("SET", "old", "1");
      it.aof.writer.settle();
      const { intake } = beginWith(it, dir);
      send(intake, NEW_DATA);
      expect(await finished(intake)).toBeNull();
      expect(it.info("aof_enabled")).toBe(1);
      it.turn("SET", "later", "2");
      // A crash before there is a whole new file: the old one is what there is.
      const crashed = await started(dir);
      expect(crashed.content()).toEqual(["0 old=1"]);
      it.finishSnapshot();
      it.turn("SET", "latest", "3");
      const expected = it.content();
      expect(expected).toHaveLength(NEW_KEYS + 2);
      expect((await started(dir)).content()).toEqual(expected);
    }
  });

  test("stays where the synchronisation fails, and goes on in a primary", async () => {
    const dir = makeDirectory();
    const it = await started(dir, { "repl-diskless-load": "swapdb" });
    it.do("SET", "old", "1");
    const { intake } = beginWith(it, dir);
    send(intake, damaged());
    expect(await finished(intake)).toBeString();
    expect(it.info("aof_enabled")).toBe(0);
    expect((await started(dir)).content()).toEqual(["0 old=1"]);
    it.persistence.resumeAof();
    expect(it.info("aof_enabled")).toBe(1);
    it.finishSnapshot();
    it.turn("SET", "more", "2");
    expect((await started(dir)).content()).toEqual(["0 more=2", "0 old=1"]);
  });

  test("is tried again every second where it can't go on, and then the server ends", async () => {
    const dir = makeDirectory();
    const it = await started(dir, { "repl-diskless-load": "swapdb" });
    const { intake } = beginWith(it, dir);
    send(intake, NEW_DATA);
    it.disk.refusesOpenOf = ".aof";
    expect(await finished(intake)).toBeNull();
    expect(it.log).toContain("Failed enabling the AOF after successful master synchronization!");
    it.persistence.cron();
    for (let tries = 2; tries < 10; tries++) {
      it.clock.advance(1000);
      it.persistence.cron();
    }
    expect(it.exits).toEqual([]);
    it.clock.advance(1000);
    it.persistence.cron();
    expect(it.exits).toEqual([1]);
  });
});
