/** What the server counts as its used memory: data, clients and buffers. */
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
    const { keyspace, persistence, reply } = this.engine;
    const used =
      keyspace.usedBytes + this.clientBytes() + persistence.bufferBytes + reply.bytes.length;
    if (used > this.peakBytes) this.peakBytes = used;
    return used;
  }

  clientBytes(): number {
    let bytes = 0;
    for (const { transport } of this.engine.clients.all()) {
      if (transport !== null) bytes += transport.totalMemoryBytes;
    }
    return bytes;
  }
}
