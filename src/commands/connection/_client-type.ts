/** TYPE, by which CLIENT LIST and CLIENT KILL filter. */
import type { Call } from "../../engine/call.ts";
import type { ClientClass } from "../../engine/client-class.ts";

/** The type named by an argument; null: the error has been replied. */
export function readClientType(call: Call, index: number): ClientClass | null {
  const name = call.text(index).toLowerCase();
  if (name === "slave") return "replica";
  if (name === "normal" || name === "master" || name === "replica" || name === "pubsub") {
    return name;
  }
  call.fail(`ERR Unknown client type '${call.text(index)}'`);
  return null;
}
