/** COMMAND: what the server knows of its own commands. */
import { matchGlob } from "../../base/glob.ts";
import { bytesOf } from "../../base/bytes.ts";
import { categoriesOf } from "../../engine/acl-categories.ts";
import type { Call } from "../../engine/call.ts";
import { command as declare, LOADING, NO_MANDATORY_KEYS, STALE } from "../../engine/command.ts";
import type { Command } from "../../engine/command.ts";
import { replyHelp } from "../../engine/help.ts";
import { findKeys } from "../../engine/key-finder.ts";
import { replyCommandDocs, replyCommandInfo, replyKeyFlags } from "./_command-replies.ts";

const SUBCOMMAND = {
  group: "server",
  since: "2.8.13",
  flags: LOADING | STALE,
  categories: ["connection"],
} as const;

const UNORDERED = { tips: ["nondeterministic_output_order"] } as const;
const NAMES = [{ name: "command-name", type: "string", optional: true, multiple: true }] as const;

const COMMAND_LINE = [
  { name: "command", type: "string" },
  { name: "arg", type: "string", optional: true, multiple: true },
] as const;

const count = declare({
  ...SUBCOMMAND,
  name: "count",
  summary: "Returns how many commands there are.",
  complexity: "O(1)",
  arity: 2,
  run: (call) => call.reply.integer(call.engine.table.commands.length),
});

const info = declare({
  ...SUBCOMMAND,
  ...UNORDERED,
  name: "info",
  summary: "Describes some or all commands for clients.",
  complexity: "O(N) where N is the number of commands to look up",
  arity: -2,
  history: [["7.0.0", "Allowed to be called with no argument to get info on all commands."]],
  args: NAMES,
  run(call) {
    if (call.count === 2) {
      replyAll(call);
      return;
    }
    call.reply.array(call.count - 2);
    for (let i = 2; i < call.count; i++) {
      const found = call.engine.table.byName(call.text(i));
      if (found === null) call.reply.nil();
      else replyCommandInfo(call.reply, found);
    }
  },
});

const docs = declare({
  ...SUBCOMMAND,
  ...UNORDERED,
  name: "docs",
  since: "7.0.0",
  summary: "Documents some or all commands.",
  complexity: "O(N) where N is the number of commands to look up",
  arity: -2,
  args: NAMES,
  run(call) {
    const { table } = call.engine;
    const chosen: Command[] = call.count === 2 ? [...table.commands] : [];
    for (let i = 2; i < call.count; i++) {
      const found = table.byName(call.text(i));
      if (found !== null) chosen.push(found);
    }
    call.reply.map(chosen.length);
    for (const one of chosen) {
      call.reply.bulkText(one.fullName);
      replyCommandDocs(call.reply, one);
    }
  },
});

const list = declare({
  ...SUBCOMMAND,
  ...UNORDERED,
  name: "list",
  since: "7.0.0",
  summary: "Returns the names of all commands, or of those that pass a filter.",
  complexity: "O(N) where N is the total number of Redis commands",
  arity: -2,
  args: [
    {
      name: "filterby",
      type: "oneof",
      token: "FILTERBY",
      optional: true,
      parts: [
        { name: "module-name", type: "string", token: "MODULE" },
        { name: "category", type: "string", token: "ACLCAT" },
        { name: "pattern", type: "pattern", token: "PATTERN" },
      ],
    },
  ],
  run: listCommands,
});

const getkeys = declare({
  ...SUBCOMMAND,
  name: "getkeys",
  summary: "Returns which arguments of a command line are keys.",
  complexity: "O(N) where N is the number of arguments to the command",
  arity: -4,
  args: COMMAND_LINE,
  run: (call) => replyKeys(call, false),
});

const getkeysandflags = declare({
  ...SUBCOMMAND,
  name: "getkeysandflags",
  since: "7.0.0",
  summary: "Returns the keys of a command line and what is done to them.",
  complexity: "O(N) where N is the number of arguments to the command",
  arity: -4,
  args: COMMAND_LINE,
  run: (call) => replyKeys(call, true),
});

const help = declare({
  ...SUBCOMMAND,
  name: "help",
  since: "5.0.0",
  summary: "Describes the subcommands.",
  complexity: "O(1)",
  arity: 2,
  run: (call) =>
    replyHelp(call, "COMMAND", [
      "(no subcommand)",
      "    Return details about all Redis commands.",
      "COUNT",
      "    Return the total number of commands in this Redis server.",
      "LIST",
      "    Return a list of all commands in this Redis server.",
      "INFO [<command-name> ...]",
      "    Return details about multiple Redis commands.",
      "    If no command names are given, documentation details for all",
      "    commands are returned.",
      "DOCS [<command-name> ...]",
      "    Return documentation details about multiple Redis commands.",
      "    If no command names are given, documentation details for all",
      "    commands are returned.",
      "GETKEYS <full-command>",
      "    Return the keys from a full Redis command.",
      "GETKEYSANDFLAGS <full-command>",
      "    Return the keys and the access flags from a full Redis command.",
    ]),
});

export const command = declare({
  ...SUBCOMMAND,
  ...UNORDERED,
  name: "command",
  summary: "Describes all commands for clients.",
  complexity: "O(N) where N is the total number of Redis commands",
  arity: -1,
  subcommands: [count, docs, getkeys, getkeysandflags, help, info, list],
  run(call) {
    if (call.count === 1) replyAll(call);
    else call.unknownSubcommand();
  },
});

function replyAll(call: Call): void {
  const { commands } = call.engine.table;
  call.reply.array(commands.length);
  for (const one of commands) replyCommandInfo(call.reply, one);
}

function listCommands(call: Call): void {
  let passes: (one: Command) => boolean = () => true;
  if (call.count === 5 && call.is(2, "FILTERBY")) {
    const wanted = call.text(4).toLowerCase();
    if (call.is(3, "MODULE")) passes = () => false;
    else if (call.is(3, "ACLCAT")) passes = (one) => categoriesOf(one).includes(wanted);
    else if (call.is(3, "PATTERN")) passes = (one) => matches(wanted, one.fullName);
    else {
      call.syntaxError();
      return;
    }
  } else if (call.count !== 2) {
    call.syntaxError();
    return;
  }
  const { table } = call.engine;
  const names = table.all().filter(passes);
  call.reply.array(names.length);
  for (const one of names) call.reply.bulkText(one.fullName);
}

function matches(pattern: string, name: string): boolean {
  const patternBytes = bytesOf(pattern);
  const nameBytes = bytesOf(name);
  return matchGlob(patternBytes, 0, patternBytes.length, nameBytes, 0, nameBytes.length, true);
}

function replyKeys(call: Call, withFlags: boolean): void {
  const { args, engine, reply } = call;
  const found = engine.table.findFrom(args, 2);
  const words = call.count - 2;
  if (found === null) {
    call.fail("ERR Invalid command specified");
  } else if (!found.hasKeys) {
    call.fail("ERR The command has no key arguments");
  } else if (!found.acceptsCount(words)) {
    call.fail("ERR Invalid number of arguments specified for command");
  } else {
    const keys = findKeys(found, args, 2);
    if (keys === null || keys.length === 0) {
      if ((found.flags & NO_MANDATORY_KEYS) !== 0) reply.array(0);
      else call.fail("ERR Invalid arguments specified for command");
      return;
    }
    reply.array(keys.length);
    for (const { index, flags } of keys) {
      if (withFlags) reply.array(2);
      reply.bulk(args.bytes, args.starts[index], args.lengths[index]);
      if (withFlags) replyKeyFlags(reply, flags);
    }
  }
}
