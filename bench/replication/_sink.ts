/**
 * A replica in this very process that takes the stream and does nothing with it, so that it costs
 * next to nothing itself. It asks for a snapshot of a known length, and acknowledges nothing.
 */
import { encodeRequest } from "../../test/support/resp-client.ts";

const HEAD = /^\+FULLRESYNC \w+ (\d+)\r\n\n*\$(\d+)\r\n/;

export class Sink implements Disposable {
  /** How far it is in the stream; -1: the snapshot has not come yet. */
  offset = -1;
  private head = "";
  private snapshotBytes = 0;
  private socket: Bun.Socket | null = null;

  /** Resolves once the snapshot has come. */
  static async attach(port: number): Promise<Sink> {
    const sink = new Sink();
    const data = (_: Bun.Socket, chunk: Uint8Array): void => sink.receive(chunk);
    sink.socket = await Bun.connect({ hostname: "127.0.0.1", port, socket: { data } });
    sink.socket.write(encodeRequest(["PSYNC", "?", "-1"]));
    while (sink.offset < 0 || sink.snapshotBytes > 0) await Bun.sleep(10);
    return sink;
  }

  [Symbol.dispose](): void {
    this.socket?.terminate();
  }

  private receive(chunk: Uint8Array): void {
    let { length } = chunk;
    if (this.offset < 0) {
      this.head += Buffer.from(chunk).toString("latin1");
      const found = HEAD.exec(this.head);
      if (found === null) return;
      this.offset = Number(found[1]);
      this.snapshotBytes = Number(found[2]);
      length = this.head.length - found[0].length;
      this.head = "";
    }
    const ofSnapshot = Math.min(length, this.snapshotBytes);
    this.snapshotBytes -= ofSnapshot;
    this.offset += length - ofSnapshot;
  }
}
