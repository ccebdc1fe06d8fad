/** Values of every type as files hold them, old forms and new, from which a fuzzer departs. */
import { DumpEncoder } from "../../src/rdb/dump-payload.ts";
import * as rdb from "../../src/rdb/rdb-types.ts";
import { LocalEngine } from "../support/local-engine.ts";
import { ReplyError } from "../support/resp-client.ts";
import {
  double,
  integer,
  intset,
  join,
  length,
  listpack,
  literalLzf,
  little,
  string,
  ziplist,
  zipmap,
} from "../support/rdb-bytes.ts";

export interface Sample {
  readonly type: number;
  readonly value: Uint8Array;
}

const many = Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? String(i * 977) : `item-${i}`));
const EXPIRY_MS = 1_700_000_500_000;

const BUILT: readonly (readonly [number, Uint8Array])[] = [
  [rdb.RDB_STRING, string("hello")],
  [rdb.RDB_STRING, integer(-70000)],
  [rdb.RDB_STRING, literalLzf("hello".repeat(20))],
  [rdb.RDB_LIST, join(length(3), string("a"), integer(5), string("c".repeat(100)))],
  [rdb.RDB_SET, join(length(3), string("a"), integer(5), string("b"))],
  [rdb.RDB_SET, join(length(3), integer(-3), integer(5), integer(70000))],
  [rdb.RDB_ZSET, join(length(3), string("a"), string("1.5"), string("b"), 254, string("c"), 255)],
  [rdb.RDB_ZSET_2, join(length(2), string("b"), double(2), string("a"), double(-Infinity))],
  [rdb.RDB_HASH, join(length(2), string("f"), string("v"), integer(1), string("w"))],
  [
    rdb.RDB_HASH_ZIPMAP,
    string(
      zipmap([
        ["f", "v"],
        ["g", "w".repeat(300)],
      ]),
    ),
  ],
  [rdb.RDB_LIST_ZIPLIST, string(ziplist(["a", 1, -200, 40000, 10n ** 12n, "x".repeat(300), 7]))],
  [rdb.RDB_SET_INTSET, string(intset(2, [-5, 1, 2, 30000]))],
  [rdb.RDB_SET_INTSET, string(intset(8, [-(2n ** 40n), 1, 2n ** 41n]))],
  [rdb.RDB_ZSET_ZIPLIST, string(ziplist(["a", 1, "b", "1.5", 5, 9]))],
  [rdb.RDB_HASH_ZIPLIST, string(ziplist(["a", 1, "b", "x".repeat(70), 5, 9]))],
  [rdb.RDB_LIST_QUICKLIST, join(length(2), string(ziplist(["a", 1])), string(ziplist([2, "b"])))],
  [rdb.RDB_HASH_LISTPACK, string(listpack(["a", 1, "b", "x".repeat(70), 5, 9]))],
  [rdb.RDB_ZSET_LISTPACK, string(listpack(["b", -3, "a", 1, "c", "1.5", "d", 9]))],
  [rdb.RDB_SET_LISTPACK, string(listpack(["b", -3, "a", 1, "c".repeat(70)]))],
  [
    rdb.RDB_LIST_QUICKLIST_2,
    join(
      length(3),
      join(rdb.NODE_PACKED, string(listpack(many))),
      join(rdb.NODE_PLAIN, string("plain".repeat(50))),
      join(rdb.NODE_PACKED, string(listpack(["a", 5000]))),
    ),
  ],
  [
    rdb.RDB_HASH_METADATA_PRE_GA,
    join(
      length(2),
      length(EXPIRY_MS),
      string("a"),
      string("b"),
      length(0),
      string("c"),
      integer(1),
    ),
  ],
  [
    rdb.RDB_HASH_METADATA,
    join(
      little(EXPIRY_MS, 8),
      join(length(2), length(1), string("a"), string("b"), length(0), string("c"), integer(1)),
    ),
  ],
  [
    rdb.RDB_HASH_LISTPACK_EX,
    join(little(EXPIRY_MS, 8), string(listpack(["a", "b", EXPIRY_MS, "c", "d", 0]))),
  ],
];

/** Commands whose keys are dumped. */
const COMMANDS: readonly (readonly string[])[] = [
  ["SET", "long", "abc".repeat(200)],
  ["RPUSH", "list", ...many, "x".repeat(3000), ...many],
  ["SADD", "set", ...many, ...Array.from({ length: 130 }, (_, i) => `m${i}`)],
  ["SADD", "small-set", "a", "b", "c"],
  ["SADD", "integers", "1", "-2", "70000"],
  ["ZADD", "zset", "1", "a", "2.5", "b", "-inf", "c"],
  ["ZADD", "large-zset", ...Array.from({ length: 140 }, (_, i) => [String(i % 9), `m${i}`]).flat()],
  ["HSET", "hash", "f", "v", "1", "2"],
  ["HSET", "large-hash", "f".repeat(70), "v", "g", "w"],
  ["HSET", "expiring", "a", "1", "b", "2", "c", "3"],
  ["HPEXPIREAT", "expiring", String(EXPIRY_MS), "FIELDS", "2", "a", "b"],
  ...Array.from({ length: 6 }, (_, i) => ["XADD", "stream", `${i + 1}-1`, "f", `v${i}`, "g", "w"]),
  ["XADD", "stream", "9-1", "h", "x"],
  ["XDEL", "stream", "2-1"],
  ["XGROUP", "CREATE", "stream", "group", "0"],
  ["XREADGROUP", "GROUP", "group", "alice", "COUNT", "3", "STREAMS", "stream", ">"],
  ["XREADGROUP", "GROUP", "group", "bob", "COUNT", "1", "STREAMS", "stream", ">"],
  ["CONFIG", "SET", "stream-node-max-entries", "2"],
  ...Array.from({ length: 5 }, (_, i) => ["XADD", "nodes", `${i + 1}-1`, "f", `v${i}`]),
  ["XGROUP", "CREATE", "empty", "group", "$", "MKSTREAM"],
];

export function samples(): Sample[] {
  const found: Sample[] = BUILT.map(([type, value]) => ({ type, value }));
  const { engine, ...local } = fill(new LocalEngine());
  const { arena } = local.database;
  const encoder = new DumpEncoder(engine.context);
  for (const key of local.keys) {
    const bytes = Buffer.from(key);
    const ref = local.database.peek(bytes, 0, bytes.length);
    for (const version of [10, 11] as const) {
      encoder.encode(arena, ref, version, version === 11);
      const [type] = encoder.bytes;
      found.push({ type, value: encoder.bytes.slice(1, encoder.length - 10) });
    }
  }
  return found;
}

function fill(local: LocalEngine): {
  engine: LocalEngine["engine"];
  database: ReturnType<LocalEngine["database"]>;
  keys: string[];
} {
  for (const command of COMMANDS) {
    const reply = local.do(...command);
    if (reply instanceof ReplyError) throw new Error(reply.message);
  }
  const keys = local.do("KEYS *");
  if (!Array.isArray(keys)) throw new Error("KEYS answers with an array");
  return { engine: local.engine, database: local.database(0), keys: keys.map(String) };
}
