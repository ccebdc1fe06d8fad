/** DUMP: a key's value on its own. */
import { command, KEY_ACCESS, KEY_RO, keysAt, READONLY } from "../../engine/command.ts";
import { NULL_REF } from "../../memory/arena.ts";
import { DumpEncoder } from "../../rdb/dump-payload.ts";
import { configuredVersion } from "../../rdb/rdb-version.ts";

export const dump = command({
  name: "dump",
  group: "generic",
  since: "2.6.0",
  summary: "Returns a key's value as bytes from which RESTORE makes it again.",
  complexity: "O(N) where N is the number of bytes of the value.",
  arity: 2,
  flags: READONLY,
  categories: ["keyspace"],
  tips: ["nondeterministic_output"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run(call) {
    const ref = call.readKey(1);
    if (ref === NULL_REF) {
      call.reply.nil();
      return;
    }
    const { context, config } = call.engine;
    const encoder = DumpEncoder.of(context);
    const version = configuredVersion(config.values["rdb-version"]);
    encoder.encode(call.database.arena, ref, version, config.values.rdbcompression);
    call.reply.bulk(encoder.bytes, 0, encoder.length);
  },
});
