/**
 * An RDB file without keys: the base that an AOF directory begins with.
 *
 *     "REDIS" | version, 4 digits | (FA name value)* | FF | CRC-64 of all before, low byte first
 *
 * Names and values are strings: a length in 6, 14, 32 or 64 bits (by the two upper bits of the
 * first byte), or an integer of 1, 2 or 4 bytes (C0, C1, C2). Source: rdb.c, Redis 7.
 */
import { bytesOf, textOf } from "../base/bytes.ts";
import { Crc64 } from "../base/crc64.ts";

/** What is written: the newest that Redis 7.0 reads. */
const WRITTEN_VERSION = 10;
const NEWEST_VERSION = 12;
const HEADER_BYTES = 9;
const CHECKSUM_BYTES = 8;
const OPCODE_AUX = 0xfa;
const OPCODE_EOF = 0xff;

/** Bytes from the file's start that `readEmptyRdb` wants to see. */
export const EMPTY_RDB_BYTES = 65536;

export interface EmptyRdb {
  /** Where what follows the RDB begins. */
  readonly endsAt: number;
  readonly fields: ReadonlyMap<string, string>;
}

export interface RdbProblem {
  readonly problem: string;
  readonly offset: number;
}

export function isRdb(bytes: Uint8Array): boolean {
  return textOf(bytes.subarray(0, 5)) === "REDIS";
}

/** `fields` in order; integers that fit 32 bits are written as such. */
export function writeEmptyRdb(fields: readonly (readonly [string, string | number])[]): Uint8Array {
  const bytes = [...bytesOf(`REDIS${String(WRITTEN_VERSION).padStart(4, "0")}`)];
  for (const [name, value] of fields) {
    bytes.push(OPCODE_AUX, ...encodeString(name), ...encodeString(value));
  }
  bytes.push(OPCODE_EOF);
  const file = new Uint8Array(bytes.length + CHECKSUM_BYTES);
  file.set(bytes);
  const crc = new Crc64();
  crc.update(file, 0, bytes.length);
  crc.write(file, bytes.length);
  return file;
}

/** Reads the RDB that `bytes` begin with; data of any kind is a problem. */
export function readEmptyRdb(bytes: Uint8Array): EmptyRdb | RdbProblem {
  const version = Number(textOf(bytes.subarray(5, HEADER_BYTES)));
  if (!(version >= 1 && version <= NEWEST_VERSION)) {
    return { problem: `Can't handle RDB format version ${version}`, offset: 5 };
  }
  const cursor = new Cursor(bytes, HEADER_BYTES);
  const fields = new Map<string, string>();
  while (cursor.next() === OPCODE_AUX) {
    const name = cursor.string();
    fields.set(name, cursor.string());
  }
  const end = cursor.at;
  if (end > bytes.length) return { problem: "The file ends too early", offset: bytes.length };
  if (bytes[end - 1] !== OPCODE_EOF) {
    return { problem: "It holds data, and RDB data cannot be loaded yet", offset: end - 1 };
  }
  if (version < 5) return { endsAt: end, fields };
  if (end + CHECKSUM_BYTES > bytes.length) {
    return { problem: "The file ends too early", offset: bytes.length };
  }
  return checksumMatches(bytes, end)
    ? { endsAt: end + CHECKSUM_BYTES, fields }
    : { problem: "Wrong RDB checksum", offset: end };
}

function checksumMatches(bytes: Uint8Array, end: number): boolean {
  const stored = bytes.subarray(end, end + CHECKSUM_BYTES);
  // Written with `rdbchecksum no`.
  if (stored.every((byte) => byte === 0)) return true;
  const crc = new Crc64();
  crc.update(bytes, 0, end);
  const computed = new Uint8Array(CHECKSUM_BYTES);
  crc.write(computed, 0);
  return computed.every((byte, i) => byte === stored[i]);
}

function encodeString(value: string | number): number[] {
  if (typeof value === "string" || value > 0x7fffffff) {
    const text = bytesOf(String(value));
    return [text.length, ...text];
  }
  const low = [value & 255, (value >> 8) & 255];
  if (value < 128) return [0xc0, value];
  if (value < 32768) return [0xc1, ...low];
  return [0xc2, ...low, (value >> 16) & 255, (value >> 24) & 255];
}

/** Reads on beyond the end (as zeros); `at` tells. */
class Cursor {
  at: number;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  next(): number {
    return this.bytes[this.at++] ?? 0;
  }

  string(): string {
    const first = this.next();
    const kind = first >> 6;
    if (kind === 3) return this.special(first & 63);
    let length = first & 63;
    if (kind === 1) length = length * 256 + this.next();
    else if (kind === 2) length = this.bigEndian(first === 0x81 ? 8 : 4);
    const from = this.at;
    this.at += length;
    return textOf(this.bytes.subarray(from, this.at));
  }

  private special(encoding: number): string {
    // A compressed string, or nothing known: never in these fields.
    if (encoding > 2) {
      this.at = Infinity;
      return "";
    }
    const size = 1 << encoding;
    let value = 0;
    for (let i = 0; i < size; i++) value += this.next() * 2 ** (8 * i);
    const span = 2 ** (8 * size);
    return String(value >= span / 2 ? value - span : value);
  }

  private bigEndian(size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + this.next();
    return value;
  }
}
