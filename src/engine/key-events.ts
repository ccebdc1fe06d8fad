/**
 * Classes of keyspace events and who hears of them. Values: the NOTIFY_ constants of
 * redis/src/server.h, as `notify-keyspace-events` combines them.
 */
import type { Database } from "../keyspace/database.ts";

/** The key changed, but no event tells of it. */
export const NOTIFY_NONE = 0;
export const NOTIFY_GENERIC = 1 << 2;
export const NOTIFY_STRING = 1 << 3;
export const NOTIFY_LIST = 1 << 4;
export const NOTIFY_SET = 1 << 5;
export const NOTIFY_HASH = 1 << 6;
export const NOTIFY_ZSET = 1 << 7;
export const NOTIFY_EXPIRED = 1 << 8;
export const NOTIFY_EVICTED = 1 << 9;
export const NOTIFY_STREAM = 1 << 10;
export const NOTIFY_KEY_MISS = 1 << 11;

/**
 * Whether the event leaves what the key holds as it was, for WATCH and tracking: a stream's entries
 * are the same whatever becomes of its groups and counters.
 */
export function leavesContent(kind: number, event: string): boolean {
  if (kind !== NOTIFY_STREAM) return false;
  return event === "xsetid" || event.startsWith("xgroup-");
}

/** Is told of every change of a key, after it happened: WATCH, tracking, notifications. */
export interface KeyWatcher {
  keyChanged(
    database: Database,
    kind: number,
    event: string,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void;
  /**
   * The whole content of the database is about to go: emptied (null) or exchanged for that of
   * the other database.
   */
  contentReplaced?(database: Database, replacement: Database | null): void;
  /** A command is about to empty one database, or all; told once, whichever. */
  databasesEmptied?(): void;
}
