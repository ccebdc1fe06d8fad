/** Blocked clients over real sockets and with real time, in a server that has commands to block. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { SystemClock } from "../../src/base/clock.ts";
import { systemDisk } from "../../src/base/disk.ts";
import { Log } from "../../src/base/log.ts";
import { Random } from "../../src/base/random.ts";
import { allCommands } from "../../src/commands/registry.ts";
import { CommandTable } from "../../src/engine/command-table.ts";
import { Config } from "../../src/engine/config/config.ts";
import { systemHost } from "../../src/engine/config/host.ts";
import { Server } from "../../src/server.ts";
import { blockingCommands } from "../support/blocking-commands.ts";
import { RespClient } from "../support/resp-client.ts";
import { freePort } from "../support/server.ts";

let port: number;
let server: Server;

beforeAll(async () => {
  port = await freePort();
  const clock = new SystemClock();
  const log = new Log(
    () => {},
    () => clock.nowMs,
    1,
  );
  const config = new Config(systemHost(systemDisk), log);
  config.assign("port", [String(port)]);
  config.assign("save", [""]);
  const table = new CommandTable([...allCommands(), ...blockingCommands()]);
  server = new Server({ config, table, clock, random: new Random(), disk: systemDisk, log });
  expect(server.listen()).toBe(null);
  expect(await server.start()).toBe(true);
});

afterAll(() => server.receiveSignal("SIGTERM"));

async function untilBlocked(count: number): Promise<void> {
  while (server.engine.blocking.count !== count) await Bun.sleep(1);
}

test("a time-out is never early, and does not wait for the cron", async () => {
  await using client = await RespClient.connect({ port });
  // The cron runs once a second, at any moment.
  await client.value("CONFIG SET hz 1");
  const late: number[] = [];
  for (const ms of [1, 30, 130, 55, 10, 20, 15, 5]) {
    const startedMs = performance.now();
    expect(await client.value(`TAKE k ${ms / 1000}`)).toBe(null);
    late.push(performance.now() - startedMs - ms);
  }
  await client.value("CONFIG SET hz 10");
  expect(Math.min(...late)).toBeGreaterThan(-0.1);
  expect(late.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(3500);
});

test("many clients of one key are served in the order in which they blocked", async () => {
  await using writer = await RespClient.connect({ port });
  const clients: RespClient[] = [];
  for (let i = 0; i < 100; i++) {
    const client = await RespClient.connect({ port });
    clients.push(client);
    client.begin("TAKE queue 0");
    client.begin(`ECHO ${i}`);
    await untilBlocked(i + 1);
  }
  for (let i = 0; i < 100; i++) {
    expect(await writer.value(`SET queue ${i}`)).toBe("OK");
    expect((await clients[i].next()).value).toEqual(["queue", String(i)]);
    expect((await clients[i].next()).value).toBe(String(i));
  }
  expect(server.engine.blocking.count).toBe(0);
  for (const client of clients) await client.close();
});

test("clients that go away, by halves or all at once, leave the value to others", async () => {
  await using writer = await RespClient.connect({ port });
  const half = await RespClient.connect({ port });
  const gone = await RespClient.connect({ port });
  const stays = await RespClient.connect({ port });
  for (const [i, client] of [half, gone, stays].entries()) {
    client.begin("TAKE k 0");
    await untilBlocked(i + 1);
  }
  half.halfClose();
  await half.closed;
  await gone.close();
  await untilBlocked(1);
  await writer.do("SET k v");
  expect((await stays.next()).value).toEqual(["k", "v"]);
  await stays.close();
});
