import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { allFiles, fixture, makeDirectory, manifestOf, started } from "./_setup.ts";

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
    expect(base.toString("latin1")).toContain("aof-base\xc0\x01");
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
