/**
 * Names that sessions subscribe to, found by their bytes, and who has subscribed to each. A topic
 * is there while somebody has subscribed to it. Topics whose names have the same hash are chained.
 */
import { equalBytes } from "../base/bytes.ts";
import { setSubscriberGate } from "../engine/pubsub.ts";
import type { Subscriptions, Topics } from "../engine/pubsub.ts";
import type { Session } from "../engine/session.ts";
import type { KeyspaceContext } from "../keyspace/context.ts";
import { arrayCost } from "../memory/array-cost.ts";

/** A subscription: its places in two sets. */
const BYTES_PER_SUBSCRIPTION = 144;
/** A topic beside its name. */
const BYTES_PER_TOPIC = 64;

/** The three ways to subscribe, as the counters of `TopicsOfSession` name them. */
type Kind = "channels" | "patterns" | "shardChannels";

export class Topic {
  readonly name: Uint8Array;
  readonly hash: number;
  readonly table: TopicTable;
  /**
   * Who subscribed first, and who did after, in this order, in which they are sent messages. Most
   * topics have one subscriber, and a set for it would be half of what a topic takes.
   */
  first: Session | null = null;
  others: Set<Session> | null = null;
  next: Topic | null = null;

  constructor(name: Uint8Array, hash: number, table: TopicTable) {
    this.name = name;
    this.hash = hash;
    this.table = table;
  }

  get subscriberCount(): number {
    if (this.first === null) return 0;
    return this.others === null ? 1 : 1 + this.others.size;
  }

  has(session: Session): boolean {
    return this.first === session || (this.others !== null && this.others.has(session));
  }

  add(session: Session): void {
    if (this.first === null) this.first = session;
    else (this.others ??= new Set()).add(session);
  }

  remove(session: Session): void {
    if (this.first !== session) {
      this.others?.delete(session);
      return;
    }
    this.first = null;
    for (const second of this.others ?? []) {
      this.first = second;
      this.others?.delete(second);
      break;
    }
  }
}

class TopicsOfSession implements Subscriptions {
  readonly topics = new Set<Topic>();
  channels = 0;
  patterns = 0;
  shardChannels = 0;

  get sizeBytes(): number {
    return this.topics.size * BYTES_PER_SUBSCRIPTION;
  }
}

export class TopicTable implements Topics {
  count = 0;
  /** What the topics take beside that which their subscribers count. */
  sizeBytes = 0;
  private readonly byHash = new Map<number, Topic>();
  private readonly kind: Kind;
  private readonly context: KeyspaceContext;

  constructor(kind: Kind, context: KeyspaceContext) {
    this.kind = kind;
    this.context = context;
  }

  /** The topic of this name that somebody has subscribed to, or null. */
  find(bytes: Uint8Array, start: number, length: number): Topic | null {
    if (this.count === 0) return null;
    return this.findHashed(bytes, start, length, this.context.hashOf(bytes, start, length));
  }

  subscribe(session: Session, bytes: Uint8Array, start: number, length: number): void {
    const topic = this.obtain(bytes, start, length);
    if (topic.has(session)) return;
    topic.add(session);
    const own = topicsOf(session) ?? new TopicsOfSession();
    own.topics.add(topic);
    own[this.kind]++;
    session.subscriptions = own;
    setSubscriberGate(session);
  }

  unsubscribe(session: Session, bytes: Uint8Array, start: number, length: number): void {
    const topic = this.find(bytes, start, length);
    if (topic !== null && topic.has(session)) this.leave(session, topic);
  }

  subscriberCount(bytes: Uint8Array, start: number, length: number): number {
    return this.find(bytes, start, length)?.subscriberCount ?? 0;
  }

  *all(): Generator<Topic> {
    for (const first of this.byHash.values()) {
      for (let topic: Topic | null = first; topic !== null; topic = topic.next) yield topic;
    }
  }

  *names(): Generator<Uint8Array> {
    for (const { name } of this.all()) yield name;
  }

  namesOf(session: Session): Uint8Array[] {
    const names: Uint8Array[] = [];
    for (const { table, name } of topicsOf(session)?.topics ?? []) {
      if (table === this) names.push(name);
    }
    return names;
  }

  private leave(session: Session, topic: Topic): void {
    topic.remove(session);
    if (topic.first === null) this.remove(topic);
    const own = topicsOf(session);
    if (own === null) return;
    own.topics.delete(topic);
    own[this.kind]--;
    if (own.topics.size > 0) return;
    session.subscriptions = null;
    setSubscriberGate(session);
  }

  private obtain(bytes: Uint8Array, start: number, length: number): Topic {
    const hash = this.context.hashOf(bytes, start, length);
    const known = this.findHashed(bytes, start, length, hash);
    if (known !== null) return known;
    const topic = new Topic(bytes.slice(start, start + length), hash, this);
    topic.next = this.byHash.get(hash) ?? null;
    this.byHash.set(hash, topic);
    this.count++;
    this.sizeBytes += BYTES_PER_TOPIC + arrayCost(length);
    return topic;
  }

  private findHashed(bytes: Uint8Array, start: number, length: number, hash: number): Topic | null {
    let topic = this.byHash.get(hash) ?? null;
    while (topic !== null) {
      const { name } = topic;
      if (name.length === length && equalBytes(name, 0, bytes, start, length)) return topic;
      topic = topic.next;
    }
    return null;
  }

  private remove(topic: Topic): void {
    this.count--;
    this.sizeBytes -= BYTES_PER_TOPIC + arrayCost(topic.name.length);
    const first = this.byHash.get(topic.hash) ?? null;
    if (first === topic) {
      if (topic.next === null) this.byHash.delete(topic.hash);
      else this.byHash.set(topic.hash, topic.next);
      return;
    }
    let before = first;
    while (before !== null && before.next !== topic) before = before.next;
    if (before !== null) before.next = topic.next;
  }

  /** Ends all subscriptions of the session, of whatever kind. */
  static forget(session: Session): void {
    const own = topicsOf(session);
    if (own === null) return;
    for (const topic of own.topics) topic.table.leave(session, topic);
  }
}

function topicsOf({ subscriptions }: Session): TopicsOfSession | null {
  return subscriptions instanceof TopicsOfSession ? subscriptions : null;
}
