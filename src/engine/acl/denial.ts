/** What a user who may not do something is told, by the circumstances (getAclErrorMessage, 7.2). */
import type { Command } from "../command.ts";
import { DENIED_CHANNEL, DENIED_COMMAND } from "./access.ts";
import type { AclContext } from "./acl-log.ts";

/** Where a request is checked. */
export const TOP_LEVEL = 0;
/** It is to be queued by MULTI. */
export const QUEUED = 1;
/** EXEC runs what was permitted when it was queued. */
export const IN_EXEC = 2;
export const IN_SCRIPT = 3;
export type Circumstance = typeof TOP_LEVEL | typeof QUEUED | typeof IN_EXEC | typeof IN_SCRIPT;

/** How ACL LOG names it. */
export function contextOf(circumstance: Circumstance): AclContext {
  if (circumstance === IN_SCRIPT) return "lua";
  return circumstance === TOP_LEVEL ? "toplevel" : "multi";
}

/** The error reply. */
export function denialError(
  verdict: number,
  username: string,
  command: Command,
  circumstance: Circumstance,
): string {
  if (circumstance === IN_EXEC) return `NOPERM ${CHANGED_SINCE_QUEUED}${execReason(verdict)}`;
  const where = circumstance === IN_SCRIPT ? "ACL failure in script: " : "";
  if (verdict === DENIED_COMMAND) return `NOPERM ${where}${commandDenial(username, command)}`;
  const object = verdict === DENIED_CHANNEL ? "channel" : "key";
  return `NOPERM ${where}No permissions to access a ${object}`;
}

/** What ACL DRYRUN answers; `object` is the key or channel. */
export function dryRunDenial(
  verdict: number,
  username: string,
  command: Command,
  object: string,
): string {
  if (verdict === DENIED_COMMAND) return commandDenial(username, command);
  const kind = verdict === DENIED_CHANNEL ? "channel" : "key";
  return `User ${username} has no permissions to access the '${object}' ${kind}`;
}

function commandDenial(username: string, command: Command): string {
  return `User ${username} has no permissions to run the '${command.fullName}' command`;
}

const CHANGED_SINCE_QUEUED =
  "ACLs rules changed between the moment the transaction was accumulated and the EXEC call. " +
  "This command is no longer allowed for the following reason: ";

function execReason(verdict: number): string {
  if (verdict === DENIED_COMMAND) return "no permission to execute the command or subcommand";
  if (verdict === DENIED_CHANNEL) {
    return "no permission to access one of the channels used as arguments to the command";
  }
  return "no permission to touch the specified keys";
}
