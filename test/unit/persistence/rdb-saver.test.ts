/** SAVE, BGSAVE, save points and what follows when the disk refuses. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DirectiveName } from "../../../src/engine/config/directives.ts";
import { MemoryTarget } from "./_memory-target.ts";
import { Fixture, makeDirectory } from "./_setup.ts";

const WITHOUT_SPACE = "No space left on device";

interface Setup {
  readonly it: Fixture;
  readonly dir: string;
  /** The snapshot's path. */
  readonly path: string;
}

function setup(directives: Partial<Record<DirectiveName, string>> = {}): Setup {
  const dir = makeDirectory();
  const it = new Fixture(dir, directives);
  return { it, dir, path: join(dir, "dump.rdb") };
}

/** Lets a save that runs in the background end. */
async function ended(it: Fixture): Promise<void> {
  await until(() => it.info("rdb_bgsave_in_progress") === 0);
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("It never came to pass");
    await Bun.sleep(1);
  }
}

describe("SAVE", () => {
  test("writes the file, syncs it and forgets the changes", () => {
    const { it, dir, path } = setup();
    it.do("SET", "key-one", "1");
    it.clock.advance(7000);
    expect(it.info("rdb_changes_since_last_save")).toBe(1);
    expect(it.do("SAVE")).toBe("+OK\r\n");
    const file = readFileSync(path, "latin1");
    expect(file.startsWith("REDIS0011")).toBe(true);
    expect(file).toContain("key-one");
    expect(it.info("rdb_changes_since_last_save")).toBe(0);
    expect(it.info("rdb_last_save_time")).toBe(it.clock.nowMs / 1000);
    expect(it.info("rdb_saves")).toBe(1);
    expect(it.do("LASTSAVE")).toBe(`:${it.clock.nowMs / 1000}\r\n`);
    expect(readdirSync(dir)).toEqual(["dump.rdb"]);
    expect(it.log).toContain("DB saved on disk");
  });

  test("goes by dir, dbfilename and rdb-version", () => {
    const { it } = setup({ dbfilename: "other.rdb", "rdb-version": "10" });
    const dir = makeDirectory();
    it.do("SET", "a", "1");
    const saved = join(it.engine.config.values.dir, "other.rdb");
    expect(saved.startsWith(dir)).toBe(false);
    expect(it.do("SAVE")).toBe("+OK\r\n");
    expect(readFileSync(saved, "latin1").startsWith("REDIS0010")).toBe(true);
  });

  test("leaves the old file where the disk refuses", () => {
    const { it, dir, path } = setup();
    writeFileSync(path, "old");
    it.do("SET", "a", "1");
    it.disk.roomBytes = 5;
    expect(it.do("SAVE")).toBe("-ERR\r\n");
    expect(it.log).toContain(`Write error saving DB on disk: ${WITHOUT_SPACE}`);
    it.disk.roomBytes = Infinity;
    it.disk.refusesSync = true;
    expect(it.do("SAVE")).toBe("-ERR\r\n");
    it.disk.refusesSync = false;
    it.disk.refusesRename = true;
    expect(it.do("SAVE")).toBe("-ERR\r\n");
    expect(it.log).toContain("Error moving temp DB file temp-");
    it.disk.refusesRename = false;
    it.disk.refusesOpenOf = `temp-${process.pid}.rdb`;
    expect(it.do("SAVE")).toBe("-ERR\r\n");
    expect(it.log).toContain("for saving: Permission denied");
    expect(readFileSync(path, "latin1")).toBe("old");
    expect(readdirSync(dir)).toEqual(["dump.rdb"]);
    expect(it.info("rdb_changes_since_last_save")).toBe(1);
    // Only what fails in the background stops writes.
    expect(it.isWritingRefused).toBe(false);
  });

  test("can't replace a directory", () => {
    const { it, path } = setup();
    mkdirSync(path);
    expect(it.do("SAVE")).toBe("-ERR\r\n");
    expect(it.log).toContain("Is a directory");
  });
});

describe("BGSAVE", () => {
  test("writes what was there when it began", async () => {
    const { it, path } = setup();
    it.do("SET", "before", "1");
    expect(it.do("BGSAVE")).toBe("+Background saving started\r\n");
    expect(it.info("rdb_bgsave_in_progress")).toBe(1);
    expect(it.info("rdb_current_bgsave_time_sec")).toBe(0);
    it.do("SET", "after", "1");
    it.do("DEL", "before");
    it.clock.advance(3000);
    await ended(it);
    const file = readFileSync(path, "latin1");
    expect(file).toContain("before");
    expect(file).not.toContain("after");
    expect(it.info("rdb_changes_since_last_save")).toBe(2);
    expect(it.info("rdb_last_bgsave_status")).toBe("ok");
    expect(it.info("rdb_last_bgsave_time_sec")).toBe(3);
    expect(it.info("rdb_last_save_time")).toBe(it.clock.nowMs / 1000);
    expect(it.log).toContain(`Background saving started by pid ${process.pid}`);
    expect(it.log).toContain("Background saving terminated with success");
  });

  test("is refused, or scheduled, while another one runs", async () => {
    const { it } = setup({ "rdb-key-save-delay": "1000" });
    for (let i = 0; i < 100; i++) it.do("SET", `k${i}`, "v");
    it.do("BGSAVE");
    expect(it.do("BGSAVE")).toBe("-ERR Background save already in progress\r\n");
    expect(it.do("BGSAVE", "schedule")).toBe("-ERR Background save already in progress\r\n");
    expect(it.do("SAVE")).toBe("-ERR Background save already in progress\r\n");
    expect(it.do("BGSAVE", "soon")).toBe("-ERR syntax error\r\n");
    expect(it.info("current_save_keys_total")).toBe(100);
    it.clock.advance(50);
    await until(() => Number(it.info("current_save_keys_processed")) >= 50);
    expect(Number(it.info("current_save_keys_processed"))).toBeLessThan(100);
    expect(Number(it.info("current_fork_perc"))).toBeGreaterThanOrEqual(50);
    it.clock.advance(1000);
    await ended(it);
    expect(it.info("current_save_keys_total")).toBe(0);
  });

  test("within EXEC is put off until the cron runs", async () => {
    const { it, path } = setup();
    it.do("MULTI");
    it.do("SET", "a", "1");
    it.do("BGSAVE");
    expect(it.do("EXEC")).toBe("*2\r\n+OK\r\n+Background saving scheduled\r\n");
    expect(it.info("rdb_bgsave_in_progress")).toBe(0);
    it.persistence.cron();
    expect(it.info("rdb_bgsave_in_progress")).toBe(1);
    await ended(it);
    expect(existsSync(path)).toBe(true);
    it.persistence.cron();
    expect(it.info("rdb_saves")).toBe(1);
  });

  test("is scheduled while a snapshot for something else is written", async () => {
    const { it } = setup({ "rdb-key-save-delay": "1000" });
    it.do("SET", "a", "1");
    let isDone = false;
    it.persistence.run.start({
      name: "A test",
      target: new MemoryTarget(),
      makeEncoder: () => ({
        begin: () => {},
        entry: () => {},
        large: () => ({ step: () => false }),
        end: () => {},
      }),
      done: () => (isDone = true),
    });
    expect(it.do("BGSAVE")).toStartWith("-ERR Another child process is active (AOF?)");
    expect(it.do("BGSAVE", "SCHEDULE")).toBe("+Background saving scheduled\r\n");
    it.persistence.cron();
    expect(it.info("rdb_bgsave_in_progress")).toBe(0);
    it.clock.advance(1000);
    await until(() => isDone);
    it.persistence.cron();
    expect(it.info("rdb_bgsave_in_progress")).toBe(1);
    it.clock.advance(1000);
    await ended(it);
  });

  test("goes where it began, whatever becomes of the configuration", async () => {
    const { it, path } = setup({ "rdb-key-save-delay": "1000" });
    it.do("SET", "a", "1");
    it.do("BGSAVE");
    const other = makeDirectory();
    const config = it.engine.config.values as { dir: string; dbfilename: string };
    Object.assign(config, { dir: other, dbfilename: "other.rdb" });
    it.clock.advance(10);
    await ended(it);
    expect(existsSync(path)).toBe(true);
    expect(readdirSync(other)).toEqual([]);
  });

  test("waits for a disk that can't follow", async () => {
    const { it } = setup({ rdbcompression: "no" });
    const value = "x".repeat(1 << 20);
    for (let i = 0; i < 44; i++) it.do("SET", `k${i}`, value);
    it.disk.holdsSyncs = true;
    it.do("BGSAVE");
    await until(() => it.disk.heldSyncs.length > 0);
    await Bun.sleep(50);
    expect(it.info("rdb_bgsave_in_progress")).toBe(1);
    expect(Number(it.info("current_save_keys_processed"))).toBeLessThan(40);
    it.disk.holdsSyncs = false;
    it.disk.endSyncs();
    await ended(it);
    expect(it.info("rdb_last_bgsave_status")).toBe("ok");
  }, 60_000);

  test("syncs along only where that is wanted", async () => {
    const counts: number[] = [];
    for (const wanted of ["yes", "no"]) {
      const { it } = setup({ rdbcompression: "no", "rdb-save-incremental-fsync": wanted });
      const value = "x".repeat(1 << 20);
      for (let i = 0; i < 18; i++) it.do("SET", `k${i}`, value);
      it.do("BGSAVE");
      await ended(it);
      counts.push(it.disk.syncCount);
    }
    expect(counts[0]).toBeGreaterThanOrEqual(4);
    expect(counts[1]).toBe(1);
  }, 60_000);
});

describe("When a save in the background fails", () => {
  async function failed(directives: Partial<Record<DirectiveName, string>> = {}): Promise<Setup> {
    const made = setup(directives);
    const { it } = made;
    it.do("SET", "a", "1");
    it.disk.roomBytes = 5;
    expect(it.do("BGSAVE")).toBe("+Background saving started\r\n");
    await ended(it);
    it.disk.roomBytes = Infinity;
    return made;
  }

  test("writes are refused until one succeeds", async () => {
    const { it, dir } = await failed({ save: "900 1" });
    expect(it.info("rdb_last_bgsave_status")).toBe("err");
    expect(it.do("SET", "a", "2")).toStartWith(
      "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist",
    );
    expect(it.do("PING")).toStartWith("-MISCONF");
    expect(it.do("GET", "a")).toBe("$1\r\n1\r\n");
    expect(it.info("rdb_changes_since_last_save")).toBe(1);
    expect(readdirSync(dir)).toEqual([]);
    expect(it.log).toContain("Background saving error");
    it.do("BGSAVE");
    await ended(it);
    expect(it.isWritingRefused).toBe(false);
    expect(it.info("rdb_last_bgsave_status")).toBe("ok");
  });

  test("SAVE that succeeds allows them again", async () => {
    const { it } = await failed({ save: "900 1" });
    expect(it.do("SAVE")).toBe("+OK\r\n");
    expect(it.isWritingRefused).toBe(false);
  });

  test("nothing is refused without save points or stop-writes-on-bgsave-error", async () => {
    const { it } = await failed({ save: "" });
    expect(it.isWritingRefused).toBe(false);
    expect(it.set("save", "900 1")).toBeNull();
    expect(it.isWritingRefused).toBe(true);
    expect(it.set("stop-writes-on-bgsave-error", "no")).toBeNull();
    expect(it.isWritingRefused).toBe(false);
    expect(it.set("stop-writes-on-bgsave-error", "yes")).toBeNull();
    expect(it.isWritingRefused).toBe(true);
  });

  test.each(["refusesSync", "refusesRename", "refusesDirectorySync"] as const)(
    "%s is a failure as well",
    async (fault) => {
      const { it } = setup({ save: "900 1" });
      it.disk[fault] = true;
      it.do("BGSAVE");
      await ended(it);
      expect(it.info("rdb_last_bgsave_status")).toBe("err");
      it.disk[fault] = false;
      it.do("BGSAVE");
      await ended(it);
      expect(it.info("rdb_last_bgsave_status")).toBe("ok");
    },
  );

  test("so is a temporary file that can't be made", async () => {
    const { it } = setup({ save: "900 1" });
    it.disk.refusesOpenOf = ".rdb";
    expect(it.do("BGSAVE")).toBe("+Background saving started\r\n");
    await ended(it);
    expect(it.isWritingRefused).toBe(true);
  });
});

describe("Save points", () => {
  test("are reached by changes and time together", async () => {
    const { it } = setup({ save: "60 3 10 5" });
    for (const key of ["a", "b", "c"]) it.do("SET", key, "1");
    it.clock.advance(60_000);
    it.persistence.cron();
    expect(it.info("rdb_bgsave_in_progress")).toBe(0);
    it.clock.advance(1000);
    it.persistence.cron();
    expect(it.log).toContain("3 changes in 60 seconds. Saving...");
    await ended(it);
    expect(it.info("rdb_changes_since_last_save")).toBe(0);
    for (const key of ["a", "b", "c", "d", "e"]) it.do("SET", key, "2");
    it.clock.advance(11_000);
    it.persistence.cron();
    expect(it.log).toContain("5 changes in 10 seconds. Saving...");
    await ended(it);
  });

  test("are tried again five seconds after a failure", async () => {
    const { it } = setup({ save: "1 1", "stop-writes-on-bgsave-error": "no" });
    it.do("SET", "a", "1");
    it.disk.refusesSync = true;
    it.clock.advance(2000);
    it.persistence.cron();
    await ended(it);
    it.clock.advance(5000);
    it.persistence.cron();
    expect(it.info("rdb_saves")).toBe(1);
    it.clock.advance(1000);
    it.persistence.cron();
    expect(it.info("rdb_saves")).toBe(2);
    await ended(it);
  });
});

describe("FLUSHALL", () => {
  test("aborts a save in the background", () => {
    const { it, dir } = setup({ "rdb-key-save-delay": "1000", save: "" });
    for (let i = 0; i < 10; i++) it.do("SET", `k${i}`, "v");
    it.do("BGSAVE");
    expect(readdirSync(dir)).toEqual([`temp-${process.pid}.rdb`]);
    it.do("FLUSHALL");
    expect(it.info("rdb_bgsave_in_progress")).toBe(0);
    expect(it.info("rdb_last_bgsave_status")).toBe("ok");
    expect(it.info("rdb_changes_since_last_save")).toBe(20);
    expect(readdirSync(dir)).toEqual([]);
    expect(it.do("BGSAVE")).toBe("+Background saving started\r\n");
  });

  test("empties the file where there are save points", () => {
    const { it, path } = setup({ save: "900 1" });
    it.do("SET", "key-one", "v");
    it.do("SAVE");
    expect(it.do("FLUSHALL")).toBe("+OK\r\n");
    expect(readFileSync(path, "latin1")).not.toContain("key-one");
    expect(it.info("rdb_changes_since_last_save")).toBe(0);
  });

  test("leaves it where there are none", () => {
    const { it, path } = setup({ save: "" });
    it.do("SET", "key-one", "v");
    it.do("SAVE");
    it.do("FLUSHALL");
    expect(readFileSync(path, "latin1")).toContain("key-one");
  });
});

test("a save that ends behind another one does not subtract its changes again", async () => {
  const { it } = setup();
  for (let i = 0; i < 5; i++) it.do("SET", "a", String(i));
  it.do("BGSAVE");
  it.disk.holdsSyncs = true;
  // As DEBUG RELOAD does while a save is running.
  it.persistence.save();
  for (let i = 0; i < 3; i++) it.do("SET", "a", String(i));
  it.disk.endSyncs();
  await ended(it);
  expect(it.info("rdb_changes_since_last_save")).toBe(3);
});

test("what is loaded in the midst of a pause does not end it for keys that expire", () => {
  const { it } = setup();
  it.do("SET", "a", "1", "PX", "1000");
  it.do("CLIENT", "PAUSE", "100000", "WRITE");
  expect(it.persistence.reload({ saves: true, empties: true, replaces: false })).toBeNull();
  it.clock.advance(2000);
  expect(it.do("GET", "a")).toBe("$-1\r\n");
  expect(it.do("DBSIZE")).toBe(":1\r\n");
  it.do("CLIENT", "UNPAUSE");
  expect(it.do("GET", "a")).toBe("$-1\r\n");
  expect(it.do("DBSIZE")).toBe(":0\r\n");
});
