/** MEMORY: its figures beside redis-server's, and its reports. */
import { expect, test } from "bun:test";
import { findOracle } from "../support/oracle.ts";
import type { RespClient } from "../support/resp-client.ts";
import { startServer } from "../support/server.ts";
import { compare } from "../support/transcript.ts";
import { fieldsOf, infoFields, textOf } from "./_texts.ts";

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
  for (let i = 0; i < 50 && !report.includes("Clients:"); i++) {
    await Bun.sleep(20);
    report = textOf(await client.value("MEMORY DOCTOR"));
  }
  expect(report).toContain("* Peak: ");
  expect(report).toContain("* Clients: ");
});
