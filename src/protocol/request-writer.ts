/**
 * Commands in RESP, argument by argument, in a buffer that grows: `begin(3)`, then three of
 * `word`, `range`, `integer` and `double`. Whoever takes the bytes calls `clear`.
 */
import { copyBytes, withRoom } from "../base/bytes.ts";
import { MAX_DOUBLE_BYTES, writeDouble } from "../base/doubles.ts";
import { integerLength, writeInteger } from "../base/numbers.ts";

const FIRST_BYTES = 4096;
/** A larger buffer is given up when it is cleared. */
const KEPT_BYTES = 1 << 20;
/** The longest line: a type, the digits of a length, and the line's end. */
const LINE_BYTES = 32;
const STAR = 42;
const DOLLAR = 36;

export class RequestWriter {
  bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  length = 0;
  private readonly digits = new Uint8Array(MAX_DOUBLE_BYTES);

  clear(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = new Uint8Array(FIRST_BYTES);
  }

  /** Begins a command of `count` arguments. */
  begin(count: number): void {
    this.line(STAR, count);
  }

  /** ASCII text. */
  word(text: string): void {
    this.bulk(text.length);
    for (let i = 0; i < text.length; i++) this.bytes[this.length + i] = text.charCodeAt(i);
    this.length += text.length;
    this.endLine();
  }

  range(bytes: Uint8Array, start: number, length: number): void {
    this.bulk(length);
    copyBytes(this.bytes, this.length, bytes, start, length);
    this.length += length;
    this.endLine();
  }

  integer(value: number | bigint): void {
    if (typeof value === "bigint") {
      this.word(String(value));
      return;
    }
    this.bulk(integerLength(value));
    this.length = writeInteger(this.bytes, this.length, value);
    this.endLine();
  }

  double(value: number): void {
    this.range(this.digits, 0, writeDouble(this.digits, 0, value));
  }

  /** Bytes that are RESP already. */
  raw(bytes: Uint8Array, start: number, length: number): void {
    this.reserve(length);
    copyBytes(this.bytes, this.length, bytes, start, length);
    this.length += length;
  }

  /** What stands before an argument of so many bytes, which come from elsewhere. */
  beginArgument(length: number): void {
    this.line(DOLLAR, length);
  }

  private bulk(length: number): void {
    this.line(DOLLAR, length);
    this.reserve(length + 2);
  }

  private endLine(): void {
    this.bytes[this.length] = 13;
    this.bytes[this.length + 1] = 10;
    this.length += 2;
  }

  private line(type: number, value: number): void {
    this.reserve(LINE_BYTES);
    this.bytes[this.length] = type;
    this.length = writeInteger(this.bytes, this.length + 1, value);
    this.endLine();
  }

  private reserve(bytes: number): void {
    this.bytes = withRoom(this.bytes, this.length, this.length + bytes);
  }
}
