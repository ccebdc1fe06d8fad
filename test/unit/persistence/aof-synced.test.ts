/** How far the AOF is on the disk, as WAITAOF asks. */
import { describe, expect, test } from "bun:test";
import { type Fixture, fixture, makeDirectory, started } from "./_setup.ts";

/** Effects that are on the disk, of all there were; null: there is no whole AOF. */
function syncedOf({ persistence, engine }: Fixture): string | null {
  const { synced } = persistence;
  return synced === null ? null : `${synced.effects} of ${engine.effects.appendedCount}`;
}

describe("What is on the disk", () => {
  test("everysec: what was written when a sync began, once it has ended", async () => {
    const it = await started(makeDirectory());
    let told = 0;
    it.persistence.onSynced = () => told++;
    it.disk.holdsSyncs = true;
    expect(syncedOf(it)).toBe("0 of 0");
    it.turn("SET", "a", "1");
    expect(syncedOf(it)).toBe("0 of 1");
    it.clock.advance(1100);
    it.aof.cron();
    it.turn("SET", "b", "1");
    expect(syncedOf(it)).toBe("0 of 2");
    it.disk.endSyncs();
    expect([syncedOf(it), told]).toEqual(["1 of 2", 1]);
    it.clock.advance(1100);
    it.aof.cron();
    it.disk.endSyncs();
    expect(syncedOf(it)).toBe("2 of 2");
  });

  test("is not what only lies in the buffer", async () => {
    const it = await started(makeDirectory());
    it.do("SET", "a", "1");
    expect(syncedOf(it)).toBe("0 of 1");
    it.disk.roomBytes = 0;
    it.aof.writer.settle();
    it.clock.advance(1100);
    it.aof.cron();
    expect(syncedOf(it)).toBe("0 of 1");
    it.disk.roomBytes = Infinity;
    it.aof.cron();
    it.clock.advance(1100);
    it.aof.cron();
    expect(syncedOf(it)).toBe("1 of 1");
  });

  test("always: all, at the end of the turn; no: what was there before", async () => {
    const it = await started(makeDirectory(), { appendfsync: "always" });
    it.turn("SET", "a", "1");
    expect(syncedOf(it)).toBe("1 of 1");
    it.set("appendfsync", "no");
    it.turn("SET", "a", "2");
    it.clock.advance(5000);
    it.aof.cron();
    expect(syncedOf(it)).toBe("1 of 2");
    it.set("appendfsync", "everysec");
    it.aof.cron();
    expect(syncedOf(it)).toBe("2 of 2");
  });

  test("is not more for a sync that fails", async () => {
    const it = await started(makeDirectory());
    it.turn("SET", "a", "1");
    it.disk.refusesSync = true;
    it.clock.advance(1100);
    it.aof.cron();
    expect(syncedOf(it)).toBe("0 of 1");
    it.disk.refusesSync = false;
    it.clock.advance(1100);
    it.aof.cron();
    expect(syncedOf(it)).toBe("1 of 1");
  });

  test("includes the increment before a rewrite only when that is synced too", async () => {
    const it = await started(makeDirectory());
    it.disk.holdsSyncs = true;
    it.turn("SET", "a", "1");
    it.do("BGREWRITEAOF");
    // Nothing has been written to the new increment.
    expect(syncedOf(it)).toBe("0 of 1");
    it.turn("SET", "b", "1");
    it.clock.advance(1100);
    it.aof.cron();
    const [retired, current] = it.disk.heldSyncs.splice(0);
    current();
    expect(syncedOf(it)).toBe("0 of 2");
    retired();
    expect(syncedOf(it)).toBe("2 of 2");
  });

  test("is nothing while the AOF is switched on, and then all until then", async () => {
    const it = fixture(makeDirectory(), { appendonly: "no" });
    expect(await it.aof.start()).toBe(true);
    expect(syncedOf(it)).toBeNull();
    it.set("appendonly", "yes");
    it.turn("SET", "a", "1");
    expect(syncedOf(it)).toBeNull();
    it.finishSnapshot();
    expect(syncedOf(it)).toBe("0 of 1");
    it.clock.advance(1100);
    it.aof.cron();
    expect(syncedOf(it)).toBe("1 of 1");
    it.set("appendonly", "no");
    expect(syncedOf(it)).toBeNull();
  });

  test("moves with the replication stream where nothing is written", async () => {
    const it = await started(makeDirectory());
    expect(it.persistence.synced).toEqual({ effects: 0, offset: 0 });
    Object.assign(it.engine.replication, { offset: 100 });
    expect(it.persistence.synced).toEqual({ effects: 0, offset: 100 });
    it.turn("SET", "a", "1");
    Object.assign(it.engine.replication, { offset: 200 });
    expect(it.persistence.synced).toEqual({ effects: 0, offset: 0 });
    it.turn("SET", "b", "1");
    it.clock.advance(1100);
    it.aof.cron();
    expect(it.persistence.synced).toEqual({ effects: 2, offset: 200 });
  });
});
