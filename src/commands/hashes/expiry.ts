/**
 * The expiry of single fields, as Redis 7.4 has it (t_hash.c). What is propagated depends neither
 * on the clock nor on the conditions: HPEXPIREAT of the fields whose expiry was set, or HDEL of
 * those that were removed because the time was past.
 */
import type { Call } from "../../engine/call.ts";
import {
  command,
  DENYOOM,
  FAST,
  KEY_ACCESS,
  KEY_RO,
  KEY_RW,
  KEY_UPDATE,
  keysAt,
  READONLY,
  WRITE,
} from "../../engine/command.ts";
import type { ArgumentDoc } from "../../engine/command.ts";
import { NOTIFY_HASH } from "../../engine/key-events.ts";
import { readHash, removeEmptied, writeHash } from "../../engine/typed-values.ts";
import {
  EXPIRE_NEGATIVE,
  FIELDS_MISCOUNTED,
  FIELDS_MISSING,
  FIELDS_NOT_POSITIVE,
  FIELDS_TO_EXPIRE_NOT_POSITIVE,
  invalidExpire,
} from "../../protocol/errors.ts";
import { NO_FIELD_EXPIRY } from "../../values/hash.ts";

const KEY: ArgumentDoc = { name: "key", type: "key", keySpec: 0 };

const CONDITION: ArgumentDoc = {
  name: "condition",
  type: "oneof",
  optional: true,
  parts: [
    { name: "nx", type: "pure-token", token: "NX" },
    { name: "xx", type: "pure-token", token: "XX" },
    { name: "gt", type: "pure-token", token: "GT" },
    { name: "lt", type: "pure-token", token: "LT" },
  ],
};

const FIELDS: ArgumentDoc = {
  name: "fields",
  type: "block",
  token: "FIELDS",
  parts: [
    { name: "numfields", type: "integer" },
    { name: "field", type: "string", multiple: true },
  ],
};

const SETTER = {
  group: "hash",
  since: "7.4.0",
  complexity: "O(N) where N is the number of specified fields",
  arity: -6,
  flags: WRITE | DENYOOM | FAST,
  categories: ["hash"],
  keys: [keysAt(KEY_RW | KEY_UPDATE, 1)],
} as const;

export const hexpire = command({
  ...SETTER,
  name: "hexpire",
  summary: "Makes fields of a hash expire after some seconds.",
  args: [KEY, { name: "seconds", type: "integer" }, CONDITION, FIELDS],
  run: (call) => setExpiry(call, 1000, call.nowMs),
});

export const hpexpire = command({
  ...SETTER,
  name: "hpexpire",
  summary: "Makes fields of a hash expire after some milliseconds.",
  args: [KEY, { name: "milliseconds", type: "integer" }, CONDITION, FIELDS],
  run: (call) => setExpiry(call, 1, call.nowMs),
});

export const hexpireat = command({
  ...SETTER,
  name: "hexpireat",
  summary: "Makes fields of a hash expire at a unix time in seconds.",
  args: [KEY, { name: "unix-time-seconds", type: "unix-time" }, CONDITION, FIELDS],
  run: (call) => setExpiry(call, 1000, 0),
});

export const hpexpireat = command({
  ...SETTER,
  name: "hpexpireat",
  summary: "Makes fields of a hash expire at a unix time in milliseconds.",
  args: [KEY, { name: "unix-time-milliseconds", type: "unix-time" }, CONDITION, FIELDS],
  run: (call) => setExpiry(call, 1, 0),
});

export const hpersist = command({
  name: "hpersist",
  group: "hash",
  since: "7.4.0",
  summary: "Removes the expiry of fields of a hash.",
  complexity: "O(N) where N is the number of specified fields",
  arity: -5,
  flags: WRITE | FAST,
  categories: ["hash"],
  keys: [keysAt(KEY_RW | KEY_UPDATE, 1)],
  args: [KEY, FIELDS],
  run: dropExpiry,
});

const GETTER = {
  group: "hash",
  since: "7.4.0",
  complexity: "O(N) where N is the number of specified fields",
  arity: -5,
  flags: READONLY | FAST,
  categories: ["hash"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [KEY, FIELDS],
} as const;

export const httl = command({
  ...GETTER,
  name: "httl",
  summary: "Returns the seconds until fields of a hash expire.",
  run: (call) => replyExpiries(call, call.nowMs, true),
});

export const hpttl = command({
  ...GETTER,
  name: "hpttl",
  summary: "Returns the milliseconds until fields of a hash expire.",
  run: (call) => replyExpiries(call, call.nowMs, false),
});

export const hexpiretime = command({
  ...GETTER,
  name: "hexpiretime",
  summary: "Returns the unix times in seconds at which fields of a hash expire.",
  run: (call) => replyExpiries(call, 0, true),
});

export const hpexpiretime = command({
  ...GETTER,
  name: "hpexpiretime",
  summary: "Returns the unix times in milliseconds at which fields of a hash expire.",
  run: (call) => replyExpiries(call, 0, false),
});

/** The latest time that a field may expire at (HFE_MAX_ABS_TIME_MSEC). */
const MAX_EXPIRY_MS = 2 ** 46 - 1;

/** What is replied for a field, beside a time. */
const NO_FIELD = -2;
const NO_EXPIRY = -1;
const CONDITION_NOT_MET = 0;
const DONE = 1;
const REMOVED = 2;

const ALWAYS = 0;
const IF_NONE = 1;
const IF_SOME = 2;
const IF_LATER = 3;
const IF_EARLIER = 4;

/** Arguments that name the fields which the running command changed. */
const done: number[] = [];

function setExpiry(call: Call, unitMs: number, baseMs: number): void {
  const hash = writeHash(call, 1);
  if (hash === null) return;
  const whenMs = readTime(call, unitMs, baseMs);
  const condition = readCondition(call);
  const fieldsAt = condition === ALWAYS ? 3 : 4;
  const first = readFields(call, fieldsAt, FIELDS_TO_EXPIRE_NOT_POSITIVE);
  if (call.refused()) return;
  const { reply, args } = call;
  const { bytes, starts, lengths } = args;
  const { context } = call.engine;
  const isPast = whenMs <= call.nowMs && !context.keepsExpired;
  reply.array(call.count - first);
  done.length = 0;
  for (let i = first; i < call.count; i++) {
    const currentMs = hash.expiryOf(bytes, starts[i], lengths[i]);
    if (currentMs === null || !allows(condition, currentMs, whenMs)) {
      reply.integer(currentMs === null ? NO_FIELD : CONDITION_NOT_MET);
      continue;
    }
    if (isPast) hash.remove(bytes, starts[i], lengths[i]);
    else hash.setExpiry(bytes, starts[i], lengths[i], whenMs);
    done.push(i);
    reply.integer(isPast ? REMOVED : DONE);
  }
  if (done.length === 0) return;
  call.changed(NOTIFY_HASH, isPast ? "hdel" : "hexpire", 1);
  call.changedMany(done.length - 1);
  if (isPast) {
    context.expiredFields += done.length;
    removeEmptied(call, hash, 1);
  }
  if (call.engine.effects.isActive) propagate(call, isPast, whenMs);
}

function propagate(call: Call, isPast: boolean, whenMs: number): void {
  const effects = call.instead();
  effects.begin(call.database.index, (isPast ? 2 : 5) + done.length);
  effects.word(isPast ? "HDEL" : "HPEXPIREAT");
  effects.argument(call.args, 1);
  if (!isPast) {
    effects.integer(whenMs);
    effects.word("FIELDS");
    effects.integer(done.length);
  }
  for (const index of done) effects.argument(call.args, index);
}

/** The unix time in milliseconds that argument 2 names. */
function readTime(call: Call, unitMs: number, baseMs: number): number {
  const amount = call.int64(2);
  const most = Math.floor((MAX_EXPIRY_MS - baseMs) / unitMs);
  if (amount < 0) call.refuse(EXPIRE_NEGATIVE);
  else if (amount > most) call.refuse(invalidExpire(call.command.fullName));
  return Number(amount) * unitMs + baseMs;
}

function readCondition(call: Call): number {
  if (call.is(3, "NX")) return IF_NONE;
  if (call.is(3, "XX")) return IF_SOME;
  if (call.is(3, "GT")) return IF_LATER;
  return call.is(3, "LT") ? IF_EARLIER : ALWAYS;
}

/** A field without expiry counts as one that expires never, later than any time. */
function allows(condition: number, currentMs: number, whenMs: number): boolean {
  const isNone = currentMs === NO_FIELD_EXPIRY;
  if (condition === IF_NONE) return isNone;
  if (condition === IF_SOME) return !isNone;
  if (condition === IF_LATER) return !isNone && whenMs > currentMs;
  return condition === ALWAYS || isNone || whenMs < currentMs;
}

/** Reads `FIELDS numfields field …` at `index`; returns where the fields begin. */
function readFields(call: Call, index: number, notPositive: string): number {
  const first = index + 2;
  if (!call.is(index, "FIELDS")) {
    call.refuse(FIELDS_MISSING);
    return first;
  }
  const count = call.int64(index + 1, notPositive);
  if (count < 1) call.refuse(notPositive);
  else if (count !== call.count - first) call.refuse(FIELDS_MISCOUNTED);
  return first;
}

function dropExpiry(call: Call): void {
  const hash = writeHash(call, 1);
  if (hash === null) return;
  const first = readFields(call, 2, FIELDS_NOT_POSITIVE);
  if (call.refused()) return;
  const { bytes, starts, lengths } = call.args;
  const { reply } = call;
  let dropped = 0;
  reply.array(call.count - first);
  for (let i = first; i < call.count; i++) {
    const expiryMs = hash.expiryOf(bytes, starts[i], lengths[i]);
    if (expiryMs === null || expiryMs === NO_FIELD_EXPIRY) {
      reply.integer(expiryMs === null ? NO_FIELD : NO_EXPIRY);
      continue;
    }
    hash.dropExpiry(bytes, starts[i], lengths[i]);
    dropped++;
    reply.integer(DONE);
  }
  if (dropped === 0) return;
  call.changed(NOTIFY_HASH, "hpersist", 1);
  call.changedMany(dropped - 1);
}

/** Times from `baseMs` on; a part of a second counts as one. */
function replyExpiries(call: Call, baseMs: number, inSeconds: boolean): void {
  const hash = readHash(call, 1);
  if (hash === null) return;
  const first = readFields(call, 2, FIELDS_NOT_POSITIVE);
  if (call.refused()) return;
  const { bytes, starts, lengths } = call.args;
  const { reply } = call;
  reply.array(call.count - first);
  for (let i = first; i < call.count; i++) {
    const expiryMs = hash.expiryOf(bytes, starts[i], lengths[i]);
    if (expiryMs === null) reply.integer(NO_FIELD);
    else if (expiryMs === NO_FIELD_EXPIRY) reply.integer(NO_EXPIRY);
    else reply.integer(inSeconds ? Math.ceil((expiryMs - baseMs) / 1000) : expiryMs - baseMs);
  }
}
