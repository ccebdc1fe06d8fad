/** The ACL categories of commands: the declared ones and those that follow from the flags. */
import { ADMIN, BLOCKING, FAST, PUBSUB, READONLY, WRITE } from "./command.ts";
import type { Command } from "./command.ts";

/** All categories, in the order in which COMMAND lists them (acl.c). */
export const CATEGORIES = [
  "keyspace",
  "read",
  "write",
  "set",
  "sortedset",
  "list",
  "hash",
  "string",
  "bitmap",
  "hyperloglog",
  "geo",
  "stream",
  "pubsub",
  "admin",
  "fast",
  "slow",
  "blocking",
  "dangerous",
  "connection",
  "transaction",
  "scripting",
] as const;

export function categoriesOf({ declaration, flags }: Command): string[] {
  const found = new Set<string>(declaration.categories);
  if ((flags & WRITE) !== 0) found.add("write");
  if ((flags & READONLY) !== 0 && !found.has("scripting")) found.add("read");
  if ((flags & ADMIN) !== 0) found.add("admin").add("dangerous");
  if ((flags & PUBSUB) !== 0) found.add("pubsub");
  if ((flags & BLOCKING) !== 0) found.add("blocking");
  found.add((flags & FAST) !== 0 ? "fast" : "slow");
  return CATEGORIES.filter((category) => found.has(category));
}
