import { expect, test } from "bun:test";
import {
  Arena,
  MAX_BLOCK_BYTES,
  NULL_REF,
  SLAB_SHIFT,
  UNIT_MASK,
} from "../../../src/memory/arena.ts";
import type { Ref } from "../../../src/memory/arena.ts";
import { scale, seededRandom } from "../../support/random.ts";

const random = seededRandom("arena");

test("no block is the null reference, and each holds at least what was asked for", () => {
  const arena = new Arena();
  for (let size = 1; size <= MAX_BLOCK_BYTES; size += 37) {
    const ref = arena.allocate(size);
    expect(ref).not.toBe(NULL_REF);
    expect(arena.capacity(ref)).toBeGreaterThanOrEqual(size);
    expect(arena.capacity(ref)).toBeLessThanOrEqual(Math.max(size * 1.25 + 16, 16));
  }
});

test("a block larger than the largest class is a bug", () => {
  expect(() => new Arena().allocate(MAX_BLOCK_BYTES + 1)).toThrow("largest size class");
});

test("blocks never overlap, and what is freed is given again", () => {
  const arena = new Arena();
  const held: { ref: Ref; stamp: number; size: number }[] = [];
  const fill = (ref: Ref, size: number, stamp: number): void => {
    const start = (ref & UNIT_MASK) << 4;
    arena.bytes[ref >>> SLAB_SHIFT].fill(stamp, start, start + size);
  };
  const check = (ref: Ref, size: number, stamp: number): void => {
    const start = (ref & UNIT_MASK) << 4;
    const bytes = arena.bytes[ref >>> SLAB_SHIFT];
    for (let i = start; i < start + size; i++) {
      if (bytes[i] !== stamp) throw new Error("a block was overwritten by another");
    }
  };
  let used = 0;
  for (let i = 0; i < scale(40000); i++) {
    if (held.length === 0 || random.below(100) < (i % 20000 < 12000 ? 60 : 35)) {
      const size = 1 + random.below(random.below(10) === 0 ? MAX_BLOCK_BYTES : 200);
      const ref = arena.allocate(size);
      const stamp = random.below(256);
      fill(ref, size, stamp);
      held.push({ ref, stamp, size });
      used += arena.capacity(ref);
    } else {
      const at = random.below(held.length);
      const { ref, stamp, size } = held[at];
      check(ref, size, stamp);
      used -= arena.capacity(ref);
      arena.free(ref);
      held[at] = held[held.length - 1];
      held.pop();
    }
    if (arena.usedBytes !== used) throw new Error("usedBytes is off");
  }
  for (const { ref, stamp, size } of held) {
    check(ref, size, stamp);
    arena.free(ref);
  }
  expect(arena.usedBytes).toBe(0);
  const before = arena.committedBytes;
  for (let i = 0; i < 1000; i++) arena.allocate(48);
  expect(arena.committedBytes).toBeLessThanOrEqual(before + 65536);
});
