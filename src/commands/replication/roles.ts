/** Commands by which an operator or a sentinel says who is primary and who is replica. */
import {
  ADMIN,
  command,
  FAST,
  LOADING,
  NO_ASYNC_LOADING,
  NOSCRIPT,
  STALE,
} from "../../engine/command.ts";
import { PRIMARY_ARGUMENTS } from "./_primary-arguments.ts";

export const replicaof = command({
  name: "replicaof",
  group: "server",
  since: "5.0.0",
  summary: "Makes the server a replica of another one, or a primary.",
  complexity: "O(1)",
  arity: 3,
  flags: ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING,
  args: PRIMARY_ARGUMENTS,
  run: (call) => call.engine.replication.replicaOf(call),
});

export const slaveof = command({
  name: "slaveof",
  group: "server",
  since: "1.0.0",
  summary: "Makes the server a replica of another one, or a primary.",
  complexity: "O(1)",
  arity: 3,
  flags: ADMIN | NOSCRIPT | STALE | NO_ASYNC_LOADING,
  deprecated: { since: "5.0.0", replacedBy: "`REPLICAOF`" },
  args: PRIMARY_ARGUMENTS,
  run: (call) => call.engine.replication.replicaOf(call),
});

export const role = command({
  name: "role",
  group: "server",
  since: "2.8.12",
  summary: "Returns whether the server is a primary or a replica, and how far its peers are.",
  complexity: "O(1)",
  arity: 1,
  flags: NOSCRIPT | LOADING | STALE | FAST,
  categories: ["admin", "dangerous"],
  run: (call) => call.engine.replication.role(call),
});

export const failover = command({
  name: "failover",
  group: "server",
  since: "6.2.0",
  summary: "Has the server change places with one of its replicas, without losing a write.",
  complexity: "O(1)",
  arity: -1,
  flags: ADMIN | NOSCRIPT | STALE,
  args: [
    {
      name: "target",
      type: "block",
      token: "TO",
      optional: true,
      parts: [
        { name: "host", type: "string" },
        { name: "port", type: "integer" },
        { name: "force", type: "pure-token", token: "FORCE", optional: true },
      ],
    },
    { name: "abort", type: "pure-token", token: "ABORT", optional: true },
    { name: "milliseconds", type: "integer", token: "TIMEOUT", optional: true },
  ],
  run: (call) => call.engine.replication.failOver(call),
});
