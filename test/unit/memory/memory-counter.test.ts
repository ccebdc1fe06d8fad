import { expect, test } from "bun:test";
import { ManualClock } from "../../../src/base/clock.ts";
import { Random } from "../../../src/base/random.ts";
import { KeyspaceContext } from "../../../src/keyspace/context.ts";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { MemoryCounter } from "../../../src/memory/memory-counter.ts";

test("parts add to the whole, and take away from it, until they belong elsewhere", () => {
  const whole = { bytes: 0 };
  const [a, b] = [new MemoryCounter(whole), new MemoryCounter(whole)];
  a.bytes += 10;
  b.bytes += 5;
  a.bytes -= 3;
  expect([a.bytes, b.bytes, whole.bytes]).toEqual([7, 5, 12]);
  whole.bytes -= a.bytes;
  a.whole = { bytes: 0 };
  a.bytes -= 7;
  expect(whole.bytes).toBe(5);
});

test("the databases' count is the sum of what they hold, also once some were emptied", () => {
  const context = new KeyspaceContext(new ManualClock(1), new Random(1));
  const keyspace = new Keyspace(context, 4);
  const sum = (): number =>
    keyspace.databases.reduce((bytes, { usedBytes }) => bytes + usedBytes, 0);
  const emptyBytes = sum();
  expect(context.memory.bytes).toBe(emptyBytes);
  const blocks = keyspace.databases.map(({ arena }) => arena.allocate(100));
  const handles = keyspace.databases.map(({ arena }) =>
    arena.objects.hold(new Uint8Array(100_000)),
  );
  expect(context.memory.bytes).toBe(sum());
  const [first, second, third] = keyspace.databases;
  const gone = first.arena;
  first.clear();
  expect(context.memory.bytes).toBe(sum());
  // What is freed of it later was taken from the count already.
  gone.free(blocks[0]);
  gone.objects.release(handles[0]);
  gone.objects.collections.bytes += 50;
  expect(context.memory.bytes).toBe(sum());
  second.swapContent(third);
  second.clear();
  third.arena.free(blocks[1]);
  expect(context.memory.bytes).toBe(sum());
  keyspace.clear();
  expect(context.memory.bytes).toBe(emptyBytes);
});

test("an arena by itself counts for nobody else", () => {
  const arena = new Arena();
  const ref = arena.allocate(64);
  expect(arena.usedBytes).toBe(64);
  arena.free(ref);
  expect(arena.usedBytes).toBe(0);
});
