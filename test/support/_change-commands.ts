/**
 * Commands that change keys in every way there is: within a value, by replacing, renaming,
 * copying, moving and exchanging keys, by expiry, by emptying databases. A key of a type is its
 * letter and a number; number 0 is the huge one. Some commands are refused, as keys change their
 * types and members go; that is no harm.
 */
import type { Random } from "./random.ts";

export interface ChangeOptions {
  /** Keys of each type and database. */
  readonly keys: number;
  /** Elements of the huge value of each type. */
  readonly hugeSize: number;
  readonly databases: number;
  /** Whether fields of hashes expire, which redis-server 7.0 does not know. */
  readonly hasFieldExpiry: boolean;
}

export type ChangeEntry = readonly [weight: number, make: (r: Random) => (string | number)[]];

export const LETTERS = ["s", "l", "h", "t", "z", "x", "p"];

export function changeCommands(options: ChangeOptions): ChangeEntry[] {
  const key = (letter: string) => (r: Random) =>
    letter + (r.chance(0.4) ? 0 : r.below(options.keys));
  const element = (r: Random): string => elementOf(r.below(r.pick([60, options.hugeSize])));
  const some = (r: Random, most: number): string[] =>
    Array.from({ length: r.between(1, most) }, () => element(r));
  const words: Words = { key, element, some, options };
  return [
    ...onStrings(words),
    ...onLists(words),
    ...onHashes(words),
    ...onSets(words),
    ...onSortedSets(words),
    ...onStreams(words),
    ...onKeys(words),
  ];
}

/** Element number `i` of every collection. */
export function elementOf(i: number): string {
  return i % 3 === 0 ? String(i * 7919) : `element ${i}`;
}

interface Words {
  readonly key: (letter: string) => (r: Random) => string;
  readonly element: (r: Random) => string;
  readonly some: (r: Random, most: number) => string[];
  readonly options: ChangeOptions;
}

const index = (r: Random): number =>
  r.pick([0, -1, r.between(-300, 300), r.between(-20_000, 20_000)]);
const value = (r: Random): string =>
  r.chance(0.05) ? r.word(50).repeat(r.pick([10, 200, 2000])) : r.word(r.between(1, 70));
const score = (r: Random): string => r.pick(["inf", "-inf", "0.5", String(r.between(-1000, 1000))]);
const side = (r: Random): string => r.pick(["LEFT", "RIGHT"]);

function onStrings({ key }: Words): ChangeEntry[] {
  const string = key("s");
  const log = key("p");
  return [
    [6, (r) => ["SET", string(r), value(r), ...(r.chance(0.3) ? ["KEEPTTL"] : [])]],
    [3, (r) => ["APPEND", string(r), value(r)]],
    [3, (r) => ["SETRANGE", string(r), r.below(5000), value(r)]],
    [2, (r) => ["SETBIT", string(r), r.below(100_000), r.below(2)]],
    [2, (r) => ["BITFIELD", string(r), "SET", "u16", r.below(5000), r.below(65_536)]],
    [3, (r) => [r.pick(["INCR", "DECR"]), string(r)]],
    [1, (r) => ["INCRBYFLOAT", string(r), "1.5"]],
    [2, (r) => ["MSET", string(r), value(r), string(r), value(r)]],
    [1, (r) => ["GETDEL", string(r)]],
    [1, (r) => ["GETEX", string(r), ...r.pick([["PERSIST"], ["PXAT", LAST_MS + r.below(1e6)]])]],
    [1, (r) => ["BITOP", r.pick(["OR", "NOT", "XOR"]), string(r), string(r)]],
    [4, (r) => ["PFADD", log(r), value(r), value(r), value(r)]],
    [1, (r) => ["PFMERGE", log(r), log(r)]],
    [1, (r) => ["PFCOUNT", log(r)]],
  ];
}

function onLists({ key, element, some }: Words): ChangeEntry[] {
  const list = key("l");
  return [
    [8, (r) => [r.pick(["LPUSH", "RPUSH"]), list(r), ...some(r, 20)]],
    [1, (r) => [r.pick(["LPUSH", "RPUSH"]), list(r), value(r).repeat(r.pick([1, 300]))]],
    [5, (r) => [r.pick(["LPOP", "RPOP"]), list(r), r.pick([1, 5, 500])]],
    [5, (r) => ["LSET", list(r), index(r), value(r)]],
    [3, (r) => ["LINSERT", list(r), r.pick(["BEFORE", "AFTER"]), element(r), value(r)]],
    [3, (r) => ["LREM", list(r), r.between(-3, 3), element(r)]],
    [0.5, (r) => ["LTRIM", list(r), r.below(9), -r.below(300)]],
    [0.1, (r) => ["LTRIM", list(r), index(r), index(r)]],
    [4, (r) => ["LMOVE", list(r), list(r), side(r), side(r)]],
    [1, (r) => ["LMPOP", 2, list(r), list(r), side(r), "COUNT", r.pick([1, 9])]],
    [0.5, (r) => ["SORT", list(r), "ALPHA", "LIMIT", 0, 50, "STORE", list(r)]],
  ];
}

function onHashes({ key, element, some, options }: Words): ChangeEntry[] {
  const hash = key("h");
  const entries: ChangeEntry[] = [
    [8, (r) => ["HSET", hash(r), ...some(r, 12).flatMap((field) => [field, value(r)])]],
    [5, (r) => ["HDEL", hash(r), ...some(r, 20)]],
    [3, (r) => ["HINCRBY", hash(r), `counter ${r.below(20)}`, 3]],
    [1, (r) => ["HINCRBYFLOAT", hash(r), `float ${r.below(20)}`, "0.25"]],
    [1, (r) => ["HSETNX", hash(r), element(r), value(r)]],
  ];
  if (!options.hasFieldExpiry) return entries;
  const times = (r: Random): number => (r.chance(0.3) ? 1 : LAST_MS + r.below(1e6));
  return [
    ...entries,
    [3, (r) => ["HPEXPIREAT", hash(r), times(r), "FIELDS", 2, element(r), element(r)]],
    [2, (r) => ["HPEXPIRE", hash(r), r.below(300), "FIELDS", 2, element(r), element(r)]],
    [2, (r) => ["HPERSIST", hash(r), "FIELDS", 2, element(r), element(r)]],
  ];
}

function onSets({ key, element, some }: Words): ChangeEntry[] {
  const set = key("t");
  return [
    [8, (r) => ["SADD", set(r), ...some(r, 20)]],
    [2, (r) => ["SADD", set(r), ...some(r, 9).map(() => r.between(-1e6, 1e6))]],
    [5, (r) => ["SREM", set(r), ...some(r, 20)]],
    [3, (r) => ["SPOP", set(r), r.pick([1, 3, 200])]],
    [3, (r) => ["SMOVE", set(r), set(r), element(r)]],
    [1, (r) => [r.pick(["SUNIONSTORE", "SDIFFSTORE", "SINTERSTORE"]), set(r), set(r), set(r)]],
  ];
}

function onSortedSets({ key, element, some }: Words): ChangeEntry[] {
  const sorted = key("z");
  return [
    [8, (r) => ["ZADD", sorted(r), ...some(r, 12).flatMap((member) => [score(r), member])]],
    [4, (r) => ["ZINCRBY", sorted(r), r.between(-9, 9), element(r)]],
    [5, (r) => ["ZREM", sorted(r), ...some(r, 20)]],
    [2, (r) => [r.pick(["ZPOPMIN", "ZPOPMAX"]), sorted(r), r.pick([1, 3, 200])]],
    [1, (r) => ["ZREMRANGEBYRANK", sorted(r), ...ordered(r)]],
    [1, (r) => ["ZREMRANGEBYSCORE", sorted(r), r.between(-1000, 1000), "(990"]],
    [1, (r) => ["ZRANGESTORE", sorted(r), sorted(r), ...ordered(r)]],
    [1, (r) => [r.pick(["ZUNIONSTORE", "ZINTERSTORE"]), sorted(r), 2, sorted(r), sorted(r)]],
  ];
}

function ordered(r: Random): number[] {
  const start = r.below(3000);
  return [start, start + r.below(40)];
}

function onStreams({ key, options }: Words): ChangeEntry[] {
  const stream = key("x");
  const id = (r: Random): string => `${1 + r.below(r.pick([60, options.hugeSize]))}-0`;
  const ids = (r: Random): string[] => Array.from({ length: r.between(1, 9) }, () => id(r));
  const group = (r: Random): string => `g${r.below(3)}`;
  const who = (r: Random): string => `c${r.below(3)}`;
  const read = (r: Random): (string | number)[] => [
    "GROUP",
    group(r),
    who(r),
    "COUNT",
    r.below(90),
  ];
  return [
    [8, (r) => ["XADD", stream(r), "*", "a", value(r), "b", value(r)]],
    [1, (r) => ["XADD", stream(r), "MAXLEN", r.pick(["~", "="]), 200, "*", value(r), "1"]],
    [5, (r) => ["XDEL", stream(r), ...ids(r)]],
    [0.3, (r) => ["XTRIM", stream(r), "MINID", id(r)]],
    [
      0.5,
      (r) => ["XSETID", stream(r), "1795000000000-1", "ENTRIESADDED", 1e6, "MAXDELETEDID", id(r)],
    ],
    [3, (r) => ["XGROUP", "CREATE", stream(r), group(r), r.pick(["0", "$", id(r)]), "MKSTREAM"]],
    [1, (r) => ["XGROUP", "SETID", stream(r), group(r), id(r)]],
    [1, (r) => ["XGROUP", "CREATECONSUMER", stream(r), group(r), who(r)]],
    [0.5, (r) => ["XGROUP", "DELCONSUMER", stream(r), group(r), who(r)]],
    [0.3, (r) => ["XGROUP", "DESTROY", stream(r), group(r)]],
    [6, (r) => ["XREADGROUP", ...read(r), "STREAMS", stream(r), ">"]],
    [4, (r) => ["XACK", stream(r), group(r), ...ids(r)]],
    [3, (r) => ["XCLAIM", stream(r), group(r), who(r), 0, ...ids(r), "FORCE", "JUSTID"]],
    [1, (r) => ["XAUTOCLAIM", stream(r), group(r), who(r), 0, id(r), "COUNT", 9, "JUSTID"]],
  ];
}

const LAST_MS = 33_177_117_420_000;

function onKeys({ key, options }: Words): ChangeEntry[] {
  const any = (r: Random): string => key(r.pick(LETTERS))(r);
  const pair = (r: Random): string[] => {
    // Seldom a huge one: copies would make all the others as large.
    const letter = r.pick(LETTERS);
    const names = [letter + r.below(options.keys), letter + r.below(options.keys)];
    return r.chance(0.9) ? names : [any(r), names[0]];
  };
  const database = (r: Random): number => r.below(options.databases);
  return [
    [3, (r) => [r.pick(["DEL", "UNLINK"]), any(r)]],
    [6, (r) => [r.pick(["RENAME", "RENAMENX"]), ...pair(r)]],
    [6, (r) => ["COPY", ...pair(r), ...(r.chance(0.3) ? ["DB", database(r)] : []), "REPLACE"]],
    [5, (r) => ["MOVE", any(r), database(r)]],
    [1, (r) => ["SET", any(r), value(r)]],
    [2, (r) => ["PEXPIRE", any(r), r.below(200)]],
    [4, (r) => ["PEXPIREAT", any(r), r.chance(0.1) ? 1 : LAST_MS + r.below(1e6)]],
    [3, (r) => ["PERSIST", any(r)]],
    // Mostly back to where the huge ones are.
    [8, (r) => ["SELECT", r.chance(0.6) ? 0 : database(r)]],
    [0.4, (r) => ["SWAPDB", database(r), database(r)]],
    [0.04, (r) => ["FLUSHDB", r.pick(["SYNC", "ASYNC"])]],
  ];
}
