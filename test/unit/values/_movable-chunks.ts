/** Large lists, and streams with consumer groups, each beside its model. */
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { ByteView } from "../../../src/memory/element.ts";
import { Arguments } from "../../../src/protocol/arguments.ts";
import { ItemDigits, Needle } from "../../../src/values/_listpack.ts";
import { ID_WORDS, PendingRecords } from "../../../src/values/_pending-records.ts";
import { LargeList } from "../../../src/values/_large-list.ts";
import type { ConsumerGroup } from "../../../src/values/consumer-group.ts";
import { StreamCursor } from "../../../src/values/stream-cursor.ts";
import { StreamId } from "../../../src/values/stream-id.ts";
import { Stream } from "../../../src/values/stream.ts";
import { viewedText } from "../../support/byte-texts.ts";
import type { Random } from "../../support/random.ts";
import type { Movable } from "./_movable-tables.ts";

const LIST_LIMITS = { maxItems: 30, maxBytes: 8192 };
const STREAM_LIMITS = { maxNodeBytes: 4096, maxNodeEntries: 20 };
const NAMES = ["alpha", "beta", "gamma"];

function differ(what: string): never {
  throw new Error(`${what} differs from the model`);
}

export class MovableList implements Movable {
  readonly arena = new Arena();
  private readonly list = new LargeList(this.arena);
  private model: string[] = [];
  private readonly random: Random;
  private readonly needle = new Needle();
  private readonly view = new ByteView();
  private readonly digits = new ItemDigits();

  constructor(random: Random) {
    this.random = random;
  }

  get size(): number {
    return this.model.length;
  }

  change(grows: boolean): void {
    const { random, list, model, needle } = this;
    const text = random.chance(0.005) ? "i".repeat(20_000) : random.word(random.below(200));
    needle.set(bytesOf(text), 0, text.length);
    const atHead = random.chance(0.5);
    if (model.length === 0 || random.chance(grows ? 0.7 : 0.2)) {
      if (model.length === 0 || random.chance(0.7)) {
        list.push(atHead, needle, LIST_LIMITS);
        model.splice(atHead ? 0 : model.length, 0, text);
        return;
      }
      const index = this.seek();
      list.insert(needle, atHead, LIST_LIMITS);
      model.splice(atHead ? index : index + 1, 0, text);
    } else if (random.chance(0.3)) {
      const index = this.seek();
      list.replace(needle, LIST_LIMITS);
      model[index] = text;
    } else if (random.chance(0.5)) {
      const count = random.chance(0.9) ? 1 : random.between(1, Math.min(100, model.length));
      list.dropEnds(atHead, count);
      model.splice(atHead ? 0 : model.length - count, count);
    } else {
      const index = this.seek();
      list.removeAndNext();
      model.splice(index, 1);
    }
  }

  private seek(): number {
    const index = this.random.below(this.model.length);
    this.list.seek(index);
    return index;
  }

  compact(cursor: number, budget: number): number {
    return this.list.compact(cursor, budget);
  }

  check(): void {
    const { list, model, view } = this;
    if (list.size !== model.length) differ("the length");
    if (model.length === 0) return;
    list.seekEnd(true);
    model.forEach((text, index) => {
      list.read(view, this.digits);
      if (viewedText(view) !== text) differ(`item ${index}`);
      if (list.next() !== index + 1 < model.length) differ("the end");
    });
    list.seekEnd(false);
    for (let index = model.length - 1; index >= 0; index--) {
      list.read(view, this.digits);
      if (viewedText(view) !== model[index]) differ(`item ${index} from behind`);
      if (list.previous() !== index > 0) differ("the beginning");
    }
  }

  free(): void {
    while (this.list.free(10));
  }
}

/** Pending entries of a group by ID, with their consumers. */
type Pending = Map<number, string>;

export class MovableStream implements Movable {
  readonly arena = new Arena();
  private readonly stream = new Stream(this.arena);
  private readonly model = new Map<number, string>();
  private readonly groups = new Map<string, Pending>();
  private lastMs = 0;
  private readonly random: Random;
  private readonly args = new Arguments();
  private readonly id = new StreamId();
  private readonly cursor = new StreamCursor();

  constructor(random: Random) {
    this.random = random;
  }

  get size(): number {
    return this.model.size;
  }

  change(grows: boolean): void {
    const { random } = this;
    const choice = random.below(100);
    if (choice < (grows ? 50 : 10)) this.append();
    else if (choice < 60) this.delete();
    else if (choice < 61) this.trim(grows);
    else if (choice < 97) this.changePending(grows);
    else this.changeGroups();
  }

  private append(): void {
    const { random, args } = this;
    this.lastMs += random.between(1, 3);
    const value = random.chance(0.002) ? "w".repeat(18_000) : random.word(random.below(120));
    args.assign([bytesOf("field"), bytesOf(value)]);
    this.id.setFirst().setMs(this.lastMs);
    this.stream.append(this.id, args.bytes, args.starts, args.lengths, 0, 1, STREAM_LIMITS);
    this.model.set(this.lastMs, value);
  }

  private delete(): void {
    const { random, model } = this;
    const ms = random.below(this.lastMs + 1);
    if (this.stream.delete(this.id.setFirst().setMs(ms)) !== model.delete(ms)) differ(`${ms}`);
  }

  private trim(grows: boolean): void {
    const { model, stream, random } = this;
    const keep = Math.floor(model.size * (grows ? 0.95 : 0.8));
    const removed = stream.trimToLength(keep, random.chance(0.5), 0);
    for (const ms of [...model.keys()].slice(0, removed)) model.delete(ms);
  }

  private changeGroups(): void {
    const { random, stream, groups } = this;
    const name = random.pick(NAMES);
    const bytes = bytesOf(name);
    const group = stream.findGroup(bytes, 0, bytes.length);
    if (group === null) {
      stream.addGroup(bytes, 0, bytes.length);
      groups.set(name, new Map());
    } else if (random.chance(0.1)) {
      stream.removeGroup(group);
      groups.delete(name);
    } else if (random.chance(0.3)) {
      const consumer = random.pick(group.sortedConsumers().concat(this.consumer(group)));
      group.removeConsumer(consumer);
      const pending = this.pendingOf(name);
      for (const [ms, owner] of pending) if (owner === textOf(consumer.name)) pending.delete(ms);
    }
  }

  private changePending(grows: boolean): void {
    const { random, stream } = this;
    const name = random.pick(NAMES);
    const bytes = bytesOf(name);
    const group = stream.findGroup(bytes, 0, bytes.length);
    if (group === null) return;
    const pending = this.pendingOf(name);
    for (let i = 0; i < 10; i++) {
      const ms = random.chance(0.5) ? this.lastMs - i : random.below(this.lastMs + 1);
      if (ms < 0) continue;
      this.id.setFirst().setMs(ms);
      if (random.chance(grows ? 0.7 : 0.3)) {
        const consumer = this.consumer(group);
        group.deliver(this.id, consumer, ms * 3);
        pending.set(ms, textOf(consumer.name));
      } else if (group.acknowledge(this.id) !== pending.delete(ms)) {
        differ(`${ms} of ${name}`);
      }
    }
  }

  private consumer(group: ConsumerGroup) {
    const bytes = bytesOf(`consumer-${this.random.below(8)}`);
    const known = group.findConsumer(bytes, 0, bytes.length);
    return known ?? group.addConsumer(bytes, 0, bytes.length, 0);
  }

  private pendingOf(name: string): Pending {
    return this.groups.get(name) ?? differ(`group ${name}`);
  }

  compact(cursor: number, budget: number): number {
    return this.stream.compact(cursor, budget);
  }

  check(): void {
    this.checkEntries();
    if (this.stream.groups.size !== this.groups.size) differ("the number of groups");
    for (const [name, pending] of this.groups) {
      const group = this.stream.findGroup(bytesOf(name), 0, name.length);
      if (group === null || group.pendingCount !== pending.size) differ(`group ${name}`);
      const ordered = [...pending].toSorted(([a], [b]) => a - b);
      this.checkPending(group, null, ordered);
      for (const consumer of group.sortedConsumers()) {
        const owner = textOf(consumer.name);
        const own = ordered.filter(([, other]) => other === owner);
        if (consumer.pending.size !== own.length) differ(`${owner} of ${name}`);
        this.checkPending(group, owner, own);
      }
    }
  }

  private checkEntries(): void {
    const { stream, model, cursor } = this;
    if (stream.length !== model.size) differ("the length");
    cursor.seek(stream, new StreamId(), new StreamId().setLast(), false);
    for (const [ms, value] of model) {
      if (!cursor.next() || !cursor.id.equals(this.id.setFirst().setMs(ms))) differ(`${ms}`);
      cursor.nextPair();
      if (viewedText(cursor.value) !== value) differ(`the value at ${ms}`);
    }
    if (cursor.next()) differ("the end");
  }

  private checkPending(
    group: ConsumerGroup,
    owner: string | null,
    wanted: readonly [number, string][],
  ): void {
    const consumer = owner === null ? null : group.findConsumer(bytesOf(owner), 0, owner.length);
    let isThere = group.seek(new StreamId(), consumer);
    for (const [ms, name] of wanted) {
      if (!isThere || !group.id.equals(this.id.setFirst().setMs(ms))) differ(`pending ${ms}`);
      if (textOf(group.consumer.name) !== name) differ(`the owner of ${ms}`);
      if (group.deliveredMs !== ms * 3) differ(`the time of ${ms}`);
      isThere = group.next(consumer);
    }
    if (isThere) differ("the end of what is pending");
  }

  free(): void {
    while (this.stream.free(10));
  }
}

/** One list of pending records, by whole runs of them, so that many of its chunks come and go. */
export class MovablePending implements Movable {
  readonly arena = new Arena();
  private readonly records = new PendingRecords(this.arena, ID_WORDS);
  private model: number[] = [];
  private lastMs = 0;
  private readonly random: Random;
  private readonly id = new StreamId();

  constructor(random: Random) {
    this.random = random;
  }

  get size(): number {
    return this.model.length;
  }

  change(grows: boolean): void {
    const { random, records, model } = this;
    const count = random.below(300);
    if (random.chance(grows ? 0.55 : 0.4)) {
      for (let i = 0; i < count; i++) {
        this.lastMs += random.between(1, 3);
        records.seek(this.id.setFirst().setMs(this.lastMs));
        records.insert(this.id);
        model.push(this.lastMs);
      }
      return;
    }
    const most = Math.max(0, model.length - count);
    const first = random.pick([0, random.below(most + 1)]);
    for (const ms of model.splice(first, count)) {
      if (!records.seek(this.id.setFirst().setMs(ms))) differ(`${ms}`);
      records.remove();
    }
  }

  compact(cursor: number, budget: number): number {
    return this.records.compact(cursor === 0, budget) > 0 ? 0 : 1;
  }

  check(): void {
    const { records, model } = this;
    if (records.size !== model.length) differ("the size");
    let isThere = records.seekFirst();
    for (const ms of model) {
      if (!isThere || records.compare(this.id.setFirst().setMs(ms)) !== 0) differ(`${ms}`);
      isThere = records.next();
    }
    if (isThere) differ("the end");
  }

  free(): void {
    while (this.records.free(10));
  }
}
