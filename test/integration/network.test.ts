/** Connections as peers make them: many ways in, half closed, slow, large, too many. */
import { statSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, test } from "bun:test";
import { freePort, startServer } from "../support/server.ts";
import { RespClient } from "../support/resp-client.ts";

/** Sends bytes, ends the sending side if told, and gives all that comes until the peer closes. */
function exchange(port: number, bytes: string | Buffer, ends: boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => {
      if (ends) socket.end(bytes);
      else socket.write(bytes);
    });
    socket.on("data", (chunk: Buffer) => parts.push(chunk));
    socket.on("end", () => {
      socket.end();
      resolve(Buffer.concat(parts));
    });
    socket.on("error", reject);
  });
}

test("a unix socket, IPv6 and several addresses", async () => {
  await using server = await startServer({
    directives: ["unixsocket server.sock", "unixsocketperm 700", "bind 127.0.0.1 127.0.0.2 ::1"],
  });
  const path = join(server.dir, "server.sock");
  expect(statSync(path).mode & 0o777).toBe(0o700);
  await using local = await RespClient.connect({ path });
  expect(await local.value("SET", "k", "v")).toBe("OK");
  expect(await local.text("CLIENT INFO")).toContain("flags=U");
  for (const host of ["127.0.0.2", "::1"]) {
    const reply = await new Promise<string>((resolve, reject) => {
      const socket = connect(server.port, host, () => socket.end("GET k\r\n"));
      socket.on("data", (chunk) => resolve(chunk.toString()));
      socket.on("error", reject);
    });
    expect(reply).toBe("$1\r\nv\r\n");
  }
});

test("a peer that closes its side still gets all its replies", async () => {
  await using server = await startServer();
  const count = 50_000;
  const replies = await exchange(server.port, "PING\r\n".repeat(count), true);
  expect(replies.length).toBe("+PONG\r\n".length * count);
});

test("QUIT and a protocol error close once the replies have gone out", async () => {
  await using server = await startServer();
  const quit = await exchange(server.port, "SET k v\r\nGET k\r\nQUIT\r\nGET k\r\n", false);
  expect(quit.toString()).toBe("+OK\r\n$1\r\nv\r\n+OK\r\n");
  const broken = await exchange(server.port, "PING\r\n*1\r\n!bad\r\nPING\r\n", false);
  expect(broken.toString()).toBe("+PONG\r\n-ERR Protocol error: expected '$', got '!'\r\n");
});

test("an argument of 64 MB arrives in pieces and comes back whole", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  const size = 64 * 1024 * 1024;
  const value = Buffer.alloc(size, "abcdefghij");
  client.send(Buffer.from(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${size}\r\n`));
  for (let at = 0; at < size; at += 1_000_003) client.send(value.subarray(at, at + 1_000_003));
  client.send(Buffer.from("\r\n"));
  expect(await client.next()).toBeDefined();
  expect(await client.value("STRLEN", "k")).toBe(size);
  expect(await client.value("GETRANGE", "k", String(size - 10), "-1")).toBe(
    value.subarray(size - 10).toString(),
  );
  const replies = await exchange(server.port, "GET k\r\n", true);
  expect(replies.subarray(replies.indexOf(10) + 1, -2).equals(value)).toBe(true);
}, 60_000);

test("a slow reader waits in its own queue while others are served", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  await client.value("SETRANGE", "big", String(10_000_000), "x");
  const slow = connect(server.port, "127.0.0.1");
  slow.pause();
  slow.write("GET big\r\n".repeat(10));
  while (!/omem=[1-9]\d{6,}/.test(await client.text("CLIENT LIST"))) await Bun.sleep(10);
  for (let i = 0; i < 200; i++) expect(await client.value("PING")).toBe("PONG");
  expect(await client.text("CLIENT LIST")).toMatch(/omem=[1-9]\d{6,}/);
  let received = 0;
  const done = new Promise<void>((resolve) => {
    slow.on("data", (chunk) => {
      received += chunk.length;
      if (received === 10 * (10_000_001 + 13)) resolve();
    });
  });
  slow.resume();
  await done;
  slow.destroy();
}, 60_000);

test("limits close those who exceed them, and only those", async () => {
  await using server = await startServer({
    directives: ["client-output-buffer-limit normal 5mb 0 0", "client-query-buffer-limit 1mb"],
  });
  await using client = await server.connect();
  await client.value("SETRANGE", "big", String(4_000_000), "x");
  const greedy = connect(server.port, "127.0.0.1");
  greedy.on("error", () => {});
  greedy.pause();
  const gone = new Promise<void>((resolve) => greedy.on("close", () => resolve()));
  greedy.write("GET big\r\n".repeat(20));
  const flood = connect(server.port, "127.0.0.1");
  flood.on("error", () => {});
  const flooded = new Promise<void>((resolve) => flood.on("close", () => resolve()));
  flood.write(`*2\r\n$4\r\nECHO\r\n$3000000\r\n${"x".repeat(2_000_000)}`);
  await server.waitForLog(/overcoming of output buffer limits/);
  greedy.resume();
  await Promise.all([gone, flooded]);
  expect(await client.value("PING")).toBe("PONG");
  await server.waitForLog(/reached max query buffer length/);
}, 60_000);

test("maxclients, timeout and proto-max-bulk-len", async () => {
  await using server = await startServer({ directives: ["proto-max-bulk-len 1mb"] });
  await using first = await server.connect();
  await using second = await server.connect();
  await using third = await server.connect();
  for (const client of [first, second, third]) expect(await client.value("PING")).toBe("PONG");
  expect(await first.value("CONFIG", "SET", "maxclients", "3")).toBe("OK");
  const refused = await exchange(server.port, "", false);
  expect(refused.toString()).toBe("-ERR max number of clients reached\r\n");
  const long = await third.text("SETRANGE k 1048576 x");
  expect(long).toContain("string exceeds maximum allowed size");
  expect(await first.value("CONFIG", "SET", "timeout", "1")).toBe("OK");
  await second.closed;
  await third.closed;
}, 60_000);

test("paused commands run in order once the pause ends", async () => {
  await using server = await startServer();
  await using admin = await server.connect();
  await using writer = await server.connect();
  expect(await admin.value("CLIENT", "PAUSE", "60000", "WRITE")).toBe("OK");
  writer.send(Buffer.from("SET k 1\r\nAPPEND k 2\r\nGET k\r\n"));
  await Bun.sleep(100);
  expect(await admin.value("GET", "k")).toBeNull();
  expect(await admin.value("CLIENT", "UNPAUSE")).toBe("OK");
  expect([await writer.next(), await writer.next(), await writer.next()].length).toBe(3);
  expect(await writer.value("GET", "k")).toBe("12");
});

test("CONFIG SET port moves the listener, or leaves it where it was", async () => {
  await using server = await startServer();
  await using client = await server.connect();
  const free = await freePort();
  await using other = await startServer();
  const failed = await client.text(`CONFIG SET port ${other.port}`);
  expect(failed).toContain("Unable to listen on this port");
  expect((await exchange(server.port, "PING\r\n", true)).toString()).toBe("+PONG\r\n");
  expect(await client.value("CONFIG", "SET", "port", String(free))).toBe("OK");
  expect((await exchange(free, "PING\r\n", true)).toString()).toBe("+PONG\r\n");
});

test("peers that are gone before they are accepted do no harm", async () => {
  await using server = await startServer();
  process.kill(server.pid, "SIGSTOP");
  for (let i = 0; i < 10; i++) {
    const socket = connect(server.port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.resetAndDestroy();
  }
  process.kill(server.pid, "SIGCONT");
  await using client = await server.connect();
  while (!(await client.text("INFO clients")).includes("connected_clients:1\\r")) {
    await Bun.sleep(5);
  }
});
