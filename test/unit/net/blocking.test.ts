/** Connections whose requests wait for keys: what is behind them, before them, and their end. */
import { describe, expect, test } from "bun:test";
import { type FakeSocket, Fixture } from "./_setup.ts";

const PONG = "+PONG\r\n";
const OK = "+OK\r\n";
const NULL_ARRAY = "*-1\r\n";
const TAKEN = "*2\r\n$1\r\nk\r\n$1\r\nv\r\n";

function setUp(directives: ConstructorParameters<typeof Fixture>[0] = {}): {
  fixture: Fixture;
  one: FakeSocket;
  writer: FakeSocket;
} {
  const fixture = new Fixture(directives);
  return { fixture, one: fixture.connect(), writer: fixture.connect() };
}

function isBlocked(socket: FakeSocket): boolean {
  return (socket.data?.session.blocked ?? null) !== null;
}

describe("requests behind a blocked one", () => {
  test("wait, and are answered behind it", async () => {
    const { fixture, one, writer } = setUp();
    one.receive("ECHO 1\r\nTAKE k 0\r\nECHO 2\r\nECHO");
    one.receive(" 3\r\n");
    await fixture.settle();
    expect(one.take()).toBe("$1\r\n1\r\n");
    expect(one.data?.queryBytes).toBe(16);
    writer.receive("SET k v\r\n");
    await fixture.settle();
    expect(one.take()).toBe(`${TAKEN}$1\r\n2\r\n$1\r\n3\r\n`);
    expect(writer.take()).toBe(OK);
    expect(one.data?.queryBytes).toBe(0);
    one.receive("PING\r\n");
    await fixture.settle();
    expect(one.take()).toBe(PONG);
  });

  test("do not run before the command that serves it is over", async () => {
    const { fixture, one, writer } = setUp();
    one.receive("TAKE k 0\r\nGET other\r\n");
    writer.receive("SET k v\r\nSET other x\r\n");
    await fixture.settle();
    expect(one.take()).toBe(`${TAKEN}$1\r\nx\r\n`);
  });

  test("may block again, at every cut of the pieces", async () => {
    const sent = "TAKE k 0\r\nECHO 1\r\n*3\r\n$4\r\nTAKE\r\n$1\r\nk\r\n$1\r\n0\r\nECHO 2\r\n";
    for (let cut = 0; cut <= sent.length; cut++) {
      const { fixture, one, writer } = setUp();
      one.receive(sent.slice(0, cut));
      one.receive(sent.slice(cut));
      await fixture.settle();
      writer.receive("SET k v\r\n");
      await fixture.settle();
      expect(one.take()).toBe(`${TAKEN}$1\r\n1\r\n`);
      expect(isBlocked(one)).toBe(true);
      writer.receive("SET k v\r\n");
      await fixture.settle();
      expect(one.take()).toBe(`${TAKEN}$1\r\n2\r\n`);
    }
  });

  test("and those of a command that was served at once do not wait", async () => {
    const { fixture, one, writer } = setUp();
    writer.receive("SET k v\r\n");
    one.receive("TAKE k 0\r\nPING\r\n");
    await fixture.settle();
    expect(one.take()).toBe(TAKEN + PONG);
  });

  test("are held to the limit of input", async () => {
    const { fixture, one } = setUp({ "client-query-buffer-limit": "1048576" });
    one.receive("TAKE k 0\r\n");
    one.receive("x".repeat(1_000_000));
    expect(one.isClosed).toBe(false);
    one.receive("x".repeat(100_000));
    expect([one.isClosed, fixture.engine.blocking.count]).toEqual([true, 0]);
  });

  test("wait for a pause that began meanwhile", async () => {
    const { fixture, one, writer } = setUp();
    one.receive("TAKE k 0.1\r\nSET a 1\r\n");
    writer.receive("CLIENT PAUSE 1000 WRITE\r\n");
    fixture.clock.advance(101);
    fixture.engine.blocking.expire();
    await fixture.settle();
    expect(one.take()).toBe(NULL_ARRAY);
    writer.receive("CLIENT UNPAUSE\r\n");
    await fixture.settle();
    expect(one.take()).toBe(OK);
  });
});

test("replies of the same turn that were there first go out first", async () => {
  const { fixture, one, writer } = setUp();
  one.receive("PING\r\nTAKE k 0\r\n");
  writer.receive("SET k v\r\n");
  one.receive("PING\r\n");
  await fixture.settle();
  expect(one.take()).toBe(PONG + TAKEN + PONG);
});

test("a request that fills the whole of a large piece", async () => {
  const { fixture, one, writer } = setUp();
  const key = "k".repeat(100_000);
  const request = `*3\r\n$4\r\nTAKE\r\n$100000\r\n${key}\r\n$1\r\n0\r\n`;
  for (let at = 0; at < request.length; at += 40_000) one.receive(request.slice(at, at + 40_000));
  expect(isBlocked(one)).toBe(true);
  expect(one.data?.totalMemoryBytes).toBeGreaterThan(100_000);
  writer.receive(`*3\r\n$3\r\nSET\r\n$100000\r\n${key}\r\n$1\r\nv\r\n`);
  await fixture.settle();
  expect(one.take()).toBe(`*2\r\n$100000\r\n${key}\r\n$1\r\nv\r\n`);
  expect(one.data?.totalMemoryBytes).toBeLessThan(2000);
});

describe("a peer that goes away", () => {
  test("frees what it waited for", async () => {
    const { fixture, one, writer } = setUp();
    one.receive("TAKE k 0\r\n");
    one.close();
    expect(fixture.engine.blocking.count).toBe(0);
    writer.receive("SET k v\r\nGET k\r\n");
    await fixture.settle();
    expect(writer.take()).toBe(`${OK}$1\r\nv\r\n`);
  });

  test("that says it sends no more is not served any more, but gets what was due", async () => {
    const { fixture, one, writer } = setUp();
    one.receive("PING\r\nTAKE k 0\r\nSET other x\r\n");
    one.data?.endInput();
    expect(isBlocked(one)).toBe(false);
    await fixture.settle();
    expect([one.sent, one.isClosed]).toEqual([PONG, true]);
    writer.receive("SET k v\r\nGET k\r\nGET other\r\n");
    await fixture.settle();
    expect(writer.take()).toBe(`${OK}$1\r\nv\r\n$-1\r\n`);
  });

  test("after it was served still gets the replies to what was behind", async () => {
    const { fixture, one, writer } = setUp();
    one.receive("TAKE k 0\r\nPING\r\n");
    writer.receive("SET k v\r\n");
    one.data?.endInput();
    await fixture.settle();
    expect([one.sent, one.isClosed]).toEqual([TAKEN + PONG, true]);
  });

  test("by CLIENT KILL", async () => {
    const { fixture, one, writer } = setUp();
    one.receive("TAKE k 0\r\n");
    writer.receive(`CLIENT KILL ID ${one.data?.session.id}\r\nSET k v\r\nGET k\r\n`);
    await fixture.settle();
    expect(writer.take()).toBe(`:1\r\n${OK}$1\r\nv\r\n`);
    expect([one.sent, one.isClosed]).toEqual(["", true]);
  });
});

test("`timeout` does not end a connection that waits", () => {
  const { fixture, one } = setUp({ timeout: "1" });
  one.receive("TAKE k 0\r\n");
  fixture.clock.advance(5000);
  fixture.gateway.checkClients(fixture.gateway.beginCallback());
  expect([one.isClosed, isBlocked(one)]).toEqual([false, true]);
});

test("CLIENT UNBLOCK lets the connection go on", async () => {
  const { fixture, one, writer } = setUp();
  one.receive("TAKE k 0\r\nPING\r\n");
  writer.receive(`CLIENT UNBLOCK ${one.data?.session.id} ERROR\r\n`);
  await fixture.settle();
  expect(one.take()).toBe(`-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n${PONG}`);
});

test("while the disk refuses, a reply that changed something waits for it", async () => {
  const { fixture, one, writer } = setUp();
  const two = fixture.connect();
  let accepts = false;
  fixture.engine.effects.attach({ append: () => {}, appendRequest: () => {} });
  fixture.turn.requireBeforeReplies({ isPending: true, settle: () => accepts });
  one.receive("TAKE k 0\r\n");
  two.receive("FOLLOW other $ 5\r\n");
  writer.receive("SET k v\r\n");
  fixture.clock.advance(6);
  fixture.engine.blocking.expire();
  await fixture.settle();
  expect([isBlocked(one), isBlocked(two)]).toEqual([false, false]);
  expect([one.sent, writer.sent, two.sent]).toEqual(["", "", NULL_ARRAY]);
  accepts = true;
  fixture.turn.release();
  await fixture.settle();
  expect([one.sent, writer.sent]).toEqual([TAKEN, OK]);
});
