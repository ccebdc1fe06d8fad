/** The classes of clients that CLIENT LIST and CLIENT KILL filter by. */
import type { Call } from "../../engine/call.ts";
import type { Session } from "../../engine/session.ts";

export type ClientType = "normal" | "master" | "replica" | "pubsub";

/** The type named by an argument; null: the error has been replied. */
export function readClientType(call: Call, index: number): ClientType | null {
  const name = call.text(index).toLowerCase();
  if (name === "slave") return "replica";
  if (name === "normal" || name === "master" || name === "replica" || name === "pubsub") {
    return name;
  }
  call.fail(`ERR Unknown client type '${call.text(index)}'`);
  return null;
}

/** Monitors count as replicas, as they do in Redis. */
export function isOfType(session: Session, type: ClientType): boolean {
  if (session.subscriptions !== null) return type === "pubsub";
  return type === (session.isMonitor ? "replica" : "normal");
}
