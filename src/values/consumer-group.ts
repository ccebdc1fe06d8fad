/**
 * A consumer group of a stream: how far it has read, its consumers, and the entries delivered to
 * one of them that were not acknowledged yet. Each such entry is in two lists that always agree:
 * the group's, with all about it, and its consumer's.
 *
 * Names are Latin-1 strings; in order they are compared as bytes, as Redis lists them.
 */
import type { Arena } from "../memory/arena.ts";
import type { ByteCounter } from "../memory/object-table.ts";
import { PendingList } from "./_pending-list.ts";
import type { Counter, Stream } from "./stream.ts";
import { StreamId } from "./stream-id.ts";

const GROUP_BYTES = 400;
const CONSUMER_BYTES = 240;
/** How many entries the group has read can't be told. */
export const UNKNOWN_COUNT = -1;
/** A consumer that has never been given an entry. */
export const NEVER = -1;

export class Consumer {
  /** The last time that it asked for anything: unix milliseconds. */
  seenMs: number;
  /** The last time that it got or claimed an entry, or NEVER. */
  activeMs = NEVER;
  readonly name: string;
  /** What the group's list knows it by. */
  readonly number: number;
  readonly pending: PendingList;

  constructor(name: string, number: number, seenMs: number, pending: PendingList) {
    this.name = name;
    this.number = number;
    this.seenMs = seenMs;
    this.pending = pending;
  }
}

export class ConsumerGroup {
  /** The ID of the entry delivered last. */
  readonly lastId = new StreamId();
  /** Entries of the stream up to `lastId`, or UNKNOWN_COUNT. */
  entriesRead: Counter = UNKNOWN_COUNT;
  /** All pending entries. Whoever changes it changes the consumers' lists too. */
  readonly pending: PendingList;
  private readonly byName = new Map<string, Consumer>();
  private readonly byNumber: (Consumer | undefined)[] = [];
  private readonly counter: ByteCounter;

  constructor(counter: ByteCounter, pending = new PendingList(true, counter)) {
    this.counter = counter;
    this.pending = pending;
    counter.bytes += GROUP_BYTES;
  }

  get sizeBytes(): number {
    let bytes = GROUP_BYTES + this.pending.sizeBytes + this.byName.size * CONSUMER_BYTES;
    for (const { pending } of this.byName.values()) bytes += pending.sizeBytes;
    return bytes;
  }

  get consumerCount(): number {
    return this.byName.size;
  }

  consumer(name: string): Consumer | null {
    return this.byName.get(name) ?? null;
  }

  /** In the order of their names. */
  consumers(): Consumer[] {
    return inOrder(this.byName);
  }

  addConsumer(name: string, nowMs: number): Consumer {
    const free = this.byNumber.indexOf(undefined);
    const number = free < 0 ? this.byNumber.length : free;
    const consumer = new Consumer(name, number, nowMs, new PendingList(false, this.counter));
    this.byName.set(name, consumer);
    this.byNumber[number] = consumer;
    this.counter.bytes += CONSUMER_BYTES;
    return consumer;
  }

  /** Removes the consumer with all that is pending for it. */
  removeConsumer(consumer: Consumer): void {
    const { pending } = consumer;
    for (pending.seekFirst(); !pending.isAtEnd; pending.next()) {
      if (this.pending.find(pending.readId(scratchId))) this.pending.remove();
    }
    pending.clear();
    this.byName.delete(consumer.name);
    this.byNumber[consumer.number] = undefined;
    this.counter.bytes -= CONSUMER_BYTES;
  }

  /** The consumer of the pending entry that the group's list stands on. */
  get owner(): Consumer {
    const owner = this.byNumber[this.pending.owner];
    if (owner === undefined) throw new Error("a pending entry has a consumer");
    return owner;
  }

  /** Makes an entry pending for the consumer, taking it from whoever had it. */
  assign(id: StreamId, consumer: Consumer, deliveredMs: number, deliveries: number): void {
    const { pending } = this;
    if (!pending.find(id)) {
      pending.insert(id);
      consumer.pending.insert(id);
    } else if (pending.owner !== consumer.number) {
      const former = this.owner.pending;
      if (former.find(id)) former.remove();
      consumer.pending.insert(id);
    }
    pending.setDetails(deliveredMs, deliveries, consumer.number);
  }

  /** Ends an entry's being pending; false where it was not. */
  acknowledge(id: StreamId): boolean {
    const { pending } = this;
    if (!pending.find(id)) return false;
    const own = this.owner.pending;
    if (own.find(id)) own.remove();
    pending.remove();
    return true;
  }

  /** Notes that the entry is the last one delivered, and counts it (t_stream.c). */
  advance(stream: Stream, id: StreamId): void {
    if (id.compare(this.lastId) <= 0) return;
    if (this.entriesRead !== UNKNOWN_COUNT && !stream.hasDeletedFrom(id)) {
      this.entriesRead = plusOne(this.entriesRead);
    } else if (stream.entriesAdded !== 0) {
      this.entriesRead = stream.countUpTo(id);
    }
    this.lastId.copy(id);
  }

  /** Entries that it has still to read, or null where that can't be told. */
  lag(stream: Stream): Counter | null {
    if (stream.entriesAdded === 0) return 0;
    let read = this.entriesRead;
    if (read === UNKNOWN_COUNT || stream.hasDeletedFrom(this.lastId)) {
      read = stream.countUpTo(this.lastId);
    }
    return read === UNKNOWN_COUNT ? null : minus(stream.entriesAdded, read);
  }

  /** Gives up all it holds; there is nothing to be freed in slices. */
  free(_budget: number): boolean {
    this.pending.clear();
    for (const consumer of this.byName.values()) consumer.pending.clear();
    this.counter.bytes -= GROUP_BYTES + this.byName.size * CONSUMER_BYTES;
    this.byName.clear();
    this.byNumber.length = 0;
    return false;
  }

  copyTo(arena: Arena): ConsumerGroup {
    const counter = arena.objects.collections;
    const copy = new ConsumerGroup(counter, this.pending.copyTo(counter));
    copy.lastId.copy(this.lastId);
    copy.entriesRead = this.entriesRead;
    for (const { name, number, seenMs, activeMs, pending } of this.byName.values()) {
      const twin = new Consumer(name, number, seenMs, pending.copyTo(counter));
      twin.activeMs = activeMs;
      copy.byName.set(name, twin);
      copy.byNumber[number] = twin;
      counter.bytes += CONSUMER_BYTES;
    }
    return copy;
  }
}

const scratchId = new StreamId();

/** The values of a map in the order of their names. */
export function inOrder<T>(byName: ReadonlyMap<string, T>): T[] {
  const names = [...byName].sort(([one], [other]) => (one < other ? -1 : 1));
  return names.map(([, value]) => value);
}

function plusOne(count: Counter): Counter {
  return typeof count === "bigint" ? BigInt.asIntN(64, count + 1n) : count + 1;
}

function minus(count: Counter, subtrahend: Counter): Counter {
  if (typeof count === "number" && typeof subtrahend === "number") return count - subtrahend;
  return BigInt.asIntN(64, BigInt(count) - BigInt(subtrahend));
}
