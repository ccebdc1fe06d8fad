/**
 * A load that redis-benchmark cannot make: a cycle of several requests, each client going through
 * its own. A process of its own, which prints a `GeneratorReport`.
 *
 *     bun bench/support/generator.ts PORT '{"cycle": [["MULTI"], ["SET", "k:{r}", "v"]], …}'
 *
 *     {c}   number of the client, from 0, in three digits
 *     {n}   a number that every place counts up once per cycle, from 1; the places of one cycle
 *           count in turns, so that ten of them bring 1 to 10, then 11 to 20; twelve digits
 *     {r}   a random number below `range`, twelve digits
 *
 * A client sends `pipeline` requests, a whole number of cycles, and waits for all replies. An
 * error among them ends the load. `subscribers` connections listen to `channel` meanwhile, and
 * until nothing more comes.
 */
import { encodeRequest } from "../../test/support/resp-client.ts";

export interface CyclePlan {
  readonly cycle: readonly (readonly string[])[];
  /** Requests sent at once by a client. */
  readonly pipeline: number;
  readonly clients: number;
  readonly requests: number;
  readonly range: number;
  /** Sent once by each client, before anything is measured. */
  readonly before?: readonly (readonly string[])[];
  readonly subscribers?: { readonly count: number; readonly channel: string };
}

export interface GeneratorReport {
  readonly requestsPerSecond: number;
  /** Of the replies to what a client sends at once. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const DIGITS = 12;
const CLIENT_DIGITS = 3;
/** A subscriber that hears nothing for so long has heard all. */
const QUIET_MS = 100;
const CR = 13;
const DOLLAR = 36;
const MINUS = 45;
const ZERO = 48;
/** `*`, `%`, `~`, `>`: how many elements follow for each that is announced. */
const AGGREGATES: ReadonlyMap<number, number> = new Map([
  [42, 1],
  [37, 2],
  [126, 1],
  [62, 1],
]);

/** Counts whole replies in what arrives. */
export class ReplyCounter {
  count = 0;
  /** Elements that the reply being read still needs. */
  private needed = 1;
  private skip = 0;
  private type = 0;
  private value = 0;
  private isNegative = false;

  read(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.skip > 0) {
        const step = Math.min(this.skip, chunk.length - at);
        this.skip -= step;
        at += step;
        if (this.skip === 0) this.ended();
        continue;
      }
      this.readHead(chunk[at++]);
    }
  }

  /** A byte of a line, which begins with its type. */
  private readHead(byte: number): void {
    if (this.type === 0) {
      if (byte === MINUS) throw new Error("the server replied with an error");
      this.type = byte;
      this.value = 0;
      this.isNegative = false;
    } else if (byte === MINUS) {
      this.isNegative = true;
    } else if (byte === CR) {
      this.endHead();
    } else {
      this.value = this.value * 10 + byte - ZERO;
    }
  }

  private endHead(): void {
    const { type, value } = this;
    this.type = 0;
    // What is left of the line, and of a bulk string with its own end.
    this.skip = 1;
    if (this.isNegative) return;
    if (type === DOLLAR) this.skip += value + 2;
    else this.needed += (AGGREGATES.get(type) ?? 0) * value;
  }

  private ended(): void {
    if (--this.needed > 0) return;
    this.needed = 1;
    this.count++;
  }
}

/** What one client sends at once, with the digits that change. */
class Batch {
  readonly bytes: Uint8Array;
  private readonly counted: number[] = [];
  private readonly random: number[] = [];
  private readonly range: number;
  private next = 1;

  constructor(
    { cycle, pipeline, range }: Pick<CyclePlan, "cycle" | "pipeline" | "range">,
    client: number,
  ) {
    this.range = range;
    const number = String(client).padStart(CLIENT_DIGITS, "0");
    const kinds: string[] = [];
    const fill = (word: string): string =>
      word.replaceAll("{c}", number).replace(/\{([nr])\}/g, (_, kind: string) => {
        kinds.push(kind);
        return "\0".repeat(DIGITS);
      });
    const parts: Uint8Array[] = [];
    for (let sent = 0; sent < pipeline; sent += cycle.length) {
      parts.push(...cycle.map((request) => encodeRequest(request.map(fill))));
    }
    this.bytes = Buffer.concat(parts);
    let from = 0;
    for (const kind of kinds) {
      const offset = this.bytes.indexOf(0, from);
      (kind === "n" ? this.counted : this.random).push(offset);
      from = offset + DIGITS;
    }
  }

  renew(): void {
    for (const offset of this.counted) this.write(offset, this.next++);
    for (const offset of this.random) this.write(offset, Math.floor(Math.random() * this.range));
  }

  private write(offset: number, value: number): void {
    let rest = value;
    for (let at = offset + DIGITS - 1; at >= offset; at--) {
      this.bytes[at] = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
  }
}

if (import.meta.main) {
  const [, , port, plan] = process.argv;
  const report = await run(Number(port), JSON.parse(plan) as CyclePlan);
  console.log(JSON.stringify(report));
  process.exit(0);
}

async function run(port: number, plan: CyclePlan): Promise<GeneratorReport> {
  const { count = 0, channel = "" } = plan.subscribers ?? {};
  const heard = { lastMs: 0 };
  await inParallel(count, () => subscribe(port, channel, heard));
  const { before = [], clients } = plan;
  if (before.length > 0) {
    await inParallel(clients, (client) => {
      const pipeline = before.length;
      const batch = new Batch({ ...plan, cycle: before, pipeline }, client);
      return serve(port, batch, pipeline, once(), []);
    });
  }
  const batches = Math.ceil(plan.requests / plan.pipeline);
  const latencies: number[] = [];
  let begun = 0;
  const mayBegin = (): boolean => begun++ < batches;
  const startedMs = performance.now();
  await inParallel(clients, (client) =>
    serve(port, new Batch(plan, client), plan.pipeline, mayBegin, latencies),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  if (count > 0) await untilQuiet(heard);
  latencies.sort((one, other) => one - other);
  const at = (part: number): number => latencies[Math.floor(part * (latencies.length - 1))];
  return {
    requestsPerSecond: (latencies.length * plan.pipeline) / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => work(index)));
}

function once(): () => boolean {
  let left = 1;
  return () => left-- > 0;
}

/** When something came last. */
interface Heard {
  lastMs: number;
}

async function untilQuiet(heard: Heard): Promise<void> {
  while (performance.now() - heard.lastMs < QUIET_MS) await Bun.sleep(QUIET_MS / 4);
}

async function subscribe(port: number, channel: string, heard: Heard): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data() {
        heard.lastMs = performance.now();
        resolve();
      },
      error: (_, problem) => reject(problem),
    },
  });
  socket.write(encodeRequest(["SUBSCRIBE", channel]));
  await promise;
}

/** One client, until there is nothing more to send. */
async function serve(
  port: number,
  batch: Batch,
  pipeline: number,
  mayBegin: () => boolean,
  latencies: number[],
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const replies = new ReplyCounter();
  let sentAtMs = 0;
  let written = 0;
  const write = (socket: Bun.Socket): void => {
    written += Math.max(0, socket.write(batch.bytes, written));
  };
  const begin = (socket: Bun.Socket): void => {
    if (!mayBegin()) {
      resolve();
      return;
    }
    batch.renew();
    replies.count = 0;
    written = 0;
    sentAtMs = performance.now();
    write(socket);
  };
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(connection, chunk) {
        try {
          replies.read(chunk);
        } catch (problem) {
          reject(problem as Error);
          return;
        }
        if (replies.count < pipeline) return;
        latencies.push(performance.now() - sentAtMs);
        begin(connection);
      },
      drain: write,
      close: () => reject(new Error("The server closed a client's connection")),
      error: (_, problem) => reject(problem),
    },
  });
  begin(socket);
  await promise;
}
