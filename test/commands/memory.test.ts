/** MEMORY: its figures beside redis-server's, and its reports. */
import { expect, test } from "bun:test";
import { findOracle } from "../support/oracle.ts";
import type { RespClient } from "../support/resp-client.ts";
import { startServer } from "../support/server.ts";
import { compare } from "../support/transcript.ts";
import { fieldsOf, infoFields, textOf, until } from "./_texts.ts";

compare(
  "MEMORY's arguments, and what PURGE answers",
  `
  MEMORY STATS x
  MEMORY DOCTOR x
  MEMORY PURGE x
  MEMORY PURGE
  MEMORY MALLOC-STATS x
  MEMORY HELP
  `,
);

compare(
  "MEMORY USAGE's arguments",
  `
  SET k v
  RPUSH l a b c
  MEMORY USAGE
  MEMORY USAGE missing
  MEMORY USAGE missing SAMPLES 3
  ~ MEMORY USAGE k
  ~ MEMORY USAGE l SAMPLES 0
  ~ MEMORY USAGE l samples 5
  ~ MEMORY USAGE l SAMPLES 1 SAMPLES 2
  MEMORY USAGE l SAMPLES
  MEMORY USAGE l SAMPLES x
  MEMORY USAGE l SAMPLES 1.5
  MEMORY USAGE l SAMPLES -1
  MEMORY USAGE l SAMPLES 99999999999999999999
  MEMORY USAGE l SAMPLE 1
  MEMORY USAGE l 1
  MEMORY USAGE missing SAMPLES -1
  `,
);

const DEBUGGED = { directives: ["enable-debug-command yes"] };

const oracle = findOracle();

/** Names and the kinds of their values, those of a database within. */
function shapeOf(stats: unknown): string[] {
  return [...fieldsOf(stats)].flatMap(([name, value]) => {
    if (value instanceof Map || Array.isArray(value)) return [name, ...shapeOf(value)];
    return [`${name} ${typeof value}`];
  });
}

test.skipIf(oracle === null)("MEMORY STATS has redis-server's fields and types", async () => {
  if (oracle === null) return;
  await using pedis = await startServer();
  await using redis = await startServer({ program: oracle });
  const both = await Promise.all(
    [pedis, redis].map((server) =>
      server.withClient(async (client) => {
        const shapes: string[][] = [];
        for (const protocol of [2, 3]) {
          await client.value(`HELLO ${protocol}`);
          await client.value("SET k v");
          shapes.push(shapeOf(await client.value("MEMORY STATS")));
        }
        return shapes;
      }),
    ),
  );
  expect(both[0]).toEqual(both[1]);
});

async function memoryStats(client: RespClient): Promise<Record<string, number>> {
  const fields = fieldsOf(await client.value("MEMORY STATS"));
  return Object.fromEntries([...fields].map(([name, value]) => [name, Number(value)]));
}

test("MEMORY STATS counts what INFO counts", async () => {
  await using server = await startServer(DEBUGGED);
  await using client = await server.connect();
  const empty = await memoryStats(client);
  expect(empty["keys.count"]).toBe(0);
  expect(empty["keys.bytes-per-key"]).toBe(0);
  await client.value("DEBUG POPULATE 1000 key 1000");
  const full = await memoryStats(client);
  const info = await infoFields(client, "memory");
  expect(full["keys.count"]).toBe(1000);
  expect(full["keys.bytes-per-key"]).toBeGreaterThan(1000);
  expect(full["keys.bytes-per-key"]).toBeLessThan(1300);
  expect(full["total.allocated"]).toBe(full["overhead.total"] + full["dataset.bytes"]);
  expect(Math.abs(full["total.allocated"] - Number(info.used_memory))).toBeLessThan(10_000);
  expect(full["dataset.bytes"] - empty["dataset.bytes"]).toBeGreaterThan(1_000_000);
  expect(full["dataset.percentage"]).toBeGreaterThan(90);
  expect(full["clients.normal"]).toBe(Number(info.mem_clients_normal));
});

test("MEMORY DOCTOR and MALLOC-STATS", async () => {
  await using server = await startServer(DEBUGGED);
  await using client = await server.connect();
  const ask = async (what: string): Promise<string> => textOf(await client.value(`MEMORY ${what}`));
  expect(await ask("DOCTOR")).toContain("too little to judge");
  await client.value("SELECT 9");
  await client.value("DEBUG POPULATE 10000 key 1000");
  expect(await ask("DOCTOR")).toMatch(/^(Nothing is wrong|What to look at:\n\n\* )/);
  expect(await ask("MALLOC-STATS")).toMatch(
    /^Database 9: \d{8} bytes in blocks, .*\n +block size .*\n( +\d+){4}\n/m,
  );
  await client.value("FLUSHALL");
  expect(await ask("DOCTOR")).toContain("too little to judge");
});

test("MEMORY DOCTOR names a peak and clients that hold much", async () => {
  await using server = await startServer(DEBUGGED);
  await using client = await server.connect();
  await client.value("DEBUG POPULATE 40000 key 1000");
  await client.value("FLUSHALL");
  await client.value("DEBUG POPULATE 10000 key 1000");
  await using large = await server.connect();
  large.send(`*2\r\n$4\r\nECHO\r\n$2000000\r\n${"x".repeat(1000)}`);
  let report = "";
  await until(async () => {
    report = textOf(await client.value("MEMORY DOCTOR"));
    return report.includes("Clients:");
  });
  expect(report).toContain("* Peak: ");
  expect(report).toContain("* Clients: ");
});

test.skipIf(oracle === null)("INFO memory has redis-server's fields in its order", async () => {
  if (oracle === null) return;
  await using pedis = await startServer();
  await using redis = await startServer({ program: oracle });
  const [ours, theirs] = await Promise.all(
    [pedis, redis].map((server) =>
      server.withClient(async (client) => Object.keys(await infoFields(client, "memory"))),
    ),
  );
  expect(ours).toEqual(theirs);
});

test("MEMORY USAGE estimates by so many samples, and adds all up for 0", async () => {
  await using server = await startServer(DEBUGGED);
  await using client = await server.connect();
  await client.value("CONFIG SET hash-max-listpack-entries 0");
  const fields = Array.from({ length: 200 }, (_, i) => [`f${i}`, "x".repeat(i === 0 ? 9000 : 9)]);
  await client.value("HSET", "h", ...fields.flat());
  const ask = async (samples: string): Promise<number> =>
    Number(await client.value(`MEMORY USAGE h ${samples}`));
  const all = await ask("SAMPLES 0");
  expect(await ask("SAMPLES 1000")).toBe(all);
  expect(await ask("")).toBe(await ask("SAMPLES 5"));
  // One long value among two hundred: nobody comes near the truth with one sample.
  expect(Math.abs((await ask("SAMPLES 1")) - all)).toBeGreaterThan(4000);
  expect(all).toBeWithin(200 * 32 + 9000, 200 * 32 + 9000 + 8000);
});

test("the peak is kept, also where it was gone before anybody looked", async () => {
  await using server = await startServer(DEBUGGED);
  await using client = await server.connect();
  const before = await infoFields(client, "memory");
  // One write of requests that are all run in one turn.
  await client.pipeline([
    ["SET", "k", "x".repeat(3_000_000)],
    ["SETRANGE", "big", "5000000", "x"],
  ]);
  await client.pipeline([
    ["SETRANGE", "huge", "30000000", "x"],
    ["DEL", "huge", "big", "k"],
  ]);
  const after = await infoFields(client, "memory");
  expect(Number(after.used_memory)).toBeLessThan(Number(before.used_memory) + 1_000_000);
  expect(Number(after.used_memory_peak)).toBeWithin(38_000_000, 40_000_000);
  expect(after.used_memory_peak_human).toMatch(/^3[67]\.\d\dM$/);
  expect(Number.parseFloat(after.used_memory_peak_perc)).toBeLessThan(10);
});

test("INFO memory's resident bytes are the process's", async () => {
  await using server = await startServer(DEBUGGED);
  await using client = await server.connect();
  await client.value("DEBUG POPULATE 100000 key 200");
  // Between the two looks a garbage collection may give memory back, but not each time.
  await until(async () => {
    const { used_memory_rss: bytes } = await infoFields(client, "memory");
    const ratio = Number(bytes) / server.residentBytes();
    return ratio > 0.9 && ratio < 1.1;
  });
});

test("INFO memory's figures fit together", async () => {
  await using server = await startServer(DEBUGGED);
  await using client = await server.connect();
  await client.value("DEBUG POPULATE 100000 key 200");
  for (let i = 0; i < 100_000; i += 2000) {
    const keys = Array.from({ length: 1000 }, (_, j) => `key:${i + 2 * j}`);
    await client.value("DEL", ...keys);
  }
  const info = await infoFields(client, "memory");
  const figure = (name: string): number => Number(info[name]);
  expect(figure("used_memory_dataset")).toBe(
    figure("used_memory") - figure("used_memory_overhead"),
  );
  expect(figure("allocator_allocated")).toBe(figure("used_memory"));
  // Every other key has gone: nearly half of the pages lies free.
  expect(figure("allocator_frag_ratio")).toBeWithin(1.3, 2.3);
  for (const [ratio, bytes, whole, part] of [
    ["allocator_frag_ratio", "allocator_frag_bytes", "allocator_active", "allocator_allocated"],
    ["allocator_rss_ratio", "allocator_rss_bytes", "allocator_resident", "allocator_active"],
    ["rss_overhead_ratio", "rss_overhead_bytes", "used_memory_rss", "allocator_resident"],
    ["mem_fragmentation_ratio", "mem_fragmentation_bytes", "used_memory_rss", "used_memory"],
  ]) {
    expect(figure(bytes)).toBe(figure(whole) - figure(part));
    expect(info[ratio]).toBe((figure(whole) / figure(part)).toFixed(2));
  }
  expect(figure("total_system_memory")).toBeGreaterThan(figure("used_memory_rss"));
});
