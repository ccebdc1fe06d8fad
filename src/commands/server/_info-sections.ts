/** The sections of INFO, in Redis's order, each with its fields in Redis's order. */
import { freemem, release, totalmem } from "node:os";
import { PEDIS_VERSION, REDIS_VERSION } from "../../base/version.ts";
import type { Engine } from "../../engine/engine.ts";
import type { InfoField } from "../../engine/persistence.ts";

interface Section {
  readonly name: string;
  fields(engine: Engine): readonly InfoField[];
}

export const SECTIONS: readonly Section[] = [
  { name: "Server", fields: serverFields },
  { name: "Clients", fields: clientFields },
  { name: "Memory", fields: memoryFields },
  { name: "Persistence", fields: (engine) => engine.persistence.infoFields() },
  { name: "Stats", fields: statsFields },
  { name: "Replication", fields: replicationFields },
  { name: "CPU", fields: cpuFields },
  { name: "Modules", fields: () => [] },
  { name: "Commandstats", fields: commandFields },
  { name: "Errorstats", fields: errorFields },
  { name: "Latencystats", fields: latencyFields },
  { name: "Cluster", fields: () => [["cluster_enabled", 0]] },
  { name: "Keyspace", fields: keyspaceFields },
];

export const DEFAULT_SECTIONS: readonly string[] = [
  "server",
  "clients",
  "memory",
  "persistence",
  "stats",
  "replication",
  "cpu",
  "modules",
  "errorstats",
  "cluster",
  "keyspace",
];

function serverFields(engine: Engine): InfoField[] {
  const { clock, config, identity } = engine;
  const { values } = config;
  const upSeconds = Math.floor((clock.nowMs - identity.startedMs) / 1000);
  return [
    ["redis_version", REDIS_VERSION],
    ["server_name", "pedis"],
    ["pedis_version", PEDIS_VERSION],
    ["bun_version", Bun.version],
    ["redis_mode", "standalone"],
    ["os", `Linux ${release()} ${process.arch === "x64" ? "x86_64" : process.arch}`],
    ["arch_bits", 64],
    ["monotonic_clock", "POSIX clock_gettime"],
    ["multiplexing_api", "epoll"],
    ["process_id", process.pid],
    ["process_supervised", "no"],
    ["run_id", identity.runId],
    ["tcp_port", values.port],
    ["server_time_usec", clock.wallUs()],
    ["uptime_in_seconds", upSeconds],
    ["uptime_in_days", Math.floor(upSeconds / 86400)],
    ["hz", values.hz],
    ["configured_hz", values.hz],
    ["lru_clock", Math.floor(clock.nowMs / 1000) & 0xffffff],
    ["executable", process.execPath],
    ["config_file", config.file ?? ""],
    ["io_threads_active", 0],
  ];
}

function clientFields(engine: Engine): InfoField[] {
  let inputBytes = 0;
  let outputBytes = 0;
  for (const { transport } of engine.clients.all()) {
    if (transport === null) continue;
    inputBytes = Math.max(inputBytes, transport.queryBytes);
    outputBytes = Math.max(outputBytes, transport.outboundBytes);
  }
  return [
    ["connected_clients", engine.clients.count],
    ["cluster_connections", 0],
    ["maxclients", engine.config.values.maxclients],
    ["client_recent_max_input_buffer", inputBytes],
    ["client_recent_max_output_buffer", outputBytes],
    ["blocked_clients", 0],
    ["tracking_clients", 0],
    ["clients_in_timeout_table", 0],
  ];
}

function memoryFields(engine: Engine): InfoField[] {
  const { values } = engine.config;
  const used = engine.memory.measure();
  const { rss } = process.memoryUsage;
  const resident = rss();
  const { peakBytes, startupBytes } = engine.memory;
  const dataset = engine.keyspace.usedBytes;
  const percent = (part: number, whole: number): string =>
    `${((100 * part) / Math.max(1, whole)).toFixed(2)}%`;
  return [
    ["used_memory", used],
    ["used_memory_human", humanBytes(used)],
    ["used_memory_rss", resident],
    ["used_memory_rss_human", humanBytes(resident)],
    ["used_memory_peak", peakBytes],
    ["used_memory_peak_human", humanBytes(peakBytes)],
    ["used_memory_peak_perc", percent(used, peakBytes)],
    ["used_memory_overhead", used - dataset],
    ["used_memory_startup", startupBytes],
    ["used_memory_dataset", dataset],
    ["used_memory_dataset_perc", percent(dataset, used - startupBytes)],
    ["allocator_allocated", used],
    ["allocator_active", engine.keyspace.committedBytes],
    ["allocator_resident", resident],
    ["total_system_memory", totalmem()],
    ["total_system_memory_human", humanBytes(totalmem())],
    ["free_system_memory", freemem()],
    ["maxmemory", values.maxmemory],
    ["maxmemory_human", humanBytes(values.maxmemory)],
    ["maxmemory_policy", values["maxmemory-policy"]],
    ["mem_fragmentation_ratio", (resident / Math.max(1, used)).toFixed(2)],
    ["mem_fragmentation_bytes", resident - used],
    ["mem_not_counted_for_evict", engine.persistence.bufferBytes],
    ["mem_replication_backlog", 0],
    ["mem_total_replication_buffers", 0],
    ["mem_clients_slaves", 0],
    ["mem_clients_normal", engine.memory.clientBytes()],
    ["mem_cluster_links", 0],
    ["mem_aof_buffer", engine.persistence.bufferBytes],
    ["mem_allocator", "pedis-arena"],
    ["active_defrag_running", 0],
    ["lazyfree_pending_objects", 0],
    ["lazyfreed_objects", 0],
  ];
}

function statsFields(engine: Engine): InfoField[] {
  const { context, stats } = engine;
  const kilobytes = (perSecond: number): string => (perSecond / 1024).toFixed(2);
  return [
    ["total_connections_received", stats.connectionsReceived],
    ["total_commands_processed", stats.commandsProcessed],
    ["instantaneous_ops_per_sec", Math.round(stats.commandRate.perSecond)],
    ["total_net_input_bytes", stats.networkInputBytes],
    ["total_net_output_bytes", stats.networkOutputBytes],
    ["total_net_repl_input_bytes", 0],
    ["total_net_repl_output_bytes", 0],
    ["instantaneous_input_kbps", kilobytes(stats.inputRate.perSecond)],
    ["instantaneous_output_kbps", kilobytes(stats.outputRate.perSecond)],
    ["instantaneous_input_repl_kbps", "0.00"],
    ["instantaneous_output_repl_kbps", "0.00"],
    ["rejected_connections", stats.connectionsRejected],
    ["sync_full", 0],
    ["sync_partial_ok", 0],
    ["sync_partial_err", 0],
    ["expired_keys", context.expiredKeys],
    ["expired_stale_perc", context.expiredStalePercent.toFixed(2)],
    ["expired_time_cap_reached_count", context.expiryCyclesCutShort],
    ["evicted_keys", 0],
    ["evicted_clients", 0],
    ["keyspace_hits", context.hits],
    ["keyspace_misses", context.misses],
    ["pubsub_channels", 0],
    ["pubsub_patterns", 0],
    ["pubsubshard_channels", 0],
    ["latest_fork_usec", 0],
    ["total_forks", 0],
    ["migrate_cached_sockets", 0],
    ["slave_expires_tracked_keys", 0],
    ["tracking_total_keys", 0],
    ["tracking_total_items", 0],
    ["tracking_total_prefixes", 0],
    ["unexpected_error_replies", 0],
    ["total_error_replies", stats.errorReplies],
    ["client_query_buffer_limit_disconnections", stats.queryBufferLimitDisconnections],
    ["client_output_buffer_limit_disconnections", stats.outputBufferLimitDisconnections],
    ["acl_access_denied_auth", stats.aclDeniedAuth],
    ["acl_access_denied_cmd", stats.aclDeniedCommand],
  ];
}

function replicationFields(engine: Engine): InfoField[] {
  const { values } = engine.config;
  return [
    ["role", "master"],
    ["connected_slaves", 0],
    ["master_failover_state", "no-failover"],
    ["master_replid", engine.identity.replicationId],
    ["master_replid2", "0".repeat(40)],
    ["master_repl_offset", 0],
    ["second_repl_offset", -1],
    ["repl_backlog_active", 0],
    ["repl_backlog_size", values["repl-backlog-size"]],
    ["repl_backlog_first_byte_offset", 0],
    ["repl_backlog_histlen", 0],
  ];
}

function cpuFields(): InfoField[] {
  const { system, user } = process.cpuUsage();
  return [
    ["used_cpu_sys", (system / 1e6).toFixed(6)],
    ["used_cpu_user", (user / 1e6).toFixed(6)],
    ["used_cpu_sys_children", "0.000000"],
    ["used_cpu_user_children", "0.000000"],
  ];
}

function commandFields(engine: Engine): InfoField[] {
  return engine.table
    .all()
    .filter(({ calls, rejectedCalls }) => calls > 0 || rejectedCalls > 0)
    .map((one) => {
      const perCall = one.calls === 0 ? 0 : one.totalUs / one.calls;
      const text =
        `calls=${one.calls},usec=${Math.round(one.totalUs)},usec_per_call=${perCall.toFixed(2)},` +
        `rejected_calls=${one.rejectedCalls},failed_calls=${one.failedCalls}`;
      return [`cmdstat_${one.fullName}`, text];
    });
}

function errorFields(engine: Engine): InfoField[] {
  return [...engine.stats.errorsByCode]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, count]) => [`errorstat_${code}`, `count=${count}`]);
}

function latencyFields(engine: Engine): InfoField[] {
  const percents = engine.config.values["latency-tracking-info-percentiles"];
  const fields: InfoField[] = [];
  for (const [one, histogram] of engine.timing.histograms) {
    const text = percents
      .map((percent) => `p${percent}=${(histogram.percentileNs(percent) / 1000).toFixed(3)}`)
      .join(",");
    fields.push([`latency_percentiles_usec_${one.fullName}`, text]);
  }
  return fields;
}

function keyspaceFields(engine: Engine): InfoField[] {
  return engine.keyspace.databases
    .filter(({ size }) => size > 0)
    .map((database) => [
      `db${database.index}`,
      `keys=${database.size},expires=${database.expiring},` +
        `avg_ttl=${database.expiring === 0 ? 0 : Math.round(database.averageTtlMs)}`,
    ]);
}

/** 1536 as "1.50K", as bytesToHuman writes it. */
function humanBytes(bytes: number): string {
  const units = ["B", "K", "M", "G", "T"];
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? `${bytes}B` : `${value.toFixed(2)}${units[unit]}`;
}
