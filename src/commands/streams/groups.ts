/** XGROUP and XACK. */
import {
  command,
  DENYOOM,
  FAST,
  KEY_DELETE,
  KEY_INSERT,
  KEY_RW,
  KEY_UPDATE,
  LOADING,
  STALE,
  WRITE,
  keysAt,
} from "../../engine/command.ts";
import type { Call } from "../../engine/call.ts";
import { replyHelp } from "../../engine/help.ts";
import { NOTIFY_STREAM } from "../../engine/key-events.ts";
import { readStream, writeStream } from "../../engine/typed-values.ts";
import {
  ENTRIES_READ_NEGATIVE,
  GROUP_EXISTS,
  noSuchGroup,
  unknownSubcommandOrArity,
  XGROUP_NEEDS_KEY,
} from "../../protocol/errors.ts";
import { ConsumerGroup, UNKNOWN_COUNT } from "../../values/consumer-group.ts";
import type { Counter, StreamValue } from "../../values/stream.ts";
import { StreamId } from "../../values/stream-id.ts";
import { GROUP_EVENT, groupAt } from "./_groups.ts";
import { readId, readRangeBound } from "./_ids.ts";

const create = command({
  name: "create",
  group: "stream",
  since: "5.0.0",
  summary: "Makes a consumer group.",
  complexity: "O(1)",
  arity: -5,
  flags: WRITE | DENYOOM,
  categories: ["stream"],
  history: [["7.0.0", "Added the `entries_read` named argument."]],
  keys: [keysAt(KEY_RW | KEY_INSERT, 2)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "groupname", type: "string" },
    {
      name: "id",
      type: "oneof",
      parts: [
        { name: "id", type: "string" },
        { name: "new_id", type: "pure-token", token: "$" },
      ],
    },
    { name: "mkstream", type: "pure-token", token: "MKSTREAM", optional: true },
    { name: "entries_read", type: "integer", token: "ENTRIESREAD", optional: true },
  ],
  run: runCreate,
});

const setid = command({
  name: "setid",
  group: "stream",
  since: "5.0.0",
  summary: "Sets the ID behind which a group reads on.",
  complexity: "O(1)",
  arity: -5,
  flags: WRITE,
  categories: ["stream"],
  history: [["7.0.0", "Added the optional `entries_read` argument."]],
  keys: [keysAt(KEY_RW | KEY_UPDATE, 2)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "groupname", type: "string" },
    {
      name: "id",
      type: "oneof",
      parts: [
        { name: "id", type: "string" },
        { name: "new_id", type: "pure-token", token: "$" },
      ],
    },
    { name: "entries_read", type: "integer", token: "ENTRIESREAD", optional: true },
  ],
  run: runSetId,
});

const destroy = command({
  name: "destroy",
  group: "stream",
  since: "5.0.0",
  summary: "Removes a consumer group.",
  complexity: "O(N) where N is the number of entries in the group's pending entries list (PEL).",
  arity: 4,
  flags: WRITE,
  categories: ["stream"],
  keys: [keysAt(KEY_RW | KEY_DELETE, 2)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "groupname", type: "string" },
  ],
  run: runDestroy,
});

const createconsumer = command({
  name: "createconsumer",
  group: "stream",
  since: "6.2.0",
  summary: "Makes a consumer of a group.",
  complexity: "O(1)",
  arity: 5,
  flags: WRITE | DENYOOM,
  categories: ["stream"],
  keys: [keysAt(KEY_RW | KEY_INSERT, 2)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "groupname", type: "string" },
    { name: "consumername", type: "string" },
  ],
  run: runCreateConsumer,
});

const delconsumer = command({
  name: "delconsumer",
  group: "stream",
  since: "5.0.0",
  summary: "Removes a consumer of a group and what is pending for it.",
  complexity: "O(1)",
  arity: 5,
  flags: WRITE,
  categories: ["stream"],
  keys: [keysAt(KEY_RW | KEY_DELETE, 2)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "groupname", type: "string" },
    { name: "consumername", type: "string" },
  ],
  run: runDeleteConsumer,
});

const help = command({
  name: "help",
  group: "stream",
  since: "5.0.0",
  summary: "Describes the subcommands.",
  complexity: "O(1)",
  arity: 2,
  flags: LOADING | STALE,
  categories: ["stream"],
  run: runHelp,
});

export const xack = command({
  name: "xack",
  group: "stream",
  since: "5.0.0",
  summary: "Ends entries' being pending in a group.",
  complexity: "O(1) for each message ID processed.",
  arity: -4,
  flags: WRITE | FAST,
  categories: ["stream"],
  keys: [keysAt(KEY_RW | KEY_UPDATE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "group", type: "string" },
    { name: "id", type: "string", multiple: true },
  ],
  run: runAcknowledge,
});

const id = new StreamId();
/** IDs that XACK was given. */
const ids: StreamId[] = [];

export const xgroup = command({
  name: "xgroup",
  group: "stream",
  since: "5.0.0",
  summary: "Manages the consumer groups of a stream.",
  complexity: "Depends on subcommand.",
  arity: -2,
  flags: 0,
  subcommands: [create, createconsumer, delconsumer, destroy, help, setid],
});

function runCreate(call: Call): void {
  let makesStream = false;
  let entriesRead: Counter = UNKNOWN_COUNT;
  for (let i = 5; i < call.count && !call.hasProblem; i++) {
    if (call.is(i, "MKSTREAM")) makesStream = true;
    else if (i + 1 < call.count && call.is(i, "ENTRIESREAD")) entriesRead = readCount(call, ++i);
    else call.refuse(unknownSubcommandOrArity("xgroup", call.text(1)));
  }
  if (call.refused()) return;
  const value = writeStream(call, 2);
  if (value === null) return;
  const isNew = !value.exists;
  if (isNew && !makesStream) call.refuse(XGROUP_NEEDS_KEY);
  if (!call.is(4, "$")) readId(call, 4, id);
  else if (isNew) id.setFirst();
  else id.copy(value.stream.lastId);
  if (call.refused()) return;
  const { groups } = value.obtain();
  const name = call.text(3);
  if (groups.has(name)) {
    call.fail(GROUP_EXISTS);
    return;
  }
  const group = new ConsumerGroup(value.home.arena.objects.collections);
  group.lastId.copy(id);
  group.entriesRead = entriesRead;
  groups.set(name, group);
  value.touched();
  call.changed(isNew ? NOTIFY_STREAM : GROUP_EVENT, "xgroup-create", 2);
  call.reply.ok();
}

/** How many entries a group has read, for ENTRIESREAD. */
function readCount(call: Call, index: number): Counter {
  const count = call.int64(index);
  if (count < 0 && count !== UNKNOWN_COUNT) call.refuse(ENTRIES_READ_NEGATIVE);
  return count;
}

/** The stream of argument 2, which must exist; null where it doesn't, which has been replied. */
function existingStream(call: Call): StreamValue | null {
  const value = writeStream(call, 2);
  if (value === null || value.exists) return value;
  call.fail(XGROUP_NEEDS_KEY);
  return null;
}

/** As `existingStream`, with the group of argument 3, which must exist too. */
function existingGroup(call: Call): { value: StreamValue; group: ConsumerGroup } | null {
  const value = existingStream(call);
  if (value === null) return null;
  const group = groupAt(call, value.stream, 3);
  if (group !== null) return { value, group };
  call.fail(noSuchGroup(call.text(3), call.text(2)));
  return null;
}

function runSetId(call: Call): void {
  let entriesRead: Counter = UNKNOWN_COUNT;
  for (let i = 5; i < call.count && !call.hasProblem; i++) {
    if (i + 1 < call.count && call.is(i, "ENTRIESREAD")) entriesRead = readCount(call, ++i);
    else call.refuse(unknownSubcommandOrArity("xgroup", call.text(1)));
  }
  if (call.refused()) return;
  const found = existingGroup(call);
  if (found === null) return;
  const { value, group } = found;
  if (call.is(4, "$")) id.copy(value.stream.lastId);
  else readRangeBound(call, 4, id);
  if (call.refused()) return;
  group.lastId.copy(id);
  group.entriesRead = entriesRead;
  value.touched();
  call.changed(GROUP_EVENT, "xgroup-setid", 2);
  call.reply.ok();
}

function runDestroy(call: Call): void {
  const value = existingStream(call);
  if (value === null) return;
  const group = groupAt(call, value.stream, 3);
  if (group === null) {
    call.reply.integer(0);
    return;
  }
  value.stream.groups.delete(call.text(3));
  group.free(Infinity);
  value.touched();
  call.changed(GROUP_EVENT, "xgroup-destroy", 2);
  call.reply.integer(1);
}

function runCreateConsumer(call: Call): void {
  const found = existingGroup(call);
  if (found === null) return;
  const { value, group } = found;
  const name = call.text(4);
  if (group.consumer(name) !== null) {
    call.reply.integer(0);
    return;
  }
  group.addConsumer(name, call.nowMs);
  value.touched();
  call.changed(GROUP_EVENT, "xgroup-createconsumer", 2);
  call.reply.integer(1);
}

function runDeleteConsumer(call: Call): void {
  const found = existingGroup(call);
  if (found === null) return;
  const { value, group } = found;
  const consumer = group.consumer(call.text(4));
  if (consumer === null) {
    call.reply.integer(0);
    return;
  }
  call.reply.integer(consumer.pending.size);
  group.removeConsumer(consumer);
  value.touched();
  call.changed(GROUP_EVENT, "xgroup-delconsumer", 2);
}

function runAcknowledge(call: Call): void {
  const value = readStream(call, 1);
  if (value === null) return;
  const group = value.exists ? groupAt(call, value.stream, 2) : null;
  if (group === null) {
    call.reply.integer(0);
    return;
  }
  const count = call.count - 3;
  while (ids.length < count) ids.push(new StreamId());
  for (let i = 0; i < count; i++) readId(call, 3 + i, ids[i]);
  if (call.refused()) return;
  let acknowledged = 0;
  for (let i = 0; i < count; i++) if (group.acknowledge(ids[i])) acknowledged++;
  if (acknowledged > 0) {
    value.touched();
    call.changedMany(acknowledged);
  }
  call.reply.integer(acknowledged);
}

function runHelp(call: Call): void {
  replyHelp(call, "XGROUP", [
    "CREATE <key> <groupname> <id|$> [option]",
    "    Create a new consumer group. Options are:",
    "    * MKSTREAM",
    "      Create the empty stream if it does not exist.",
    "    * ENTRIESREAD entries_read",
    "      Set the group's entries_read counter (internal use).",
    "CREATECONSUMER <key> <groupname> <consumer>",
    "    Create a new consumer in the specified group.",
    "DELCONSUMER <key> <groupname> <consumer>",
    "    Remove the specified consumer.",
    "DESTROY <key> <groupname>",
    "    Remove the specified group.",
    "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
    "    Set the current group ID and entries_read counter.",
  ]);
}
