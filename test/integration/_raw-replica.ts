/**
 * A replica by hand: a socket that asks for the stream and takes bytes as they come. Empty lines
 * that a primary sends while it prepares a payload are passed over.
 */
import { connect, type Socket } from "node:net";
import { arraysOfBulks } from "../support/content.ts";
import { encodeRequest } from "../support/resp-client.ts";

const TIMEOUT_MS = 20_000;
const POLL_MS = 2;
const MARK_LENGTH = 40;

export class RawReplica implements AsyncDisposable {
  /** What has come and was not taken. */
  private bytes = Buffer.alloc(0);
  private readonly socket: Socket;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Uint8Array) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
    });
    socket.on("error", () => socket.destroy());
  }

  static connect(port: number): Promise<RawReplica> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("error", reject);
      socket.once("connect", () => resolve(new RawReplica(socket)));
    });
  }

  send(...command: readonly string[]): void {
    this.socket.write(encodeRequest(command));
  }

  sendLine(line: string): void {
    this.socket.write(`${line}\r\n`);
  }

  /** The next line that is not empty, without its end. */
  async line(): Promise<string> {
    for (;;) {
      await this.until(() => this.bytes.includes("\n"));
      const end = this.bytes.indexOf("\n");
      const line = this.take(end + 1)
        .toString("latin1")
        .trimEnd();
      if (line !== "") return line;
    }
  }

  /** The RDB that comes next, framed by its length or by a mark on both sides. */
  async payload(): Promise<Buffer> {
    const header = await this.line();
    if (!header.startsWith("$EOF:")) {
      const length = Number(/^\$(\d+)$/.exec(header)?.[1] ?? Number.NaN);
      if (Number.isNaN(length)) throw new Error(`No payload: ${header}`);
      await this.until(() => this.bytes.length >= length);
      return this.take(length);
    }
    const mark = header.slice("$EOF:".length);
    if (mark.length !== MARK_LENGTH) throw new Error(`A mark of ${mark.length} bytes`);
    await this.until(() => this.bytes.includes(mark));
    const payload = this.take(this.bytes.indexOf(mark));
    this.take(MARK_LENGTH);
    return payload;
  }

  /** Takes the stream until what `marker` says is in it, whole commands only. */
  async streamUntil(marker: string): Promise<{ bytes: Buffer; commands: string[][] }> {
    await this.until(() => this.bytes.includes(marker));
    const at = this.bytes.indexOf(marker) + marker.length + 2;
    await this.until(() => this.bytes.length >= at);
    const bytes = this.take(at);
    const commands = Array.from(arraysOfBulks(bytes), (words) => words.map(String));
    return { bytes, commands };
  }

  /** Waits until the other side has ended the connection. */
  async ended(): Promise<void> {
    await this.until(() => this.socket.readableEnded || this.socket.destroyed);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    return Promise.resolve();
  }

  private take(length: number): Buffer {
    const taken = this.bytes.subarray(0, length);
    this.bytes = this.bytes.subarray(length);
    return taken;
  }

  private async until(isSo: () => boolean): Promise<void> {
    const deadline = Date.now() + TIMEOUT_MS;
    while (!isSo()) {
      if (Date.now() > deadline) {
        throw new Error(`It stays at ${this.bytes.toString("latin1").slice(0, 300)}`);
      }
      await Bun.sleep(POLL_MS);
    }
  }
}
