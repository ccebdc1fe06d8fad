/**
 * A database of one test, its keys opened as collections, and texts to put into them. A text is
 * a string of bytes (latin1), since a model compares strings.
 */
import { expect } from "bun:test";
import { bytesOf } from "../../src/base/bytes.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { Random as Chance } from "../../src/base/random.ts";
import { KeyspaceContext } from "../../src/keyspace/context.ts";
import type { Database } from "../../src/keyspace/database.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import { OpenValue } from "../../src/keyspace/open-value.ts";
import { NULL_REF } from "../../src/memory/arena.ts";
import { BORDER_INTEGERS, NO_INTEGERS } from "../support/byte-texts.ts";
import type { Random } from "../support/random.ts";

/** What a database occupies apart from the table of its keys. */
interface Usage {
  readonly blockBytes: number;
  readonly objectBytes: number;
  readonly objects: number;
}

export class CollectionKeys {
  readonly clock = new ManualClock(1_700_000_000_000);
  readonly context: KeyspaceContext;
  readonly database: Database;
  readonly randomWord: () => number;

  constructor(random: Random) {
    this.context = new KeyspaceContext(this.clock, new Chance(random.seed));
    this.database = new Keyspace(this.context, 1).database(0);
    this.randomWord = this.context.randomWord;
    // Whatever else lies between the blocks, and with a slab's border among them.
    for (let i = 0; i < 1000; i++) this.database.arena.allocate(16384);
    for (let i = 0; i < 50; i++) this.database.arena.allocate(random.between(1, 3000));
  }

  open(home: OpenValue, key: string): void {
    const bytes = bytesOf(key);
    const ref = this.database.write(bytes, 0, bytes.length);
    home.open(this.database, ref, bytes, 0, bytes.length);
  }

  home(type: number): OpenValue {
    return new OpenValue(type, this.context);
  }

  /** COPY where the value is kept, RENAME where it is taken. The target must not exist. */
  adopt(from: string, to: string, takesValue: boolean): void {
    const { database } = this;
    const source = bytesOf(from);
    const ref = database.write(source, 0, source.length);
    const target = bytesOf(to);
    database.adopt(database, ref, target, 0, target.length, takesValue);
    if (takesValue) database.remove(database.write(source, 0, source.length));
  }

  remove(key: string): void {
    const bytes = bytesOf(key);
    const ref = this.database.write(bytes, 0, bytes.length);
    if (ref !== NULL_REF) this.database.remove(ref);
  }

  setExpiry(key: string, whenMs: number): void {
    const bytes = bytesOf(key);
    this.database.setExpiry(this.database.write(bytes, 0, bytes.length), whenMs);
  }

  /** What is left once the reclaimer has done its work. */
  usage(random: Random): Usage {
    const { reclaimer } = this.context;
    while (!reclaimer.isEmpty) reclaimer.run(random.between(1, 500));
    const { arena } = this.database;
    return {
      blockBytes: arena.usedBytes,
      objectBytes: arena.objects.sizeBytes,
      objects: arena.objects.count,
    };
  }
}

/** That deleting everything gave back what it took. */
export function expectUsage(keys: CollectionKeys, random: Random, before: Usage): void {
  expect(keys.usage(random)).toEqual(before);
}

/** An integer's digits, mostly within int64. */
export function integerText(random: Random): string {
  if (random.chance(0.3)) return String(random.pick(BORDER_INTEGERS));
  const magnitude = 10 ** random.below(19);
  return String(BigInt(random.below(magnitude)) * (random.chance(0.5) ? 1n : -1n));
}

/** Bytes of a length near some border, or an integer, or what looks like one. */
export function anyText(random: Random, longest: number): string {
  const kind = random.below(20);
  if (kind < 5) return integerText(random);
  if (kind === 5) return random.pick(NO_INTEGERS);
  const border = random.pick([8, 8, 20, 64, 128, 4096, 8192, 16384, longest]);
  const length = Math.min(
    longest,
    border <= 20 ? random.below(border) : border - 20 + random.below(30),
  );
  if (kind < 12) return random.word(Math.min(length, 40));
  return Buffer.from(random.bytes(Math.min(length, 200)))
    .toString("latin1")
    .padEnd(length, String(kind));
}
