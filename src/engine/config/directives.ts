/**
 * Every directive of Redis 7.2 that CONFIG GET knows, in the order in which it lists them here.
 * A directive is declared once, in its section's file; to add one, add it there. Its key is its
 * name, and the type of its value follows from its declaration. The directives that only the
 * files understand (include, rename-command, user, loadmodule, sentinel) are read in load.ts.
 */
import { clusterDirectives } from "./cluster-directives.ts";
import { generalDirectives } from "./general-directives.ts";
import { limitDirectives } from "./limit-directives.ts";
import { memoryDirectives } from "./memory-directives.ts";
import { networkDirectives } from "./network-directives.ts";
import { notifyEvents } from "./notify-flags.ts";
import type { Option } from "./option.ts";
import { persistenceDirectives } from "./persistence-directives.ts";
import { replicationDirectives } from "./replication-directives.ts";
import { securityDirectives } from "./security-directives.ts";
import { tlsDirectives } from "./tls-directives.ts";
import { typeDirectives } from "./type-directives.ts";

export const DIRECTIVES = {
  ...networkDirectives,
  ...tlsDirectives,
  ...generalDirectives,
  ...limitDirectives,
  ...memoryDirectives,
  ...typeDirectives,
  ...persistenceDirectives,
  ...replicationDirectives,
  ...securityDirectives,
  ...clusterDirectives,
  "notify-keyspace-events": notifyEvents(),
};

type Directives = typeof DIRECTIVES;

export type DirectiveName = keyof Directives;

/** What the server reads: one field per directive, named as in redis.conf. */
export type ConfigValues = {
  readonly [Name in DirectiveName]: Directives[Name] extends Option<infer T> ? T : never;
};

/** The directives that are accepted and shown but change nothing, with the reason. */
export function directivesWithoutEffect(): { name: string; reason: string }[] {
  const found: { name: string; reason: string }[] = [];
  for (const [name, option] of Object.entries<Option<unknown>>(DIRECTIVES)) {
    const reason = option.traits.withoutEffect;
    if (reason !== undefined) found.push({ name, reason });
  }
  return found;
}
