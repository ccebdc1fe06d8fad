/**
 * What clients hold in memory, and which of them have to go where it is more than
 * `maxmemory-clients` allows.
 *
 * While there is a limit, this one or `maxmemory`, a connection calls `update` whenever its buffers
 * may have changed, so `totalBytes` is always the sum of all `countedBytes`; without a limit nobody
 * pays for that. What this limit is held against is always counted afresh (`victims`).
 */
import { classOf } from "./client-class.ts";
import type { Clients } from "./clients.ts";
import type { Session } from "./session.ts";

/** A limit below this would leave no way to talk to the server (getClientEvictionLimit). */
const MIN_LIMIT_BYTES = 128 * 1024;

/**
 * What a session holds beside the buffers of its connection. State of sessions that can grow is
 * to be added here.
 */
export function sessionBytes(session: Session): number {
  const { blocked, transaction, watch, subscriptions, tracking } = session;
  const queuedBytes = (transaction?.sizeBytes ?? 0) + (watch?.sizeBytes ?? 0);
  const heardBytes = (subscriptions?.sizeBytes ?? 0) + (tracking?.sizeBytes ?? 0);
  return (blocked?.sizeBytes ?? 0) + queuedBytes + heardBytes;
}

export class ClientMemory {
  /** Whether there is a limit, so that the sum is kept. */
  isLimited = false;
  /** The sum is at the limit: `victims` is to be called at the end of the turn. */
  isOver = false;
  private limitBytes = Infinity;
  /** What all clients hold; kept while `isLimited`. */
  totalBytes = 0;
  /** All that may be evicted has been: the cron tries again. */
  private isStuck = false;

  private readonly clients: Clients;

  constructor(clients: Clients) {
    this.clients = clients;
  }

  /** `setting` is `maxmemory-clients`: bytes, or, negative, a percentage of maxmemory. */
  configure(setting: number, maxmemoryBytes: number): void {
    const wasLimited = this.isLimited;
    this.limitBytes = limitOf(setting, maxmemoryBytes);
    this.isLimited = this.limitBytes !== Infinity || maxmemoryBytes > 0;
    this.isStuck = this.isOver = false;
    if (this.isLimited && !wasLimited) this.recount();
  }

  /** The session's buffers may have changed. Only while there is a limit. */
  update(session: Session): void {
    this.count(session);
    if (this.totalBytes >= this.limitBytes && !this.isStuck) this.isOver = true;
  }

  /** There is too much, and so many bytes alone are. */
  isExceededBy(bytes: number): boolean {
    return this.isOver && bytes >= this.limitBytes;
  }

  /** The session is gone. */
  forget(session: Session): void {
    this.totalBytes -= session.countedBytes;
    session.countedBytes = 0;
  }

  /** Called by the cron: counts what changed without anybody saying so. */
  recount(): void {
    this.isStuck = false;
    for (const session of this.clients.all()) this.count(session);
    this.isOver = this.totalBytes >= this.limitBytes;
  }

  /**
   * The clients to be closed, largest first, until the rest is below the limit. `suffices` is
   * false where even all of them are not enough.
   */
  victims(): { chosen: Session[]; suffices: boolean } {
    this.recount();
    const chosen: Session[] = [];
    let left = this.totalBytes;
    if (this.isOver) {
      const evictable = [...this.clients.all()].filter(mayBeEvicted);
      evictable.sort((a, b) => b.countedBytes - a.countedBytes);
      for (const session of evictable) {
        if (left < this.limitBytes) break;
        chosen.push(session);
        left -= session.countedBytes;
      }
    }
    this.isOver = false;
    this.isStuck = left >= this.limitBytes;
    return { chosen, suffices: !this.isStuck };
  }

  private count(session: Session): void {
    const bytes = countsAgainstLimit(session) ? (session.transport?.totalMemoryBytes ?? 0) : 0;
    this.totalBytes += bytes - session.countedBytes;
    session.countedBytes = bytes;
  }
}

/** Links to replicas and to a primary have limits of their own. */
function countsAgainstLimit(session: Session): boolean {
  const kind = classOf(session);
  return kind === "normal" || kind === "pubsub";
}

function mayBeEvicted(session: Session): boolean {
  return !session.isNotEvicted && session.countedBytes > 0;
}

/** Infinity: no limit. */
function limitOf(setting: number, maxmemoryBytes: number): number {
  if (setting === 0 || (setting < 0 && maxmemoryBytes === 0)) return Infinity;
  const bytes = setting > 0 ? setting : Math.floor((maxmemoryBytes * -setting) / 100);
  return Math.max(bytes, MIN_LIMIT_BYTES);
}
