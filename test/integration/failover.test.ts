/**
 * FAILOVER between real servers, of both programs: places change, nothing that was acknowledged is
 * lost, and nobody needs a full synchronisation. It also ends where the target can't or won't.
 */
import { expect, test } from "bun:test";
import {
  follow,
  infoOf,
  Line,
  lineups,
  syncsOf,
  waitForInfo,
  waitForLink,
  waitForOffsets,
  waitUntil,
} from "../support/replication.ts";
import { ReplyError, type ReplyValue } from "../support/resp-client.ts";
import type { ServerProcess } from "../support/server.ts";

const DIRECTIVES = ["repl-ping-replica-period 3600"];
const LINEUPS = lineups("redis redis", "pedis pedis", "pedis redis", "redis pedis");

const ask = (server: ServerProcess, line: string): Promise<ReplyValue> =>
  server.withClient((client) => client.value(line));

async function roleOf(server: ServerProcess): Promise<string> {
  return (await infoOf(server, "replication"))["role"];
}

const stateIs = (server: ServerProcess, state: string): Promise<void> =>
  waitForInfo(server, "replication", "master_failover_state", state);

/** Counts up on the primary until it is none any more; the last number that was acknowledged. */
async function countUp(server: ServerProcess): Promise<number> {
  await using client = await server.connect();
  let last = 0;
  for (;;) {
    const reply = await client.value("INCR n");
    if (reply instanceof ReplyError) {
      expect(reply.message).toStartWith("READONLY");
      return last;
    }
    last = Number(reply);
  }
}

/** Waits for so many: a replica that was cut off may not have noticed yet. */
const partialSyncs = (server: ServerProcess, count: number): Promise<void> =>
  waitForInfo(server, "stats", "sync_partial_ok", String(count));

async function expectSwapped([old, next]: readonly ServerProcess[]): Promise<void> {
  await waitForLink(old);
  expect(await Promise.all([old, next].map(roleOf))).toEqual(["slave", "master"]);
  await waitForOffsets([next, old]);
  expect(await ask(old, "DEBUG DIGEST")).toEqual(await ask(next, "DEBUG DIGEST"));
}

test.each(LINEUPS)("A failover under writes loses none of them: $name", async (lineup) => {
  await using line = await Line.start(lineup, DIRECTIVES);
  const [primary, replica] = line.servers;
  const counting = countUp(primary);
  await waitUntil(
    async () => Number(await ask(primary, "GET n")) > 0,
    () => "Nothing is counted",
  );
  expect(await ask(primary, `FAILOVER TO 127.0.0.1 ${replica.port}`)).toBe("OK");
  await stateIs(primary, "no-failover");
  const last = await counting;
  expect(last).toBeGreaterThan(0);
  await expectSwapped(line.servers);
  expect(Number(await ask(replica, "GET n"))).toBe(last);
  expect(await syncsOf(replica)).toEqual({ full: 0, partial: 1 });

  // And back, to whoever is there.
  await ask(replica, "SET k v");
  expect(await ask(replica, "FAILOVER")).toBe("OK");
  await stateIs(replica, "no-failover");
  await expectSwapped([replica, primary]);
  expect(await ask(primary, "SET k w")).toBe("OK");
});

test.each(LINEUPS)("A forced failover asks a target that is late: $name", async (lineup) => {
  await using line = await Line.start(lineup, DIRECTIVES);
  const [primary, replica] = line.servers;
  await ask(primary, "SET k v");
  await waitForOffsets(line.servers);
  process.kill(replica.pid, "SIGSTOP");
  await ask(primary, "SET k w");
  await ask(primary, `FAILOVER TO 127.0.0.1 ${replica.port} TIMEOUT 100 FORCE`);
  await stateIs(primary, "failover-in-progress");
  expect(await roleOf(primary)).toBe("slave");
  process.kill(replica.pid, "SIGCONT");
  await stateIs(primary, "no-failover");
  await expectSwapped(line.servers);
  await primary.waitForLog(/time out exceeded, failing over\./);
});

test.each(LINEUPS)("A failover that ends without one: $name", async (lineup) => {
  await using line = await Line.start(lineup, DIRECTIVES);
  const [primary, replica] = line.servers;
  await ask(primary, "SET k v");
  await waitForOffsets(line.servers);

  process.kill(replica.pid, "SIGSTOP");
  await ask(primary, "SET k w");
  // Asked in the same turn: it does not stay in that state.
  const [begun, info] = await primary.withClient((client) =>
    client.pipeline(["FAILOVER TIMEOUT 200", "INFO replication"]),
  );
  expect(begun.value).toBe("OK");
  expect(info.value).toContain("master_failover_state:waiting-for-sync\r\n");
  await stateIs(primary, "no-failover");
  await primary.waitForLog(/Replica never caught up before timeout/);

  await ask(primary, "FAILOVER");
  const late = ask(primary, "SET k x");
  expect(await ask(primary, "REPLICAOF NO ONE")).toEqual(
    new ReplyError("ERR REPLICAOF not allowed while failing over."),
  );
  expect(await ask(primary, "SYNC")).toEqual(
    new ReplyError("NOMASTERLINK Can't SYNC while failing over"),
  );
  expect(await ask(primary, "FAILOVER ABORT")).toBe("OK");
  expect(await late).toBe("OK");
  process.kill(replica.pid, "SIGCONT");
  await waitForOffsets(line.servers);

  await ask(replica, "ACL SETUSER default -psync");
  await ask(primary, "FAILOVER");
  await stateIs(primary, "no-failover");
  await primary.waitForLog(/Failover target rejected psync request/);
  expect(await roleOf(primary)).toBe("master");
  expect(await ask(primary, "SET k y")).toBe("OK");
  await waitForLink(replica);
  await waitForOffsets(line.servers);
  expect(await ask(replica, "GET k")).toBe("y");
});

test.each(lineups("redis redis redis", "pedis pedis pedis", "pedis redis pedis"))(
  "The other replicas go on from where they are: $name",
  async (lineup) => {
    await using line = await Line.start(lineup, DIRECTIVES);
    const [first, second, third] = line.servers;
    await follow(third, line.proxies[0].port);
    await ask(first, "SET k v");
    await waitForOffsets(line.servers);

    await ask(second, "ACL SETUSER default -psync");
    const before = await syncsOf(first);
    await ask(first, `FAILOVER TO 127.0.0.1 ${second.port}`);
    await stateIs(first, "no-failover");
    await first.waitForLog(/Failover target rejected psync request/);
    await partialSyncs(first, before.partial + 2);
    await Promise.all([second, third].map(waitForLink));
    expect(await syncsOf(first)).toEqual({ full: before.full, partial: before.partial + 2 });

    await ask(second, "ACL SETUSER default +psync");
    const unknown = await syncsOf(second);
    await ask(first, `FAILOVER TO 127.0.0.1 ${second.port}`);
    await stateIs(first, "no-failover");
    await follow(third, line.proxies[1].port);
    await waitForLink(first);
    expect(await ask(second, "SET k w")).toBe("OK");
    await waitForOffsets([second, first, third]);
    expect(await syncsOf(second)).toEqual({ full: unknown.full, partial: unknown.partial + 2 });
    expect(await Promise.all([first, third].map((server) => ask(server, "GET k")))).toEqual([
      "w",
      "w",
    ]);
  },
);
