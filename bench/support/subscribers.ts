/** Connections that have subscribed to a channel, count what comes and do nothing with it. */
import { encodeRequest } from "../../test/support/resp-client.ts";

export interface Audience {
  /** How many connections subscribe. */
  readonly count: number;
  readonly channel: string;
  /** What is published, always the same. */
  readonly message: string;
  /** Messages delivered for each request of the load. */
  readonly deliveries: number;
}

const LIMIT_MS = 60_000;

export class Subscribers {
  private readonly sockets: Bun.Socket[] = [];
  private readonly messageBytes: number;
  private readonly confirmationBytes: number;
  private receivedBytes = 0;
  private wantedBytes = 0;
  private reached: () => void = () => {};
  private failed: (problem: Error) => void = () => {};
  private readonly port: number;
  private readonly audience: Audience;

  private constructor(port: number, audience: Audience) {
    const { channel, message } = audience;
    this.port = port;
    this.audience = audience;
    // A request and a message in RESP2 are both arrays of bulk strings.
    this.messageBytes = encodeRequest(["message", channel, message]).length;
    // Its count is an integer, one byte of type instead of a bulk string's.
    this.confirmationBytes = encodeRequest(["subscribe", channel]).length + ":1\r\n".length;
  }

  static async connect(port: number, audience: Audience): Promise<Subscribers> {
    const subscribers = new Subscribers(port, audience);
    for (let i = 0; i < audience.count; i++) await subscribers.add();
    await subscribers.until(audience.count * subscribers.confirmationBytes);
    return subscribers;
  }

  /** Resolves once so many messages more have come, of all connections together. */
  async received(messages: number): Promise<void> {
    await this.until(messages * this.messageBytes);
  }

  close(): void {
    this.failed = () => {};
    for (const socket of this.sockets) socket.terminate();
  }

  private async add(): Promise<void> {
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: this.port,
      socket: {
        data: (_socket, chunk) => {
          this.receivedBytes += chunk.length;
          if (this.receivedBytes >= this.wantedBytes) this.reached();
        },
        close: () => this.failed(new Error("The server closed a subscriber's connection")),
      },
    });
    this.sockets.push(socket);
    socket.write(encodeRequest(["SUBSCRIBE", this.audience.channel]));
  }

  private async until(bytes: number): Promise<void> {
    this.wantedBytes += bytes;
    if (this.receivedBytes >= this.wantedBytes) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.reached = resolve;
    this.failed = reject;
    const timer = setTimeout(() => reject(new Error("Subscribers were left waiting")), LIMIT_MS);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}
