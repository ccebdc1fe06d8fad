/**
 * A network that fails on demand: what connects to `port` is passed on to `targetPort`, and the
 * test may cut it, refuse it, hold it back or slow it down. "Back" is from the target to whoever
 * connected: between a replica and its primary, the way of the payload and the stream.
 *
 *     await using proxy = await CuttingProxy.listen(primary.port);
 *     await replica.withClient((client) => client.do("REPLICAOF", "127.0.0.1", proxy.port));
 *     proxy.cut();
 */
import { connect, createServer, type Server, type Socket } from "node:net";

export class CuttingProxy implements AsyncDisposable {
  /** Where later connections lead to. */
  targetPort: number;
  /** How long each piece is held back, in both directions. */
  delayMs = 0;
  /** How much of each later connection is passed on to the target; the rest never arrives. */
  forwardLimitBytes = Number.POSITIVE_INFINITY;
  /** How many connections were let through so far. */
  connections = 0;
  private isRefusing = false;
  private isStalled = false;
  private nextCut: PlannedCut | null = null;
  private readonly links = new Set<Link>();
  private readonly server: Server;

  private constructor(server: Server, targetPort: number) {
    this.server = server;
    this.targetPort = targetPort;
    server.on("connection", (socket) => this.accepted(socket));
  }

  static async listen(targetPort: number): Promise<CuttingProxy> {
    const server = createServer({ allowHalfOpen: true });
    const proxy = new CuttingProxy(server, targetPort);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    return proxy;
  }

  get port(): number {
    const address = this.server.address();
    if (typeof address !== "object" || address === null) throw new Error("It does not listen");
    return address.port;
  }

  /** Ends the connections there are; new ones are let through. */
  cut(): void {
    for (const link of this.links) link.cut();
  }

  /** Cuts, and cuts every new connection at once, until `allow`. */
  refuse(): void {
    this.isRefusing = true;
    this.cut();
  }

  allow(): void {
    this.isRefusing = false;
  }

  /** Passes nothing on, and takes nothing but what the system buffers, until `flow`. */
  stall(): void {
    this.isStalled = true;
    for (const link of this.links) link.setStalled(true);
  }

  flow(): void {
    this.isStalled = false;
    for (const link of this.links) link.setStalled(false);
  }

  /**
   * Cuts the next connection when so many bytes went back; resolves when that has happened. Where
   * one ends before, it is the one after it.
   */
  cutNextAfter(afterBytes: number): Promise<void> {
    return new Promise((resolve) => {
      this.nextCut = { afterBytes, done: resolve };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.refuse();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private accepted(near: Socket): void {
    if (this.isRefusing) {
      near.destroy();
      return;
    }
    this.connections++;
    const planned = this.nextCut;
    this.nextCut = null;
    const far = connect({ port: this.targetPort, host: "127.0.0.1", allowHalfOpen: true });
    const link: Link = new Link(near, far, {
      delayMs: () => this.delayMs,
      forwardLimitBytes: this.forwardLimitBytes,
      ended: (wasCutAsPlanned) => {
        if (this.links.delete(link) && !wasCutAsPlanned) this.nextCut ??= planned;
      },
      planned,
    });
    this.links.add(link);
    link.setStalled(this.isStalled);
  }
}

interface PlannedCut {
  readonly afterBytes: number;
  readonly done: () => void;
}

interface LinkOptions {
  readonly delayMs: () => number;
  readonly forwardLimitBytes: number;
  readonly ended: (wasCutAsPlanned: boolean) => void;
  readonly planned: PlannedCut | null;
}

/** One connection through the proxy. */
class Link {
  private readonly ways: readonly Way[];
  private readonly options: LinkOptions;

  constructor(near: Socket, far: Socket, options: LinkOptions) {
    this.options = options;
    const { delayMs, forwardLimitBytes, planned } = options;
    const cutHere = () => {
      options.ended(true);
      this.cut();
      planned?.done();
    };
    this.ways = [
      new Way(near, far, delayMs, forwardLimitBytes, () => {}),
      new Way(far, near, delayMs, planned?.afterBytes ?? Number.POSITIVE_INFINITY, cutHere),
    ];
    for (const socket of [near, far]) {
      socket.setNoDelay(true);
      socket.on("error", () => this.cut());
      socket.on("close", () => this.closed());
    }
  }

  setStalled(isStalled: boolean): void {
    for (const way of this.ways) way.setStalled(isStalled);
  }

  cut(): void {
    for (const way of this.ways) way.stop();
    this.options.ended(false);
  }

  /** One end is gone: the other one still gets what is under way. */
  private closed(): void {
    for (const way of this.ways) way.sourceEnded();
    if (this.ways.every((way) => way.isDone)) this.options.ended(false);
  }
}

/** One direction of a connection: pieces in order, each passed on when it is due. */
class Way {
  isDone = false;
  private readonly pieces: { readonly bytes: Uint8Array; readonly dueMs: number }[] = [];
  private readonly from: Socket;
  private readonly to: Socket;
  private readonly limitReached: () => void;
  private leftBytes: number;
  private isStalled = false;
  private isFull = false;
  private hasEnded = false;

  constructor(
    from: Socket,
    to: Socket,
    delayMs: () => number,
    limitBytes: number,
    limitReached: () => void,
  ) {
    this.from = from;
    this.to = to;
    this.leftBytes = limitBytes;
    this.limitReached = limitReached;
    from.on("data", (bytes: Uint8Array) => {
      this.pieces.push({ bytes, dueMs: performance.now() + delayMs() });
      this.pump();
    });
    from.on("end", () => this.sourceEnded());
    to.on("drain", () => {
      this.isFull = false;
      this.regulate();
      this.pump();
    });
  }

  setStalled(isStalled: boolean): void {
    this.isStalled = isStalled;
    this.regulate();
    this.pump();
  }

  sourceEnded(): void {
    this.hasEnded = true;
    this.pump();
  }

  stop(): void {
    this.isDone = true;
    this.pieces.length = 0;
    this.from.destroy();
    this.to.destroy();
  }

  private regulate(): void {
    if (this.isStalled || this.isFull) this.from.pause();
    else this.from.resume();
  }

  private pump(): void {
    if (this.isDone || this.isStalled) return;
    for (let piece = this.pieces[0]; piece !== undefined; piece = this.pieces[0]) {
      const waitMs = piece.dueMs - performance.now();
      if (waitMs > 0) {
        setTimeout(() => this.pump(), waitMs);
        return;
      }
      this.pieces.shift();
      if (!this.pass(piece.bytes)) return;
    }
    if (!this.hasEnded) return;
    this.isDone = true;
    this.to.end();
  }

  /** Whether the connection goes on after these bytes. */
  private pass(bytes: Uint8Array): boolean {
    const isLast = bytes.length >= this.leftBytes;
    const part = isLast ? bytes.subarray(0, this.leftBytes) : bytes;
    this.leftBytes -= part.length;
    if (isLast) {
      this.to.write(part, () => this.limitReached());
      this.isDone = true;
      return false;
    }
    if (!this.to.write(part)) {
      this.isFull = true;
      this.regulate();
    }
    return true;
  }
}
