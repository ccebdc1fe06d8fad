/** Strings as wholes: GET and SET with their options, and the forms that predate these. */
import {
  command,
  DENYOOM,
  FAST,
  KEY_ACCESS,
  KEY_DELETE,
  KEY_INSERT,
  KEY_OW,
  KEY_RO,
  KEY_RW,
  KEY_UPDATE,
  KEY_VARIABLE_FLAGS,
  keysAt,
  READONLY,
  WRITE,
} from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import { positiveExpireArgument } from "../../engine/expire-time.ts";
import type { ExpireTime } from "../../engine/expire-time.ts";
import { NOTIFY_GENERIC, NOTIFY_STRING } from "../../engine/key-events.ts";
import { KEEP_EXPIRY, NO_EXPIRY } from "../../keyspace/entry-store.ts";
import { NULL_REF } from "../../memory/arena.ts";
import type { Arguments } from "../../protocol/arguments.ts";
import type { Ref } from "../../memory/arena.ts";
import { TYPE_STRING } from "../../memory/entry.ts";
import {
  EXPIRY_ARGUMENTS,
  OPTION_GET,
  OPTION_KEEPTTL,
  OPTION_NX,
  OPTION_PERSIST,
  OPTION_XX,
  readOptions,
  StringOptions,
} from "./_options.ts";

const options = new StringOptions();

export const get = command({
  name: "get",
  group: "string",
  since: "1.0.0",
  summary: "Returns the string that a key holds.",
  complexity: "O(1)",
  arity: 2,
  flags: READONLY | FAST,
  categories: ["string"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run(call) {
    const ref = call.readKey(1);
    if (ref === NULL_REF) call.reply.nil();
    else if (!call.isWrongType(ref, TYPE_STRING)) replyString(call, ref);
  },
});

export const set = command({
  name: "set",
  group: "string",
  since: "1.0.0",
  summary: "Sets a key to a string, whatever it held, and drops or sets its expiry.",
  complexity: "O(1)",
  arity: -3,
  flags: WRITE | DENYOOM,
  categories: ["string"],
  history: [
    ["2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."],
    ["6.0.0", "Added the `KEEPTTL` option."],
    ["6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."],
    ["7.0.0", "Allowed the `NX` and `GET` options to be used together."],
  ],
  keys: [
    {
      ...keysAt(KEY_RW | KEY_ACCESS | KEY_UPDATE | KEY_VARIABLE_FLAGS, 1),
      notes: "RW and ACCESS due to the optional `GET` argument",
    },
  ],
  findKeys(args, offset, found) {
    const reads = hasWord(args, offset + 3, "GET");
    found.add(offset + 1, reads ? KEY_RW | KEY_ACCESS | KEY_UPDATE : KEY_OW | KEY_UPDATE);
    return true;
  },
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "value", type: "string" },
    {
      name: "condition",
      type: "oneof",
      since: "2.6.12",
      optional: true,
      parts: [
        { name: "nx", type: "pure-token", token: "NX" },
        { name: "xx", type: "pure-token", token: "XX" },
      ],
    },
    { name: "get", type: "pure-token", token: "GET", since: "6.2.0", optional: true },
    {
      name: "expiration",
      type: "oneof",
      optional: true,
      parts: [
        ...EXPIRY_ARGUMENTS,
        { name: "keepttl", type: "pure-token", token: "KEEPTTL", since: "6.0.0" },
      ],
    },
  ],
  run(call) {
    if (call.count === 3) {
      storeArgument(call, call.writeKey(1), 1, 2, NO_EXPIRY);
      call.changed(NOTIFY_STRING, "set", 1);
      call.reply.ok();
      return;
    }
    setWithOptions(call);
  },
});

export const setnx = command({
  name: "setnx",
  group: "string",
  since: "1.0.0",
  summary: "Sets a key to a string only where it does not exist.",
  complexity: "O(1)",
  arity: 3,
  flags: WRITE | DENYOOM | FAST,
  categories: ["string"],
  deprecated: { since: "2.6.12", replacedBy: "`SET` with the `NX` argument" },
  keys: [keysAt(KEY_OW | KEY_INSERT, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "value", type: "string" },
  ],
  run(call) {
    const existing = call.writeKey(1);
    if (existing !== NULL_REF) {
      call.reply.integer(0);
      return;
    }
    storeArgument(call, existing, 1, 2, NO_EXPIRY);
    call.changed(NOTIFY_STRING, "set", 1);
    call.reply.integer(1);
  },
});

export const setex = command({
  name: "setex",
  group: "string",
  since: "2.0.0",
  summary: "Sets a key to a string that expires after some seconds.",
  complexity: "O(1)",
  arity: 4,
  flags: WRITE | DENYOOM,
  categories: ["string"],
  deprecated: { since: "2.6.12", replacedBy: "`SET` with the `EX` argument" },
  keys: [keysAt(KEY_OW | KEY_UPDATE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "seconds", type: "integer" },
    { name: "value", type: "string" },
  ],
  run: (call) => setExpiring(call, 1000),
});

export const psetex = command({
  name: "psetex",
  group: "string",
  since: "2.6.0",
  summary: "Sets a key to a string that expires after some milliseconds.",
  complexity: "O(1)",
  arity: 4,
  flags: WRITE | DENYOOM,
  categories: ["string"],
  deprecated: { since: "2.6.12", replacedBy: "`SET` with the `PX` argument" },
  keys: [keysAt(KEY_OW | KEY_UPDATE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "milliseconds", type: "integer" },
    { name: "value", type: "string" },
  ],
  run: (call) => setExpiring(call, 1),
});

export const getset = command({
  name: "getset",
  group: "string",
  since: "1.0.0",
  summary: "Sets a key to a string and returns the one it held.",
  complexity: "O(1)",
  arity: 3,
  flags: WRITE | DENYOOM | FAST,
  categories: ["string"],
  deprecated: { since: "6.2.0", replacedBy: "`SET` with the `GET` argument" },
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_UPDATE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "value", type: "string" },
  ],
  run(call) {
    const existing = call.readKey(1);
    if (call.isWrongType(existing, TYPE_STRING)) return;
    replyStringOrNil(call, existing);
    storeArgument(call, existing, 1, 2, NO_EXPIRY);
    call.changed(NOTIFY_STRING, "set", 1);
    if (!call.engine.effects.isActive) return;
    const effects = call.instead();
    effects.begin(call.database.index, 3);
    effects.word("SET");
    effects.argument(call.args, 1);
    effects.argument(call.args, 2);
  },
});

export const getdel = command({
  name: "getdel",
  group: "string",
  since: "6.2.0",
  summary: "Returns the string that a key holds and deletes the key.",
  complexity: "O(1)",
  arity: 2,
  flags: WRITE | FAST,
  categories: ["string"],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_DELETE, 1)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run(call) {
    const ref = call.readKey(1);
    if (call.isWrongType(ref, TYPE_STRING)) return;
    replyStringOrNil(call, ref);
    if (ref === NULL_REF) return;
    call.database.remove(ref);
    call.changed(NOTIFY_GENERIC, "del", 1);
    const isLazy = call.engine.config.values["lazyfree-lazy-user-del"];
    propagateDeletion(call, isLazy ? "UNLINK" : "DEL");
  },
});

export const getex = command({
  name: "getex",
  group: "string",
  since: "6.2.0",
  summary: "Returns the string that a key holds and sets or removes its expiry.",
  complexity: "O(1)",
  arity: -2,
  flags: WRITE | FAST,
  categories: ["string"],
  keys: [
    {
      ...keysAt(KEY_RW | KEY_ACCESS | KEY_UPDATE, 1),
      notes: "RW and UPDATE because it changes the TTL",
    },
  ],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    {
      name: "expiration",
      type: "oneof",
      optional: true,
      parts: [
        ...EXPIRY_ARGUMENTS.map(({ since: _since, ...argument }) => argument),
        { name: "persist", type: "pure-token", token: "PERSIST" },
      ],
    },
  ],
  run: getWithExpiry,
});

function hasWord(args: Arguments, first: number, upperWord: string): boolean {
  for (let i = first; i < args.count; i++) if (args.is(i, upperWord)) return true;
  return false;
}

function replyString(call: Call, ref: Ref): void {
  const value = call.database.stringOf(ref);
  call.reply.bulk(value.bytes, value.start, value.length);
}

function replyStringOrNil(call: Call, ref: Ref): void {
  if (ref === NULL_REF) call.reply.nil();
  else replyString(call, ref);
}

/** Stores argument `value` under argument `key`, which was looked up last. */
function storeArgument(
  call: Call,
  existing: Ref,
  key: number,
  value: number,
  expiry: ExpireTime,
): void {
  const args = call.args;
  call.database.storeString(
    existing,
    args.bytes,
    args.starts[key],
    args.lengths[key],
    args.bytes,
    args.starts[value],
    args.lengths[value],
    expiry,
  );
}

function setWithOptions(call: Call): void {
  if (!readOptions(call, 3, true, options)) {
    call.syntaxError();
    return;
  }
  const { flags, expiryIndex, unitMs, isRelative } = options;
  const expires = expiryIndex !== 0;
  const baseMs = isRelative ? call.nowMs : 0;
  const whenMs = expires ? positiveExpireArgument(call, expiryIndex, unitMs, baseMs) : NO_EXPIRY;
  if (call.refused()) return;
  const returnsOld = (flags & OPTION_GET) !== 0;
  const existing = returnsOld ? call.readKey(1) : call.writeKey(1);
  if (returnsOld) {
    if (call.isWrongType(existing, TYPE_STRING)) return;
    replyStringOrNil(call, existing);
  }
  const isThere = existing !== NULL_REF;
  if (((flags & OPTION_NX) !== 0 && isThere) || ((flags & OPTION_XX) !== 0 && !isThere)) {
    if (!returnsOld) call.reply.nil();
    return;
  }
  storeArgument(call, existing, 1, 2, (flags & OPTION_KEEPTTL) !== 0 ? KEEP_EXPIRY : whenMs);
  call.changed(NOTIFY_STRING, "set", 1);
  if (expires) {
    call.alsoHappened(NOTIFY_GENERIC, "expire", 1);
    propagateSet(call, 2, whenMs);
  } else if (returnsOld) {
    propagateWithoutGet(call);
  }
  if (!returnsOld) call.reply.ok();
}

function setExpiring(call: Call, unitMs: number): void {
  const whenMs = positiveExpireArgument(call, 2, unitMs, call.nowMs);
  if (call.refused()) return;
  storeArgument(call, call.writeKey(1), 1, 3, whenMs);
  call.changed(NOTIFY_STRING, "set", 1);
  call.alsoHappened(NOTIFY_GENERIC, "expire", 1);
  propagateSet(call, 3, whenMs);
  call.reply.ok();
}

/** SET key value PXAT time: the same moment whenever it is replayed. */
function propagateSet(call: Call, valueIndex: number, whenMs: ExpireTime): void {
  if (!call.engine.effects.isActive) return;
  const effects = call.instead();
  effects.begin(call.database.index, 5);
  effects.word("SET");
  effects.argument(call.args, 1);
  effects.argument(call.args, valueIndex);
  effects.word("PXAT");
  effects.integer(whenMs);
}

function propagateWithoutGet(call: Call): void {
  if (!call.engine.effects.isActive) return;
  const effects = call.instead();
  let kept = 0;
  for (let i = 3; i < call.count; i++) if (!call.is(i, "GET")) kept++;
  effects.begin(call.database.index, 3 + kept);
  for (let i = 0; i < call.count; i++) {
    if (i < 3 || !call.is(i, "GET")) effects.argument(call.args, i);
  }
}

function propagateDeletion(call: Call, removal: "DEL" | "UNLINK"): void {
  const effects = call.instead();
  effects.begin(call.database.index, 2);
  effects.word(removal);
  effects.argument(call.args, 1);
}

function getWithExpiry(call: Call): void {
  if (!readOptions(call, 2, false, options)) {
    call.syntaxError();
    return;
  }
  const { flags, expiryIndex, unitMs, isRelative } = options;
  const ref = call.readKey(1);
  if (ref === NULL_REF) {
    call.reply.nil();
    return;
  }
  if (call.isWrongType(ref, TYPE_STRING)) return;
  const baseMs = isRelative ? call.nowMs : 0;
  const expires = expiryIndex !== 0;
  const whenMs = expires ? positiveExpireArgument(call, expiryIndex, unitMs, baseMs) : NO_EXPIRY;
  if (call.refused()) return;
  replyString(call, ref);
  const database = call.database;
  if (expires && !isRelative && whenMs <= call.nowMs && !call.engine.context.keepsExpired) {
    database.remove(ref);
    call.changed(NOTIFY_GENERIC, "del", 1);
    propagateDeletion(call, call.engine.removalCommand("expired"));
  } else if (expires) {
    database.setExpiry(ref, whenMs);
    call.changed(NOTIFY_GENERIC, "expire", 1);
    const effects = call.instead();
    effects.begin(database.index, 3);
    effects.word("PEXPIREAT");
    effects.argument(call.args, 1);
    effects.integer(whenMs);
  } else if ((flags & OPTION_PERSIST) !== 0 && database.hasExpiry(ref)) {
    database.setExpiry(ref, NO_EXPIRY);
    call.changed(NOTIFY_GENERIC, "persist", 1);
    const effects = call.instead();
    effects.begin(database.index, 2);
    effects.word("PERSIST");
    effects.argument(call.args, 1);
  }
}
