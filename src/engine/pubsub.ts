/**
 * What the engine and its commands need to know of subscriptions, whoever keeps them. Names of
 * channels, patterns and messages are bytes; a range given to these methods is not kept.
 */
import { GATE_SUBSCRIBED } from "./admission.ts";
import type { Session } from "./session.ts";

/** One way to subscribe: to channels by their names, to patterns, or to shard channels. */
export interface Topics {
  /** Names that at least one session has subscribed to. */
  readonly count: number;
  /** Does nothing where the session has subscribed to it already. */
  subscribe(session: Session, bytes: Uint8Array, start: number, length: number): void;
  /** Does nothing where it has not. */
  unsubscribe(session: Session, bytes: Uint8Array, start: number, length: number): void;
  subscriberCount(bytes: Uint8Array, start: number, length: number): number;
  /** Every name that somebody has subscribed to. */
  names(): Iterable<Uint8Array>;
  /** Those of one session, in the order in which it subscribed; a copy. */
  namesOf(session: Session): readonly Uint8Array[];
}

export interface PubSub {
  /** Bytes of all topics. */
  readonly sizeBytes: number;
  readonly channels: Topics;
  readonly patterns: Topics;
  readonly shardChannels: Topics;
  /** Sends a message to whom it concerns; returns how many times it was sent. */
  publish(
    channel: Uint8Array,
    channelStart: number,
    channelLength: number,
    message: Uint8Array,
    messageStart: number,
    messageLength: number,
  ): number;
  /** As `publish`, to a shard channel, which no pattern matches. */
  publishToShard(
    channel: Uint8Array,
    channelStart: number,
    channelLength: number,
    message: Uint8Array,
    messageStart: number,
    messageLength: number,
  ): number;
  /** Ends all subscriptions of the session. */
  forget(session: Session): void;
}

/** What a session has subscribed to, by numbers. */
export interface Subscriptions {
  readonly channels: number;
  readonly patterns: number;
  readonly shardChannels: number;
  readonly sizeBytes: number;
}

/**
 * To be called where the session's protocol or its having subscribed has changed: in RESP2 a
 * message looks like a reply, so a subscriber there may do little else.
 */
export function setSubscriberGate(session: Session): void {
  if (session.resp === 2 && session.subscriptions !== null) session.gates |= GATE_SUBSCRIBED;
  else session.gates &= ~GATE_SUBSCRIBED;
}

class NoTopics implements Topics {
  readonly count = 0;

  subscribe(): never {
    throw new Error("nobody keeps subscriptions here");
  }

  unsubscribe(): void {}

  subscriberCount(): number {
    return 0;
  }

  names(): Iterable<Uint8Array> {
    return [];
  }

  namesOf(): readonly Uint8Array[] {
    return [];
  }
}

/** An engine that nobody can subscribe to anything of. */
export class NoPubSub implements PubSub {
  readonly sizeBytes = 0;
  readonly channels = new NoTopics();
  readonly patterns = new NoTopics();
  readonly shardChannels = new NoTopics();

  publish(): number {
    return 0;
  }

  publishToShard(): number {
    return 0;
  }

  forget(): void {}
}
