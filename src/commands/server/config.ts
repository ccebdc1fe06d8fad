/** CONFIG: reading, changing and writing back the configuration. */
import { LOADING_GATES } from "../../engine/admission.ts";
import { ADMIN, command, LOADING, NOSCRIPT, STALE } from "../../engine/command.ts";
import { replyHelp } from "../../engine/help.ts";
import { rewriteConfig } from "./_config-rewrite.ts";

const SUBCOMMAND = {
  group: "server",
  complexity: "O(1)",
  flags: ADMIN | NOSCRIPT | LOADING | STALE,
} as const;

const get = command({
  ...SUBCOMMAND,
  name: "get",
  since: "2.0.0",
  summary: "Returns the directives that match the patterns, with their values.",
  complexity: "O(N) when N is the number of configuration parameters provided",
  arity: -3,
  history: [["7.0.0", "Added the ability to pass multiple pattern parameters in one call"]],
  args: [
    {
      name: "parameter",
      type: "block",
      multiple: true,
      parts: [{ name: "parameter", type: "string" }],
    },
  ],
  run(call) {
    const patterns: string[] = [];
    for (let i = 2; i < call.count; i++) patterns.push(call.text(i));
    const found = call.engine.config.get(patterns);
    call.reply.map(found.length / 2);
    for (const text of found) call.reply.bulkText(text);
  },
});

const set = command({
  ...SUBCOMMAND,
  name: "set",
  since: "2.0.0",
  summary: "Changes directives, all of them or none.",
  complexity: "O(N) when N is the number of configuration parameters provided",
  arity: -4,
  history: [["7.0.0", "Added the ability to set multiple parameters in one call."]],
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  args: [
    {
      name: "data",
      type: "block",
      multiple: true,
      parts: [
        { name: "parameter", type: "string" },
        { name: "value", type: "string" },
      ],
    },
  ],
  secrets(args, { config: current }) {
    const found: number[] = [];
    for (let i = 2; i + 1 < args.count; i += 2) {
      if (current.isSensitive(args.text(i))) found.push(i + 1);
    }
    return found;
  },
  run(call) {
    const pairs: string[] = [];
    for (let i = 2; i < call.count; i++) pairs.push(call.text(i));
    const error = call.engine.config.set(pairs, {
      isLoading: (call.engine.gates & LOADING_GATES) !== 0,
      isLocal: call.engine.isLocal(call.session),
    });
    if (error === null) call.reply.ok();
    else call.reply.error(error);
  },
});

const rewrite = command({
  ...SUBCOMMAND,
  name: "rewrite",
  since: "2.8.0",
  summary: "Writes the present configuration to the file it came from.",
  arity: 2,
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  run: (call) => rewriteConfig(call, false),
});

const resetstat = command({
  ...SUBCOMMAND,
  name: "resetstat",
  since: "2.0.0",
  summary: "Sets the counters that INFO shows back to zero.",
  arity: 2,
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  run(call) {
    call.engine.resetStats();
    call.reply.ok();
  },
});

const help = command({
  ...SUBCOMMAND,
  name: "help",
  since: "5.0.0",
  summary: "Describes the subcommands.",
  arity: 2,
  flags: LOADING | STALE,
  run: (call) =>
    replyHelp(call, "CONFIG", [
      "GET <pattern>",
      "    Return parameters matching the glob-like <pattern> and their values.",
      "SET <directive> <value>",
      "    Set the configuration <directive> to <value>.",
      "RESETSTAT",
      "    Reset statistics reported by the INFO command.",
      "REWRITE",
      "    Rewrite the configuration file.",
    ]),
});

export const config = command({
  name: "config",
  group: "server",
  since: "2.0.0",
  summary: "Reads and changes the configuration.",
  complexity: "Depends on subcommand.",
  arity: -2,
  flags: 0,
  subcommands: [get, help, resetstat, rewrite, set],
});
