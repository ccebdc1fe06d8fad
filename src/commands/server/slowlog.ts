/** SLOWLOG: the commands that took long. */
import { ADMIN, command, LOADING, STALE } from "../../engine/command.ts";
import { replyHelp } from "../../engine/help.ts";
import { unknownSubcommandOrArity } from "../../protocol/errors.ts";

const SUBCOMMAND = {
  group: "server",
  flags: ADMIN | LOADING | STALE,
} as const;

const DEFAULT_COUNT = 10;
const BAD_COUNT = "ERR count should be greater than or equal to -1";

const get = command({
  ...SUBCOMMAND,
  name: "get",
  since: "2.2.12",
  summary: "Returns the newest entries of the slow log.",
  complexity: "O(N) where N is the number of entries returned",
  arity: -2,
  history: [["4.0.0", "Added client IP address, port and name to the reply."]],
  tips: ["request_policy:all_nodes", "nondeterministic_output"],
  args: [{ name: "count", type: "integer", optional: true }],
  run(call) {
    let count = DEFAULT_COUNT;
    if (call.count > 3) {
      call.refuse(unknownSubcommandOrArity("SLOWLOG", call.text(1)));
    } else if (call.count === 3) {
      count = call.integer(2, BAD_COUNT);
      if (count < -1) call.refuse(BAD_COUNT);
    }
    if (call.refused()) return;
    const entries = call.engine.slowLog.newest(count);
    const { reply } = call;
    reply.array(entries.length);
    for (const entry of entries) {
      reply.array(6);
      reply.integer(entry.id);
      reply.integer(entry.atSeconds);
      reply.integer(entry.durationUs);
      reply.array(entry.args.length);
      for (const text of entry.args) reply.bulkText(text);
      reply.bulkText(entry.peerAddress);
      reply.bulkText(entry.clientName);
    }
  },
});

const len = command({
  ...SUBCOMMAND,
  name: "len",
  since: "2.2.12",
  summary: "Returns how many entries the slow log holds.",
  complexity: "O(1)",
  arity: 2,
  tips: ["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
  run: (call) => call.reply.integer(call.engine.slowLog.length),
});

const reset = command({
  ...SUBCOMMAND,
  name: "reset",
  since: "2.2.12",
  summary: "Empties the slow log.",
  complexity: "O(N) where N is the number of entries in the slowlog",
  arity: 2,
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  run(call) {
    call.engine.slowLog.reset();
    call.reply.ok();
  },
});

const help = command({
  ...SUBCOMMAND,
  name: "help",
  since: "6.2.0",
  summary: "Describes the subcommands.",
  complexity: "O(1)",
  arity: 2,
  flags: LOADING | STALE,
  run: (call) =>
    replyHelp(call, "SLOWLOG", [
      "GET [<count>]",
      "    Return top <count> entries from the slowlog (default: 10, -1 mean all).",
      "    Entries are made of:",
      "    id, timestamp, time in microseconds, arguments array, client IP and port,",
      "    client name",
      "LEN",
      "    Return the length of the slowlog.",
      "RESET",
      "    Reset the slowlog.",
    ]),
});

export const slowlog = command({
  name: "slowlog",
  group: "server",
  since: "2.2.12",
  summary: "Shows the commands that took long.",
  complexity: "Depends on subcommand.",
  arity: -2,
  flags: 0,
  subcommands: [get, help, len, reset],
});
