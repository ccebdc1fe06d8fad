/** The clients that people use, doing what they do first. */
import { Redis } from "ioredis";
import { describe, expect, test } from "bun:test";
import { startServer } from "../support/server.ts";

const hasTools = Bun.which("redis-cli") !== null && Bun.which("redis-benchmark") !== null;
if (!hasTools) console.log("redis-cli and redis-benchmark are not installed: not tried.");

async function run(command: string[], input = ""): Promise<{ code: number; text: string }> {
  const child = Bun.spawn(command, {
    stdin: Buffer.from(input),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, problem] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, text: out + problem };
}

test("ioredis: handshake with a password, pipelines, expiry, reconnection", async () => {
  await using server = await startServer({ directives: ["requirepass secret"] });
  const redis = new Redis({ port: server.port, password: "secret", connectionName: "tester" });
  try {
    expect(await redis.set("k", "v", "EX", 100)).toBe("OK");
    expect(await redis.ttl("k")).toBeGreaterThan(90);
    const replies = await redis.pipeline().incr("n").incrby("n", 5).mget("k", "n").exec();
    expect(replies?.map(([, reply]) => reply)).toEqual([1, 6, ["v", "6"]]);
    expect(await redis.getBuffer("k")).toEqual(Buffer.from("v"));
    expect(await redis.client("GETNAME")).toBe("tester");
    const keys: string[] = [];
    for await (const found of redis.scanStream({ count: 100 })) keys.push(...(found as string[]));
    expect(keys.toSorted()).toEqual(["k", "n"]);
    const closed = new Promise((resolve) => redis.once("close", resolve));
    await redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no").catch(() => 0);
    await closed;
    expect(await redis.get("k")).toBe("v");
  } finally {
    redis.disconnect();
  }
});

test("Bun's own client, over RESP3", async () => {
  await using server = await startServer();
  const client = new Bun.RedisClient(`redis://127.0.0.1:${server.port}`, { autoReconnect: false });
  await client.connect();
  try {
    await client.set("k", "v");
    expect(await client.get("k")).toBe("v");
    expect(await client.incr("n")).toBe(1);
    expect(await client.exists("k")).toBe(true);
    expect(await client.expire("k", 100)).toBe(1);
    expect(await client.ttl("k")).toBeGreaterThan(90);
    expect(await client.get("missing")).toBeNull();
  } finally {
    client.close();
  }
});

describe.skipIf(!hasTools)("redis-cli and redis-benchmark", () => {
  test("one command, a script, --scan, --bigkeys, --pipe, --stat, --latency", async () => {
    await using server = await startServer();
    const cli = ["redis-cli", "-p", String(server.port)];
    expect((await run([...cli, "ping"])).text).toBe("PONG\n");
    const script = await run(cli, "SET k 5\nINCR k\nGET k\nNOSUCH\n");
    expect(script.text).toContain("OK\n6\n6\nERR unknown command 'NOSUCH'");
    await run([...cli, "debug", "populate", "1000"]);
    await run(cli, Array.from({ length: 500 }, (_, i) => `SET key:${i} ${i}`).join("\n"));
    const scanned = (await run([...cli, "--scan", "--pattern", "key:*"])).text;
    expect(scanned.trim().split("\n")).toHaveLength(500);
    const big = await run([...cli, "--bigkeys"]);
    expect(big.text).toContain("501 strings with");
    const piped = await run([...cli, "--pipe"], "*3\r\n$3\r\nSET\r\n$1\r\np\r\n$1\r\n1\r\n");
    expect(piped.text).toContain("errors: 0, replies: 1");
    const stat = await run(["timeout", "1.5", ...cli, "--stat", "-i", "0.3"]);
    expect(stat.text).not.toContain("rror");
    const latency = await run(["timeout", "1.5", ...cli, "--latency", "-i", "1"]);
    expect(latency.text).not.toContain("rror");
  }, 30_000);

  test("redis-benchmark runs without an error", async () => {
    await using server = await startServer();
    const port = String(server.port);
    const args = ["-p", port, "-n", "2000", "-q", "-t", "ping,set,get,incr,mset"];
    for (const more of [[], ["-P", "16"]]) {
      const { code, text } = await run(["redis-benchmark", ...args, ...more]);
      expect(code).toBe(0);
      expect(text).not.toMatch(/error|WARNING/i);
      expect(text).toContain("MSET (10 keys)");
    }
  }, 30_000);
});
