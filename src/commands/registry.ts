/**
 * Every command of the server. A family's file exports its commands as constants; to add one to
 * a family is one edit there. A new family's file is named here once.
 */
import { Command } from "../engine/command.ts";
import * as databases from "./keys/databases.ts";
import * as expiry from "./keys/expire.ts";
import * as keyBasics from "./keys/basic.ts";
import * as object from "./keys/object.ts";
import * as scanning from "./keys/scan.ts";
import * as serverBasics from "./server/basic.ts";
import * as config from "./server/config.ts";
import * as slowlog from "./server/slowlog.ts";
import * as stringBasics from "./strings/basic.ts";
import * as counters from "./strings/counters.ts";
import * as manyStrings from "./strings/many.ts";
import * as stringRanges from "./strings/ranges.ts";

const FAMILIES: readonly object[] = [
  config,
  serverBasics,
  slowlog,
  keyBasics,
  databases,
  expiry,
  object,
  scanning,
  stringBasics,
  counters,
  manyStrings,
  stringRanges,
];

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
