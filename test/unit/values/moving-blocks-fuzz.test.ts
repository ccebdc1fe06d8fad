/**
 * Every kind of owner changes at random while its blocks are moved out of pages chosen at random:
 * it stays what its model is, and no block stays behind.
 */
import { expect, test } from "bun:test";
import { Arena } from "../../../src/memory/arena.ts";
import { LargeHash } from "../../../src/values/_large-hash.ts";
import { LargeList } from "../../../src/values/_large-list.ts";
import { LargeSet } from "../../../src/values/_large-set.ts";
import { LargeSortedSet } from "../../../src/values/_large-sorted-set.ts";
import { Stream } from "../../../src/values/stream.ts";
import { scale, seededRandom } from "../../support/random.ts";
import { MovableList, MovablePending, MovableStream } from "./_movable-chunks.ts";
import {
  type Movable,
  MovableExpiringHashes,
  MovableHash,
  MovableSet,
  MovableSortedSet,
} from "./_movable-tables.ts";
import { MovingBlocks } from "./_moving-blocks.ts";

const random = seededRandom("moving blocks");
const TIMEOUT_MS = 120_000;

/** About how many elements a subject gets. */
const SIZES = [30, 600, 4000];

const KINDS: readonly [name: string, make: (size: number) => Movable][] = [
  ["hashes", (size) => new MovableHash(random, size)],
  ["sets", (size) => new MovableSet(random, size)],
  ["sorted sets", (size) => new MovableSortedSet(random, size)],
  ["expiring hashes", (size) => new MovableExpiringHashes(random, size)],
  ["lists", () => new MovableList(random)],
  ["pending records", () => new MovablePending(random)],
  ["streams", () => new MovableStream(random)],
];

test.each(KINDS)(
  "%s change while their blocks move",
  (_, make) => {
    for (const size of SIZES) {
      for (let round = 0; round < scale(2); round++) changeAndMove(make(size), size);
    }
  },
  TIMEOUT_MS,
);

function changeAndMove(subject: Movable, size: number): void {
  const { arena } = subject;
  const objectsBefore = arena.objects.count;
  for (let i = 0; i < size * 2 && subject.size < size; i++) subject.change(true);
  const moving = new MovingBlocks(arena, random, (cursor, budget) =>
    subject.compact(cursor, budget),
  );
  for (let phase = 0; phase < 4; phase++) {
    const changes = random.pick([0, 1, 5, 20]);
    for (let step = 0; step < 100; step++) {
      moving.step();
      for (let i = 0; i < changes; i++) subject.change(phase % 2 === 0);
    }
    subject.check();
  }
  moving.finish();
  subject.check();
  expect(moving.walks).toBeGreaterThan(0);
  subject.free();
  expect(arena.usedBytes).toBe(0);
  expect(arena.objects.count).toBe(objectsBefore);
}

test.each([
  ["hash", LargeHash],
  ["set", LargeSet],
  ["sorted set", LargeSortedSet],
  ["list", LargeList],
  ["stream", Stream],
])("a frozen %s must not be moved", (_, Kind) => {
  const collection = new Kind(new Arena());
  const frozen = collection.freeze();
  expect(() => collection.compact(0, 1)).toThrow("stays where it is");
  frozen.thaw();
  expect(() => collection.compact(0, 1)).not.toThrow();
});
