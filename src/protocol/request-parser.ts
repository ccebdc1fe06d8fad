/**
 * The request parser: walks RESP multibulk requests and inline commands in the buffer they
 * arrived in. It copies nothing and can stop and go on at any byte:
 *
 *     status = parser.next(bytes, end)
 *     REQUEST      `parser.args` holds one request; `parser.position` is behind it
 *     NOTHING      an empty request was skipped (blank line, `*0`)
 *     INCOMPLETE   more bytes are wanted; at least up to `parser.wantedEnd`
 *     MALFORMED    `parser.problem` says why; the stream can't be read any further
 *
 * Positions are indices into `bytes`. A caller that moves an unfinished request to another
 * buffer says so with `rebase`. Rules and wording: processMultibulkBuffer and
 * processInlineBuffer, Redis 7. Benchmark: bench/micro/request-parser.ts.
 */
import { splitArguments } from "../base/quoted-arguments.ts";
import { Arguments } from "./arguments.ts";
import {
  MAX_INLINE_BYTES,
  MAX_REQUEST_ARGUMENTS,
  MAX_STRING_BYTES,
  MAX_UNAUTHENTICATED_ARGUMENTS,
  MAX_UNAUTHENTICATED_BULK_BYTES,
} from "./limits.ts";

export const REQUEST = 0;
export const NOTHING = 1;
export const INCOMPLETE = 2;
export const MALFORMED = 3;

const STAR = 42;
const DOLLAR = 36;
const CR = 13;
const LF = 10;
const MINUS = 45;
const ZERO = 48;

/** `line` outcomes that are not a number. */
const LINE_INCOMPLETE = -2147483648;
const LINE_INVALID = -2147483647;
/** Of a 64-bit integer. */
const MAX_DIGITS = 19;

export class RequestParser {
  args = new Arguments();
  position = 0;
  wantedEnd = 0;
  problem = "";
  /** proto-max-bulk-len. */
  maxBulkBytes = 512 * 1024 * 1024;
  /** The client has not authenticated where it must: small requests only. */
  isUnauthenticated = false;
  /**
   * More bytes may always come, as from a client. In a file, what can't become a request is
   * refused at once.
   */
  isStream = true;
  /** Arguments still to come of the request that is being read; 0 between requests. */
  private remaining = 0;
  /** The bulk length that was read ahead of its bytes, or -1. */
  private bulkLength = -1;
  /** Every CR so far was followed by its LF. */
  private isExact = true;

  /** No request has been begun. */
  get isIdle(): boolean {
    return this.remaining === 0;
  }

  restart(position: number): void {
    this.position = position;
    this.remaining = 0;
    this.bulkLength = -1;
  }

  rebase(bytes: Uint8Array, by: number): void {
    this.args.rebase(bytes, by);
    this.position -= by;
    this.wantedEnd -= by;
  }

  next(bytes: Uint8Array, end: number): number {
    if (this.remaining === 0) {
      if (this.position >= end) return this.want(1);
      if (bytes[this.position] !== STAR) return this.inline(bytes, end);
      const status = this.begin(bytes, end);
      if (status !== REQUEST) return status;
    }
    this.args.bytes = bytes;
    return this.bulks(bytes, end);
  }

  private begin(bytes: Uint8Array, end: number): number {
    const start = this.position;
    this.isExact = true;
    let count = this.shortNumber(bytes, end);
    if (count < 0) count = this.line(bytes, start + 1, end);
    if (count === LINE_INCOMPLETE) {
      if (end - start > MAX_INLINE_BYTES) return this.fail("too big mbulk count string");
      return this.want(1);
    }
    if (count === LINE_INVALID || count > MAX_REQUEST_ARGUMENTS) {
      return this.fail("invalid multibulk length");
    }
    if (count > MAX_UNAUTHENTICATED_ARGUMENTS && this.isUnauthenticated) {
      return this.fail("unauthenticated multibulk length");
    }
    if (count <= 0) return NOTHING;
    this.remaining = count;
    this.bulkLength = -1;
    this.args.reset(bytes);
    this.args.rawStart = start;
    return REQUEST;
  }

  private bulks(bytes: Uint8Array, end: number): number {
    const args = this.args;
    while (this.remaining > 0) {
      let length = this.bulkLength;
      if (length < 0) {
        if (this.position >= end) return this.want(1);
        if (bytes[this.position] !== DOLLAR) return this.noBulk(bytes, end);
        length = this.shortNumber(bytes, end);
        if (length < 0) length = this.line(bytes, this.position + 1, end);
        if (length < 0 || length > this.maxBulkBytes || this.isUnauthenticated) {
          const status = this.checkLength(length, end);
          if (status !== REQUEST) return status;
        }
        this.bulkLength = length;
      }
      const behind = this.position + length;
      if (behind + 2 > end) return this.want(behind + 2 - this.position);
      args.push(this.position, length);
      if (bytes[behind] !== CR || bytes[behind + 1] !== LF) this.isExact = false;
      this.position = behind + 2;
      this.bulkLength = -1;
      this.remaining--;
    }
    args.rawEnd = this.position;
    args.rawIsExact = this.isExact;
    return REQUEST;
  }

  /**
   * The number behind the type byte at `position` where it has one or two digits and its line is
   * whole, as almost all have; `position` moves behind it. Otherwise -1, for `line` to read.
   */
  private shortNumber(bytes: Uint8Array, end: number): number {
    const at = this.position;
    if (at + 5 > end) return -1;
    const first = bytes[at + 1] - ZERO;
    if (first < 0 || first > 9) return -1;
    if (bytes[at + 2] === CR) {
      if (bytes[at + 3] !== LF) return -1;
      this.position = at + 4;
      return first;
    }
    const second = bytes[at + 2] - ZERO;
    if (second < 0 || second > 9 || first === 0) return -1;
    if (bytes[at + 3] !== CR || bytes[at + 4] !== LF) return -1;
    this.position = at + 5;
    return first * 10 + second;
  }

  /** The uncommon outcomes of a bulk's length line. */
  private checkLength(length: number, end: number): number {
    if (length === LINE_INCOMPLETE) {
      if (end - this.position > MAX_INLINE_BYTES) return this.fail("too big bulk count string");
      return this.want(1);
    }
    if (length < 0 || length > this.maxBulkBytes) return this.fail("invalid bulk length");
    if (this.isUnauthenticated && length > MAX_UNAUTHENTICATED_BULK_BYTES) {
      return this.fail("unauthenticated bulk length");
    }
    return REQUEST;
  }

  /** What is no bulk, refused once its line is whole. */
  private noBulk(bytes: Uint8Array, end: number): number {
    const byte = bytes[this.position];
    if (this.isStream && this.line(bytes, this.position, end) === LINE_INCOMPLETE) {
      return this.checkLength(LINE_INCOMPLETE, end);
    }
    return this.fail(`expected '$', got '${String.fromCharCode(byte)}'`);
  }

  /**
   * The integer between `at` and the next CR and one more byte, in canonical form; `position`
   * moves behind the line unless it is incomplete. As Redis searches in a C string, a client's
   * line with a NUL byte never ends; nor does one that is too long.
   */
  private line(bytes: Uint8Array, at: number, end: number): number {
    let cursor = at;
    let value = 0;
    let isValid = true;
    const negative = cursor < end && bytes[cursor] === MINUS;
    if (negative) cursor++;
    const digits = cursor;
    for (;;) {
      // The line end counts only together with the byte behind it.
      if (cursor + 1 >= end) return LINE_INCOMPLETE;
      const byte = bytes[cursor];
      if (byte === CR) break;
      const digit = byte - ZERO;
      if (digit < 0 || digit > 9) {
        if (byte === 0 && this.isStream) return LINE_INCOMPLETE;
        isValid = false;
      } else if (value < 1e12) value = value * 10 + digit;
      cursor++;
    }
    const count = cursor - digits;
    if (count > MAX_INLINE_BYTES) return LINE_INCOMPLETE;
    if (bytes[cursor + 1] !== LF) this.isExact = false;
    this.position = cursor + 2;
    if (!isValid || count === 0) return LINE_INVALID;
    if (bytes[digits] === ZERO && (count > 1 || negative)) return LINE_INVALID;
    // No one tells negative numbers apart, nor those beyond 2^31.
    if (negative) return count > MAX_DIGITS ? LINE_INVALID : -1;
    return value > MAX_STRING_BYTES ? MAX_STRING_BYTES + 1 : value;
  }

  private inline(bytes: Uint8Array, end: number): number {
    const start = this.position;
    const newline = lineFeed(bytes, start, Math.min(end, start + MAX_INLINE_BYTES + 1));
    if (newline < 0) {
      if (end - start > MAX_INLINE_BYTES) return this.fail("too big inline request");
      return this.want(1);
    }
    const stop = newline > start && bytes[newline - 1] === CR ? newline - 1 : newline;
    const parts = splitArguments(bytes, start, stop - start);
    this.position = newline + 1;
    if (parts === null) return this.fail("unbalanced quotes in request");
    if (parts.length === 0) return NOTHING;
    this.args.assign(parts);
    return REQUEST;
  }

  private want(more: number): number {
    this.wantedEnd = this.position + more;
    return INCOMPLETE;
  }

  private fail(problem: string): number {
    this.problem = problem;
    return MALFORMED;
  }
}

/** Where the next LF is, or -1 where there is none, or a NUL byte before it. */
function lineFeed(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte === LF) return at;
    if (byte === 0) return -1;
  }
  return -1;
}
