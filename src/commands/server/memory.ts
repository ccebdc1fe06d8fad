/** MEMORY: what a key costs. */
import { command, KEY_RO, keysAt, LOADING, READONLY, STALE } from "../../engine/command.ts";
import { replyHelp } from "../../engine/help.ts";
import { NULL_REF } from "../../memory/arena.ts";
import { SYNTAX } from "../../protocol/errors.ts";

const usage = command({
  name: "usage",
  group: "server",
  since: "4.0.0",
  summary: "Returns the bytes that a key and its value take.",
  complexity: "O(N) where N is the number of samples.",
  arity: -3,
  flags: READONLY,
  keys: [keysAt(KEY_RO, 2)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "count", type: "integer", token: "SAMPLES", optional: true },
  ],
  run(call) {
    for (let i = 3; i < call.count; i += 2) {
      if (!call.is(i, "SAMPLES") || i + 1 === call.count) call.refuse(SYNTAX);
      else if (call.integer(i + 1) < 0) call.refuse(SYNTAX);
      if (call.refused()) return;
    }
    const ref = call.peekKey(2);
    if (ref === NULL_REF) call.reply.nil();
    else call.reply.integer(call.database.sizeOf(ref));
  },
});

const help = command({
  name: "help",
  group: "server",
  since: "4.0.0",
  summary: "Describes the subcommands.",
  complexity: "O(1)",
  arity: 2,
  flags: LOADING | STALE,
  run: (call) =>
    replyHelp(call, "MEMORY", [
      "USAGE <key> [SAMPLES <count>]",
      "    Return memory in bytes used by <key> and its value. Nested values are",
      "    sampled up to <count> times (default: 5, 0 means sample all).",
    ]),
});

export const memory = command({
  name: "memory",
  group: "server",
  since: "4.0.0",
  summary: "Tells what memory is used for.",
  complexity: "Depends on subcommand.",
  arity: -2,
  flags: 0,
  subcommands: [help, usage],
});
