/** INFO's replication section, and ROLE, for both roles (server.c and replication.c, Redis 7). */
import type { Call } from "../engine/call.ts";
import type { Engine } from "../engine/engine.ts";
import type { InfoField } from "../engine/persistence.ts";
import type { Failover } from "./failover.ts";
import { type GoodReplicas, lagSeconds } from "./good-replicas.ts";
import type { LinkStatus } from "./link-status.ts";
import { ONLINE, type Replica, SENT_FILE, WAITS_FOR_END, WAITS_FOR_START } from "./replica.ts";
import type { Replicas } from "./replicas.ts";
import type { ReplicaLag } from "../engine/replication.ts";
import type { ReplicationStream } from "./stream.ts";

/** How INFO names the states of a replica; others are not shown. */
const STATE_NAMES: ReadonlyMap<number, string> = new Map([
  [WAITS_FOR_START, "wait_bgsave"],
  [WAITS_FOR_END, "wait_bgsave"],
  [SENT_FILE, "send_bulk"],
  [ONLINE, "online"],
]);

/** What Redis shows as the offset of a replica without one. */
const NO_POSITION = 1;

/** Which replicas have not acknowledged the whole stream, as the log tells it (server.c). */
export function describeLag(
  replicas: Replicas,
  stream: ReplicationStream,
  nowMs: number,
): ReplicaLag {
  const lagging: string[] = [];
  let count = 0;
  for (const replica of replicas.all()) {
    count++;
    const { acknowledged, acknowledgedMs, address, state } = replica;
    if (acknowledged === stream.offset) continue;
    const seconds = replica.isOnline ? Math.floor((nowMs - acknowledgedMs) / 1000) : 0;
    lagging.push(
      `Lagging replica ${address} reported offset ${stream.offset - acknowledged} behind master, ` +
        `lag=${seconds}, state=${STATE_NAMES.get(state) ?? "send_bulk"}.`,
    );
  }
  return { replicas: count, lagging };
}

export interface StatusParts {
  readonly engine: Engine;
  readonly stream: ReplicationStream;
  readonly replicas: Replicas;
  readonly good: GoodReplicas;
  readonly failover: Failover;
  readonly link: LinkStatus;
}

export function replicationFields(parts: StatusParts): InfoField[] {
  const { failover, good, link, replicas, stream } = parts;
  return [
    ["role", link.address === null ? "master" : "slave"],
    ...linkFields(parts),
    ["connected_slaves", replicas.count],
    ...(good.isWanted ? [["min_slaves_good_slaves", good.count] as const] : []),
    ...replicaFields(parts),
    ["master_failover_state", failover.state],
    ["master_replid", stream.id],
    ["master_replid2", stream.secondId],
    ["master_repl_offset", stream.offset],
    ["second_repl_offset", stream.secondOffset],
    ["repl_backlog_active", stream.isOpen ? 1 : 0],
    ["repl_backlog_size", stream.backlogSize],
    ["repl_backlog_first_byte_offset", stream.firstOffset],
    ["repl_backlog_histlen", stream.historyBytes],
  ];
}

export function replyRole({ reply }: Call, { link, replicas, stream }: StatusParts): void {
  if (link.address === null) {
    const online = [...replicas.all()].filter(({ isOnline }) => isOnline);
    reply.array(3);
    reply.bulkText("master");
    reply.integer(stream.offset);
    reply.array(online.length);
    for (const { acknowledged, host, listeningPort } of online) {
      reply.array(3);
      reply.bulkText(host);
      reply.bulkText(String(listeningPort));
      reply.bulkText(String(acknowledged));
    }
    return;
  }
  reply.array(5);
  reply.bulkText("slave");
  reply.bulkText(link.address.host);
  reply.integer(link.address.port);
  reply.bulkText(link.state);
  reply.integer(link.state === "connected" ? stream.offset : -1);
}

/** Of a replica only. */
function linkFields({ engine, link, stream }: StatusParts): InfoField[] {
  const { address, downSinceMs, lastIoMs, state } = link;
  if (address === null) return [];
  const { nowMs } = engine.clock;
  const { values } = engine.config;
  const isUp = state === "connected";
  const fields: InfoField[] = [
    ["master_host", address.host],
    ["master_port", address.port],
    ["master_link_status", isUp ? "up" : "down"],
    ["master_last_io_seconds_ago", isUp ? secondsSince(lastIoMs, nowMs) : -1],
    ["master_sync_in_progress", state === "sync" ? 1 : 0],
    ["slave_read_repl_offset", link.hasPosition ? link.readOffset : NO_POSITION],
    ["slave_repl_offset", link.hasPosition ? stream.offset : NO_POSITION],
    ...transferFields(link, nowMs),
  ];
  if (!isUp) {
    const seconds = downSinceMs === 0 ? -1 : secondsSince(downSinceMs, nowMs);
    fields.push(["master_link_down_since_seconds", seconds]);
  }
  fields.push(["slave_priority", values["replica-priority"]]);
  fields.push(["slave_read_only", values["replica-read-only"] ? 1 : 0]);
  fields.push(["replica_announced", values["replica-announced"] ? 1 : 0]);
  return fields;
}

function transferFields({ transfer }: LinkStatus, nowMs: number): InfoField[] {
  if (transfer === null) return [];
  const { lastIoMs, readBytes, totalBytes } = transfer;
  const percent = totalBytes === 0 ? 0 : (readBytes / totalBytes) * 100;
  return [
    ["master_sync_total_bytes", totalBytes],
    ["master_sync_read_bytes", readBytes],
    ["master_sync_left_bytes", totalBytes - readBytes],
    ["master_sync_perc", percent.toFixed(2)],
    ["master_sync_last_io_seconds_ago", secondsSince(lastIoMs, nowMs)],
  ];
}

function replicaFields({ engine, replicas }: StatusParts): InfoField[] {
  const fields: InfoField[] = [];
  for (const replica of replicas.all()) {
    const state = STATE_NAMES.get(replica.state);
    if (state === undefined) continue;
    fields.push([`slave${fields.length}`, replicaText(replica, state, engine.clock.nowMs)]);
  }
  return fields;
}

function replicaText(replica: Replica, state: string, nowMs: number): string {
  const { acknowledged, acknowledgedMs, host, isOnline, listeningPort } = replica;
  const lag = isOnline ? lagSeconds(acknowledgedMs, nowMs) : 0;
  return `ip=${host},port=${listeningPort},state=${state},offset=${acknowledged},lag=${lag}`;
}

function secondsSince(thenMs: number, nowMs: number): number {
  return Math.max(0, lagSeconds(thenMs, nowMs));
}
