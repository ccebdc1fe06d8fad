/** XGROUP: groups and their consumers are made, changed and removed. */
import type { Call } from "../../engine/call.ts";
import {
  command,
  DENYOOM,
  KEY_DELETE,
  KEY_INSERT,
  KEY_RW,
  KEY_UPDATE,
  keysAt,
  LOADING,
  STALE,
  WRITE,
} from "../../engine/command.ts";
import type { ArgumentDoc } from "../../engine/command.ts";
import { replyHelp } from "../../engine/help.ts";
import { NOTIFY_NONE, NOTIFY_STREAM } from "../../engine/key-events.ts";
import { writeStream } from "../../engine/typed-values.ts";
import {
  ENTRIES_READ_NEGATIVE,
  GROUP_EXISTS,
  noGroup,
  unknownSubcommandOrArity,
  XGROUP_NEEDS_KEY,
} from "../../protocol/errors.ts";
import { UNKNOWN_COUNT } from "../../values/consumer-group.ts";
import type { ConsumerGroup } from "../../values/consumer-group.ts";
import type { Counter, StreamValue } from "../../values/stream.ts";
import { StreamId } from "../../values/stream-id.ts";
import { addConsumer, findConsumer, findGroup } from "./_groups.ts";
import { readId } from "./_ids.ts";

const KEY_AND_GROUP: readonly ArgumentDoc[] = [
  { name: "key", type: "key", keySpec: 0 },
  { name: "group", type: "string" },
];
const KEY_GROUP_AND_CONSUMER: readonly ArgumentDoc[] = [
  ...KEY_AND_GROUP,
  { name: "consumer", type: "string" },
];
const ID: ArgumentDoc = {
  name: "id-selector",
  type: "oneof",
  parts: [
    { name: "id", type: "string" },
    { name: "new-id", type: "pure-token", token: "$" },
  ],
};
const ENTRIES_READ = "entries-read";

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
    ...KEY_AND_GROUP,
    ID,
    { name: "mkstream", type: "pure-token", token: "MKSTREAM", optional: true },
    { name: ENTRIES_READ, type: "integer", token: "ENTRIESREAD", optional: true },
  ],
  run: createGroup,
});

const setid = command({
  name: "setid",
  group: "stream",
  since: "5.0.0",
  summary: "Sets the ID that a group's consumers read on from.",
  complexity: "O(1)",
  arity: -5,
  flags: WRITE,
  categories: ["stream"],
  history: [["7.0.0", "Added the optional `entries_read` argument."]],
  keys: [keysAt(KEY_RW | KEY_UPDATE, 2)],
  args: [
    ...KEY_AND_GROUP,
    ID,
    { name: ENTRIES_READ, type: "integer", token: "ENTRIESREAD", optional: true },
  ],
  run: setProgress,
});

const destroy = command({
  name: "destroy",
  group: "stream",
  since: "5.0.0",
  summary: "Removes a consumer group.",
  complexity: "O(N) where N is the number of the group's pending entries",
  arity: 4,
  flags: WRITE,
  categories: ["stream"],
  keys: [keysAt(KEY_RW | KEY_DELETE, 2)],
  args: KEY_AND_GROUP,
  run: destroyGroup,
});

const createconsumer = command({
  name: "createconsumer",
  group: "stream",
  since: "6.2.0",
  summary: "Makes a consumer in a group.",
  complexity: "O(1)",
  arity: 5,
  flags: WRITE | DENYOOM,
  categories: ["stream"],
  keys: [keysAt(KEY_RW | KEY_INSERT, 2)],
  args: KEY_GROUP_AND_CONSUMER,
  run: createConsumer,
});

const delconsumer = command({
  name: "delconsumer",
  group: "stream",
  since: "5.0.0",
  summary: "Removes a consumer with its pending entries from a group.",
  complexity: "O(N log(M)) with N entries pending for the consumer and M for the group",
  arity: 5,
  flags: WRITE,
  categories: ["stream"],
  keys: [keysAt(KEY_RW | KEY_DELETE, 2)],
  args: KEY_GROUP_AND_CONSUMER,
  run: deleteConsumer,
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
  run: (call) =>
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
    ]),
});

export const xgroup = command({
  name: "xgroup",
  group: "stream",
  since: "5.0.0",
  summary: "Makes, changes and removes consumer groups.",
  complexity: "Depends on subcommand.",
  arity: -2,
  flags: 0,
  subcommands: [create, createconsumer, delconsumer, destroy, help, setid],
});

const KEY = 2;
const GROUP = 3;
const AT = { key: KEY, group: GROUP, consumer: 4 };
const MAX_CREATE_ARGUMENTS = 8;
const MAX_SETID_ARGUMENTS = 7;
const FIRST_ID = new StreamId();
const LAST_ID = new StreamId().setLast();
const id = new StreamId();

let makesStream = false;
let entriesRead: Counter = UNKNOWN_COUNT;

function createGroup(call: Call): void {
  readOptions(call, true);
  if (call.refused()) return;
  const value = makesStream ? writeStream(call, KEY) : openStream(call);
  if (value === null) return;
  if (call.count > MAX_CREATE_ARGUMENTS) call.refuse(badArguments(call));
  else if (!call.is(4, "$")) readId(call, 4, id);
  else id.copy(value.exists ? value.stream.lastId : FIRST_ID);
  if (call.refused()) return;
  if (!value.exists) {
    value.obtain();
    call.changed(NOTIFY_NONE, "", KEY);
  }
  const { stream } = value;
  if (findGroup(call, stream, GROUP) !== null) {
    call.fail(GROUP_EXISTS);
    return;
  }
  const { bytes, starts, lengths } = call.args;
  const group = stream.addGroup(bytes, starts[GROUP], lengths[GROUP]);
  setTo(group);
  report(call, value, "xgroup-create");
  call.reply.ok();
}

function setProgress(call: Call): void {
  readOptions(call, false);
  if (call.refused()) return;
  const value = openStream(call);
  const group = value === null ? null : openGroup(call, value);
  if (value === null || group === null) return;
  if (call.count > MAX_SETID_ARGUMENTS) call.refuse(badArguments(call));
  else if (call.is(4, "$")) id.copy(value.stream.lastId);
  else if (call.is(4, "-")) id.copy(FIRST_ID);
  else if (call.is(4, "+")) id.copy(LAST_ID);
  else readId(call, 4, id);
  if (call.refused()) return;
  setTo(group);
  report(call, value, "xgroup-setid");
  call.reply.ok();
}

function destroyGroup(call: Call): void {
  const value = openStream(call);
  if (value === null) return;
  const group = findGroup(call, value.stream, GROUP);
  if (group !== null) {
    value.stream.removeGroup(group);
    report(call, value, "xgroup-destroy");
  }
  call.reply.integer(group === null ? 0 : 1);
}

function createConsumer(call: Call): void {
  const value = openStream(call);
  const group = value === null ? null : openGroup(call, value);
  if (value === null || group === null) return;
  const isThere = findConsumer(call, group, AT.consumer) !== null;
  if (!isThere) addConsumer(call, value, group, AT);
  call.reply.integer(isThere ? 0 : 1);
}

function deleteConsumer(call: Call): void {
  const value = openStream(call);
  const group = value === null ? null : openGroup(call, value);
  if (value === null || group === null) return;
  const consumer = findConsumer(call, group, AT.consumer);
  let pending = 0;
  if (consumer !== null) {
    pending = consumer.pending.size;
    group.removeConsumer(consumer);
    report(call, value, "xgroup-delconsumer");
  }
  call.reply.integer(pending);
}

function readOptions(call: Call, isCreation: boolean): void {
  makesStream = false;
  entriesRead = UNKNOWN_COUNT;
  for (let i = 5; i < call.count && !call.hasProblem; i++) {
    if (isCreation && call.is(i, "MKSTREAM")) makesStream = true;
    else if (i + 1 < call.count && call.is(i, "ENTRIESREAD")) {
      entriesRead = call.int64(++i);
      if (entriesRead < UNKNOWN_COUNT) call.refuse(ENTRIES_READ_NEGATIVE);
    } else call.refuse(badArguments(call));
  }
}

function badArguments(call: Call): string {
  return unknownSubcommandOrArity("xgroup", call.text(1));
}

/** The stream, which must be there; null where an error was replied. */
function openStream(call: Call): StreamValue | null {
  const value = writeStream(call, KEY);
  if (value === null || value.exists) return value;
  call.fail(XGROUP_NEEDS_KEY);
  return null;
}

/** The group, which must be there; null where an error was replied. */
function openGroup(call: Call, { stream }: StreamValue): ConsumerGroup | null {
  const group = findGroup(call, stream, GROUP);
  if (group === null) call.fail(noGroup(call.text(GROUP), call.text(KEY)));
  return group;
}

function setTo(group: ConsumerGroup): void {
  group.lastId.copy(id);
  group.entriesRead = entriesRead;
}

function report(call: Call, value: StreamValue, event: string): void {
  value.touched();
  call.changed(NOTIFY_STREAM, event, KEY);
}
