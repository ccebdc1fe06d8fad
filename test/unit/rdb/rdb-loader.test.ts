/** Whole files: what is said beside the keys, how loading proceeds, and how it ends. */
import { describe, expect, test } from "bun:test";
import { datasetDigest } from "../../../src/keyspace/digest.ts";
import { RdbError } from "../../../src/rdb/rdb-error.ts";
import { type RdbLoadOptions, RdbLoader } from "../../../src/rdb/rdb-loader.ts";
import * as rdb from "../../../src/rdb/rdb-types.ts";
import { LocalEngine, START_MS } from "../../support/local-engine.ts";
import {
  big,
  double,
  integer,
  join,
  latin1,
  length,
  listpack,
  literalLzf,
  little,
  rdbFile,
  record,
  sourceOf,
  string,
  withChecksum,
} from "../../support/rdb-bytes.ts";

interface Loading {
  readonly engine: LocalEngine;
  readonly loader: RdbLoader;
  readonly warnings: string[];
}

function prepare(
  bytes: Uint8Array,
  options: Partial<RdbLoadOptions> = {},
  engine = new LocalEngine(),
  from = 0,
): Loading {
  const warnings: string[] = [];
  const { keyspace, values } = engine.engine;
  const loader = new RdbLoader(
    keyspace,
    sourceOf(bytes),
    {
      limits: values,
      checksums: true,
      keepsExpired: false,
      replaces: false,
      warn: (message) => warnings.push(message),
      ...options,
    },
    from,
  );
  return { engine, loader, warnings };
}

function load(...given: Parameters<typeof prepare>): Loading {
  const loading = prepare(...given);
  while (loading.loader.step(1000));
  return loading;
}

function expectRefusal(bytes: Uint8Array, message: string | RegExp, offset: number): void {
  try {
    load(bytes);
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    expect(error.message).toMatch(message);
    expect(error.offset).toBe(offset);
    return;
  }
  throw new Error("The file was accepted");
}

const HELLO = record(rdb.RDB_STRING, "k", string("hello"));
const HELLO_2 = record(rdb.RDB_STRING, "k2", string("hello"));
const expireMs = (whenMs: number | bigint): Uint8Array =>
  join(rdb.OPCODE_EXPIRE_MS, little(whenMs, 8));

describe("a file", () => {
  test("without keys, of every version", () => {
    for (let version = 1; version <= 12; version++) {
      const bytes = rdbFile(version);
      const { loader } = load(bytes);
      expect([loader.version, loader.position]).toEqual([version, bytes.length]);
    }
  });

  test("of no or another version is refused", () => {
    expectRefusal(latin1("REDIX0009"), "Wrong signature trying to load DB from file", 0);
    expectRefusal(rdbFile(13), "Can't handle RDB format version 13", 5);
    expectRefusal(rdbFile(0), "Can't handle RDB format version 0", 5);
    expectRefusal(latin1("REDIS00x9\xff"), "Can't handle RDB format version 0", 5);
    expectRefusal(latin1("REDIS00"), "Unexpected EOF reading RDB file", 0);
    expectRefusal(latin1(""), "Unexpected EOF reading RDB file", 0);
  });

  test("that is cut anywhere is refused", () => {
    const bytes = rdbFile(10, HELLO, expireMs(2 ** 45), record(rdb.RDB_SET, "s", join(1, 1, 97)));
    for (let size = 0; size < bytes.length; size++) {
      expect(() => load(bytes.subarray(0, size))).toThrow(RdbError);
    }
  });

  test("says things about itself", () => {
    const aux = (name: string, value: Uint8Array): Uint8Array =>
      join(rdb.OPCODE_AUX, string(name), value);
    const { loader } = load(
      rdbFile(11, aux("redis-ver", string("7.2.4")), aux("ctime", integer(1_700_000_000))),
    );
    expect([...loader.aux]).toEqual([
      ["redis-ver", "7.2.4"],
      ["ctime", "1700000000"],
    ]);
  });

  test("has keys in several databases", () => {
    const select = (index: number): Uint8Array => join(rdb.OPCODE_SELECT_DB, length(index));
    const sizes = join(rdb.OPCODE_RESIZE_DB, length(2 ** 40), length(3));
    const slot = join(rdb.OPCODE_SLOT_INFO, length(16000), length(1), length(0));
    const { engine, loader } = load(
      rdbFile(12, select(0), sizes, HELLO, select(7), slot, HELLO, select(15), HELLO),
    );
    expect(loader.keysLoaded).toBe(3);
    for (const index of [0, 7, 15]) expect(engine.database(index).size).toBe(1);
    expectRefusal(rdbFile(10, select(16)), /configured to handle more than 16 databases/, 11);
  });

  test("keeps libraries of functions, once each", () => {
    const library = join(rdb.OPCODE_FUNCTION2, string("#!lua name=mine"));
    const { engine } = load(rdbFile(10, library, HELLO, library));
    expect(engine.engine.context.functionLibraries).toEqual([latin1("#!lua name=mine")]);
  });

  test("with what can't be loaded is refused", () => {
    const id = big((1n << 58n) | (2n << 52n) | (62n << 16n) | 5n, 8);
    const aux = join(rdb.OPCODE_MODULE_AUX, 0x81, id, 2, 1);
    expectRefusal(rdbFile(10, aux), /AUX module data .* no matching module 'BCAAAAA-A'/, 9);
    const value = record(rdb.RDB_MODULE_2, "k", join(0x81, id));
    expectRefusal(rdbFile(10, value), /module data .* no matching module type 'BCAAAAA-A'/, 12);
    expectRefusal(rdbFile(10, HELLO, record(99, "k", string("v"))), /encoding type 99/, 18);
    expectRefusal(rdbFile(10, join(rdb.OPCODE_FUNCTION_PRE_GA)), /release candidate/, 9);
  });
});

describe("keys", () => {
  test("of every kind of string, alone and many at once", () => {
    const records = [
      record(rdb.RDB_STRING, "plain", string("value")),
      record(rdb.RDB_STRING, "int8", integer(-7)),
      record(rdb.RDB_STRING, "int16", integer(3000)),
      record(rdb.RDB_STRING, "int32", integer(-(2 ** 31))),
      record(rdb.RDB_STRING, "int64", string("9223372036854775807")),
      record(rdb.RDB_STRING, "lzf", literalLzf("text ".repeat(50))),
      join(rdb.RDB_STRING, integer(12345), string("its key is an integer")),
      record(rdb.RDB_STRING, "", string("")),
      record(rdb.RDB_STRING, "k".repeat(5000), string("v".repeat(20000))),
      record(rdb.RDB_STRING, "large", string("0123456789".repeat(40_000))),
      ...Array.from({ length: 3000 }, (_, i) =>
        record(rdb.RDB_STRING, `key-${i}`, i % 2 === 0 ? integer(i) : string(`value-${i}`)),
      ),
      record(rdb.RDB_STRING, "last", string("1")),
    ];
    const { engine, loader } = load(rdbFile(10, ...records));
    expect(loader.keysLoaded).toBe(records.length);
    expect(engine.do("MGET plain int8 int16 int32 int64 12345 last")).toEqual([
      "value",
      "-7",
      "3000",
      "-2147483648",
      "9223372036854775807",
      "its key is an integer",
      "1",
    ]);
    expect(engine.do("OBJECT ENCODING int32")).toBe("int");
    expect(engine.do("OBJECT ENCODING int64")).toBe("int");
    expect(engine.do("GET lzf")).toBe("text ".repeat(50));
    expect(engine.do("GET", "k".repeat(5000))).toBe("v".repeat(20000));
    expect(engine.do("GET", "")).toBe("");
    expect(engine.do("GET large")).toBe("0123456789".repeat(40_000));
    for (let i = 0; i < 3000; i += 7) {
      expect(engine.do(`GET key-${i}`)).toBe(i % 2 === 0 ? String(i) : `value-${i}`);
    }
    expect(engine.database(0).size).toBe(records.length);
  });

  test("with strings of all lengths, as they are and compressed", () => {
    const text = "abcdefghijklmnopqrstuvwxyz-0123456789".repeat(40);
    const expected = new Map<string, string>();
    const records: Uint8Array[] = [];
    for (let size = 0; size < 1200; size += size < 150 ? 1 : 83) {
      for (const form of [string, literalLzf]) {
        if (form === literalLzf && size === 0) continue;
        const name = `${form.name}-${"k".repeat(size % 37)}-${size}`;
        const value = text.slice(size % 7, (size % 7) + size);
        expected.set(name, value);
        const expiry = size % 3 === 0 ? expireMs(START_MS + size + 1) : latin1("");
        records.push(join(expiry, record(rdb.RDB_STRING, name, form(value))));
      }
    }
    const { engine, loader } = load(rdbFile(10, ...records));
    expect(loader.keysLoaded).toBe(expected.size);
    for (const [name, value] of expected) {
      const size = value.length;
      expect(engine.do("GET", name)).toBe(value);
      expect(engine.do("PTTL", name)).toBe(size % 3 === 0 ? size + 1 : -1);
      expect(engine.do("OBJECT", "ENCODING", name)).toBe(size > 44 ? "raw" : "embstr");
    }
  });

  test("with a compressed string that is damaged are refused, those before it are there", () => {
    const damaged = literalLzf("text ".repeat(50));
    damaged[5] = 0xff;
    const bytes = rdbFile(10, HELLO, HELLO_2, record(rdb.RDB_STRING, "lzf", damaged));
    const { engine, loader } = prepare(bytes);
    expect(() => loader.step(1000)).toThrow("Invalid LZF compressed string");
    expect(engine.do("MGET k k2 lzf")).toEqual(["hello", "hello", null]);
  });

  test("that expire, and those that have", () => {
    const file = rdbFile(
      10,
      join(expireMs(START_MS + 5000), record(rdb.RDB_STRING, "soon", string("v"))),
      join(expireMs(START_MS - 1), record(rdb.RDB_STRING, "past", string("v"))),
      join(expireMs(START_MS), record(rdb.RDB_STRING, "now", string("v"))),
      join(expireMs(2n ** 62n), record(rdb.RDB_STRING, "never", string("v"))),
      join(expireMs(-5), record(rdb.RDB_STRING, "negative", string("v"))),
      join(
        rdb.OPCODE_EXPIRE_SECONDS,
        little(1_800_000_000, 4),
        record(rdb.RDB_STRING, "seconds", string("v")),
      ),
      join(expireMs(START_MS - 1), record(rdb.RDB_SET, "past-set", join(1, 1, 97))),
      join(expireMs(START_MS + 9000), record(rdb.RDB_SET, "set", join(1, 1, 97))),
      record(rdb.RDB_STRING, "stays", string("v")),
    );
    const { engine, loader } = load(file);
    expect([loader.keysLoaded, loader.keysExpired]).toEqual([6, 3]);
    expect(engine.do("PTTL soon")).toBe(5000);
    expect(engine.do("PTTL set")).toBe(9000);
    expect(engine.do("PEXPIRETIME never")).toBe(2n ** 62n);
    expect(engine.do("EXPIRETIME seconds")).toBe(1_800_000_000);
    expect(engine.do("TTL stays")).toBe(-1);
    expect(engine.do("EXISTS now")).toBe(1);

    const all = load(file, { keepsExpired: true });
    expect([all.loader.keysLoaded, all.loader.keysExpired]).toEqual([9, 0]);
    expect(all.engine.database(0).size).toBe(9);
    expect(all.engine.do("EXISTS past")).toBe(0);
  });

  test("that were idle for long", () => {
    const idle = join(rdb.OPCODE_IDLE, length(1000), HELLO);
    const frequent = join(rdb.OPCODE_FREQ, 77, record(rdb.RDB_STRING, "f", string("v")));
    const plain = record(rdb.RDB_STRING, "p", string("v"));
    const engine = new LocalEngine();
    engine.engine.context.access.setTime(START_MS);
    load(rdbFile(10, idle, frequent, plain), {}, engine);
    expect(engine.do("OBJECT IDLETIME k")).toBe(1000);
    expect(engine.do("OBJECT IDLETIME p")).toBe(0);
    const other = new LocalEngine();
    other.engine.context.access.usesLfu = true;
    other.engine.context.access.setTime(START_MS);
    load(rdbFile(10, idle, frequent, plain), {}, other);
    expect(other.do("OBJECT FREQ f")).toBe(77);
    expect(other.do("OBJECT FREQ p")).toBe(5);
  });

  test("that come twice are refused, unless they may replace", () => {
    const set = record(rdb.RDB_SET, "k", join(length(1), string("a")));
    for (const first of [HELLO, set]) {
      for (const second of [HELLO, set]) {
        const file = rdbFile(10, first, second);
        expect(() => load(file)).toThrow("RDB has duplicated key 'k' in DB 0");
        const { engine } = load(file, { replaces: true });
        expect(engine.do("TYPE k")).toBe(second === set ? "set" : "string");
        expect(engine.database(0).size).toBe(1);
      }
    }
  });

  test("of all kinds that come in one are loaded as those that come one by one", () => {
    const past = expireMs(START_MS - 1);
    const soon = expireMs(START_MS + 1000);
    const long = "an item that repeats ".repeat(10);
    const records = Array.from({ length: 4000 }, (_, i) => {
      const kinds = [
        record(rdb.RDB_SET, `s${i}`, join(length(2), string(`a${i}`), string("b"))),
        record(rdb.RDB_SET, `i${i}`, join(length(2), integer(i), integer(-i - 1))),
        record(rdb.RDB_LIST, `l${i}`, join(length(2), integer(i), literalLzf(long))),
        record(rdb.RDB_HASH, `h${i}`, join(length(1), string("f"), integer(i))),
        record(rdb.RDB_ZSET_2, `z${i}`, join(length(1), string("m"), double(i / 2))),
        record(rdb.RDB_HASH_LISTPACK, `p${i}`, literalLzf(listpack(["f", `value ${i}`]))),
        record(rdb.RDB_LIST_QUICKLIST_2, `q${i}`, join(1, 2, string(listpack(["x", `${i}`])))),
        record(rdb.RDB_SET, `e${i}`, length(0)),
        record(rdb.RDB_STRING, `t${i}`, string(long.slice(i % 80))),
        record(rdb.RDB_STRING, `n${i}`, integer(i)),
      ];
      return join(i % 7 === 0 ? past : i % 5 === 0 ? soon : latin1(""), kinds[i % kinds.length]);
    });
    const file = rdbFile(10, ...records);
    const contents = [1, 1000, 1 << 20].map((budgetBytes) => {
      const { engine, loader } = prepare(file);
      while (loader.step(budgetBytes));
      const { keysLoaded, keysExpired, emptyKeysSkipped } = loader;
      expect(keysLoaded + keysExpired + emptyKeysSkipped).toBe(records.length);
      expect(engine.do("SMEMBERS i1")).toEqual(["-2", "1"]);
      expect(engine.do("LRANGE l2 0 -1")).toEqual(["2", long]);
      expect(engine.do("HGETALL h3")).toEqual(["f", "3"]);
      expect(engine.do("ZRANGE z4 0 -1 WITHSCORES")).toEqual(["m", "2"]);
      expect(engine.do("HGETALL p5")).toEqual(["f", "value 5"]);
      expect(engine.do("LRANGE q6 0 -1")).toEqual(["x", "6"]);
      expect(engine.do("SMISMEMBER s10 a10 b c")).toEqual([1, 1, 0]);
      expect([engine.do("PTTL p15"), engine.do("PTTL s10")]).toEqual([1000, 1000]);
      return [keysLoaded, keysExpired, emptyKeysSkipped, datasetDigest(engine.engine.keyspace)];
    });
    expect(contents[1]).toEqual(contents[0]);
    expect(contents[2]).toEqual(contents[0]);
  });

  test("without elements are passed over, and named", () => {
    const empties = Array.from({ length: 12 }, (_, i) => record(rdb.RDB_SET, `e${i}`, length(0)));
    const packed = record(rdb.RDB_HASH_LISTPACK, "e", string(listpack([])));
    const { loader, engine, warnings } = load(rdbFile(10, packed, ...empties, HELLO));
    expect([loader.keysLoaded, loader.emptyKeysSkipped]).toEqual([1, 13]);
    expect(engine.do("KEYS *")).toEqual(["k"]);
    expect(warnings).toHaveLength(10);
    expect(warnings[0]).toBe("rdbLoadObject skipping empty key: e");
  });

  test("are no news, and no changes", () => {
    const engine = new LocalEngine();
    let heard = 0;
    engine.engine.context.onNew = () => heard++;
    const { mutations } = engine.engine.context;
    load(rdbFile(10, HELLO, record(rdb.RDB_SET, "s", join(1, 1, 97))), {}, engine);
    expect([heard, engine.engine.context.mutations]).toEqual([0, mutations]);
    engine.do("SET new v");
    expect(heard).toBe(1);
  });
});

describe("the checksum", () => {
  const file = rdbFile(10, HELLO);

  test("is verified", () => {
    const wrong = file.slice();
    wrong[14] ^= 1;
    expectRefusal(wrong, /^Wrong RDB checksum expected: \([0-9a-f]{16}\) but got/, file.length - 8);
    expect(load(wrong, { checksums: false }).loader.keysLoaded).toBe(1);
  });

  test("zero means that there is none", () => {
    const none = join(file.subarray(0, -8), new Uint8Array(8));
    expect(load(none).warnings).toEqual([
      "RDB file was saved with checksum disabled: no check performed.",
    ]);
  });

  test("ends the file, whatever follows and whatever came before", () => {
    const { loader, engine } = load(
      join(latin1("before"), file, latin1("*1\r\n$4\r\nPING\r\n")),
      {},
      new LocalEngine(),
      6,
    );
    expect(loader.position).toBe(6 + file.length);
    expect(loader.step(1)).toBe(false);
    expect(engine.do("GET k")).toBe("hello");
  });
});

test("a step loads about as much as it is told", () => {
  const records = Array.from({ length: 500 }, (_, i) =>
    record(rdb.RDB_SET, `key-${i}`, join(length(2), string("a"), string(`b-${i}`))),
  );
  const file = rdbFile(10, ...records);
  const { loader } = prepare(file);
  expect(loader.position).toBe(0);
  let steps = 0;
  let before = 0;
  while (loader.step(100)) {
    steps++;
    expect(loader.position - before).toBeLessThan(200);
    expect(loader.position - before).toBeGreaterThanOrEqual(100);
    before = loader.position;
  }
  expect(steps).toBeGreaterThan(file.length / 200);
  expect(loader.keysLoaded).toBe(500);
});

test("counts that promise more than there is cost nothing", () => {
  const huge = join(0x81, big(2n ** 52n, 8));
  for (const type of [rdb.RDB_LIST, rdb.RDB_SET, rdb.RDB_ZSET_2, rdb.RDB_HASH, rdb.RDB_STRING]) {
    expectRefusal(rdbFile(10, record(type, "k", huge)), /Unexpected EOF/, 12);
  }
  const scored = join(length(200), string("a"), double(1));
  expect(() => load(rdbFile(10, record(rdb.RDB_ZSET_2, "k", scored)))).toThrow("Unexpected EOF");
});

test("what an engine has dumped, a file brings back", () => {
  const engine = new LocalEngine();
  engine.do("SET s v");
  engine.do("RPUSH l a b 3");
  engine.do("SADD set a b");
  engine.do("HSET h f v");
  engine.do("ZADD z 1 a");
  engine.do("XADD x 1-1 f v");
  const records = ["s", "l", "set", "h", "z", "x"].map((key) => {
    const dump = engine.dump(key) ?? new Uint8Array();
    return record(dump[0], key, dump.subarray(1, -10));
  });
  const loaded = load(withChecksum(rdbFile(11, ...records)));
  expect(datasetDigest(loaded.engine.engine.keyspace)).toBe(datasetDigest(engine.engine.keyspace));
});
