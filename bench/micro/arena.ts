/** Blocks of the arena, taken and given back. */
import { Arena } from "../../src/memory/arena.ts";
import type { Ref } from "../../src/memory/arena.ts";
import { type Body, type MicroBenchmark, operationsFor } from "./benchmark.ts";
import { randomIndices } from "./keys.ts";

const SMALL_BYTES = 48;
const MIXED_BYTES = [24, 48, 64, 200, 1000, 3000];

export const arena: readonly MicroBenchmark[] = [
  { name: "allocate and free 48 bytes, last in first out", prepare: stacked },
  { name: "allocate and free mixed sizes in random order", prepare: shuffled },
  { name: "replace a random block of many", prepare: replaced },
];

function stacked(): Body {
  const subject = new Arena();
  return {
    operations: 1024,
    expected: 0,
    run() {
      for (let i = 0; i < 1024; i++) subject.free(subject.allocate(SMALL_BYTES));
      return subject.usedBytes;
    },
  };
}

function shuffled(itemCount: number): Body {
  const subject = new Arena();
  const operations = operationsFor(itemCount);
  const refs = new Int32Array(operations);
  const order = shuffledIndices(operations);
  return {
    operations,
    expected: 0,
    run() {
      for (let i = 0; i < operations; i++) refs[i] = subject.allocate(sizeOf(i));
      for (let i = 0; i < operations; i++) subject.free(refs[order[i]] as Ref);
      return subject.usedBytes;
    },
  };
}

/** What overwriting values of other sizes does to a full arena. */
function replaced(itemCount: number): Body {
  const subject = new Arena();
  const refs = new Int32Array(itemCount);
  let capacity = 0;
  for (let i = 0; i < itemCount; i++) {
    refs[i] = subject.allocate(SMALL_BYTES);
    capacity += subject.capacity(refs[i] as Ref);
  }
  const chosen = randomIndices(operationsFor(itemCount), itemCount);
  return {
    operations: chosen.length,
    expected: capacity,
    run() {
      for (let i = 0; i < chosen.length; i++) {
        subject.free(refs[chosen[i]] as Ref);
        refs[chosen[i]] = subject.allocate(SMALL_BYTES);
      }
      return subject.usedBytes;
    },
  };
}

function sizeOf(index: number): number {
  return MIXED_BYTES[index % MIXED_BYTES.length];
}

/** Every index below `count` once (Fisher and Yates). */
function shuffledIndices(count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  const chosen = randomIndices(count, 1 << 30);
  for (let i = count - 1; i > 0; i--) {
    const other = chosen[i] % (i + 1);
    const kept = order[i];
    order[i] = order[other];
    order[other] = kept;
  }
  return order;
}
