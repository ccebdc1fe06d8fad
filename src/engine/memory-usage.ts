/**
 * What the server counts as its used memory: data, clients and buffers. The runtime's own figures
 * leave typed arrays out, so everything that can grow is counted where it lives.
 *
 *     used = dataset + overhead
 *     overhead = tables + expiries of fields + clients + file buffers + replies
 *                + what clients have read, watch, wait for and have subscribed to + the slow log
 *                + the replication stream, as far as it is kept
 */
import { classOf } from "./client-class.ts";
import type { Engine } from "./engine.ts";

export class MemoryUsage {
  peakBytes = 0;
  /** Used before the first key. */
  startupBytes = 0;
  /** Of what was measured last, all but databases. */
  private lastRestBytes = 0;
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /**
   * Bytes in use now; also moves the peak, to the most that commands have left behind since the
   * last time. (What there was in buffers in between nobody knows: no more than now and then.)
   */
  measure(): number {
    const { memory } = this.engine.context;
    const restBytes = this.restBytes(this.clientBytes()) + this.bufferBytes;
    const peakBytes = memory.peakBytes + Math.min(restBytes, this.lastRestBytes);
    const usedBytes = memory.bytes + restBytes;
    this.peakBytes = Math.max(this.peakBytes, peakBytes, usedBytes);
    memory.peakBytes = memory.bytes;
    this.lastRestBytes = restBytes;
    return usedBytes;
  }

  /**
   * What maxmemory is held against: all but what keys leave behind when they are evicted, which
   * would make it go on and on, and but for replies of this turn: they are gone at its end, or in
   * their clients' queues. Nor does what is kept of the replication stream for slow replicas count,
   * since evicting makes it more. Adds up a few running counts; what clients hold is only known
   * while there is a limit.
   */
  countedBytes(): number {
    const { context, replication, clients } = this.engine;
    const uncountedBytes = context.reclaimer.heldBytes + replication.laggingBytes;
    return context.memory.bytes - uncountedBytes + this.restBytes(clients.memory.totalBytes);
  }

  /**
   * Used, and not held against maxmemory (mem_not_counted_for_evict): buffers of files and
   * replicas, and values that are gone as soon as a snapshot has written them.
   */
  get notCountedBytes(): number {
    const { context, persistence, replication } = this.engine;
    return persistence.bufferBytes + context.reclaimer.heldBytes + replication.laggingBytes;
  }

  /** All but keys and values themselves. */
  overheadBytes(): number {
    const { keyspace } = this.engine;
    const tableBytes = keyspace.tableBytes + keyspace.expiringHashesBytes;
    return tableBytes + this.restBytes(this.clientBytes()) + this.bufferBytes;
  }

  /** What is about to be written to files and sockets. */
  private get bufferBytes(): number {
    return this.engine.persistence.bufferBytes + this.engine.reply.at;
  }

  /** All but databases and buffers. Called per command under maxmemory: only sums. */
  private restBytes(clientBytes: number): number {
    const { tracking, transactions, blocking, pubsub, slowLog, replication } = this.engine;
    const keyBytes = tracking.sizeBytes + transactions.watched.sizeBytes + blocking.keyBytes;
    const streamBytes = replication.bufferBytes;
    return clientBytes + keyBytes + pubsub.sizeBytes + slowLog.sizeBytes + streamBytes;
  }

  clientBytes(): number {
    let bytes = 0;
    for (const { transport } of this.engine.clients.all()) {
      if (transport !== null) bytes += transport.totalMemoryBytes;
    }
    return bytes;
  }

  /** Those of it that connections of replicas hold, without what is kept of the stream. */
  replicaBytes(): number {
    let bytes = 0;
    for (const session of this.engine.clients.all()) {
      if (session.transport !== null && classOf(session) === "replica") {
        bytes += session.transport.totalMemoryBytes;
      }
    }
    return bytes;
  }
}
