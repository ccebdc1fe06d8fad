/**
 * Pending entries of random consumers against a plain array: everything a group can be asked is
 * asked after every so many steps, and nothing is left in the arena at the end.
 */
import { expect, test } from "bun:test";
import { bytesOf } from "../../src/base/bytes.ts";
import { Arena } from "../../src/memory/arena.ts";
import { ConsumerGroup } from "../../src/values/consumer-group.ts";
import type { Consumer } from "../../src/values/consumer-group.ts";
import { StreamId } from "../../src/values/stream-id.ts";
import { type Random, scale, seededRandom } from "../support/random.ts";

interface Entry {
  key: number;
  owner: string;
  deliveredMs: number;
  deliveries: number | bigint;
}

const NAMES = ["alpha", "beta", "gamma", "delta"];
const id = new StreamId();

/** IDs in all their words, in the order of the numbers they are made of. */
function idOf(key: number): StreamId {
  return id.set(
    key >>> 12,
    ((key >>> 8) & 15) * 0x10000001,
    (key >>> 4) & 15,
    ((key & 15) << 28) >>> 0,
  );
}

class Model {
  entries: Entry[] = [];
  readonly consumers = new Map<string, Consumer>();
  readonly group: ConsumerGroup;
  private readonly random: Random;
  private readonly keys: number;

  constructor(arena: Arena, random: Random, keys: number) {
    this.group = new ConsumerGroup(arena, bytesOf("g"));
    this.random = random;
    this.keys = keys;
  }

  /** One delivery, claim or acknowledgement; `nextKey` rises as a stream's IDs do. */
  step(nextKey: number, ackChance: number): void {
    const { group, random } = this;
    if (random.chance(ackChance)) {
      const key = random.chance(0.5) ? (this.entries[0]?.key ?? 0) : random.below(this.keys);
      const index = this.entries.findIndex((entry) => entry.key === key);
      expect(group.acknowledge(idOf(key))).toBe(index >= 0);
      if (index >= 0) this.entries.splice(index, 1);
      return;
    }
    const owner = random.pick(NAMES);
    const key = random.chance(0.7) ? nextKey : random.below(this.keys);
    const deliveredMs = 1_700_000_000_000 + random.below(2 ** 31);
    const deliveries = random.chance(0.9) ? 1 : random.pick([0, 2 ** 40 + 3, 2n ** 63n - 1n]);
    group.assign(idOf(key), this.consumer(owner));
    group.setDelivery(deliveredMs, deliveries);
    this.put({ key, owner, deliveredMs, deliveries });
    expect(shownHere(group)).toBe(shown({ key, owner, deliveredMs, deliveries }));
  }

  removeConsumer(name: string): void {
    const consumer = this.consumers.get(name);
    if (consumer === undefined) return;
    this.group.removeConsumer(consumer);
    this.consumers.delete(name);
    this.entries = this.entries.filter(({ owner }) => owner !== name);
  }

  /** Removes what XAUTOCLAIM would, walking from a random ID. */
  removeWhileWalking(): void {
    const { group, random } = this;
    const start = random.below(this.keys);
    const kept = this.entries.filter(({ key }) => key < start || key % 3 !== 0);
    let isThere = group.seek(idOf(start));
    for (let index = this.entries.findIndex(({ key }) => key >= start); isThere; index++) {
      const { key } = this.entries[index];
      expect(group.id.equals(idOf(key))).toBeTrue();
      isThere = key % 3 === 0 ? group.remove() : group.next();
    }
    this.entries = kept;
  }

  check(group: ConsumerGroup): void {
    expect(group.pendingCount).toBe(this.entries.length);
    expect(listed(group, null)).toEqual(this.entries.map(shown));
    for (const [name, consumer] of this.consumers) {
      const own = this.entries.filter(({ owner }) => owner === name);
      expect(consumer.pending.size).toBe(own.length);
      const found = group.findConsumer(consumer.name, 0, consumer.name.length);
      expect(listed(group, found)).toEqual(own.map(shown));
    }
    const key = this.random.below(this.keys);
    const behind = this.entries.find((entry) => entry.key >= key);
    expect(group.seek(idOf(key))).toBe(behind !== undefined);
    if (behind !== undefined) expect(group.id.equals(idOf(behind.key))).toBeTrue();
    expect(group.find(idOf(key))).toBe(behind?.key === key);
    if (group.seekLast()) {
      expect(shownHere(group)).toBe(shown(this.entries[this.entries.length - 1]));
    }
  }

  private consumer(name: string): Consumer {
    const known = this.consumers.get(name);
    if (known !== undefined) return known;
    const bytes = bytesOf(`-${name}-`);
    const consumer = this.group.addConsumer(bytes, 1, name.length, 0);
    this.consumers.set(name, consumer);
    return consumer;
  }

  private put(entry: Entry): void {
    const index = this.entries.findIndex(({ key }) => key >= entry.key);
    if (index < 0) this.entries.push(entry);
    else this.entries.splice(index, this.entries[index].key === entry.key ? 1 : 0, entry);
  }
}

function shown({ key, owner, deliveredMs, deliveries }: Entry): string {
  return `${idOf(key).toString()} ${owner} ${deliveredMs} ${deliveries}`;
}

function shownHere(group: ConsumerGroup): string {
  const name = String.fromCharCode(...group.consumer.name);
  return `${group.id.toString()} ${name} ${group.deliveredMs} ${group.deliveries}`;
}

function listed(group: ConsumerGroup, consumer: Consumer | null): string[] {
  const lines: string[] = [];
  let isThere = group.seek(new StreamId(), consumer);
  while (isThere) {
    lines.push(shownHere(group));
    isThere = group.next(consumer);
  }
  return lines;
}

const random = seededRandom("consumer groups");

for (const [name, keys, ackChance] of [
  ["few entries", 60, 0.5],
  ["more and more entries", 60000, 0.2],
  ["entries that come and go", 60000, 0.55],
] as const) {
  test(`pending entries against an array: ${name}`, () => {
    const arena = new Arena();
    const idleBytes = arena.objects.sizeBytes;
    const model = new Model(arena, random, keys);
    let nextKey = 0;
    for (let round = 0; round < scale(12); round++) {
      for (let i = 0; i < 300; i++) {
        nextKey = (nextKey + random.between(1, 9)) % keys;
        model.step(nextKey, ackChance);
      }
      if (random.chance(0.2)) model.removeConsumer(random.pick(NAMES));
      if (random.chance(0.2)) model.removeWhileWalking();
      model.check(model.group);
      if (random.chance(0.3)) {
        const copy = model.group.copyTo(arena);
        model.check(copy);
        while (copy.free(3));
      }
      expect(model.group.sizeBytes).toBe(arena.usedBytes + arena.objects.sizeBytes - idleBytes);
    }
    while (model.group.free(2));
    expect(arena.usedBytes).toBe(0);
    expect(arena.objects.sizeBytes).toBe(idleBytes);
  });
}
