/** Commands by which a client waits until what it wrote is safe. */
import { command, NOSCRIPT } from "../../engine/command.ts";

export const wait = command({
  name: "wait",
  group: "generic",
  since: "3.0.0",
  summary: "Waits until replicas have what this client wrote.",
  complexity: "O(1)",
  arity: 3,
  flags: NOSCRIPT,
  categories: ["connection"],
  tips: ["request_policy:all_shards", "response_policy:agg_min"],
  args: [
    { name: "numreplicas", type: "integer" },
    { name: "timeout", type: "integer" },
  ],
  run: (call) => call.engine.replication.wait(call),
});

export const waitaof = command({
  name: "waitaof",
  group: "generic",
  since: "7.2.0",
  summary: "Waits until what this client wrote is on the disks of this server and of replicas.",
  complexity: "O(1)",
  arity: 4,
  flags: NOSCRIPT,
  categories: ["connection"],
  tips: ["request_policy:all_shards", "response_policy:agg_min"],
  args: [
    { name: "numlocal", type: "integer" },
    { name: "numreplicas", type: "integer" },
    { name: "timeout", type: "integer" },
  ],
  run: (call) => call.engine.replication.waitAof(call),
});
