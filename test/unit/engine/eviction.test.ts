/** `maxmemory` within an engine: what is evicted, what is refused, and who hears of it. */
import { describe, expect, test } from "bun:test";
import { textOf } from "../../../src/base/bytes.ts";
import { timeLimitUs } from "../../../src/engine/eviction.ts";
import { applySettings } from "../../../src/engine/settings.ts";
import { LocalEngine } from "../../support/local-engine.ts";
import { Bench } from "../../support/engine-bench.ts";

const OOM = "OOM command not allowed when used memory > 'maxmemory'.";

function limited(policy: string): LocalEngine {
  const it = new LocalEngine();
  applySettings(it.engine);
  it.do(`CONFIG SET maxmemory-policy ${policy}`);
  return it;
}

/** Sets the limit so far above what is used now. */
function allow(it: LocalEngine, bytes: number): void {
  it.do("CONFIG", "SET", "maxmemory", "1gb");
  it.engine.reply.clear();
  it.do("CONFIG", "SET", "maxmemory", String(it.engine.memory.countedBytes() + bytes));
}

/** The reply's bytes as text. */
function said(it: LocalEngine, line: string): string {
  return textOf(it.request(line).raw);
}

function isOver(it: LocalEngine): boolean {
  return it.engine.memory.countedBytes() > it.engine.config.values.maxmemory;
}

function evicted(it: LocalEngine): string[] {
  return it
    .events()
    .filter((event) => event.includes("evicted"))
    .map((event) => event.replace("evicted ", ""));
}

describe("what goes", () => {
  test("under noeviction nothing, and what takes memory is refused", () => {
    const it = limited("noeviction");
    it.do("SET a 1");
    allow(it, -1);
    expect(said(it, "SET b 2")).toContain(OOM);
    expect(said(it, "LPUSH l x")).toContain(OOM);
    expect(it.do("GET a")).toBe("1");
    expect(it.do("DEL a")).toBe(1);
    expect(it.do("SET b 2")).toBe("OK");
  });

  test("however many samples are asked for, an eviction takes no time", () => {
    const it = limited("allkeys-lru");
    it.do("CONFIG SET maxmemory-samples 2147483647");
    for (let i = 0; i < 50; i++) it.do("SET", `k${i}`, "x".repeat(100));
    allow(it, -1);
    expect(it.do("SET", "new", "1")).toBe("OK");
    expect(evicted(it).length).toBeGreaterThan(0);
    expect(isOver(it)).toBe(false);
  });

  test("volatile-ttl: those that expire soonest, and never others", () => {
    const it = limited("volatile-ttl");
    for (let i = 0; i < 16; i++) it.do("SET", `forever:${i}`, "x".repeat(100));
    for (let i = 0; i < 16; i++) {
      it.do("SET", `k${String(i).padStart(2, "0")}`, "x".repeat(100), "EX", String(1000 - i));
    }
    it.do("CONFIG SET maxmemory-samples 1000");
    it.events();
    allow(it, -1);
    expect(it.do("DBSIZE")).toBe(31);
    expect(evicted(it)).toEqual(["0:k15"]);
    allow(it, -1);
    expect(it.do("DBSIZE")).toBe(30);
    expect(evicted(it)).toEqual(["0:k14"]);
    it.do("CONFIG SET maxmemory 1");
    expect(it.do("DBSIZE")).toBe(16);
    expect(evicted(it)).toEqual(
      Array.from({ length: 14 }, (_, i) => `0:k${String(13 - i).padStart(2, "0")}`),
    );
    expect(said(it, "SET a b")).toContain(OOM);
  });

  test("allkeys-lru: those that were not used for longest", () => {
    const it = limited("allkeys-lru");
    it.do("CONFIG SET maxmemory-samples 1000");
    for (let i = 0; i < 10; i++) {
      it.do("SET", `k${i}`, "v");
      it.pass(2000);
      it.engine.context.access.setTime(it.clock.nowMs);
    }
    it.do("GET k0");
    it.events();
    for (let i = 1; i < 10; i++) {
      allow(it, -1);
      expect(it.do("DBSIZE")).toBe(10 - i);
      expect(evicted(it)).toEqual([`0:k${i}`]);
    }
  });

  test("a candidate that was used since it was found stays", () => {
    const it = limited("allkeys-lru");
    it.do("CONFIG SET maxmemory-samples 1000");
    for (let i = 0; i < 8; i++) {
      it.do("SET", `k${i}`, "v");
      it.pass(2000);
      it.engine.context.access.setTime(it.clock.nowMs);
    }
    allow(it, -1);
    it.do("PING");
    // Now the others are in the pool, k1 first.
    for (let i = 1; i < 7; i++) it.do("GET", `k${i}`);
    it.events();
    allow(it, -1);
    it.do("PING");
    expect(evicted(it)).toEqual(["0:k7"]);
  });

  test("allkeys-lfu: those that are used least", () => {
    const it = limited("allkeys-lfu");
    it.do("CONFIG SET maxmemory-samples 1000");
    const dump = dumpOf(it);
    for (let i = 0; i < 10; i++) it.do("RESTORE", `k${i}`, "0", dump, "FREQ", String(250 - i));
    it.events();
    for (let i = 9; i > 1; i--) {
      allow(it, -1);
      it.do("PING");
      expect(evicted(it)).toEqual([`0:k${i}`]);
    }
  });

  test.each(["allkeys-random", "volatile-random"])(
    "%s: any, of each database in turn",
    (policy) => {
      const it = limited(policy);
      for (const database of [0, 3, 7]) {
        it.do(`SELECT ${database}`);
        for (let i = 0; i < 5; i++) it.do(`SET k${i} v EX 1000`);
      }
      it.events();
      for (let round = 0; round < 5; round++) {
        const databases = new Set<string>();
        for (let i = 0; i < 3; i++) {
          allow(it, -1);
          it.do("PING");
          for (const key of evicted(it)) databases.add(key[0]);
        }
        expect([...databases].toSorted()).toEqual(["0", "3", "7"]);
      }
    },
  );

  test("keys of every type go, with all that they hold", () => {
    const it = limited("allkeys-random");
    const emptyBytes = it.engine.context.memory.bytes;
    const fields = Array.from({ length: 3000 }, (_, i) => [`f${i}`, String(i)]).flat();
    it.do("HSET", "hash", ...fields);
    it.do("SADD", "set", ...fields);
    it.do("RPUSH", "list", ...fields);
    it.do("ZADD", "zset", ...fields.map((_, i) => (i % 2 === 0 ? String(i) : `m${i}`)));
    it.do("XADD", "stream", "*", ...fields);
    it.do("SET", "large", "x".repeat(1 << 20));
    it.do("SET", "k".repeat(5000), "v");
    it.do("HEXPIRE", "hash", "1000", "FIELDS", "1", "f1");
    it.do("CONFIG SET maxmemory 1");
    expect(it.do("DBSIZE")).toBe(0);
    expect(it.engine.context.reclaimer.isEmpty).toBe(true);
    // A table that keys expire from stays, and small ones are not made any smaller.
    expect(it.engine.context.memory.bytes - emptyBytes).toBeLessThan(4096);
  });

  test("elements of a value that was deleted are freed before any key goes", () => {
    const it = limited("allkeys-lru");
    it.do("SADD", "set", ...Array.from({ length: 20_000 }, (_, i) => `member:${i}`));
    for (let i = 0; i < 50; i++) it.do(`SET k${i} v`);
    allow(it, 0);
    it.do("UNLINK set");
    expect(it.engine.context.reclaimer.isEmpty).toBe(false);
    it.do("CONFIG", "SET", "maxmemory", String(it.engine.memory.countedBytes() - 100_000));
    expect(it.do("DBSIZE")).toBe(50);
    expect(isOver(it)).toBe(false);
    expect(it.engine.context.evictedKeys).toBe(0);
  });

  test("a value that a snapshot still reads counts no more, and nothing else goes for it", () => {
    const it = limited("volatile-ttl");
    it.do("CONFIG SET maxmemory-samples 1000");
    it.do("SADD", "set", ...Array.from({ length: 5000 }, (_, i) => `member:${i}`));
    it.do("EXPIRE set 10");
    for (let i = 0; i < 50; i++) it.do(`SET k${i} v EX 1000`);
    const value = it.database(0).arena.objects.get(0);
    if (value instanceof Uint8Array) throw new Error("the set is no table");
    const frozen = value.freeze();
    const before = it.engine.context.memory.bytes;
    allow(it, -1000);
    expect(it.do("DBSIZE")).toBe(50);
    expect(it.engine.context.memory.bytes).toBeGreaterThan(before - 1000);
    expect(it.engine.memory.notCountedBytes).toBeGreaterThan(100_000);
    frozen.thaw();
    expect(it.engine.memory.notCountedBytes).toBe(0);
    it.do("CONFIG", "SET", "maxmemory", "10kb");
    it.do("PING");
    expect(it.engine.context.memory.bytes).toBeLessThan(before - 100_000);
  });

  test("a value that a snapshot still reads of an emptied database makes no room", () => {
    const it = limited("noeviction");
    it.do("SADD", "set", ...Array.from({ length: 5000 }, (_, i) => `member:${i}`));
    const value = it.database(0).arena.objects.get(0);
    if (value instanceof Uint8Array) throw new Error("the set is no table");
    const frozen = value.freeze();
    it.do("DEL set");
    it.do("FLUSHALL");
    expect(it.engine.memory.notCountedBytes).toBe(0);
    expect(it.engine.memory.countedBytes()).toBeGreaterThan(0);
    const before = it.engine.memory.countedBytes();
    frozen.thaw();
    while (!it.engine.context.reclaimer.isEmpty) it.engine.context.reclaimer.run(1000);
    expect(it.engine.memory.notCountedBytes).toBe(0);
    expect(it.engine.memory.countedBytes()).toBe(before);
  });

  test("nothing goes while it must stay", () => {
    const it = limited("allkeys-lru");
    it.do("SET a 1");
    it.do("CLIENT PAUSE 1000 WRITE");
    it.do("CONFIG SET maxmemory 1");
    expect(it.do("GET a")).toBe("1");
    it.do("CLIENT UNPAUSE");
    expect(it.do("GET a")).toBeNull();
  });

  test("memory is below the limit again after every command", () => {
    for (const policy of ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-ttl"]) {
      const it = limited(policy);
      allow(it, 200_000);
      for (let i = 0; i < 5000; i++) {
        it.do("SET", `key:${i}`, "x".repeat(i % 300), "EX", "1000");
        it.engine.eviction.perform();
        if (isOver(it)) throw new Error("above the limit");
      }
      expect(it.engine.context.evictedKeys).toBeGreaterThan(1000);
    }
  });
});

describe("who hears of it", () => {
  test.each([
    ["no", "DEL"],
    ["yes", "UNLINK"],
  ])("lazyfree-lazy-eviction %s: each is propagated as %s, by itself", (setting, word) => {
    const it = limited("allkeys-lru");
    it.recordEffects();
    it.do("CONFIG", "SET", "lazyfree-lazy-eviction", setting);
    it.do("SET a 1");
    it.do("SELECT 2");
    it.do("SET b 2");
    it.do("CONFIG SET maxmemory 1");
    it.effects();
    expect(said(it, "SET c 3")).toContain(OOM);
    expect(it.effects().toSorted()).toEqual([`0: ${word} a`, `2: ${word} b`]);
    expect(it.engine.dirty).toBe(2);
  });

  test("what is evicted before a command stands before its effect", () => {
    const it = limited("allkeys-lru");
    it.recordEffects();
    it.do("SET", "a", "x".repeat(1000));
    allow(it, 500);
    it.do("SET", "b", "x".repeat(1000));
    it.do("SET c 1");
    const begun = it.effects().map((line) => line.slice(0, 8).replace(/(?<=DEL )[ab]/, "?"));
    expect(begun).toEqual(["0: SET a", "0: SET b", "0: DEL ?", "0: SET c"]);
  });

  test("who tracks it hears of it before the reply to the command that caused it", () => {
    const bench = new Bench();
    applySettings(bench.engine);
    const client = bench.connect();
    client.do("HELLO 3");
    client.do("CLIENT TRACKING on");
    client.do("SET a 1");
    client.do("GET a");
    client.do("CONFIG SET maxmemory-policy allkeys-random");
    client.do("CONFIG SET maxmemory 1");
    expect(client.do("PING")).toBe(">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n+PONG\r\n");
    expect(client.take()).toBe("");
  });

  test("a watched key that is evicted has changed", () => {
    const it = limited("allkeys-random");
    it.do("SET a 1");
    it.do("WATCH a");
    it.do("CONFIG SET maxmemory 1");
    it.do("PING");
    it.do("CONFIG SET maxmemory 0");
    it.do("MULTI");
    it.do("PING");
    expect(it.do("EXEC")).toBeNull();
  });
});

describe("transactions", () => {
  function bench(): Bench {
    const made = new Bench();
    applySettings(made.engine);
    return made;
  }

  test("nothing can be queued while there is no room", () => {
    const client = bench().connect();
    client.do("CONFIG SET maxmemory 1");
    client.do("MULTI");
    expect(client.do("PING")).toBe(`-${OOM}\r\n`);
    expect(client.do("EXEC")).toContain("EXECABORT");
    client.do("MULTI");
    expect(client.do("DISCARD")).toBe("+OK\r\n");
  });

  test.each([
    ["SET a 1", `-EXECABORT Transaction discarded because of: ${OOM}\r\n`],
    ["GET a", "*1\r\n$-1\r\n"],
  ])("EXEC of %s that was queued before", (line, reply) => {
    const made = bench();
    const client = made.connect();
    client.do("MULTI");
    client.do(line);
    made.connect().do("CONFIG SET maxmemory 1");
    expect(client.do("EXEC")).toBe(reply);
  });

  test("what EXEC adds goes before the next command, not in between", () => {
    const made = bench();
    const client = made.connect();
    made.recordEffects();
    client.do("CONFIG SET maxmemory-policy allkeys-lru");
    client.do("MULTI");
    client.do("INCR x");
    client.do("CONFIG SET maxmemory 1");
    client.do("INCR x");
    expect(client.do("EXEC")).toBe("*3\r\n:1\r\n+OK\r\n:2\r\n");
    expect(client.do("DBSIZE")).toBe(":0\r\n");
    expect(made.effects()).toEqual(["0: MULTI", "0: INCR x", "0: INCR x", "0: EXEC", "0: DEL x"]);
  });
});

describe("time", () => {
  test("the limit of time follows tenacity", () => {
    expect([0, 1, 10, 11, 50, 99, 100].map(timeLimitUs)).toEqual([
      0,
      50,
      500,
      575,
      Math.floor(500 * 1.15 ** 40),
      Math.floor(500 * 1.15 ** 89),
      Infinity,
    ]);
  });

  test("a lowered limit is reached in slices, and commands run meanwhile", () => {
    const it = limited("allkeys-lru");
    for (let i = 0; i < 1000; i++) it.do(`SET k${i} v`);
    let slices = 0;
    it.engine.eviction.requestSlice = () => slices++;
    it.do("CONFIG SET maxmemory-eviction-tenacity 0");
    it.do("CONFIG SET maxmemory 1");
    expect(slices).toBe(1);
    expect(it.do("SET new 1")).toBe("OK");
    expect(it.do("DBSIZE")).toBe(1001 - 32);
    expect(slices).toBe(3);
    expect(it.engine.eviction.currentExceededUs).toBe(0);
    it.pass(5);
    expect(it.engine.eviction.currentExceededUs).toBe(5000);
    for (let i = 0; i < 100; i++) it.engine.eviction.perform();
    expect(it.do("DBSIZE")).toBe(0);
    it.do("CONFIG SET maxmemory 0");
    it.engine.eviction.perform();
    expect(it.engine.eviction.currentExceededUs).toBe(0);
    expect(it.engine.eviction.totalExceededUs).toBe(5000);
    it.do("CONFIG RESETSTAT");
    expect(it.engine.eviction.totalExceededUs).toBe(0);
  });

  test("what grows goes at once, however little time there is", () => {
    const it = limited("allkeys-lru");
    it.do("CONFIG SET maxmemory-eviction-tenacity 0");
    for (let i = 0; i < 2000; i++) it.do(`SET k${i} v`);
    allow(it, 0);
    it.do("SETRANGE large 50000 x");
    it.do("PING");
    expect(isOver(it)).toBe(false);
  });
});

function dumpOf(it: LocalEngine): Uint8Array {
  it.do("SET x v");
  const dump = it.dump("x");
  it.do("DEL x");
  if (dump === null) throw new Error("no dump");
  return dump;
}
