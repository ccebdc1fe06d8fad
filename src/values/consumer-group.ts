/**
 * A consumer group of a stream: how far it has read, its consumers, and what was delivered to them
 * and not yet acknowledged (_pending-records.ts).
 *
 *     pending entry   ID:16  delivery time:8  deliveries:8  consumer's number:4
 *     and of each consumer's own entries the IDs alone, 16 bytes each
 *
 * Invariant: an ID is in the group's list exactly when it is in that of the one consumer whose
 * number the group's record has. All changes of both are here.
 *
 * Entries are visited with the group's position (`seek`, `next`), which a change leaves behind
 * itself, or with a consumer's (`consumer.pending`).
 */
import { assert } from "../base/assert.ts";
import { equalBytes, textOf } from "../base/bytes.ts";
import type { Arena } from "../memory/arena.ts";
import { arrayCost } from "../memory/array-cost.ts";
import { ID_WORDS, PendingRecords } from "./_pending-records.ts";
import { StreamId } from "./stream-id.ts";
import type { Counter } from "./stream.ts";

const TIME = 4;
const DELIVERIES = 6;
const CONSUMER = 8;
const RECORD_WORDS = 9;
const WORD = 2 ** 32;
const SAFE_HIGH = 2 ** 21;
/** The objects with their maps and arrays, beside what they count themselves. */
const GROUP_BYTES = 700;
const CONSUMER_BYTES = 640;

/** The group's `entriesRead` where it is not known. */
export const UNKNOWN_COUNT = -1;
/** A consumer's `activeMs` before it was ever given an entry. */
export const NEVER = -1;

export class Consumer {
  readonly name: Uint8Array;
  /** Its place in the group. */
  readonly number: number;
  /** The IDs of its entries; only a group changes them. */
  readonly pending: PendingRecords;
  /** When it last tried to read or claim, in unix milliseconds. */
  seenMs: number;
  /** When it last did so with success. */
  activeMs = NEVER;

  constructor(name: Uint8Array, number: number, nowMs: number, pending: PendingRecords) {
    this.name = name;
    this.number = number;
    this.seenMs = nowMs;
    this.pending = pending;
  }
}

export class ConsumerGroup {
  readonly name: Uint8Array;
  /** The last entry that was delivered to any consumer. */
  readonly lastId = new StreamId();
  /** Entries ever read, as far as it can be told, or UNKNOWN_COUNT. */
  entriesRead: Counter = UNKNOWN_COUNT;
  /** The ID of the entry at the position. */
  readonly id = new StreamId();

  private readonly arena: Arena;
  private readonly pending: PendingRecords;
  private readonly byName = new Map<string, Consumer>();
  /** By number; a number is given again. */
  private readonly consumers: (Consumer | undefined)[] = [];
  private readonly freeNumbers: number[] = [];
  private latest: Consumer | null = null;

  constructor(
    arena: Arena,
    name: Uint8Array,
    pending: PendingRecords = new PendingRecords(arena, RECORD_WORDS),
  ) {
    this.arena = arena;
    this.name = name;
    this.pending = pending;
    arena.objects.collections.bytes += GROUP_BYTES + arrayCost(name.length);
  }

  get sizeBytes(): number {
    let bytes = GROUP_BYTES + arrayCost(this.name.length) + this.pending.sizeBytes;
    for (const consumer of this.byName.values()) {
      bytes += CONSUMER_BYTES + arrayCost(consumer.name.length) + consumer.pending.sizeBytes;
    }
    return bytes;
  }

  get pendingCount(): number {
    return this.pending.size;
  }

  get consumerCount(): number {
    return this.byName.size;
  }

  /** The consumers in the order of their names' bytes. */
  sortedConsumers(): Consumer[] {
    return [...this.byName.values()].sort((a, b) => Buffer.compare(a.name, b.name));
  }

  findConsumer(bytes: Uint8Array, start: number, length: number): Consumer | null {
    const { latest } = this;
    if (latest !== null && latest.name.length === length) {
      if (equalBytes(latest.name, 0, bytes, start, length)) return latest;
    }
    const found = this.byName.get(textOf(bytes, start, length)) ?? null;
    if (found !== null) this.latest = found;
    return found;
  }

  /** Makes a consumer whose name there is none of. */
  addConsumer(bytes: Uint8Array, start: number, length: number, nowMs: number): Consumer {
    const name = bytes.slice(start, start + length);
    const number = this.freeNumbers.pop() ?? this.consumers.length;
    return this.add(new Consumer(name, number, nowMs, new PendingRecords(this.arena, ID_WORDS)));
  }

  /** Removes a consumer with its entries. */
  removeConsumer(consumer: Consumer): void {
    const { pending } = consumer;
    if (pending.seekFirst()) {
      do this.removeRecord(pending.readId(this.id));
      while (pending.next());
    }
    this.forget(consumer);
    while (pending.free(Infinity));
  }

  /**
   * Moves to the first entry, of those of one consumer or of all, whose ID is not in front of this
   * one; false where there is none.
   */
  seek(id: StreamId, consumer: Consumer | null = null): boolean {
    if (consumer !== null) {
      consumer.pending.seek(id);
      return this.follow(consumer);
    }
    this.pending.seek(id);
    return this.readPosition();
  }

  seekFirst(): boolean {
    this.pending.seekFirst();
    return this.readPosition();
  }

  seekLast(): boolean {
    this.pending.seekLast();
    return this.readPosition();
  }

  /** Moves to the next entry, of those of one consumer or of all; false where there is none. */
  next(consumer: Consumer | null = null): boolean {
    if (consumer !== null) return consumer.pending.next() && this.follow(consumer);
    return this.pending.next() && this.readPosition();
  }

  /** Moves to the entry of this ID; false where there is none. */
  find(id: StreamId): boolean {
    if (!this.pending.seek(id)) return false;
    this.id.copy(id);
    return true;
  }

  /** When the entry at the position was last delivered, in unix milliseconds. */
  get deliveredMs(): number {
    const { words, at } = this.pending;
    return (words[at + TIME] >>> 0) * WORD + (words[at + TIME + 1] >>> 0);
  }

  /** How often the entry at the position was delivered. */
  get deliveries(): Counter {
    const { words, at } = this.pending;
    const high = words[at + DELIVERIES] >>> 0;
    const low = words[at + DELIVERIES + 1] >>> 0;
    if (high < SAFE_HIGH) return high * WORD + low;
    return (BigInt(high) << 32n) | BigInt(low);
  }

  /** Whose the entry at the position is. */
  get consumer(): Consumer {
    const { words, at } = this.pending;
    const consumer = this.consumers[words[at + CONSUMER]];
    assert(consumer !== undefined, "a pending entry is a consumer's");
    return consumer;
  }

  /** Notes that an entry was delivered for the first time, or as if it was; moves there. */
  deliver(id: StreamId, consumer: Consumer, nowMs: number): void {
    this.assign(id, consumer);
    this.setDelivery(nowMs, 1);
  }

  /** Makes an entry this consumer's, new or not, and moves there; `setDelivery` must follow. */
  assign(id: StreamId, consumer: Consumer): void {
    const { pending } = this;
    this.id.copy(id);
    if (pending.seek(id)) {
      const owner = this.consumer;
      if (owner === consumer) return;
      if (owner.pending.seek(id)) owner.pending.remove();
    } else {
      pending.insert(id);
    }
    pending.words[pending.at + CONSUMER] = consumer.number;
    consumer.pending.seek(id);
    consumer.pending.insert(id);
  }

  /** Sets when, and how often, the entry at the position was delivered. */
  setDelivery(deliveredMs: number, deliveries: Counter): void {
    const { words, at } = this.pending;
    words[at + TIME] = Math.floor(deliveredMs / WORD);
    words[at + TIME + 1] = deliveredMs % WORD;
    if (typeof deliveries === "number") {
      words[at + DELIVERIES] = Math.floor(deliveries / WORD);
      words[at + DELIVERIES + 1] = deliveries % WORD;
    } else {
      words[at + DELIVERIES] = Number(BigInt.asIntN(32, deliveries >> 32n));
      words[at + DELIVERIES + 1] = Number(BigInt.asIntN(32, deliveries));
    }
  }

  /** Removes an entry; false where it is not pending. */
  acknowledge(id: StreamId): boolean {
    if (!this.pending.seek(id)) return false;
    this.removeHere();
    return true;
  }

  /** Removes the entry at the position, moves to the one behind it; false where there is none. */
  remove(): boolean {
    this.removeHere();
    return this.readPosition();
  }

  /** The lists of the group and its consumers; both may change while these are gone through. */
  *lists(): Generator<PendingRecords> {
    yield this.pending;
    for (const consumer of this.byName.values()) yield consumer.pending;
  }

  /** Frees up to `budget` parts; false once nothing is left. To be called at the end. */
  free(budget: number): boolean {
    if (this.pending.free(budget)) return true;
    for (const consumer of this.byName.values()) {
      if (consumer.pending.free(budget)) return true;
      this.forget(consumer);
    }
    this.arena.objects.collections.bytes -= GROUP_BYTES + arrayCost(this.name.length);
    return false;
  }

  copyTo(arena: Arena): ConsumerGroup {
    const copy = new ConsumerGroup(arena, this.name, this.pending.copyTo(arena));
    copy.lastId.copy(this.lastId);
    copy.entriesRead = this.entriesRead;
    copy.consumers.length = this.consumers.length;
    copy.freeNumbers.push(...this.freeNumbers);
    for (const { name, number, seenMs, activeMs, pending } of this.byName.values()) {
      const consumer = copy.add(new Consumer(name, number, seenMs, pending.copyTo(arena)));
      consumer.activeMs = activeMs;
    }
    return copy;
  }

  /** Moves to the entry at the consumer's position. */
  private follow({ pending }: Consumer): boolean {
    if (pending.isAtEnd) return false;
    return this.find(pending.readId(this.id));
  }

  private readPosition(): boolean {
    if (this.pending.isAtEnd) return false;
    this.pending.readId(this.id);
    return true;
  }

  private removeHere(): void {
    const { pending } = this.consumer;
    this.pending.readId(this.id);
    if (pending.seek(this.id)) pending.remove();
    this.pending.remove();
  }

  private removeRecord(id: StreamId): void {
    if (this.pending.seek(id)) this.pending.remove();
  }

  private add(consumer: Consumer): Consumer {
    const { name, number } = consumer;
    this.byName.set(textOf(name), consumer);
    this.consumers[number] = consumer;
    this.arena.objects.collections.bytes += CONSUMER_BYTES + arrayCost(name.length);
    return consumer;
  }

  private forget(consumer: Consumer): void {
    const { name, number } = consumer;
    this.byName.delete(textOf(name));
    this.consumers[number] = undefined;
    this.freeNumbers.push(number);
    if (this.latest === consumer) this.latest = null;
    this.arena.objects.collections.bytes -= CONSUMER_BYTES + arrayCost(name.length);
  }
}
