/** MEMORY: what a key costs, where memory goes, and giving back what is held for nothing. */
import { purge as purgeGarbage } from "../../base/garbage.ts";
import { command, KEY_RO, keysAt, LOADING, READONLY, STALE } from "../../engine/command.ts";
import { replyHelp } from "../../engine/help.ts";
import { NULL_REF } from "../../memory/arena.ts";
import { SYNTAX } from "../../protocol/errors.ts";
import { mallocReport } from "./_malloc-stats.ts";
import { memoryReport } from "./_memory-doctor.ts";
import { replyMemoryStats } from "./_memory-stats.ts";

/** OBJ_COMPUTE_SIZE_DEF_SAMPLES (object.c). */
const DEFAULT_SAMPLES = 5;

const SUBCOMMAND = { group: "server", since: "4.0.0", arity: 2, flags: 0 } as const;

const REPORT_TIPS = [
  "nondeterministic_output",
  "request_policy:all_shards",
  "response_policy:special",
] as const;
const SLOW = "Depends on how much memory is allocated, could be slow";

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
    let samples = DEFAULT_SAMPLES;
    for (let i = 3; i < call.count; i += 2) {
      if (!call.is(i, "SAMPLES") || i + 1 === call.count) call.refuse(SYNTAX);
      else samples = call.integer(i + 1);
      if (samples < 0) call.refuse(SYNTAX);
      if (call.refused()) return;
    }
    const ref = call.peekKey(2);
    if (ref === NULL_REF) call.reply.nil();
    else call.reply.integer(call.database.sizeOf(ref, samples));
  },
});

const stats = command({
  ...SUBCOMMAND,
  name: "stats",
  summary: "Returns what memory is used for, in figures.",
  complexity: "O(1)",
  tips: REPORT_TIPS,
  run: replyMemoryStats,
});

const doctor = command({
  ...SUBCOMMAND,
  name: "doctor",
  summary: "Says in words what looks unhealthy about the memory in use.",
  complexity: "O(1)",
  tips: REPORT_TIPS,
  run: (call) => call.reply.verbatim(memoryReport(call.engine)),
});

const mallocStats = command({
  ...SUBCOMMAND,
  name: "malloc-stats",
  summary: "Describes the allocator's pages and blocks.",
  complexity: SLOW,
  tips: REPORT_TIPS,
  run: (call) => call.reply.verbatim(mallocReport(call.engine)),
});

const purge = command({
  ...SUBCOMMAND,
  name: "purge",
  summary: "Gives back to the system what the process holds for nothing.",
  complexity: SLOW,
  tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
  run(call) {
    const { reclaimer, snapshot } = call.engine.context;
    reclaimer.letGo(Infinity, snapshot !== null);
    purgeGarbage();
    call.reply.ok();
  },
});

const help = command({
  ...SUBCOMMAND,
  name: "help",
  summary: "Describes the subcommands.",
  complexity: "O(1)",
  flags: LOADING | STALE,
  run: (call) =>
    replyHelp(call, "MEMORY", [
      "DOCTOR",
      "    Return memory problems reports.",
      "MALLOC-STATS",
      "    Return internal statistics report from the memory allocator.",
      "PURGE",
      "    Attempt to purge dirty pages for reclamation by the allocator.",
      "STATS",
      "    Return information about the memory usage of the server.",
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
  subcommands: [doctor, help, mallocStats, purge, stats, usage],
});
