/** maxmemory-clients: what clients hold, and who is closed for it. */
import { expect, test } from "bun:test";
import type { RespClient } from "../support/resp-client.ts";
import { type ServerProcess, startServer } from "../support/server.ts";
import { clientInfo, clientList, infoFields, until } from "./_texts.ts";

const KB = 1024;
const MB = 1024 * KB;

/** A client with this name that has sent the beginning of a request of so many bytes. */
async function holding(server: ServerProcess, name: string, bytes: number): Promise<RespClient> {
  const client = await server.connect();
  await client.value(`CLIENT SETNAME ${name}`);
  client.send(`*2\r\n$${bytes}\r\n${"x".repeat(bytes)}`);
  return client;
}

async function names(control: RespClient): Promise<string[]> {
  return (await clientList(control)).map(({ name }) => name).toSorted();
}

test("the largest clients are closed, the others stay", async () => {
  await using server = await startServer();
  await using control = await server.connect();
  await control.value("CLIENT SETNAME control");
  await using _small = await holding(server, "small", 100 * KB);
  await using large = await holding(server, "large", 600 * KB);
  await using middle = await holding(server, "middle", 300 * KB);
  await until(async () => {
    const list = await clientList(control);
    const arrived = (of: string): number => Number(list.find(({ name }) => name === of)?.qbuf);
    return (
      arrived("small") >= 100 * KB && arrived("middle") >= 300 * KB && arrived("large") >= 600 * KB
    );
  });
  const held = (await clientList(control)).find(({ name }) => name === "large");
  expect(held?.qbuf).toBe(String(600 * KB));
  expect(Number(held?.["tot-mem"])).toBeGreaterThan(600 * KB);
  await control.value("CONFIG SET maxmemory-clients 500k");
  await large.closed;
  expect(await names(control)).toEqual(["control", "middle", "small"]);
  expect((await infoFields(control, "stats")).evicted_clients).toBe("1");
  await server.waitForLog(/\* Evicting client: id=\d+ .* name=large /);
  await control.value("CONFIG SET maxmemory-clients 1");
  // No limit is below 128 KB.
  await middle.closed;
  expect(await names(control)).toEqual(["control", "small"]);
  await control.value("CONFIG RESETSTAT");
  expect((await infoFields(control, "stats")).evicted_clients).toBe("0");
});

test("a request larger than the limit is not served, even if it arrives all at once", async () => {
  await using server = await startServer();
  await using control = await server.connect();
  await using client = await server.connect();
  // The kernel opens its window as a connection uses it.
  for (let i = 0; i < 4; i++) await client.value("SET", "k", "x".repeat(8 * MB));
  await control.value("CONFIG SET maxmemory-clients 1mb");
  await control.value("DEL k");
  process.kill(server.pid, "SIGSTOP");
  client.do("SET", "k", "x".repeat(MB)).catch(() => {});
  await Bun.sleep(50);
  process.kill(server.pid, "SIGCONT");
  await client.closed;
  expect(await control.value("EXISTS k")).toBe(0);
});

test("what is queued, watched and not read counts", async () => {
  await using server = await startServer({ directives: ["maxmemory-clients 300k"] });
  await using control = await server.connect();
  await control.value("CLIENT NO-EVICT ON");
  await control.value("SET", "k", "x".repeat(100 * KB));
  await using queuing = await server.connect();
  await queuing.value("MULTI");
  for (let i = 0; i < 4; i++) queuing.do("SET", "k", "x".repeat(100 * KB)).catch(() => {});
  await queuing.closed;
  await using watching = await server.connect();
  const keys = Array.from({ length: 1000 }, (_, i) => `k${i}`);
  for (let i = 0; i < 20; i++) {
    watching.do("WATCH", ...keys.map((key) => `${key}:${i}`)).catch(() => {});
  }
  await watching.closed;
  expect((await infoFields(control, "stats")).evicted_clients).toBe("2");
  await using exempt = await server.connect();
  await exempt.value("CLIENT NO-EVICT ON");
  await exempt.value("MULTI");
  for (let i = 0; i < 4; i++) await exempt.value("SET", "k", "x".repeat(100 * KB));
  expect(await exempt.value("EXEC")).toEqual(["OK", "OK", "OK", "OK"]);
});

test("what CLIENT LIST and INFO say of a transaction", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  await client.value("WATCH a b");
  await using other = await server.connect();
  const counts = async (): Promise<string[]> => {
    const fields = await infoFields(other, "clients");
    return [fields.watching_clients, fields.total_watched_keys];
  };
  expect(await counts()).toEqual(["1", "2"]);
  await client.value("MULTI");
  await client.value("SET a 12345");
  await client.value("GET a");
  const show = async (): Promise<unknown[]> => {
    const line = (await clientList(other)).find(({ multi }) => multi !== "-1");
    return [line?.flags, line?.multi, line?.["multi-mem"]];
  };
  expect(await show()).toEqual(["x", "2", String("SETa12345GETa".length)]);
  await other.value("SET b 1");
  expect(await show()).toEqual(["xd", "2", String("SETa12345GETa".length)]);
  await client.value("EXEC");
  expect(await counts()).toEqual(["0", "0"]);
  expect((await clientInfo(client)).flags).toBe("N");
});

test("a client's input and output stay in INFO for some seconds", async () => {
  await using server = await startServer();
  await using control = await server.connect();
  {
    await using _large = await holding(server, "large", 300 * KB);
    const peak = async (): Promise<number> =>
      Number((await infoFields(control, "clients")).client_recent_max_input_buffer);
    await until(async () => (await peak()) >= 300 * KB);
  }
  const fields = await infoFields(control, "clients");
  expect(Number(fields.client_recent_max_input_buffer)).toBeGreaterThanOrEqual(300 * KB);
});
