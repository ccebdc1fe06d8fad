/**
 * Clients that are busy while servers change places: one writes, one reads what must be there. A
 * request that was refused because of the change (READONLY), or that lost its connection, is made
 * again; any other refusal is a failure.
 */
import { Redis } from "ioredis";
import { type ReplyValue, ReplyError, RespClient } from "../support/resp-client.ts";

/** Makes one attempt at a request; throws where it is refused or the connection is lost. */
export interface Requester {
  request(command: readonly string[]): Promise<unknown>;
  close(): void;
}

const FIXED_KEYS = 1000;
const PAUSE_MS = 1;
const RETRY_DELAY_MS = 10;
const RETRY_LIMIT_MS = 20_000;
const MAY_BE_RETRIED = /^(READONLY|LOADING|MASTERDOWN)|closed|ECONN|connect/i;

/** A client that is told one server and, where that is no use, tries the other one. */
export class SwitchingRequester implements Requester {
  private readonly ports: readonly number[];
  private readonly password: string;
  private current = 0;
  private client: RespClient | null = null;

  constructor(ports: readonly number[], password: string) {
    this.ports = ports;
    this.password = password;
  }

  async request(command: readonly string[]): Promise<ReplyValue> {
    try {
      if (this.client === null) {
        this.client = await RespClient.connect({ port: this.ports[this.current] });
        await this.client.value("AUTH", this.password);
      }
      const reply = await this.client.value(...command);
      if (reply instanceof ReplyError) throw new Error(reply.message);
      return reply;
    } catch (problem) {
      this.goTo((this.current + 1) % this.ports.length);
      throw problem;
    }
  }

  /** From the next request on it asks the server at this place of the list. */
  goTo(place: number): void {
    this.close();
    this.current = place;
  }

  close(): void {
    void this.client?.close();
    this.client = null;
  }
}

/** A client that asks Sentinels for the primary. */
export class SentinelRequester implements Requester {
  private readonly client: Redis;

  constructor(sentinels: readonly { host: string; port: number }[], name: string) {
    this.client = new Redis({
      sentinels: [...sentinels],
      name,
      retryStrategy: () => RETRY_DELAY_MS,
      // It has found a replica: asks the Sentinels again.
      reconnectOnError: (problem) => problem.message.startsWith("READONLY"),
    });
    this.client.on("error", () => {});
  }

  request([name, ...args]: readonly string[]): Promise<unknown> {
    return this.client.call(name, ...args);
  }

  close(): void {
    this.client.disconnect();
  }
}

export class Traffic {
  retried = 0;
  longestMs = 0;
  reads = 0;
  writes = 0;
  /** What no retry mends, in words. */
  readonly failures: string[] = [];
  private readonly writer: Requester;
  private readonly reader: Requester;
  private isStopped = false;
  private running: Promise<unknown> = Promise.resolve();

  constructor(writer: Requester, reader: Requester) {
    this.writer = writer;
    this.reader = reader;
  }

  /** Puts down what the reader reads, through the writer; then both go on until `stop`. */
  async start(): Promise<void> {
    for (let i = 0; i < FIXED_KEYS; i++) {
      await this.insist(this.writer, ["SET", `fixed:${i}`, `value ${i}`]);
    }
    this.running = Promise.all([this.write(), this.read()]);
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.running;
    this.writer.close();
    this.reader.close();
  }

  /** Waits for so many more requests of both kinds. */
  async goesOn(count: number): Promise<void> {
    const [reads, writes] = [this.reads + count, this.writes + count];
    const deadline = performance.now() + RETRY_LIMIT_MS;
    while (this.reads < reads || this.writes < writes) {
      if (performance.now() > deadline) throw new Error("The clients do not get on");
      await Bun.sleep(PAUSE_MS);
    }
  }

  /** Writes that were acknowledged and are not in this server, in words. */
  async lost(server: RespClient): Promise<string[]> {
    const lost: string[] = [];
    const keys = Array.from({ length: this.writes }, (_, i) => `written:${i}`);
    for (const [i, { value }] of (
      await server.pipeline(keys.map((key) => ["GET", key]))
    ).entries()) {
      if (value !== String(i)) lost.push(keys[i]);
    }
    const counted = Number(await server.value("GET", "counter"));
    // What was made again may have been done before: the reply alone was lost.
    if (counted < this.writes || counted > this.writes + this.retried) {
      lost.push(`counter is ${counted} after ${this.writes} writes`);
    }
    return lost;
  }

  get summary(): string {
    const made = `${this.writes} writes and ${this.reads} reads, ${this.retried} retries`;
    return `${made}, longest ${Math.round(this.longestMs)} ms`;
  }

  private async write(): Promise<void> {
    for (let i = 0; !this.isStopped; i++) {
      await this.insist(this.writer, ["SET", `written:${i}`, String(i)]);
      await this.insist(this.writer, ["INCR", "counter"]);
      this.writes = i + 1;
      await Bun.sleep(PAUSE_MS);
    }
  }

  private async read(): Promise<void> {
    for (let i = 0; !this.isStopped; i++) {
      const place = i % FIXED_KEYS;
      const found = await this.insist(this.reader, ["GET", `fixed:${place}`]);
      if (found !== `value ${place}`) this.failures.push(`fixed:${place} was ${String(found)}`);
      this.reads++;
      await Bun.sleep(PAUSE_MS);
    }
  }

  private async insist(client: Requester, command: readonly string[]): Promise<unknown> {
    const begunMs = performance.now();
    for (;;) {
      try {
        const reply = await client.request(command);
        this.longestMs = Math.max(this.longestMs, performance.now() - begunMs);
        return reply;
      } catch (problem) {
        const text = problem instanceof Error ? problem.message : String(problem);
        const isLate = performance.now() - begunMs > RETRY_LIMIT_MS;
        if (isLate || !MAY_BE_RETRIED.test(text)) {
          this.failures.push(`${command.join(" ")}: ${text}`);
          return null;
        }
        this.retried++;
        await Bun.sleep(RETRY_DELAY_MS);
      }
    }
  }
}
