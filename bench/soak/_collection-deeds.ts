/** What the soak's clients do to collections; see `deeds.ts`. */
import type { ReplyValue } from "../../test/support/resp-client.ts";
import { type Deed, elementOf, keyOf, times, valueOf } from "./_words.ts";
import type { Hand } from "./hand.ts";

const KEYS = 4_000;
const LARGE_KEYS = 4;
const LARGE_ELEMENTS = 20_000;
const AT_ONCE = 500;
const STREAM_LENGTH = 300;

export const COLLECTION_DEEDS: readonly Deed[] = [
  { weight: 6, run: hash },
  { weight: 1, run: hashFieldTtl },
  { weight: 6, run: list },
  { weight: 5, run: set },
  { weight: 5, run: sortedSet },
  { weight: 4, run: stream },
  { weight: 1, run: hyperLogLog },
  { weight: 1, run: bitmap },
  { weight: 1, run: places },
  { weight: 0.2, run: fillLarge },
  { weight: 3, run: changeLarge },
  { weight: 2, run: drop },
];

const LETTERS = ["h", "l", "t", "z", "x", "p", "i", "g"];

/** Mostly small ones; those of capital letters are large. */
function key({ random }: Hand, letter: string): string {
  return keyOf(letter, random, KEYS);
}

function elements({ random }: Hand, name: string, most: number, of = 200): string[] {
  return times(random.between(1, most), () => elementOf(name, random.below(of)));
}

async function hash(hand: Hand): Promise<void> {
  const name = key(hand, "h");
  const fields = elements(hand, name, 10);
  const pairs = fields.flatMap((field) => [field, valueOf(name, hand.random)]);
  const [, values, all, removed] = await hand.send(
    ["HSET", name, ...pairs],
    ["HMGET", name, ...fields],
    ["HVALS", name],
    ["HDEL", name, ...elements(hand, name, 10)],
    ["HINCRBY", name, `${name}=counter`, "1"],
    ["HSCAN", name, "0", "COUNT", "20"],
  );
  hand.checkOwn(name, values);
  const isCount = (value: ReplyValue) => typeof value === "string" && /^\d+$/.test(value);
  hand.checkOwn(name, Array.isArray(all) ? all.filter((value) => !isCount(value)) : all);
  hand.check(typeof removed === "number" && removed <= 10, "HDEL removed too many", removed);
}

/** Redis 7.0, beside which the soak may run, does not know it. */
async function hashFieldTtl(hand: Hand): Promise<void> {
  const [[info]] = (await hand.send(["COMMAND", "INFO", "HPEXPIRE"])) as [ReplyValue[]];
  if (info === null) return;
  const name = key(hand, "h");
  const fields = elements(hand, name, 5);
  const [, , values] = await hand.send(
    ["HSET", name, ...fields.flatMap((field) => [field, valueOf(name, hand.random)])],
    ["HPEXPIRE", name, "500", "FIELDS", "1", fields[0]],
    ["HMGET", name, ...fields],
    ["HTTL", name, "FIELDS", "1", fields[0]],
  );
  hand.checkOwn(name, values);
}

async function list(hand: Hand): Promise<void> {
  const { random } = hand;
  const name = key(hand, "l");
  const push = () => [random.pick(["LPUSH", "RPUSH"]), name, ...elements(hand, name, 8)];
  const [, , range, ...popped] = await hand.send(
    push(),
    push(),
    ["LRANGE", name, "0", "20"],
    ["LPOP", name],
    ["RPOP", name, String(random.between(1, 9))],
    ["LINDEX", name, "1"],
  );
  for (const reply of [range, ...popped]) hand.checkOwn(name, reply);
  await hand.send(
    ["LSET", name, "0", valueOf(name, random)],
    ["LREM", name, "1", elementOf(name, 3)],
    ["LTRIM", name, "0", "100"],
  );
}

async function set(hand: Hand): Promise<void> {
  const name = key(hand, "t");
  const members = elements(hand, name, 12);
  const [, , some, popped] = await hand.send(
    ["SADD", name, ...members],
    ["SMISMEMBER", name, ...members],
    ["SRANDMEMBER", name, "5"],
    ["SPOP", name, String(hand.random.between(1, 4))],
    ["SREM", name, ...elements(hand, name, 8)],
  );
  hand.checkOwn(name, some);
  hand.checkOwn(name, popped);
}

async function sortedSet(hand: Hand): Promise<void> {
  const { random } = hand;
  const name = key(hand, "z");
  const pairs = elements(hand, name, 12).flatMap((member) => [String(random.below(1000)), member]);
  const [, , range, byScore] = await hand.send(
    ["ZADD", name, ...pairs],
    ["ZINCRBY", name, "1.5", elementOf(name, 1)],
    ["ZRANGE", name, "0", "10"],
    ["ZRANGEBYSCORE", name, "100", "500", "LIMIT", "0", "10"],
    ["ZRANK", name, elementOf(name, 1)],
    ["ZREM", name, ...elements(hand, name, 8)],
    ["ZPOPMIN", name],
  );
  hand.checkOwn(name, range);
  hand.checkOwn(name, byScore);
}

async function stream(hand: Hand): Promise<void> {
  const { random } = hand;
  const name = key(hand, "x");
  const add = () => ["XADD", name, "*", `${name}=field`, valueOf(name, random)];
  const [, , , , , read] = await hand.send(
    add(),
    add(),
    ["XADD", name, "MAXLEN", "~", String(STREAM_LENGTH), "*", `${name}=field`, `${name}=last`],
    ["XLEN", name],
    // A group anew each time, so that BUSYGROUP never comes.
    ["XGROUP", "DESTROY", name, "group"],
    ["XREVRANGE", name, "+", "-", "COUNT", "5"],
  );
  if (Array.isArray(read)) {
    for (const entry of read) if (Array.isArray(entry)) hand.checkOwn(name, entry[1]);
  }
  const replies = await hand.send(
    ["MULTI"],
    ["XGROUP", "DESTROY", name, "group"],
    ["XGROUP", "CREATE", name, "group", "0", "MKSTREAM"],
    ["XREADGROUP", "GROUP", "group", "reader", "COUNT", "3", "STREAMS", name, ">"],
    ["XPENDING", name, "group"],
    ["XTRIM", name, "MAXLEN", String(STREAM_LENGTH)],
    ["EXEC"],
  );
  hand.check(Array.isArray(replies.at(-1)), "EXEC of a stream failed", replies.at(-1));
}

async function hyperLogLog(hand: Hand): Promise<void> {
  const [one, other] = times(2, () => key(hand, "p"));
  const [, , count] = await hand.send(
    ["PFADD", one, ...elements(hand, one, 20, 10_000)],
    ["PFMERGE", other, one],
    ["PFCOUNT", one, other],
  );
  hand.check(typeof count === "number" && count > 0, "PFCOUNT counts nothing", count);
}

async function bitmap(hand: Hand): Promise<void> {
  const name = key(hand, "i");
  const bit = String(hand.random.below(20_000));
  await hand.send(
    ["SETBIT", name, bit, "1"],
    ["BITCOUNT", name],
    ["BITPOS", name, "1"],
    ["BITFIELD", name, "INCRBY", "u16", "#3", "1"],
  );
}

async function places(hand: Hand): Promise<void> {
  const { random } = hand;
  const name = key(hand, "g");
  const place = () => [String(random.between(-179, 179)), String(random.between(-80, 80))];
  const [, found] = await hand.send(
    ["GEOADD", name, ...elements(hand, name, 5).flatMap((member) => [...place(), member])],
    ["GEOSEARCH", name, "FROMLONLAT", ...place(), "BYRADIUS", "3000", "km", "COUNT", "5"],
  );
  hand.checkOwn(name, found);
}

async function fillLarge(hand: Hand): Promise<void> {
  const letter = hand.random.pick(["H", "L", "T", "Z"]);
  const name = keyOf(letter, hand.random, LARGE_KEYS);
  for (let from = 0; from < LARGE_ELEMENTS; from += AT_ONCE) {
    const some = times(AT_ONCE, (index) => elementOf(name, from + index));
    await hand.send(adding(letter, name, some));
    await Bun.sleep(1);
  }
}

function adding(letter: string, name: string, some: readonly string[]): string[] {
  if (letter === "L") return ["RPUSH", name, ...some];
  if (letter === "T") return ["SADD", name, ...some];
  if (letter === "H") return ["HSET", name, ...some.flatMap((field) => [field, field])];
  return ["ZADD", name, ...some.flatMap((member, index) => [String(index), member])];
}

async function changeLarge(hand: Hand): Promise<void> {
  const { random } = hand;
  const letter = random.pick(["H", "L", "T", "Z"]);
  const name = keyOf(letter, random, LARGE_KEYS);
  const some = elements(hand, name, 30, LARGE_ELEMENTS);
  const others = elements(hand, name, 30, LARGE_ELEMENTS);
  const removing = { L: ["LPOP", name, "40"], T: ["SREM", name], H: ["HDEL", name] }[letter];
  const [reply] = await hand.send(
    letter === "L" ? ["LRANGE", name, "-20", "-1"] : readingOne(letter, name),
    adding(letter, name, some),
    letter === "L" && removing !== undefined
      ? removing
      : [...(removing ?? ["ZREM", name]), ...others],
  );
  hand.checkOwn(name, reply);
}

function readingOne(letter: string, name: string): string[] {
  if (letter === "T") return ["SRANDMEMBER", name, "10"];
  if (letter === "H") return ["HRANDFIELD", name, "10"];
  return ["ZRANGE", name, "-10", "-1"];
}

async function drop(hand: Hand): Promise<void> {
  const { random } = hand;
  const isLarge = random.chance(0.02);
  const name = isLarge
    ? keyOf(random.pick(["H", "L", "T", "Z"]), random, LARGE_KEYS)
    : key(hand, random.pick(LETTERS));
  await hand.send([random.pick(["DEL", "UNLINK"]), name]);
}
