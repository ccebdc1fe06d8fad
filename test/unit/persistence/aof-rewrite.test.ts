/** BGREWRITEAOF and automatic rewrites: files, replies, limits. The log's wording is Redis's. */
import { describe, expect, test } from "bun:test";
import { existsSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  allFiles,
  encode,
  type Fixture,
  incrementOf,
  makeDirectory,
  manifestOf,
  started,
} from "./_setup.ts";

const STARTED = "+Background append only file rewriting started\r\n";
const SCHEDULED = "+Background append only file rewriting scheduled\r\n";
const MINUTE_MS = 60_000;

function rewrite(it: Fixture): void {
  expect(it.do("BGREWRITEAOF")).toBe(STARTED);
  it.finishSnapshot();
}

function openSomething(it: Fixture): number {
  return openSync(join(it.engine.config.values.dir, "something"), "w");
}

/** Has a rewrite begin, and fail for want of room. */
function failToRewrite(it: Fixture): void {
  expect(it.do("BGREWRITEAOF")).toBe(STARTED);
  it.disk.roomBytes = 0;
  it.finishSnapshot();
  it.disk.roomBytes = Infinity;
}

describe("A rewrite", () => {
  test("takes what there is as it was, and goes on in the next increment", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    it.turn("SET", "a", "1");
    // Not settled yet: it belongs to the old increment.
    it.do("SET", "b", "1");
    expect(it.do("BGREWRITEAOF")).toBe(STARTED);
    expect(readFileSync(incrementOf(dir, 1), "latin1")).toContain("b\r\n");
    expect(manifestOf(dir)).toBe(
      "file appendonly.aof.1.base.rdb seq 1 type b\n" +
        "file appendonly.aof.1.incr.aof seq 1 type i\n" +
        "file appendonly.aof.2.incr.aof seq 2 type i\n",
    );
    it.turn("SET", "a", "2");
    it.turn("SET", "c", "1");
    expect(it.info("aof_rewrite_in_progress")).toBe(1);
    it.finishSnapshot();
    expect(manifestOf(dir)).toBe(
      "file appendonly.aof.2.base.rdb seq 2 type b\n" +
        "file appendonly.aof.2.incr.aof seq 2 type i\n",
    );
    expect(readdirSync(join(dir, "appendonlydir")).sort()).toEqual([
      "appendonly.aof.2.base.rdb",
      "appendonly.aof.2.incr.aof",
      "appendonly.aof.manifest",
    ]);
    const base = readFileSync(join(dir, "appendonlydir", "appendonly.aof.2.base.rdb"), "latin1");
    expect(base).toContain("a\xc0\x01");
    expect(base).not.toContain("c\xc0\x01");
    it.turn("SET", "d", "1");
    expect((await started(dir)).content()).toEqual(["0 a=2", "0 b=1", "0 c=1", "0 d=1"]);
    expect(it.info("aof_rewrites")).toBe(1);
    expect(it.info("aof_last_rewrite_time_sec")).toBe(0);
  });

  test("of an increment writes the database anew, and the time", async () => {
    const dir = makeDirectory();
    const it = await started(dir, { "aof-use-rdb-preamble": "no", "aof-timestamp-enabled": "yes" });
    it.do("SELECT", "4");
    it.turn("SET", "a", "1");
    rewrite(it);
    const base = readFileSync(join(dir, "appendonlydir", "appendonly.aof.2.base.aof"), "latin1");
    expect(base).toStartWith("#TS:1700000000\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n4\r\n");
    it.turn("SET", "b", "1");
    expect(readFileSync(incrementOf(dir, 2), "latin1")).toStartWith(
      "*2\r\n$6\r\nSELECT\r\n$1\r\n4",
    );
    expect((await started(dir)).content()).toEqual(["4 a=1", "4 b=1"]);
  });

  test("is refused while there is one, and waits for a snapshot and for EXEC", async () => {
    const it = await started(makeDirectory());
    it.do("BGREWRITEAOF");
    expect(it.do("BGREWRITEAOF")).toBe(
      "-ERR Background append only file rewriting already in progress\r\n",
    );
    it.finishSnapshot();
    it.do("BGSAVE");
    expect(it.do("BGREWRITEAOF")).toBe(SCHEDULED);
    expect(it.info("aof_rewrite_scheduled")).toBe(1);
    it.aof.cron();
    expect(it.info("aof_rewrite_in_progress")).toBe(0);
    it.finishSnapshot();
    it.aof.cron();
    expect(it.info("aof_rewrite_scheduled")).toBe(0);
    expect(it.info("aof_rewrite_in_progress")).toBe(1);
    it.finishSnapshot();
    it.do("MULTI");
    it.do("BGREWRITEAOF");
    expect(it.do("EXEC")).toBe(`*1\r\n${SCHEDULED}`);
    it.aof.cron();
    expect(it.info("aof_rewrite_in_progress")).toBe(1);
  });

  test("without AOF leaves a base alone", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    it.turn("SET", "a", "1");
    it.set("appendonly", "no");
    it.turn("SET", "b", "1");
    rewrite(it);
    expect(manifestOf(dir)).toBe("file appendonly.aof.2.base.rdb seq 2 type b\n");
    it.turn("SET", "c", "1");
    // Something else of the next increment's name is no part of it.
    writeFileSync(incrementOf(dir, 1), "nonsense");
    const again = await started(dir);
    expect(again.content()).toEqual(["0 a=1", "0 b=1"]);
    expect(manifestOf(dir)).toContain("file appendonly.aof.1.incr.aof seq 1 type i\n");
    expect(readFileSync(incrementOf(dir, 1)).length).toBe(0);
  });

  test("keeps what was replaced where that is wanted, until it is not", async () => {
    const dir = makeDirectory();
    const it = await started(dir, { "aof-disable-auto-gc": "yes" });
    rewrite(it);
    it.turn("SET", "a", "1");
    rewrite(it);
    expect(manifestOf(dir)).toBe(
      "file appendonly.aof.3.base.rdb seq 3 type b\n" +
        "file appendonly.aof.2.incr.aof seq 2 type h\n" +
        "file appendonly.aof.2.base.rdb seq 2 type h\n" +
        "file appendonly.aof.1.incr.aof seq 1 type h\n" +
        "file appendonly.aof.1.base.rdb seq 1 type h\n" +
        "file appendonly.aof.3.incr.aof seq 3 type i\n",
    );
    expect(existsSync(incrementOf(dir, 1))).toBe(true);
    expect((await started(dir, { "aof-disable-auto-gc": "yes" })).content()).toEqual(["0 a=1"]);
    it.set("aof-disable-auto-gc", "no");
    expect(manifestOf(dir)).not.toContain("type h");
    expect(allFiles(dir).size).toBe(3);
    expect(it.log).toContain(
      "Removing the history file appendonly.aof.2.incr.aof in the background",
    );
  });

  test("has FLUSHALL in what follows the base", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    it.turn("SET", "a", "1");
    it.do("BGREWRITEAOF");
    it.turn("FLUSHALL");
    it.turn("SET", "b", "1");
    it.finishSnapshot();
    expect((await started(dir)).content()).toEqual(["0 b=1"]);
  });

  test("is not begun while what is pending can't be written", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    it.disk.roomBytes = 0;
    it.turn("SET", "a", "1");
    expect(it.do("BGREWRITEAOF")).toBe(
      "-ERR Can't execute an AOF background rewriting. Please check the server logs for more " +
        "information.\r\n",
    );
    expect(manifestOf(dir)).not.toContain("seq 2");
    it.disk.roomBytes = Infinity;
    it.aof.cron();
    rewrite(it);
    expect((await started(dir)).content()).toEqual(["0 a=1"]);
  });

  test("is ended when the server is, unless AOF is just being switched on", async () => {
    const it = await started(makeDirectory());
    it.do("BGREWRITEAOF");
    expect(it.aof.stopRewrite(false)).toBe(true);
    expect(it.log).toContain("There is a child rewriting the AOF. Killing it!");
    it.set("appendonly", "no");
    it.set("appendonly", "yes");
    expect(it.aof.stopRewrite(false)).toBe(false);
    expect(it.log).toContain("Writing initial AOF, can't exit.");
    expect(it.info("aof_rewrite_in_progress")).toBe(1);
    expect(it.aof.stopRewrite(true)).toBe(true);
    expect(it.log).toContain("Writing initial AOF. Exit anyway.");
  });

  test("has the increment before it synced, behind a sync that runs", async () => {
    const it = await started(makeDirectory());
    it.disk.holdsSyncs = true;
    it.turn("SET", "a", "1");
    it.clock.advance(1100);
    it.aof.cron();
    expect(it.disk.syncCount).toBe(1);
    it.turn("SET", "b", "1");
    it.do("BGREWRITEAOF");
    expect(it.disk.syncCount).toBe(1);
    it.disk.endSyncs();
    expect(it.disk.syncCount).toBe(2);
    it.disk.refusesSync = true;
    it.disk.heldSyncs.length = 0;
    it.aof.writer.sync.retire(openSomething(it), it.aof.writer.synced);
    it.disk.endSyncs();
    // What is not on the disk may be lost: no more of that, until a sync succeeds.
    expect(it.info("aof_last_write_status")).toBe("err");
    expect(it.isWritingRefused).toBe(true);
    it.disk.refusesSync = false;
    it.clock.advance(1100);
    it.aof.cron();
    it.disk.endSyncs();
    expect(it.info("aof_last_write_status")).toBe("ok");
    expect(it.isWritingRefused).toBe(false);
  });

  test("stays where the files are, whatever becomes of the working directory", async () => {
    const dir = makeDirectory();
    const it = await started(dir, { "enable-protected-configs": "yes" });
    it.turn("SET", "a", "1");
    expect(it.set("dir", makeDirectory())).toBeNull();
    it.do("BGREWRITEAOF");
    it.turn("SET", "b", "1");
    it.finishSnapshot();
    it.turn("SET", "c", "1");
    expect((await started(dir)).content()).toEqual(["0 a=1", "0 b=1", "0 c=1"]);
  });

  test("may have the disk for itself", async () => {
    const it = await started(makeDirectory(), {
      appendfsync: "always",
      "no-appendfsync-on-rewrite": "yes",
    });
    it.turn("SET", "a", "1");
    const syncs = it.disk.syncCount;
    it.do("BGREWRITEAOF");
    const begun = it.disk.syncCount;
    expect(it.turn("SET", "b", "1")).toBe(true);
    it.aof.cron();
    expect(it.disk.syncCount).toBe(begun);
    expect(begun).toBeGreaterThanOrEqual(syncs);
    it.finishSnapshot();
    const ended = it.disk.syncCount;
    it.aof.cron();
    expect(it.disk.syncCount).toBe(ended + 1);
    it.aof.cron();
    expect(it.disk.syncCount).toBe(ended + 1);
  });
});

describe("A rewrite that fails", () => {
  test("leaves one more increment, and no temporary file", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    it.turn("SET", "a", "1");
    failToRewrite(it);
    expect(it.log).toContain("Background AOF rewrite terminated with error");
    expect(it.info("aof_last_bgrewrite_status")).toBe("err");
    expect(it.info("aof_rewrites_consecutive_failures")).toBe(1);
    it.turn("SET", "b", "1");
    expect([...allFiles(dir).keys()].filter((name) => name.includes("temp"))).toEqual([]);
    expect((await started(dir)).content()).toEqual(["0 a=1", "0 b=1"]);
    rewrite(it);
    expect(it.info("aof_last_bgrewrite_status")).toBe("ok");
    expect(it.info("aof_rewrites_consecutive_failures")).toBe(0);
    expect(readdirSync(join(dir, "appendonlydir")).length).toBe(3);
    expect((await started(dir)).content()).toEqual(["0 a=1", "0 b=1"]);
  });

  test("again and again is held back longer and longer, but not BGREWRITEAOF", async () => {
    const dir = makeDirectory();
    const it = await started(dir, {
      "auto-aof-rewrite-percentage": "1",
      "auto-aof-rewrite-min-size": "100",
    });
    const failFromCron = (): boolean => {
      it.aof.cron();
      const hasBegun = it.aof.rewrite.isRunning;
      it.disk.roomBytes = 0;
      it.finishSnapshot();
      it.disk.roomBytes = Infinity;
      return hasBegun;
    };
    it.turn("SET", "a", "x".repeat(1000));
    for (let i = 0; i < 3; i++) expect(failFromCron()).toBe(true);
    for (const minutes of [1, 2, 4, 8, 16, 32, 60, 60]) {
      expect(failFromCron()).toBe(false);
      expect(it.log).toContain(
        "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in " +
          `${minutes} minutes`,
      );
      it.clock.advance(minutes * MINUTE_MS - 1);
      expect(failFromCron()).toBe(false);
      it.clock.advance(1);
      expect(failFromCron()).toBe(true);
    }
    expect(it.info("aof_rewrites_consecutive_failures")).toBe(11);
    expect(manifestOf(dir).trim().split("\n").length).toBe(1 + 1 + 11);
    rewrite(it);
    expect(manifestOf(dir).trim().split("\n").length).toBe(2);
  });
});

describe("Automatic rewrites", () => {
  test("begin when the files have grown enough over the size after the last one", async () => {
    const dir = makeDirectory();
    const it = await started(dir, {
      "auto-aof-rewrite-percentage": "100",
      "auto-aof-rewrite-min-size": "2000",
    });
    const write = (key: string): void => {
      it.turn("SET", key, "x".repeat(500));
      it.aof.cron();
    };
    for (const key of ["a", "b", "c"]) write(key);
    expect(it.aof.rewrite.isRunning).toBe(false);
    write("d");
    expect(it.log).toMatch(/Starting automatic rewriting of AOF on \d+% growth/);
    expect(it.aof.rewrite.isRunning).toBe(true);
    it.finishSnapshot();
    const base = Number(it.info("aof_base_size"));
    expect(it.info("aof_current_size")).toBe(base);
    it.engine.config.set(["rdbcompression", "no"], { isLoading: false, isLocal: true });
    for (let size = base; size < base * 2; size = Number(it.info("aof_current_size"))) {
      expect(it.aof.rewrite.isRunning).toBe(false);
      write("e");
      if (it.aof.rewrite.isRunning) break;
    }
    expect(Number(it.info("aof_current_size"))).toBeGreaterThanOrEqual(base * 2);
    it.finishSnapshot();
    it.set("auto-aof-rewrite-percentage", "0");
    for (let i = 0; i < 20; i++) write("f");
    expect(it.aof.rewrite.isRunning).toBe(false);
    expect((await started(dir)).content()).toEqual(it.content());
  });
});

describe("DEBUG LOADAOF", () => {
  test("gives back what was written, into the same file", async () => {
    const dir = makeDirectory();
    const it = await started(dir, { "enable-debug-command": "yes" });
    it.engine.allowsProtected = () => true;
    it.turn("SET", "a", "1");
    it.do("BGREWRITEAOF");
    it.turn("SET", "b", "1");
    it.do("SET", "c", "1");
    const content = it.content();
    const increment = readFileSync(incrementOf(dir, 2));
    expect(it.do("DEBUG", "LOADAOF")).toBe("+OK\r\n");
    expect(it.content()).toEqual(content);
    expect(readFileSync(incrementOf(dir, 2)).length).toBe(increment.length + 27);
    expect(it.log).toContain("Append Only File loaded by DEBUG LOADAOF");
    expect(it.engine.dirty).toBe(0);
    it.finishSnapshot();
    expect(it.turn("SET", "d", "1")).toBe(true);
    const again = await started(dir);
    expect(again.content()).toEqual(["0 a=1", "0 b=1", "0 c=1", "0 d=1"]);
  });

  test("ends a server whose files can't be loaded", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    it.engine.allowsProtected = () => true;
    it.turn("SET", "a", "1");
    writeFileSync(incrementOf(dir), Buffer.concat([encode("SET", "b", "1"), Buffer.from("?")]));
    it.do("DEBUG", "LOADAOF");
    expect(it.exits).toEqual([1]);
    expect(it.log).toContain("The format is bad at offset 27");
  });
});
