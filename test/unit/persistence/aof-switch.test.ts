/** CONFIG SET appendonly at run time: the first base is written in the background. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { allFiles, incrementOf, makeDirectory, manifestOf, started } from "./_setup.ts";

const TEMPORARY = "appendonlydir/temp-appendonly.aof.incr";

describe("Switching on", () => {
  test.each(["yes", "no"])(
    "writes what there is as the base, in all databases (preamble %s)",
    async (preamble) => {
      const dir = makeDirectory();
      const it = await started(dir, { appendonly: "no", "aof-use-rdb-preamble": preamble });
      it.do("SET", "text", "value");
      it.do("SET", "number", "-12345678901234567890");
      it.do("SET", "integer", "42");
      it.do("SET", "large", "x".repeat(3 << 20));
      it.do("SET", "expiring", "1", "PXAT", "1900000000000");
      it.do("SET", "expired", "1", "PXAT", String(it.clock.nowMs + 1));
      it.do("SELECT", "9");
      it.do("SET", "binary\r\n\0", "\xff\r\n");
      it.clock.advance(2);
      expect(it.set("appendonly", "yes")).toBeNull();
      it.turn("SET", "later", "1");
      expect([...allFiles(dir).keys()]).toContain(TEMPORARY);
      expect(existsSync(join(dir, "appendonlydir", "appendonly.aof.manifest"))).toBe(false);
      it.finishSnapshot();
      const suffix = preamble === "yes" ? "rdb" : "aof";
      expect(manifestOf(dir)).toBe(
        `file appendonly.aof.1.base.${suffix} seq 1 type b\n` +
          "file appendonly.aof.1.incr.aof seq 1 type i\n",
      );
      expect([...allFiles(dir).keys()].filter((name) => name.includes("temp"))).toEqual([]);
      it.turn("SET", "latest", "1");
      const again = await started(dir);
      expect(again.content()).toEqual(it.content());
      expect(again.content().length).toBe(9);
      expect(it.info("aof_base_size")).toBeGreaterThan(0);
      expect(it.info("aof_current_size")).toBe(again.info("aof_current_size") ?? 0);
    },
  );

  test("tells what it does as Redis does", async () => {
    const it = await started(makeDirectory(), { appendonly: "no" });
    expect(it.info("aof_enabled")).toBe(0);
    it.set("appendonly", "yes");
    expect(it.info("aof_enabled")).toBe(1);
    expect(it.info("aof_rewrite_in_progress")).toBe(1);
    it.finishSnapshot();
    expect(it.info("aof_rewrite_in_progress")).toBe(0);
    const temporary = `temp-rewriteaof-bg-${process.pid}.aof`;
    const told = [
      "Creating AOF incr file temp-appendonly.aof.incr on background rewrite",
      "Background append only file rewriting started by pid",
      `Successfully created the temporary AOF base file ${temporary}`,
      "Background AOF rewrite terminated with success",
      `Successfully renamed the temporary AOF base file ${temporary} into ` +
        "appendonly.aof.1.base.rdb",
      "Successfully renamed the temporary AOF incr file temp-appendonly.aof.incr into " +
        "appendonly.aof.1.incr.aof",
      "Background AOF rewrite finished successfully",
    ];
    const places = told.map((line) => it.log.indexOf(line));
    expect(places).not.toContain(-1);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  test("begins again, from the cron, where the first base could not be written", async () => {
    const dir = makeDirectory();
    const it = await started(dir, { appendonly: "no" });
    it.do("SET", "a", "1");
    it.set("appendonly", "yes");
    it.disk.roomBytes = 0;
    it.do("SET", "b", "2");
    it.finishSnapshot();
    expect(it.log).toContain("Write error writing append only file on disk: No space left");
    expect(it.log).toContain("Background AOF rewrite terminated with error");
    expect(it.log).toContain("Removing the temp incr aof file temp-appendonly.aof.incr");
    expect(allFiles(dir).size).toBe(0);
    expect(it.info("aof_last_bgrewrite_status")).toBe("err");
    expect(it.info("aof_rewrites_consecutive_failures")).toBe(1);
    expect(it.info("aof_rewrite_scheduled")).toBe(1);
    // Nobody waits for a file that is gone.
    expect(it.turn("SET", "c", "3")).toBe(true);
    it.disk.roomBytes = Infinity;
    it.aof.cron();
    expect(it.info("aof_rewrite_in_progress")).toBe(1);
    it.turn("SET", "d", "4");
    it.finishSnapshot();
    expect(it.info("aof_last_bgrewrite_status")).toBe("ok");
    expect(it.info("aof_rewrites_consecutive_failures")).toBe(0);
    expect((await started(dir)).content()).toEqual(["0 a=1", "0 b=2", "0 c=3", "0 d=4"]);
  });

  test("is refused where nothing can be written at all, and works once it can", async () => {
    const dir = makeDirectory();
    const it = await started(dir, { appendonly: "no" });
    it.do("SET", "a", "1");
    it.disk.failsAt = it.disk.operations + 1;
    expect(it.set("appendonly", "yes")).toBe(
      "ERR CONFIG SET failed (possibly related to argument 'appendonly') - " +
        "Unable to turn on AOF. Check server logs.",
    );
    expect(it.engine.config.values.appendonly).toBe(false);
    expect(it.info("aof_enabled")).toBe(0);
    expect(it.info("aof_last_bgrewrite_status")).toBe("err");
    expect(it.isWritingRefused).toBe(false);
    expect(it.set("appendonly", "yes")).toBeNull();
    it.finishSnapshot();
    expect((await started(dir)).content()).toEqual(it.content());
  });

  test("waits for a snapshot that is being written for something else", async () => {
    const dir = makeDirectory();
    const it = await started(dir, { appendonly: "no" });
    it.turn("SET", "a", "1");
    expect(it.do("BGSAVE")).toBe("+Background saving started\r\n");
    expect(it.set("appendonly", "yes")).toBeNull();
    expect(it.info("aof_rewrite_scheduled")).toBe(1);
    expect(it.log).toContain(
      "AOF was enabled but there is already another background operation. An AOF background " +
        "was scheduled to start when possible.",
    );
    it.turn("SET", "b", "2");
    it.aof.cron();
    expect(existsSync(join(dir, "appendonlydir"))).toBe(false);
    it.finishSnapshot();
    it.aof.cron();
    it.turn("SET", "c", "3");
    it.finishSnapshot();
    expect((await started(dir)).content()).toEqual(["0 a=1", "0 b=2", "0 c=3"]);
  });

  test("starts over where a base is being rewritten without AOF", async () => {
    const dir = makeDirectory();
    const it = await started(dir, { appendonly: "no" });
    it.turn("SET", "a", "1");
    it.do("BGREWRITEAOF");
    it.turn("SET", "b", "2");
    expect(it.set("appendonly", "yes")).toBeNull();
    expect(it.log).toContain("Stopping background AOF and starting a rewrite now.");
    it.turn("SET", "c", "3");
    it.finishSnapshot();
    expect((await started(dir)).content()).toEqual(["0 a=1", "0 b=2", "0 c=3"]);
  });

  test("in a transaction waits for its end", async () => {
    const dir = makeDirectory();
    const it = await started(dir, { appendonly: "no" });
    it.do("MULTI");
    it.do("SET", "a", "1");
    it.do("CONFIG", "SET", "appendonly", "yes");
    it.do("SET", "b", "2");
    expect(it.do("EXEC")).toBe("*3\r\n+OK\r\n+OK\r\n+OK\r\n");
    expect(it.info("aof_rewrite_scheduled")).toBe(1);
    it.aof.cron();
    it.finishSnapshot();
    expect((await started(dir)).content()).toEqual(["0 a=1", "0 b=2"]);
  });
});

describe("Switching off", () => {
  test("and on again goes on with the numbers and removes what was replaced", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    it.turn("SET", "a", "1");
    it.set("appendonly", "no");
    it.turn("SET", "b", "2");
    expect(readFileSync(incrementOf(dir), "latin1")).not.toContain("b");
    it.set("appendonly", "yes");
    it.finishSnapshot();
    expect([...allFiles(dir).keys()].sort()).toEqual([
      "appendonlydir/appendonly.aof.2.base.rdb",
      "appendonlydir/appendonly.aof.2.incr.aof",
      "appendonlydir/appendonly.aof.manifest",
    ]);
    it.turn("SET", "c", "3");
    expect((await started(dir)).content()).toEqual(["0 a=1", "0 b=2", "0 c=3"]);
    expect(it.log).toContain("Removing the history file appendonly.aof.1.base.rdb");
  });

  test("ends a rewrite and leaves the files as they are", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    it.turn("SET", "a", "1");
    it.do("BGREWRITEAOF");
    it.turn("SET", "b", "2");
    it.set("appendonly", "no");
    expect(it.log).toContain("Killing running AOF rewrite child");
    expect(it.info("aof_rewrite_in_progress")).toBe(0);
    expect([...allFiles(dir).keys()].filter((name) => name.includes("temp"))).toEqual([]);
    expect((await started(dir)).content()).toEqual(["0 a=1", "0 b=2"]);
  });

  test("while it is being switched on leaves nothing behind", async () => {
    const dir = makeDirectory();
    const it = await started(dir, { appendonly: "no" });
    it.turn("SET", "a", "1");
    it.set("appendonly", "yes");
    it.turn("SET", "b", "2");
    it.set("appendonly", "no");
    expect(allFiles(dir).size).toBe(0);
    expect(it.turn("SET", "c", "3")).toBe(true);
  });
});

test("what a file that was switched off still owed the disk is asked of none", async () => {
  const it = await started(makeDirectory(), { appendfsync: "no" });
  it.turn("SET", "a", "1");
  expect(it.set("appendonly", "no")).toBeNull();
  expect(it.set("appendfsync", "always")).toBeNull();
  expect(it.turn("SET", "b", "2")).toBe(true);
  expect(it.exits).toEqual([]);
});
