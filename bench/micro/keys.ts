/**
 * Keys for benchmarks, as they would lie in request buffers: all in one array, 16 bytes each,
 * with their hashes. A table of entries under these keys.
 */
import { hashBytes } from "../../src/base/hash.ts";
import { writeInteger } from "../../src/base/numbers.ts";
import { makeEntry } from "../../src/keyspace/entries.ts";
import { Arena } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/arena.ts";
import { ByteTable } from "../../src/memory/byte-table.ts";
import { ENCODING_EMBSTR, setValueWord, TYPE_STRING } from "../../src/memory/entry.ts";

export const KEY_BYTES = 16;
const VALUE_BYTES = 16;

export interface Keys {
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly hashes: Int32Array;
}

/** Keys that end in the numbers from `first` on and are filled up with `x` before them. */
export function makeKeys(first: number, count: number): Keys {
  const bytes = new Uint8Array(count * KEY_BYTES).fill(120);
  const hashes = new Int32Array(count);
  const digits = new Uint8Array(KEY_BYTES);
  for (let i = 0; i < count; i++) {
    const length = writeInteger(digits, 0, first + i);
    const start = i * KEY_BYTES;
    bytes.set(digits.subarray(0, length), start + KEY_BYTES - length);
    hashes[i] = hashBytes(bytes, start, KEY_BYTES);
  }
  return { count, bytes, hashes };
}

/** An entry for each key, with 16 bytes of value. */
export function makeEntries(arena: Arena, keys: Keys): Int32Array {
  const refs = new Int32Array(keys.count);
  for (let i = 0; i < keys.count; i++) {
    const start = i * KEY_BYTES;
    const { bytes } = keys;
    refs[i] = makeEntry(
      arena,
      TYPE_STRING,
      ENCODING_EMBSTR,
      0,
      bytes,
      start,
      KEY_BYTES,
      VALUE_BYTES,
    );
    setValueWord(arena, refs[i] as Ref, 0, VALUE_BYTES);
  }
  return refs;
}

export interface FilledTable {
  readonly arena: Arena;
  readonly table: ByteTable;
  readonly keys: Keys;
  readonly refs: Int32Array;
}

export function fillTable(itemCount: number): FilledTable {
  const arena = new Arena();
  const table = new ByteTable(arena);
  const keys = makeKeys(0, itemCount);
  const refs = makeEntries(arena, keys);
  insertAll(table, keys, refs);
  return { arena, table, keys, refs };
}

export function insertAll(table: ByteTable, keys: Keys, refs: Int32Array): void {
  for (let i = 0; i < keys.count; i++) table.insert(keys.hashes[i], refs[i] as Ref, false);
}

/** `count` of the indices below `below`, chosen at random but alike in every run. */
export function randomIndices(count: number, below: number): Int32Array {
  const indices = new Int32Array(count);
  let state = 0x9e3779b9;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    indices[i] = Math.floor(((state >>> 0) / 4294967296) * below);
  }
  return indices;
}
