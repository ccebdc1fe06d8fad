/**
 * Bytes that a peer has not taken yet, oldest first. Chunks are never written again once they
 * are here, so one may wait in many queues.
 */
export class OutboundQueue {
  bytes = 0;
  private readonly chunks: Uint8Array[] = [];
  /** Bytes of the first chunk that are gone already. */
  private sent = 0;

  get length(): number {
    return this.chunks.length;
  }

  push(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.bytes += chunk.length;
  }

  /** Offers everything to `write`; stops at the first chunk not taken whole. */
  drainInto(write: (chunk: Uint8Array, start: number, length: number) => number): void {
    let done = 0;
    while (done < this.chunks.length) {
      const chunk = this.chunks[done];
      const left = chunk.length - this.sent;
      const taken = write(chunk, this.sent, left);
      this.bytes -= taken;
      if (taken < left) {
        this.sent += taken;
        break;
      }
      this.sent = 0;
      done++;
    }
    if (done > 0) this.chunks.splice(0, done);
  }

  clear(): void {
    this.chunks.length = 0;
    this.bytes = 0;
    this.sent = 0;
  }
}
