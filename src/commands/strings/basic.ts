/** GET and SET, and the forms of SET that predate its options. */
import { KEEP_EXPIRY, NO_EXPIRY } from "../../keyspace/database.ts";
import { NULL_REF } from "../../memory/arena.ts";
import { TYPE_STRING } from "../../memory/entry.ts";
import {
  command,
  DENYOOM,
  FAST,
  KEY_ACCESS,
  KEY_OW,
  KEY_RO,
  KEY_UPDATE,
  keysAt,
  READONLY,
  WRITE,
} from "../../engine/command.ts";
import { NOTIFY_STRING } from "../../engine/key-events.ts";

export const get = command({
  name: "get",
  group: "string",
  since: "1.0.0",
  summary: "Returns the string that a key holds.",
  complexity: "O(1)",
  arity: 2,
  flags: READONLY | FAST,
  categories: ["string"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run(call) {
    const ref = call.readKey(1);
    if (ref === NULL_REF) call.reply.nil();
    else if (!call.isWrongType(ref, TYPE_STRING)) {
      const value = call.database.stringOf(ref);
      call.reply.bulk(value.bytes, value.start, value.length);
    }
  },
});

export const set = command({
  name: "set",
  group: "string",
  since: "1.0.0",
  summary: "Sets a key to a string, whatever it held.",
  complexity: "O(1)",
  arity: -3,
  flags: WRITE | DENYOOM,
  categories: ["string"],
  keys: [keysAt(KEY_OW | KEY_UPDATE, 1)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run(call) {
    const args = call.args;
    const database = call.database;
    const existing = call.writeKey(1);
    database.storeString(
      existing,
      args.bytes,
      args.starts[1],
      args.lengths[1],
      args.bytes,
      args.starts[2],
      args.lengths[2],
      args.count > 3 ? KEEP_EXPIRY : NO_EXPIRY,
    );
    call.changed(NOTIFY_STRING, "set", 1);
    call.reply.ok();
  },
});
