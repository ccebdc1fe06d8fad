/** SHUTDOWN: ends the server. */
import type { BlockedRequest } from "../../engine/blocked-request.ts";
import {
  ADMIN,
  ALLOW_BUSY,
  command,
  LOADING,
  NO_MULTI,
  NOSCRIPT,
  STALE,
} from "../../engine/command.ts";
import { SHUTDOWN_MAY_BLOCK, SYNTAX } from "../../protocol/errors.ts";

export const shutdown = command({
  name: "shutdown",
  group: "server",
  since: "1.0.0",
  summary: "Ends the server once what was acknowledged is on the disk.",
  complexity:
    "O(N) when saving, where N is the total number of keys in all databases when saving data, " +
    "otherwise O(1)",
  arity: -1,
  flags: ADMIN | NOSCRIPT | LOADING | STALE | NO_MULTI | ALLOW_BUSY,
  history: [["7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers."]],
  args: [
    {
      name: "nosave_save",
      type: "oneof",
      optional: true,
      parts: [
        { name: "nosave", type: "pure-token", token: "NOSAVE" },
        { name: "save", type: "pure-token", token: "SAVE" },
      ],
    },
    { name: "now", type: "pure-token", token: "NOW", optional: true, since: "7.0.0" },
    { name: "force", type: "pure-token", token: "FORCE", optional: true, since: "7.0.0" },
    { name: "abort", type: "pure-token", token: "ABORT", optional: true, since: "7.0.0" },
  ],
  run(call) {
    const words = new Set<string>();
    for (let i = 1; i < call.count; i++) {
      const word = call.text(i).toUpperCase();
      if (!["NOSAVE", "SAVE", "NOW", "FORCE", "ABORT"].includes(word)) call.refuse(SYNTAX);
      words.add(word);
    }
    const aborts = words.has("ABORT");
    if ((words.has("SAVE") && words.has("NOSAVE")) || (aborts && words.size > 1)) {
      call.refuse(SYNTAX);
    }
    if (call.refused()) return;
    const control = call.engine.shutdown;
    if (aborts) {
      if (control.abort()) call.reply.ok();
      else call.fail("ERR No shutdown in progress.");
      return;
    }
    if (!words.has("NOW") && call.session.deniesBlocking) {
      call.fail(SHUTDOWN_MAY_BLOCK);
      return;
    }
    let request: BlockedRequest | null = null;
    const { blocking } = call.engine;
    const outcome = control.begin(
      {
        saves: words.has("SAVE") ? true : words.has("NOSAVE") ? false : null,
        isForced: words.has("FORCE"),
        isImmediate: words.has("NOW"),
      },
      (error) => {
        if (request !== null) blocking.refuse(request, error);
      },
    );
    if (outcome instanceof Error) call.fail(outcome.message);
    else if (outcome === "later") {
      request = call.wait({ timeoutMs: 0, giveUp: null, counts: true });
    }
  },
});
