/** Subscribers in numbers, and one that does not read. */
import { describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { type RespClient } from "../support/resp-client.ts";
import { startServer, type ServerProcess } from "../support/server.ts";

const MB = 1024 * 1024;
/** Whoever is not served waits for a subscriber that never reads. */
const LONGEST_PING_MS = 5000;
const QUIET = ['save ""'];

async function slowSubscriber(port: number): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write("CLIENT SETNAME slow\r\nSUBSCRIBE news\r\n");
  let heard = "";
  while (!heard.includes("$4\r\nnews")) heard += String(await once(socket, "data"));
  socket.pause();
  return socket;
}

async function names(client: RespClient): Promise<string> {
  return (await client.value("CLIENT LIST")) as string;
}

/** Publishes until the subscriber that does not read is gone; returns how many it took. */
async function publishUntilCutOff(client: RespClient, message: string): Promise<number> {
  for (let sent = 1; ; sent++) {
    if (sent > 20_000) throw new Error("the slow subscriber is still there");
    await client.do("PUBLISH", "news", message);
    if (sent % 20 === 0 && !(await names(client)).includes("name=slow")) return sent;
  }
}

describe("a subscriber that does not read", () => {
  test("is cut off at its hard limit, and the others hear all", async () => {
    await using server = await startServer({
      directives: [...QUIET, "client-output-buffer-limit pubsub 8mb 0 0"],
    });
    await using publisher = await server.connect();
    await using pinger = await server.connect();
    await using reader = await server.connect();
    await reader.do("SUBSCRIBE news");
    const slow = await slowSubscriber(server.port);
    const before = server.residentBytes();
    expect(await publisher.value("PUBSUB NUMSUB news")).toEqual(["news", 2]);

    const message = "x".repeat(50_000);
    const work = publishUntilCutOff(publisher, message);
    let longestMs = 0;
    let isOver = false;
    void work.finally(() => (isOver = true));
    while (!isOver) {
      const startMs = performance.now();
      await pinger.do("PING");
      longestMs = Math.max(longestMs, performance.now() - startMs);
    }
    const sent = await work;
    expect(longestMs).toBeLessThan(LONGEST_PING_MS);
    expect(server.residentBytes() - before).toBeLessThan(150 * MB);
    for (let i = 0; i < sent; i++) {
      expect((await reader.next()).value).toEqual(["message", "news", message]);
    }
    expect(await publisher.value("PUBSUB NUMSUB news")).toEqual(["news", 1]);
    expect(await publisher.value("INFO stats")).toContain(
      "client_output_buffer_limit_disconnections:1\r\n",
    );
    await server.waitForLog(
      /# Client id=\d+ .* name=slow .* flags=P .* scheduled to be closed ASAP for overcoming/,
    );
    slow.destroy();
  }, 60_000);

  test("is cut off when it has been over its soft limit for too long", async () => {
    await using server = await startServer({
      directives: [...QUIET, "client-output-buffer-limit pubsub 0 1mb 1"],
    });
    await using publisher = await server.connect();
    const slow = await slowSubscriber(server.port);
    const message = "x".repeat(100_000);
    const startMs = Date.now();
    while (!/name=slow .* omem=([2-9]\d{6}|\d{8,}) /.test(await names(publisher))) {
      await publisher.do("PUBLISH", "news", message);
    }
    while ((await names(publisher)).includes("name=slow")) await Bun.sleep(20);
    expect(Date.now() - startMs).toBeGreaterThan(900);
    expect(await publisher.value("PUBLISH", "news", message)).toBe(0);
    slow.destroy();
  }, 60_000);
});

test("a thousand subscribers each hear every message, in order", async () => {
  await using server = await startServer({ directives: QUIET });
  await using stack = new AsyncDisposableStack();
  const listeners: RespClient[] = [];
  for (let i = 0; i < 1000; i++) {
    const listener = stack.use(await server.connect());
    if (i % 2 === 1) await listener.do("HELLO 3");
    await listener.do(i % 10 === 0 ? "PSUBSCRIBE ne*" : "SUBSCRIBE news");
    listeners.push(listener);
  }
  const [one, two] = [stack.use(await server.connect()), stack.use(await server.connect())];
  const batch = (from: string): (readonly string[])[] =>
    Array.from({ length: 20 }, (_, i) => ["PUBLISH", "news", `${from}${i}`]);
  const replies = await Promise.all([one.pipeline(batch("one ")), two.pipeline(batch("two "))]);
  for (const { value } of replies.flat()) expect(value).toBe(1000);

  let order: string[] | null = null;
  for (const listener of listeners) {
    const heard: string[] = [];
    for (let i = 0; i < 40; i++) {
      const { value } = await listener.next();
      heard.push(String((value as unknown[]).at(-1)));
    }
    order ??= heard;
    expect(heard).toEqual(order);
  }
  const of = (from: string): string[] | undefined => order?.filter((text) => text.startsWith(from));
  expect(of("one ")).toEqual(batch("one ").map(([, , text]) => text));
  expect(of("two ")).toEqual(batch("two ").map(([, , text]) => text));

  await Promise.all(listeners.slice(0, 500).map((listener) => listener.close()));
  await untilCount(server, 450);
  expect(await one.value("PUBLISH news last")).toBe(500);
}, 60_000);

/** Connections that were closed may take a moment to go. */
async function untilCount(server: ServerProcess, count: number): Promise<void> {
  await using client = await server.connect();
  for (;;) {
    const value = await client.value("PUBSUB NUMSUB news");
    if (Array.isArray(value) && value[1] === count) return;
    await Bun.sleep(5);
  }
}

test("who listens may be idle longer than `timeout`", async () => {
  await using server = await startServer({ directives: [...QUIET, "timeout 1"] });
  await using listener = await server.connect();
  await using idler = await server.connect();
  await listener.do("SUBSCRIBE news");
  await idler.closed;
  await Bun.sleep(500);
  await using publisher = await server.connect();
  expect(await publisher.value("PUBLISH news x")).toBe(1);
  expect((await listener.next()).value).toEqual(["message", "news", "x"]);
}, 60_000);

test("messages of any size arrive whole", async () => {
  await using server = await startServer({ directives: QUIET });
  await using listener = await server.connect();
  await using publisher = await server.connect();
  await listener.do("SUBSCRIBE news");
  for (const size of [0, 1, 47, 48, 49, 16_000, 16_384, 65_535, 65_537, 3 * MB]) {
    const sizes = [3, size, 100];
    await publisher.pipeline(sizes.map((length) => ["PUBLISH", "news", "y".repeat(length)]));
    for (const one of sizes) {
      expect((await listener.next()).value).toEqual(["message", "news", "y".repeat(one)]);
    }
  }
}, 60_000);
