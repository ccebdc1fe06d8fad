/** INFO: the server's state and counters, as text in sections. */
import { command, LOADING, STALE } from "../../engine/command.ts";
import { infoText } from "./_info-sections.ts";

export const info = command({
  name: "info",
  group: "server",
  since: "1.0.0",
  summary: "Returns the server's state and counters, all sections or some.",
  complexity: "O(1)",
  arity: -1,
  flags: LOADING | STALE,
  categories: ["dangerous"],
  history: [["7.0.0", "Added support for taking multiple section arguments."]],
  tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
  args: [{ name: "section", type: "string", multiple: true, optional: true }],
  run(call) {
    const wanted = new Set<string>();
    for (let i = 1; i < call.count; i++) wanted.add(call.text(i).toLowerCase());
    if (wanted.size === 0) wanted.add("default");
    call.reply.verbatim(infoText(call.engine, wanted));
  },
});
