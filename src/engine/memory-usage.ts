/**
 * What the server counts as its used memory: data, clients and buffers. The runtime's own figures
 * leave typed arrays out, so everything that can grow is counted where it lives.
 *
 *     used = dataset + overhead
 *     overhead = tables + what clients have read + clients + file buffers + replies
 */
import type { Engine } from "./engine.ts";

export class MemoryUsage {
  peakBytes = 0;
  /** Used before the first key. */
  startupBytes = 0;
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Bytes in use now; also moves the peak. */
  measure(): number {
    const { context, persistence, reply } = this.engine;
    const bufferBytes = persistence.bufferBytes + reply.at;
    const used = context.memory.bytes + this.restBytes(this.clientBytes()) + bufferBytes;
    if (used > this.peakBytes) this.peakBytes = used;
    return used;
  }

  /**
   * What maxmemory is held against: all but what keys leave behind when they are evicted, in
   * buffers of files and replicas (mem_not_counted_for_evict), which would make it go on and on,
   * and but for replies of this turn: they are gone at its end, or in their clients' queues.
   * Adds up a few running counts; what clients hold is only known while there is a limit.
   */
  countedBytes(): number {
    const { context, clients } = this.engine;
    return context.memory.bytes + this.restBytes(clients.memory.totalBytes);
  }

  /** All but keys and values themselves. */
  overheadBytes(): number {
    const { keyspace, persistence, reply } = this.engine;
    const bufferBytes = persistence.bufferBytes + reply.at;
    return keyspace.tableBytes + this.restBytes(this.clientBytes()) + bufferBytes;
  }

  /** All but databases and buffers. Called per command under maxmemory: only sums. */
  private restBytes(clientBytes: number): number {
    return clientBytes + this.engine.tracking.sizeBytes;
  }

  clientBytes(): number {
    let bytes = 0;
    for (const { transport } of this.engine.clients.all()) {
      if (transport !== null) bytes += transport.totalMemoryBytes;
    }
    return bytes;
  }
}
