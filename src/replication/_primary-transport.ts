/** The connection to the primary, as the transport of its session: CLIENT LIST shows it. */
import type { Peer } from "../engine/peer.ts";
import type { OutboundStream, Transport } from "../engine/session.ts";
import type { StreamApplier } from "./_stream-applier.ts";

const CONNECTION_BYTES = 1536;

export class PrimaryTransport implements Transport {
  /** Nothing is streamed to a primary. */
  stream: OutboundStream | null = null;
  private readonly peer: Peer;
  private readonly applier: StreamApplier;
  private readonly onClose: () => void;

  constructor(peer: Peer, applier: StreamApplier, onClose: () => void) {
    this.peer = peer;
    this.applier = applier;
    this.onClose = onClose;
  }

  get kind(): "tcp" | "tls" {
    return this.peer.kind;
  }

  get peerAddress(): string {
    return this.peer.peerAddress;
  }

  get localAddress(): string {
    return this.peer.localAddress;
  }

  get descriptor(): number {
    return this.peer.descriptor;
  }

  get queryBytes(): number {
    return this.applier.queryBytes;
  }

  get queryFreeBytes(): number {
    return 0;
  }

  get argumentBytes(): number {
    return this.applier.argumentBytes;
  }

  get outboundBytes(): number {
    return this.peer.unsentBytes;
  }

  get outboundChunks(): number {
    return this.peer.unsentBytes > 0 ? 1 : 0;
  }

  get totalMemoryBytes(): number {
    return CONNECTION_BYTES + this.applier.bufferBytes + this.peer.unsentBytes;
  }

  push(bytes: Uint8Array): void {
    this.peer.write([bytes]);
  }

  streamGrew(): void {}

  setNoDelay(): void {}

  close(): void {
    this.onClose();
  }

  resume(): void {
    this.applier.resume();
  }

  unblocked(): void {}
}
