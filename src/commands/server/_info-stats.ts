/** INFO's stats section and those that count commands, errors, durations and keys. */
import type { Engine } from "../../engine/engine.ts";
import type { InfoField } from "../../engine/persistence.ts";
import type { Database } from "../../keyspace/database.ts";

export function statsFields(engine: Engine): InfoField[] {
  return [
    ...trafficFields(engine),
    ...keyFields(engine),
    ["pubsub_channels", engine.pubsub.channels.count],
    ["pubsub_patterns", engine.pubsub.patterns.count],
    ["pubsubshard_channels", engine.pubsub.shardChannels.count],
    ["latest_fork_usec", 0],
    ["total_forks", engine.stats.snapshots],
    ["migrate_cached_sockets", engine.peers.count],
    // Of replicas that expire keys by themselves.
    ["slave_expires_tracked_keys", engine.replication.ownExpiryCount],
    ...defragFields(engine),
    ["tracking_total_keys", engine.tracking.keyCount],
    ["tracking_total_items", engine.tracking.itemCount],
    ["tracking_total_prefixes", engine.tracking.prefixCount],
    ...replyFields(engine),
    ...loopFields(engine),
    ["acl_access_denied_auth", engine.stats.aclDeniedAuth],
    ["acl_access_denied_cmd", engine.stats.aclDeniedCommand],
    ["acl_access_denied_key", engine.stats.aclDeniedKey],
    ["acl_access_denied_channel", engine.stats.aclDeniedChannel],
  ];
}

function defragFields({ defrag }: Engine): InfoField[] {
  const { hits, misses, keyHits, keyMisses } = defrag.compaction.figures;
  return [
    ["active_defrag_hits", hits],
    ["active_defrag_misses", misses],
    ["active_defrag_key_hits", keyHits],
    ["active_defrag_key_misses", keyMisses],
    ["total_active_defrag_time", defrag.totalMs],
    ["current_active_defrag_time", defrag.currentMs],
  ];
}

function trafficFields({ stats }: Engine): InfoField[] {
  const kilobytes = (perSecond: number): string => (perSecond / 1024).toFixed(2);
  return [
    ["total_connections_received", stats.connectionsReceived],
    ["total_commands_processed", stats.commandsProcessed],
    ["instantaneous_ops_per_sec", Math.round(stats.commandRate.perSecond)],
    ["total_net_input_bytes", stats.networkInputBytes],
    ["total_net_output_bytes", stats.networkOutputBytes],
    ["total_net_repl_input_bytes", stats.replicationInputBytes],
    ["total_net_repl_output_bytes", stats.replicationOutputBytes],
    ["instantaneous_input_kbps", kilobytes(stats.inputRate.perSecond)],
    ["instantaneous_output_kbps", kilobytes(stats.outputRate.perSecond)],
    ["instantaneous_input_repl_kbps", kilobytes(stats.replicationInputRate.perSecond)],
    ["instantaneous_output_repl_kbps", kilobytes(stats.replicationOutputRate.perSecond)],
    ["rejected_connections", stats.connectionsRejected],
    ["sync_full", stats.fullSyncs],
    ["sync_partial_ok", stats.partialSyncs],
    ["sync_partial_err", stats.refusedPartialSyncs],
  ];
}

function keyFields({ context, eviction, stats }: Engine): InfoField[] {
  return [
    ["expired_subkeys", context.expiredFields],
    ["expired_keys", context.expiredKeys],
    ["expired_stale_perc", context.expiredStalePercent.toFixed(2)],
    ["expired_time_cap_reached_count", context.expiryCyclesCutShort],
    ["expire_cycle_cpu_milliseconds", Math.floor(context.expiryCycleUs / 1000)],
    ["evicted_keys", context.evictedKeys],
    ["evicted_clients", stats.evictedClients],
    ["total_eviction_exceeded_time", Math.floor(eviction.totalExceededUs / 1000)],
    ["current_eviction_exceeded_time", Math.floor(eviction.currentExceededUs / 1000)],
    ["keyspace_hits", context.hits],
    ["keyspace_misses", context.misses],
  ];
}

function replyFields({ stats }: Engine): InfoField[] {
  return [
    ["unexpected_error_replies", stats.unexpectedErrors],
    ["total_error_replies", stats.errorReplies],
    ["dump_payload_sanitizations", stats.payloadSanitizations],
    ["total_reads_processed", stats.reads],
    ["total_writes_processed", stats.writes],
    ["io_threaded_reads_processed", 0],
    ["io_threaded_writes_processed", 0],
    ["client_query_buffer_limit_disconnections", stats.queryBufferLimitDisconnections],
    ["client_output_buffer_limit_disconnections", stats.outputBufferLimitDisconnections],
    // All connections share one reply buffer, which is not resized for any of them.
    ["reply_buffer_shrinks", 0],
    ["reply_buffer_expands", 0],
  ];
}

function loopFields({ stats, table }: Engine): InfoField[] {
  let commandUs = 0;
  for (const command of table.all()) commandUs += command.totalUs;
  const cyclesPerSecond = stats.cycleRate.perSecond;
  const usPerCycle = cyclesPerSecond === 0 ? 0 : stats.busyRate.perSecond / cyclesPerSecond;
  return [
    ["eventloop_cycles", stats.loopCycles],
    ["eventloop_duration_sum", Math.round(stats.loopBusyUs)],
    ["eventloop_duration_cmd_sum", Math.round(commandUs)],
    ["instantaneous_eventloop_cycles_per_sec", Math.round(cyclesPerSecond)],
    ["instantaneous_eventloop_duration_usec", Math.round(usPerCycle)],
  ];
}

export function commandFields(engine: Engine): InfoField[] {
  return engine.table
    .all()
    .filter(({ calls, rejectedCalls, failedCalls }) => calls + rejectedCalls + failedCalls > 0)
    .map((one) => {
      const perCall = one.calls === 0 ? 0 : one.totalUs / one.calls;
      const text =
        `calls=${one.calls},usec=${Math.round(one.totalUs)},usec_per_call=${perCall.toFixed(2)},` +
        `rejected_calls=${one.rejectedCalls},failed_calls=${one.failedCalls}`;
      return [`cmdstat_${one.fullName}`, text];
    });
}

export function errorFields(engine: Engine): InfoField[] {
  return [...engine.stats.errorsByCode]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, count]) => [`errorstat_${safe(code)}`, `count=${count}`]);
}

/** A name that a client chose must not look like INFO's own lines. */
function safe(name: string): string {
  return name.replaceAll(/[#:\n\r]/g, "_");
}

export function latencyFields(engine: Engine): InfoField[] {
  const { values } = engine.config;
  if (!values["latency-tracking"]) return [];
  const percents = values["latency-tracking-info-percentiles"];
  return [...engine.timing.histograms].map(([one, histogram]) => {
    const text = percents
      .map((percent) => {
        const name = Number(percent.toFixed(6));
        return `p${name}=${(histogram.percentileNs(percent) / 1000).toFixed(3)}`;
      })
      .join(",");
    return [`latency_percentiles_usec_${one.fullName}`, text];
  });
}

export function keyspaceFields(engine: Engine): InfoField[] {
  return engine.keyspace.databases
    .filter(({ size }) => size > 0)
    .map((database) => [`db${database.index}`, keyCounts(database)]);
}

/** The last of it is Redis 7.4's, for those who use what 7.4 has; 7.2's line ends before it. */
function keyCounts({ size, expiring, averageTtlMs, expiringHashes }: Database): string {
  const ttlMs = expiring === 0 ? 0 : Math.round(averageTtlMs);
  const hashes = expiringHashes === null ? 0 : expiringHashes.size;
  const subexpiry = hashes === 0 ? "" : `,subexpiry=${hashes}`;
  return `keys=${size},expires=${expiring},avg_ttl=${ttlMs}${subexpiry}`;
}
