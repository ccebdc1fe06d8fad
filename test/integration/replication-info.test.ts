/**
 * INFO replication and ROLE of both roles: field by field what redis-server says, but for figures
 * that each server has of its own.
 */
import { expect, test } from "bun:test";
import { findOracle } from "../support/oracle.ts";
import { infoOf, Line, lineups, waitForInfo, waitForOffsets } from "../support/replication.ts";
import { PEDIS, type ServerProcess, startServer } from "../support/server.ts";
import { RawReplica } from "./_raw-replica.ts";

const oracle = findOracle();
const DEAD_PORT = 1;
/** They differ from server to server. */
const OWN = /^(master_port|master_replid2?|.*offset|.*seconds_ago|.*histlen|sync_.*|slave0)$/;

type Fields = readonly (readonly [string, string])[];

/** The fields in their order, with those values that are alike on all servers. */
async function fieldsOf(server: ServerProcess): Promise<Fields> {
  const fields = Object.entries(await infoOf(server, "replication"));
  return fields.map(([name, value]) => [name, OWN.test(name) ? shapeOf(value) : value]);
}

function shapeOf(value: string): string {
  return value.replaceAll(/[0-9a-f]{40}/g, "id").replaceAll(/-?\d+/g, "0");
}

test.skipIf(oracle === null)(
  "of a primary alone, and of a replica without its primary",
  async () => {
    if (oracle === null) return;
    await using pedis = await startServer({ directives: ['save ""'] });
    await using redis = await startServer({ program: oracle, directives: ['save ""'] });
    expect(await fieldsOf(pedis)).toEqual(await fieldsOf(redis));
    for (const server of [pedis, redis]) {
      await server.withClient((client) => client.do(`REPLICAOF 127.0.0.1 ${DEAD_PORT}`));
    }
    expect(await fieldsOf(pedis)).toEqual(await fieldsOf(redis));
    const role = ["slave", "127.0.0.1", DEAD_PORT, expect.stringMatching(/^connect(ing)?$/), -1];
    for (const server of [pedis, redis]) {
      expect(await server.withClient((client) => client.value("ROLE"))).toEqual(role);
    }
  },
);

test.skipIf(oracle === null)("of a primary and its replica", async () => {
  if (oracle === null) return;
  const described: Fields[][] = [];
  for (const lineup of [
    { name: "redis", programs: [oracle, oracle] },
    { name: "pedis", programs: [PEDIS, PEDIS] },
  ]) {
    await using line = await Line.start(lineup, ["min-replicas-to-write 1"]);
    const [primary, replica] = line.servers;
    await waitForInfo(primary, "replication", "min_slaves_good_slaves", "1");
    await primary.withClient((client) => client.do("SET k v"));
    await waitForOffsets(line.servers);
    described.push(await Promise.all(line.servers.map(fieldsOf)));
    const asPrimary = await primary.withClient((client) => client.value("ROLE"));
    const places = [["127.0.0.1", String(replica.port), expect.stringMatching(/^\d+$/)]];
    expect(asPrimary).toEqual(["master", expect.any(Number), places] as never);
    const asReplica = await replica.withClient((client) => client.value("ROLE"));
    const port = line.proxies[0].port;
    expect(asReplica).toEqual([
      "slave",
      "127.0.0.1",
      port,
      "connected",
      expect.any(Number),
    ] as never);
  }
  expect(described[1]).toEqual(described[0]);
});

test("what went to replicas and came from primaries is counted", async () => {
  const [lineup] = lineups("pedis pedis");
  await using line = await Line.start(lineup);
  const [primary, replica] = line.servers;
  const before = await Promise.all(line.servers.map((server) => infoOf(server, "stats")));
  const size = 100_000;
  await primary.withClient((client) => client.do("SET", "k", "v".repeat(size)));
  await waitForOffsets(line.servers);
  const [sent, came] = [await infoOf(primary, "stats"), await infoOf(replica, "stats")];
  const grown = (name: string, after: Record<string, string>, at: number): number =>
    Number(after[name]) - Number(before[at][name]);
  expect(grown("total_net_repl_output_bytes", sent, 0)).toBeWithin(size, size + 2000);
  expect(grown("total_net_repl_input_bytes", came, 1)).toBeWithin(size, size + 2000);
  expect(grown("total_net_output_bytes", sent, 0)).toBeGreaterThan(size);
  expect(grown("total_net_input_bytes", came, 1)).toBeGreaterThan(size);
});

test.each(lineups("redis redis", "pedis pedis"))(
  "of a replica that is being sent a snapshot: $name",
  async ({ programs: [program] }) => {
    await using primary = await startServer({
      program,
      directives: ["repl-diskless-sync-delay 100"],
    });
    await using raw = await RawReplica.connect(primary.port);
    raw.send("REPLCONF", "listening-port", "7000");
    expect(await raw.line()).toBe("+OK");
    raw.send("REPLCONF", "ip-address", "replica.example", "capa", "eof");
    expect(await raw.line()).toBe("+OK");
    raw.send("PSYNC", "?", "-1");
    const place = "ip=replica.example,port=7000,state=wait_bgsave,offset=0,lag=0";
    await waitForInfo(primary, "replication", "connected_slaves", "1");
    expect(await infoOf(primary, "replication")).toMatchObject({
      connected_slaves: "1",
      slave0: place,
    });
    const role = await primary.withClient((client) => client.value("ROLE"));
    expect(role).toEqual(["master", expect.any(Number), []] as never);
  },
);
