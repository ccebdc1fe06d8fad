/**
 * A client that finds its primary through Sentinels and writes all the time, each write followed by
 * `WAIT 1` in the same pipeline. It keeps what was acknowledged: what WAIT counted a replica for.
 *
 * The two commands travel together because WAIT speaks of the writes of its own connection: sent
 * alone after the connection was lost and made anew it would acknowledge nothing and yet count.
 * ioredis sends a pipeline again as a whole, or fails it where a part of it was answered.
 */
import { Redis } from "ioredis";

const WAIT_TIMEOUT_MS = 1000;
const PAUSE_MS = 1;
const PAUSE_AFTER_FAILURE_MS = 20;
const RETRY_DELAY_MS = 100;
const KEYS_AT_ONCE = 500;
const STOP_LIMIT_MS = 2 * WAIT_TIMEOUT_MS;

export interface WriterOptions {
  readonly id: number;
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  readonly primaryName: string;
  /** Counts with INCR; otherwise sets a key of its own with each write. */
  readonly counts: boolean;
}

export class AcknowledgedWriter {
  /** Writes by what became of them. */
  acknowledged = 0;
  unacknowledged = 0;
  failed = 0;
  /** What failed, with how often. */
  readonly problems = new Map<string, number>();
  /** Counters that came back lower than one that was acknowledged, in words. */
  readonly steppedBack: string[] = [];
  private readonly options: WriterOptions;
  private readonly client: Redis;
  private readonly keys: string[] = [];
  private count = 0;
  private acknowledgedAtMs = 0;
  private isStopped = false;
  private running: Promise<void> = Promise.resolve();

  constructor(options: WriterOptions) {
    this.options = options;
    this.client = new Redis({
      sentinels: [...options.sentinels],
      name: options.primaryName,
      retryStrategy: () => RETRY_DELAY_MS,
    });
    // Each lost connection is an event; what it means for the writes shows in their results.
    this.client.on("error", () => {});
  }

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.race([this.running, Bun.sleep(STOP_LIMIT_MS)]);
    this.client.disconnect();
  }

  /** Waits for a write that is begun and acknowledged after `sinceMs` (of performance.now). */
  async acknowledgedSince(sinceMs: number, timeoutMs: number): Promise<number> {
    const deadline = performance.now() + timeoutMs;
    while (this.acknowledgedAtMs <= sinceMs) {
      if (performance.now() > deadline) {
        throw new Error(`No write is acknowledged: ${[...this.problems.keys()].join(", ")}`);
      }
      await Bun.sleep(PAUSE_MS);
    }
    return this.acknowledgedAtMs;
  }

  /** Acknowledged writes that `primary` does not have, in words. */
  async lost(primary: Redis): Promise<string[]> {
    const lost = [...this.steppedBack];
    if (this.options.counts) {
      const found = Number(await primary.get(this.counter));
      if (found < this.count) lost.push(`${this.counter} is ${found}, not ${this.count}`);
    }
    for (let i = 0; i < this.keys.length; i += KEYS_AT_ONCE) {
      const keys = this.keys.slice(i, i + KEYS_AT_ONCE);
      const found = await primary.mget(keys);
      lost.push(...keys.filter((key, place) => found[place] !== valueOf(key)));
    }
    return lost;
  }

  private get counter(): string {
    return `counter:${this.options.id}`;
  }

  private async run(): Promise<void> {
    for (let i = 0; !this.isStopped; i++) {
      const hasFailed = await this.writeOne(`key:${this.options.id}:${i}`).then(
        () => false,
        (problem: unknown) => {
          this.note(problem instanceof Error ? problem.message : String(problem));
          return true;
        },
      );
      await Bun.sleep(hasFailed ? PAUSE_AFTER_FAILURE_MS : PAUSE_MS);
    }
  }

  private async writeOne(key: string): Promise<void> {
    const begunAtMs = performance.now();
    const pipeline = this.client.pipeline();
    if (this.options.counts) pipeline.incr(this.counter);
    else pipeline.set(key, valueOf(key));
    const [write, wait] = (await pipeline.wait(1, WAIT_TIMEOUT_MS).exec()) ?? [];
    for (const result of [write, wait]) {
      if (result === undefined) throw new Error("No reply");
      if (result[0] !== null) throw result[0];
    }
    if (Number(wait[1]) < 1) this.unacknowledged++;
    else this.acknowledge(key, Number(write[1]), begunAtMs);
  }

  private acknowledge(key: string, count: number, begunAtMs: number): void {
    this.acknowledged++;
    this.acknowledgedAtMs = begunAtMs;
    if (!this.options.counts) {
      this.keys.push(key);
      return;
    }
    if (count <= this.count) this.steppedBack.push(`${this.counter} ${this.count} → ${count}`);
    this.count = Math.max(this.count, count);
  }

  private note(problem: string): void {
    if (this.isStopped) return;
    this.failed++;
    this.problems.set(problem, (this.problems.get(problem) ?? 0) + 1);
  }
}

function valueOf(key: string): string {
  return `value of ${key}`;
}
