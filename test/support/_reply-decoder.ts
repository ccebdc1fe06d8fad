/**
 * RESP2 and RESP3 replies as they arrive, cut at any byte. A reply keeps its raw bytes, so that
 * two servers can be compared byte by byte, beside a plain value for expectations:
 *
 *     simple, bulk, verbatim   string (each byte one character unless the bytes are UTF-8)
 *     integer, big number      number, or bigint beyond 2^53
 *     double, boolean, null    number, boolean, null
 *     array, set, push         array
 *     map                      Map
 *     error                    ReplyError
 */
export type ReplyValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | ReplyError
  | ReplyValue[]
  | Map<ReplyValue, ReplyValue>;

export interface Reply {
  readonly raw: Uint8Array;
  readonly value: ReplyValue;
  /** The type's byte: `+`, `$`, `>` … An attribute in front of a reply is not its type. */
  readonly type: string;
}

/** An error reply as a value; it is not thrown, since it may be what a test expects. */
export class ReplyError {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

const CR = 13;
const LF = 10;

/** Not enough bytes yet: thrown and caught in here, with the count that is known to be needed. */
class Incomplete extends Error {
  readonly neededBytes: number;

  constructor(neededBytes: number) {
    super("incomplete");
    this.neededBytes = neededBytes;
  }
}

export class ReplyDecoder {
  private buffer = new Uint8Array(4096);
  private start = 0;
  private end = 0;
  private position = 0;
  private neededBytes = 0;

  push(chunk: Uint8Array): void {
    if (this.end + chunk.length > this.buffer.length) {
      const length = Math.max(this.buffer.length, (this.end - this.start + chunk.length) * 2);
      const larger = new Uint8Array(length);
      larger.set(this.buffer.subarray(this.start, this.end));
      this.buffer = larger;
      this.end -= this.start;
      this.start = 0;
    }
    this.buffer.set(chunk, this.end);
    this.end += chunk.length;
  }

  /** The next whole reply, or null while it has not arrived. Throws on what is not RESP. */
  next(): Reply | null {
    if (this.end - this.start < Math.max(1, this.neededBytes)) return null;
    this.position = this.start;
    try {
      while (this.buffer[this.position] === 124) this.skipAttribute();
      const type = String.fromCharCode(this.buffer[this.position] ?? 0);
      const value = this.decode();
      const raw = this.buffer.slice(this.start, this.position);
      this.start = this.position;
      this.neededBytes = 0;
      return { raw, value, type };
    } catch (problem) {
      if (!(problem instanceof Incomplete)) throw problem;
      this.neededBytes = problem.neededBytes;
      return null;
    }
  }

  private skipAttribute(): void {
    this.decode();
    this.require(1);
  }

  private decode(): ReplyValue {
    const line = this.line();
    const rest = line.slice(1);
    switch (line[0]) {
      case "+":
        return rest;
      case "-":
        return new ReplyError(rest);
      case ":":
      case "(":
        return exactInteger(rest);
      case ",":
        return toDouble(rest);
      case "#":
        return rest === "t";
      case "_":
        return null;
      case "$":
        return this.bulk(Number(rest), 0);
      case "!": {
        const text = this.bulk(Number(rest), 0);
        return new ReplyError(String(text));
      }
      case "=":
        return this.bulk(Number(rest), 4);
      case "*":
      case "~":
      case ">":
        return this.items(Number(rest));
      case "%":
      case "|":
        return this.map(Number(rest));
      default:
        throw new Error(`Not a RESP reply: ${JSON.stringify(line)}`);
    }
  }

  private items(count: number): ReplyValue[] | null {
    if (count < 0) return null;
    const items: ReplyValue[] = [];
    for (let i = 0; i < count; i++) items.push(this.decode());
    return items;
  }

  private map(count: number): Map<ReplyValue, ReplyValue> {
    const entries = new Map<ReplyValue, ReplyValue>();
    for (let i = 0; i < count; i++) {
      const key = this.decode();
      entries.set(key, this.decode());
    }
    return entries;
  }

  private bulk(length: number, skipped: number): string | null {
    if (length < 0) return null;
    this.require(length + 2);
    const from = this.position + skipped;
    const text = bytesToText(this.buffer.subarray(from, this.position + length));
    this.position += length + 2;
    return text;
  }

  private line(): string {
    const at = this.buffer.subarray(0, this.end).indexOf(CR, this.position);
    if (at === -1 || at + 1 >= this.end) throw new Incomplete(0);
    if (this.buffer[at + 1] !== LF) throw new Error("A reply's line does not end in CR LF");
    const text = bytesToText(this.buffer.subarray(this.position, at));
    this.position = at + 2;
    return text;
  }

  private require(count: number): void {
    const missing = this.position + count - this.end;
    if (missing > 0) throw new Incomplete(this.end - this.start + missing);
  }
}

/** UTF-8 where the bytes are that, else one character per byte. */
export function bytesToText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return Buffer.from(bytes).toString("latin1");
  }
}

function exactInteger(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

function toDouble(text: string): number {
  if (text === "inf") return Infinity;
  if (text === "-inf") return -Infinity;
  return Number(text);
}
