/** Hashes as wholes: all fields, some at random, all in steps. */
import { command, KEY_ACCESS, KEY_RO, READONLY, keysAt } from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import { cursorAt, replyScan } from "../../engine/scan-options.ts";
import { readHash } from "../../engine/typed-values.ts";
import { drawDistinct } from "../../engine/random-draw.ts";
import { rangeProblem, SYNTAX } from "../../protocol/errors.ts";
import type { HashValue } from "../../values/hash.ts";

export const hgetall = command({
  name: "hgetall",
  group: "hash",
  since: "2.0.0",
  summary: "Returns all fields of a hash with their values.",
  complexity: "O(N) where N is the size of the hash",
  arity: 2,
  flags: READONLY,
  categories: ["hash"],
  tips: ["nondeterministic_output_order"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run: (call) => replyAll(call, true, true),
});

export const hkeys = command({
  name: "hkeys",
  group: "hash",
  since: "2.0.0",
  summary: "Returns all fields of a hash.",
  complexity: "O(N) where N is the size of the hash",
  arity: 2,
  flags: READONLY,
  categories: ["hash"],
  tips: ["nondeterministic_output_order"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run: (call) => replyAll(call, true, false),
});

export const hvals = command({
  name: "hvals",
  group: "hash",
  since: "2.0.0",
  summary: "Returns all values of a hash.",
  complexity: "O(N) where N is the size of the hash",
  arity: 2,
  flags: READONLY,
  categories: ["hash"],
  tips: ["nondeterministic_output_order"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run: (call) => replyAll(call, false, true),
});

export const hrandfield = command({
  name: "hrandfield",
  group: "hash",
  since: "6.2.0",
  summary: "Returns random fields of a hash.",
  complexity: "O(N) where N is the number of fields returned",
  arity: -2,
  flags: READONLY,
  categories: ["hash"],
  tips: ["nondeterministic_output"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    {
      name: "options",
      type: "block",
      optional: true,
      parts: [
        { name: "count", type: "integer" },
        { name: "withvalues", type: "pure-token", token: "WITHVALUES", optional: true },
      ],
    },
  ],
  run: randomFields,
});

export const hscan = command({
  name: "hscan",
  group: "hash",
  since: "2.8.0",
  summary: "Returns some fields of a hash and a cursor to go on from.",
  complexity: "O(1) for every call. O(N) for a complete iteration",
  arity: -3,
  flags: READONLY,
  categories: ["hash"],
  tips: ["nondeterministic_output"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "cursor", type: "integer" },
    { name: "pattern", type: "pattern", token: "MATCH", optional: true },
    { name: "count", type: "integer", token: "COUNT", optional: true },
  ],
  run: scanFields,
});

const MAX_COUNT = 2n ** 63n - 1n;
/** Where fewer than one in so many fields are wanted, picking beats walking. */
const PICKED_PART = 3;
/** Expired fields that HRANDFIELD removes before it draws; it copes with the rest, if slowly. */
const EXPIRED_AT_ONCE = 1000;

function replyAll(call: Call, hasFields: boolean, hasValues: boolean): void {
  const hash = readHash(call, 1);
  if (hash === null) return;
  const { reply } = call;
  const { field, value } = hash;
  // Expired fields are counted by `size` but not sent.
  const isExact = !hash.hidesFields;
  const isMap = hasFields && hasValues;
  const mark = reply.beginDeferred();
  if (isExact && isMap) reply.map(hash.size);
  else if (isExact) reply.array(hash.size);
  let sent = 0;
  if (hash.size > 0) {
    hash.rewind();
    while (hash.next()) {
      if (hasFields) reply.bulk(field.bytes, field.start, field.length);
      if (hasValues) reply.bulk(value.bytes, value.start, value.length);
      sent++;
    }
  }
  if (isExact) return;
  if (isMap) reply.endDeferredMap(mark, sent);
  else reply.endDeferred(mark, sent);
}

function randomFields(call: Call): void {
  const { reply } = call;
  if (call.count === 2) {
    const hash = readHash(call, 1);
    if (hash === null) return;
    hash.removeExpired(EXPIRED_AT_ONCE);
    if (hash.size > 0 && hash.pick(call.engine.context.randomWord) !== 0) {
      reply.bulk(hash.field.bytes, hash.field.start, hash.field.length);
    } else {
      reply.nil();
    }
    return;
  }
  const wanted = call.int64(2);
  if (!call.hasProblem && wanted < -MAX_COUNT) call.refuse(rangeProblem(-MAX_COUNT, MAX_COUNT));
  const withValues = call.count === 4 && call.is(3, "WITHVALUES");
  if (call.count > 4 || (call.count === 4 && !withValues)) call.refuse(SYNTAX);
  if (withValues && (wanted < -MAX_COUNT / 2n || wanted > MAX_COUNT / 2n)) {
    call.refuse("ERR value is out of range");
  }
  if (call.refused()) return;
  const hash = readHash(call, 1);
  if (hash === null) return;
  hash.removeExpired(EXPIRED_AT_ONCE);
  const count = Number(wanted);
  if (hash.size === 0 || count === 0) {
    reply.array(0);
  } else if (count < 0) {
    replyRepeated(call, hash, -count, withValues);
  } else {
    replyDistinct(call, hash, count, withValues);
  }
}

function replyField(call: Call, hash: HashValue, withValues: boolean): void {
  const { reply } = call;
  const { field, value } = hash;
  if (withValues && reply.resp3) reply.array(2);
  reply.bulk(field.bytes, field.start, field.length);
  if (withValues) reply.bulk(value.bytes, value.start, value.length);
}

/** Fields may come several times. */
function replyRepeated(call: Call, hash: HashValue, count: number, withValues: boolean): void {
  const { reply } = call;
  const { randomWord } = call.engine.context;
  const mark = reply.beginDeferred();
  let sent = 0;
  while (sent < count && !reply.hasOverflowed && hash.pick(randomWord) !== 0) {
    replyField(call, hash, withValues);
    sent++;
  }
  reply.endDeferred(mark, withValues && !reply.resp3 ? sent * 2 : sent);
}

function replyDistinct(call: Call, hash: HashValue, count: number, withValues: boolean): void {
  const { reply } = call;
  const mark = reply.beginDeferred();
  const sent =
    hash.isPacked || hash.hidesFields || count * PICKED_PART > hash.size
      ? walkChosen(call, hash, count, withValues)
      : pickDistinct(call, hash, count, withValues);
  reply.endDeferred(mark, withValues && !reply.resp3 ? sent * 2 : sent);
}

/** Chooses by number and walks the whole hash. */
function walkChosen(call: Call, hash: HashValue, count: number, withValues: boolean): number {
  const size = hash.hidesFields ? countShown(hash) : hash.size;
  const chosen = drawDistinct(size, count, call.engine.random);
  let sent = 0;
  hash.rewind();
  for (let index = 0; hash.next(); index++) {
    if (!chosen.has(index)) continue;
    replyField(call, hash, withValues);
    sent++;
  }
  return sent;
}

function countShown(hash: HashValue): number {
  let count = 0;
  hash.rewind();
  while (hash.next()) count++;
  return count;
}

/** Picks a small part of a large hash. */
function pickDistinct(call: Call, hash: HashValue, count: number, withValues: boolean): number {
  const picked = new Set<number>();
  while (picked.size < count) {
    const identity = hash.pick(call.engine.context.randomWord);
    if (identity === 0) break;
    if (picked.has(identity)) continue;
    picked.add(identity);
    replyField(call, hash, withValues);
  }
  return picked.size;
}

function scanFields(call: Call): void {
  const { reply } = call;
  const cursor = cursorAt(call, 2);
  if (call.refused()) return;
  const hash = readHash(call, 1);
  if (hash === null) return;
  const { field, value } = hash;
  replyScan(call, cursor, hash, field, 2, () => {
    reply.bulk(field.bytes, field.start, field.length);
    reply.bulk(value.bytes, value.start, value.length);
  });
}
