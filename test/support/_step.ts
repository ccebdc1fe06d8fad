/** One step of a transcript: what is expected of its reply, and the verdict on two replies. */
import { isDeepStrictEqual } from "node:util";
import { quoteBytes, readableReply } from "./readable.ts";
import { type Reply, ReplyError, type ReplyValue } from "./resp-client.ts";

/** A reply's value as a test writes it: a map may be a plain object. */
export type Expected =
  | string
  | number
  | bigint
  | boolean
  | null
  | ReplyError
  | readonly Expected[]
  | { readonly [field: string]: Expected };

/** How exactly the oracle's bytes must be met. */
type Comparison = "bytes" | "unordered" | "shape" | "numbers" | "judged" | "differs";

export class Step {
  /** The command as a line, or what else produced the reply. */
  readonly what: string;
  /** What the server now being run answered; for commands made of earlier replies. */
  lastReply: Reply | null = null;
  comparison: Comparison = "bytes";
  /** Whether the command is sent again until the reply is as expected. */
  isAwaited = false;
  readonly expectations: ((value: ReplyValue, protocol: 2 | 3) => string | null)[] = [];

  constructor(what: string) {
    this.what = what;
  }

  get value(): ReplyValue {
    if (this.lastReply === null) throw new Error(`No reply yet to: ${this.what}`);
    return this.lastReply.value;
  }

  /** The reply's value; where RESP3 has another form than RESP2, that form second. */
  is(expected: Expected, inResp3: Expected = expected): this {
    return this.expect((value, protocol) => {
      const wanted = plain(protocol === 3 ? inResp3 : expected);
      const got = plain(value);
      const isMet =
        this.comparison === "unordered"
          ? isDeepStrictEqual(sorted(got), sorted(wanted))
          : isDeepStrictEqual(got, wanted);
      return isMet ? null : `expected ${readableReply(wanted)}`;
    });
  }

  error(message: string): this {
    return this.is(new ReplyError(message));
  }

  /** The value satisfies `test`, on both servers; their bytes may differ. */
  matching(test: (value: ReplyValue) => boolean): this {
    this.comparison = "judged";
    return this.expect((value) => (test(value) ? null : `expected ${String(test)}`));
  }

  /** Some integer on both servers, for replies that depend on time or chance. */
  likeInteger(): this {
    return this.matching((value) => typeof value === "number" || typeof value === "bigint");
  }

  /** An integer from `low` to `high`, both included. */
  within(low: number, high: number): this {
    return this.matching((value) => typeof value === "number" && value >= low && value <= high);
  }

  /** The same types all through, whatever the values. */
  likeShape(): this {
    this.comparison = "shape";
    return this;
  }

  /** The same, but for how doubles are written: the oracle's 17 digits or the fewest. */
  sameNumbers(): this {
    this.comparison = "numbers";
    return this;
  }

  /** What is expected comes about in time: the command is sent again until then. */
  eventually(): this {
    this.isAwaited = true;
    return this;
  }

  /** The same elements in any order. */
  unordered(): this {
    this.comparison = "unordered";
    return this;
  }

  /** Redis 7.2 answers otherwise than the oracle does; the expectations stand for 7.2. */
  differsIn72(reason: string): this {
    if (reason === "") throw new Error("A difference needs its reason");
    this.comparison = "differs";
    return this;
  }

  private expect(expectation: (value: ReplyValue, protocol: 2 | 3) => string | null): this {
    this.expectations.push(expectation);
    return this;
  }
}

/** What is wrong with Pedis's reply, or null; `wanted` is the oracle's, null without one. */
export function judge(
  step: Step,
  protocol: 2 | 3,
  reply: Reply,
  wanted: Reply | null,
): string | null {
  for (const expectation of step.expectations) {
    const problem = expectation(reply.value, protocol);
    if (problem !== null) return problem;
    if (wanted === null || step.comparison === "differs") continue;
    const misjudged = expectation(wanted.value, protocol);
    if (misjudged !== null) return `this holds for Pedis, not for the oracle: ${misjudged}`;
  }
  if (step.comparison === "differs" && step.expectations.length === 0) {
    return "nothing is expected of this step";
  }
  if (wanted === null) return null;
  return isAlike(step.comparison, reply, wanted) ? null : "the replies differ";
}

export function describeFailure(
  step: Step,
  problem: string,
  reply: Reply,
  wanted: Reply | null,
): string {
  const lines = [`  ${step.what}`, `  ${problem}`, `    pedis  ${describeReply(reply)}`];
  if (wanted !== null) lines.push(`    redis  ${describeReply(wanted)}`);
  return lines.join("\n");
}

function describeReply(reply: Reply): string {
  const raw = quoteBytes(reply.raw.subarray(0, 400));
  const readable = readableReply(reply.value, " ".repeat(11));
  return `${readable}\n${" ".repeat(11)}${raw}${reply.raw.length > 400 ? "…" : ""}`;
}

function isAlike(comparison: Comparison, reply: Reply, wanted: Reply): boolean {
  switch (comparison) {
    case "bytes":
      return Buffer.compare(reply.raw, wanted.raw) === 0;
    case "unordered":
      return (
        reply.type === wanted.type && isDeepStrictEqual(sorted(reply.value), sorted(wanted.value))
      );
    case "numbers":
      return (
        reply.type === wanted.type && isDeepStrictEqual(numbers(reply.value), numbers(wanted.value))
      );
    case "shape":
      return reply.type === wanted.type && shape(reply.value) === shape(wanted.value);
    default:
      return true;
  }
}

/** Arrays sorted by what they read as; a RESP2 map is an array too, of which no more is asked. */
function sorted(value: ReplyValue): string[] | string {
  if (value instanceof Map) return Array.from(value, (entry) => readableReply(entry)).toSorted();
  if (!Array.isArray(value)) return readableReply(value);
  return value.map((item) => readableReply(item)).toSorted();
}

/** Texts of numbers as numbers. */
function numbers(value: ReplyValue): ReplyValue {
  if (Array.isArray(value)) return value.map(numbers);
  return typeof value === "string" && value !== "" && !Number.isNaN(Number(value))
    ? Number(value)
    : value;
}

function shape(value: ReplyValue): string {
  if (value === null) return "null";
  if (value instanceof ReplyError) return `error ${value.message.split(" ")[0]}`;
  if (Array.isArray(value)) return `[${value.map(shape).join(" ")}]`;
  if (value instanceof Map) {
    return `{${Array.from(value, ([key, item]) => `${shape(key)}:${shape(item)}`).join(" ")}}`;
  }
  return typeof value;
}

/** Maps and plain objects in one form, for comparing what came with what a test wrote. */
function plain(value: Expected | ReplyValue): ReplyValue {
  if (value === null || typeof value !== "object" || value instanceof ReplyError) return value;
  if (Array.isArray(value)) return value.map((item: Expected | ReplyValue) => plain(item));
  const entries = value instanceof Map ? Array.from(value) : Object.entries(value);
  return new Map(
    entries.map(([key, item]) => [
      typeof key === "string" ? key : readableReply(plain(key)),
      plain(item as Expected),
    ]),
  );
}
