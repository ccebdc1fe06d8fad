/**
 * Writes replies into one growing buffer that all connections of a loop turn share, in RESP2
 * or RESP3 as `resp3` says. Whoever runs a command notes `at` before it and sends, keeps or
 * takes back what was written.
 *
 * Map, set, push, double, boolean, null and verbatim replies fall back to their RESP2 forms
 * as Redis does (networking.c). Benchmark: bench/micro/reply-writer.ts.
 */
import { bytesOf, copyBytes, withRoom } from "../base/bytes.ts";
import { MAX_DOUBLE_BYTES, writeDouble } from "../base/doubles.ts";
import { writeBigInteger, writeInteger } from "../base/numbers.ts";

const CR = 13;
const LF = 10;
const DOLLAR = 36;
const COLON = 58;
const STAR = 42;
const COMMA = 44;

const INITIAL_BYTES = 64 * 1024;
/** A buffer that grew beyond this for one large reply is given up after it. */
const KEEP_BYTES = 4 * 1024 * 1024;
/** Replies that wait together; positions stay 32-bit integers. */
const MAX_REPLY_BYTES = 2 ** 31 - 65536;
/** Smaller replies are copied, so that the buffer stays. */
const LEND_FROM_BYTES = 256 * 1024;
/** Room for a type byte, twenty digits and CR LF. */
const LINE_BYTES = 24;

const OK = bytesOf("+OK\r\n");
const NULL_BULK = bytesOf("$-1\r\n");
const NULL_ARRAY = bytesOf("*-1\r\n");
const NULL_RESP3 = bytesOf("_\r\n");
const EMPTY_BULK = bytesOf("$0\r\n\r\n");
const TRUE_RESP3 = bytesOf("#t\r\n");
const FALSE_RESP3 = bytesOf("#f\r\n");

const scratch = new Uint8Array(MAX_DOUBLE_BYTES);

export class ReplyWriter {
  bytes: Uint8Array = new Uint8Array(INITIAL_BYTES);
  at = 0;
  resp3 = false;
  /** Where the reply of the running command begins. */
  commandStart = 0;
  /** A reply to one command that is larger need not be written to its end. */
  largestBytes = Infinity;
  /** The running command's reply is too large: who runs it must replace the reply. */
  hasOverflowed = false;
  /** Whether a buffer that grew large is given up. */
  mayShrink = true;
  /** Somebody keeps a view of the buffer. */
  private isLent = false;
  /** Errors written since the start; who runs a command compares. */
  errorCount = 0;
  /** The text of the last error. */
  lastError = "";

  /** Forgets everything written. */
  clear(): void {
    this.at = 0;
    if ((this.bytes.length > KEEP_BYTES && this.mayShrink) || this.isLent) {
      this.bytes = new Uint8Array(INITIAL_BYTES);
      this.isLent = false;
    }
  }

  /**
   * What was written from `start` to `end`, for good: a copy, or a view of the buffer where that
   * holds little else. It is then not written again.
   */
  keep(start: number, end: number): Uint8Array {
    const length = end - start;
    if (length < LEND_FROM_BYTES || length * 2 < this.bytes.length) {
      return this.bytes.slice(start, end);
    }
    this.isLent = true;
    return this.bytes.subarray(start, end);
  }

  ok(): void {
    this.raw(OK);
  }

  /** A simple string without line breaks. */
  simple(text: string): void {
    this.line(43, text);
  }

  /** An error whose text begins with its code (`ERR`…); line breaks in it become spaces. */
  error(text: string): void {
    this.errorCount++;
    this.lastError = text;
    this.line(45, text);
  }

  integer(value: number): void {
    this.reserve(LINE_BYTES);
    const bytes = this.bytes;
    let at = this.at;
    bytes[at++] = COLON;
    if (value >= 0 && value <= 9) bytes[at++] = 48 + value;
    else at = writeInteger(bytes, at, value);
    bytes[at] = CR;
    bytes[at + 1] = LF;
    this.at = at + 2;
  }

  /** A number or, beyond 2^53, a bigint. */
  int64(value: number | bigint): void {
    if (typeof value === "number" || Number.isSafeInteger(Number(value))) {
      this.integer(Number(value));
      return;
    }
    this.reserve(LINE_BYTES);
    this.bytes[this.at] = COLON;
    this.endLine(writeBigInteger(this.bytes, this.at + 1, value));
  }

  bulk(source: Uint8Array, start: number, length: number): void {
    this.reserve(length + LINE_BYTES);
    const bytes = this.bytes;
    let at = this.at;
    bytes[at++] = DOLLAR;
    if (length <= 9) bytes[at++] = 48 + length;
    else at = writeInteger(bytes, at, length);
    bytes[at] = CR;
    bytes[at + 1] = LF;
    at += 2;
    copyBytes(bytes, at, source, start, length);
    at += length;
    bytes[at] = CR;
    bytes[at + 1] = LF;
    this.at = at + 2;
  }

  /** A bulk string from a Latin-1 string. */
  bulkText(text: string): void {
    this.header(DOLLAR, text.length);
    this.reserve(text.length + 2);
    this.endLine(this.put(text, this.at));
  }

  /** A bulk string that holds an integer's digits. */
  bulkInteger(value: number): void {
    this.bulkText(String(value));
  }

  emptyBulk(): void {
    this.raw(EMPTY_BULK);
  }

  /** "No such value": a null bulk string, RESP3's null. */
  nil(): void {
    this.raw(this.resp3 ? NULL_RESP3 : NULL_BULK);
  }

  nullArray(): void {
    this.raw(this.resp3 ? NULL_RESP3 : NULL_ARRAY);
  }

  /** A double; RESP2: a bulk string. */
  double(value: number): void {
    if (this.resp3) {
      this.reserve(MAX_DOUBLE_BYTES + 3);
      this.bytes[this.at] = COMMA;
      this.endLine(writeDouble(this.bytes, this.at + 1, value));
      return;
    }
    this.bulkDouble(value);
  }

  /** A bulk string that holds a double, whatever the protocol. */
  bulkDouble(value: number): void {
    const length = writeDouble(scratch, 0, value);
    this.bulk(scratch, 0, length);
  }

  /** A double that was written in its own way; RESP2: a bulk string. */
  doubleDigits(digits: Uint8Array, start: number, length: number): void {
    if (!this.resp3) {
      this.bulk(digits, start, length);
      return;
    }
    this.reserve(length + LINE_BYTES);
    this.bytes[this.at] = COMMA;
    copyBytes(this.bytes, this.at + 1, digits, start, length);
    this.endLine(this.at + 1 + length);
  }

  /** An integer of any size, given by its digits; RESP2: a bulk string. */
  bigNumber(digits: string): void {
    if (this.resp3) this.line(40, digits);
    else this.bulkText(digits);
  }

  boolean(value: boolean): void {
    if (this.resp3) this.raw(value ? TRUE_RESP3 : FALSE_RESP3);
    else this.integer(value ? 1 : 0);
  }

  array(count: number): void {
    this.header(STAR, count);
  }

  /** A map of `pairs` pairs; RESP2: an array of twice as many elements. */
  map(pairs: number): void {
    if (this.resp3) this.header(37, pairs);
    else this.header(STAR, pairs * 2);
  }

  set(count: number): void {
    this.header(this.resp3 ? 126 : STAR, count);
  }

  /** Precedes a reply with `pairs` attributes; RESP3 only. */
  attribute(pairs: number): void {
    this.header(124, pairs);
  }

  push(count: number): void {
    this.header(this.resp3 ? 62 : STAR, count);
  }

  /** Text for people (`txt`) that RESP3 clients must not parse. */
  verbatim(text: string): void {
    if (!this.resp3) {
      this.bulkText(text);
      return;
    }
    this.header(61, text.length + 4);
    this.reserve(text.length + 6);
    this.endLine(this.put(text, this.put("txt:", this.at)));
  }

  /** Bytes that are whole replies already. */
  raw(reply: Uint8Array): void {
    this.reserve(reply.length);
    copyBytes(this.bytes, this.at, reply, 0, reply.length);
    this.at += reply.length;
  }

  /** Begins an aggregate whose length is not known yet; pass the result to `endDeferred`. */
  beginDeferred(): number {
    return this.at;
  }

  /** Puts the header of an array of `count` elements before all that came since `mark`. */
  endDeferred(mark: number, count: number): void {
    this.insertHeader(mark, STAR, count);
  }

  /** As `endDeferred`, for a set. */
  endDeferredSet(mark: number, count: number): void {
    this.insertHeader(mark, this.resp3 ? 126 : STAR, count);
  }

  /** As `endDeferred`, for a map. */
  endDeferredMap(mark: number, pairs: number): void {
    if (this.resp3) this.insertHeader(mark, 37, pairs);
    else this.insertHeader(mark, STAR, pairs * 2);
  }

  /** Puts a bulk string of an integer's digits before all that came since `mark`. */
  insertBulkInteger(mark: number, value: number): void {
    const bodyEnd = this.at;
    this.bulkInteger(value);
    this.moveTail(bodyEnd, mark);
  }

  /** Puts a bulk string before all that came since `mark`. */
  insertBulk(mark: number, bytes: Uint8Array): void {
    const bodyEnd = this.at;
    this.bulk(bytes, 0, bytes.length);
    this.moveTail(bodyEnd, mark);
  }

  private insertHeader(mark: number, type: number, count: number): void {
    const bodyEnd = this.at;
    this.header(type, count);
    this.moveTail(bodyEnd, mark);
  }

  /** Moves what was written since `from` in front of what was written since `to`. */
  private moveTail(from: number, to: number): void {
    const size = this.at - from;
    const tail = this.bytes.slice(from, this.at);
    this.bytes.copyWithin(to + size, to, from);
    this.bytes.set(tail, to);
  }

  private header(type: number, count: number): void {
    this.reserve(LINE_BYTES);
    const bytes = this.bytes;
    let at = this.at;
    bytes[at++] = type;
    if (count <= 9) bytes[at++] = 48 + count;
    else at = writeInteger(bytes, at, count);
    this.endLine(at);
  }

  private line(type: number, text: string): void {
    this.reserve(text.length + 3);
    this.bytes[this.at] = type;
    const end = this.put(text, this.at + 1);
    for (let i = this.at + 1; i < end; i++) {
      if (this.bytes[i] === CR || this.bytes[i] === LF) this.bytes[i] = 32;
    }
    this.endLine(end);
  }

  private put(text: string, at: number): number {
    for (let i = 0; i < text.length; i++) this.bytes[at + i] = text.charCodeAt(i);
    return at + text.length;
  }

  private endLine(at: number): void {
    this.bytes[at] = CR;
    this.bytes[at + 1] = LF;
    this.at = at + 2;
  }

  private reserve(bytes: number): void {
    const needed = this.at + bytes;
    if (needed <= this.bytes.length) return;
    if (needed > MAX_REPLY_BYTES || needed - this.commandStart > this.largestBytes) {
      // What follows is written over this command's own reply, which nobody will see.
      this.hasOverflowed = true;
      this.at = this.commandStart;
    }
    this.bytes = withRoom(this.bytes, this.at, this.at + bytes, MAX_REPLY_BYTES);
  }
}
