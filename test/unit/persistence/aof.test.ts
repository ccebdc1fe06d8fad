import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isRdb, readEmptyRdb } from "../../../src/persistence/empty-rdb.ts";
import { allFiles, fixture, incrementOf, makeDirectory, manifestOf, started } from "./_setup.ts";

const BASE_AND_INCREMENT = `\
file appendonly.aof.1.base.rdb seq 1 type b
file appendonly.aof.1.incr.aof seq 1 type i
`;

describe("The first start", () => {
  test("makes the directory, an empty RDB as base, an increment and the manifest", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    expect(manifestOf(dir)).toBe(BASE_AND_INCREMENT);
    const base = readFileSync(join(dir, "appendonlydir", "appendonly.aof.1.base.rdb"));
    expect(isRdb(base)).toBe(true);
    expect(readEmptyRdb(base)).toHaveProperty("endsAt", base.length);
    expect(allFiles(dir).size).toBe(3);
    expect(it.log).toContain("Creating AOF base file appendonly.aof.1.base.rdb on server start");
    expect(it.log).toContain("Creating AOF incr file appendonly.aof.1.incr.aof on server start");
  });

  test("makes the base an AOF where RDB is not wanted", async () => {
    const dir = makeDirectory();
    await started(dir, { "aof-use-rdb-preamble": "no" });
    expect(manifestOf(dir)).toContain("file appendonly.aof.1.base.aof seq 1 type b\n");
    expect((await started(dir)).content()).toEqual([]);
  });

  test("uses the names it was told, quoted where they must be", async () => {
    const dir = makeDirectory();
    const names = { appendfilename: "my file", appenddirname: "dir" };
    const it = await started(dir, names);
    it.turn("SET", "a", "1");
    expect(readFileSync(join(dir, "dir", "my file.manifest"), "latin1")).toBe(
      'file "my file.1.base.rdb" seq 1 type b\nfile "my file.1.incr.aof" seq 1 type i\n',
    );
    expect((await started(dir, names)).content()).toEqual(["0 a=1"]);
  });

  test("makes nothing with appendonly no", async () => {
    const dir = makeDirectory();
    const it = await started(dir, { appendonly: "no" });
    expect(it.turn("SET", "a", "1")).toBe(true);
    it.aof.cron();
    it.aof.close();
    expect(allFiles(dir).size).toBe(0);
    expect(it.info("aof_enabled")).toBe(0);
    expect(it.info("aof_current_size")).toBeUndefined();
  });

  test("is refused where the disk refuses", async () => {
    const it = fixture(makeDirectory());
    it.disk.refusesRename = true;
    expect(await it.aof.start()).toBe(false);
    expect(it.log).toContain("Write error writing append only file on disk: Permission denied");
  });
});

describe("Switching on and off", () => {
  test("writes what there is as the base, with times to live, in all databases", async () => {
    const dir = makeDirectory();
    const it = await started(dir, { appendonly: "no" });
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
    expect(manifestOf(dir)).toBe(
      "file appendonly.aof.1.base.aof seq 1 type b\n" +
        "file appendonly.aof.1.incr.aof seq 1 type i\n",
    );
    it.turn("SET", "later", "1");
    const again = await started(dir);
    expect(again.content()).toEqual(it.content().filter((line) => !line.includes("expired")));
    expect(again.content().length).toBe(7);
    expect(it.info("aof_base_size")).toBe(again.info("aof_base_size") ?? 0);
    expect(it.info("aof_current_size")).toBe(again.info("aof_current_size") ?? 0);
  });

  test("goes on with the numbers and removes what was replaced", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    it.turn("SET", "a", "1");
    it.set("appendonly", "no");
    it.turn("SET", "b", "2");
    expect(readFileSync(incrementOf(dir), "latin1")).not.toContain("b");
    it.set("appendonly", "yes");
    expect([...allFiles(dir).keys()].sort()).toEqual([
      "appendonlydir/appendonly.aof.2.base.aof",
      "appendonlydir/appendonly.aof.2.incr.aof",
      "appendonlydir/appendonly.aof.manifest",
    ]);
    it.turn("SET", "c", "3");
    expect((await started(dir)).content()).toEqual(["0 a=1", "0 b=2", "0 c=3"]);
    expect(it.log).toContain("Removing the history file appendonly.aof.1.base.rdb");
  });

  test("keeps the history where it must not be collected, and collects it at a start", async () => {
    const dir = makeDirectory();
    const it = await started(dir, { "aof-disable-auto-gc": "yes" });
    it.set("appendonly", "no");
    it.set("appendonly", "yes");
    expect(manifestOf(dir)).toContain("file appendonly.aof.1.incr.aof seq 1 type h\n");
    expect(existsSync(incrementOf(dir))).toBe(true);
    await started(dir);
    expect(existsSync(incrementOf(dir))).toBe(false);
    expect(manifestOf(dir)).not.toContain("type h");
  });

  test("fails as a whole where the disk refuses, and works once it does not", async () => {
    const dir = makeDirectory();
    const it = await started(dir, { appendonly: "no" });
    it.do("SET", "a", "1");
    for (const refuse of ["refusesRename", "refusesSync"] as const) {
      it.disk[refuse] = true;
      expect(it.set("appendonly", "yes")).toBe(
        "ERR CONFIG SET failed (possibly related to argument 'appendonly') - " +
          "Unable to turn on AOF. Check server logs.",
      );
      it.disk[refuse] = false;
    }
    it.disk.roomBytes = 5;
    expect(it.set("appendonly", "yes")).not.toBeNull();
    expect(it.engine.config.values.appendonly).toBe(false);
    expect(it.info("aof_last_bgrewrite_status")).toBe("err");
    expect(it.isWritingRefused).toBe(false);
    expect([...allFiles(dir).keys()].filter((name) => name.includes("temp"))).toEqual([]);
    it.disk.roomBytes = Infinity;
    expect(it.set("appendonly", "yes")).toBeNull();
    expect(it.info("aof_last_bgrewrite_status")).toBe("ok");
    expect((await started(dir)).content()).toEqual(it.content());
  });
});

test("Closing writes and syncs what is pending", async () => {
  const dir = makeDirectory();
  const it = await started(dir, { appendfsync: "no" });
  it.do("SET", "a", "1");
  it.aof.close();
  expect(it.disk.syncCount).toBe(1);
  expect(it.log).toContain("Calling fsync() on the AOF file.");
  expect((await started(dir)).content()).toEqual(["0 a=1"]);
});

test("Closing on a disk without room lets nothing be acknowledged", async () => {
  const it = await started(makeDirectory());
  it.disk.roomBytes = 0;
  it.do("SET", "a", "1");
  expect(it.aof.close()).toBe(false);
  expect(it.recoveries).toBe(0);
  expect(it.aof.writer.isPending).toBe(true);
  expect(it.aof.writer.settle()).toBe(false);
});
