/**
 * Every form that a value may have in a file, those of old servers put together by hand: what
 * becomes of it, in which encoding, and what of it is refused.
 */
import { describe, expect, test } from "bun:test";
import * as rdb from "../../../src/rdb/rdb-types.ts";
import { LocalEngine } from "../../support/local-engine.ts";
import { ReplyError, type ReplyValue } from "../../support/resp-client.ts";
import {
  double,
  dumpPayload,
  integer,
  intset,
  type Item,
  join,
  length,
  listpack,
  little,
  streamId,
  string,
  ziplist,
  zipmap,
} from "../../support/rdb-bytes.ts";

const BAD = new ReplyError("ERR Bad data format");
const BIG = 9_223_372_036_854_775_807n;
/** Every width of an integer, at its limits. */
const INTEGERS = [0, 12, 13, -1, 127, -128, 32767, -32768, 8388607, -8388608, 2 ** 31 - 1];
const WIDE: Item[] = [-(2 ** 31), 2 ** 31, 4095, -4096, 4096, BIG, -BIG - 1n];
const TEXTS: Item[] = ["", "a", "x".repeat(63), "y".repeat(64), "z".repeat(300), "w".repeat(17000)];
const ITEMS: Item[] = [...INTEGERS, ...WIDE, ...TEXTS];

function restored(type: number, value: Uint8Array, ...directives: string[]): LocalEngine {
  const engine = new LocalEngine();
  for (const directive of directives) engine.do(`CONFIG SET ${directive}`);
  engine.engine.values.configure(engine.engine.config);
  expect(engine.do("RESTORE", "k", "0", dumpPayload(type, value, 12))).toBe("OK");
  return engine;
}

function show(type: number, value: Uint8Array, command: string, ...directives: string[]) {
  const engine = restored(type, value, ...directives);
  return { encoding: engine.do("OBJECT ENCODING k"), reply: engine.do(command) };
}

function expectRefused(type: number, value: Uint8Array): void {
  const engine = new LocalEngine();
  expect(engine.do("RESTORE", "k", "0", dumpPayload(type, value, 12))).toEqual(BAD);
  expect(engine.do("EXISTS k")).toBe(0);
}

const asTexts = (items: readonly Item[]): string[] => items.map(String);
const sorted = (reply: ReplyValue): string[] =>
  (Array.isArray(reply) ? reply : []).map(String).sort();

/** The bytes with one of them changed. */
function changed(bytes: Uint8Array, at: number, byte: number): Uint8Array {
  const copy = bytes.slice();
  copy[at < 0 ? copy.length + at : at] = byte;
  return copy;
}

describe("lists", () => {
  test("as single items", () => {
    const value = join(length(3), string("a"), integer(-7), string("b"));
    expect(show(rdb.RDB_LIST, value, "LRANGE k 0 -1")).toEqual({
      encoding: "listpack",
      reply: ["a", "-7", "b"],
    });
    const many = Array.from({ length: 5000 }, (_, i) => `item-${i}`);
    expect(show(rdb.RDB_LIST, join(length(5000), ...many.map(string)), "LRANGE k 0 -1")).toEqual({
      encoding: "quicklist",
      reply: many,
    });
  });

  test("as a ziplist, every kind of item", () => {
    const { reply } = show(rdb.RDB_LIST_ZIPLIST, string(ziplist(ITEMS)), "LRANGE k 0 -1");
    expect(reply).toEqual(asTexts(ITEMS));
  });

  test("as ziplists, empty ones among them", () => {
    const nodes = [ziplist(["a", 1]), ziplist([]), ziplist([2, "b"])];
    const value = join(length(3), ...nodes.map((node) => string(node)));
    expect(show(rdb.RDB_LIST_QUICKLIST, value, "LRANGE k 0 -1").reply).toEqual([
      "a",
      "1",
      "2",
      "b",
    ]);
  });

  test("as listpacks and plain nodes", () => {
    const plain = "plain".repeat(4000);
    const value = join(
      length(4),
      join(2, string(listpack(ITEMS))),
      join(2, string(listpack([]))),
      join(1, string(plain)),
      join(2, string(listpack(["tail"]))),
    );
    const { encoding, reply } = show(rdb.RDB_LIST_QUICKLIST_2, value, "LRANGE k 0 -1");
    expect(encoding).toBe("quicklist");
    expect(reply).toEqual([...asTexts(ITEMS), plain, "tail"]);
  });

  test("one listpack stays one while it is within the limits", () => {
    const value = join(length(1), 2, string(listpack(["a", 1, "b"])));
    const type = rdb.RDB_LIST_QUICKLIST_2;
    expect(show(type, value, "LRANGE k 0 -1").encoding).toBe("listpack");
    const few = show(type, value, "LRANGE k 0 -1", "list-max-listpack-size 2");
    expect(few).toEqual({ encoding: "quicklist", reply: ["a", "1", "b"] });
  });

  test("a huge listpack is divided", () => {
    const items = Array.from({ length: 30_000 }, (_, i) => `item-${i}`);
    const value = join(length(1), 2, string(listpack(items)));
    const engine = restored(rdb.RDB_LIST_QUICKLIST_2, value);
    expect(engine.do("LRANGE k 0 -1")).toEqual(items);
    expect(engine.do("LINDEX k 29999")).toBe("item-29999");
    expect(engine.do("LINSERT k BEFORE item-15000 new")).toBe(30_001);
  });

  test("what is damaged is refused", () => {
    const good = ziplist(["a", 300, "b"]);
    for (const bad of [
      changed(good, 0, good.length + 1),
      changed(good, 4, 10),
      changed(good, 8, 2),
      changed(good, 10, 1),
      changed(good, 11, 3),
      changed(good, 13, 4),
      changed(good, 14, 0xff),
      changed(good, -1, 0),
    ]) {
      expectRefused(rdb.RDB_LIST_ZIPLIST, string(bad));
      expectRefused(rdb.RDB_LIST_QUICKLIST, join(length(1), string(bad)));
    }
    expectRefused(rdb.RDB_LIST_QUICKLIST_2, join(length(1), 3, string("a")));
    expectRefused(rdb.RDB_LIST_QUICKLIST_2, join(length(1), 1, string("")));
    for (const empty of [ziplist([])]) {
      expectRefused(rdb.RDB_LIST_ZIPLIST, string(empty));
    }
    expectRefused(rdb.RDB_LIST_QUICKLIST_2, join(length(1), 2, string(listpack([]))));
  });
});

describe("listpacks", () => {
  const type = rdb.RDB_LIST_QUICKLIST_2;
  const node = (bytes: Uint8Array): Uint8Array => join(length(1), 2, string(bytes));

  test("what is damaged is refused", () => {
    const good = listpack(["abc", 300, 5, "x".repeat(70)]);
    for (const bad of [
      changed(good, 0, good.length - 1),
      changed(good, 4, 3),
      changed(good, 6, 0x85),
      changed(good, 10, 3),
      changed(good, 11, 0xf5),
      changed(good, 15, 0xff),
      changed(good, -1, 0),
      good.slice(0, -1),
      join(good, 255),
    ]) {
      expectRefused(type, node(bad));
    }
  });

  test("items that we would write otherwise are written anew", () => {
    // As strings, though they read as integers; a count that is not said.
    const foreign = listpack(["5", "-70000", "9223372036854775807", "abc"]);
    const unsaid = changed(changed(listpack(["a", "b"]), 4, 255), 5, 255);
    const wide = join(little(13, 4), little(1, 2), 0xf2, 5, 0, 0, 4, 255);
    wide[0] = wide.length;
    const engine = restored(type, node(foreign));
    expect(engine.do("LPOS k 5")).toBe(0);
    expect(engine.do("LPOS k 9223372036854775807")).toBe(2);
    expect(restored(type, node(unsaid)).do("LLEN k")).toBe(2);
    expect(restored(type, node(wide)).do("LPOS k 5")).toBe(0);
    const hash = restored(rdb.RDB_HASH_LISTPACK, string(listpack(["1", "a", "b", "2"])));
    expect(hash.do("HGET k 1")).toBe("a");
    expect(hash.do("HINCRBY k b 1")).toBe(3);
    const set = restored(rdb.RDB_SET_LISTPACK, string(listpack(["1", "a"])));
    expect(set.do("SISMEMBER k 1")).toBe(1);
    expectRefused(rdb.RDB_SET_LISTPACK, string(listpack(["1", 1])));
    expectRefused(rdb.RDB_HASH_LISTPACK, string(listpack(["1", "a", 1, "b"])));
  });
});

describe("sets", () => {
  test("as single members", () => {
    const strings = join(length(3), string("a"), integer(5), string("c"));
    const { encoding, reply } = show(rdb.RDB_SET, strings, "SMEMBERS k");
    expect([encoding, sorted(reply)]).toEqual(["listpack", ["5", "a", "c"]]);
    const integers = join(length(2), integer(7), integer(5));
    expect(show(rdb.RDB_SET, integers, "SMEMBERS k")).toEqual({
      encoding: "intset",
      reply: ["5", "7"],
    });
    const many = Array.from({ length: 600 }, (_, i) => String(i));
    expect(show(rdb.RDB_SET, join(length(600), ...many.map(string)), "SCARD k")).toEqual({
      encoding: "hashtable",
      reply: 600,
    });
  });

  test("as intsets of every width", () => {
    for (const [width, values] of [
      [2, [-32768, -1, 0, 5, 32767]],
      [4, [-(2 ** 31), -1, 0, 5, 2 ** 31 - 1]],
      [8, [-BIG - 1n, -(2n ** 40n), -1n, 0n, 5n, BIG]],
    ] as const) {
      const value = string(intset(width, values));
      expect(show(rdb.RDB_SET_INTSET, value, "SMEMBERS k")).toEqual({
        encoding: "intset",
        reply: asTexts(values),
      });
      const large = show(rdb.RDB_SET_INTSET, value, "SMEMBERS k", "set-max-intset-entries 3");
      expect([large.encoding, sorted(large.reply)]).toEqual(["hashtable", asTexts(values).sort()]);
    }
  });

  test("as listpacks", () => {
    const value = string(listpack(["a", 5, "x".repeat(100)]));
    const small = show(rdb.RDB_SET_LISTPACK, value, "SMEMBERS k");
    expect([small.encoding, sorted(small.reply)]).toEqual([
      "listpack",
      ["5", "a", "x".repeat(100)],
    ]);
    const large = show(rdb.RDB_SET_LISTPACK, value, "SCARD k", "set-max-listpack-entries 2");
    expect(large).toEqual({ encoding: "hashtable", reply: 3 });
  });

  test("what is damaged is refused", () => {
    expectRefused(rdb.RDB_SET, length(0));
    expectRefused(rdb.RDB_SET, join(length(3), string("a"), string("b"), string("a")));
    expectRefused(rdb.RDB_SET, join(length(3), integer(1), integer(2), string("1")));
    expectRefused(rdb.RDB_SET, length(1_000_000_000));
    expectRefused(rdb.RDB_SET_INTSET, string(intset(2, [])));
    expectRefused(rdb.RDB_SET_INTSET, string(intset(2, [2, 1])));
    expectRefused(rdb.RDB_SET_INTSET, string(intset(2, [1, 1])));
    expectRefused(rdb.RDB_SET_INTSET, string(changed(intset(2, [1, 2]), 0, 3)));
    expectRefused(rdb.RDB_SET_INTSET, string(changed(intset(2, [1, 2]), 1, 1)));
    expectRefused(rdb.RDB_SET_INTSET, string(changed(intset(2, [1, 2]), 4, 3)));
    expectRefused(rdb.RDB_SET_LISTPACK, string(listpack(["a", "b", "a"])));
    const many = Array.from({ length: 50 }, (_, i) => `m${i}`);
    expectRefused(rdb.RDB_SET_LISTPACK, string(listpack([...many, "m7"])));
    expectRefused(rdb.RDB_SET_LISTPACK, string(listpack([])));
  });
});

describe("sorted sets", () => {
  const RANGE = "ZRANGE k 0 -1 WITHSCORES";

  test("with scores as text", () => {
    const value = join(length(3), string("a"), string("1.5"), string("b"), 255, string("c"), 254);
    expect(show(rdb.RDB_ZSET, value, RANGE)).toEqual({
      encoding: "listpack",
      reply: ["b", "-inf", "a", "1.5", "c", "inf"],
    });
  });

  test.each(["up", "down", "mixed"])("with binary scores, %s", (order) => {
    const pairs = Array.from(
      { length: 500 },
      (_, i) => [`m${String(i).padStart(3, "0")}`, i >> 2] as const,
    );
    if (order === "down") pairs.reverse();
    if (order === "mixed") pairs.sort(([a], [b]) => (a.at(-1) ?? "").localeCompare(b.at(-1) ?? ""));
    const parts = pairs.flatMap(([member, score]) => [string(member), double(score)]);
    const { encoding, reply } = show(rdb.RDB_ZSET_2, join(length(500), ...parts), "ZRANGE k 0 -1");
    expect(encoding).toBe("skiplist");
    expect(reply).toEqual(pairs.map(([member]) => member).sort());
  });

  test("as ziplists and listpacks", () => {
    const items = ["b", -3, "a", 1, "c", "1.5", 7, "inf"];
    const reply = ["b", "-3", "a", "1", "c", "1.5", "7", "inf"];
    const ordered = { encoding: "listpack", reply };
    expect(show(rdb.RDB_ZSET_ZIPLIST, string(ziplist(items)), RANGE)).toEqual(ordered);
    expect(show(rdb.RDB_ZSET_LISTPACK, string(listpack(items)), RANGE)).toEqual(ordered);
    const large = show(
      rdb.RDB_ZSET_LISTPACK,
      string(listpack(items)),
      RANGE,
      "zset-max-listpack-entries 3",
    );
    expect(large).toEqual({ encoding: "skiplist", reply });
  });

  test("a listpack that is not in order is put in order", () => {
    const items = ["b", 7, "a", 1, "d", 7, "c", "-1.5"];
    expect(show(rdb.RDB_ZSET_LISTPACK, string(listpack(items)), RANGE)).toEqual({
      encoding: "listpack",
      reply: ["c", "-1.5", "a", "1", "b", "7", "d", "7"],
    });
  });

  test("what is damaged is refused", () => {
    expectRefused(rdb.RDB_ZSET_2, length(0));
    expectRefused(rdb.RDB_ZSET_2, join(length(1), string("a"), double(NaN)));
    expectRefused(rdb.RDB_ZSET, join(length(1), string("a"), 253));
    expectRefused(rdb.RDB_ZSET, join(length(1), string("a"), string("x")));
    const twice = [string("a"), double(1), string("b"), double(2), string("a"), double(3)];
    expectRefused(rdb.RDB_ZSET_2, join(length(3), ...twice));
    for (const pack of [listpack, ziplist]) {
      const type = pack === ziplist ? rdb.RDB_ZSET_ZIPLIST : rdb.RDB_ZSET_LISTPACK;
      expectRefused(type, string(pack([])));
      expectRefused(type, string(pack(["a", 1, "b"])));
      expectRefused(type, string(pack(["a", 1, "a", 2])));
      expectRefused(type, string(pack(["a", "nan"])));
      expectRefused(type, string(pack(["a", "x".repeat(100)])));
    }
  });
});

describe("hashes", () => {
  test("as pairs", () => {
    const value = join(length(2), string("f"), string("v"), integer(1), integer(2));
    expect(show(rdb.RDB_HASH, value, "HGETALL k")).toEqual({
      encoding: "listpack",
      reply: ["f", "v", "1", "2"],
    });
    expect(show(rdb.RDB_HASH, value, "HLEN k", "hash-max-listpack-entries 1")).toEqual({
      encoding: "hashtable",
      reply: 2,
    });
    const long = join(length(2), string("f"), string("v"), string("g"), string("w".repeat(65)));
    const { encoding, reply } = show(rdb.RDB_HASH, long, "HMGET k f g");
    expect([encoding, reply]).toEqual(["hashtable", ["v", "w".repeat(65)]]);
  });

  test("as zipmaps", () => {
    const value = zipmap([
      ["f", "v"],
      ["", ""],
      ["g", "w".repeat(300)],
    ]);
    const { encoding, reply } = show(rdb.RDB_HASH_ZIPMAP, string(value), "HMGET k f g");
    expect([encoding, reply]).toEqual(["hashtable", ["v", "w".repeat(300)]]);
    expect(show(rdb.RDB_HASH_ZIPMAP, string(zipmap([["f", "v"]])), "HGETALL k")).toEqual({
      encoding: "listpack",
      reply: ["f", "v"],
    });
  });

  test("as ziplists and listpacks, whatever the length of a value", () => {
    const items = ["f", "x".repeat(100), 5, 6];
    const expected = { encoding: "listpack", reply: asTexts(items) };
    expect(show(rdb.RDB_HASH_ZIPLIST, string(ziplist(items)), "HGETALL k")).toEqual(expected);
    expect(show(rdb.RDB_HASH_LISTPACK, string(listpack(items)), "HGETALL k")).toEqual(expected);
    const limit = "hash-max-listpack-entries 1";
    for (const pack of [ziplist, listpack]) {
      const type = pack === ziplist ? rdb.RDB_HASH_ZIPLIST : rdb.RDB_HASH_LISTPACK;
      expect(show(type, string(pack(items)), "HLEN k", limit)).toEqual({
        encoding: "hashtable",
        reply: 2,
      });
    }
  });

  test("with fields that expire, in all four forms", () => {
    const whenMs = 1_700_000_900_000;
    const pair = (ahead: number, field: string, value: string): Uint8Array =>
      join(length(ahead), string(field), string(value));
    const count = length(3);
    const absolute = [pair(whenMs, "a", "1"), pair(0, "b", "2"), pair(whenMs + 50, "c", "3")];
    const relative = [pair(1, "a", "1"), pair(0, "b", "2"), pair(51, "c", "3")];
    const items = listpack(["a", 1, whenMs, "b", 2, 0, "c", 3, whenMs + 50]);
    for (const [type, value] of [
      [rdb.RDB_HASH_METADATA_PRE_GA, join(count, ...absolute)],
      [rdb.RDB_HASH_METADATA, join(little(whenMs, 8), count, ...relative)],
      [rdb.RDB_HASH_LISTPACK_EX_PRE_GA, string(items)],
      [rdb.RDB_HASH_LISTPACK_EX, join(little(whenMs, 8), string(items))],
    ] as const) {
      const engine = restored(type, value);
      expect(engine.do("HMGET k a b c")).toEqual(["1", "2", "3"]);
      const expiries = engine.do("HPEXPIRETIME k FIELDS 3 a b c");
      expect(expiries).toEqual([whenMs, -1, whenMs + 50]);
      engine.pass(whenMs - engine.clock.nowMs + 10);
      engine.expire();
      expect(engine.do("HMGET k a b c")).toEqual([null, "2", "3"]);
      expect(engine.do("HLEN k")).toBe(2);
    }
  });

  test("one of that form in which no field expires", () => {
    const value = join(little(2 ** 48 - 1, 8), length(1), length(0), string("a"), string("b"));
    expect(show(rdb.RDB_HASH_METADATA, value, "HGETALL k").reply).toEqual(["a", "b"]);
  });

  test("what is damaged is refused", () => {
    const pair = [string("a"), string("b")];
    expectRefused(rdb.RDB_HASH, length(0));
    expectRefused(rdb.RDB_HASH, join(length(2), ...pair, ...pair));
    expectRefused(rdb.RDB_HASH, join(length(200), ...pair, ...pair));
    expectRefused(rdb.RDB_HASH_ZIPMAP, string(zipmap([])));
    expectRefused(
      rdb.RDB_HASH_ZIPMAP,
      string(
        zipmap([
          ["a", "b"],
          ["a", "c"],
        ]),
      ),
    );
    const map = zipmap([["field", "value"]]);
    for (const bad of [
      changed(map, 0, 2),
      changed(map, 1, 30),
      changed(map, 7, 30),
      changed(map, 8, 9),
      changed(map, -1, 0),
      join(254, map.subarray(1, 3)),
    ]) {
      expectRefused(rdb.RDB_HASH_ZIPMAP, string(bad));
    }
    for (const pack of [listpack, ziplist]) {
      const type = pack === ziplist ? rdb.RDB_HASH_ZIPLIST : rdb.RDB_HASH_LISTPACK;
      expectRefused(type, string(pack([])));
      expectRefused(type, string(pack(["a", 1, "b"])));
      expectRefused(type, string(pack(["a", 1, "b", 2, "a", 3])));
    }
    const far = length(2 ** 50);
    expectRefused(rdb.RDB_HASH_METADATA_PRE_GA, join(length(1), far, ...pair));
    expectRefused(rdb.RDB_HASH_LISTPACK_EX_PRE_GA, string(listpack(["a", "b", -5])));
    expectRefused(rdb.RDB_HASH_LISTPACK_EX_PRE_GA, string(listpack(["a", "b"])));
    expectRefused(rdb.RDB_HASH_LISTPACK_EX_PRE_GA, string(listpack(["a", "b", "c"])));
  });
});

describe("streams", () => {
  /** Two entries under one master, the first of them deleted, and one with its own field. */
  const MASTER: Item[] = [2, 1, 1, "f", 0];
  const ENTRIES: Item[][] = [
    [3, 0, 0, "v0", 4],
    [2, 5, 0, "v1", 4],
    [0, 6, 2, 1, "g", "v2", 6],
  ];
  const NODE: readonly Item[] = MASTER.concat(...ENTRIES);
  const LAST_ID = join(length(106), length(2));
  const node = (items: readonly Item[]): Uint8Array =>
    join(length(1), string(streamId(100, 0)), string(listpack(items)));
  const head = join(node(NODE), length(2), LAST_ID);
  const added = join(length(105), length(0), length(100), length(0), length(3));
  const pending = (...ids: number[]): Uint8Array =>
    join(
      length(ids.length),
      ...ids.map((ms) => join(streamId(ms, 0), little(1_699_999_999_000, 8), length(2))),
    );
  const consumer = (name: string, times: number, ...ids: number[]): Uint8Array =>
    join(
      string(name),
      ...Array.from({ length: times }, (_, i) => little(1_699_999_990_000 + i, 8)),
      length(ids.length),
      ...ids.map((ms) => streamId(ms, 0)),
    );
  const group = (name: string, read: Uint8Array, ...rest: Uint8Array[]): Uint8Array =>
    join(string(name), length(105), length(0), read, ...rest);

  test("of all three versions", () => {
    const pairs = [
      ["105-0", ["f", "v1"]],
      ["106-2", ["g", "v2"]],
    ];
    const read = length(2);
    const tail = [pending(105, 106), length(2)];
    const groupOf = (times: number, entriesRead: Uint8Array): Uint8Array =>
      group("group", entriesRead, ...tail, consumer("a", times, 106), consumer("b", times, 105));
    const none = new Uint8Array();
    for (const [type, value] of [
      [rdb.RDB_STREAM_LISTPACKS, join(head, length(1), groupOf(1, none))],
      [rdb.RDB_STREAM_LISTPACKS_2, join(head, added, length(1), groupOf(1, read))],
      [rdb.RDB_STREAM_LISTPACKS_3, join(head, added, length(1), groupOf(2, read))],
    ] as const) {
      const engine = restored(type, value);
      expect(engine.do("XRANGE k - +")).toEqual(pairs);
      expect(engine.do("XREVRANGE k + -")).toEqual(pairs.toReversed());
      expect(engine.do("XPENDING k group - + 5")).toEqual([
        ["105-0", "b", 1000, 2],
        ["106-0", "a", 1000, 2],
      ]);
      const info = engine.do("XINFO CONSUMERS k group");
      const inactive = type === rdb.RDB_STREAM_LISTPACKS_3 ? 9999 : 10_000;
      expect(info).toEqual([
        ["name", "a", "pending", 1, "idle", 10_000, "inactive", inactive],
        ["name", "b", "pending", 1, "idle", 10_000, "inactive", inactive],
      ]);
      expect(engine.do("XADD k 107-0 f w")).toBe("107-0");
      expect(engine.do("XDEL k 105-0")).toBe(1);
      expect(engine.do("XLEN k")).toBe(2);
      expect(engine.do("XREADGROUP GROUP group a STREAMS k >")).toEqual([
        [
          "k",
          [
            ["106-2", ["g", "v2"]],
            ["107-0", ["f", "w"]],
          ],
        ],
      ]);
    }
  });

  test("counters beyond what a number can say", () => {
    const all = join(0x81, little(-1, 8));
    const value = join(
      join(length(0), length(0), all, all),
      join(length(0), length(0), length(0), length(0), all),
      join(length(1), group("g", all, pending(), length(0))),
    );
    const engine = restored(rdb.RDB_STREAM_LISTPACKS_2, value);
    const info = engine.do("XINFO STREAM k");
    expect(info).toContain("18446744073709551615-18446744073709551615");
    expect(engine.do("XINFO GROUPS k")).toEqual([
      ["name", "g", "consumers", 0, "pending", 0, "last-delivered-id", "105-0"].concat([
        "entries-read",
        null,
        "lag",
        null,
      ] as never[]),
    ]);
  });

  const refuse = (value: Uint8Array): void => expectRefused(rdb.RDB_STREAM_LISTPACKS, value);
  const withNode = (items: readonly Item[], count: number): Uint8Array =>
    join(node(items), length(count), LAST_ID, length(0));
  const withItem = (index: number, item: Item): Uint8Array => withNode(NODE.with(index, item), 2);

  test("nodes that are damaged are refused", () => {
    expect(restored(rdb.RDB_STREAM_LISTPACKS, withNode(NODE, 2)).do("XLEN k")).toBe(2);
    for (const index of [0, 1, 2, 4, 5, 6, 7, 9, 10, 14, 18, 21]) refuse(withItem(index, "x"));
    for (const [index, item] of [
      [0, 1],
      [1, 0],
      [2, 2],
      [2, -1],
      [4, 1],
      [5, 2],
      [5, 200],
      [5, 7],
      [9, 3],
      [11, 7],
      [14, 5],
      [18, 100],
      [21, 4],
    ] as const) {
      refuse(withItem(index, item));
    }
    refuse(withNode(NODE.slice(0, -1), 2));
    refuse(withNode([...NODE, 1], 2));
    refuse(withNode([], 0));
    refuse(withNode(NODE, 3));
    refuse(join(length(1), string("short"), string(listpack(NODE)), length(2), LAST_ID, length(0)));
    const twice = join(string(streamId(100, 0)), string(listpack(NODE)));
    refuse(join(length(2), twice, twice, length(4), LAST_ID, length(0)));
    refuse(join(node(NODE), length(2), length(105), length(9), length(0)));
  });

  test("groups that are damaged are refused", () => {
    const none = new Uint8Array();
    const refuseGroups = (...groups: Uint8Array[]): void =>
      refuse(join(head, length(groups.length), ...groups));
    const empty = group("g", none, pending(), length(0));
    refuseGroups(empty, empty);
    refuseGroups(group("g", none, pending(105), length(0)));
    refuseGroups(group("g", none, pending(105, 105), length(1), consumer("a", 1, 105)));
    refuseGroups(group("g", none, pending(106, 105), length(1), consumer("a", 1, 105, 106)));
    refuseGroups(group("g", none, pending(105), length(1), consumer("a", 1, 105, 105)));
    refuseGroups(group("g", none, pending(), length(1), consumer("a", 1, 105)));
    const same = consumer("a", 1);
    refuseGroups(group("g", none, pending(), length(2), same, same));
    const shared = [consumer("a", 1, 105), consumer("b", 1, 105)];
    refuseGroups(group("g", none, pending(105), length(2), ...shared));
    refuse(join(head, length(2 ** 40)));
    refuse(join(head, length(1), group("g", none, length(2 ** 30))));
  });
});

describe("what is no value", () => {
  test("types that there are not", () => {
    for (const type of [8, 26, 100, rdb.OPCODE_AUX, rdb.OPCODE_EOF]) expectRefused(type, length(0));
  });

  test("modules' values", () => {
    expectRefused(rdb.RDB_MODULE_2, join(0x81, little(7, 8), 0));
    expectRefused(rdb.RDB_MODULE_PRE_GA, join(0x81, little(7, 8), 0));
  });
});
