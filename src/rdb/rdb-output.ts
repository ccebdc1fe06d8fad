/**
 * Writes the primitives of the RDB format: lengths, strings in whichever encoding is shortest,
 * integers, doubles. What is written gathers in a buffer, which goes to a sink when it is full, and
 * into a CRC-64 at the same time. The buffer is used again: a sink must have done with the bytes,
 * or copied them, when it returns.
 *
 *     length   00xxxxxx | 01xxxxxx + 1 byte | 10000000 + 4 | 10000001 + 8, high byte first
 *     string   length and bytes, or 11000000 + int8, 11000001 + int16, 11000010 + int32 (low byte
 *              first), or 11000011 + compressed length + length + LZF
 *
 * Source: rdb.c.
 */
import { copyBytes } from "../base/bytes.ts";
import { Crc64 } from "../base/crc64.ts";
import { lzfCompress } from "../base/lzf-compress.ts";
import { parseSafeInteger, writeBigInteger, writeInteger } from "../base/numbers.ts";
import {
  ENCODED_STRING,
  LENGTH_14_BITS,
  LENGTH_32,
  LENGTH_64,
  STRING_INT16,
  STRING_INT32,
  STRING_INT8,
  STRING_LZF,
} from "./rdb-types.ts";

/** Takes bytes in the order of the file; the range is valid only until it returns. */
export type RdbSink = (bytes: Uint8Array, start: number, length: number) => void;

export interface RdbOutputOptions {
  /** Whether strings are compressed where that makes them shorter (`rdbcompression`). */
  readonly compresses: boolean;
  /** Whether a checksum is kept (`rdbchecksum`); otherwise it is zero. */
  readonly checksums: boolean;
}

const BUFFER_BYTES = 65536;
/** What a primitive takes at the most, but for a string's bytes. */
const MAX_PRIMITIVE_BYTES = 16;
/** Longer texts are no int32. */
const MAX_INT32_TEXT = 11;
/** Shorter strings can't be compressed. */
const MIN_COMPRESSED = 21;
/** Shorter keys seldom can, and to try costs half as much as all the rest of a small entry. */
const MIN_COMPRESSED_KEY = 64;
/** Longer ones would take more than some three milliseconds at a time. */
export const MAX_COMPRESSED = 256 * 1024;
/** Compression must save this much. */
const LEAST_SAVED = 4;
const CHECKSUM_BYTES = 8;
const WORD = 2 ** 32;
const MINUS = 45;
const ZERO = 48;
const NINE = 57;
const SPECIAL = ENCODED_STRING << 6;

const doubles = new Float64Array(1);
const doubleBytes = new Uint8Array(doubles.buffer);
const digits = new Uint8Array(MAX_PRIMITIVE_BYTES * 2);
/** Where strings are compressed to; grows with them. */
let compressed = new Uint8Array(4096);

export class RdbOutput {
  private readonly buffer = new Uint8Array(BUFFER_BYTES);
  private at = 0;
  private flushed = 0;
  private readonly crc = new Crc64();
  private readonly write: RdbSink;
  private readonly checksums: boolean;
  private compresses: boolean;

  constructor(write: RdbSink, options: RdbOutputOptions) {
    this.write = write;
    this.checksums = options.checksums;
    this.compresses = options.compresses;
  }

  /** Bytes written so far, with those that are still in the buffer. */
  get position(): number {
    return this.flushed + this.at;
  }

  /** Begins anew, as if nothing had been written. */
  restart(compresses: boolean): void {
    this.at = this.flushed = 0;
    this.crc.reset();
    this.compresses = compresses;
  }

  byte(value: number): void {
    if (this.at === BUFFER_BYTES) this.flush();
    this.buffer[this.at++] = value;
  }

  /** Bytes as they are. */
  bytes(source: Uint8Array, start: number, length: number): void {
    if (length <= BUFFER_BYTES - this.at) {
      copyBytes(this.buffer, this.at, source, start, length);
      this.at += length;
      return;
    }
    this.flush();
    if (length >= BUFFER_BYTES) {
      this.give(source, start, length);
    } else {
      copyBytes(this.buffer, 0, source, start, length);
      this.at = length;
    }
  }

  /** A length or count up to 2^53. */
  length(value: number): void {
    if (this.at > BUFFER_BYTES - MAX_PRIMITIVE_BYTES) this.flush();
    const { buffer } = this;
    if (value < 64) {
      buffer[this.at++] = value;
    } else if (value < 16384) {
      buffer[this.at++] = (LENGTH_14_BITS << 6) | (value >>> 8);
      buffer[this.at++] = value;
    } else if (value < WORD) {
      buffer[this.at++] = LENGTH_32;
      this.bigEndian(value);
    } else {
      buffer[this.at++] = LENGTH_64;
      this.bigEndian(Math.floor(value / WORD));
      this.bigEndian(value);
    }
  }

  /** An unsigned 64-bit integer as a length, given as two words (signed or not). */
  lengthOfWords(high: number, low: number): void {
    if (high === 0) {
      this.length(low >>> 0);
      return;
    }
    if (this.at > BUFFER_BYTES - MAX_PRIMITIVE_BYTES) this.flush();
    this.buffer[this.at++] = LENGTH_64;
    this.bigEndian(high);
    this.bigEndian(low);
  }

  /** A counter of 64 bits as a length: a negative one as its two's complement. */
  counter(value: number | bigint): void {
    if (typeof value === "number" && value >= 0) {
      this.length(value);
      return;
    }
    const whole = BigInt.asIntN(64, BigInt(value));
    this.lengthOfWords(Number(whole >> 32n), Number(BigInt.asIntN(32, whole)));
  }

  /** A string, in the encoding that suits it. */
  string(bytes: Uint8Array, start: number, length: number): void {
    this.encode(bytes, start, length, MIN_COMPRESSED);
  }

  /** A key. */
  key(bytes: Uint8Array, start: number, length: number): void {
    this.encode(bytes, start, length, MIN_COMPRESSED_KEY);
  }

  /** The string that an integer's digits are. */
  integerString(value: number | bigint): void {
    if (typeof value === "number" && (value | 0) === value) {
      this.int32(value);
      return;
    }
    const length =
      typeof value === "number"
        ? writeInteger(digits, 0, value)
        : writeBigInteger(digits, 0, value);
    this.length(length);
    this.bytes(digits, 0, length);
  }

  /** A time in unix milliseconds, or -1, as an int64. */
  milliseconds(value: number): void {
    this.int64(Math.floor(value / WORD), value);
  }

  /** An int64 given as two words, low byte first. */
  int64(high: number, low: number): void {
    if (this.at > BUFFER_BYTES - MAX_PRIMITIVE_BYTES) this.flush();
    this.littleEndian(low);
    this.littleEndian(high);
  }

  /** A binary double. */
  double(value: number): void {
    doubles[0] = value;
    this.bytes(doubleBytes, 0, 8);
  }

  /** The checksum of all that was written so far, itself not part of it; zero without one. */
  checksum(): void {
    this.flush();
    this.crc.write(this.buffer, 0);
    this.write(this.buffer, 0, CHECKSUM_BYTES);
    this.flushed += CHECKSUM_BYTES;
  }

  /** Hands out what is in the buffer. */
  flush(): void {
    const { at } = this;
    if (at === 0) return;
    this.at = 0;
    this.give(this.buffer, 0, at);
  }

  private encode(bytes: Uint8Array, start: number, length: number, leastCompressed: number): void {
    if (length <= MAX_INT32_TEXT) {
      const first = bytes[start];
      if (first <= NINE && (first >= ZERO || first === MINUS)) {
        const value = parseSafeInteger(bytes, start, length);
        // NaN is not equal to any int32.
        if ((value | 0) === value) {
          this.int32(value);
          return;
        }
      }
    } else if (length >= leastCompressed && this.compresses && length <= MAX_COMPRESSED) {
      if (this.compressedString(bytes, start, length)) return;
    }
    this.length(length);
    this.bytes(bytes, start, length);
  }

  private give(bytes: Uint8Array, start: number, length: number): void {
    if (this.checksums) this.crc.update(bytes, start, length);
    this.flushed += length;
    this.write(bytes, start, length);
  }

  private int32(value: number): void {
    if (this.at > BUFFER_BYTES - MAX_PRIMITIVE_BYTES) this.flush();
    const { buffer } = this;
    if (value >= -128 && value < 128) {
      buffer[this.at++] = SPECIAL | STRING_INT8;
      buffer[this.at++] = value;
    } else if (value >= -32768 && value < 32768) {
      buffer[this.at++] = SPECIAL | STRING_INT16;
      buffer[this.at++] = value;
      buffer[this.at++] = value >>> 8;
    } else {
      buffer[this.at++] = SPECIAL | STRING_INT32;
      this.littleEndian(value);
    }
  }

  private compressedString(bytes: Uint8Array, start: number, length: number): boolean {
    const room = length - LEAST_SAVED;
    // A byte more than the room, which the compressor may touch.
    if (compressed.length <= room) compressed = new Uint8Array(Math.max(room + 1, room * 2));
    const size = lzfCompress(bytes, start, length, compressed, 0, room);
    if (size === 0) return false;
    this.byte(SPECIAL | STRING_LZF);
    this.length(size);
    this.length(length);
    this.bytes(compressed, 0, size);
    return true;
  }

  private bigEndian(word: number): void {
    const { buffer, at } = this;
    buffer[at] = word >>> 24;
    buffer[at + 1] = word >>> 16;
    buffer[at + 2] = word >>> 8;
    buffer[at + 3] = word;
    this.at = at + 4;
  }

  private littleEndian(word: number): void {
    const { buffer, at } = this;
    buffer[at] = word;
    buffer[at + 1] = word >>> 8;
    buffer[at + 2] = word >>> 16;
    buffer[at + 3] = word >>> 24;
    this.at = at + 4;
  }
}
