/**
 * What the soak's clients do to keys: one row is a weight and a deed. A deed sends requests and
 * checks what comes back. The letter that a key begins with tells its type, and what is stored
 * under it begins with the key (see `hand.ts`). Any key may be gone at any time.
 */
import { COLLECTION_DEEDS } from "./_collection-deeds.ts";
import { type Deed, keyOf, times, valueOf } from "./_words.ts";
import type { Hand } from "./hand.ts";

export type { Deed } from "./_words.ts";

const STRINGS = 400_000;
const PAIRS = 500;
const BIG = 8;
const BIG_BYTES = [20_000, 100_000, 500_000, 2_000_000];
const LONGEST_TTL_SECONDS = 30;

export const DEEDS: readonly Deed[] = [
  { weight: 20, run: readOrFill },
  { weight: 10, run: setMany },
  { weight: 4, run: setForAWhile },
  { weight: 3, run: expireSome },
  { weight: 3, run: growAndShrink },
  { weight: 4, run: deleteSome },
  { weight: 3, run: transact },
  { weight: 2, run: watchAndSet },
  { weight: 1, run: renameAndCopy },
  { weight: 0.3, run: setBig },
  ...COLLECTION_DEEDS,
];

function stringKeys({ random }: Hand, count: number): string[] {
  return times(count, () => keyOf("s", random, STRINGS));
}

/** As a cache is used: what is not there is set. */
async function readOrFill(hand: Hand): Promise<void> {
  const keys = stringKeys(hand, 10);
  const values = await hand.send(...keys.map((key) => ["GET", key]));
  for (const [index, key] of keys.entries()) hand.checkOwn(key, values[index]);
  const missing = keys.filter((_, index) => values[index] === null);
  if (missing.length === 0) return;
  await hand.send(...missing.map((key) => ["SET", key, valueOf(key, hand.random)]));
}

async function setMany(hand: Hand): Promise<void> {
  const keys = stringKeys(hand, 10);
  await hand.send(["MSET", ...keys.flatMap((key) => [key, valueOf(key, hand.random)])]);
  const [values] = await hand.send(["MGET", ...keys]);
  hand.check(Array.isArray(values) && values.length === keys.length, "MGET is short", values);
  if (!Array.isArray(values)) return;
  for (const [index, key] of keys.entries()) hand.checkOwn(key, values[index]);
}

async function setForAWhile(hand: Hand): Promise<void> {
  const { random } = hand;
  const sets = stringKeys(hand, 8).map((key) => {
    const ttl = random.chance(0.5)
      ? ["EX", String(random.between(1, LONGEST_TTL_SECONDS))]
      : ["PX", String(random.between(1, 1000))];
    return ["SET", key, valueOf(key, random), ...ttl];
  });
  await hand.send(...sets);
}

async function expireSome(hand: Hand): Promise<void> {
  const { random } = hand;
  const keys = stringKeys(hand, 6);
  const left = await hand.send(
    ...keys.flatMap((key) => [
      random.chance(0.2) ? ["PERSIST", key] : ["EXPIRE", key, String(random.between(1, 20))],
      ["TTL", key],
    ]),
  );
  const ttls = left.filter((_, index) => index % 2 === 1);
  const isTtl = (ttl: unknown) =>
    typeof ttl === "number" && ttl >= -2 && ttl <= LONGEST_TTL_SECONDS;
  hand.check(ttls.every(isTtl), "TTL is no such time", ttls);
}

async function growAndShrink(hand: Hand): Promise<void> {
  const { random } = hand;
  const [key] = stringKeys(hand, 1);
  const value = valueOf(key, random);
  const more = "y".repeat(random.below(random.pick([50, 500, 20_000])));
  const replies = await hand.send(
    ["MULTI"],
    ["SET", key, value],
    ["APPEND", key, more],
    ["STRLEN", key],
    ["GETRANGE", key, "0", String(value.length - 1)],
    ["SETRANGE", key, String(key.length + 1), "z"],
    ["EXEC"],
  );
  const done = replies.at(-1);
  const length = Array.isArray(done) ? done[2] : null;
  hand.check(length === value.length + more.length, "APPEND gives another length", done);
  if (Array.isArray(done)) hand.check(done[3] === value, "APPEND changed the beginning", done[3]);
  if (more.length > 1000 && random.chance(0.5)) await hand.send(["SET", key, value]);
}

async function deleteSome(hand: Hand): Promise<void> {
  const name = hand.random.pick(["DEL", "UNLINK"]);
  await hand.send([name, ...stringKeys(hand, 6)], ["EXISTS", ...stringKeys(hand, 6)]);
}

/** Two counters that only transactions change, so they differ only where one was evicted. */
async function transact(hand: Hand): Promise<void> {
  const number = keyOf("", hand.random, PAIRS);
  const pair = [`a${number}`, `b${number}`];
  const replies = await hand.send(
    ["MULTI"],
    ["INCR", pair[0]],
    ["INCR", pair[1]],
    ["MGET", ...pair],
    ["EXEC"],
  );
  const done = replies.at(-1);
  const isWhole = Array.isArray(done) && done.length === 3 && Array.isArray(done[2]);
  hand.check(isWhole, "EXEC is not whole", done);
  if (!isWhole || !Array.isArray(done[2])) return;
  const [one, other] = done[2].map(Number);
  hand.check(one === done[0] && other === done[1], "EXEC was not alone", done);
  // Where one was evicted, both begin anew.
  if (one !== other) await hand.send(["DEL", ...pair]);
}

async function watchAndSet(hand: Hand): Promise<void> {
  const [key] = stringKeys(hand, 1);
  const [, before] = await hand.send(["WATCH", key], ["GET", key]);
  hand.checkOwn(key, before);
  const value = valueOf(key, hand.random);
  const replies = await hand.send(["MULTI"], ["SET", key, value], ["GET", key], ["EXEC"]);
  const done = replies.at(-1);
  const isRight = done === null || (Array.isArray(done) && done[1] === value);
  hand.check(isRight, "EXEC after WATCH is wrong", done);
}

/** Within keys of their own, whose values keep the name they were given first. */
async function renameAndCopy(hand: Hand): Promise<void> {
  const { random } = hand;
  const [one, other] = [keyOf("r", random, PAIRS), keyOf("R", random, PAIRS)];
  await hand.send(
    ["SET", one, valueOf(one, random, 2000)],
    ["RENAME", one, other],
    ["COPY", other, one, "REPLACE"],
    ["OBJECT", "ENCODING", one],
    ["TYPE", other],
    ["DUMP", one],
  );
}

async function setBig(hand: Hand): Promise<void> {
  const { random } = hand;
  const key = keyOf("B", random, BIG);
  const value = `${key}=${"v".repeat(random.pick(BIG_BYTES))}`;
  const [, length, start] = await hand.send(
    ["SET", key, value],
    ["STRLEN", key],
    ["GETRANGE", key, "0", "30"],
  );
  // Others set it as well, or it is evicted.
  hand.check(typeof length === "number", "STRLEN gives no number", length);
  if (start !== "") hand.checkOwn(key, start);
  const then = random.pick<readonly string[]>([
    ["GET", key],
    ["APPEND", key, `${key}=`],
    ["DEL", key],
  ]);
  const [reply] = await hand.send(then);
  hand.checkOwn(key, reply);
}
