/**
 * A primary that has nothing but a stream: a process of its own, which gives whoever asks an empty
 * database and then SETs out of its memory, as fast as they are taken.
 *
 *     bun bench/replication/scripted-primary.ts '{"keys": 1000000, "valueBytes": 32}'
 *
 * It prints the port it listens on. For each line `N` on its standard input it sends N SETs, whose
 * keys go through all there are in a random order, and prints a `StreamReport` as JSON when the
 * replica has acknowledged the last of them. It ends with its input.
 */
import { encodeRequest } from "../../test/support/resp-client.ts";

export interface StreamPlan {
  readonly keys: number;
  readonly valueBytes: number;
}

export interface StreamReport {
  /** From the first byte sent until the acknowledgement. */
  readonly seconds: number;
}

/** A prime, so that its multiples go through all keys. */
const STRIDE = 7_368_787;
const KEY_DIGITS = 12;
const WRITE_BYTES = 1 << 18;
const ID = "e".repeat(40);
/** A header, the end, and no checksum. */
const EMPTY_RDB = Buffer.from("524544495330303130ff0000000000000000", "hex");
const GET_ACK = encodeRequest(["REPLCONF", "GETACK", "*"]);
const SELECT = encodeRequest(["SELECT", "0"]);

class ScriptedPrimary {
  /** The SETs of all keys, which are sent again and again. */
  private readonly sets: Uint8Array;
  private readonly setBytes: number;
  private replica: Bun.Socket | null = null;
  private unread = "";
  private offset = 0;
  /** Where in the SETs the next byte is, and how many are still to be sent. */
  private at = 0;
  private leftBytes = 0;
  private acknowledge: (() => void) | null = null;

  constructor({ keys, valueBytes }: StreamPlan) {
    const setOf = (key: number): Uint8Array => {
      const name = `key:${String(key).padStart(KEY_DIGITS, "0")}`;
      return encodeRequest(["SET", name, "v".repeat(valueBytes)]);
    };
    this.setBytes = setOf(0).length;
    this.sets = new Uint8Array(this.setBytes * keys);
    for (let i = 0; i < keys; i++) {
      this.sets.set(setOf((i * STRIDE) % keys), i * this.setBytes);
    }
  }

  receive(socket: Bun.Socket, text: string): void {
    this.unread += text;
    for (;;) {
      const request = this.nextRequest();
      if (request === null) return;
      this.answer(socket, request);
    }
  }

  async send(count: number): Promise<StreamReport> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.acknowledge = resolve;
    this.leftBytes = count * this.setBytes;
    const startedMs = performance.now();
    this.write();
    await promise;
    return { seconds: (performance.now() - startedMs) / 1000 };
  }

  write(): void {
    const { replica } = this;
    if (replica === null) throw new Error("Nobody has asked for the stream");
    if (this.acknowledge === null) return;
    while (this.leftBytes > 0) {
      const length = Math.min(WRITE_BYTES, this.leftBytes, this.sets.length - this.at);
      const taken = Math.max(0, replica.write(this.sets, this.at, length));
      this.offset += taken;
      this.leftBytes -= taken;
      this.at = (this.at + taken) % this.sets.length;
      if (taken < length) return;
      if (this.leftBytes === 0) this.writeWhole(replica, GET_ACK);
    }
  }

  private answer(socket: Bun.Socket, [name, ...words]: readonly string[]): void {
    if (name === "PING") socket.write("+PONG\r\n");
    else if (name === "PSYNC") this.begin(socket);
    else if (name !== "REPLCONF") socket.write("-ERR unknown command\r\n");
    else if (words[0]?.toUpperCase() !== "ACK") socket.write("+OK\r\n");
    else if (this.leftBytes === 0 && Number(words[1]) >= this.offset - GET_ACK.length) {
      this.acknowledge?.();
      this.acknowledge = null;
    }
  }

  private begin(socket: Bun.Socket): void {
    this.replica = socket;
    this.offset = 0;
    socket.write(`+FULLRESYNC ${ID} 0\r\n$${EMPTY_RDB.length}\r\n`);
    socket.write(EMPTY_RDB);
    this.writeWhole(socket, SELECT);
  }

  private writeWhole(socket: Bun.Socket, bytes: Uint8Array): void {
    if (socket.write(bytes) !== bytes.length) throw new Error("The socket takes no request");
    this.offset += bytes.length;
  }

  /** The words of the next request that is there as a whole. */
  private nextRequest(): readonly string[] | null {
    const head = /^\*(\d+)\r\n/.exec(this.unread);
    if (head === null) return null;
    const words: string[] = [];
    let from = head[0].length;
    for (let left = Number(head[1]); left > 0; left--) {
      const size = /^\$(\d+)\r\n/.exec(this.unread.slice(from));
      if (size === null) return null;
      from += size[0].length;
      const length = Number(size[1]);
      if (this.unread.length < from + length + 2) return null;
      words.push(this.unread.slice(from, from + length));
      from += length + 2;
    }
    this.unread = this.unread.slice(from);
    return words;
  }
}

if (import.meta.main) {
  const primary = new ScriptedPrimary(JSON.parse(process.argv[2]) as StreamPlan);
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      data: (socket, chunk) => primary.receive(socket, chunk.toString("latin1")),
      drain: () => primary.write(),
    },
  });
  console.log(listener.port);
  for await (const line of console) console.log(JSON.stringify(await primary.send(Number(line))));
  process.exit(0);
}
