/** The HELP subcommands' common form: an array of lines, as addReplyHelp writes it. */
import type { Call } from "./call.ts";

export function replyHelp(call: Call, name: string, lines: readonly string[]): void {
  const { reply } = call;
  reply.array(lines.length + 3);
  reply.simple(`${name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
  for (const line of lines) reply.simple(line);
  reply.simple("HELP");
  reply.simple("    Prints this help.");
}
