/**
 * Who has subscribed to what, and the way of a message to them: to the subscribers of its channel
 * in the order in which they came, then to those of each pattern that matches.
 *
 * A message is encoded once for each protocol, however many it goes to; all are pushed the same
 * bytes. Where nobody is concerned, publishing looks the channel up and makes nothing.
 */
import { matchGlob } from "../base/glob.ts";
import type { Engine } from "../engine/engine.ts";
import type { PubSub } from "../engine/pubsub.ts";
import type { Session } from "../engine/session.ts";
import { asPush, encodeMessage, MESSAGE, PATTERN_MESSAGE, SHARD_MESSAGE } from "./_message.ts";
import { type Topic, TopicTable } from "./_topic-table.ts";

export class MessageHub implements PubSub {
  readonly channels: TopicTable;
  readonly patterns: TopicTable;
  readonly shardChannels: TopicTable;
  /** The message being sent, once somebody wants it in this form. */
  private inResp3: Uint8Array | null = null;
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
    this.channels = new TopicTable("channels", engine.context);
    this.patterns = new TopicTable("patterns", engine.context);
    this.shardChannels = new TopicTable("shardChannels", engine.context);
  }

  get sizeBytes(): number {
    const { channels, patterns, shardChannels } = this;
    return channels.sizeBytes + patterns.sizeBytes + shardChannels.sizeBytes;
  }

  publish(
    channel: Uint8Array,
    channelStart: number,
    channelLength: number,
    message: Uint8Array,
    messageStart: number,
    messageLength: number,
  ): number {
    let receivers = 0;
    const topic = this.channels.find(channel, channelStart, channelLength);
    if (topic !== null) {
      const encoded = encodeMessage(
        MESSAGE,
        null,
        channel,
        channelStart,
        channelLength,
        message,
        messageStart,
        messageLength,
      );
      receivers = this.send(topic, encoded);
    }
    if (this.patterns.count === 0) return receivers;
    for (const pattern of this.patterns.all()) {
      const { name } = pattern;
      if (!matchGlob(name, 0, name.length, channel, channelStart, channelLength, false)) continue;
      const encoded = encodeMessage(
        PATTERN_MESSAGE,
        name,
        channel,
        channelStart,
        channelLength,
        message,
        messageStart,
        messageLength,
      );
      receivers += this.send(pattern, encoded);
    }
    return receivers;
  }

  publishToShard(
    channel: Uint8Array,
    channelStart: number,
    channelLength: number,
    message: Uint8Array,
    messageStart: number,
    messageLength: number,
  ): number {
    const topic = this.shardChannels.find(channel, channelStart, channelLength);
    if (topic === null) return 0;
    const encoded = encodeMessage(
      SHARD_MESSAGE,
      null,
      channel,
      channelStart,
      channelLength,
      message,
      messageStart,
      messageLength,
    );
    return this.send(topic, encoded);
  }

  forget(session: Session): void {
    TopicTable.forget(session);
  }

  private send(topic: Topic, encoded: Uint8Array): number {
    const { first, others } = topic;
    if (first === null) return 0;
    this.inResp3 = null;
    this.sendTo(first, encoded);
    if (others !== null) for (const session of others) this.sendTo(session, encoded);
    this.inResp3 = null;
    return topic.subscriberCount;
  }

  private sendTo(session: Session, encoded: Uint8Array): void {
    const isResp2 = session.resp === 2;
    this.engine.push(session, isResp2 ? encoded : (this.inResp3 ??= asPush(encoded)));
  }
}
