/**
 * What applications do with sessions and streams, done with the clients that they use: ioredis,
 * node-redis and Bun's own.
 */
import { RedisClient } from "bun";
import { Redis } from "ioredis";
import { BasicClientSideCache, createClient } from "redis";
import { expect, test } from "bun:test";
import { type ServerProcess, startServer } from "../support/server.ts";

const ENTRIES = 500;

/** Opens clients for the time of a test. */
async function withIoredis(
  count: number,
  use: (clients: Redis[], server: ServerProcess) => Promise<void>,
): Promise<void> {
  await using server = await startServer();
  const clients = Array.from({ length: count }, () => new Redis({ port: server.port }));
  try {
    await use(clients, server);
  } finally {
    for (const client of clients) client.disconnect();
  }
}

async function until(isMet: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await isMet())) {
    if (Date.now() > deadline) throw new Error("Waited for too long");
    await Bun.sleep(5);
  }
}

test("ioredis: optimistic locking loses no increment", async () => {
  await withIoredis(4, async (clients) => {
    let conflicts = 0;
    await Promise.all(
      clients.map(async (client) => {
        for (let done = 0; done < 50;) {
          await client.watch("balance");
          const balance = Number(await client.get("balance"));
          const outcome = await client
            .multi()
            .set("balance", balance + 1)
            .rpush("ledger", balance + 1)
            .exec();
          if (outcome === null) conflicts++;
          else done++;
        }
      }),
    );
    expect(await clients[0].get("balance")).toBe("200");
    const ledger = await clients[0].lrange("ledger", 0, -1);
    expect(ledger).toEqual(Array.from({ length: 200 }, (_, i) => String(i + 1)));
    expect(conflicts).toBeGreaterThan(0);
  });
});

test("ioredis: a transaction with errors, in a pipeline", async () => {
  await withIoredis(1, async ([client]) => {
    const outcome = await client.multi().set("k", "text").incr("k").get("k").exec();
    expect(outcome?.map(([problem, reply]) => problem?.message ?? reply)).toEqual([
      "OK",
      "ERR value is not an integer or out of range",
      "text",
    ]);
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, () => client.multi().incr("n").get("n").exec()),
    );
    expect(outcomes.at(-1)).toEqual([
      [null, 100],
      [null, "100"],
    ]);
  });
});

test("ioredis: channels and patterns, binary payloads, subscribing again by itself", async () => {
  await withIoredis(2, async ([subscriber, publisher]) => {
    const heard: (string | Buffer)[] = [];
    subscriber.on("message", (channel, message) => heard.push(`${channel} ${message}`));
    subscriber.on("pmessage", (pattern, channel, message) =>
      heard.push(`${pattern} ${channel} ${message}`),
    );
    await subscriber.subscribe("news", "weather");
    await subscriber.psubscribe("n*");
    expect(await publisher.publish("news", "one")).toBe(2);
    expect(await publisher.publish("weather", "two")).toBe(1);
    await until(() => heard.length === 3);
    expect(heard).toEqual(["news one", "n* news one", "weather two"]);

    const payload = Buffer.from([0, 255, 13, 10, 0]);
    const arrived = new Promise((resolve) => {
      subscriber.once("messageBuffer", (_channel, message) => resolve(message));
    });
    await publisher.publish("weather", payload);
    expect(await arrived).toEqual(payload);

    heard.length = 0;
    expect(await publisher.call("CLIENT", "KILL", "TYPE", "pubsub")).toBe(1);
    await until(async () => (await publisher.publish("weather", "back")) === 1);
    await until(() => heard.includes("weather back"));
  });
});

test("ioredis: keyspace events tell of an expired session", async () => {
  await withIoredis(2, async ([subscriber, client]) => {
    await client.config("SET", "notify-keyspace-events", "Ex");
    const expired = new Promise((resolve) => {
      subscriber.once("message", (_channel, key) => resolve(key));
    });
    await subscriber.subscribe("__keyevent@0__:expired");
    await client.set("session:1", "x", "PX", 20);
    expect(await expired).toBe("session:1");
  });
});

test("ioredis: a consumer group outlives a consumer that crashes", async () => {
  await withIoredis(3, async ([producer, crashing, steady]) => {
    await producer.xgroup("CREATE", "jobs", "workers", "$", "MKSTREAM");
    const ids: string[] = [];
    for (let i = 0; i < ENTRIES; i++) ids.push((await producer.xadd("jobs", "*", "job", i)) ?? "");

    const read = (client: Redis, name: string): Promise<unknown> =>
      client.xreadgroup("GROUP", "workers", name, "COUNT", 40, "STREAMS", "jobs", ">");
    const taken = entriesOf(await read(crashing, "crashing"));
    expect(taken.length).toBe(40);
    await crashing.xack("jobs", "workers", ...taken.slice(0, 10));
    crashing.disconnect();

    const done = new Set(taken.slice(0, 10));
    for (;;) {
      const entries = entriesOf(await read(steady, "steady"));
      if (entries.length === 0) break;
      for (const id of entries) done.add(id);
      await steady.xack("jobs", "workers", ...entries);
    }
    expect(done.size).toBe(ENTRIES - 30);
    const pending = await producer.xpending("jobs", "workers");
    expect(pending).toEqual([30, taken[10], taken[39], [["crashing", "30"]]]);

    let cursor = "0-0";
    do {
      const claimed = (await steady.xautoclaim(
        "jobs",
        "workers",
        "steady",
        0,
        cursor,
        "COUNT",
        7,
      )) as [string, [string, string[]][]];
      cursor = claimed[0];
      for (const [id] of claimed[1]) done.add(id);
      const claimedIds = claimed[1].map(([id]) => id);
      if (claimedIds.length > 0) await steady.xack("jobs", "workers", ...claimedIds);
    } while (cursor !== "0-0");
    expect([...done].toSorted()).toEqual(ids.toSorted());
    expect(await producer.xpending("jobs", "workers")).toEqual([0, null, null, null]);

    const waiting = steady.xreadgroup(
      "GROUP",
      "workers",
      "steady",
      "BLOCK",
      5000,
      "STREAMS",
      "jobs",
      ">",
    );
    const last = await producer.xadd("jobs", "*", "job", "last");
    expect(entriesOf(await waiting)).toEqual([last ?? ""]);
  });
});

test("node-redis: pipelines, transactions, pub/sub, streams", async () => {
  await using server = await startServer();
  const client = createClient({ socket: { port: server.port } });
  const other = client.duplicate();
  try {
    await Promise.all([client.connect(), other.connect()]);
    const replies = await Promise.all(
      Array.from({ length: 100 }, (_, i) => client.set(`k${i}`, i)),
    );
    expect(replies.every((reply) => reply === "OK")).toBe(true);
    const counted: unknown = await client.multi().incr("k1").get("k1").exec();
    expect(counted).toEqual([2, "2"]);
    await client.watch("k1");
    await other.set("k1", "9");
    const outcome = await client
      .multi()
      .set("k1", "10")
      .exec()
      .catch((problem: unknown) => (problem as Error).constructor.name);
    expect(outcome).toBe("WatchError");

    const heard: string[] = [];
    await other.subscribe("news", (message) => heard.push(message));
    await other.sSubscribe("shard", (message) => heard.push(message));
    await client.publish("news", "hello");
    await client.sPublish("shard", "there");
    await until(() => heard.length === 2);
    expect(heard).toEqual(["hello", "there"]);
    await other.unsubscribe("news");
    expect(await client.publish("news", "nobody")).toBe(0);

    await client.xGroupCreate("s", "g", "$", { MKSTREAM: true });
    const id = await client.xAdd("s", "*", { field: "value" });
    const [stream] = (await client.xReadGroup("g", "c", { key: "s", id: ">" })) as {
      name: string;
      messages: { id: string; message: Record<string, string> }[];
    }[];
    expect(stream.messages.map((one) => [one.id, { ...one.message }])).toEqual([
      [id, { field: "value" }],
    ]);
    const claimed = await client.xAutoClaim("s", "g", "d", 0, "0-0");
    expect(claimed.messages.map((one) => one?.id)).toEqual([id]);
    expect(await client.xAck("s", "g", id)).toBe(1);
  } finally {
    client.destroy();
    other.destroy();
  }
});

test("node-redis: its cache on the client's side follows the server", async () => {
  await using server = await startServer();
  const cache = new BasicClientSideCache({ ttl: 0, maxEntries: 0 });
  const client = createClient({ RESP: 3, socket: { port: server.port }, clientSideCache: cache });
  const writer = createClient({ socket: { port: server.port } });
  try {
    await Promise.all([client.connect(), writer.connect()]);
    await writer.set("k", "1");
    expect([await client.get("k"), await client.get("k")]).toEqual(["1", "1"]);
    expect(cache.stats().hitCount).toBe(1);
    await writer.set("k", "2");
    await until(async () => (await client.get("k")) === "2");
    expect(cache.stats().missCount).toBe(2);
    await writer.flushAll();
    await until(async () => (await client.get("k")) === null);
  } finally {
    client.destroy();
    writer.destroy();
  }
});

test("Bun's own client: streams, transactions and pub/sub over RESP3", async () => {
  await using server = await startServer();
  const client = new RedisClient(`redis://127.0.0.1:${server.port}`);
  const subscriber = new RedisClient(`redis://127.0.0.1:${server.port}`);
  try {
    await client.send("MULTI", []);
    expect(await client.send("INCR", ["n"])).toBe("QUEUED");
    expect(await client.send("EXEC", [])).toEqual([1]);
    const id = (await client.send("XADD", ["s", "*", "field", "value"])) as string;
    expect(await client.send("XRANGE", ["s", "-", "+"])).toEqual([[id, ["field", "value"]]]);
    expect(await client.send("XREAD", ["STREAMS", "s", "0"])).toEqual({
      s: [[id, ["field", "value"]]],
    });
    const heard: string[] = [];
    await subscriber.subscribe("news", (message, channel) => heard.push(`${channel} ${message}`));
    await client.publish("news", "hello");
    await until(() => heard.length === 1);
    expect(heard).toEqual(["news hello"]);
  } finally {
    client.close();
    subscriber.close();
  }
});

/** The IDs that XREADGROUP on one stream brought. */
function entriesOf(reply: unknown): string[] {
  const streams = (reply ?? []) as [string, [string, string[]][]][];
  return streams.flatMap(([, entries]) => entries.map(([id]) => id));
}
