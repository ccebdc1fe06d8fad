/** Expiry: setting it, removing it, asking for it. */
import type { Call } from "../../engine/call.ts";
import {
  command,
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
import { expireAt } from "../../engine/expire-time.ts";
import type { ExpireTime } from "../../engine/expire-time.ts";
import { NOTIFY_GENERIC } from "../../engine/key-events.ts";
import { NO_EXPIRY } from "../../keyspace/entry-store.ts";
import { NULL_REF } from "../../memory/arena.ts";
import { wholeExpiryOf } from "../../memory/entry.ts";
import { invalidExpire } from "../../protocol/errors.ts";

const IF_NONE = 1;
const IF_SOME = 2;
const IF_LATER = 4;
const IF_EARLIER = 8;

const CONDITION: ArgumentDoc = {
  name: "condition",
  type: "oneof",
  optional: true,
  since: "7.0.0",
  parts: [
    { name: "nx", type: "pure-token", token: "NX" },
    { name: "xx", type: "pure-token", token: "XX" },
    { name: "gt", type: "pure-token", token: "GT" },
    { name: "lt", type: "pure-token", token: "LT" },
  ],
};

const SETTER = {
  group: "generic",
  complexity: "O(1)",
  arity: -3,
  flags: WRITE | FAST,
  categories: ["keyspace"],
  history: [["7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`."]],
  keys: [keysAt(KEY_RW | KEY_UPDATE, 1)],
} as const;

export const expire = command({
  ...SETTER,
  name: "expire",
  since: "1.0.0",
  summary: "Makes a key expire after some seconds.",
  args: [{ name: "key", type: "key", keySpec: 0 }, { name: "seconds", type: "integer" }, CONDITION],
  run: (call) => setExpiry(call, 1000, call.nowMs),
});

export const pexpire = command({
  ...SETTER,
  name: "pexpire",
  since: "2.6.0",
  summary: "Makes a key expire after some milliseconds.",
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "milliseconds", type: "integer" },
    CONDITION,
  ],
  run: (call) => setExpiry(call, 1, call.nowMs),
});

export const expireat = command({
  ...SETTER,
  name: "expireat",
  since: "1.2.0",
  summary: "Makes a key expire at a unix time in seconds.",
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "unix-time-seconds", type: "unix-time" },
    CONDITION,
  ],
  run: (call) => setExpiry(call, 1000, 0),
});

export const pexpireat = command({
  ...SETTER,
  name: "pexpireat",
  since: "2.6.0",
  summary: "Makes a key expire at a unix time in milliseconds.",
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "unix-time-milliseconds", type: "unix-time" },
    CONDITION,
  ],
  run: (call) => setExpiry(call, 1, 0),
});

export const persist = command({
  name: "persist",
  group: "generic",
  since: "2.2.0",
  summary: "Removes a key's expiry.",
  complexity: "O(1)",
  arity: 2,
  flags: WRITE | FAST,
  categories: ["keyspace"],
  keys: [keysAt(KEY_RW | KEY_UPDATE, 1)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run(call) {
    const ref = call.writeKey(1);
    if (ref === NULL_REF || !call.database.hasExpiry(ref)) {
      call.reply.integer(0);
      return;
    }
    call.database.setExpiry(ref, NO_EXPIRY);
    call.changed(NOTIFY_GENERIC, "persist", 1);
    call.reply.integer(1);
  },
});

const GETTER = {
  group: "generic",
  complexity: "O(1)",
  arity: 2,
  flags: READONLY | FAST,
  categories: ["keyspace"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
} as const;

export const ttl = command({
  ...GETTER,
  name: "ttl",
  since: "1.0.0",
  summary: "Returns the seconds until a key expires.",
  history: [["2.8.0", "Added the -2 reply."]],
  tips: ["nondeterministic_output"],
  run: (call) => replyExpiry(call, true, true),
});

export const pttl = command({
  ...GETTER,
  name: "pttl",
  since: "2.6.0",
  summary: "Returns the milliseconds until a key expires.",
  history: [["2.8.0", "Added the -2 reply."]],
  tips: ["nondeterministic_output"],
  run: (call) => replyExpiry(call, true, false),
});

export const expiretime = command({
  ...GETTER,
  name: "expiretime",
  since: "7.0.0",
  summary: "Returns the unix time in seconds at which a key expires.",
  run: (call) => replyExpiry(call, false, true),
});

export const pexpiretime = command({
  ...GETTER,
  name: "pexpiretime",
  since: "7.0.0",
  summary: "Returns the unix time in milliseconds at which a key expires.",
  run: (call) => replyExpiry(call, false, false),
});

function setExpiry(call: Call, unitMs: number, baseMs: number): void {
  const conditions = readConditions(call);
  if (call.refused()) return;
  const amount = call.int64(2);
  if (call.refused()) return;
  const whenMs = expireAt(amount, unitMs, baseMs);
  if (whenMs === null) {
    call.fail(invalidExpire(call.command.fullName));
    return;
  }
  const { database } = call;
  const ref = call.writeKey(1);
  if (ref === NULL_REF) {
    call.reply.integer(0);
    return;
  }
  const current = database.hasExpiry(ref) ? wholeExpiryOf(database.arena, ref) : null;
  if (!allows(conditions, current, whenMs)) {
    call.reply.integer(0);
    return;
  }
  const isPast = whenMs <= call.nowMs && !call.engine.context.keepsExpired;
  if (isPast) {
    database.remove(ref);
    call.changed(NOTIFY_GENERIC, "del", 1);
  } else {
    database.setExpiry(ref, whenMs);
    call.changed(NOTIFY_GENERIC, "expire", 1);
  }
  const repeatsItself = baseMs === 0 && unitMs === 1;
  if (call.engine.effects.isActive && (isPast || !repeatsItself)) propagate(call, isPast, whenMs);
  call.reply.integer(1);
}

/** PEXPIREAT with the same conditions: the same moment whenever it is replayed. */
function propagate(call: Call, isPast: boolean, whenMs: ExpireTime): void {
  const effects = call.instead();
  effects.begin(call.database.index, isPast ? 2 : call.count);
  effects.word(isPast ? call.engine.removalCommand("expired") : "PEXPIREAT");
  effects.argument(call.args, 1);
  if (isPast) return;
  effects.integer(whenMs);
  for (let i = 3; i < call.count; i++) effects.argument(call.args, i);
}

function readConditions(call: Call): number {
  let conditions = 0;
  for (let i = 3; i < call.count; i++) {
    if (call.is(i, "NX")) conditions |= IF_NONE;
    else if (call.is(i, "XX")) conditions |= IF_SOME;
    else if (call.is(i, "GT")) conditions |= IF_LATER;
    else if (call.is(i, "LT")) conditions |= IF_EARLIER;
    else call.refuse(`ERR Unsupported option ${call.text(i)}`);
  }
  if ((conditions & IF_NONE) !== 0 && conditions !== IF_NONE) {
    call.refuse("ERR NX and XX, GT or LT options at the same time are not compatible");
  }
  if ((conditions & IF_LATER) !== 0 && (conditions & IF_EARLIER) !== 0) {
    call.refuse("ERR GT and LT options at the same time are not compatible");
  }
  return conditions;
}

/** A key without expiry counts as one that expires never, later than any time. */
function allows(
  conditions: number,
  current: number | bigint | null,
  whenMs: number | bigint,
): boolean {
  if (conditions === 0) return true;
  if ((conditions & IF_NONE) !== 0 && current !== null) return false;
  if ((conditions & IF_SOME) !== 0 && current === null) return false;
  if ((conditions & IF_LATER) !== 0 && (current === null || whenMs <= current)) return false;
  return (conditions & IF_EARLIER) === 0 || current === null || whenMs < current;
}

function replyExpiry(call: Call, isRelative: boolean, inSeconds: boolean): void {
  const { database, reply } = call;
  const ref = call.peekReadKey(1);
  if (ref === NULL_REF) {
    reply.integer(-2);
    return;
  }
  if (!database.hasExpiry(ref)) {
    reply.integer(-1);
    return;
  }
  const whenMs = wholeExpiryOf(database.arena, ref);
  if (typeof whenMs === "bigint") {
    const left = isRelative ? whenMs - BigInt(call.nowMs) : whenMs;
    reply.int64(inSeconds ? (left + 500n) / 1000n : left);
    return;
  }
  const left = isRelative ? Math.max(0, whenMs - call.nowMs) : whenMs;
  reply.integer(inSeconds ? Math.floor((left + 500) / 1000) : left);
}
