/**
 * A plain client that shows what a server really sends: every reply keeps its raw bytes. Requests
 * may be pipelined by not awaiting `do`; replies are handed out in order. What arrives unasked
 * (RESP3 pushes, RESP2 messages to a subscriber, replies to raw bytes) is kept for `next`.
 */
import { connect, type Socket } from "node:net";
import { bytesToText, type Reply, ReplyDecoder, type ReplyValue } from "./_reply-decoder.ts";
import {
  type Argument,
  argumentBytes,
  readableCommand,
  readableReply,
  splitLine,
} from "./readable.ts";

export type Address = { port: number; host?: string } | { path: string };

export { type Reply, ReplyError, type ReplyValue } from "./_reply-decoder.ts";

/** Not a measure of speed: machines that run tests may be busy with much else. */
const REPLY_TIMEOUT_MS = 45_000;
const CONFIRMED_BY_PUSH = /^[ps]?(un)?subscribe$/;

interface Waiter {
  readonly what: () => string;
  /** The replies that belong to the request, and those of them that are here. */
  readonly count: number;
  readonly got: Reply[];
  /** For SUBSCRIBE and its kind: in RESP3 the confirmations come as pushes with this name. */
  readonly pushKind: string | null;
  /** Whether a push will do as well as a reply. */
  readonly takesPushes: boolean;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (problem: Error) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class RespClient {
  private readonly decoder = new ReplyDecoder();
  private readonly waiters: Waiter[] = [];
  /** What has arrived and belongs to no `do`, oldest first; `next` takes from it. */
  readonly unasked: Reply[] = [];
  private problem: Error | null = null;
  /** Settles when the connection is closed, by either side. */
  readonly closed: Promise<void>;

  private readonly socket: Socket;
  private hasSubscribed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Uint8Array) => this.receive(chunk));
    socket.on("error", (problem) => this.fail(problem));
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.fail(new Error("The server closed the connection"));
        resolve();
      });
    });
  }

  static connect(address: Address): Promise<RespClient> {
    return new Promise((resolve, reject) => {
      const socket =
        "path" in address
          ? connect(address.path)
          : connect(address.port, address.host ?? "127.0.0.1");
      socket.setNoDelay(true);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new RespClient(socket));
      });
    });
  }

  /** `do("SET", "k", "v")`, or a whole line: `do('SET k "a b"')`. */
  do(...command: readonly Argument[]): Promise<Reply> {
    const args = toArguments(command);
    this.socket.write(encodeRequest(args));
    return this.waitFor(args);
  }

  /** Sends the command and leaves its reply to `next`. */
  begin(...command: readonly Argument[]): void {
    const args = toArguments(command);
    if (subscription(args) !== null) this.hasSubscribed = true;
    this.socket.write(encodeRequest(args));
  }

  /** As `do`, giving only the value. */
  async value(...command: readonly Argument[]): Promise<ReplyValue> {
    return (await this.do(...command)).value;
  }

  /** As `do`, giving the reply as redis-cli would print it. */
  async text(...command: readonly Argument[]): Promise<string> {
    return readableReply(await this.value(...command));
  }

  /** Sends all commands in one write, then waits for all replies. */
  pipeline(commands: readonly (string | readonly Argument[])[]): Promise<Reply[]> {
    const requests = commands.map((command) =>
      toArguments(typeof command === "string" ? [command] : command),
    );
    this.socket.write(Buffer.concat(requests.map(encodeRequest)));
    return Promise.all(requests.map((args) => this.waitFor(args)));
  }

  /** Sends bytes as they are and leaves what comes back to `next`. */
  send(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** The oldest reply or push that belongs to no `do`, as soon as there is one. */
  next(): Promise<Reply> {
    const early = this.unasked.shift();
    if (early !== undefined) return Promise.resolve(early);
    return this.wait({
      what: () => "what comes next",
      count: 1,
      pushKind: null,
      takesPushes: true,
    });
  }

  /** Sends FIN after what was written, and still reads. */
  halfClose(): void {
    this.socket.end();
  }

  /** From now on reads nothing more of what the server sends. */
  pause(): void {
    this.socket.pause();
  }

  async close(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private waitFor(args: readonly Uint8Array[]): Promise<Reply> {
    const pushKind = subscription(args);
    if (pushKind !== null) this.hasSubscribed = true;
    return this.wait({
      what: () => readableCommand(args),
      count: pushKind === null ? 1 : Math.max(1, args.length - 1),
      pushKind,
      takesPushes: false,
    });
  }

  private wait(
    request: Pick<Waiter, "what" | "count" | "pushKind" | "takesPushes">,
  ): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    if (this.problem !== null) {
      reject(new Error(`${request.what()}: ${this.problem.message}`));
      return promise;
    }
    const timer = setTimeout(() => {
      this.fail(new Error(`nothing came within ${REPLY_TIMEOUT_MS} ms`));
      this.socket.destroy();
    }, REPLY_TIMEOUT_MS);
    this.waiters.push({ ...request, got: [], resolve, reject, timer });
    return promise;
  }

  private receive(chunk: Uint8Array): void {
    this.decoder.push(chunk);
    try {
      for (let reply = this.decoder.next(); reply !== null; reply = this.decoder.next()) {
        this.deliver(reply);
      }
    } catch (problem) {
      this.fail(problem as Error);
      this.socket.destroy();
    }
  }

  private deliver(reply: Reply): void {
    const kind = Array.isArray(reply.value) ? reply.value[0] : null;
    const isConfirmation = kind !== null && kind === this.waiters[0]?.pushKind;
    const isPush =
      reply.type === ">" ||
      (this.hasSubscribed && typeof kind === "string" && /^[ps]?message$/.test(kind));
    const index =
      isPush && !isConfirmation ? this.waiters.findIndex((waiter) => waiter.takesPushes) : 0;
    const waiter = this.waiters[index];
    if (waiter === undefined) {
      this.unasked.push(reply);
      return;
    }
    waiter.got.push(reply);
    if (waiter.got.length < waiter.count && isConfirmation) return;
    this.waiters.splice(index, 1);
    clearTimeout(waiter.timer);
    waiter.resolve(joinReplies(waiter.got));
  }

  private fail(problem: Error): void {
    this.problem ??= problem;
    for (const waiter of this.waiters.splice(0)) {
      clearTimeout(waiter.timer);
      waiter.reject(new Error(`${waiter.what()}: ${this.problem.message}`));
    }
  }
}

/** The request's bytes: an array of bulk strings. */
export function encodeRequest(args: readonly Argument[]): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const argument of args) {
    const bytes = argumentBytes(argument);
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}

/** The command's name in lower case if it is SUBSCRIBE or of its kind, else null. */
function subscription(args: readonly Uint8Array[]): string | null {
  const name = bytesToText(args[0] ?? new Uint8Array()).toLowerCase();
  return CONFIRMED_BY_PUSH.test(name) ? name : null;
}

function toArguments(command: readonly Argument[]): Uint8Array[] {
  const [first] = command;
  if (command.length === 1 && typeof first === "string") return splitLine(first);
  return command.map(argumentBytes);
}

/** Several confirmations of one SUBSCRIBE become one reply: their bytes in a row. */
function joinReplies(replies: readonly Reply[]): Reply {
  const [first] = replies;
  if (first !== undefined && replies.length === 1) return first;
  return {
    raw: Buffer.concat(replies.map((reply) => reply.raw)),
    value: replies.map((reply) => reply.value),
    type: first?.type ?? "*",
  };
}
