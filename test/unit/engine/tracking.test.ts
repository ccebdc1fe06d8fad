/** Who is told of which keys; the order of replies and messages is in test/commands. */
import { expect, test } from "bun:test";
import { applySettings } from "../../../src/engine/settings.ts";
import { Bench, bulk, type Client } from "../../support/engine-bench.ts";

const OK = "+OK\r\n";

function setUp(options = ""): { bench: Bench; reader: Client; writer: Client } {
  const bench = new Bench();
  const reader = connect3(bench);
  reader.do(`CLIENT TRACKING on ${options}`);
  return { bench, reader, writer: bench.connect() };
}

function connect3(bench: Bench): Client {
  const client = bench.connect();
  client.session.resp = 3;
  return client;
}

function invalidate(...keys: string[]): string {
  return `>2\r\n${bulk("invalidate")}*${keys.length}\r\n${keys.map(bulk).join("")}`;
}

function counts({ engine }: Bench): number[] {
  const { tracking } = engine;
  return [tracking.clientCount, tracking.keyCount, tracking.itemCount, tracking.prefixCount];
}

test("nobody listens to changes before somebody tracks, nor after the last has gone", () => {
  const bench = new Bench();
  const [one, two, writer] = [connect3(bench), connect3(bench), bench.connect()];
  expect(bench.engine.watchesKeys).toBe(false);
  one.do("CLIENT TRACKING on");
  two.do("CLIENT TRACKING on BCAST PREFIX x PREFIX y");
  one.do("MGET a b");
  expect(counts(bench)).toEqual([2, 2, 2, 2]);
  two.close();
  expect(counts(bench)).toEqual([1, 2, 2, 0]);
  one.do("CLIENT TRACKING off");
  expect(counts(bench)).toEqual([0, 2, 2, 0]);
  // Should it track again, it hears of what it has read before.
  writer.do("SET a 1");
  one.do("CLIENT TRACKING on");
  writer.do("SET b 1");
  expect(one.take()).toBe(invalidate("b"));
  one.do("GET b");
  one.close();
  expect(counts(bench)).toEqual([0, 0, 0, 0]);
  expect(bench.engine.watchesKeys).toBe(false);
});

test("clients that are gone stay in the table of those who are not", () => {
  const { bench, reader, writer } = setUp();
  const other = connect3(bench);
  other.do("CLIENT TRACKING on");
  reader.do("MGET a b");
  other.do("MGET b c");
  other.close();
  expect(counts(bench)).toEqual([1, 3, 4, 0]);
  writer.do("MSET a 1 b 1 c 1");
  expect(reader.take()).toBe(invalidate("a") + invalidate("b"));
  expect(counts(bench)).toEqual([1, 0, 0, 0]);
});

test("what WATCH forgets while it is told of a change does not keep others from it", () => {
  const { reader, writer } = setUp();
  const { bench } = setUp();
  const watching = bench.connect();
  const tracking = connect3(bench);
  watching.do("WATCH k");
  tracking.do("CLIENT TRACKING on");
  tracking.do("GET k");
  bench.connect().do("SET k v");
  expect(tracking.take()).toBe(invalidate("k"));
  reader.do("GET k");
  writer.do("SET k v");
  expect(reader.take()).toBe(invalidate("k"));
});

test("only commands that read are remembered, with all their keys", () => {
  const { bench, reader, writer } = setUp();
  reader.do("SET a 1");
  reader.do("GETSET a 2");
  reader.do("EXPIRE a 100");
  reader.do("PING");
  expect(bench.engine.tracking.keyCount).toBe(0);
  reader.do("SINTERCARD 2 s1 s2");
  reader.do("EXISTS e1 e2 e1");
  reader.do("SORT_RO l");
  reader.do("GET wrong number");
  expect(counts(bench)).toEqual([1, 5, 5, 0]);
  writer.do("SADD s2 m");
  expect(reader.take()).toBe(invalidate("s2"));
});

test("NOLOOP in BCAST: whoever changed a key last counts", () => {
  const { bench, reader, writer } = setUp("BCAST NOLOOP");
  reader.do("SET mine 1");
  reader.do("SET both 1");
  writer.do("SET both 1");
  writer.do("SET theirs 1");
  reader.do("SET theirs 1");
  bench.engine.tracking.broadcast();
  expect(reader.take()).toBe(invalidate("both"));
  reader.do("SET mine 1");
  bench.engine.tracking.broadcast();
  expect(reader.take()).toBe("");
  reader.do("SET e 1 PX 10");
  bench.clock.advance(11);
  reader.do("GET e");
  bench.engine.tracking.broadcast();
  expect(reader.take()).toBe(invalidate("e"));
});

test("a broadcast is asked for when a followed key changes, and tells each key once", () => {
  const { bench, reader, writer } = setUp("BCAST PREFIX b: PREFIX a:");
  let asked = 0;
  bench.engine.tracking.requestBroadcast = () => asked++;
  writer.do("SET c:1 1");
  expect(asked).toBe(0);
  for (const key of ["b:2", "a:1", "b:10", "b:2", "b", "a:\\xff"]) writer.do(`SET "${key}" 1`);
  expect(asked).toBeGreaterThan(0);
  expect(reader.take()).toBe("");
  bench.engine.tracking.broadcast();
  expect(reader.take()).toBe(invalidate("a:1", "a:\xff") + invalidate("b:10", "b:2"));
  bench.engine.tracking.broadcast();
  expect(reader.take()).toBe("");
});

test("a prefix without followers is forgotten with its changes", () => {
  const { bench, reader, writer } = setUp("BCAST PREFIX a");
  writer.do("SET a 1");
  reader.do("CLIENT TRACKING off");
  expect(bench.engine.tracking.prefixCount).toBe(0);
  reader.do("CLIENT TRACKING on BCAST PREFIX a");
  bench.engine.tracking.broadcast();
  expect(reader.take()).toBe("");
});

test("OPTIN holds for all of a transaction, and a refused one uses it up", () => {
  const { bench, reader } = setUp("OPTIN");
  for (const line of ["CLIENT CACHING yes", "MULTI", "GET a", "GET b", "EXEC", "GET c"]) {
    reader.do(line);
  }
  expect(bench.engine.tracking.keyCount).toBe(2);
  for (const line of ["CLIENT CACHING yes", "MULTI", "NOSUCH", "GET d", "EXEC", "GET e"]) {
    reader.do(line);
  }
  expect(bench.engine.tracking.keyCount).toBe(2);
  expect(reader.session.tracking?.isCaching).toBe(false);
  for (const line of ["MULTI", "GET x", "CLIENT CACHING yes", "GET y", "EXEC", "GET z"]) {
    reader.do(line);
  }
  expect(bench.engine.tracking.keyCount).toBe(3);
});

test("a request that blocks keeps CLIENT CACHING until it is over", () => {
  const { bench, reader, writer } = setUp("OPTIN");
  reader.do("CLIENT CACHING yes");
  reader.do("FOLLOW k $ 0");
  expect(reader.isBlocked).toBe(true);
  expect(reader.session.tracking?.isCaching).toBe(true);
  writer.do("SET k v");
  expect(reader.isBlocked).toBe(false);
  expect(reader.session.tracking?.isCaching).toBe(false);
  expect(bench.engine.tracking.clientCount).toBe(1);
});

test("keys beyond the limit are forgotten, ever more at a time while it does not suffice", () => {
  const { bench, reader, writer } = setUp();
  const { engine } = bench;
  applySettings(engine);
  writer.do("CONFIG SET tracking-table-max-keys 2000");
  const told = (): number => reader.take().split("invalidate").length - 1;
  reader.do(`EXISTS ${Array.from({ length: 2000 }, (_, i) => `k${i}`).join(" ")}`);
  writer.do("PING");
  expect([engine.tracking.keyCount, told()]).toEqual([2000, 0]);
  writer.do("CONFIG SET tracking-table-max-keys 1000");
  const rounds: number[] = [];
  for (let i = 0; i < 5; i++) {
    engine.tracking.limit();
    rounds.push(told());
  }
  expect(rounds).toEqual([100, 200, 300, 400, 0]);
  reader.do("GET another");
  // The next command, whoever's, makes room first; a second one finds nothing to do.
  expect(writer.do("PING")).toBe("+PONG\r\n");
  expect(told()).toBe(1);
  expect(writer.do("PING")).toBe("+PONG\r\n");
  expect([engine.tracking.keyCount, told()]).toEqual([1000, 0]);
  writer.do("CONFIG SET tracking-table-max-keys 0");
  reader.do("GET unlimited");
  writer.do("PING");
  expect([engine.tracking.keyCount, told()]).toEqual([1001, 0]);
});

test("without anybody who tracks there is no limit", () => {
  const { bench, reader, writer } = setUp();
  applySettings(bench.engine);
  writer.do("CONFIG SET tracking-table-max-keys 1");
  reader.do("MGET a b c");
  reader.do("CLIENT TRACKING off");
  const { keyCount } = bench.engine.tracking;
  writer.do("PING");
  expect(bench.engine.tracking.keyCount).toBe(keyCount);
  reader.do("CLIENT TRACKING on");
  writer.do("PING");
  expect(bench.engine.tracking.keyCount).toBe(1);
});

test("redirected messages, and a client that redirects to one that is gone", () => {
  const { bench, reader, writer } = setUp();
  const target = connect3(bench);
  const old = bench.connect();
  reader.do(`CLIENT TRACKING on REDIRECT ${target.session.id}`);
  old.do(`CLIENT TRACKING on REDIRECT ${target.session.id}`);
  for (const client of [reader, old]) client.do("MGET a b");
  writer.do("SET a 1");
  expect([reader.take(), old.take()]).toEqual(["", ""]);
  expect(target.take()).toBe(invalidate("a") + invalidate("a"));
  target.close();
  writer.do("SET b 1");
  const broken = `>2\r\n${bulk("tracking-redir-broken")}:${target.session.id}\r\n`;
  expect([reader.take(), old.take()]).toEqual([broken, ""]);
  expect([reader, old].map((client) => client.session.tracking?.isRedirectBroken)).toEqual([
    true,
    true,
  ]);
  expect(reader.do("CLIENT TRACKING on")).toBe(OK);
  expect(reader.session.tracking?.isRedirectBroken).toBe(false);
});

test("CLIENT LIST shows who tracks, and how", () => {
  const { bench, reader, writer } = setUp("BCAST");
  const lineOf = (client: Client): string => {
    const line = writer.do(`CLIENT LIST ID ${client.session.id}`);
    const [, flags] = / flags=(\S+) /.exec(line) ?? [];
    const [, redirection] = / redir=(\S+) /.exec(line) ?? [];
    return `${flags} ${redirection}`;
  };
  const target = bench.connect();
  const redirecting = bench.connect();
  redirecting.do(`CLIENT TRACKING on REDIRECT ${target.session.id}`);
  redirecting.do("GET k");
  expect([reader, target, redirecting].map(lineOf)).toEqual([
    "tB 0",
    "N -1",
    `t ${target.session.id}`,
  ]);
  target.close();
  writer.do("SET k v");
  expect(lineOf(redirecting)).toBe(`tR ${target.session.id}`);
});
