import { describe, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { type Random as RandomSource, scale, seededRandom } from "../../support/random.ts";
import { encode, incrementOf, makeDirectory, START_MS, started } from "./_setup.ts";

function written(dir: string, sequence = 1): string {
  return readFileSync(incrementOf(dir, sequence), "latin1");
}

function resp(...commands: string[]): string {
  return commands
    .map((line) => Buffer.from(encode(...line.split(" "))).toString("latin1"))
    .join("");
}

const SELECT_0 = "SELECT 0";

describe("Writing", () => {
  test("takes one write for all commands of a turn", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    const { aof, disk } = it;
    const before = disk.writeCount;
    for (let i = 0; i < 100; i++) it.do("SET", `k${i}`, "v");
    expect(aof.writer.isPending).toBe(true);
    expect(written(dir)).toBe("");
    expect(aof.writer.settle()).toBe(true);
    expect(aof.writer.isPending).toBe(false);
    expect(disk.writeCount - before).toBe(1);
    const sets = Array.from({ length: 100 }, (_, i) => `SET k${i} v`);
    expect(written(dir)).toBe(resp(SELECT_0, ...sets));
  });

  test("inserts SELECT where the database changes, and anew in each file", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    it.turn("SET", "a", "1");
    it.turn("SELECT", "3");
    it.turn("SET", "b", "2");
    it.turn("SET", "c", "3");
    it.aof.close();
    expect(written(dir)).toBe(resp(SELECT_0, "SET a 1", "SELECT 3", "SET b 2", "SET c 3"));
    const again = await started(dir);
    again.turn("SET", "d", "4");
    expect(written(dir).endsWith(resp("SET c 3", SELECT_0, "SET d 4"))).toBe(true);
  });

  test("puts no large value through the buffer", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    const bufferBytes = it.aof.writer.bufferBytes;
    const value = "x".repeat(8 << 20);
    it.do("SET", "before", "1");
    it.do("SET", "large", value);
    it.do("SET", "after", "2");
    expect(it.aof.writer.isPending).toBe(true);
    expect(it.aof.writer.settle()).toBe(true);
    expect(it.aof.writer.bufferBytes).toBe(bufferBytes);
    expect(written(dir)).toBe(resp(SELECT_0, "SET before 1", `SET large ${value}`, "SET after 2"));
  });

  test("does not let the buffer grow with the turn", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    const value = "y".repeat(1000);
    for (let i = 0; i < 5000; i++) it.do("SET", `k${i}`, value);
    expect(it.aof.writer.settle()).toBe(true);
    expect(it.aof.writer.bufferBytes).toBeLessThanOrEqual(1 << 20);
    expect(statSync(incrementOf(dir)).size).toBe(it.aof.writer.sizeBytes);
    expect((await started(dir)).content()).toEqual(it.content());
  });

  test("repeats whatever came in chunks, with values that are changed where they lie", async () => {
    const random = seededRandom("AOF writer");
    for (let round = 0; round < scale(20); round++) {
      const dir = makeDirectory();
      const it = await started(dir, { "aof-timestamp-enabled": random.pick(["yes", "no"]) });
      for (let chunk = 0; chunk < 30; chunk++) {
        it.pipeline(Array.from({ length: random.between(1, 12) }, () => randomCommand(random)));
        if (random.chance(0.3)) it.disk.roomBytes = random.below(200_000);
        if (random.chance(0.5)) it.aof.writer.settle();
        if (random.chance(0.2)) it.disk.roomBytes = Infinity;
        if (random.chance(0.1)) it.disk.refusesTruncate = !it.disk.refusesTruncate;
        it.clock.advance(random.below(400));
        it.aof.cron();
      }
      it.disk.roomBytes = Infinity;
      it.aof.cron();
      expect(it.aof.close()).toBe(true);
      expect((await started(dir)).content()).toEqual(it.content());
    }
  });

  test("notes the time once a second where that is asked for", async () => {
    const dir = makeDirectory();
    const it = await started(dir, { "aof-timestamp-enabled": "yes" });
    it.turn("SET", "a", "1");
    it.turn("SET", "b", "2");
    it.clock.advance(1000);
    it.turn("SET", "c", "3");
    it.set("aof-timestamp-enabled", "no");
    it.clock.advance(1000);
    it.turn("SET", "d", "4");
    const second = START_MS / 1000;
    expect(written(dir)).toBe(
      `#TS:${second}\r\n${resp(SELECT_0, "SET a 1", "SET b 2")}` +
        `#TS:${second + 1}\r\n${resp("SET c 3", "SET d 4")}`,
    );
    expect((await started(dir)).content()).toEqual(it.content());
  });
});

describe("A disk without room", () => {
  test("has a partial write taken back, refuses writes, and recovers", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    it.turn("SET", "kept", "1");
    const before = written(dir);
    it.disk.roomBytes = 10;
    expect(it.turn("SET", "lost", "2")).toBe(false);
    expect(written(dir)).toBe(before);
    expect(it.aof.writer.isPending).toBe(true);
    expect(it.do("SET", "other", "3")).toBe(
      "-MISCONF Errors writing to the AOF file: No space left on device\r\n",
    );
    expect(it.do("GET", "lost")).toBe("$1\r\n2\r\n");
    expect(it.log).toContain(
      "Short write while writing to the AOF file: (nwritten=10, expected=30)",
    );
    expect(it.info("aof_last_write_status")).toBe("err");
    expect(it.aof.writer.settle()).toBe(false);
    it.aof.cron();
    expect(it.recoveries).toBe(0);

    it.disk.roomBytes = Infinity;
    it.aof.cron();
    expect(it.recoveries).toBe(1);
    expect(it.log).toContain("AOF write error looks solved, Redis can write again.");
    expect(written(dir)).toBe(before + resp("SET lost 2"));
    expect(it.isWritingRefused).toBe(false);
    expect(it.info("aof_last_write_status")).toBe("ok");
  });

  test("keeps the rest where a partial write can't be taken back", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    it.turn("SET", "kept", "1");
    it.disk.roomBytes = 10;
    it.disk.refusesTruncate = true;
    expect(it.turn("SET", "lost", "2")).toBe(false);
    expect(it.log).toContain("ftruncate: Input/output error");
    it.disk.roomBytes = 7;
    it.aof.cron();
    it.disk.roomBytes = Infinity;
    it.aof.cron();
    expect(it.recoveries).toBe(1);
    expect(written(dir)).toBe(resp(SELECT_0, "SET kept 1", "SET lost 2"));
    expect(it.aof.writer.sizeBytes).toBe(written(dir).length);
  });

  test("loses nothing wherever in the stream it fills up", async () => {
    for (let room = 0; room < 400; room += 7) {
      const dir = makeDirectory();
      const it = await started(dir);
      it.disk.roomBytes = room;
      it.disk.refusesTruncate = room % 2 === 1;
      for (let i = 0; i < 12; i++) it.turn("SET", `key${i}`, "value");
      it.disk.roomBytes = Infinity;
      it.aof.cron();
      it.aof.close();
      expect((await started(dir)).content()).toEqual(it.content());
    }
  });

  test("is no matter of writes that are only short", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    it.disk.maxWriteBytes = 3;
    expect(it.turn("SET", "a", "1")).toBe(true);
    expect(written(dir)).toBe(resp(SELECT_0, "SET a 1"));
  });

  test("keeps a large value that it took a part of", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    const value = "z".repeat(300_000);
    it.disk.roomBytes = 100_000;
    expect(it.turn("SET", "large", value)).toBe(false);
    it.disk.roomBytes = Infinity;
    it.aof.cron();
    expect(written(dir)).toBe(resp(SELECT_0, `SET large ${value}`));
  });

  test("is logged at most every thirty seconds", async () => {
    const it = await started(makeDirectory());
    it.disk.roomBytes = 0;
    it.turn("SET", "a", "1");
    for (let i = 0; i < 10; i++) it.aof.cron();
    const errors = (): number => it.log.split("Error writing to the AOF file").length - 1;
    expect(errors()).toBe(1);
    it.clock.advance(30_001);
    it.aof.cron();
    expect(errors()).toBe(2);
  });

  test("refuses no more once the AOF is switched off", async () => {
    const it = await started(makeDirectory());
    it.disk.roomBytes = 0;
    expect(it.turn("SET", "a", "1")).toBe(false);
    expect(it.set("appendonly", "no")).toBeNull();
    expect(it.recoveries).toBe(1);
    expect(it.isWritingRefused).toBe(false);
  });
});

describe("appendfsync always", () => {
  test("syncs before the turn ends, and only what was written", async () => {
    const it = await started(makeDirectory(), { appendfsync: "always" });
    expect(it.turn("SET", "a", "1")).toBe(true);
    expect(it.disk.syncCount).toBe(1);
    expect(it.turn("GET", "a")).toBe(true);
    expect(it.disk.syncCount).toBe(1);
    it.turn("SET", "large", "x".repeat(100_000));
    expect(it.disk.syncCount).toBe(2);
  });

  test("ends the process when a sync fails, with nothing acknowledged", async () => {
    const it = await started(makeDirectory(), { appendfsync: "always" });
    it.disk.refusesSync = true;
    expect(it.turn("SET", "a", "1")).toBe(false);
    expect(it.exits).toEqual([1]);
    expect(it.log).toContain(
      "Can't persist AOF for fsync error when the AOF fsync policy is 'always': " +
        "Input/output error. Exiting...",
    );
  });

  test("syncs what an earlier policy left unsynced", async () => {
    const it = await started(makeDirectory());
    it.turn("SET", "a", "1");
    expect(it.disk.syncCount).toBe(0);
    expect(it.set("appendfsync", "always")).toBeNull();
    expect(it.aof.writer.isPending).toBe(true);
    expect(it.aof.writer.settle()).toBe(true);
    expect(it.disk.syncCount).toBe(1);
  });
});

describe("appendfsync everysec", () => {
  test("syncs once a second, and not when nothing was written", async () => {
    const it = await started(makeDirectory());
    for (let tenths = 0; tenths < 50; tenths++) {
      if (tenths < 30) it.turn("SET", `k${tenths}`, "v");
      it.aof.cron();
      it.clock.advance(100);
    }
    expect(it.disk.syncCount).toBe(4);
    expect(it.info("aof_pending_bio_fsync")).toBe(0);
  });

  test("writes during a short sync, and waits up to two seconds for a long one", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    it.turn("SET", "a", "1");
    it.disk.holdsSyncs = true;
    it.aof.cron();
    expect(it.info("aof_pending_bio_fsync")).toBe(1);
    expect(it.turn("SET", "b", "2")).toBe(true);
    it.clock.advance(600);
    expect(it.turn("SET", "c", "3")).toBe(false);
    it.clock.advance(1900);
    expect(it.aof.writer.settle()).toBe(false);
    it.aof.cron();
    expect(it.info("aof_delayed_fsync")).toBe(0);
    expect(written(dir)).toBe(resp(SELECT_0, "SET a 1", "SET b 2"));
    it.clock.advance(200);
    it.aof.cron();
    expect(it.recoveries).toBe(1);
    expect(it.info("aof_delayed_fsync")).toBe(1);
    expect(it.log).toContain("Asynchronous AOF fsync is taking too long (disk is busy?).");
    expect(written(dir)).toBe(resp(SELECT_0, "SET a 1", "SET b 2", "SET c 3"));
  });

  test("writes at once when the long sync ends", async () => {
    const dir = makeDirectory();
    const it = await started(dir);
    it.turn("SET", "a", "1");
    it.disk.holdsSyncs = true;
    it.aof.cron();
    it.clock.advance(600);
    expect(it.turn("SET", "b", "2")).toBe(false);
    it.disk.endSyncs();
    expect(it.recoveries).toBe(1);
    expect(written(dir)).toBe(resp(SELECT_0, "SET a 1", "SET b 2"));
    expect(it.info("aof_delayed_fsync")).toBe(0);
  });

  test("refuses writes from a failed sync to the next good one", async () => {
    const it = await started(makeDirectory());
    it.turn("SET", "a", "1");
    it.disk.refusesSync = true;
    it.aof.cron();
    expect(it.do("SET", "b", "2")).toBe(
      "-MISCONF Errors writing to the AOF file: Input/output error\r\n",
    );
    expect(it.log).toContain("Fail to fsync the AOF file: Input/output error");
    it.clock.advance(1000);
    it.aof.cron();
    expect(it.isWritingRefused).toBe(true);
    it.disk.refusesSync = false;
    it.clock.advance(1000);
    it.aof.cron();
    expect(it.isWritingRefused).toBe(false);
    expect(it.exits).toEqual([]);
  });

  test("does not close the file under a sync that runs", async () => {
    const it = await started(makeDirectory());
    it.turn("SET", "a", "1");
    it.disk.holdsSyncs = true;
    it.aof.cron();
    it.set("appendonly", "no");
    it.set("appendonly", "yes");
    it.disk.endSyncs();
    expect(it.turn("SET", "b", "2")).toBe(true);
    expect(it.info("aof_last_write_status")).toBe("ok");
  });
});

function randomCommand(random: RandomSource): string[] {
  const key = `key${random.below(6)}`;
  const sizes = [1, 20, 3000, 5000, 20_000, 70_000, 300_000];
  const value = random.word(1).repeat(random.pick(sizes));
  const at = String(random.below(400));
  return random.pick([
    ["SET", key, value],
    ["SET", key, value],
    ["SETRANGE", key, at, value.slice(0, 50)],
    ["APPEND", key, value.slice(0, 100)],
    ["SELECT", String(random.below(3))],
    ["GET", key],
  ]);
}
