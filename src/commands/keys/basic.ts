/** Keys whatever they hold: existence, deletion, names. */
import type { Call } from "../../engine/call.ts";
import {
  command,
  DENYOOM,
  FAST,
  KEY_ACCESS,
  KEY_DELETE,
  KEY_INSERT,
  KEY_OW,
  KEY_RM,
  KEY_RO,
  KEY_RW,
  KEY_UPDATE,
  keysAt,
  READONLY,
  TOUCHES_ARBITRARY_KEYS,
  WRITE,
} from "../../engine/command.ts";
import { NOTIFY_GENERIC } from "../../engine/key-events.ts";
import type { Database } from "../../keyspace/database.ts";
import { KeyView } from "../../keyspace/entries.ts";
import { NULL_REF } from "../../memory/arena.ts";
import type { Ref } from "../../memory/arena.ts";
import { typeName, typeOf } from "../../memory/entry.ts";
import { INVALID_DB_INDEX, NO_SUCH_KEY, SAME_OBJECT, SYNTAX } from "../../protocol/errors.ts";

const MANY_KEYS = {
  group: "generic",
  arity: -2,
  categories: ["keyspace"],
  tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
  args: [{ name: "key", type: "key", keySpec: 0, multiple: true }],
} as const;

export const del = command({
  ...MANY_KEYS,
  name: "del",
  since: "1.0.0",
  summary: "Deletes keys and returns how many there were.",
  complexity: "O(N) where N is the number of keys that will be removed",
  flags: WRITE,
  keys: [keysAt(KEY_RM | KEY_DELETE, 1, -1)],
  run: deleteKeys,
});

export const unlink = command({
  ...MANY_KEYS,
  name: "unlink",
  since: "4.0.0",
  summary: "Deletes keys; large values are reclaimed later.",
  complexity: "O(1) for each key removed regardless of its size",
  flags: WRITE | FAST,
  keys: [keysAt(KEY_RM | KEY_DELETE, 1, -1)],
  run: deleteKeys,
});

export const exists = command({
  ...MANY_KEYS,
  name: "exists",
  since: "1.0.0",
  summary: "Counts how many of the keys exist; a key named twice counts twice.",
  complexity: "O(N) where N is the number of keys to check",
  flags: READONLY | FAST,
  history: [["3.0.3", "Accepts multiple `key` arguments."]],
  keys: [keysAt(KEY_RO, 1, -1)],
  run: (call) => countKeys(call, false),
});

export const touch = command({
  ...MANY_KEYS,
  name: "touch",
  since: "3.2.1",
  summary: "Marks keys as just accessed and returns how many exist.",
  complexity: "O(N) where N is the number of keys that will be touched",
  flags: READONLY | FAST,
  keys: [keysAt(KEY_RO, 1, -1)],
  run: (call) => countKeys(call, true),
});

export const type = command({
  name: "type",
  group: "generic",
  since: "1.0.0",
  summary: "Returns the name of the type of value that a key holds.",
  complexity: "O(1)",
  arity: 2,
  flags: READONLY | FAST,
  categories: ["keyspace"],
  keys: [keysAt(KEY_RO, 1)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run(call) {
    const ref = call.peekReadKey(1);
    call.reply.simple(ref === NULL_REF ? "none" : typeName(typeOf(call.database.arena, ref)));
  },
});

const RENAME_ARGUMENTS = [
  { name: "key", type: "key", keySpec: 0 },
  { name: "newkey", type: "key", keySpec: 1 },
] as const;

export const rename = command({
  name: "rename",
  group: "generic",
  since: "1.0.0",
  summary: "Gives a key another name, over a key of that name.",
  complexity: "O(1)",
  arity: 3,
  flags: WRITE,
  categories: ["keyspace"],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_DELETE, 1), keysAt(KEY_OW | KEY_UPDATE, 2)],
  args: RENAME_ARGUMENTS,
  run(call) {
    if (renameKey(call, true)) call.reply.ok();
  },
});

export const renamenx = command({
  name: "renamenx",
  group: "generic",
  since: "1.0.0",
  summary: "Gives a key another name unless that name is taken.",
  complexity: "O(1)",
  arity: 3,
  flags: WRITE | FAST,
  categories: ["keyspace"],
  history: [
    [
      "3.2.0",
      "The command no longer returns an error when source and destination names are the same.",
    ],
  ],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_DELETE, 1), keysAt(KEY_OW | KEY_INSERT, 2)],
  args: RENAME_ARGUMENTS,
  run(call) {
    if (renameKey(call, false)) call.reply.integer(1);
  },
});

export const copy = command({
  name: "copy",
  group: "generic",
  since: "6.2.0",
  summary: "Copies a key's value and expiry to another key.",
  complexity: "O(N) worst case for collections, where N is the number of nested items",
  arity: -3,
  flags: WRITE | DENYOOM,
  categories: ["keyspace"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1), keysAt(KEY_OW | KEY_UPDATE, 2)],
  args: [
    { name: "source", type: "key", keySpec: 0 },
    { name: "destination", type: "key", keySpec: 1 },
    { name: "destination-db", type: "integer", token: "DB", optional: true },
    { name: "replace", type: "pure-token", token: "REPLACE", optional: true },
  ],
  run: copyKey,
});

export const move = command({
  name: "move",
  group: "generic",
  since: "1.0.0",
  summary: "Moves a key to another database unless that has one of this name.",
  complexity: "O(1)",
  arity: 3,
  flags: WRITE | FAST,
  categories: ["keyspace"],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_UPDATE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "db", type: "integer" },
  ],
  run: moveKey,
});

export const randomkey = command({
  name: "randomkey",
  group: "generic",
  since: "1.0.0",
  summary: "Returns the name of a random key.",
  complexity: "O(1)",
  arity: 1,
  flags: READONLY | TOUCHES_ARBITRARY_KEYS,
  categories: ["keyspace"],
  tips: ["request_policy:all_shards", "nondeterministic_output"],
  run(call) {
    const ref = call.database.randomKey();
    if (ref === NULL_REF) {
      call.reply.nil();
      return;
    }
    const key = call.database.keyOf(ref, view);
    call.reply.bulk(key.bytes, key.start, key.length);
  },
});

export const dbsize = command({
  name: "dbsize",
  group: "server",
  since: "1.0.0",
  summary: "Returns how many keys the database holds.",
  complexity: "O(1)",
  arity: 1,
  flags: READONLY | FAST,
  categories: ["keyspace"],
  tips: ["request_policy:all_shards", "response_policy:agg_sum"],
  run: (call) => call.reply.integer(call.database.size),
});

const view = new KeyView();

function deleteKeys(call: Call): void {
  call.fetchKeys(1, 1);
  let deleted = 0;
  for (let i = 1; i < call.count; i++) {
    const ref = call.peekKey(i);
    if (ref === NULL_REF) continue;
    call.database.remove(ref);
    call.changed(NOTIFY_GENERIC, "del", i);
    deleted++;
  }
  call.reply.integer(deleted);
}

function countKeys(call: Call, marks: boolean): void {
  // TOUCH marks even for a client that asked to leave no trace.
  if (marks) call.engine.context.leavesNoTrace = false;
  call.fetchKeys(1, 1);
  let found = 0;
  for (let i = 1; i < call.count; i++) {
    const ref = marks ? call.readKey(i) : call.peekReadKey(i);
    if (ref !== NULL_REF) found++;
  }
  call.reply.integer(found);
}

/** Replies itself, and returns false, where nothing was renamed. */
function renameKey(call: Call, replaces: boolean): boolean {
  const { args, database } = call;
  const { bytes, starts, lengths } = args;
  const from = call.writeKey(1);
  if (from === NULL_REF) {
    call.fail(NO_SUCH_KEY);
    return false;
  }
  const existing = call.writeKey(2);
  if (existing === from) {
    if (replaces) call.reply.ok();
    else call.reply.integer(0);
    return false;
  }
  if (existing !== NULL_REF) {
    if (!replaces) {
      call.reply.integer(0);
      return false;
    }
    database.remove(existing);
  }
  database.adopt(database, from, bytes, starts[2], lengths[2], true);
  database.remove(from);
  call.changed(NOTIFY_GENERIC, "rename_from", 1);
  call.alsoHappened(NOTIFY_GENERIC, "rename_to", 2);
  return true;
}

/** The database that an argument names, or null: then the problem is noted on the call. */
function databaseAt(call: Call, index: number): Database | null {
  const number = call.int32(index);
  const database = call.engine.keyspace.databases[number];
  if (database !== undefined) return database;
  call.refuse(INVALID_DB_INDEX);
  return null;
}

function copyKey(call: Call): void {
  const { bytes, starts, lengths } = call.args;
  let target: Database | null = call.database;
  let replaces = false;
  for (let i = 3; i < call.count; i++) {
    if (call.is(i, "REPLACE")) replaces = true;
    else if (call.is(i, "DB") && i + 1 < call.count) {
      target = databaseAt(call, ++i);
    } else {
      call.refuse(SYNTAX);
    }
    if (call.refused() || target === null) return;
  }
  if (target === call.database && call.args.areEqual(1, 2)) {
    call.fail(SAME_OBJECT);
    return;
  }
  const from = call.readKey(1);
  if (from === NULL_REF) {
    call.reply.integer(0);
    return;
  }
  const existing = target.write(bytes, starts[2], lengths[2]);
  if (existing !== NULL_REF) {
    if (!replaces) {
      call.reply.integer(0);
      return;
    }
    target.remove(existing);
  }
  target.adopt(call.database, from, bytes, starts[2], lengths[2], false);
  call.changedKey(target, NOTIFY_GENERIC, "copy_to", bytes, starts[2], lengths[2]);
  call.reply.integer(1);
}

function moveKey(call: Call): void {
  const { args, database } = call;
  const { bytes, starts, lengths } = args;
  const target = databaseAt(call, 2);
  if (call.refused() || target === null) return;
  if (target === database) {
    call.fail(SAME_OBJECT);
    return;
  }
  const from: Ref = call.writeKey(1);
  if (from === NULL_REF || target.write(bytes, starts[1], lengths[1]) !== NULL_REF) {
    call.reply.integer(0);
    return;
  }
  target.adopt(database, from, bytes, starts[1], lengths[1], true);
  database.remove(from);
  call.changed(NOTIFY_GENERIC, "move_from", 1);
  if (call.engine.watchesKeys) {
    const { engine } = call;
    engine.keyChanged(target, NOTIFY_GENERIC, "move_to", bytes, starts[1], lengths[1]);
  }
  call.reply.integer(1);
}
