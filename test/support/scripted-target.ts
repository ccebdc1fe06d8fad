/**
 * A server that answers each request as the test says, and remembers them:
 *
 *     using target = new ScriptedTarget(({ name }) => (name === "AUTH" ? "-NO" : "+OK"));
 *     …
 *     expect(target.requests).toEqual(["SELECT 9", "RESTORE k 0 …"]);
 *
 * The answer is a line, CLOSE, or SILENCE. `connections` are counted, also those that are over.
 */
import type { Socket, TCPSocketListener } from "bun";
import { INCOMPLETE, REQUEST, RequestParser } from "../../src/protocol/request-parser.ts";

export const CLOSE = Symbol("close");
export const SILENCE = Symbol("silence");

export interface TargetRequest {
  readonly name: string;
  readonly args: readonly string[];
  /** Requests that came before, over all connections. */
  readonly index: number;
  /** Of its connection, counted from 1. */
  readonly connection: number;
}

export type Answer = string | typeof CLOSE | typeof SILENCE;

interface Conversation {
  readonly number: number;
  /** What came and is no whole request yet, and how long it must be to be looked at again. */
  chunks: Uint8Array[];
  length: number;
  wanted: number;
}

/** Arguments longer than this are shown as an ellipsis. */
const SHOWN_LENGTH = 12;

export class ScriptedTarget {
  /** The requests that came, payloads as "…". */
  readonly requests: string[] = [];
  connections = 0;
  /** Told of each request that came. */
  onRequest: () => void = () => {};
  private readonly sockets = new Set<Socket<Conversation>>();
  private readonly listener: TCPSocketListener<Conversation>;

  constructor(answer: (request: TargetRequest) => Answer = () => "+OK") {
    this.listener = Bun.listen<Conversation>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        binaryType: "uint8array",
        open: (socket) => {
          socket.data = { number: ++this.connections, chunks: [], length: 0, wanted: 0 };
          this.sockets.add(socket);
        },
        data: (socket, chunk: Uint8Array) => this.receive(socket, chunk, answer),
        close: (socket) => {
          this.sockets.delete(socket);
        },
      },
    });
  }

  get port(): number {
    return this.listener.port;
  }

  /** Connections that are open now. */
  get openConnections(): number {
    return this.sockets.size;
  }

  /** Sends a line to all who are connected. */
  say(line: string): void {
    for (const socket of this.sockets) socket.write(`${line}\r\n`);
  }

  /** Closes all connections. */
  hangUp(): void {
    for (const socket of this.sockets) socket.end();
  }

  /** Waits until so many requests have come. */
  async until(count: number): Promise<void> {
    while (this.requests.length < count) {
      await new Promise<void>((resolve) => {
        this.onRequest = resolve;
      });
    }
  }

  [Symbol.dispose](): void {
    this.listener.stop(true);
  }

  private receive(
    socket: Socket<Conversation>,
    chunk: Uint8Array,
    answer: (request: TargetRequest) => Answer,
  ): void {
    const conversation = socket.data;
    conversation.chunks.push(chunk);
    conversation.length += chunk.length;
    if (conversation.length < conversation.wanted) return;
    const bytes = Buffer.concat(conversation.chunks);
    const parser = new RequestParser();
    let end = 0;
    for (;;) {
      const status = parser.next(bytes, bytes.length);
      if (status === INCOMPLETE) break;
      if (status !== REQUEST) throw new Error(`no request: ${parser.problem}`);
      end = parser.position;
      const args = Array.from({ length: parser.args.count }, (_, i) => parser.args.text(i));
      const index = this.requests.length;
      const shown = args.map((arg) => (arg.length > SHOWN_LENGTH ? "…" : arg));
      this.requests.push(shown.join(" "));
      const request = { name: args[0], args, index, connection: conversation.number };
      const said = answer(request);
      if (typeof said === "string") socket.write(`${said}\r\n`);
      this.onRequest();
      if (said === CLOSE) {
        socket.end();
        return;
      }
    }
    conversation.chunks = [bytes.subarray(end)];
    conversation.length = bytes.length - end;
    conversation.wanted = parser.wantedEnd - end;
  }
}
