/**
 * The classes of clients: CLIENT LIST and CLIENT KILL filter by them, and each has its own limit
 * of output. State that puts a session into another class than "normal" is looked at here alone.
 */
import type { Session } from "./session.ts";

export type ClientClass = "normal" | "master" | "replica" | "pubsub";

/** Monitors are normal clients, as they are in Redis (getClientType, networking.c). */
export function classOf(session: Session): ClientClass {
  if (session.isPrimary) return "master";
  if (session.replica?.isAttached === true) return "replica";
  return session.subscriptions === null ? "normal" : "pubsub";
}
