/**
 * Snapshots between servers: loaded beside the old data, sent by way of files that nobody keeps,
 * and read again after a restart; and the end of a server that has replicas.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "bun:test";
import {
  follow,
  infoOf,
  Line,
  lineups,
  syncsOf,
  waitForInfo,
  waitForLink,
  waitForOffsets,
  waitUntil,
} from "../support/replication.ts";
import { plainReply } from "../support/readable.ts";
import type { ServerProcess } from "../support/server.ts";

const TIMEOUT_MS = 60_000;
const LOADING = /LOADING Redis is loading the dataset in memory/;
const DISKLESS = ["repl-diskless-sync yes", "repl-diskless-load swapdb", "rdbcompression no"];
/** redis-server answers while it loads only after each two megabytes. */
const TO_PEDIS = lineups("redis pedis", "pedis pedis");
const PAIRS = lineups("redis redis", "redis pedis", "pedis redis", "pedis pedis");

function value(server: ServerProcess, ...command: string[]): Promise<string> {
  return server.withClient(async (client) => {
    const reply = await client.value(...command);
    return typeof reply === "number" ? String(reply) : plainReply(reply);
  });
}

/** Has the replica ask again, when what it misses is kept no more. */
async function loseBacklog(primary: ServerProcess): Promise<void> {
  await primary.withClient(async (client) => {
    await client.do("MULTI");
    await client.do("CLIENT KILL TYPE replica");
    await client.do("CONFIG SET repl-backlog-size 16384");
    for (let i = 0; i < 10; i++) await client.do("SET", `long:${i}`, "A".repeat(16384));
    await client.do("EXEC");
  });
}

test.each(TO_PEDIS)(
  "An older state of the same data is shown until the new one is there: $name",
  async (lineup) => {
    await using line = await Line.start(lineup, DISKLESS);
    const [primary, replica] = line.servers;
    await value(primary, "SET", "old", "1");
    await waitForOffsets(line.servers);
    await value(primary, "DEBUG", "POPULATE", "300", "key", "1000");
    await value(primary, "CONFIG", "SET", "rdb-key-save-delay", "10000");
    await loseBacklog(primary);
    await waitForInfo(replica, "persistence", "async_loading", "1");
    await value(primary, "DEL", "old");
    expect(await value(replica, "GET", "old")).toBe("1");
    expect(await value(replica, "EXISTS", "key:1")).toBe("0");
    for (const command of ["BGSAVE", "CONFIG SET appendonly yes", "REPLICAOF NO ONE"]) {
      expect(await value(replica, ...command.split(" "))).toMatch(LOADING);
    }
    expect((await infoOf(replica, "persistence"))["loading"]).toBe("0");
    await value(primary, "CONFIG", "SET", "rdb-key-save-delay", "0");
    await waitForInfo(replica, "persistence", "async_loading", "0");
    await waitForLink(replica);
    await line.expectAlike();
    expect(await value(replica, "EXISTS", "old")).toBe("0");
    expect((await syncsOf(primary)).full).toBe(2);
  },
  TIMEOUT_MS,
);

test.each(TO_PEDIS)(
  "Another's data stays when the link breaks during the load: $name",
  async (lineup) => {
    await using line = await Line.start(lineup, DISKLESS);
    const [primary, replica] = line.servers;
    await value(replica, "REPLICAOF", "NO", "ONE");
    await value(replica, "SET", "own", "1");
    await value(primary, "DEBUG", "CHANGE-REPL-ID");
    await value(primary, "DEBUG", "POPULATE", "1000", "key", "1000");
    await value(primary, "CONFIG", "SET", "rdb-key-save-delay", "10000");
    await value(replica, "REPLICAOF", "127.0.0.1", String(line.proxies[0].port));
    await waitForInfo(replica, "persistence", "loading", "1");
    await value(primary, "CONFIG", "SET", "repl-diskless-sync-delay", "5");
    await value(primary, "CLIENT", "KILL", "TYPE", "replica");
    await waitForInfo(replica, "persistence", "loading", "0");
    expect(await value(replica, "GET", "own")).toBe("1");
    expect(await value(replica, "DBSIZE")).toBe("1");
    await value(primary, "CONFIG", "SET", "rdb-key-save-delay", "0");
    await value(primary, "CONFIG", "SET", "repl-diskless-sync-delay", "0");
    await waitForLink(replica);
    await line.expectAlike();
  },
  TIMEOUT_MS,
);

test.each(PAIRS)(
  "What expired while the primary was down goes from its replica: $name",
  async (lineup) => {
    const saving = ["save 3600 100000000", "repl-ping-replica-period 3600"];
    await using line = await Line.start(lineup, saving);
    const [primary, replica] = line.servers;
    await value(primary, "DEBUG", "SET-ACTIVE-EXPIRE", "0");
    await primary.withClient(async (client) => {
      for (let i = 0; i < 100; i++) await client.do("SET", `due:${i}`, "x", "PX", "1");
      await client.do("SADD due:set a b");
      await client.do("PEXPIRE due:set 50");
      await client.do("SET stays 1");
    });
    await waitForOffsets(line.servers);
    await Bun.sleep(60);
    expect(await value(replica, "DBSIZE")).toBe("102");
    expect(await primary.stop()).toBe(0);
    await primary.start();
    await waitForLink(replica);
    await waitForOffsets(line.servers);
    expect((await infoOf(primary, "persistence"))["rdb_last_load_keys_expired"]).toBe("101");
    expect(await value(replica, "DBSIZE")).toBe("1");
    expect(await syncsOf(primary)).toEqual({ full: 0, partial: 1 });
  },
  TIMEOUT_MS,
);

test.each(PAIRS)(
  "The last snapshot is the end of the stream, however long it takes: $name",
  async (lineup) => {
    const saving = ["save 3600 100000000", "repl-ping-replica-period 1"];
    await using line = await Line.start(lineup, saving);
    const [primary, replica] = line.servers;
    await primary.withClient(async (client) => {
      for (let i = 0; i < 100; i++) await client.do("SET", `key:${i}`, i);
      await client.do("SET due x PX 1500");
    });
    await waitForOffsets(line.servers);
    await value(primary, "CONFIG", "SET", "rdb-key-save-delay", "25000");
    expect(await primary.stop()).toBe(0);
    await primary.start();
    await waitForLink(replica);
    await line.expectAlike();
    expect(await syncsOf(primary)).toEqual({ full: 0, partial: 1 });
  },
  TIMEOUT_MS,
);

test.each(PAIRS)(
  "Who keeps no files leaves none behind: $name",
  async (lineup) => {
    const directives = ["repl-diskless-sync no", "rdb-del-sync-files yes"];
    await using line = await Line.start(lineup, directives);
    const [primary, replica] = line.servers;
    await value(primary, "DEBUG", "POPULATE", "100");
    await value(primary, "DEBUG", "CHANGE-REPL-ID");
    await value(primary, "CLIENT", "KILL", "TYPE", "replica");
    await waitUntil(
      async () => (await value(replica, "DBSIZE")) === "100",
      () => line.describe(),
    );
    expect((await syncsOf(primary)).full).toBe(2);
    for (const server of line.servers) {
      await waitUntil(
        () => Promise.resolve(!existsSync(join(server.dir, "dump.rdb"))),
        () => `${server.program.name}: ${readdirSync(server.dir).join()}`,
      );
      expect(readdirSync(server.dir).filter((name) => name.endsWith(".rdb"))).toEqual([]);
    }
  },
  TIMEOUT_MS,
);

test.each(PAIRS)(
  "The end waits for a replica that lags behind: $name",
  async (lineup) => {
    await using line = await Line.start(lineup, ["shutdown-timeout 30"]);
    const [primary, replica] = line.servers;
    await waitForOffsets(line.servers);
    process.kill(replica.pid, "SIGSTOP");
    try {
      await value(primary, "SET", "last", "1");
      await using ending = await primary.connect();
      ending.begin("SHUTDOWN");
      await waitUntil(
        async () => (await infoOf(primary, "server"))["shutdown_in_milliseconds"] !== undefined,
        () => line.describe(),
      );
      expect(await value(primary, "SHUTDOWN", "ABORT")).toBe("OK");
      expect(await value(primary, "SET", "last", "2")).toBe("OK");
      process.kill(primary.pid, "SIGTERM");
      await primary.waitForLog(/Waiting for replicas before shutting down.*Waiting/s);
    } finally {
      process.kill(replica.pid, "SIGCONT");
    }
    expect(await primary.exited()).toBe(0);
    expect(primary.log).toContain("1 of 1 replicas are in sync when shutting down.");
    expect(await value(replica, "GET", "last")).toBe("2");
  },
  TIMEOUT_MS,
);

test(
  "The end of a replica in the middle of a snapshot leaves nothing of it behind",
  async () => {
    const [lineup] = lineups("pedis pedis");
    await using line = await Line.start(lineup);
    const [primary, replica] = line.servers;
    await value(replica, "REPLICAOF", "NO", "ONE");
    await value(primary, "DEBUG", "POPULATE", "20000", "key", "100");
    await value(primary, "CONFIG", "SET", "rdb-key-save-delay", "500");
    await value(replica, "REPLICAOF", "127.0.0.1", String(line.proxies[0].port));
    const received = () => readdirSync(replica.dir).filter((name) => name.startsWith("temp-"));
    await waitUntil(
      () => Promise.resolve(received().length > 0),
      () => line.describe(),
    );
    expect(await replica.stop()).toBe(0);
    expect(received()).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "An append-only file is of the data that a replica has taken over, whatever ends it",
  async () => {
    const [lineup] = lineups("pedis pedis");
    // Whatever can be seen of the replica's data is in its file.
    await using line = await Line.start(lineup, ["appendonly yes", "appendfsync always"]);
    const [primary, replica] = line.servers;
    for (let round = 0; round < 3; round++) {
      await value(replica, "REPLICAOF", "NO", "ONE");
      await value(replica, "SET", `own:${round}`, "1");
      await value(primary, "SET", `key:${round}`, "1");
      await value(primary, "DEBUG", "CHANGE-REPL-ID");
      await follow(replica, line.proxies[0].port);
      await value(primary, "SET", `later:${round}`, "1");
      await waitForOffsets(line.servers);
      if (round === 1) await waitForInfo(replica, "persistence", "aof_rewrite_in_progress", "0");
      await replica.kill9();
      await replica.start(["appendonly yes"]);
      const keys = await value(replica, "KEYS", "*");
      // What was taken over, all of it, or, where no new file was whole yet, what was before.
      const isNew = keys.includes(`later:${round}`) && keys.includes(`key:${round}`);
      expect(isNew).toBe(!keys.includes(`own:${round}`));
      if (round === 1) expect(isNew).toBe(true);
    }
  },
  TIMEOUT_MS,
);
