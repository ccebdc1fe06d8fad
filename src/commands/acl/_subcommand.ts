/** What most subcommands of ACL have in common. */
import { ADMIN, LOADING, NOSCRIPT, STALE } from "../../engine/command.ts";

export const SUBCOMMAND = {
  group: "server",
  since: "6.0.0",
  flags: ADMIN | NOSCRIPT | LOADING | STALE,
} as const;

/** Those that everybody may use. */
export const HARMLESS = { ...SUBCOMMAND, flags: NOSCRIPT | LOADING | STALE } as const;

export const BY_USERS = "O(N). Where N is the number of configured users.";
