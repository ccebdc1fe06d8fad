/** Elements added to HyperLogLogs, and estimates, as PFADD and PFCOUNT need them. */
import { bytesOf } from "../../src/base/bytes.ts";
import { TemporaryHome } from "../../src/keyspace/temporary-home.ts";
import { Arena } from "../../src/memory/arena.ts";
import { HyperLogLog } from "../../src/values/hyperloglog.ts";
import { type Body, type MicroBenchmark, operationsFor } from "./benchmark.ts";

const SPARSE_BYTES = 3000;
const ELEMENT_BYTES = 16;

export const hyperLogLog: readonly MicroBenchmark[] = [
  { name: "add 16 bytes to a dense one that has them", prepare: (count) => addedAgain(count, 0) },
  { name: "add 16 bytes to a sparse one that has them", prepare: () => addedAgain(1000, 1e6) },
  { name: "make a sparse one of 1000 elements, per element", prepare: () => filled(1000) },
  { name: "estimate of a dense one", prepare: estimated },
];

function newValue(maxSparseBytes: number): HyperLogLog {
  const value = new HyperLogLog(new TemporaryHome(new Arena()), { maxSparseBytes });
  value.create();
  return value.opened();
}

/** Elements one behind the other. */
function elements(count: number): Uint8Array {
  const texts = Array.from({ length: count }, (_, index) =>
    `${index}`.padStart(ELEMENT_BYTES, "k"),
  );
  return bytesOf(texts.join(""));
}

function addAll(value: HyperLogLog, all: Uint8Array): number {
  let changes = 0;
  for (let at = 0; at < all.length; at += ELEMENT_BYTES) {
    changes += value.add(all, at, ELEMENT_BYTES);
  }
  return changes;
}

function addedAgain(itemCount: number, maxSparseBytes: number): Body {
  const operations = operationsFor(itemCount);
  const all = elements(operations);
  const value = newValue(maxSparseBytes);
  addAll(value, all);
  return { operations, expected: 0, run: () => addAll(value, all) };
}

function filled(count: number): Body {
  const all = elements(count);
  const expected = addAll(newValue(SPARSE_BYTES), all);
  return { operations: count, expected, run: () => addAll(newValue(SPARSE_BYTES), all) };
}

function estimated(): Body {
  const value = newValue(0);
  addAll(value, elements(5000));
  value.refreshEstimate();
  const expected = Number(value.storedEstimate);
  return {
    operations: 1,
    expected,
    run() {
      value.refreshEstimate();
      return Number(value.storedEstimate);
    },
  };
}
