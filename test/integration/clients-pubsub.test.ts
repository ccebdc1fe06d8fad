/** Publishing and subscribing with the clients that people use. */
import { expect, test } from "bun:test";
import { RedisClient } from "bun";
import Redis from "ioredis";
import { createClient, RESP_TYPES } from "redis";
import { type ServerProcess, startServer } from "../support/server.ts";

const QUIET = ['save ""', "notify-keyspace-events KEA"];
const BINARY = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i));

/** Collects what comes, for a test to wait for. */
class Inbox {
  readonly items: string[] = [];

  readonly take = (...parts: unknown[]): void => {
    this.items.push(parts.map(String).join(" "));
  };

  /** What came, once there is so much of it. */
  async first(count: number): Promise<string[]> {
    while (this.items.length < count) await Bun.sleep(2);
    return this.items.splice(0);
  }
}

async function until(server: ServerProcess, line: string, wanted: unknown): Promise<void> {
  await using client = await server.connect();
  while (!Bun.deepEquals(await client.value(line), wanted)) await Bun.sleep(2);
}

test("ioredis: channels, patterns, shard channels, binary messages, keyspace events", async () => {
  await using server = await startServer({ directives: QUIET });
  const publisher = new Redis(server.port);
  const subscriber = new Redis(server.port);
  const inbox = new Inbox();
  subscriber.on("message", inbox.take);
  subscriber.on("pmessage", inbox.take);
  subscriber.on("smessage", inbox.take);
  try {
    expect(await subscriber.subscribe("news", "sport")).toBe(2);
    expect(await subscriber.psubscribe("n*")).toBe(3);
    expect(await subscriber.ssubscribe("shard")).toBe(1);
    expect(await publisher.publish("news", "hello")).toBe(2);
    expect(await publisher.publish("sport", "goal")).toBe(1);
    expect(await publisher.spublish("shard", "here")).toBe(1);
    expect(await inbox.first(4)).toEqual([
      "news hello",
      "n* news hello",
      "sport goal",
      "shard here",
    ]);

    const received = Promise.withResolvers<Buffer>();
    subscriber.on("messageBuffer", (_channel, message) => received.resolve(message));
    await subscriber.punsubscribe("n*");
    await publisher.publish("news", BINARY);
    expect(Buffer.compare(await received.promise, BINARY)).toBe(0);
    expect(await inbox.first(1)).toEqual([`news ${String(BINARY)}`]);

    await subscriber.psubscribe("__keyevent@0__:*");
    await publisher.multi().set("k", "v").rpush("l", "x").del("k").exec();
    expect(await inbox.first(3)).toEqual([
      "__keyevent@0__:* __keyevent@0__:set k",
      "__keyevent@0__:* __keyevent@0__:rpush l",
      "__keyevent@0__:* __keyevent@0__:del k",
    ]);
    expect(await subscriber.unsubscribe("news", "sport")).toBe(1);
    expect(await subscriber.punsubscribe()).toBe(0);
    expect(await subscriber.sunsubscribe()).toBe(0);
    expect(await subscriber.get("nothing")).toBeNull();
  } finally {
    publisher.disconnect();
    subscriber.disconnect();
  }
}, 60_000);

test("ioredis subscribes again after it has lost its connection", async () => {
  await using server = await startServer({ directives: QUIET });
  const subscriber = new Redis(server.port, { retryStrategy: () => 10 });
  const inbox = new Inbox();
  subscriber.on("message", inbox.take);
  try {
    await subscriber.subscribe("news");
    await using admin = await server.connect();
    expect(await admin.value("CLIENT KILL TYPE pubsub")).toBe(1);
    await until(server, "PUBSUB NUMSUB news", ["news", 1]);
    expect(await admin.value("PUBLISH news back")).toBe(1);
    expect(await inbox.first(1)).toEqual(["news back"]);
  } finally {
    subscriber.disconnect();
  }
}, 60_000);

test.each([2, 3] as const)(
  "node-redis over RESP%d: channels, patterns, shard channels, binary messages",
  async (RESP) => {
    await using server = await startServer({ directives: QUIET });
    const options = { RESP, socket: { port: server.port, host: "127.0.0.1" } };
    const publisher = await createClient(options).connect();
    const subscriber = await createClient(options).connect();
    const inbox = new Inbox();
    try {
      await subscriber.subscribe(["news", "sport"], (message, channel) =>
        inbox.take("message", channel, message),
      );
      await subscriber.pSubscribe("n*", (message, channel) =>
        inbox.take("pattern", channel, message),
      );
      await subscriber.sSubscribe("shard", (message, channel) =>
        inbox.take("shard", channel, message),
      );
      expect(await publisher.publish("news", "hello")).toBe(2);
      expect(await publisher.sPublish("shard", "here")).toBe(1);
      expect(await inbox.first(3)).toEqual([
        "message news hello",
        "pattern news hello",
        "shard shard here",
      ]);
      const received = Promise.withResolvers<Buffer>();
      await subscriber.subscribe("bytes", (message) => received.resolve(message), true);
      await publisher
        .withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
        .publish("bytes", BINARY);
      expect(Buffer.compare(await received.promise, BINARY)).toBe(0);
      await subscriber.unsubscribe();
      await subscriber.pUnsubscribe();
      await subscriber.sUnsubscribe();
      expect(await subscriber.get("nothing")).toBeNull();
      expect(await publisher.publish("news", "nobody")).toBe(0);
    } finally {
      publisher.destroy();
      subscriber.destroy();
    }
  },
  60_000,
);

test("Bun's own client subscribes", async () => {
  await using server = await startServer({ directives: QUIET });
  const url = `redis://127.0.0.1:${server.port}`;
  const publisher = new RedisClient(url);
  const subscriber = new RedisClient(url);
  const inbox = new Inbox();
  try {
    await subscriber.subscribe("news", (message, channel) => inbox.take(channel, message));
    expect(await publisher.publish("news", "hello")).toBe(1);
    expect(await inbox.first(1)).toEqual(["news hello"]);
    await subscriber.unsubscribe("news");
    expect(await publisher.publish("news", "nobody")).toBe(0);
    expect(await subscriber.get("nothing")).toBeNull();
  } finally {
    publisher.close();
    subscriber.close();
  }
}, 60_000);
