/** Requests that wait: who is served when, with what, and how they end otherwise. */
import { describe, expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import { GATE_DISK } from "../../../src/engine/admission.ts";
import { applySettings } from "../../../src/engine/settings.ts";
import { REPLY_OFF, REPLY_SKIP_THIS } from "../../../src/engine/session.ts";
import { OUT_OF_MEMORY, UNBLOCKED, WRONG_TYPE } from "../../../src/protocol/errors.ts";
import { Bench, bulk, type Client, START_MS, taken } from "../../support/engine-bench.ts";

const NULL_ARRAY = "*-1\r\n";
const NIL = "$-1\r\n";
const OK = "+OK\r\n";

/** A bench with `count` clients besides the first, which writes. */
function setUp(count: number): [Bench, Client, ...Client[]] {
  const bench = new Bench();
  return [bench, bench.connect(), ...Array.from({ length: count }, () => bench.connect())];
}

describe("serving", () => {
  test("a value that is there is taken at once", () => {
    const [bench, writer] = setUp(0);
    writer.do("SET k v");
    expect(writer.do("TAKE k 0")).toBe(taken("k", "v"));
    expect(bench.engine.blocking.count).toBe(0);
    expect(writer.do("EXISTS k")).toBe(":0\r\n");
  });

  test("the key that comes, in the form of the client's own protocol", () => {
    const [bench, writer, one, two] = setUp(2);
    two.session.resp = 3;
    expect(one.do("TAKE k 0")).toBe("");
    expect(two.do("FOLLOW other $ 5")).toBe("");
    expect([bench.engine.blocking.count, bench.engine.blocking.keyCount]).toEqual([2, 2]);
    expect(writer.do("SET k v")).toBe(OK);
    expect(one.take()).toBe(taken("k", "v"));
    expect(writer.do("EXISTS k")).toBe(":0\r\n");
    bench.advance(6);
    expect(two.take()).toBe("_\r\n");
    expect([bench.engine.blocking.count, bench.engine.blocking.keyCount]).toEqual([0, 0]);
  });

  test("first blocked, first served, one value each", () => {
    const [, writer, one, two, three] = setUp(3);
    one.do("TAKE k 0");
    two.do("TAKE other k 0");
    three.do("TAKE k 0");
    writer.do("SET k 1");
    writer.do("SET k 2");
    expect([one.take(), two.take(), three.take()]).toEqual([taken("k", "1"), taken("k", "2"), ""]);
    expect(one.do("TAKE k 0")).toBe("");
    writer.do("SET k 3");
    expect([one.take(), three.take()]).toEqual(["", taken("k", "3")]);
  });

  test("keys in the order in which they became ready, one key named twice", () => {
    const [, writer, one, two] = setUp(2);
    one.do("TAKE a b a b 0");
    two.do("TAKE b a 0");
    writer.do("MSET b 1 a 2");
    // `b` was ready first, but a request looks at its keys in its own order.
    expect([one.take(), two.take()]).toEqual([taken("a", "2"), taken("b", "1")]);
    expect([one.isBlocked, two.isBlocked]).toEqual([false, false]);
  });

  test("only keys of the session's own database", () => {
    const [, writer, one] = setUp(1);
    one.do("SELECT 3");
    one.do("TAKE k 0");
    writer.do("SET k v");
    expect(one.take()).toBe("");
    writer.do("MOVE k 3");
    expect(one.take()).toBe(taken("k", "v"));
  });

  test.each([
    ["SET a v", "RENAME a k"],
    ["SET a v", "COPY a k"],
    ["HSET k f v", "SET k v"],
    ["HSET k f v|SET a v", "RENAME a k"],
    ["SELECT 1|SET k v|SELECT 0", "SWAPDB 0 1"],
    ["SELECT 1|SET k v|SELECT 0", "SWAPDB 1 0"],
    ["", "APPEND k v"],
    ["", "GETSET k v"],
  ])("after %j, %s makes the key ready", (before, command) => {
    const [, writer, one] = setUp(1);
    for (const line of before.split("|")) if (line !== "") writer.do(line);
    if (before.startsWith("HSET")) {
      // While a key of another type is there, the command is refused; then it comes too late.
      expect(one.do("TAKE k 0")).toBe(`-${WRONG_TYPE}\r\n`);
      writer.do("RENAME k away");
      one.do("TAKE k 0");
      writer.do("RENAME away k");
    } else one.do("TAKE k 0");
    expect(one.isBlocked).toBe(true);
    writer.do(command);
    expect(one.take()).toBe(taken("k", "v"));
  });

  test("a value of another type, or one that is gone again, wakes nobody", () => {
    const [bench, writer, one] = setUp(1);
    one.do("TAKE k 0");
    writer.do("HSET k f v");
    writer.session.deniesBlocking = true;
    writer.do("DEL k");
    writer.do("SET k v");
    writer.do("DEL k");
    writer.session.deniesBlocking = false;
    writer.do("PING");
    expect([one.take(), one.isBlocked, bench.engine.blocking.hasReady]).toEqual(["", true, false]);
    writer.do("SET k v");
    expect(one.take()).toBe(taken("k", "v"));
  });

  test("what is part of something larger is served when all of it is over", () => {
    const [, writer, one] = setUp(1);
    one.do("TAKE a b 0");
    writer.session.deniesBlocking = true;
    writer.do("SET b 1");
    writer.do("SET a 2");
    expect(one.take()).toBe("");
    writer.session.deniesBlocking = false;
    writer.do("PING");
    expect(one.take()).toBe(taken("a", "2"));
  });

  test("one that is served makes the next one's key ready", () => {
    const [bench, writer, one, two, three] = setUp(3);
    bench.recordEffects();
    one.do("CARRY a b 0");
    two.do("CARRY b c 0");
    three.do("TAKE c 0");
    writer.do("SET a v");
    expect([one.take(), two.take(), three.take()]).toEqual([bulk("v"), bulk("v"), taken("c", "v")]);
    expect(bench.engine.keyspace.keyCount).toBe(0);
    expect(bench.effects()).toEqual([
      "0: SET a v",
      "0: MULTI",
      "0: DEL a",
      "0: SET b v",
      "0: EXEC",
      "0: MULTI",
      "0: DEL b",
      "0: SET c v",
      "0: EXEC",
      "0: DEL c",
    ]);
    expect(one.awaitedDisk).toEqual([true]);
  });

  test("an error is an answer too, and the next one gets the value", () => {
    const [bench, writer, one, two] = setUp(2);
    writer.do("HSET hash f v");
    one.do("CARRY k hash 0");
    two.do("TAKE k 0");
    writer.do("SET k v");
    expect([one.take(), two.take()]).toEqual([`-${WRONG_TYPE}\r\n`, taken("k", "v")]);
    expect(one.awaitedDisk).toEqual([false]);
    expect(bench.counts("carry")).toEqual({ calls: 1, rejected: 0, failed: 1 });
    expect(bench.engine.stats.errorsByCode.get("WRONGTYPE")).toBe(1);
    expect(bench.counts("set").failed).toBe(0);
  });

  test("a key that has expired meanwhile wakes nobody; its removal is propagated alone", () => {
    const [bench, writer, one] = setUp(1);
    writer.do("SELECT 1");
    writer.do("SET k v PX 10");
    bench.recordEffects();
    one.do("TAKE k 0");
    bench.clock.advance(100);
    writer.do("SWAPDB 0 1");
    expect(one.isBlocked).toBe(true);
    expect(bench.effects()).toEqual(["1: SWAPDB 0 1", "0: DEL k"]);
  });

  test("the saved request outlives the buffer it came in", () => {
    const [bench, writer, one] = setUp(1);
    const chunk = bytesOf("*3\r\n$4\r\nTAKE\r\n$3\r\nkey\r\n$1\r\n0\r\n");
    bench.executeRaw(one.session, chunk);
    chunk.fill(0);
    writer.do("SET key v");
    expect(one.take()).toBe(taken("key", "v"));
  });

  test("an argument that depended on the moment stands for what it was", () => {
    const [, writer, one] = setUp(1);
    writer.do("SET k 1");
    expect(one.do("FOLLOW k $ 0")).toBe("");
    writer.do("SET k 1");
    expect(one.take()).toBe("");
    writer.do("SET k 2");
    expect(one.take()).toBe(bulk("2"));
  });

  test.each(["DEL k", "SELECT 0|FLUSHDB", "FLUSHALL", "RENAME k other", "SWAPDB 0 1"])(
    "a request that wakes without its key is told by %s",
    (lines) => {
      const [bench, writer, one, two] = setUp(2);
      writer.do("SET k 1");
      one.do("FOLLOW k $ 0");
      two.do("TAKE x 0");
      expect(bench.engine.blocking.keyCountWithoutKey).toBe(1);
      for (const line of lines.split("|")) writer.do(line);
      expect(one.take()).toBe("-UNBLOCKED the key no longer exists\r\n");
      expect([two.take(), bench.engine.blocking.keyCountWithoutKey]).toEqual(["", 0]);
    },
  );

  test("… and by the key's expiry", () => {
    const [bench, writer, one] = setUp(1);
    writer.do("SET k 1 PX 10");
    one.do("FOLLOW k $ 0");
    bench.clock.advance(11);
    writer.do("GET k");
    expect(one.take()).toBe("-UNBLOCKED the key no longer exists\r\n");
  });
});

describe("nobody who waits", () => {
  test("hears of keys that changed", () => {
    const [bench, writer, one] = setUp(1);
    expect(bench.engine.watchesKeys).toBe(false);
    one.do("TAKE k 0");
    expect(bench.engine.watchesKeys).toBe(true);
    writer.do("SET k v");
    expect(bench.engine.watchesKeys).toBe(false);
  });

  test("a session that may not block is answered at once", () => {
    const [bench, , one] = setUp(1);
    one.session.deniesBlocking = true;
    expect([one.do("TAKE k 0"), one.do("CARRY k other 0")]).toEqual([NULL_ARRAY, NIL]);
    const embedded = bench.engine.clients.create(bench.engine.keyspace.database(0), 0);
    expect(bench.execute(embedded, "TAKE k 0")).toBe(NULL_ARRAY);
    expect(bench.engine.blocking.count).toBe(0);
  });
});

describe("deadlines", () => {
  test("are kept to the millisecond, in their order", () => {
    const [bench, , one, two, three] = setUp(3);
    one.do("TAKE k 0.5");
    two.do("TAKE k 0.0301");
    three.do("TAKE k 0");
    expect(bench.wakes).toEqual([501, 32]);
    expect(bench.engine.blocking.timedCount).toBe(2);
    bench.advance(31);
    expect(two.take()).toBe("");
    bench.advance(1);
    expect([one.take(), two.take()]).toEqual(["", NULL_ARRAY]);
    bench.advance(1000);
    expect([one.take(), three.take()]).toEqual([NULL_ARRAY, ""]);
    expect(bench.engine.blocking.timedCount).toBe(0);
  });

  test("outlast being woken for nothing", () => {
    const [bench, writer, one] = setUp(1);
    writer.do("SET k 1");
    one.do("FOLLOW k $ 100");
    bench.advance(60);
    writer.do("SET k 1");
    bench.advance(40);
    expect(one.take()).toBe("");
    bench.advance(1);
    expect(one.take()).toBe(NULL_ARRAY);
  });

  test("many, some of which leave early", () => {
    const [bench, writer] = setUp(0);
    const clients = Array.from({ length: 500 }, (_, i) => {
      const client = bench.connect();
      const ms = ((i * 7919) % 499) + 1;
      client.do(`TAKE key:${i} ${ms / 1000}`);
      return { client, ms, leaves: i % 3 === 0 };
    });
    clients.forEach(({ leaves }, i) => leaves && writer.do(`SET key:${i} v`));
    for (const { client, leaves } of clients) expect(client.take() === "").toBe(!leaves);
    const waiting = clients.filter(({ leaves }) => !leaves);
    expect(bench.engine.blocking.timedCount).toBe(waiting.length);
    for (let atMs = 1; atMs <= 501; atMs++) {
      bench.advance(1);
      for (const { client, ms } of waiting) {
        if (ms === atMs - 1) expect(client.take()).toBe(NULL_ARRAY);
        else if (ms >= atMs) expect(client.isBlocked).toBe(true);
      }
    }
    expect(bench.engine.blocking.count).toBe(0);
  });

  test.each([
    ["abc", "ERR timeout is not a float or out of range"],
    ["nan", "ERR timeout is not a float or out of range"],
    ["''", "ERR timeout is not a float or out of range"],
    ["' 1'", "ERR timeout is not a float or out of range"],
    ["-1", "ERR timeout is negative"],
    ["-inf", "ERR timeout is negative"],
    ["-1e300", "ERR timeout is negative"],
    ["inf", "ERR timeout is out of range"],
    ["1e300", "ERR timeout is out of range"],
    ["9223372036854776", "ERR timeout is out of range"],
    ["9223372036854775", "ERR timeout is out of range"],
  ])("%s seconds are refused", (seconds, error) => {
    const [, , one] = setUp(1);
    expect(one.do(`TAKE k ${seconds}`)).toBe(`-${error}\r\n`);
  });

  test.each([
    ["0", Infinity],
    ["-0.0001", Infinity],
    ["1e-10", 1],
    ["1e-4000", 1],
    ["0.001", 1],
    ["0.0011", 2],
    ["0x1", 1000],
    ["1.5", 1500],
    ["9000000000000000", 9e18],
  ])("%s seconds", (seconds, ms) => {
    const [, , one] = setUp(1);
    one.do(`TAKE k ${seconds}`);
    expect((one.session.blocked?.deadlineMs ?? 0) - START_MS).toBe(ms);
  });

  test.each([
    ["1.5", "-ERR timeout is not an integer or out of range\r\n"],
    ["-1", "-ERR timeout is negative\r\n"],
    ["9223372036854775807", "-ERR timeout is out of range\r\n"],
    ["15", ""],
  ])("%s milliseconds", (ms, reply) => {
    const [, , one] = setUp(1);
    expect(one.do(`FOLLOW k $ ${ms}`)).toBe(reply);
  });
});

describe("CLIENT UNBLOCK", () => {
  test("ends the waiting as its deadline would, or with an error", () => {
    const [bench, admin, one] = setUp(1);
    const id = one.session.id;
    one.do("TAKE k 5");
    expect(admin.do(`CLIENT UNBLOCK ${id}`)).toBe(":1\r\n");
    expect(one.take()).toBe(NULL_ARRAY);
    expect(bench.counts("take")).toEqual({ calls: 1, rejected: 0, failed: 0 });
    one.do("TAKE k 5");
    expect(admin.do(`CLIENT UNBLOCK ${id} error`)).toBe(":1\r\n");
    expect(one.take()).toBe(`-${UNBLOCKED}\r\n`);
    expect(bench.counts("take")).toEqual({ calls: 2, rejected: 0, failed: 1 });
    expect(bench.counts("client|unblock").failed).toBe(0);
    expect(bench.engine.stats.errorsByCode.get("UNBLOCKED")).toBe(1);
    expect(bench.engine.stats.errorReplies).toBe(1);
    expect(admin.do(`CLIENT UNBLOCK ${id}`)).toBe(":0\r\n");
    expect(bench.engine.blocking.timedCount).toBe(0);
  });

  test("in the other's protocol, one's own reply being in one's own", () => {
    const [, admin, one] = setUp(1);
    one.session.resp = 3;
    one.do("TAKE k 0");
    expect(admin.do(`CLIENT UNBLOCK ${one.session.id} TIMEOUT`)).toBe(":1\r\n");
    expect(one.take()).toBe("_\r\n");
    expect(admin.do("GET nosuch")).toBe(NIL);
  });
});

describe("what may not run any more", () => {
  test("is refused when it would be served", () => {
    const [bench, writer, one, two] = setUp(2);
    one.do("TAKE k 0");
    two.do("TAKE k 0");
    writer.session.deniesBlocking = true;
    writer.do("SET k v");
    writer.session.deniesBlocking = false;
    applySettings(bench.engine);
    writer.do("CONFIG SET maxmemory 1");
    expect([one.take(), two.take()]).toEqual([`-${OUT_OF_MEMORY}\r\n`, `-${OUT_OF_MEMORY}\r\n`]);
    expect(bench.counts("take")).toEqual({ calls: 0, rejected: 2, failed: 0 });
    expect(writer.do("GET k")).toBe(bulk("v"));
  });

  test("waits for the end of a pause", () => {
    const [bench, writer, one] = setUp(1);
    one.do("TAKE k 0");
    writer.session.deniesBlocking = true;
    writer.do("SET k v");
    writer.do("CLIENT PAUSE 1000 WRITE");
    writer.session.deniesBlocking = false;
    writer.do("PING");
    expect([one.take(), bench.engine.blocking.hasReady]).toEqual(["", false]);
    writer.do("CLIENT UNPAUSE");
    expect(one.take()).toBe(taken("k", "v"));
  });

  test("but a deadline does not", () => {
    const [bench, writer, one] = setUp(1);
    one.do("TAKE k 0.1");
    writer.do("CLIENT PAUSE 1000 ALL");
    bench.advance(101);
    expect(one.take()).toBe(NULL_ARRAY);
  });
});

describe("what is kept of it", () => {
  test("a blocked call counts once, when it is over", () => {
    const [bench, writer, one] = setUp(1);
    bench.engine.timing.isPrecise = true;
    bench.engine.slowLog.thresholdUs = 0;
    const { stats } = bench.engine;
    one.do("TAKE k 0");
    expect([stats.commandsProcessed, one.session.commandCount]).toEqual([0, 0]);
    expect(bench.counts("take")).toEqual({ calls: 0, rejected: 0, failed: 0 });
    expect(bench.engine.slowLog.length).toBe(0);
    writer.do("SET k v");
    expect([stats.commandsProcessed, one.session.commandCount]).toEqual([2, 1]);
    expect(bench.counts("take")).toEqual({ calls: 1, rejected: 0, failed: 0 });
    const logged = bench.engine.slowLog.newest(-1).map(({ args }) => args.join(" "));
    expect(logged).toEqual(["TAKE k 0", "SET k v"]);
    const take = bench.engine.table.byName("take");
    if (take === null) throw new Error("TAKE is not there");
    expect(bench.engine.timing.histograms.has(take)).toBe(true);
  });

  test("MONITOR shows it once, when it comes", () => {
    const [, writer, one, listener] = setUp(2);
    listener.do("MONITOR");
    one.do("TAKE k 0");
    expect(listener.take()).toContain('"TAKE" "k" "0"');
    writer.do("SET k v");
    const shown = listener.take();
    expect(shown).toContain('"SET" "k" "v"');
    expect(shown).not.toContain("TAKE");
  });

  test("CLIENT LIST and INFO show who waits", () => {
    const [bench, writer, one] = setUp(1);
    one.do("TAKE a b 5");
    const line = writer.do(`CLIENT LIST ID ${one.session.id}`);
    expect(line).toContain(" flags=b ");
    expect(line).toContain(" cmd=take ");
    const info = writer.do("INFO clients");
    for (const field of [
      "blocked_clients:1",
      "clients_in_timeout_table:1",
      "total_blocking_keys:2",
      "total_blocking_keys_on_nokey:0",
    ]) {
      expect(info).toContain(`${field}\r\n`);
    }
    one.close();
    expect(writer.do("INFO clients")).toContain("blocked_clients:0\r\n");
    expect(bench.engine.blocking.timedCount).toBe(0);
    writer.do("SET a v");
    expect(writer.do("GET a")).toBe(bulk("v"));
  });

  test("CLIENT REPLY: what is skipped is skipped when it comes", () => {
    const [, writer, one] = setUp(1);
    one.do("CLIENT REPLY SKIP");
    expect(one.session.replyMode).toBe(REPLY_SKIP_THIS);
    one.do("TAKE k 0");
    writer.do("SET k v");
    expect([one.take(), one.awaitedDisk.length]).toEqual(["", 1]);
    expect(one.do("PING")).toBe("+PONG\r\n");
    one.do("CLIENT REPLY OFF");
    expect(one.session.replyMode).toBe(REPLY_OFF);
    one.do("TAKE k 0");
    writer.do("SET k v");
    expect([one.take(), one.isBlocked, writer.do("EXISTS k")]).toEqual(["", false, ":0\r\n"]);
  });

  test("a disk that refuses writes keeps what is asked from blocking", () => {
    const [bench, , one] = setUp(1);
    bench.engine.shut(GATE_DISK);
    expect(one.do("TAKE k 0")).toStartWith("-MISCONF");
  });
});
