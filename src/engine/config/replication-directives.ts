/** Primaries and replicas. The names with "slave" are Redis's older ones. */
import { primaryAddress } from "./list-options.ts";
import { LAZY } from "./memory-directives.ts";
import { integer, LONG_MAX, memory } from "./number-options.ts";
import { choice, flag, optionalText, secret } from "./word-options.ts";

export const replicationDirectives = {
  replicaof: primaryAddress({ immutable: true, aliases: ["slaveof"] }),
  masteruser: optionalText({ sensitive: true }),
  masterauth: secret(),
  "replica-serve-stale-data": flag(true, { aliases: ["slave-serve-stale-data"] }),
  "replica-read-only": flag(true, { aliases: ["slave-read-only"] }),
  "replica-ignore-maxmemory": flag(true, { aliases: ["slave-ignore-maxmemory"] }),
  "replica-lazy-flush": flag(false, {
    aliases: ["slave-lazy-flush"],
    withoutEffect: LAZY,
  }),
  "replica-priority": integer(100, { aliases: ["slave-priority"] }),
  "replica-announced": flag(true),
  "replica-announce-ip": optionalText({ aliases: ["slave-announce-ip"] }),
  "replica-announce-port": integer(0, { max: 65535, aliases: ["slave-announce-port"] }),
  "replica-ignore-disk-write-errors": flag(false),
  "repl-timeout": integer(60, { min: 1 }),
  "repl-ping-replica-period": integer(10, { min: 1, aliases: ["repl-ping-slave-period"] }),
  "repl-disable-tcp-nodelay": flag(false),
  "repl-diskless-sync": flag(true),
  "repl-diskless-sync-delay": integer(5),
  "repl-diskless-sync-max-replicas": integer(0),
  "repl-diskless-load": choice(["disabled", "on-empty-db", "swapdb"], "disabled", {
    notWhileLoading: true,
  }),
  "repl-backlog-size": memory(1024 * 1024, { min: 1 }),
  "repl-backlog-ttl": integer(3600, { max: LONG_MAX }),
  "min-replicas-to-write": integer(0, { aliases: ["min-slaves-to-write"] }),
  "min-replicas-max-lag": integer(10, { aliases: ["min-slaves-max-lag"] }),
  "propagation-error-behavior": choice(["ignore", "panic", "panic-on-replicas"], "ignore"),
};
