/** A connection with a peer that sends in pieces, reads slowly, half-closes and waits. */
import { describe, expect, test } from "bun:test";
import { LONG_VECTORS, type RequestVector, SHORT_VECTORS } from "../protocol/request-vectors.ts";
import { type FakeSocket, Fixture, START_MS } from "./_setup.ts";

const PONG = "+PONG\r\n";
const OK = "+OK\r\n";

/** What a fresh connection answers to these pieces, and whether it then ends. */
async function answer(pieces: readonly string[]): Promise<string> {
  const fixture = new Fixture();
  const socket = fixture.connect();
  for (const piece of pieces) socket.receive(piece);
  await fixture.settle();
  return socket.sent + (socket.isShutDown ? "<end>" : "");
}

async function expectSameForCuts(vector: RequestVector, cuts: Iterable<number>): Promise<void> {
  const whole = await answer([vector.sent]);
  expect(whole.endsWith("<end>")).toBe(vector.problem !== null);
  for (const cut of cuts) {
    expect(await answer([vector.sent.slice(0, cut), vector.sent.slice(cut)])).toBe(whole);
  }
}

describe("requests in pieces", () => {
  test("every short vector, cut at every position and byte by byte", async () => {
    for (const vector of SHORT_VECTORS) {
      const whole = await answer([vector.sent]);
      expect(await answer(Array.from(vector.sent))).toBe(whole);
      const cuts = Array.from({ length: vector.sent.length - 1 }, (_, i) => i + 1);
      await expectSameForCuts(vector, cuts);
    }
  });

  test("long vectors, cut at some positions", async () => {
    for (const vector of LONG_VECTORS) {
      const { length } = vector.sent;
      const cuts = [1, 5, 30, 16_384, 65_535, 65_536, length - 3, length - 1];
      await expectSameForCuts(
        vector,
        cuts.filter((cut) => cut < length),
      );
    }
  });

  test("a pipeline behind a request that was cut goes on in the same piece", async () => {
    const value = "v".repeat(50_000);
    const set = `*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$50000\r\n${value}\r\n`;
    const pieces = [`PING\r\n${set.slice(0, 40)}`, `${set.slice(40)}GET k\r\nPING\r\nPI`, "NG\r\n"];
    const expected = `${PONG}${OK}$50000\r\n${value}\r\n${PONG}${PONG}`;
    expect(await answer(pieces)).toBe(expected);
  });

  test("the buffers of a cut request count as its client's memory until it has run", async () => {
    const fixture = new Fixture();
    const socket = fixture.connect();
    socket.receive("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\nabc");
    expect(socket.data?.queryBytes).toBe("abc".length);
    expect(socket.data?.argumentBytes).toBe("SETk".length);
    expect(socket.data?.queryFreeBytes).toBe(100_000 - 1);
    expect(socket.data?.totalMemoryBytes).toBeGreaterThan(100_000);
    socket.receive("x".repeat(99_997));
    socket.receive("\r\n");
    await fixture.settle();
    expect(socket.sent).toBe(OK);
    expect(socket.data?.queryBytes).toBe(0);
    expect(socket.data?.totalMemoryBytes).toBeLessThan(2000);
  });
});

test("the replies of a turn go out in one write", async () => {
  const fixture = new Fixture();
  const sockets = [fixture.connect(), fixture.connect()];
  for (const socket of sockets) {
    socket.receive("PING\r\nPING\r\n");
    socket.receive("PING\r\n");
  }
  await fixture.settle();
  for (const socket of sockets) expect([socket.sent, socket.writes]).toEqual([PONG.repeat(3), 1]);
});

describe("a peer that reads slowly", () => {
  test("gets everything in order, and nothing while it takes nothing", async () => {
    const fixture = new Fixture();
    const socket = fixture.connect();
    socket.roomBytes = 4;
    socket.receive("ECHO 1\r\nECHO 2\r\n");
    await fixture.settle();
    expect(socket.take()).toBe("$1\r\n");
    const { writes } = socket;
    socket.receive("ECHO 3\r\n");
    await fixture.settle();
    expect(socket.writes).toBe(writes);
    socket.drain(5);
    expect(socket.take()).toBe("1\r\n$1");
    socket.drain(Infinity);
    expect(socket.take()).toBe("\r\n2\r\n$1\r\n3\r\n");
    expect(socket.data?.outboundBytes).toBe(0);
    socket.receive("ECHO 4\r\n");
    await fixture.settle();
    expect(socket.take()).toBe("$1\r\n4\r\n");
  });

  test("is closed over the hard limit, within the pipeline that breaks it", async () => {
    const fixture = new Fixture({ "client-output-buffer-limit": "normal 5000000 0 0" });
    const writer = fixture.connect();
    writer.receive(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2000000\r\n${"x".repeat(2_000_000)}\r\n`);
    const slow = fixture.connect();
    slow.roomBytes = 1000;
    slow.receive("GET k\r\n".repeat(1000));
    expect(slow.isClosed).toBe(true);
    expect(fixture.engine.stats.outputBufferLimitDisconnections).toBe(1);
    expect(fixture.logged.join("")).toContain(
      "scheduled to be closed ASAP for overcoming of output buffer limits.",
    );
    await fixture.settle();
    writer.take();
    writer.receive("STRLEN k\r\n");
    await fixture.settle();
    expect(writer.sent).toBe(":2000000\r\n");
  });

  test("gets nothing at all of a reply over the hard limit", async () => {
    const fixture = new Fixture({ "client-output-buffer-limit": "normal 100000 0 0" });
    const socket = fixture.connect();
    socket.receive(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$200000\r\n${"x".repeat(200_000)}\r\n`);
    await fixture.settle();
    expect(socket.take()).toBe(OK);
    socket.receive("GET k\r\n");
    await fixture.settle();
    expect([socket.sent, socket.isClosed]).toEqual(["", true]);
  });

  test("is closed once it has been over the soft limit for longer than it may", async () => {
    const fixture = new Fixture({ "client-output-buffer-limit": "normal 0 50000 2" });
    const socket = fixture.connect();
    const check = (): void => fixture.gateway.checkClients(fixture.gateway.beginCallback());
    socket.receive(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$80000\r\n${"x".repeat(80_000)}\r\n`);
    socket.roomBytes = 100;
    socket.receive("GET k\r\n");
    await fixture.settle();
    fixture.clock.advance(2000);
    check();
    expect(socket.isClosed).toBe(false);
    // Below the limit for a moment: the time begins anew.
    socket.drain(60_000);
    check();
    socket.receive("GET k\r\n");
    await fixture.settle();
    check();
    fixture.clock.advance(2000);
    check();
    expect(socket.isClosed).toBe(false);
    fixture.clock.advance(1);
    check();
    expect(socket.isClosed).toBe(true);
    expect(fixture.logged.join("")).toContain("closed for overcoming of output buffer limits.");
  });
});

describe("the end of a connection", () => {
  test("comes after all replies where the peer has half-closed", async () => {
    const fixture = new Fixture();
    const socket = fixture.connect();
    socket.roomBytes = 10;
    socket.receive("PING\r\n".repeat(100));
    socket.data?.endInput();
    await fixture.settle();
    expect([socket.sent.length, socket.isClosed]).toEqual([10, false]);
    socket.drain(Infinity);
    expect([socket.sent, socket.isClosed]).toEqual([PONG.repeat(100), true]);
    expect(fixture.engine.clients.count).toBe(0);
  });

  test.each([
    ["QUIT", "QUIT\r\nSET k v\r\n", OK],
    ["a protocol error", "*x\r\nSET k v\r\n", "-ERR Protocol error: invalid multibulk length\r\n"],
  ])("after %s waits for the peer, and nothing runs meanwhile", async (_, sent, reply) => {
    const fixture = new Fixture();
    const socket = fixture.connect();
    socket.roomBytes = 2;
    socket.receive(sent);
    socket.receive("SET k v\r\n");
    await fixture.settle();
    expect(socket.isShutDown).toBe(false);
    socket.drain(Infinity);
    expect([socket.sent, socket.isShutDown, socket.isClosed]).toEqual([reply, true, false]);
    socket.receive("SET k v\r\n");
    socket.data?.endInput();
    await fixture.settle();
    expect([socket.sent, socket.isClosed]).toEqual([reply, true]);
    expect(fixture.engine.keyspace.database(0).size).toBe(0);
  });

  test("is at once for a web page's request", async () => {
    for (const request of ["POST / HTTP/1.1\r\nPING\r\n", "hOst: x\r\nPING\r\n"]) {
      const fixture = new Fixture();
      const socket = fixture.connect();
      socket.receive(`PING\r\n${request}`);
      await fixture.settle();
      expect([socket.sent, socket.isClosed]).toEqual(["", true]);
      expect(fixture.logged.join("")).toContain("Possible SECURITY ATTACK detected.");
    }
  });
});

describe("while CLIENT PAUSE lasts", () => {
  function paused(fixture: Fixture): FakeSocket {
    const other = fixture.connect();
    other.receive("CLIENT PAUSE 1000\r\n");
    return fixture.connect();
  }

  async function endPause(fixture: Fixture): Promise<void> {
    fixture.clock.advance(1001);
    fixture.engine.pause.check(fixture.clock.nowMs);
    await fixture.settle();
  }

  test("requests wait and then run in order, cut ones too", async () => {
    const fixture = new Fixture();
    const socket = paused(fixture);
    const sent = "ECHO a\r\n*2\r\n$4\r\nECHO\r\n$1\r\nb\r\nECHO c\r\n";
    for (const byte of sent) socket.receive(byte);
    await fixture.settle();
    expect(socket.sent).toBe("");
    expect(socket.data?.queryBytes).toBe(sent.length);
    await endPause(fixture);
    expect(socket.sent).toBe("$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
    expect(socket.data?.queryBytes).toBe(0);
  });

  test("a request cut before the pause waits as a whole", async () => {
    const fixture = new Fixture();
    const socket = fixture.connect();
    socket.receive("*2\r\n$4\r\nEC");
    fixture.connect().receive("CLIENT PAUSE 1000\r\n");
    socket.receive("HO\r\n$1\r\na\r\nPING\r\n");
    socket.receive("PING\r\n");
    await fixture.settle();
    expect(socket.sent).toBe("");
    await endPause(fixture);
    expect(socket.sent).toBe(`$1\r\na\r\n${PONG}${PONG}`);
  });

  test("nothing behind a QUIT runs", async () => {
    const fixture = new Fixture();
    const socket = paused(fixture);
    for (const piece of ["PING\r\n", "QUIT\r\n", "SET k v\r\n"]) socket.receive(piece);
    await endPause(fixture);
    expect([socket.sent, socket.isShutDown]).toEqual([PONG + OK, true]);
    expect(fixture.engine.keyspace.database(0).size).toBe(0);
  });

  test("a peer that has half-closed still gets its replies, of a cut request too", async () => {
    const fixture = new Fixture();
    const socket = paused(fixture);
    for (const piece of ["PING\r\nPI", "NG\r\nPING\r\n", "PING\r\n"]) socket.receive(piece);
    socket.data?.endInput();
    await fixture.settle();
    expect([socket.sent, socket.isClosed]).toEqual(["", false]);
    await endPause(fixture);
    expect([socket.sent, socket.isClosed]).toEqual([PONG.repeat(4), true]);
  });

  test("a client does not count as idle", async () => {
    const fixture = new Fixture({ timeout: "5" });
    const socket = paused(fixture);
    socket.receive("PING\r\n");
    fixture.clock.advance(20_000);
    fixture.gateway.checkClients(fixture.clock.nowMs);
    expect(socket.isClosed).toBe(false);
  });
});

describe("while the disk refuses", () => {
  test("what was changed is not acknowledged; others are served", async () => {
    const fixture = new Fixture();
    let accepts = false;
    let pending = false;
    fixture.engine.effects.attach({ append() {}, appendRequest() {} });
    fixture.turn.requireBeforeReplies({
      get isPending() {
        return pending;
      },
      settle: () => accepts,
    });
    const writer = fixture.connect();
    const reader = fixture.connect();
    pending = true;
    writer.receive("SET k v\r\n");
    reader.receive("GET k\r\n");
    await fixture.settle();
    expect([writer.sent, reader.sent]).toEqual(["", "$1\r\nv\r\n"]);
    writer.receive("PING\r\n");
    await fixture.settle();
    expect(writer.sent).toBe("");
    accepts = true;
    pending = false;
    fixture.turn.release();
    expect(writer.sent).toBe(OK + PONG);
  });
});

test("an empty line of a replica says that it is alive, one of a client says nothing", () => {
  const fixture = new Fixture();
  const heardMs: number[] = [];
  const socket = fixture.connect();
  const { data } = socket;
  if (data === undefined) throw new Error("There is no connection");
  data.session.replica = { isAttached: true, noteAlive: (nowMs) => heardMs.push(nowMs) };
  socket.receive("\n");
  data.stream = { isPending: false, pendingBytes: 0, drainInto() {} };
  fixture.clock.advance(1000);
  socket.receive("\n");
  expect(heardMs).toEqual([START_MS + 1000]);
});
