/**
 * GETs and SETs of values of any size, many at once: a batch is written into one buffer, sent, and
 * its replies are read until all are there. A key is `key:` and twelve digits; a value is of `v`s.
 */
const KEY_DIGITS = 12;
const MOST_HEAD_BYTES = 80;
const FIRST_CAPACITY = 1 << 16;
const LINE_FEED = 10;
const CR = 13;
const DOLLAR = 36;
const PLUS = 43;
const MINUS = 45;
const ZERO = 48;
const VALUE_BYTE = 118;
const GET_HEAD = Buffer.from("*2\r\n$3\r\nGET\r\n$16\r\nkey:");
const SET_HEAD = Buffer.from("*3\r\n$3\r\nSET\r\n$16\r\nkey:");

/** The requests of a batch; `clear` begins another. */
export class StringRequests {
  bytes = new Uint8Array(FIRST_CAPACITY);
  length = 0;
  gets = 0;
  sets = 0;

  clear(): void {
    this.length = 0;
    this.gets = 0;
    this.sets = 0;
  }

  get(key: number): void {
    this.makeRoom(0);
    this.head(GET_HEAD, key);
    this.gets++;
  }

  set(key: number, sizeBytes: number): void {
    this.makeRoom(sizeBytes);
    this.head(SET_HEAD, key);
    this.bytes[this.length++] = DOLLAR;
    this.digits(sizeBytes, sizeBytes < 10 ? 1 : Math.floor(Math.log10(sizeBytes)) + 1);
    this.lineEnd();
    this.bytes.fill(VALUE_BYTE, this.length, this.length + sizeBytes);
    this.length += sizeBytes;
    this.lineEnd();
    this.sets++;
  }

  private head(head: Uint8Array, key: number): void {
    this.bytes.set(head, this.length);
    this.length += head.length;
    this.digits(key, KEY_DIGITS);
    this.lineEnd();
  }

  private digits(value: number, count: number): void {
    let rest = value;
    for (let at = this.length + count - 1; at >= this.length; at--) {
      const next = Math.floor(rest / 10);
      this.bytes[at] = ZERO + rest - next * 10;
      rest = next;
    }
    this.length += count;
  }

  private lineEnd(): void {
    this.bytes[this.length++] = CR;
    this.bytes[this.length++] = LINE_FEED;
  }

  private makeRoom(sizeBytes: number): void {
    const needed = this.length + sizeBytes + MOST_HEAD_BYTES;
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}

/** A connection that sends one batch at a time. */
export class StringClient implements Disposable {
  /** Which of the GETs of the last batch, by number, found nothing. */
  readonly missing: number[] = [];
  private requests = new StringRequests();
  private written = 0;
  private gotten = 0;
  private stored = 0;
  /** Bytes of a value, with its line's end, that are still to come. */
  private skip = 0;
  /** The line that is being read: what it begins with, and for a value its length, or -1. */
  private type = 0;
  private value = 0;
  private socket: Bun.Socket | null = null;
  private settle = Promise.withResolvers<void>();

  static async connect(port: number): Promise<StringClient> {
    const client = new StringClient();
    client.socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_connection, chunk) => client.receive(chunk),
        drain: () => client.write(),
        close: () => client.settle.reject(new Error("The server closed a connection")),
        error: (_connection, problem) => client.settle.reject(problem),
      },
    });
    return client;
  }

  /** Resolves when all are answered; `requests` must not change before. An error is thrown. */
  send(requests: StringRequests): Promise<void> {
    this.settle = Promise.withResolvers();
    this.requests = requests;
    this.missing.length = 0;
    this.written = 0;
    this.gotten = 0;
    this.stored = 0;
    if (requests.gets + requests.sets === 0) return Promise.resolve();
    this.write();
    return this.settle.promise;
  }

  [Symbol.dispose](): void {
    this.socket?.terminate();
  }

  private write(): void {
    const { bytes, length } = this.requests;
    const taken = this.socket?.write(bytes, this.written, length - this.written) ?? 0;
    this.written += Math.max(0, taken);
  }

  private receive(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.skip > 0) {
        const step = Math.min(this.skip, chunk.length - at);
        this.skip -= step;
        at += step;
        continue;
      }
      this.readLine(chunk[at++]);
    }
    const { gets, sets } = this.requests;
    if (this.gotten === gets && this.stored === sets && this.skip === 0) this.settle.resolve();
  }

  /** A byte of a line: `$5`, `$-1`, `+OK`. */
  private readLine(byte: number): void {
    if (this.type === 0) {
      if (byte === MINUS) this.settle.reject(new Error("The server replied with an error"));
      this.type = byte;
      this.value = 0;
    } else if (byte === LINE_FEED) {
      this.endLine();
    } else if (this.type === DOLLAR && byte !== CR) {
      this.value = byte === MINUS ? -1 : this.value < 0 ? -1 : this.value * 10 + byte - ZERO;
    }
  }

  private endLine(): void {
    const { type, value } = this;
    this.type = 0;
    if (type === PLUS) {
      this.stored++;
    } else if (type === DOLLAR) {
      if (value < 0) this.missing.push(this.gotten);
      else this.skip = value + 2;
      this.gotten++;
    }
  }
}

/**
 * Sends batches over so many connections until `fill` leaves one empty. It is given the batch of a
 * connection, empty, and what the connection's last one did not find.
 */
export async function sendBatches<Batch>(
  port: number,
  connections: number,
  fill: (requests: StringRequests, missing: readonly number[], before: Batch | null) => Batch,
): Promise<void> {
  const work = async (): Promise<void> => {
    using client = await StringClient.connect(port);
    const requests = new StringRequests();
    for (let batch: Batch | null = null; ;) {
      requests.clear();
      batch = fill(requests, client.missing, batch);
      if (requests.gets + requests.sets === 0) return;
      await client.send(requests);
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
}
