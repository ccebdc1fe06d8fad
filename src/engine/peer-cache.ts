/**
 * Connections to other servers that are kept for a while, for the next one that goes to the same
 * place: MIGRATE is mostly called many times for one target. At most one per place, at most
 * MAX_PEERS in all. One that hears anything while nobody uses it is closed.
 */
import type { Connector, Peer } from "./peer.ts";
import { noConnector } from "./peer.ts";

/** MIGRATE_SOCKET_CACHE_ITEMS and MIGRATE_SOCKET_CACHE_TTL, cluster.c. */
const MAX_PEERS = 64;
const KEEP_MS = 10_000;

export class PeerCache {
  /** Set by the composition root. */
  connector: Connector = noConnector;
  /** By place, the one that was used longest ago first. */
  private readonly idle = new Map<string, IdlePeer>();

  /** Connections that are kept. */
  get count(): number {
    return this.idle.size;
  }

  /** The connection to this place, which then is the caller's alone, or null. */
  take(place: string): IdlePeer | null {
    const idle = this.idle.get(place) ?? null;
    this.idle.delete(place);
    return idle;
  }

  /** Keeps an open connection that waits for no reply; `database` is selected there, -1: any. */
  keep(place: string, peer: Peer, database: number, nowMs: number): void {
    this.drop(place);
    for (const oldest of this.idle.keys()) {
      if (this.idle.size < MAX_PEERS) break;
      this.drop(oldest);
    }
    this.idle.set(place, { peer, database, sinceMs: nowMs });
    const drop = (): void => this.drop(place);
    peer.limit(0);
    peer.events = { opened: drop, received: drop, drained() {}, ended: drop };
  }

  /** Closes what has not been used for a while; called by the cron. */
  expire(nowMs: number): void {
    for (const [place, { sinceMs }] of this.idle) {
      if (nowMs - sinceMs <= KEEP_MS) break;
      this.drop(place);
    }
  }

  closeAll(): void {
    for (const place of this.idle.keys()) this.drop(place);
  }

  private drop(place: string): void {
    this.take(place)?.peer.close();
  }
}

interface IdlePeer {
  readonly peer: Peer;
  readonly database: number;
  readonly sinceMs: number;
}
