/** What SORT … STORE tells those who watch keys, and INFO's counts of what it looked up. */
import { expect, test } from "bun:test";
import { textOf } from "../../../src/base/bytes.ts";
import { NOTIFY_GENERIC, NOTIFY_LIST } from "../../../src/engine/key-events.ts";
import { Bench, bulk } from "../../support/engine-bench.ts";

function setUp() {
  const bench = new Bench();
  const events: (string | number)[][] = [];
  bench.engine.watchKeys({
    keyChanged(_database, kind, event, bytes, start, length) {
      events.push([kind, event, textOf(bytes, start, length)]);
    },
  });
  return { bench, client: bench.connect(), take: () => events.splice(0) };
}

test("a result is stored with sortstore, an empty one deletes with del", () => {
  const { client, take } = setUp();
  client.do("RPUSH l 2 1");
  client.do("SET to string");
  take();
  expect(client.do("SORT l STORE to")).toBe(":2\r\n");
  expect(take()).toEqual([[NOTIFY_LIST, "sortstore", "to"]]);
  expect(client.do("SORT l STORE l")).toBe(":2\r\n");
  expect(take()).toEqual([[NOTIFY_LIST, "sortstore", "l"]]);
  expect(client.do("SORT l LIMIT 5 1 STORE to")).toBe(":0\r\n");
  expect(take()).toEqual([[NOTIFY_GENERIC, "del", "to"]]);
  expect(client.do("SORT l LIMIT 5 1 STORE to")).toBe(":0\r\n");
  expect(client.do("SORT l")).toBe(`*2\r\n${bulk("1")}${bulk("2")}`);
  expect(take()).toEqual([]);
});

test("every key that is looked up counts as a hit or a miss", () => {
  const { bench, client } = setUp();
  const { context } = bench.engine;
  client.do("RPUSH l 1 2 3");
  client.do("MSET w_1 1 w_2 2 v_1 one");
  context.resetStats();
  client.do("SORT l BY w_* GET v_* GET none GET #");
  expect([context.hits, context.misses]).toEqual([1 + 2 + 1, 1 + 2]);
  client.do("SORT missing BY w_*");
  client.do("SORT w_1");
  expect([context.hits, context.misses]).toEqual([5, 4]);
});

test("a key that a pattern finds expired leaves with a DEL of its own", () => {
  const { bench, client } = setUp();
  client.do("RPUSH l 1 2");
  client.do("SET w_1 3 PX 10");
  bench.recordEffects();
  bench.advance(11);
  client.do("SORT l BY w_*");
  expect(bench.effects()).toEqual(["0: DEL w_1"]);
});
