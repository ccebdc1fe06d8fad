/**
 * A connection that this server opens to another one. Here is what whoever needs one sees of it;
 * how it is made is the network's business (net/peer-socket.ts).
 *
 *     connect ──▶ opened ──▶ received, drained … ──▶ ended
 *        └───────────────────────────────────────▶ ended
 *
 * No event comes from within a call of `connect`, `write` or `close`, and none after `close`.
 */

/** How it ended: there is no such host or port, or its certificate is not good. */
export const UNREACHABLE = "unreachable";
/** The other side refused or closed it. */
export const CLOSED = "closed";
/** Nothing moved for as long as `limit` allows. */
export const TIMED_OUT = "timed out";
export type PeerEnd = typeof UNREACHABLE | typeof CLOSED | typeof TIMED_OUT;

export interface PeerEvents {
  opened(): void;
  received(bytes: Uint8Array): void;
  /** The network has taken all that was written. */
  drained(): void;
  /**
   * It could not be opened, the other side closed it, or it took too long. Still known: what was
   * not sent.
   */
  ended(end: PeerEnd): void;
}

/** What it is for, which decides whether it is encrypted (`tls-cluster`, `tls-replication`). */
export type PeerUse = "cluster" | "replication";

export interface Peer {
  /** Who hears of it from now on. */
  events: PeerEvents;
  readonly kind: "tcp" | "tls";
  /** `ip:port`; empty before it is open. */
  readonly peerAddress: string;
  readonly localAddress: string;
  /** -1 where it is not known. */
  readonly descriptor: number;
  /** Bytes that the network has not taken yet. */
  readonly unsentBytes: number;
  /** From now on something must move, either way, every so often; 0: it need not. */
  limit(timeoutMs: number): void;
  /** The bytes, one piece behind the other, must not be written to again. */
  write(pieces: readonly Uint8Array[]): void;
  /** Nothing more is taken from the other side until `resume`; what has come already still is. */
  pause(): void;
  resume(): void;
  close(): void;
}

/** Opens a connection to a port (any number, be it one or not) of a host, by name or address. */
export interface Connector {
  connect(use: PeerUse, host: string, port: number, timeoutMs: number, events: PeerEvents): Peer;
}

/** Where there is no network. */
export const noConnector: Connector = {
  connect() {
    throw new Error("there is no network to connect to");
  },
};
