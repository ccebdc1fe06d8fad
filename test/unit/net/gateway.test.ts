/** Who may connect, how much a client may ask before it is trusted, and who is idle. */
import { describe, expect, test } from "bun:test";
import { applySettings } from "../../../src/engine/settings.ts";
import { MAX_CLIENTS, PROTECTED_MODE } from "../../../src/protocol/errors.ts";
import { Fixture } from "./_setup.ts";

test("maxclients", async () => {
  const fixture = new Fixture({ maxclients: "2" });
  const [first] = [fixture.connect(), fixture.connect()];
  const refused = fixture.connect();
  expect([refused.sent, refused.isClosed]).toEqual([`-${MAX_CLIENTS}\r\n`, true]);
  expect(fixture.engine.stats.connectionsRejected).toBe(1);
  first.close();
  const next = fixture.connect();
  next.receive("PING\r\n");
  await fixture.settle();
  expect(next.sent).toBe("+PONG\r\n");
});

describe("protected-mode", () => {
  test.each([
    ["192.0.2.7", "tcp", true],
    ["2001:db8::7", "tcp", true],
    ["::ffff:192.0.2.7", "tls", true],
    ["127.0.0.1", "tcp", false],
    ["::ffff:127.0.0.1", "tcp", false],
    ["::1", "tls", false],
    ["", "unix", false],
  ] as const)("a client from %j by %s", async (address, kind, isRefused) => {
    const fixture = new Fixture();
    const socket = fixture.connect(address, kind);
    socket.receive("PING\r\n");
    await fixture.settle();
    expect(socket.sent).toBe(isRefused ? `-${PROTECTED_MODE}\r\n` : "+PONG\r\n");
    expect(socket.isClosed).toBe(isRefused);
  });

  test("is no matter where there is a password, or where it is off", async () => {
    const safe = new Fixture({ requirepass: "secret" }).connect("192.0.2.7");
    safe.receive("PING\r\n");
    const open = new Fixture({ "protected-mode": "no" }).connect("192.0.2.7");
    open.receive("PING\r\n");
    await new Fixture().settle();
    expect(safe.sent).toBe("-NOAUTH Authentication required.\r\n");
    expect(open.sent).toBe("+PONG\r\n");
  });
});

test("addresses are shown as Redis shows them", () => {
  const fixture = new Fixture({ "protected-mode": "no" });
  const shown = ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7"].map(
    (address) => fixture.connect(address).data?.peerAddress,
  );
  expect(shown).toEqual(["192.0.2.7:40000", "192.0.2.7:40000", "[2001:db8::7]:40000"]);
});

describe("a client that must authenticate", () => {
  test("may send small requests, until it has", async () => {
    const fixture = new Fixture({ requirepass: "secret" });
    const many = `*11\r\n$3\r\nDEL\r\n${"$1\r\nk\r\n".repeat(10)}`;
    const long = `*2\r\n$4\r\nECHO\r\n$16385\r\n${"x".repeat(16_385)}\r\n`;
    for (const [request, problem] of [
      [many, "unauthenticated multibulk length"],
      [long, "unauthenticated bulk length"],
    ]) {
      const stranger = fixture.connect();
      stranger.receive(request);
      await fixture.settle();
      expect(stranger.sent).toBe(`-ERR Protocol error: ${problem}\r\n`);
      expect(stranger.isShutDown).toBe(true);
      const known = fixture.connect();
      known.receive(`AUTH secret\r\n${request}PING\r\n`);
      await fixture.settle();
      expect(known.sent).toStartWith("+OK\r\n");
      expect(known.sent).toEndWith("+PONG\r\n");
    }
  });
});

test("client-query-buffer-limit", () => {
  const fixture = new Fixture({ "client-query-buffer-limit": "1048576" });
  const socket = fixture.connect();
  socket.receive(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2000000\r\n`);
  for (let i = 0; i < 10; i++) socket.receive("x".repeat(100_000));
  expect(socket.isClosed).toBe(false);
  socket.receive("x".repeat(100_000));
  expect(socket.isClosed).toBe(true);
  expect(fixture.engine.stats.queryBufferLimitDisconnections).toBe(1);
  expect(fixture.logged.join("")).toMatch(
    /Closing client that reached max query buffer length: id=1 addr=127\.0\.0\.1:40000 .*qbuf=/,
  );
});

test("client-output-buffer-limit is each class's own", async () => {
  const fixture = new Fixture({
    "client-output-buffer-limit": "pubsub 20000 0 0 normal 50000 0 0",
  });
  const [subscriber, reader, publisher] = Array.from({ length: 3 }, () => fixture.connect());
  subscriber.receive("SUBSCRIBE news\r\n");
  publisher.receive(`SET k ${"v".repeat(30_000)}\r\n`);
  await fixture.settle();
  for (const socket of [subscriber, reader]) socket.roomBytes = 0;
  reader.receive("GET k\r\n");
  publisher.receive(`PUBLISH news ${"m".repeat(15_000)}\r\n`);
  await fixture.settle();
  expect([subscriber, reader].map((socket) => socket.isClosed)).toEqual([false, false]);
  publisher.receive(`PUBLISH news ${"m".repeat(15_000)}\r\n`);
  await fixture.settle();
  expect([subscriber, reader].map((socket) => socket.isClosed)).toEqual([true, false]);
  reader.receive("GET k\r\n");
  await fixture.settle();
  expect(reader.isClosed).toBe(true);
  expect(publisher.take()).toBe("+OK\r\n:1\r\n:1\r\n");
  expect(fixture.engine.stats.outputBufferLimitDisconnections).toBe(2);
});

test("a reply that no client may leave unread is not written to its end", async () => {
  const fixture = new Fixture({
    "client-output-buffer-limit": "normal 200000 0 0 pubsub 200000 0 0",
  });
  applySettings(fixture.engine);
  const socket = fixture.connect();
  socket.receive("HSET h field value\r\nPING\r\nHRANDFIELD h -2000000000\r\nSET k v\r\n");
  await fixture.settle();
  expect(socket.isClosed).toBe(true);
  expect(fixture.engine.reply.bytes.length).toBeLessThan(1_000_000);
  expect(fixture.engine.stats.outputBufferLimitDisconnections).toBe(1);
  expect(fixture.logged.join("")).toMatch(/Client id=1 .* for overcoming of output buffer limits/);
  expect(fixture.engine.keyspace.keyCount).toBe(1);
});

test("proto-max-bulk-len follows the configuration", async () => {
  const fixture = new Fixture({ "proto-max-bulk-len": "1048576" });
  const socket = fixture.connect();
  socket.receive("*2\r\n$4\r\nECHO\r\n$1048577\r\n");
  await fixture.settle();
  expect(socket.sent).toBe("-ERR Protocol error: invalid bulk length\r\n");
});

describe("timeout", () => {
  test("closes whoever neither sends nor takes anything", async () => {
    const fixture = new Fixture({ timeout: "10" });
    const check = (): void => fixture.gateway.checkClients(fixture.gateway.beginCallback());
    const [idle, asking, reading, monitor] = Array.from({ length: 4 }, () => fixture.connect());
    monitor.receive("MONITOR\r\n");
    reading.roomBytes = 0;
    reading.receive("PING\r\n".repeat(10));
    await fixture.settle();
    fixture.clock.advance(8000);
    asking.receive("PING\r\n");
    reading.drain(10);
    fixture.clock.advance(2001);
    check();
    const closed = [idle, asking, reading, monitor].map((socket) => socket.isClosed);
    expect(closed).toEqual([true, false, false, false]);
    expect(fixture.engine.clients.count).toBe(3);
  });
});
