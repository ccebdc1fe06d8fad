/** Commands by which replicas talk to their primary. */
import {
  ADMIN,
  ALLOW_BUSY,
  command,
  LOADING,
  NO_ASYNC_LOADING,
  NO_MULTI,
  NOSCRIPT,
  STALE,
} from "../../engine/command.ts";

export const psync = command({
  name: "psync",
  group: "server",
  since: "2.8.0",
  summary: "Begins to send the replication stream, from an offset where that is possible.",
  complexity: "",
  arity: -3,
  flags: ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI,
  args: [
    { name: "replicationid", type: "string" },
    { name: "offset", type: "integer" },
  ],
  run: (call) => call.engine.replication.sync(call),
});

export const sync = command({
  name: "sync",
  group: "server",
  since: "1.0.0",
  summary: "Sends a snapshot of all data, and the replication stream from there on.",
  complexity: "",
  arity: 1,
  flags: ADMIN | NOSCRIPT | NO_ASYNC_LOADING | NO_MULTI,
  run: (call) => call.engine.replication.sync(call),
});

export const replconf = command({
  name: "replconf",
  group: "server",
  since: "3.0.0",
  summary: "Tells a primary about its replica, and a replica's progress.",
  complexity: "O(1)",
  arity: -1,
  flags: ADMIN | NOSCRIPT | LOADING | STALE | ALLOW_BUSY,
  isSystem: true,
  run: (call) => call.engine.replication.configure(call),
});
