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
    const { keyspace } = this.engine;
    const used = keyspace.usedBytes - keyspace.tableBytes + this.overheadBytes();
    if (used > this.peakBytes) this.peakBytes = used;
    return used;
  }

  /** All but keys and values themselves. */
  overheadBytes(): number {
    const { keyspace, persistence, reply, tracking } = this.engine;
    const bufferBytes = persistence.bufferBytes + reply.at;
    return keyspace.tableBytes + tracking.sizeBytes + this.clientBytes() + bufferBytes;
  }

  clientBytes(): number {
    let bytes = 0;
    for (const { transport } of this.engine.clients.all()) {
      if (transport !== null) bytes += transport.totalMemoryBytes;
    }
    return bytes;
  }
}
