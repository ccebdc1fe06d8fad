/**
 * Arguments that must not be recorded (passwords), as their command declares them: MONITOR and
 * the slow log show REDACTED in their place.
 */
import type { Arguments } from "../protocol/arguments.ts";
import type { Command } from "./command.ts";
import type { Engine } from "./engine.ts";

/** redactClientCommandArgument, networking.c. */
export const REDACTED = "(redacted)";

const NOTHING: ReadonlySet<number> = new Set();

/** The indices of the arguments to hide. */
export function secretArguments(
  engine: Engine,
  command: Command,
  args: Arguments,
): ReadonlySet<number> {
  const { secrets } = command.declaration;
  return secrets === undefined ? NOTHING : new Set(secrets(args, engine));
}
