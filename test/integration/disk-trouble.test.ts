/**
 * Disks that run full or cannot be written to: reads go on, writes answer MISCONF, nothing that was
 * acknowledged is lost, and all is well by itself when the disk is. Each test has a small file
 * system of its own, which takes root to mount.
 */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { canMount, hide, SmallDisk } from "../support/mounts.ts";
import { readableReply } from "../support/readable.ts";
import { randomFrom } from "../support/random.ts";
import { ReplyError, type ReplyValue, type RespClient } from "../support/resp-client.ts";
import { filesOf, persistenceField, rewriteAof, waitForField } from "../support/saving.ts";
import { type ServerProcess, startServer } from "../support/server.ts";

const MEBIBYTE = 1 << 20;
const AOF = ["appendonly yes", 'save ""', "auto-aof-rewrite-percentage 0"];
/** A save is tried again five seconds after it failed. */
const RETRY_TIMEOUT_MS = 30_000;
const NO_SPACE = "MISCONF Errors writing to the AOF file: No space left on device";
const NOT_SAVED = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable";
/** Does not become smaller by compression. */
const VALUE = Buffer.from(randomFrom(1).bytes(2250)).toString("base64");

const mounts = canMount();
if (!mounts) console.log("No trouble with disks is made: nothing can be mounted here.");

describe.skipIf(!mounts)("A full disk and the append-only file", () => {
  test.each(["always", "everysec"])(
    "writes are refused, reads go on, and it recovers by itself (appendfsync %s)",
    async (policy) => {
      using disk = new SmallDisk(4 * MEBIBYTE);
      const directives = [...AOF, `appendfsync ${policy}`];
      await using server = await startServer({ dir: disk.dir, directives });
      disk.fill(100_000);
      const first = await writeUntilRefused(server, "first");
      expect(first.acknowledged.length).toBeGreaterThan(5);
      await server.withClient(async (client) => {
        expect(await client.value("GET", first.acknowledged[0])).toBe(VALUE);
        expect(await client.value("SET", "k", "v")).toEqual(new ReplyError(NO_SPACE));
        expect(await persistenceField(client, "aof_last_write_status")).toBe("err");
        disk.free();
        await untilAccepted(client);
        expect(await persistenceField(client, "aof_last_write_status")).toBe("ok");
        expect(await client.value("SET", "k", "v")).toBe("OK");
      });
      // What waited for the disk is answered now.
      await first.ended;
      disk.fill(50_000);
      const second = await writeUntilRefused(server, "second");
      expect(second.acknowledged.length).toBeGreaterThan(2);
      await server.kill9();
      disk.free();
      await server.start();
      await expectKeys(server, [...first.acknowledged, ...second.acknowledged, "k"]);
    },
  );

  test("a rewrite fails cleanly, and succeeds when there is space", async () => {
    using disk = new SmallDisk(8 * MEBIBYTE);
    await using server = await startServer({ dir: disk.dir, directives: AOF });
    const keys = Array.from({ length: 600 }, (_, i) => `key${i}`);
    await server.withClient(async (client) => {
      await setAll(client, keys);
      disk.fill(200_000);
      expect(await rewriteAof(client).catch(String)).toBe("Error: The rewrite ended with err");
      expect(Object.keys(filesOf(disk.dir)).filter((name) => name.includes("temp"))).toEqual([]);
      await setAll(client, ["afterwards"]);
    });
    await server.kill9();
    await server.start();
    await expectKeys(server, [...keys, "afterwards"]);
    disk.free();
    await server.withClient(async (client) => {
      await rewriteAof(client);
      await setAll(client, ["in the end"]);
    });
    await server.kill9();
    await server.start();
    await expectKeys(server, [...keys, "afterwards", "in the end"]);
  });

  test("a rewrite that finds a directory without place for a file fails cleanly", async () => {
    using disk = new SmallDisk(4 * MEBIBYTE);
    await using server = await startServer({ dir: disk.dir, directives: AOF });
    await server.withClient(async (client) => {
      await setAll(client, ["one"]);
      const before = filesOf(disk.dir);
      {
        using _hidden = hide(join(disk.dir, "appendonlydir"));
        const reply = await rewriteAof(client).catch(String);
        expect(String(reply)).toMatch(/Error: BGREWRITEAOF: |Error: The rewrite ended with err$/);
        await setAll(client, ["two"]);
      }
      expect(Object.keys(filesOf(disk.dir))).toEqual(Object.keys(before));
      await rewriteAof(client);
      await setAll(client, ["three"]);
    });
    await server.kill9();
    await server.start();
    await expectKeys(server, ["one", "two", "three"]);
  });
});

describe.skipIf(!mounts)("A disk that takes no saves", () => {
  /** How the disk refuses, and how it does no more. */
  const troubles: [string, (disk: SmallDisk) => void, (disk: SmallDisk) => void][] = [
    ["full", (disk) => disk.fill(20_000), (disk) => disk.free()],
    ["read-only", (disk) => disk.remount("ro"), (disk) => disk.remount("rw")],
  ];

  test.each(troubles)(
    "%s: writes are refused until a save succeeds",
    async (trouble, spoil, mend) => {
      using disk = new SmallDisk(4 * MEBIBYTE);
      const directives = ["appendonly no", "save 3600 1"];
      await using server = await startServer({ dir: disk.dir, directives });
      await using client = await server.connect();
      const keys = Array.from({ length: 100 }, (_key, i) => `key${i}`);
      await setAll(client, keys);
      expect(await client.value("SAVE")).toBe("OK");
      const saved = readFileSync(join(disk.dir, "dump.rdb"), "latin1");
      spoil(disk);
      await setAll(client, ["another"]);
      await client.do("BGSAVE");
      await waitForField(client, "rdb_last_bgsave_status", "err");
      expect(messageOf(await client.value("SET", "k", "v"))).toStartWith(NOT_SAVED);
      expect(await client.value("GET", "another")).toBe(VALUE);
      expect(messageOf(await client.value("SAVE"))).toStartWith("ERR");
      expect(messageOf(await client.value("SHUTDOWN"))).toStartWith(
        "ERR Errors trying to SHUTDOWN",
      );
      // What was saved before is as it was, and nothing lies about.
      const files = Object.keys(filesOf(disk.dir)).filter((name) => name !== "filler");
      expect(files).toEqual(["dump.rdb"]);
      expect(readFileSync(join(disk.dir, "dump.rdb"), "latin1")).toBe(saved);
      await client.do("CONFIG SET stop-writes-on-bgsave-error no");
      await setAll(client, ["allowed"]);
      await client.do("CONFIG SET stop-writes-on-bgsave-error yes");
      expect(messageOf(await client.value("SET", "k", "v"))).toStartWith(NOT_SAVED);
      mend(disk);
      if (trouble === "full") {
        // A save point has been passed, so a save is tried again by itself.
        await client.do("CONFIG", "SET", "save", "1 1");
      } else {
        await client.do("BGSAVE");
      }
      await waitForField(client, "rdb_last_bgsave_status", "ok", RETRY_TIMEOUT_MS);
      await setAll(client, ["k"]);
      expect(await client.value("SAVE")).toBe("OK");
      await server.kill9();
      await server.start();
      await expectKeys(server, [...keys, "another", "allowed", "k"]);
    },
  );

  test("a directory that is read-only from the start serves what is there", async () => {
    using disk = new SmallDisk(4 * MEBIBYTE);
    const directives = ["appendonly no", "save 3600 1"];
    await using server = await startServer({ dir: disk.dir, directives });
    await server.withClient(async (client) => {
      await setAll(client, ["key"]);
      expect(await client.value("SAVE")).toBe("OK");
    });
    await server.kill9();
    disk.remount("ro");
    const before = filesOf(disk.dir);
    await server.start();
    await expectKeys(server, ["key"]);
    await server.withClient(async (client) => {
      const answer = await client.value("CONFIG SET appendonly yes");
      expect(messageOf(answer)).toStartWith("ERR CONFIG SET failed");
      expect(await client.value("CONFIG GET appendonly")).toEqual(["appendonly", "no"]);
    });
    await server.kill9();
    expect(filesOf(disk.dir)).toEqual(before);
    const refusal = server.start(["appendonly yes"]).catch(String);
    expect(await refusal).toMatch(/ended at start \(1\)[^]*Read-only file system/);
    expect(filesOf(disk.dir)).toEqual(before);
  });
});

interface Writing {
  /** Keys whose SET was answered with OK; grows until `ended`. */
  readonly acknowledged: string[];
  /** When everything that was sent is answered, or the connection is gone. */
  readonly ended: Promise<unknown>;
}

/** Sets one key after the other, with values of some size, until the server refuses writes. */
async function writeUntilRefused(server: ServerProcess, name: string): Promise<Writing> {
  const client = await server.connect();
  await using observer = await server.connect();
  const acknowledged: string[] = [];
  const replies: Promise<void>[] = [];
  for (let i = 0; (await persistenceField(observer, "aof_last_write_status")) === "ok"; i++) {
    const key = `${name}${i}`;
    const take = (reply: ReplyValue): void => {
      if (reply === "OK") acknowledged.push(key);
    };
    replies.push(client.value("SET", key, VALUE).then(take));
    await Bun.sleep(1);
  }
  const ended = Promise.allSettled(replies).then(() => client.close());
  return { acknowledged, ended };
}

/** Waits until writes are accepted. */
async function untilAccepted(client: RespClient): Promise<void> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const reply = await client.value("SET", "k", "1");
    if (reply === "OK") return;
    if (Date.now() > deadline) throw new Error(`Still refused: ${messageOf(reply)}`);
    await Bun.sleep(20);
  }
}

async function setAll(client: RespClient, keys: readonly string[]): Promise<void> {
  const replies = await client.pipeline(keys.map((key) => ["SET", key, VALUE]));
  expect(replies.filter(({ value }) => value !== "OK")).toEqual([]);
}

async function expectKeys(server: ServerProcess, keys: readonly string[]): Promise<void> {
  await server.withClient(async (client) => {
    const replies = await client.pipeline(keys.map((key) => ["EXISTS", key]));
    expect(keys.filter((_, i) => replies[i].value !== 1)).toEqual([]);
  });
}

function messageOf(reply: ReplyValue): string {
  return reply instanceof ReplyError ? reply.message : `no error: ${readableReply(reply)}`;
}
