/** WAIT, WAITAOF and min-replicas-to-write of real servers, and replicas that do not keep up. */
import { expect, test } from "bun:test";
import {
  infoOf,
  Line,
  lineups,
  waitForInfo,
  waitForLink,
  waitForOffsets,
  waitUntil,
} from "../support/replication.ts";
import { plainReply } from "../support/readable.ts";
import type { RespClient } from "../support/resp-client.ts";
import type { ServerProcess } from "../support/server.ts";

const WITH_PEDIS_FIRST = lineups("pedis pedis", "pedis redis");
const MIB = 1024 * 1024;

async function stopped<T>({ pid }: ServerProcess, use: () => Promise<T>): Promise<T> {
  process.kill(pid, "SIGSTOP");
  try {
    return await use();
  } finally {
    process.kill(pid, "SIGCONT");
  }
}

test.each(lineups("redis redis", "pedis pedis", "pedis redis", "redis pedis"))(
  "WAIT counts who has it: $name",
  async (lineup) => {
    await using line = await Line.start(lineup);
    const [primary, replica] = line.servers;
    await using client = await primary.connect();
    await client.do("SET k v");
    expect(await client.value("WAIT 1 15000")).toBe(1);
    await client.do("INCR n");
    expect(await client.value("WAIT 1 15000")).toBe(1);
    expect(await client.value("WAIT 2 100")).toBe(1);
    await stopped(replica, async () => {
      await client.do("INCR n");
      expect(await client.value("WAIT 1 200")).toBe(0);
    });
    expect(await client.value("WAIT 1 15000")).toBe(1);
    await using other = await replica.connect();
    expect(plainReply(await other.value("WAIT 1 0"))).toContain("cannot be used with replica");
  },
);

test("WAITAOF counts whose disk has it", async () => {
  const [lineup] = lineups("pedis pedis");
  await using line = await Line.start(lineup, ["appendonly yes"]);
  const [primary, replica] = line.servers;
  await using client = await primary.connect();
  await client.do("SET k v");
  expect(await client.value("WAITAOF 1 1 10000")).toEqual([1, 1]);
  await stopped(replica, async () => {
    await client.do("INCR n");
    expect(await client.value("WAITAOF 1 0 10000")).toEqual([1, 0]);
    expect(await client.value("WAITAOF 1 1 500")).toEqual([1, 0]);
  });
  expect(await client.value("WAITAOF 1 1 10000")).toEqual([1, 1]);

  await client.do("CONFIG SET appendfsync no");
  await client.do("INCR n");
  expect(await client.value("WAITAOF 0 1 10000")).toEqual([0, 1]);
  expect(await client.value("WAITAOF 1 1 500")).toEqual([0, 1]);
  await client.do("CONFIG SET appendfsync always");
  expect(await client.value("WAITAOF 1 1 10000")).toEqual([1, 1]);
  await client.do("INCR n");
  expect((await client.value("WAITAOF 1 0 1")) as number[]).toHaveProperty("0", 1);

  // A rewrite that has just begun is no reason to wait, nor one to say what is not so.
  await client.do("BGREWRITEAOF");
  await client.do("INCR n");
  expect(await client.value("WAITAOF 1 1 10000")).toEqual([1, 1]);

  await client.do("CONFIG SET appendfsync no");
  await client.do("INCR n");
  client.begin("WAITAOF 1 0 0");
  await primary.withClient((other) => other.do("CONFIG SET appendonly no"));
  expect(plainReply((await client.next()).value)).toContain("appendonly is disabled");
  await primary.withClient((other) => other.do("CONFIG SET appendonly yes"));
  await client.do("CONFIG SET appendfsync everysec");
  await client.do("INCR n");
  expect(await client.value("WAITAOF 1 1 10000")).toEqual([1, 1]);
});

test("WAITAOF hears of a replica's disk as soon as it has been written", async () => {
  const [lineup] = lineups("pedis pedis");
  await using line = await Line.start(lineup, ["appendonly yes", "appendfsync always"]);
  await using client = await line.servers[0].connect();
  const rounds = 20;
  const startMs = performance.now();
  for (let i = 0; i < rounds; i++) {
    await client.do("INCR n");
    expect(await client.value("WAITAOF 1 1 10000")).toEqual([1, 1]);
  }
  // A replica that tells of itself only once a second would take nearly a second for each.
  expect(performance.now() - startMs).toBeLessThan((rounds / 2) * 1000);
});

/**
 * A replica tells of itself once a second, and seconds are counted: with a lag of one allowed
 * there are moments in which the best replica is too late.
 */
async function untilTaken(client: RespClient): Promise<void> {
  let reply = "";
  await waitUntil(
    async () => (reply = plainReply(await client.value("SET k v"))) === "OK",
    () => `Still refused: ${reply}`,
  );
}

test.each(WITH_PEDIS_FIRST)("Writes need replicas that follow: $name", async (lineup) => {
  await using line = await Line.start(lineup);
  const [primary, replica] = line.servers;
  await using client = await primary.connect();
  await client.do("CONFIG SET min-replicas-to-write 1 min-replicas-max-lag 1");
  await untilTaken(client);
  await stopped(replica, async () => {
    await waitForInfo(primary, "replication", "min_slaves_good_slaves", "0");
    expect(plainReply(await client.value("SET k w"))).toContain("NOREPLICAS");
  });
  await untilTaken(client);
});

test.each(WITH_PEDIS_FIRST)(
  "A slow replica evicts no keys of its primary: $name",
  async (lineup) => {
    await using line = await Line.start(lineup, ["repl-timeout 600"], ["latency-tracking no"]);
    const [primary, replica] = line.servers;
    await using client = await primary.connect();
    for (let i = 0; i < 100; i++) await client.do("SETRANGE", `key:${i}`, 100_000, "end");
    await client.do("CONFIG SET maxmemory-policy allkeys-random repl-backlog-size 10240");
    await client.do("CONFIG", "SET", "client-output-buffer-limit", "replica 100mb 100mb 300");
    await waitForOffsets(line.servers);
    const before = await infoOf(client, "memory");
    const counted = Number(before["used_memory"]) - Number(before["mem_not_counted_for_evict"]);
    await client.do("CONFIG", "SET", "maxmemory", counted + MIB);
    await stopped(replica, async () => {
      const payload = "A".repeat(1000);
      for (let i = 0; i < 300; i++) {
        const requests = Array.from({ length: 100 }, () =>
          client.do("SETRANGE", "key:0", 0, payload),
        );
        await Promise.all(requests);
      }
      const after = await infoOf(client, "memory");
      expect(await client.value("DBSIZE")).toBe(100);
      expect(Number(after["mem_clients_slaves"])).toBeGreaterThan(4 * MIB);
      expect(Number(after["mem_not_counted_for_evict"])).toBeGreaterThan(4 * MIB);
      expect(Number(after["used_memory"])).toBeGreaterThan(Number(before["used_memory"]) + 4 * MIB);
      expect((await infoOf(client, "stats"))["evicted_keys"]).toBe("0");
    });
    await waitForOffsets(line.servers);
    await waitUntil(
      async () => Number((await infoOf(client, "memory"))["mem_clients_slaves"]) < MIB,
      () => "What the replica has taken is still counted",
    );
    await client.do("CLIENT KILL TYPE replica");
    await waitForLink(replica);
    await line.expectAlike();
  },
);

test.each(WITH_PEDIS_FIRST)(
  "A message reaches a replica's subscriber once: $name",
  async (lineup) => {
    await using line = await Line.start(lineup);
    const [primary, replica] = line.servers;
    await using subscriber = await replica.connect();
    await subscriber.do("SUBSCRIBE news");
    await using client = await primary.connect();
    await client.do("PUBLISH news alone");
    for (const command of ["MULTI", "SET k v", "PUBLISH news together", "EXEC"]) {
      await client.do(command);
    }
    await client.do("PUBLISH news last");
    for (const message of ["alone", "together", "last"]) {
      expect((await subscriber.next()).value).toEqual(["message", "news", message]);
    }
    await line.expectAlike();
  },
);
