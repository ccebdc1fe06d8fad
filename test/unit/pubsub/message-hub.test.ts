/** Subscriptions and messages, without sockets. */
import { beforeEach, describe, expect, test } from "bun:test";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import type { Session, Transport } from "../../../src/engine/session.ts";
import { KeyspaceContext } from "../../../src/keyspace/context.ts";
import { MessageHub } from "../../../src/pubsub/message-hub.ts";
import { TopicTable } from "../../../src/pubsub/_topic-table.ts";
import { LocalEngine } from "../../support/local-engine.ts";

class Peer {
  readonly heard: Uint8Array[] = [];
  readonly session: Session;

  constructor({ engine }: LocalEngine, resp: 2 | 3) {
    this.session = engine.clients.create(engine.keyspace.database(0), 0);
    engine.setProtocol(this.session, resp);
    const transport: Partial<Transport> = { push: (bytes) => void this.heard.push(bytes) };
    this.session.transport = transport as Transport;
  }

  texts(): string[] {
    return this.heard.splice(0).map((bytes) => textOf(bytes));
  }
}

let local: LocalEngine;
let hub: MessageHub;

beforeEach(() => {
  local = new LocalEngine();
  hub = new MessageHub(local.engine);
});

const publish = (channel: string, message: string): number => {
  const [to, text] = [bytesOf(channel), bytesOf(message)];
  return hub.publish(to, 0, to.length, text, 0, text.length);
};
const listen = (topics: TopicTable, name: string, ...peers: Peer[]): void => {
  for (const { session } of peers) topics.subscribe(session, bytesOf(name), 0, name.length);
};

describe("a message", () => {
  test("is encoded once for all subscribers of a protocol", () => {
    const peers = Array.from({ length: 1000 }, (_, i) => new Peer(local, i % 2 === 0 ? 2 : 3));
    listen(hub.channels, "news", ...peers);
    expect(publish("news", "hello")).toBe(1000);
    const [two, three] = peers.map(({ heard }) => heard[0]);
    expect(textOf(two)).toBe("*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n");
    expect(textOf(three)).toBe(">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n");
    for (const [i, { heard }] of peers.entries()) {
      expect(heard).toHaveLength(1);
      expect(heard[0]).toBe(i % 2 === 0 ? two : three);
    }
  });

  test("goes to the channel's subscribers first, then by patterns", () => {
    const [a, b] = [new Peer(local, 2), new Peer(local, 2)];
    listen(hub.patterns, "n*", a, b);
    listen(hub.patterns, "?ews", a);
    listen(hub.patterns, "other", a, b);
    listen(hub.channels, "news", a);
    expect(publish("news", "x")).toBe(4);
    const tail = "$4\r\nnews\r\n$1\r\nx\r\n";
    expect(a.texts()).toEqual([
      `*3\r\n$7\r\nmessage\r\n${tail}`,
      `*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n${tail}`,
      `*4\r\n$8\r\npmessage\r\n$4\r\n?ews\r\n${tail}`,
    ]);
    expect(b.texts()).toEqual([`*4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n${tail}`]);
  });

  test("goes to subscribers in the order in which they came, whoever leaves meanwhile", () => {
    const order: string[] = [];
    const names = ["a", "b", "c", "d"];
    const peers = names.map((name) => {
      const peer = new Peer(local, 2);
      const transport: Partial<Transport> = { push: () => void order.push(name) };
      peer.session.transport = transport as Transport;
      return peer;
    });
    const heard = (): string => {
      publish("news", "x");
      return order.splice(0).join("");
    };
    const leave = ({ session }: Peer): void =>
      hub.channels.unsubscribe(session, bytesOf("news"), 0, "news".length);
    listen(hub.channels, "news", ...peers);
    expect(heard()).toBe("abcd");
    const [a, b, c, d] = peers;
    leave(a);
    expect(heard()).toBe("bcd");
    leave(c);
    listen(hub.channels, "news", a, b);
    expect(heard()).toBe("bda");
    leave(b);
    leave(d);
    expect(heard()).toBe("a");
    leave(a);
    expect([heard(), hub.channels.count]).toEqual(["", 0]);
  });

  test("is not propagated", () => {
    local.engine.pubsub = hub;
    local.recordEffects();
    expect(local.do("PUBLISH news x")).toBe(0);
    expect(local.do("SPUBLISH news x")).toBe(0);
    expect(local.effects()).toEqual([]);
  });

  test("is told to nobody who is about to go", () => {
    const peer = new Peer(local, 2);
    listen(hub.channels, "news", peer);
    peer.session.closesAfterReply = true;
    publish("news", "x");
    expect(peer.texts()).toEqual([]);
  });
});

test("the end of a session ends all it listened to, and nothing else", () => {
  const [goes, stays] = [new Peer(local, 2), new Peer(local, 3)];
  for (const topics of [hub.channels, hub.patterns, hub.shardChannels]) {
    listen(topics, "both", goes, stays);
    listen(topics, "mine", goes);
  }
  expect(goes.session.subscriptions).toMatchObject({ channels: 2, patterns: 2, shardChannels: 2 });
  hub.forget(goes.session);
  hub.forget(goes.session);
  expect(goes.session.subscriptions).toBeNull();
  for (const topics of [hub.channels, hub.patterns, hub.shardChannels]) {
    expect([...topics.names()].map((name) => textOf(name))).toEqual(["both"]);
    expect(topics.count).toBe(1);
  }
  expect(publish("both", "x")).toBe(2);
  expect(stays.texts()).toHaveLength(2);
});

/** All names have one hash. */
class Colliding extends KeyspaceContext {
  override hashOf(): number {
    return 7;
  }
}

test("names of the same hash are told apart", () => {
  const { engine } = local;
  const topics = new TopicTable("channels", new Colliding(engine.clock, engine.random));
  const peer = new Peer(local, 2);
  const names = ["a", "b", "c", "d", "ab", ""];
  const count = (name: string): number => topics.subscriberCount(bytesOf(name), 0, name.length);
  for (const leaver of names) {
    for (const name of names) listen(topics, name, peer);
    expect(topics.count).toBe(names.length);
    expect(names.map(count)).toEqual(names.map(() => 1));
    topics.unsubscribe(peer.session, bytesOf(leaver), 0, leaver.length);
    topics.unsubscribe(peer.session, bytesOf(leaver), 0, leaver.length);
    expect(names.map(count)).toEqual(names.map((name) => (name === leaver ? 0 : 1)));
  }
  hub.forget(peer.session);
  expect([topics.count, ...names.map(count)]).toEqual([0, ...names.map(() => 0)]);
});
