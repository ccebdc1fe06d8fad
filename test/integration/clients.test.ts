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

test("ioredis: a leaderboard, a queue of jobs with waiting workers, tags", async () => {
  await using server = await startServer();
  const redis = new Redis({ port: server.port });
  const workers = [new Redis({ port: server.port }), new Redis({ port: server.port })];
  try {
    await redis.hset("user:1", { name: "alice", visits: 1 });
    await redis.hincrby("user:1", "visits", 4);
    expect(await redis.hgetall("user:1")).toEqual({ name: "alice", visits: "5" });
    await redis.zadd("board", 1200, "alice", 950, "bob", 1100.5, "carol");
    await redis.zincrby("board", 300, "bob");
    expect(await redis.zrevrange("board", 0, 1, "WITHSCORES")).toEqual([
      "bob",
      "1250",
      "alice",
      "1200",
    ]);
    expect(await redis.zrevrank("board", "carol")).toBe(2);
    const waiting: Promise<unknown>[] = [];
    for (const worker of workers) {
      waiting.push(worker.blpop("jobs:urgent", "jobs", 20));
      const isBlocked = `blocked_clients:${waiting.length}\r`;
      while (!(await redis.info("clients")).includes(isBlocked)) await Bun.sleep(5);
    }
    await redis.rpush("jobs", "first", "second", "third");
    expect(await Promise.all(waiting)).toEqual([
      ["jobs", "first"],
      ["jobs", "second"],
    ]);
    expect(await redis.lmove("jobs", "done", "LEFT", "RIGHT")).toBe("third");
    expect(await redis.exists("jobs")).toBe(0);
    const tags = Array.from({ length: 1000 }, (_, i) => `tag:${i}`);
    await redis.sadd("tags", ...tags);
    const seen = new Set<string>();
    for await (const found of redis.sscanStream("tags", { count: 50 })) {
      for (const tag of found as string[]) seen.add(tag);
    }
    expect([...seen].toSorted()).toEqual(tags.toSorted());
    await redis.geoadd("places", 13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania");
    expect(await redis.geodist("places", "Palermo", "Catania", "KM")).toBe("166.2742");
    await redis.pfadd("visitors", ...tags);
    expect(Math.abs((await redis.pfcount("visitors")) - 1000)).toBeLessThan(30);
  } finally {
    for (const client of [redis, ...workers]) client.disconnect();
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
  }, 60_000);

  test("redis-benchmark runs its default tests without an error", async () => {
    await using server = await startServer();
    const port = String(server.port);
    const args = ["-p", port, "-n", "2000", "-q"];
    for (const more of [[], ["-P", "16"]]) {
      const { code, text } = await run(["redis-benchmark", ...args, ...more]);
      expect(code).toBe(0);
      expect(text).not.toMatch(/error|WARNING/i);
      for (const name of ["MSET (10 keys)", "LRANGE_600", "ZPOPMIN", "HSET"]) {
        expect(text).toContain(name);
      }
    }
  }, 120_000);
});
