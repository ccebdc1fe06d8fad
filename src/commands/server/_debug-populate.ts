/** DEBUG POPULATE count [prefix] [size]: keys `prefix:0` to `prefix:count-1`. */
import { bytesOf } from "../../base/bytes.ts";
import type { Call } from "../../engine/call.ts";
import { NO_EXPIRY } from "../../keyspace/entry-store.ts";
import { NULL_REF } from "../../memory/arena.ts";
import { NOT_POSITIVE } from "../../protocol/errors.ts";

export function populate(call: Call): void {
  const count = call.integer(2, NOT_POSITIVE);
  const size = call.count === 5 ? call.integer(4, NOT_POSITIVE) : 0;
  if (count < 0 || size < 0) call.refuse(NOT_POSITIVE);
  if (call.refused()) return;
  const prefix = call.count > 3 ? call.text(3) : "key";
  const { database } = call;
  let made = 0;
  for (let i = 0; i < count; i++) {
    const key = bytesOf(`${prefix}:${i}`);
    if (database.write(key, 0, key.length) !== NULL_REF) continue;
    const text = bytesOf(`value:${i}`);
    const value = size === 0 ? text : new Uint8Array(size);
    if (size > 0) value.set(text.subarray(0, size));
    database.storeString(NULL_REF, key, 0, key.length, value, 0, value.length, NO_EXPIRY);
    made++;
  }
  // Never propagated: it is no client's data.
  call.instead();
  call.changedMany(made);
  call.reply.ok();
}
