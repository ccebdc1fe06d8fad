/** DEBUG RELOAD [MERGE] [NOFLUSH] [NOSAVE]: writes the snapshot file and loads it again. */
import type { Call } from "../../engine/call.ts";
import { FAILED } from "../../protocol/errors.ts";

const OPTIONS: ReadonlySet<string> = new Set(["MERGE", "NOFLUSH", "NOSAVE"]);

export function reload(call: Call): void {
  const words = new Set<string>();
  for (let i = 2; i < call.count; i++) {
    const word = call.text(i).toUpperCase();
    if (!OPTIONS.has(word)) {
      call.fail("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
      return;
    }
    words.add(word);
  }
  const { context, log, persistence } = call.engine;
  const { mutations } = context;
  const problem = persistence.reload({
    saves: !words.has("NOSAVE"),
    empties: !words.has("NOFLUSH"),
    replaces: words.has("MERGE"),
  });
  // The data is the same as before, or meant to be: nothing to propagate.
  context.mutations = mutations;
  if (problem === "save") call.fail(FAILED);
  else if (problem === "load") call.fail("ERR Error trying to load the RDB dump");
  else {
    log.warning("DB reloaded by DEBUG RELOAD");
    call.reply.ok();
  }
}
