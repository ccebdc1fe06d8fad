/** Walking the keys of a database: KEYS at once, SCAN in steps. */
import type { Call } from "../../engine/call.ts";
import { command, READONLY, TOUCHES_ARBITRARY_KEYS } from "../../engine/command.ts";
import { cursorAt, matcher, readScanOptions, scanSteps } from "../../engine/scan-options.ts";
import { KeyView } from "../../keyspace/entries.ts";
import type { Ref } from "../../memory/arena.ts";
import { typeName, typeOf } from "../../memory/entry.ts";

/** Home slots of the table that KEYS visits at once. */
const KEYS_STEP = 65536;

export const keys = command({
  name: "keys",
  group: "generic",
  since: "1.0.0",
  summary: "Returns all keys whose names match a glob-style pattern.",
  complexity: "O(N) with N being the number of keys in the database",
  arity: 2,
  flags: READONLY,
  categories: ["keyspace", "dangerous"],
  tips: ["request_policy:all_shards", "nondeterministic_output_order"],
  args: [{ name: "pattern", type: "pattern" }],
  run: listKeys,
});

export const scan = command({
  name: "scan",
  group: "generic",
  since: "2.8.0",
  summary: "Returns some keys of the database and a cursor to go on from.",
  complexity: "O(1) for every call. O(N) for a complete iteration",
  arity: -2,
  flags: READONLY | TOUCHES_ARBITRARY_KEYS,
  categories: ["keyspace"],
  history: [["6.0.0", "Added the `TYPE` subcommand."]],
  tips: ["nondeterministic_output", "request_policy:special"],
  args: [
    { name: "cursor", type: "integer" },
    { name: "pattern", type: "pattern", token: "MATCH", optional: true },
    { name: "count", type: "integer", token: "COUNT", optional: true },
    { name: "type", type: "string", token: "TYPE", optional: true, since: "6.0.0" },
  ],
  run: scanKeys,
});

const view = new KeyView();

function listKeys(call: Call): void {
  const { database, reply } = call;
  const matches = matcher(call, 1);
  const mark = reply.beginDeferred();
  let count = 0;
  let cursor = 0;
  do {
    cursor = database.table.scan(cursor, KEYS_STEP, (ref) => {
      if (database.isExpired(ref)) return;
      const key = database.keyOf(ref, view);
      if (!matches(key)) return;
      reply.bulk(key.bytes, key.start, key.length);
      count++;
    });
  } while (cursor !== 0);
  reply.endDeferred(mark, count);
}

function scanKeys(call: Call): void {
  const { database, reply } = call;
  const cursor = cursorAt(call, 1);
  if (call.refused()) return;
  const { count, matches, type } = readScanOptions(call, 2, true);
  if (call.refused()) return;
  const found: Ref[] = [];
  const visit = (ref: Ref): unknown => found.push(ref);
  const next = scanSteps(
    cursor,
    count,
    () => found.length,
    (from, homes) => database.table.scan(from, homes, visit),
  );
  reply.array(2);
  reply.bulkInteger(next);
  const mark = reply.beginDeferred();
  let sent = 0;
  for (const ref of found) {
    const key = database.keyOf(ref, view);
    if (!matches(key)) continue;
    if (database.isExpired(ref)) {
      database.expire(ref);
      continue;
    }
    if (type !== null && typeName(typeOf(database.arena, ref)) !== type) continue;
    reply.bulk(key.bytes, key.start, key.length);
    sent++;
  }
  reply.endDeferred(mark, sent);
}
