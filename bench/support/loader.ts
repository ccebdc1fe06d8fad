/**
 * Fills a server through one pipelined connection, cheaply enough to leave its processor nearly
 * idle: a batch of requests is built once, and only the digits in it are patched.
 *
 * A request is a list of words, and may end in words that are repeated for each of its elements:
 *
 *     { request: ["SET", "key:{i}", "val:{i}"], count: 1000 }
 *     { request: ["HSET", "hash:{i}"], each: ["field:{e}", "{n:8}"], elements: 10, count: 1000 }
 *
 *     {i}   number of the request, from `first`
 *     {n}   number of the element among those of all requests, from 0
 *     {r}   a random-looking number that follows from `n`, the same in every run
 *     {e}   number of the element in its request, from 0, without leading zeros
 *
 * The first three are of twelve digits, or of as many as are named: `{n:8}`. So `{r:6}` is below a
 * million, and two of one element are equal. An error ends the load and is thrown.
 */
import { encodeRequest } from "../../test/support/resp-client.ts";

export interface Filling {
  readonly request: readonly string[];
  /** Words that follow, once for each element. */
  readonly each?: readonly string[];
  /** Elements of one request; 1 unless told. */
  readonly elements?: number;
  /** Requests. */
  readonly count: number;
  /** The number of the first of them; 0 unless told. */
  readonly first?: number;
  /** Lines of one reply, which must be the same for all of them; 1 unless told. */
  readonly replyLines?: number;
  /** Requests written at once; at most twice as many are unanswered. */
  readonly depth?: number;
}

interface Place {
  /** Where the digits begin. */
  readonly offset: number;
  readonly digits: number;
  /** The number is `step` × the request's number + `first`. */
  readonly step: number;
  readonly first: number;
  readonly isRandom: boolean;
}

/** A place in the batch. */
interface Patch extends Place {
  /** Which request of the batch it belongs to. */
  readonly index: number;
}

/** Of all elements of a batch. */
const DEFAULT_DEPTH = 200;
const LIMIT_MS = 300_000;
const DEFAULT_DIGITS = 12;
const PLACEHOLDER = /\{([inr])(?::(\d+))?\}/g;
const LINE_FEED = 10;
const MINUS = 45;
const ZERO = 48;

/** Elements that all requests bring together. */
export function elementCount({ count, elements = 1 }: Filling): number {
  return count * elements;
}

/** The same with so many elements at most, and one request at least. */
export function cutDown(filling: Filling, mostElements: number): Filling {
  const { count, elements = 1 } = filling;
  return { ...filling, count: Math.min(count, Math.ceil(mostElements / elements)) };
}

/** Sends the requests and resolves when all are answered. */
export async function load(port: number, filling: Filling, limitMs = LIMIT_MS): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const loader = new Loader(filling, resolve, reject);
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
  private readonly first: number;
  private readonly batch: Uint8Array;
  private readonly patches: readonly Patch[];
  private readonly requestBytes: number;
  private readonly depth: number;
  private readonly replyLines: number;
  private readonly resolve: () => void;
  private readonly reject: (problem: Error) => void;
  private sent = 0;
  private answeredLines = 0;
  /** What of the batch is still to be written. */
  private from = 0;
  private until = 0;
  private isAtLineStart = true;

  constructor(filling: Filling, resolve: () => void, reject: (problem: Error) => void) {
    const { count, elements = 1, depth = Math.ceil(DEFAULT_DEPTH / elements) } = filling;
    this.count = count;
    this.first = filling.first ?? 0;
    this.depth = Math.min(depth, count);
    this.replyLines = filling.replyLines ?? 1;
    this.resolve = resolve;
    this.reject = reject;
    const one = layOut(filling);
    this.requestBytes = one.bytes.length;
    this.batch = new Uint8Array(this.requestBytes * this.depth);
    const patches: Patch[] = [];
    for (let index = 0; index < this.depth; index++) {
      const start = index * this.requestBytes;
      this.batch.set(one.bytes, start);
      for (const place of one.places) {
        patches.push({ ...place, offset: start + place.offset, index });
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
      if (this.isAtLineStart) this.answeredLines++;
    }
    if (this.answeredLines >= this.count * this.replyLines) this.resolve();
    else this.send(socket);
  }

  /** Numbers the batch anew, if there is more to send and not too much unanswered. */
  private nextBatch(): boolean {
    const size = Math.min(this.depth, this.count - this.sent);
    const unanswered = this.sent - this.answeredLines / this.replyLines;
    if (size === 0 || unanswered > this.depth) return false;
    for (const { offset, digits, step, first, isRandom, index } of this.patches) {
      const number = (this.first + this.sent + index) * step + first;
      writeDigits(this.batch, offset, digits, isRandom ? scatter(number) : number);
    }
    this.sent += size;
    this.from = 0;
    this.until = size * this.requestBytes;
    return true;
  }
}

/** The first request's bytes with room for the digits, and where they go. */
function layOut(filling: Filling): { bytes: Uint8Array; places: readonly Place[] } {
  const { request, each = [], elements = 1 } = filling;
  const numbers: Omit<Place, "offset">[] = [];
  const fill = (word: string, element: number) =>
    word
      .replaceAll("{e}", String(element))
      .replace(PLACEHOLDER, (_, kind: string, width: string | undefined) => {
        const digits = Number(width ?? DEFAULT_DIGITS);
        const [step, first] = kind === "i" ? [1, 0] : [elements, element];
        numbers.push({ digits, step, first, isRandom: kind === "r" });
        return "\0".repeat(digits);
      });
  const words = request.map((word) => fill(word, 0));
  for (let element = 0; element < elements; element++) {
    words.push(...each.map((word) => fill(word, element)));
  }
  const bytes = encodeRequest(words);
  const places: Place[] = [];
  let from = 0;
  for (const number of numbers) {
    const largest = number.step * (filling.count - 1 + (filling.first ?? 0)) + number.first;
    if (!number.isRandom && largest >= 10 ** number.digits) {
      throw new Error(`${largest} has more than ${number.digits} digits: ${request.join(" ")}`);
    }
    const offset = bytes.indexOf(0, from);
    from = offset + number.digits;
    places.push({ ...number, offset });
  }
  return { bytes, places };
}

/** The lowest digits of a number below 2^31. */
function writeDigits(bytes: Uint8Array, offset: number, digits: number, value: number): void {
  for (let at = offset + digits - 1; at >= offset; at--) {
    const rest = (value / 10) | 0;
    bytes[at] = ZERO + value - rest * 10;
    value = rest;
  }
}

/** A number below 2^31 that looks random (the finisher of murmur3). */
function scatter(value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 1;
}
