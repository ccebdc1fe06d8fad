/**
 * The table from keys to entries. With a million keys, finding one is two cache misses in a row;
 * `find ahead` is what fetching many together leaves of them (src/keyspace/fetch-ahead.ts).
 */
import { KeyspaceContext } from "../../src/keyspace/context.ts";
import { Database } from "../../src/keyspace/database.ts";
import { FetchAhead, MAX_FETCHED } from "../../src/keyspace/fetch-ahead.ts";
import { NULL_REF } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/arena.ts";
import { ByteTable } from "../../src/memory/byte-table.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { Random } from "../../src/base/random.ts";
import { type Body, type MicroBenchmark, operationsFor } from "./benchmark.ts";
import { fillTable, insertAll, KEY_BYTES, makeEntries, makeKeys, randomIndices } from "./keys.ts";

export const byteTable: readonly MicroBenchmark[] = [
  { name: "find, hit", prepare: findHit },
  { name: "find, miss", prepare: findMiss },
  { name: "find ahead: 32 keys fetched together", prepare: findAhead },
  { name: "insert and remove again", prepare: insertAndRemove },
  { name: "scan, per entry", prepare: scanAll },
  { name: "growth from empty, per entry", prepare: growth },
  { name: "growth and shrinkage to empty, per entry", prepare: growthAndShrinkage },
];

function findHit(itemCount: number): Body {
  const { table, keys } = fillTable(itemCount);
  const next = wandering(itemCount);
  const operations = operationsFor(itemCount);
  return {
    operations,
    expected: operations,
    run() {
      const wanted = next();
      let hits = 0;
      for (let i = 0; i < wanted.length; i++) {
        const index = wanted[i];
        const ref = table.find(keys.bytes, index * KEY_BYTES, KEY_BYTES, keys.hashes[index]);
        if (ref !== NULL_REF) hits++;
      }
      return hits;
    },
  };
}

/** Other random keys in each run, so that none is in the processor's cache from the last one. */
function wandering(itemCount: number): () => Int32Array {
  const length = operationsFor(itemCount);
  const indices = randomIndices(Math.max(length, itemCount), itemCount);
  let start = 0;
  return () => {
    start = start + 2 * length > indices.length ? 0 : start + length;
    return indices.subarray(start, start + length);
  };
}

function findMiss(itemCount: number): Body {
  const { table } = fillTable(itemCount);
  const operations = operationsFor(itemCount);
  const absent = makeKeys(itemCount, operations);
  return {
    operations,
    expected: operations,
    run() {
      let misses = 0;
      for (let i = 0; i < operations; i++) {
        const ref = table.find(absent.bytes, i * KEY_BYTES, KEY_BYTES, absent.hashes[i]);
        if (ref === NULL_REF) misses++;
      }
      return misses;
    },
  };
}

function findAhead(itemCount: number): Body {
  const database = new Database(0, new KeyspaceContext(new ManualClock(0), new Random()));
  const keys = makeKeys(0, itemCount);
  insertAll(database.table, keys, makeEntries(database.arena, keys));
  const next = wandering(itemCount);
  const operations = operationsFor(itemCount);
  const ahead = new FetchAhead();
  return {
    operations,
    expected: operations,
    run() {
      const wanted = next();
      let hits = 0;
      for (let first = 0; first < wanted.length; first += MAX_FETCHED) {
        const end = Math.min(first + MAX_FETCHED, wanted.length);
        for (let i = first; i < end; i++) ahead.add(keys.bytes, wanted[i] * KEY_BYTES, KEY_BYTES);
        ahead.touch(database);
        for (let i = first; i < end; i++) {
          const start = wanted[i] * KEY_BYTES;
          const ref = database.table.find(keys.bytes, start, KEY_BYTES, ahead.hashes[i - first]);
          if (ref !== NULL_REF) hits++;
        }
      }
      return hits;
    },
  };
}

function insertAndRemove(itemCount: number): Body {
  const { arena, table } = fillTable(itemCount);
  const operations = operationsFor(itemCount);
  const added = makeKeys(itemCount, operations);
  const refs = makeEntries(arena, added);
  return {
    operations,
    expected: itemCount,
    run() {
      for (let i = 0; i < operations; i++) table.insert(added.hashes[i], refs[i] as Ref, false);
      for (let i = 0; i < operations; i++) table.remove(added.hashes[i], refs[i] as Ref);
      return table.size;
    },
  };
}

function scanAll(itemCount: number): Body {
  const { table } = fillTable(itemCount);
  let visited = 0;
  const visit = (): void => {
    visited++;
  };
  return {
    operations: itemCount,
    expected: itemCount,
    run() {
      visited = 0;
      let cursor = 0;
      do cursor = table.scan(cursor, 1024, visit);
      while (cursor !== 0);
      return visited;
    },
  };
}

function growth(itemCount: number): Body {
  const { arena, keys, refs } = fillTable(itemCount);
  return {
    operations: itemCount,
    expected: itemCount,
    run() {
      const table = new ByteTable(arena);
      insertAll(table, keys, refs);
      return table.size;
    },
  };
}

function growthAndShrinkage(itemCount: number): Body {
  const { arena, keys, refs } = fillTable(itemCount);
  return {
    operations: itemCount,
    expected: itemCount,
    run() {
      const table = new ByteTable(arena);
      insertAll(table, keys, refs);
      const grown = table.size;
      for (let i = 0; i < keys.count; i++) table.remove(keys.hashes[i], refs[i] as Ref);
      return grown - table.size;
    },
  };
}
