/** OBJECT: how a key's value is kept, and when it was used. */
import type { Call } from "../../engine/call.ts";
import { command, KEY_RO, keysAt, LOADING, READONLY, STALE } from "../../engine/command.ts";
import { replyHelp } from "../../engine/help.ts";
import { NULL_REF } from "../../memory/arena.ts";
import type { Ref } from "../../memory/arena.ts";
import { clockOf, encodingIn, encodingName, headerOf } from "../../memory/entry.ts";

const ONE_KEY = {
  group: "generic",
  complexity: "O(1)",
  arity: 3,
  flags: READONLY,
  categories: ["keyspace"],
  tips: ["nondeterministic_output"],
  keys: [keysAt(KEY_RO, 2)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
} as const;

const encoding = command({
  ...ONE_KEY,
  name: "encoding",
  since: "2.2.3",
  summary: "Names the internal encoding of a key's value.",
  run: withEntry((call, ref) => {
    call.reply.bulkText(encodingName(encodingIn(headerOf(call.database.arena, ref))));
  }),
});

const freq = command({
  ...ONE_KEY,
  name: "freq",
  since: "4.0.0",
  summary: "Returns a key's logarithmic access counter (LFU policies only).",
  run: withEntry((call, ref) => {
    const { access } = call.engine.context;
    if (access.usesLfu) call.reply.integer(access.frequency(clockOf(call.database.arena, ref)));
    else {
      call.fail(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note " +
          "that when switching between policies at runtime LRU and LFU data will take some time " +
          "to adjust.",
      );
    }
  }),
});

const idletime = command({
  ...ONE_KEY,
  name: "idletime",
  since: "2.2.3",
  summary: "Returns the seconds since a key was last accessed (not under LFU policies).",
  run: withEntry((call, ref) => {
    const { access } = call.engine.context;
    if (!access.usesLfu) {
      call.reply.integer(access.idleSeconds(clockOf(call.database.arena, ref)));
    } else {
      call.fail(
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when " +
          "switching between policies at runtime LRU and LFU data will take some time to adjust.",
      );
    }
  }),
});

const refcount = command({
  ...ONE_KEY,
  name: "refcount",
  since: "2.2.3",
  summary: "Returns how many references a key's value has; here each has one.",
  run: withEntry((call) => call.reply.integer(1)),
});

const help = command({
  name: "help",
  group: "generic",
  since: "6.2.0",
  summary: "Describes the subcommands.",
  complexity: "O(1)",
  arity: 2,
  flags: LOADING | STALE,
  categories: ["keyspace"],
  run: (call) =>
    replyHelp(call, "OBJECT", [
      "ENCODING <key>",
      "    Return the kind of internal representation used in order to store the value",
      "    associated with a <key>.",
      "FREQ <key>",
      "    Return the access frequency index of the <key>. The returned integer is",
      "    proportional to the logarithm of the recent access frequency of the key.",
      "IDLETIME <key>",
      "    Return the idle time of the <key>, that is the approximated number of",
      "    seconds elapsed since the last access to the key.",
      "REFCOUNT <key>",
      "    Return the number of references of the value associated with the specified",
      "    <key>.",
    ]),
});

export const object = command({
  name: "object",
  group: "generic",
  since: "2.2.3",
  summary: "Tells how a key's value is kept.",
  complexity: "Depends on subcommand.",
  arity: -2,
  flags: 0,
  subcommands: [encoding, freq, help, idletime, refcount],
});

/** Counted as a hit or a miss like any lookup (object.c), but no miss is announced. */
function withEntry(run: (call: Call, ref: Ref) => void): (call: Call) => void {
  return (call) => {
    const ref = call.peekKey(2);
    const { context } = call.engine;
    if (ref === NULL_REF) {
      context.misses++;
      call.reply.nil();
    } else {
      context.hits++;
      run(call, ref);
    }
  };
}
