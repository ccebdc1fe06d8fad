/**
 * Every command of the server. A family's file exports its commands as constants; to add one to
 * a family is one edit there. A new family's file is named here once.
 */
import { Command } from "../engine/command.ts";
import * as stringBasics from "./strings/basic.ts";

const FAMILIES: readonly object[] = [stringBasics];

export function allCommands(): Command[] {
  const commands: Command[] = [];
  for (const family of FAMILIES) {
    for (const exported of Object.values(family)) {
      // A container is exported; its subcommands hang on it.
      if (exported instanceof Command && exported.parent === null) commands.push(exported);
    }
  }
  return commands;
}
