/**
 * A connection to each of two servers that listens to all keyspace events and, changing its mind at
 * random, to other channels. What the two hear must be equal, in order.
 */
import type { Random } from "../support/random.ts";
import { quoteBytes } from "../support/readable.ts";
import type { RespClient } from "../support/resp-client.ts";
import type { ServerProcess } from "../support/server.ts";
import type { Operation } from "./_operations.ts";

const ALL_EVENTS = "AKEnm";
const MARKER = "__key-marker__";
const CHANNELS = ["a", "b", "ab", "abc", "\u0000\u00ff", ""];
/** None of them matches the channels of events, of which one pattern is enough. */
const PATTERNS = ["a*", "?b", "[ab]", "a[^b]c", "\\a", "?"];
const SHOWN = 12;

/** Publishes, or asks who would hear it. */
export function randomMessage(random: Random): Operation {
  const args = random.chance(0.9)
    ? ["PUBLISH", random.pick(CHANNELS), random.word(random.below(80))]
    : ["PUBSUB", "NUMSUB", ...CHANNELS];
  return { args, comparison: "exact" };
}

export class Listeners implements AsyncDisposable {
  private readonly clients: readonly RespClient[];

  private constructor(clients: readonly RespClient[]) {
    this.clients = clients;
  }

  static async connect(servers: readonly ServerProcess[], protocol: number): Promise<Listeners> {
    const clients = await Promise.all(servers.map((server) => server.connect()));
    for (const client of clients) {
      await client.do("CONFIG", "SET", "notify-keyspace-events", ALL_EVENTS);
      await client.do("HELLO", String(protocol));
      await client.do("PSUBSCRIBE", "__key*");
    }
    return new Listeners(clients);
  }

  /** Both listen to something else. */
  async change(random: Random): Promise<void> {
    const isPattern = random.chance(0.5);
    const verb = random.chance(0.6) ? "SUBSCRIBE" : "UNSUBSCRIBE";
    const names = Array.from({ length: random.between(1, 3) }, () =>
      Buffer.from(random.pick(isPattern ? PATTERNS : CHANNELS), "latin1"),
    );
    const replies = await Promise.all(
      this.clients.map((client) => client.do(`${isPattern ? "P" : ""}${verb}`, ...names)),
    );
    const [ours, theirs] = replies.map(({ raw }) => quoteBytes(raw));
    if (ours !== theirs) throw new Error(`pedis confirmed ${ours}\nredis confirmed ${theirs}`);
  }

  /** Holds what the two have heard since the last time against each other. */
  async compare(publishers: readonly RespClient[]): Promise<void> {
    for (const publisher of publishers) await publisher.do("PUBLISH", MARKER, "");
    const [ours, theirs] = await Promise.all(this.clients.map(untilMarker));
    const differs = ours.findIndex((text, i) => text !== theirs[i]);
    if (differs < 0 && ours.length === theirs.length) return;
    const at = differs < 0 ? Math.min(ours.length, theirs.length) : differs;
    const part = (heard: readonly string[]): string =>
      heard.slice(Math.max(0, at - SHOWN), at + 2).join("\n  ");
    throw new Error(`pedis published\n  ${part(ours)}\nredis published\n  ${part(theirs)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) {
      await client.do("PUNSUBSCRIBE");
      await client.do("UNSUBSCRIBE");
      await client.do("CONFIG", "SET", "notify-keyspace-events", "");
      await client.close();
    }
  }
}

/** Messages by several patterns come in an order that is each server's own: they are sorted. */
async function untilMarker(client: RespClient): Promise<string[]> {
  const heard: string[] = [];
  let byPatterns: string[] = [];
  for (;;) {
    const { value, raw } = await client.next();
    if (!Array.isArray(value)) throw new Error("not a message");
    const [kind, , channel] = value;
    if (isOfConsumers(Buffer.from(raw))) continue;
    if (channel === MARKER) return [...heard, ...byPatterns.sort()];
    const isOfSeveral = kind === "pmessage" && !(channel as string).startsWith("__key");
    if (isOfSeveral) byPatterns.push(quoteBytes(raw));
    else {
      heard.push(...byPatterns.sort(), quoteBytes(raw));
      byPatterns = [];
    }
  }
}

/** Redis 7.2 makes the consumers of a group earlier than the oracle does. */
export function isOfConsumers(message: Buffer): boolean {
  return /xgroup-(?:create|del)consumer/.test(message.toString("latin1"));
}
