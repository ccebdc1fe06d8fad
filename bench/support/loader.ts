/**
 * Fills a server through one pipelined connection, cheaply enough to leave its processor nearly
 * idle: a batch of requests is built once, and only the digits of the running number are patched.
 *
 * A request is a list of words. `{i}` in a word becomes the number of the request, and `{i/100}`
 * that number divided by 100 and rounded down, both as twelve digits:
 *
 *     ["SET", "key:{i}", "val:{i}"]             one key for each request
 *     ["HSET", "hash:{i/100}", "{i}", "x"]      hashes of 100 fields
 *
 * The reply must be of one line (status, integer); an error ends the load and is thrown.
 */
import { encodeRequest } from "../../test/support/resp-client.ts";

export interface LoadPlan {
  readonly request: readonly string[];
  readonly count: number;
  /** Requests written at once; at most twice as many are unanswered. */
  readonly depth?: number;
  readonly limitMs?: number;
}

interface Patch {
  /** Where the digits begin in the batch. */
  readonly offset: number;
  /** Which request of the batch they belong to. */
  readonly index: number;
  readonly divisor: number;
}

const DEFAULT_DEPTH = 200;
const DEFAULT_LIMIT_MS = 300_000;
const DIGITS = 12;
const PLACEHOLDER = /\{i(?:\/(\d+))?\}/g;
const LINE_FEED = 10;
const MINUS = 45;
const ZERO = 48;

/** Sends the requests numbered from 0 and resolves when all are answered. */
export async function load(port: number, plan: LoadPlan): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const loader = new Loader(plan, resolve, reject);
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (connection, chunk) => loader.receive(connection, chunk),
      drain: (connection) => loader.send(connection),
      close: () => reject(new Error("The server closed the loader's connection")),
      error: (_connection, problem) => reject(problem),
    },
  });
  const limitMs = plan.limitMs ?? DEFAULT_LIMIT_MS;
  const timer = setTimeout(() => reject(new Error(`Not loaded within ${limitMs} ms`)), limitMs);
  try {
    loader.send(socket);
    await promise;
  } finally {
    clearTimeout(timer);
    socket.terminate();
  }
}

class Loader {
  private readonly count: number;
  private readonly batch: Uint8Array;
  private readonly patches: readonly Patch[];
  private readonly requestBytes: number;
  private readonly depth: number;
  private readonly resolve: () => void;
  private readonly reject: (problem: Error) => void;
  private sent = 0;
  private answered = 0;
  /** What of the batch is still to be written. */
  private from = 0;
  private until = 0;
  private isAtLineStart = true;

  constructor(plan: LoadPlan, resolve: () => void, reject: (problem: Error) => void) {
    this.count = plan.count;
    this.depth = Math.min(plan.depth ?? DEFAULT_DEPTH, plan.count);
    this.resolve = resolve;
    this.reject = reject;
    const one = layOut(plan.request);
    this.requestBytes = one.bytes.length;
    this.batch = new Uint8Array(this.requestBytes * this.depth);
    const patches: Patch[] = [];
    for (let index = 0; index < this.depth; index++) {
      this.batch.set(one.bytes, index * this.requestBytes);
      for (const { offset, divisor } of one.patches) {
        patches.push({ offset: index * this.requestBytes + offset, index, divisor });
      }
    }
    this.patches = patches;
  }

  send(socket: Bun.Socket): void {
    for (;;) {
      if (this.from === this.until && !this.nextBatch()) return;
      const taken = socket.write(this.batch, this.from, this.until - this.from);
      if (taken < 0) return;
      this.from += taken;
      if (this.from < this.until) return;
    }
  }

  receive(socket: Bun.Socket, chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at++) {
      if (this.isAtLineStart && chunk[at] === MINUS) {
        this.reject(new Error(Buffer.from(chunk.subarray(at)).toString().split("\r\n")[0]));
        return;
      }
      this.isAtLineStart = chunk[at] === LINE_FEED;
      if (this.isAtLineStart) this.answered++;
    }
    if (this.answered >= this.count) this.resolve();
    else this.send(socket);
  }

  /** Numbers the batch anew, if there is more to send and not too much unanswered. */
  private nextBatch(): boolean {
    const size = Math.min(this.depth, this.count - this.sent);
    if (size === 0 || this.sent - this.answered > this.depth) return false;
    for (const { offset, index, divisor } of this.patches) {
      writeDigits(this.batch, offset, Math.floor((this.sent + index) / divisor));
    }
    this.sent += size;
    this.from = 0;
    this.until = size * this.requestBytes;
    return true;
  }
}

/** The request's bytes with room for the digits, and where they go. */
function layOut(words: readonly string[]): {
  bytes: Uint8Array;
  patches: readonly { offset: number; divisor: number }[];
} {
  const divisors: number[] = [];
  const filled = words.map((word) =>
    word.replace(PLACEHOLDER, (_, divisor?: string) => {
      divisors.push(Number(divisor ?? 1));
      return "\0".repeat(DIGITS);
    }),
  );
  const bytes = encodeRequest(filled);
  const patches: { offset: number; divisor: number }[] = [];
  for (const divisor of divisors) {
    const last = patches.at(-1);
    const offset = bytes.indexOf(0, last === undefined ? 0 : last.offset + DIGITS);
    patches.push({ offset, divisor });
  }
  for (const { offset } of patches) bytes.fill(ZERO, offset, offset + DIGITS);
  return { bytes, patches };
}

/** Over the digits of a smaller number, so the leading zeros stand already. Below 2^31. */
function writeDigits(bytes: Uint8Array, offset: number, value: number): void {
  let at = offset + DIGITS;
  do {
    const rest = (value / 10) | 0;
    bytes[--at] = ZERO + value - rest * 10;
    value = rest;
  } while (value > 0);
}
