/**
 * Connections that the server opens itself. Each callback is one like those of clients: the clock
 * is read before it, and what it had to say to clients goes out after it.
 *
 * Bytes that the socket does not take wait in a queue; while there are any, nothing is written but
 * from it. `drained` always comes in a callback of its own.
 */
import type { Socket, SocketHandler, TLSOptions } from "bun";
import {
  CLOSED,
  type Connector,
  type Peer,
  type PeerEnd,
  type PeerEvents,
  type PeerUse,
  TIMED_OUT,
  UNREACHABLE,
} from "../engine/peer.ts";
import { errorCode } from "../base/disk.ts";
import type { Gateway } from "./gateway.ts";
import { OutboundQueue } from "../engine/outbound.ts";
import { addressText, descriptorOf } from "./socket-facts.ts";

/** Of a certificate that is good, but for another host. It is looked at last. */
const OTHER_NAME = "ERR_TLS_CERT_ALTNAME_INVALID";

/** There is such a place, but nobody who takes the connection. */
const NOBODY: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
]);

export class PeerConnector implements Connector {
  private readonly gateway: Gateway;
  /** For what is opened now; null: none. A text says why it can't be had. */
  private readonly tls: (use: PeerUse) => TLSOptions | string | null;

  constructor(gateway: Gateway, tls: (use: PeerUse) => TLSOptions | string | null) {
    this.gateway = gateway;
    this.tls = tls;
  }

  connect(use: PeerUse, host: string, port: number, timeoutMs: number, events: PeerEvents): Peer {
    const peer = new PeerSocket(this.gateway, events);
    peer.limit(timeoutMs);
    const tls = this.tls(use);
    if (typeof tls === "string") {
      this.gateway.engine.log.warning(`Can't connect to ${host}:${port}: ${tls}`);
      peer.fail(UNREACHABLE);
    } else {
      // As in Redis, MIGRATE does not care.
      const { "bind-source-addr": source } = this.gateway.engine.config.values;
      void peer.open(host, port, tls, use === "replication" ? source : null);
    }
    return peer;
  }
}

class PeerSocket implements Peer {
  events: PeerEvents;
  /** From when it was opened: of a socket that is gone the runtime knows no addresses any more. */
  peerAddress = "";
  localAddress = "";
  private socket: Socket | null = null;
  private isOver = false;
  /** An event is being dealt with. */
  private isRunning = false;
  private isEncrypted = false;
  private isDrainDue = false;
  private timer: Timer | null = null;
  private readonly queue = new OutboundQueue();
  private readonly gateway: Gateway;

  constructor(gateway: Gateway, events: PeerEvents) {
    this.gateway = gateway;
    this.events = events;
  }

  get unsentBytes(): number {
    return this.queue.bytes;
  }

  get kind(): "tcp" | "tls" {
    return this.isEncrypted ? "tls" : "tcp";
  }

  get descriptor(): number {
    return descriptorOf(this.socket);
  }

  /** `source` is the address that it is to come from, where that is possible. */
  async open(
    host: string,
    port: number,
    tls: TLSOptions | null,
    source: string | null,
  ): Promise<void> {
    this.isEncrypted = tls !== null;
    const options = {
      hostname: host,
      port,
      socket: this.handlers(),
      ...(tls === null ? {} : { tls }),
      ...(source === null ? {} : { localAddress: source }),
    };
    try {
      await Bun.connect(options);
    } catch (error) {
      const code = errorCode(error);
      // As Redis does, rather from another address than not at all.
      if (source !== null && code === "EADDRNOTAVAIL") await this.open(host, port, tls, null);
      else this.fail(NOBODY.has(code) ? CLOSED : UNREACHABLE);
    }
  }

  limit(timeoutMs: number): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (timeoutMs === 0 || this.isOver) return;
    this.timer = setTimeout(() => this.callback(() => this.end(TIMED_OUT)), timeoutMs);
  }

  write(pieces: readonly Uint8Array[]): void {
    if (this.isOver) return;
    for (const piece of pieces) this.queue.push(piece);
    this.flush();
  }

  pause(): void {
    this.socket?.pause();
  }

  resume(): void {
    if (this.isOver) return;
    this.socket?.resume();
    this.moved();
  }

  close(): void {
    this.isOver = true;
    this.limit(0);
    this.socket?.close();
    this.queue.clear();
  }

  /** It could not be opened. */
  fail(end: PeerEnd): void {
    setImmediate(() => this.callback(() => this.end(end)));
  }

  private handlers(): SocketHandler<undefined> {
    return {
      binaryType: "uint8array",
      open: (socket) => {
        if (this.isOver) socket.close();
        else this.callback(() => this.opened(socket));
      },
      data: (_socket, bytes: Uint8Array) => this.callback(() => this.received(bytes)),
      drain: () => this.callback(() => this.flush()),
      close: () => this.callback(() => this.end(CLOSED)),
      // `close` follows, or the promise of `connect` says it.
      error() {},
      connectError() {},
    };
  }

  /**
   * Runs what an event has to do, and all that follows from it; later, where the event comes from
   * within a call of this object's own.
   */
  private callback(run: () => void): void {
    const { gateway } = this;
    if (this.isOver) return;
    if (this.isRunning || gateway.engine.running !== null) {
      setImmediate(() => this.callback(run));
      return;
    }
    this.isRunning = true;
    try {
      gateway.beginCallback();
      run();
      gateway.turn.settle();
    } catch (error) {
      gateway.crashed(error);
    }
    this.isRunning = false;
  }

  private opened(socket: Socket): void {
    if (this.isEncrypted && !isVouchedFor(socket)) {
      this.gateway.engine.log.warning(`Refused to talk to ${socket.remoteAddress}: no authority`);
      this.end(UNREACHABLE);
      socket.close();
      return;
    }
    this.socket = socket;
    this.peerAddress = addressText(socket.remoteAddress, socket.remotePort);
    this.localAddress = addressText(socket.localAddress, socket.localPort);
    socket.setNoDelay(true);
    this.moved();
    this.events.opened();
  }

  private received(bytes: Uint8Array): void {
    this.moved();
    this.events.received(bytes);
  }

  private flush(): void {
    const { socket, queue } = this;
    if (socket === null) return;
    const before = queue.bytes;
    queue.drainInto((bytes, start, length) => Math.max(0, socket.write(bytes, start, length)));
    if (queue.bytes < before) this.moved();
    if (queue.bytes > 0 || this.isDrainDue) return;
    this.isDrainDue = true;
    setImmediate(() => {
      this.isDrainDue = false;
      if (this.queue.bytes === 0) this.callback(() => this.events.drained());
    });
  }

  /** The time that is allowed begins anew. */
  private moved(): void {
    if (this.timer !== null) this.timer.refresh();
  }

  private end(end: PeerEnd): void {
    this.isOver = true;
    // Without a handshake nobody is reached, whoever answered.
    this.events.ended(this.isEncrypted && this.socket === null ? UNREACHABLE : end);
    this.close();
  }
}

/** An authority has signed its certificate. To Redis the name in it does not matter. */
function isVouchedFor(socket: Socket): boolean {
  return socket.authorized || errorCode(socket.getAuthorizationError()) === OTHER_NAME;
}
