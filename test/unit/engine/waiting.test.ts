/** Requests that wait for what is no key, and the pauses that are held for such. */
import { describe, expect, test } from "bun:test";
import type { BlockedRequest, WaitOptions } from "../../../src/engine/blocked-request.ts";
import type { Call } from "../../../src/engine/call.ts";
import { command, WRITE } from "../../../src/engine/command.ts";
import { GATE_PAUSE, GATE_PAUSE_WRITE } from "../../../src/engine/admission.ts";
import { NOTIFY_STRING } from "../../../src/engine/key-events.ts";
import { NO_EXPIRY } from "../../../src/keyspace/entry-store.ts";
import { Bench, START_MS } from "../../support/engine-bench.ts";

/**
 * Two commands: AWAIT key milliseconds gives up with 0 when the time is up, ENDURE key ends when it
 * is told to only.
 */
function setUp(): { bench: Bench; requests: BlockedRequest[] } {
  const requests: BlockedRequest[] = [];
  const wait = (call: Call, options: WaitOptions): void => {
    const request = call.wait(options);
    if (request === null) call.fail("ERR can't wait here");
    else requests.push(request);
  };
  const shared = { group: "generic", since: "7.2.0", summary: "", complexity: "" } as const;
  const bench = new Bench([
    command({
      ...shared,
      name: "await",
      arity: 3,
      flags: WRITE,
      run: (call) =>
        wait(call, {
          timeoutMs: call.integer(2),
          giveUp: (reply) => reply.integer(0),
          counts: true,
        }),
    }),
    command({
      ...shared,
      name: "endure",
      arity: 2,
      flags: WRITE,
      run: (call) => wait(call, { timeoutMs: 0, giveUp: null, counts: false }),
    }),
  ]);
  return { bench, requests };
}

/** Appends nothing, and replies where `reply` is a number. */
function setting(value: string, reply: number | null): (call: Call) => boolean {
  return (call) => {
    const { args, database } = call;
    const existing = call.writeKey(1);
    const bytes = Buffer.from(value);
    const [at, length] = [args.starts[1], args.lengths[1]];
    database.storeString(existing, args.bytes, at, length, bytes, 0, bytes.length, NO_EXPIRY);
    call.changed(NOTIFY_STRING, "set", 1);
    const effects = call.instead();
    effects.begin(database.index, 3);
    effects.word("SET");
    effects.argument(args, 1);
    effects.word(value);
    if (reply !== null) call.reply.integer(reply);
    return reply !== null;
  };
}

const answering = (call: Call): boolean => {
  call.reply.integer(7);
  return true;
};

describe("a request that waits for no key", () => {
  test("goes on in steps, each of which is propagated; the last one answers", () => {
    const { bench, requests } = setUp();
    bench.recordEffects();
    const one = bench.connect();
    expect(one.do("ENDURE k")).toBe("");
    bench.engine.blocking.proceed(requests[0], setting("1", null));
    expect(one.isBlocked).toBe(true);
    expect(bench.effects()).toEqual(["0: SET k 1"]);
    expect(bench.connect().do("GET k")).toBe("$1\r\n1\r\n");
    bench.engine.blocking.proceed(requests[0], setting("2", 5));
    expect(bench.effects()).toEqual(["0: SET k 2"]);
    expect(one.isBlocked).toBe(false);
    expect(one.take()).toBe(":5\r\n");
    expect(one.awaitedDisk).toEqual([true]);
    expect(one.do("PING")).toBe("+PONG\r\n");
  });

  test("what any step changed makes the reply wait for the disk", () => {
    const { bench, requests } = setUp();
    bench.recordEffects();
    const [one, two] = [bench.connect(), bench.connect()];
    one.do("ENDURE k");
    two.do("ENDURE k");
    bench.engine.blocking.proceed(requests[0], setting("1", null));
    bench.engine.blocking.proceed(requests[0], answering);
    bench.engine.blocking.proceed(requests[1], answering);
    expect(one.awaitedDisk).toEqual([true]);
    expect(two.awaitedDisk).toEqual([false]);
  });

  test("wakes those who wait for the keys that it changes", () => {
    const { bench, requests } = setUp();
    const [one, taker] = [bench.connect(), bench.connect()];
    one.do("ENDURE k");
    taker.do("TAKE k 0");
    bench.engine.blocking.proceed(requests[0], setting("v", null));
    expect(taker.take()).toBe("*2\r\n$1\r\nk\r\n$1\r\nv\r\n");
    bench.engine.blocking.proceed(requests[0], answering);
    expect(one.take()).toBe(":7\r\n");
  });

  test("is counted once, when it is over", () => {
    const { bench, requests } = setUp();
    const one = bench.connect();
    one.do("ENDURE k");
    bench.engine.blocking.proceed(requests[0], setting("1", null));
    expect(bench.counts("endure").calls).toBe(0);
    bench.engine.blocking.proceed(requests[0], (call) => {
      call.fail("ERR no");
      return true;
    });
    expect(bench.counts("endure")).toEqual({ calls: 1, rejected: 0, failed: 1 });
    expect(one.take()).toBe("-ERR no\r\n");
  });

  test("goes on where its client is gone, who is sent nothing", () => {
    const { bench, requests } = setUp();
    bench.recordEffects();
    const one = bench.connect();
    one.do("ENDURE k");
    one.close();
    bench.engine.blocking.proceed(requests[0], setting("1", null));
    bench.engine.blocking.proceed(requests[0], setting("2", 5));
    expect(bench.effects()).toEqual(["0: SET k 1", "0: SET k 2"]);
    expect(one.take()).toBe("");
    expect(bench.counts("endure").calls).toBe(1);
  });

  test("may be refused while another command runs", () => {
    const { bench, requests } = setUp();
    const [one, other] = [bench.connect(), bench.connect()];
    one.do("ENDURE k");
    bench.engine.watchKeys({
      keyChanged: () => bench.engine.blocking.refuse(requests[0], "ERR over"),
    });
    expect(other.do("SET x 1")).toBe("+OK\r\n");
    expect(one.take()).toBe("-ERR over\r\n");
    expect(bench.counts("endure").failed).toBe(1);
    expect(other.do("SET x 1")).toBe("+OK\r\n");
    expect(one.take()).toBe("");
  });

  test("is not possible within a transaction", () => {
    const { bench } = setUp();
    const one = bench.connect();
    one.do("MULTI");
    one.do("ENDURE k");
    expect(one.do("EXEC")).toBe("*1\r\n-ERR can't wait here\r\n");
  });
});

describe("the end of the time", () => {
  test("and CLIENT UNBLOCK give up, where that is possible", () => {
    const { bench } = setUp();
    const [one, two, other] = [bench.connect(), bench.connect(), bench.connect()];
    one.do("AWAIT k 10");
    two.do("AWAIT k 0");
    expect(bench.engine.blocking.count).toBe(2);
    expect(bench.engine.blocking.timedCount).toBe(1);
    expect(bench.engine.watchesKeys).toBe(false);
    bench.advance(10);
    expect(one.take()).toBe("");
    bench.advance(1);
    expect(one.take()).toBe(":0\r\n");
    expect(other.do(`CLIENT UNBLOCK ${two.session.id}`)).toBe(":1\r\n");
    expect(two.take()).toBe(":0\r\n");
    expect(bench.engine.blocking.count).toBe(0);
  });

  test("else not, and one that is not counted is not", () => {
    const { bench, requests } = setUp();
    const [one, other] = [bench.connect(), bench.connect()];
    one.do("ENDURE k");
    expect(other.do(`CLIENT UNBLOCK ${one.session.id} ERROR`)).toBe(":0\r\n");
    expect(bench.engine.blocking.count).toBe(0);
    expect(one.isBlocked).toBe(true);
    bench.engine.blocking.proceed(requests[0], answering);
    expect(one.take()).toBe(":7\r\n");
    expect(bench.engine.blocking.count).toBe(0);
  });
});

describe("a pause that is held", () => {
  const gatesOf = ({ engine }: Bench): number => engine.gates & (GATE_PAUSE | GATE_PAUSE_WRITE);

  test("outlasts CLIENT PAUSE, and CLIENT PAUSE outlasts it", () => {
    const { bench } = setUp();
    const { pause, context } = bench.engine;
    let ends = 0;
    pause.onEnd = () => ends++;
    pause.hold();
    expect(gatesOf(bench)).toBe(GATE_PAUSE_WRITE);
    pause.start(true, START_MS + 10);
    expect(gatesOf(bench)).toBe(GATE_PAUSE | GATE_PAUSE_WRITE);
    pause.check(START_MS + 10);
    // Those who may read go on.
    expect(gatesOf(bench)).toBe(GATE_PAUSE_WRITE);
    expect(ends).toBe(1);
    pause.start(false, START_MS + 20);
    pause.release();
    expect(gatesOf(bench)).toBe(GATE_PAUSE_WRITE);
    expect(context.keepsExpired).toBe(true);
    expect(ends).toBe(1);
    pause.stop();
    expect(gatesOf(bench)).toBe(0);
    expect(context.keepsExpired).toBe(false);
    expect(ends).toBe(2);
  });

  test("is over when all who hold it have let go", () => {
    const { bench } = setUp();
    const { pause } = bench.engine;
    pause.hold();
    pause.hold();
    pause.stop();
    pause.release();
    expect(gatesOf(bench)).toBe(GATE_PAUSE_WRITE);
    pause.release();
    expect(gatesOf(bench)).toBe(0);
    expect(() => pause.release()).toThrow("a pause that ends was held");
  });
});
