/** Whole databases: emptying and exchanging them. */
import type { Call } from "../../engine/call.ts";
import { command, FAST, WRITE } from "../../engine/command.ts";
import type { ArgumentDoc } from "../../engine/command.ts";
import { emptyDatabases } from "../../engine/emptying.ts";
import { INVALID_DB_INDEX } from "../../protocol/errors.ts";

const MODE: ArgumentDoc = {
  name: "async",
  type: "oneof",
  optional: true,
  parts: [
    { name: "async", type: "pure-token", token: "ASYNC", since: "4.0.0" },
    { name: "sync", type: "pure-token", token: "SYNC", since: "6.2.0" },
  ],
};

const FLUSH = {
  group: "server",
  since: "1.0.0",
  arity: -1,
  flags: WRITE,
  categories: ["keyspace", "dangerous"],
  tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
  args: [MODE],
} as const;

export const flushdb = command({
  ...FLUSH,
  name: "flushdb",
  summary: "Removes all keys of the database; its memory goes at once, whatever the mode.",
  complexity: "O(N) where N is the number of keys in the selected database",
  history: [
    ["4.0.0", "Added the `ASYNC` flushing mode modifier."],
    ["6.2.0", "Added the `SYNC` flushing mode modifier."],
  ],
  run(call) {
    if (!hasMode(call)) return;
    const keys = call.database.size;
    call.engine.contentReplaced(call.database, null);
    call.engine.databasesEmptied();
    call.database.clear();
    call.engine.blocking.databaseChanged(call.database);
    reportFlush(call, keys);
  },
});

export const flushall = command({
  ...FLUSH,
  name: "flushall",
  summary: "Removes all keys of all databases.",
  complexity: "O(N) where N is the total number of keys in all databases",
  history: [
    ["4.0.0", "Added the `ASYNC` flushing mode modifier."],
    ["6.2.0", "Added the `SYNC` flushing mode modifier."],
  ],
  run(call) {
    if (!hasMode(call)) return;
    const keys = emptyDatabases(call.engine);
    if (!call.isReplay) call.engine.persistence.databasesFlushed(keys);
    reportFlush(call, keys);
  },
});

export const swapdb = command({
  name: "swapdb",
  group: "server",
  since: "4.0.0",
  summary: "Exchanges the content of two databases.",
  complexity:
    "O(N) where N is the count of clients watching or blocking on keys from both databases",
  arity: 3,
  flags: WRITE | FAST,
  categories: ["keyspace", "dangerous"],
  args: [
    { name: "index1", type: "integer" },
    { name: "index2", type: "integer" },
  ],
  run(call) {
    const first = call.int32(1, "ERR invalid first DB index");
    const second = call.int32(2, "ERR invalid second DB index");
    const { databases } = call.engine.keyspace;
    const one = databases[first];
    const other = databases[second];
    if (one === undefined || other === undefined) call.refuse(INVALID_DB_INDEX);
    if (call.refused()) return;
    call.engine.contentReplaced(one, other);
    call.engine.contentReplaced(other, one);
    one.swapContent(other);
    call.engine.blocking.databaseChanged(one);
    call.engine.blocking.databaseChanged(other);
    call.changedMany(1);
    call.reply.ok();
  },
});

/** Emptying is propagated even where nothing was there, though then it is no change. */
function reportFlush(call: Call, keys: number): void {
  if (keys > 0) call.changedMany(keys);
  else if (call.engine.effects.isActive) call.instead().request(call.database.index, call.args);
  call.reply.ok();
}

/** No argument, or one of ASYNC and SYNC: both mean the same where emptying takes no time. */
function hasMode(call: Call): boolean {
  if (call.count === 1) return true;
  if (call.count === 2 && (call.is(1, "ASYNC") || call.is(1, "SYNC"))) return true;
  call.syntaxError();
  return false;
}
