import { expect, test } from "bun:test";
import {
  Arena,
  MAX_BLOCK_BYTES,
  NULL_REF,
  SLAB_SHIFT,
  UNIT_MASK,
} from "../../../src/memory/arena.ts";
import type { Ref } from "../../../src/memory/arena.ts";
import { Reclaimer } from "../../../src/memory/reclaimer.ts";
import { scale, seededRandom } from "../../support/random.ts";

const SLAB_BYTES = 2 ** 22;

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

test("evacuation empties slabs, whatever was freed at random, and loses nothing", () => {
  const reclaimer = new Reclaimer();
  const arena = new Arena(reclaimer);
  const held = fillAtRandom(arena, 60_000, 0.2);
  const before = arena.touchedBytes;
  let moved = 0;
  while (evacuationBegins(arena)) {
    // Clients go on meanwhile.
    held.push(...fillAtRandom(arena, 100, 1));
    for (const block of held) {
      const from = block.ref;
      block.ref = arena.evacuate(from);
      if (block.ref !== from) moved++;
      expect(arena.isLeaving(block.ref)).toBe(false);
    }
    expect(arena.leavingPages).toBe(0);
    arena.endEvacuation();
  }
  expect(moved).toBe(arena.evacuated);
  expect(moved).toBeGreaterThan(0);
  for (const block of held) checkStamp(arena, block);
  let used = 0;
  for (const { ref } of held) used += arena.capacity(ref);
  expect(arena.usedBytes).toBe(used);
  expect(arena.touchedBytes).toBeLessThan(before / 3);
  expect(arena.touchedBytes).toBeLessThan(used * 1.25 + SLAB_BYTES);
  // The slabs wait to be let go, and until then serve who needs one.
  expect(reclaimer.letGo(1, false)).toBe(SLAB_BYTES);
  const other = new Arena(reclaimer);
  other.allocate(16);
  while (reclaimer.letGo(SLAB_BYTES, true) > 0);
  expect(reclaimer.takeSlab()).toBeNull();
});

test("an evacuation that is broken off leaves pages that are used as before", () => {
  const arena = new Arena();
  const held = fillAtRandom(arena, 60_000, 0.2);
  expect(evacuationBegins(arena)).toBe(true);
  for (const block of held.slice(0, 1000)) block.ref = arena.evacuate(block.ref);
  arena.endEvacuation();
  expect(arena.leavingPages).toBe(0);
  const before = arena.touchedBytes;
  held.push(...fillAtRandom(arena, 20_000, 1));
  expect(arena.touchedBytes).toBe(before);
  for (const block of held) checkStamp(arena, block);
  for (const { ref } of held) arena.free(ref);
  expect(arena.usedBytes).toBe(0);
});

test("an arena whose blocks go by themselves gives empty slabs back", () => {
  const arena = new Arena();
  const held = Array.from({ length: 60_000 }, () => arena.allocate(1000));
  expect(arena.touchedBytes).toBeGreaterThan(3 * SLAB_BYTES);
  for (const ref of held) arena.free(ref);
  expect(arena.touchedBytes).toBeLessThanOrEqual(SLAB_BYTES);
});

test("slabs of an arena that was thrown away are nobody's while blocks are freed in them", () => {
  const reclaimer = new Reclaimer();
  const arena = new Arena(reclaimer);
  const held = Array.from({ length: 60_000 }, () => arena.allocate(1000));
  arena.abandon();
  for (const ref of held) arena.free(ref);
  const next = new Arena(reclaimer);
  const block = { ref: next.allocate(100), stamp: 7 };
  const start = (block.ref & UNIT_MASK) << 4;
  next.bytes[block.ref >>> SLAB_SHIFT].fill(7, start, start + next.capacity(block.ref));
  while (reclaimer.letGo(2 ** 24, false) > 0);
  checkStamp(next, block);
});

function evacuationBegins(arena: Arena): boolean {
  const plan = arena.planEvacuation();
  while (plan.step());
  return plan.freesSlabs;
}

interface Stamped {
  ref: Ref;
  stamp: number;
}

/** Blocks of all sizes, mostly some KB; of those made only a share is kept. */
function fillAtRandom(arena: Arena, count: number, share: number): Stamped[] {
  const made: Stamped[] = [];
  for (let i = 0; i < count; i++) {
    const ref = arena.allocate(1 + random.below(random.below(4) === 0 ? 4000 : 1000));
    const stamp = random.below(256);
    const start = (ref & UNIT_MASK) << 4;
    arena.bytes[ref >>> SLAB_SHIFT].fill(stamp, start, start + arena.capacity(ref));
    made.push({ ref, stamp });
  }
  return made.filter(({ ref }) => {
    const isKept = random.below(1000) < share * 1000;
    if (!isKept) arena.free(ref);
    return isKept;
  });
}

function checkStamp(arena: Arena, { ref, stamp }: Stamped): void {
  const start = (ref & UNIT_MASK) << 4;
  const bytes = arena.bytes[ref >>> SLAB_SHIFT];
  for (let i = start; i < start + arena.capacity(ref); i++) {
    if (bytes[i] !== stamp) throw new Error("a block was overwritten by another");
  }
}
