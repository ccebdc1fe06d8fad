/**
 * What the server counts as its used memory: data, clients and buffers. The runtime's own figures
 * leave typed arrays out, so everything that can grow is counted where it lives.
 *
 *     used = dataset + overhead
 *     overhead = tables + expiries of fields + clients + file buffers + replies
 *                + what clients have read, watch, wait for and have subscribed to + the slow log
 */
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
   * their clients' queues. Adds up a few running counts; what clients hold is only known while
   * there is a limit.
   */
  countedBytes(): number {
    const { memory, reclaimer } = this.engine.context;
    const clientBytes = this.engine.clients.memory.totalBytes;
    return memory.bytes - reclaimer.heldBytes + this.restBytes(clientBytes);
  }

  /**
   * Used, and not held against maxmemory (mem_not_counted_for_evict): buffers of files and
   * replicas, and values that are gone as soon as a snapshot has written them.
   */
  get notCountedBytes(): number {
    return this.engine.persistence.bufferBytes + this.engine.context.reclaimer.heldBytes;
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
    const { tracking, transactions, blocking, pubsub, slowLog } = this.engine;
    const keyBytes = tracking.sizeBytes + transactions.watched.sizeBytes + blocking.keyBytes;
    return clientBytes + keyBytes + pubsub.sizeBytes + slowLog.sizeBytes;
  }

  clientBytes(): number {
    let bytes = 0;
    for (const { transport } of this.engine.clients.all()) {
      if (transport !== null) bytes += transport.totalMemoryBytes;
    }
    return bytes;
  }
}
