/**
 * What Sentinel sends to servers and goes by, step by step, on Pedis and on redis-server alike:
 * the transaction that changes a server's role, what the server's configuration file says then, and
 * the offset by which the next primary is chosen.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { findOracle } from "../support/oracle.ts";
import { freePort, PEDIS, type ServerProcess, startServer } from "../support/server.ts";
import { until } from "../support/sentinels.ts";

const LIMIT_MS = 20_000;
/** Loading so many keys takes some seconds, each key as long as said. */
const SLOW_KEYS = 3000;
const LOAD_DELAY_US = 1000;
const oracle = findOracle();
const programs = oracle === null ? [PEDIS] : [PEDIS, oracle];

describe.each(programs.map((program) => ({ name: program.name, program })))(
  "$name under Sentinel",
  ({ program }) => {
    test("a change of role is a transaction that closes other clients", async () => {
      await using server = await startServer({ program, config: ['save ""', "masterauth secret"] });
      const port = await freePort();
      await using idle = await server.connect();
      await using client = await server.connect();
      await using subscriber = await server.connect();
      await client.value("SET k v");
      await subscriber.value("SUBSCRIBE news");
      expect(await changeRole(server, `127.0.0.1 ${port}`, 3)).toEqual(["OK", "OK", 2, 1]);
      await Promise.all([client.closed, subscriber.closed, idle.closed]);
      expect(configLines(server)).toContain(`replicaof 127.0.0.1 ${port}`);
      expect(configLines(server)).toContain("masterauth secret");
      expect(await field(server, "master_port")).toBe(String(port));

      await server.restart();
      expect(await field(server, "role")).toBe("slave");
      expect(await field(server, "master_link_status")).toBe("down");
      expect(await changeRole(server, "NO ONE", 0)).toEqual(["OK", "OK", 0, 0]);
      expect(configLines(server).filter((line) => line.includes("replicaof"))).toEqual([]);
      await server.restart();
      expect(await field(server, "role")).toBe("master");
    });

    test("a replica has no offset while another history replaces its own", async () => {
      // A PING would move the offset that is looked at.
      const config = ["repl-diskless-sync-delay 0", "repl-ping-replica-period 3600"];
      await using first = await startServer({ program, config });
      await using other = await startServer({ program, config });
      await other.withClient((client) =>
        client.pipeline(Array.from({ length: SLOW_KEYS }, (_, i) => `SET key:${i} x`)),
      );
      await using replica = await startServer({
        program,
        config: [
          `replicaof 127.0.0.1 ${first.port}`,
          `key-load-delay ${LOAD_DELAY_US}`,
          "loading-process-events-interval-bytes 1024",
        ],
      });
      await fieldBecomes(replica, "master_link_status", "up");
      await first.withClient((client) => client.value("SET", "k", "x".repeat(1000)));
      const offset = await field(first, "master_repl_offset");
      expect(Number(offset)).toBeGreaterThan(1000);
      await fieldBecomes(replica, "slave_repl_offset", offset);
      await first.kill9();
      await fieldBecomes(replica, "master_link_status", "down");
      expect(await field(replica, "slave_repl_offset")).toBe(offset);

      await replica.withClient((client) => client.value("SLAVEOF", "127.0.0.1", other.port));
      await fieldBecomes(replica, "loading", "1");
      expect(await field(replica, "slave_repl_offset")).toBe("1");
      expect(await field(replica, "slave_read_repl_offset")).toBe("1");
    });
  },
);

/**
 * Sends what Sentinel sends, once there are so many others who are connected, and gives the replies
 * to what is in the transaction.
 */
function changeRole(server: ServerProcess, primary: string, others: number): Promise<unknown> {
  return server.withClient(async (client) => {
    await until(
      async () => (await client.text("INFO")).includes(`connected_clients:${others + 1}\\r`),
      () => "Others are connected",
      LIMIT_MS,
    );
    const replies = await client.pipeline([
      "MULTI",
      `SLAVEOF ${primary}`,
      "CONFIG REWRITE",
      "CLIENT KILL TYPE normal",
      "CLIENT KILL TYPE pubsub",
      "EXEC",
    ]);
    return replies.at(-1)?.value;
  });
}

function configLines(server: ServerProcess): string[] {
  return readFileSync(join(server.dir, "server.conf"), "utf8").replaceAll('"', "").split("\n");
}

async function field(server: ServerProcess, name: string): Promise<string> {
  const info = await server.withClient((client) => client.value("INFO"));
  const lines = typeof info === "string" ? info.split("\r\n") : [];
  return lines.find((line) => line.startsWith(`${name}:`))?.slice(name.length + 1) ?? "";
}

async function fieldBecomes(server: ServerProcess, name: string, value: string): Promise<void> {
  let found = "";
  await until(
    async () => (found = await field(server, name)) === value,
    () => `${name} is ${found}\n${server.log}`,
    LIMIT_MS,
  );
}
