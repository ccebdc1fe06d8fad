/**
 * RDB files, payloads and packed forms put together by hand, as old and new servers wrote them:
 *
 *     rdbFile(9, record(RDB_HASH_ZIPLIST, "key", string(ziplist(["field", "value", 17]))))
 *
 * A number is an integer in the encoding at hand, a string its bytes in Latin-1.
 */
import { Crc64 } from "../../src/base/crc64.ts";
import type { RdbSource } from "../../src/rdb/rdb-input.ts";
import { OPCODE_EOF } from "../../src/rdb/rdb-types.ts";

export type Item = string | number | bigint | Uint8Array;

export function join(...parts: readonly (Uint8Array | number | readonly number[])[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => (typeof part === "number" ? [part] : Array.from(part))),
  );
}

export function latin1(item: Item): Uint8Array {
  return item instanceof Uint8Array ? item : Buffer.from(String(item), "latin1");
}

/** Low byte first. */
export function little(value: number | bigint, size: number): Uint8Array {
  const wide = BigInt.asUintN(8 * size, BigInt(value));
  return Uint8Array.from({ length: size }, (_, i) => Number((wide >> BigInt(8 * i)) & 255n));
}

export function big(value: number | bigint, size: number): Uint8Array {
  return little(value, size).reverse();
}

export function length(value: number | bigint): Uint8Array {
  if (value < 64) return join(Number(value));
  if (value < 16384) return join(0x40 | (Number(value) >> 8), Number(value) & 255);
  return value < 2 ** 32 ? join(0x80, big(value, 4)) : join(0x81, big(value, 8));
}

export function string(item: Item): Uint8Array {
  const bytes = latin1(item);
  return join(length(bytes.length), bytes);
}

/** A string that is an integer. */
export function integer(value: number): Uint8Array {
  if (value >= -128 && value < 128) return join(0xc0, little(value, 1));
  if (value >= -32768 && value < 32768) return join(0xc1, little(value, 2));
  return join(0xc2, little(value, 4));
}

/** A string as LZF without any gain: literal runs alone. */
export function literalLzf(item: Item): Uint8Array {
  const bytes = latin1(item);
  const runs: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 32) {
    const run = bytes.subarray(at, at + 32);
    runs.push(join(run.length - 1, run));
  }
  const data = join(...runs);
  return join(0xc3, length(data.length), length(bytes.length), data);
}

export function double(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return bytes;
}

export function record(type: number, key: Item, value: Uint8Array): Uint8Array {
  return join(type, string(key), value);
}

function checksum(bytes: Uint8Array): Uint8Array {
  const crc = new Crc64();
  crc.update(bytes, 0, bytes.length);
  const sum = new Uint8Array(8);
  crc.write(sum, 0);
  return sum;
}

/** A whole file; versions before 5 have no checksum. */
export function rdbFile(version: number, ...records: readonly Uint8Array[]): Uint8Array {
  const head = latin1(`REDIS${String(version).padStart(4, "0")}`);
  const body = join(head, ...records, OPCODE_EOF);
  return version < 5 ? body : join(body, checksum(body));
}

/** What RESTORE takes. */
export function dumpPayload(type: number, value: Uint8Array, version = 10): Uint8Array {
  const body = join(type, value, little(version, 2));
  return join(body, checksum(body));
}

/** The same bytes, whatever was done to them, with the checksum that they should have. */
export function withChecksum(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 8) return bytes;
  const body = bytes.subarray(0, bytes.length - 8);
  return join(body, checksum(body));
}

export function ziplist(items: readonly Item[]): Uint8Array {
  let before = 0;
  let lastAt = 10;
  let at = 10;
  const parts: Uint8Array[] = [];
  for (const item of items) {
    const head = before < 254 ? [before] : [254, ...little(before, 4)];
    const part = join(head, ziplistItem(item));
    parts.push(part);
    before = part.length;
    lastAt = at;
    at += part.length;
  }
  const count = little(Math.min(items.length, 65535), 2);
  return join(little(at + 1, 4), little(lastAt, 4), count, ...parts, 255);
}

function ziplistItem(item: Item): Uint8Array {
  if (typeof item === "number" || typeof item === "bigint") {
    if (item >= 0 && item <= 12) return join(0xf1 + Number(item));
    if (item >= -128 && item < 128) return join(0xfe, little(item, 1));
    if (item >= -32768 && item < 32768) return join(0xc0, little(item, 2));
    if (item >= -8388608 && item < 8388608) return join(0xf0, little(item, 3));
    const isWide = item < -(2 ** 31) || item >= 2 ** 31;
    return isWide ? join(0xe0, little(item, 8)) : join(0xd0, little(item, 4));
  }
  const bytes = latin1(item);
  if (bytes.length < 64) return join(bytes.length, bytes);
  if (bytes.length < 16384) return join(0x40 | (bytes.length >> 8), bytes.length & 255, bytes);
  return join(0x80, big(bytes.length, 4), bytes);
}

/** Each value has one free byte behind it. */
export function zipmap(pairs: readonly (readonly [string, string])[]): Uint8Array {
  const size = (text: string): number[] =>
    text.length < 254 ? [text.length] : [254, ...little(text.length, 4)];
  const parts = pairs.map(([field, value]) =>
    join(size(field), latin1(field), size(value), 1, latin1(value), 0),
  );
  return join(Math.min(pairs.length, 254), ...parts, 255);
}

export function intset(width: number, values: readonly (number | bigint)[]): Uint8Array {
  return join(
    little(width, 4),
    little(values.length, 4),
    ...values.map((value) => little(value, width)),
  );
}

/** A number becomes an integer's item, a string a string's, also where it reads as an integer. */
export function listpack(items: readonly Item[]): Uint8Array {
  const parts = items.map((item) => {
    const body = listpackItem(item);
    return join(body, backLength(body.length));
  });
  const total = parts.reduce((sum, part) => sum + part.length, 7);
  return join(little(total, 4), little(Math.min(items.length, 65535), 2), ...parts, 255);
}

function listpackItem(item: Item): Uint8Array {
  if (typeof item === "number" || typeof item === "bigint") {
    if (item >= 0 && item < 128) return join(Number(item));
    if (item >= -4096 && item < 4096) {
      const bits = Number(item) & 0x1fff;
      return join(0xc0 | (bits >> 8), bits & 255);
    }
    const size = [2, 3, 4].find(
      (bytes) => item >= -(2 ** (8 * bytes - 1)) && item < 2 ** (8 * bytes - 1),
    );
    return size === undefined ? join(0xf4, little(item, 8)) : join(0xef + size, little(item, size));
  }
  const bytes = latin1(item);
  if (bytes.length < 64) return join(0x80 | bytes.length, bytes);
  if (bytes.length < 4096) return join(0xe0 | (bytes.length >> 8), bytes.length & 255, bytes);
  return join(0xf0, little(bytes.length, 4), bytes);
}

function backLength(body: number): number[] {
  const bytes: number[] = [];
  let rest = body;
  for (; rest > 127; rest >>= 7) bytes.unshift((rest & 127) | 128);
  return [rest, ...bytes];
}

/** A stream's ID of 16 bytes. */
export function streamId(ms: number | bigint, sequence: number | bigint): Uint8Array {
  return join(big(ms, 8), big(sequence, 8));
}

/** What a loader reads these bytes from, at most so many of them at once. */
export function sourceOf(bytes: Uint8Array, most = Infinity): RdbSource {
  return {
    sizeBytes: bytes.length,
    read: (into: Uint8Array, at: number, count: number, from: number): number => {
      const part = bytes.subarray(from, from + Math.min(count, most));
      into.set(part, at);
      return part.length;
    },
  };
}
