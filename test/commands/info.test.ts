/** INFO: its sections and fields beside redis-server's, and figures that follow what happens. */
import { expect, test } from "bun:test";
import { findOracle } from "../support/oracle.ts";
import type { RespClient } from "../support/resp-client.ts";
import { type ServerProcess, startServer } from "../support/server.ts";
import { compare } from "../support/transcript.ts";
import { infoFields, textOf, until } from "./_texts.ts";

/** Fields that the oracle, 7.0.15, does not show. */
const NEW_FIELDS = new Set([
  // Pedis's own.
  "server_name",
  "pedis_version",
  "bun_version",
  // Redis 7.2.
  "listener0",
  "total_blocking_keys",
  "total_blocking_keys_on_nokey",
  "eventloop_cycles",
  "eventloop_duration_sum",
  "eventloop_duration_cmd_sum",
  "instantaneous_eventloop_cycles_per_sec",
  "instantaneous_eventloop_duration_usec",
  "acl_access_denied_auth",
  "acl_access_denied_cmd",
  "acl_access_denied_key",
  "acl_access_denied_channel",
  // Redis 7.4.
  "pubsub_clients",
  "watching_clients",
  "total_watched_keys",
  "expired_subkeys",
  "client_query_buffer_limit_disconnections",
  "client_output_buffer_limit_disconnections",
]);

const REQUESTS = [
  "INFO",
  "INFO default",
  "INFO all",
  "INFO everything",
  "INFO server",
  "INFO SERVER keyspace",
  "INFO keyspace server keyspace",
  "INFO cpu nosuch",
  "INFO nosuch",
  "INFO modules",
  "INFO module_list",
  "INFO commandstats",
  "INFO errorstats",
  "INFO latencystats",
  "INFO cpu all",
  "INFO cpu default commandstats",
];

const oracle = findOracle();

test.skipIf(oracle === null)("sections and fields are redis-server's, in its order", async () => {
  if (oracle === null) return;
  await using pedis = await startServer();
  await using redis = await startServer({ program: oracle });
  for (const server of [pedis, redis]) await prepare(server);
  for (const request of REQUESTS) {
    const ours = await pedis.withClient((client) => namesIn(client, request));
    const theirs = await redis.withClient((client) => namesIn(client, request));
    expect({ request, names: ours.filter((name) => !NEW_FIELDS.has(name)) }).toEqual({
      request,
      names: theirs,
    });
  }
});

/** The same history for both: an error, a key with an expiry and one without. */
async function prepare(server: ServerProcess): Promise<void> {
  await server.withClient(async (client) => {
    await client.value("CONFIG RESETSTAT");
    await client.value("SET k v");
    await client.value("SET e v EX 1000");
    await client.value("SELECT 3");
    await client.value("SET k v");
    await client.value("INCR k");
  });
}

/** Titles and the names of fields, as they come; counters of commands in the order of names. */
async function namesIn(client: RespClient, request: string): Promise<string[]> {
  const text = textOf(await client.value(request));
  return text.split("\r\n\r\n").flatMap((section) => {
    const [title = "", ...lines] = section.split("\r\n").filter((line) => line !== "");
    const names = lines.map((line) => line.split(":")[0] ?? "");
    return [title, ...(/^# (Commandstats|Latencystats)$/.test(title) ? names.sort() : names)];
  });
}

compare(
  "INFO without sections that exist, and the kind of its reply",
  `
  INFO nosuch
  INFO Cluster
  INFO modules
  INFO nosuch CLUSTER
  `,
);

test("counters follow what clients do", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  await client.value("CONFIG RESETSTAT");
  await client.value("SET k v");
  await client.value("GET k");
  await client.value("GET missing");
  await client.value("NOSUCH");
  await client.value("INCR k");
  await client.value("GET");
  const stats = await infoFields(client, "stats");
  expect(stats.keyspace_hits).toBe("1");
  expect(stats.keyspace_misses).toBe("1");
  expect(stats.total_error_replies).toBe("3");
  expect(Number(stats.total_reads_processed)).toBeGreaterThanOrEqual(7);
  expect(Number(stats.total_writes_processed)).toBeGreaterThanOrEqual(6);
  expect(Number(stats.total_net_input_bytes)).toBeGreaterThan(100);
  expect(Number(stats.total_net_output_bytes)).toBeGreaterThan(50);
  expect(Number(stats.eventloop_cycles)).toBeGreaterThanOrEqual(6);
  expect(Number(stats.eventloop_duration_sum)).toBeGreaterThan(0);
  expect(await infoFields(client, "errorstats")).toEqual({ errorstat_ERR: "count=3" });
  const commands = await infoFields(client, "commandstats");
  expect(commands.cmdstat_get).toMatch(/^calls=2,usec=\d+,.*,rejected_calls=1,failed_calls=0$/);
  expect(commands.cmdstat_incr).toMatch(/^calls=1,.*,rejected_calls=0,failed_calls=1$/);
  const latencies = await infoFields(client, "latencystats");
  expect(latencies.latency_percentiles_usec_get).toMatch(/^p50=[\d.]+,p99=[\d.]+,p99\.9=[\d.]+$/);
  await client.value("CONFIG", "SET", "latency-tracking-info-percentiles", "0 12.5 100");
  expect((await infoFields(client, "latencystats")).latency_percentiles_usec_get).toMatch(
    /^p0=[\d.]+,p12\.5=[\d.]+,p100=[\d.]+$/,
  );
  await client.value("CONFIG SET latency-tracking no");
  expect(await infoFields(client, "latencystats")).toEqual({});
  await client.value("CONFIG RESETSTAT");
  expect((await infoFields(client, "stats")).keyspace_hits).toBe("0");
  expect(await infoFields(client, "errorstats")).toEqual({});
});

test("made-up error codes end the counting by codes", async () => {
  await using server = await startServer({ directives: ["enable-debug-command yes"] });
  await using client = await server.connect();
  for (let i = 0; i < 130; i++) await client.do(`DEBUG ERROR "CODE${i} x"`);
  expect(await infoFields(client, "errorstats")).toEqual({
    errorstat_ERRORSTATS_DISABLED: "count=1",
  });
  expect((await infoFields(client, "stats")).total_error_replies).toBe("130");
  await server.waitForLog(/Errorstats stopped adding new errors .*: CODE0, CODE1, /);
  await client.value("CONFIG RESETSTAT");
  await client.do("GET");
  expect(await infoFields(client, "errorstats")).toEqual({ errorstat_ERR: "count=1" });
});

test("keyspace and expiry", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  expect(await infoFields(client, "keyspace")).toEqual({});
  await client.value("SET a v");
  await client.value("SET b v PX 1");
  await client.value("SELECT 9");
  await client.value("SET c v");
  await until(async () => (await infoFields(client, "stats")).expired_keys === "1");
  expect(await infoFields(client, "keyspace")).toEqual({
    db0: "keys=1,expires=0,avg_ttl=0",
    db9: "keys=1,expires=0,avg_ttl=0",
  });
});

test("memory is counted: it grows with the data and the peak stays", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  const before = await infoFields(client, "memory");
  expect(Number(before.used_memory)).toBeGreaterThanOrEqual(Number(before.used_memory_startup));
  await client.value("SET", "k", "x".repeat(1_050_000));
  const full = await infoFields(client, "memory");
  const grown = Number(full.used_memory_dataset) - Number(before.used_memory_dataset);
  expect(grown).toBeGreaterThanOrEqual(1_050_000);
  expect(grown).toBeLessThan(1_100_000);
  const sum = Number(full.used_memory_dataset) + Number(full.used_memory_overhead);
  expect(sum).toBe(Number(full.used_memory));
  expect(full.used_memory_human).toMatch(/^\d\.\d\dM$/);
  await client.value("FLUSHALL");
  const after = await infoFields(client, "memory");
  expect(Number(after.used_memory)).toBeLessThan(1_000_000);
  expect(Number(after.used_memory_peak)).toBeGreaterThanOrEqual(1_000_000);
});

test("what is freed in slices is counted, until the counters are set back", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  const members = Array.from({ length: 5000 }, (_, i) => `member:${i}`);
  await client.value("SADD", "large", ...members);
  await client.value("SADD", "small", ...members.slice(0, 10));
  await client.value("UNLINK large small");
  await until(async () => (await infoFields(client, "memory")).lazyfree_pending_objects === "0");
  expect((await infoFields(client, "memory")).lazyfreed_objects).toBe("1");
  await client.value("CONFIG RESETSTAT");
  expect((await infoFields(client, "memory")).lazyfreed_objects).toBe("0");
});

test("who the server is", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  const info = await infoFields(client, "server");
  expect(info.redis_version).toBe("7.2.4");
  expect(info.server_name).toBe("pedis");
  expect(info.process_id).toBe(String(server.pid));
  expect(info.tcp_port).toBe(String(server.port));
  expect(info.listener0).toBe(`name=tcp,bind=*,bind=-::*,port=${server.port}`);
  expect(info.run_id).toMatch(/^[0-9a-f]{40}$/);
  const replication = await infoFields(client, "replication");
  expect(replication.role).toBe("master");
  expect(replication.master_replid).toMatch(/^[0-9a-f]{40}$/);
  expect(replication.min_slaves_good_slaves).toBeUndefined();
  await client.value("CONFIG SET min-replicas-to-write 1");
  expect((await infoFields(client, "replication")).min_slaves_good_slaves).toBe("0");
});
