/** INFO: the server's state and counters, as text in sections. */
import { command, LOADING, STALE } from "../../engine/command.ts";
import type { InfoField } from "../../engine/persistence.ts";
import { DEFAULT_SECTIONS, SECTIONS } from "./_info-sections.ts";

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
    for (let i = 1; i < call.count; i++) addSections(wanted, call.text(i).toLowerCase());
    if (call.count === 1) addSections(wanted, "default");
    const parts: string[] = [];
    for (const section of SECTIONS) {
      if (!wanted.has(section.name.toLowerCase())) continue;
      parts.push(`# ${section.name}\r\n${section.fields(call.engine).map(lineOf).join("")}`);
    }
    call.reply.verbatim(parts.join("\r\n"));
  },
});

function lineOf([name, value]: InfoField): string {
  return `${name}:${value}\r\n`;
}

function addSections(wanted: Set<string>, name: string): void {
  if (name === "all" || name === "everything") {
    for (const section of SECTIONS) wanted.add(section.name.toLowerCase());
  } else if (name === "default") {
    for (const section of DEFAULT_SECTIONS) wanted.add(section);
  } else {
    wanted.add(name);
  }
}
