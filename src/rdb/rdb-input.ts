/**
 * What an RDB file is made of, read one after the other: lengths, strings, numbers. Everything that
 * was consumed goes into the checksum.
 *
 *     length    00nnnnnn | 01nnnnnn n:1 | 0x80 n:4 | 0x81 n:8       high byte first
 *     string    length, bytes
 *               0xc0 n:1 | 0xc1 n:2 | 0xc2 n:4                      an integer, low byte first
 *               0xc3 compressed length, length, LZF data
 *
 * A file is read through a buffer that slides along it; a string that is large gets an array of its
 * own, which a value may keep. Nothing is allocated for what the input says is coming before it is
 * certain that the rest of the input is at least that long, or, of a stream, has come. Every
 * failure is an RdbError.
 */
import { Crc64 } from "../base/crc64.ts";
import { canInflateTo, decompressLzf } from "../base/lzf.ts";
import { parseDouble, writeInteger } from "../base/numbers.ts";
import { ByteView } from "../memory/element.ts";
import { MAX_STRING_BYTES } from "../protocol/limits.ts";
import { RdbError } from "./rdb-error.ts";
import { InputMissing, RdbStream } from "./rdb-stream.ts";
import {
  ENCODED_STRING,
  LENGTH_14_BITS,
  LENGTH_32,
  LENGTH_6_BITS,
  LENGTH_64,
  STRING_INT16,
  STRING_INT32,
  STRING_INT8,
  STRING_LZF,
} from "./rdb-types.ts";

/**
 * Where an RDB comes from. `read` returns how many bytes came; 0 means the end. Where that is an
 * RdbStream, and what is to be read has not come, reading fails with InputMissing.
 */
export interface RdbSource {
  readonly sizeBytes: number;
  read(into: Uint8Array, at: number, length: number, from: number): number;
}

const BUFFER_BYTES = 256 * 1024;
/** Longer strings get arrays of their own, so none fills most of a buffer that is used again. */
const OWN_ARRAY_BYTES = 64 * 1024;
const INFLATED_BYTES = 2 * OWN_ARRAY_BYTES;
const MAX_DIGITS = 11;
const WORD = 2 ** 32;
const SAFE_HIGH = 2 ** 21;
export const UNEXPECTED_END = "Unexpected EOF reading RDB file";
/** First bytes of a double in the old form. */
const DOUBLE_NAN = 253;
const DOUBLE_INFINITY = 254;
const DOUBLE_MINUS_INFINITY = 255;

const doubles = new Float64Array(1);
const doubleBytes = new Uint8Array(doubles.buffer);

export class RdbInput {
  /** The two words of what `readWords` or `readInt64` read, as uint32. */
  high = 0;
  low = 0;
  /** Where the string that was read last begins in the input. */
  stringOffset = 0;

  private readonly source: RdbSource | null;
  private readonly stream: RdbStream | null;
  /**
   * What is there already, from `at` to `end` of `bytes`, for those who read many small parts at
   * once: they move `at` on. Valid until something is read that is not there yet.
   */
  bytes: Uint8Array;
  at: number;
  end: number;
  /** Position in the input of the first byte of `bytes`. */
  private base: number;
  private readonly crc: Crc64 | null;
  /** Up to where, in `bytes`, the checksum has got. */
  private summed: number;
  private readonly digits = new Uint8Array(MAX_DIGITS);
  private inflated = new Uint8Array(0);

  /** Reads a file from position `from` on. */
  constructor(source: RdbSource | null, from: number, sums: boolean, payload?: ByteView) {
    this.source = source;
    this.stream = source instanceof RdbStream ? source : null;
    const crc = sums ? new Crc64() : null;
    // What a stream has, it sums up itself.
    if (this.stream !== null) this.stream.crc = crc;
    this.crc = this.stream === null ? crc : null;
    this.bytes = payload === undefined ? new Uint8Array(BUFFER_BYTES) : payload.bytes;
    this.at = this.summed = payload === undefined ? 0 : payload.start;
    this.end = payload === undefined ? 0 : payload.start + payload.length;
    this.base = payload === undefined ? from : -payload.start;
  }

  /** Reads a range of bytes that are there, without a checksum; offsets count from its start. */
  static over(bytes: Uint8Array, start: number, length: number): RdbInput {
    const view = new ByteView();
    view.set(bytes, start, length);
    return new RdbInput(null, 0, false, view);
  }

  /** The position of the next byte. */
  get offset(): number {
    return this.base + this.at;
  }

  /** Bytes that are still to come. */
  get remainingBytes(): number {
    const { source } = this;
    return source === null ? this.end - this.at : source.sizeBytes - this.offset;
  }

  /** Goes back to a place of a stream from which on nothing was released. */
  rewind(offset: number): void {
    if (offset >= this.base) {
      this.at = offset - this.base;
      return;
    }
    this.base = offset;
    this.at = this.end = this.summed = 0;
  }

  /** What to throw. */
  error(message: string, offset = this.offset): RdbError {
    return new RdbError(message, offset);
  }

  /** Fails where so few bytes can't be read now. */
  await(count: number): void {
    this.ensure(count);
  }

  readByte(): number {
    if (this.at === this.end) this.ensure(1);
    return this.bytes[this.at++];
  }

  /** The next byte, which is not consumed. */
  peekByte(): number {
    if (this.at === this.end) this.ensure(1);
    return this.bytes[this.at];
  }

  /** A length that is a safe integer. */
  readLength(): number {
    const offset = this.offset;
    this.readWords();
    if (this.high >= SAFE_HIGH) throw this.error("A length is impossibly large", offset);
    return this.high * WORD + this.low;
  }

  /** How many parts follow, each of which takes `bytesEach` bytes at the least. */
  readCount(bytesEach: number): number {
    const offset = this.offset;
    const count = this.readLength();
    this.require(count * bytesEach, offset);
    return count;
  }

  /** A length of 64 bits, into `high` and `low`. */
  readWords(): void {
    const first = this.readByte();
    this.high = 0;
    const kind = first >>> 6;
    if (kind === LENGTH_6_BITS) {
      this.low = first & 63;
    } else if (kind === LENGTH_14_BITS) {
      this.low = ((first & 63) << 8) | this.readByte();
    } else if (first === LENGTH_32) {
      this.low = this.readBigEndian();
    } else if (first === LENGTH_64) {
      this.high = this.readBigEndian();
      this.low = this.readBigEndian();
    } else {
      throw this.error(`Unknown length encoding ${first} in RDB file`, this.offset - 1);
    }
  }

  /** 64 bits, low byte first, into `high` and `low`. */
  readInt64(): void {
    this.ensure(8);
    this.low = this.readLittleEndian();
    this.high = this.readLittleEndian();
  }

  /** 32 bits, low byte first, with their sign. */
  readInt32(): number {
    this.ensure(4);
    return this.readLittleEndian() | 0;
  }

  /** What `high` and `low` make as an int64: a bigint only beyond 2^53. */
  get int64(): number | bigint {
    const high = this.high | 0;
    const value = high * WORD + this.low;
    return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(this.low);
  }

  /** A double of 8 bytes. */
  readDouble(): number {
    this.ensure(8);
    for (let i = 0; i < 8; i++) doubleBytes[i] = this.bytes[this.at + i];
    this.at += 8;
    return doubles[0];
  }

  /** A double in the old form: the length of its text and that, or one of three special bytes. */
  readTextDouble(): number {
    const length = this.readByte();
    if (length === DOUBLE_NAN) return NaN;
    if (length === DOUBLE_INFINITY) return Infinity;
    if (length === DOUBLE_MINUS_INFINITY) return -Infinity;
    this.ensure(length);
    const value = parseDouble(this.bytes, this.at, length);
    this.at += length;
    return value;
  }

  /** Points `view` at so many bytes as they are; valid until something else is read. */
  readBytes(length: number, view: ByteView): void {
    if (length > OWN_ARRAY_BYTES && this.source !== null) {
      this.readOwn(length, view);
      return;
    }
    this.ensure(length);
    view.set(this.bytes, this.at, length);
    this.at += length;
  }

  /**
   * Points `view` at a string; an integer's digits are written out. Valid until something else is
   * read, unless the string fills most of the array that it is in.
   */
  readString(view: ByteView): void {
    const first = this.peekByte();
    this.stringOffset = this.offset;
    if (first >>> 6 !== ENCODED_STRING) {
      this.readBytes(this.stringLength(), view);
      return;
    }
    if (first === STRING_LZF + (ENCODED_STRING << 6)) {
      this.at++;
      this.readCompressed(view);
      return;
    }
    view.set(this.digits, 0, writeInteger(this.digits, 0, this.readIntegerString()));
  }

  /** Whether the next string is an integer, which `readIntegerString` reads. */
  get isIntegerNext(): boolean {
    const first = this.peekByte();
    return first >= ENCODED_STRING << 6 && first < (ENCODED_STRING << 6) + STRING_LZF;
  }

  readIntegerString(): number {
    this.stringOffset = this.offset;
    const encoding = this.readByte() & 63;
    if (encoding === STRING_INT8) return (this.readByte() << 24) >> 24;
    if (encoding === STRING_INT16) {
      this.ensure(2);
      const value = this.bytes[this.at] | (this.bytes[this.at + 1] << 8);
      this.at += 2;
      return (value << 16) >> 16;
    }
    if (encoding === STRING_INT32) return this.readInt32();
    throw this.error(`Unknown RDB string encoding type ${encoding}`, this.offset - 1);
  }

  /** The checksum of everything consumed so far: 8 bytes, low byte first. */
  writeChecksum(target: Uint8Array): void {
    const { stream } = this;
    if (stream === null) {
      this.sum();
      this.crc?.write(target, 0);
    } else {
      stream.release(this.offset);
      stream.crc?.write(target, 0);
    }
  }

  private stringLength(): number {
    const length = this.readLength();
    if (length > this.remainingBytes) throw this.error(UNEXPECTED_END, this.stringOffset);
    if (length > MAX_STRING_BYTES) throw this.error("A string is too long", this.stringOffset);
    this.require(length);
    return length;
  }

  /** So many bytes must follow, and have come. */
  private require(count: number, offset = this.offset): void {
    if (count > this.remainingBytes) throw this.error(UNEXPECTED_END, offset);
    const { stream } = this;
    if (stream === null) return;
    const neededBytes = this.offset + count;
    if (neededBytes > stream.presentBytes) throw new InputMissing(neededBytes);
  }

  private readCompressed(view: ByteView): void {
    const offset = this.stringOffset;
    const compressedLength = this.stringLength();
    const length = this.readLength();
    if (!canInflateTo(compressedLength, length) || length > MAX_STRING_BYTES) {
      throw this.error("Invalid LZF compressed string", offset);
    }
    this.readBytes(compressedLength, view);
    let target = this.inflated;
    if (length > OWN_ARRAY_BYTES) target = new Uint8Array(length);
    else if (target.length === 0) this.inflated = target = new Uint8Array(INFLATED_BYTES);
    if (!decompressLzf(view.bytes, view.start, compressedLength, target, 0, length)) {
      throw this.error("Invalid LZF compressed string", offset);
    }
    view.set(target, 0, length);
  }

  private readOwn(length: number, view: ByteView): void {
    this.require(length);
    const own = new Uint8Array(length);
    const present = Math.min(this.end - this.at, length);
    own.set(this.bytes.subarray(this.at, this.at + present));
    this.at += present;
    view.set(own, 0, length);
    if (present === length) return;
    this.sum();
    const from = this.base + this.end;
    const missing = length - present;
    const got = this.fetch(own, present, missing, missing, from);
    if (got < missing) throw this.error(UNEXPECTED_END, from);
    this.crc?.update(own, present, missing);
    this.base = from + missing;
    this.at = this.end = this.summed = 0;
  }

  /** Makes the next `count` bytes (never more than the buffer has room for) be there. */
  private ensure(count: number): void {
    if (count <= this.end - this.at) return;
    const { bytes } = this;
    if (this.source === null) throw this.error(UNEXPECTED_END);
    this.require(count);
    this.sum();
    bytes.copyWithin(0, this.at, this.end);
    this.base += this.at;
    this.end -= this.at;
    this.at = this.summed = 0;
    const room = bytes.length - this.end;
    this.end += this.fetch(bytes, this.end, room, count - this.end, this.base + this.end);
    if (count > this.end) throw this.error(UNEXPECTED_END, this.base + this.end);
  }

  /** Reads `most` bytes, or at least so many as are needed; fewer only at the end. */
  private fetch(into: Uint8Array, at: number, most: number, needed: number, from: number): number {
    let got = 0;
    while (got < needed && this.source !== null) {
      const count = this.source.read(into, at + got, most - got, from + got);
      if (count === 0) break;
      got += count;
    }
    return got;
  }

  private sum(): void {
    this.crc?.update(this.bytes, this.summed, this.at - this.summed);
    this.summed = this.at;
  }

  private readBigEndian(): number {
    this.ensure(4);
    const { bytes, at } = this;
    this.at += 4;
    const word = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    return word >>> 0;
  }

  /** The next four bytes, which are there. */
  private readLittleEndian(): number {
    const { bytes, at } = this;
    this.at += 4;
    const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    return word >>> 0;
  }
}
