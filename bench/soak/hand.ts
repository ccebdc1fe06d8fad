/**
 * A client's hand: what it sends is counted, and every reply is looked at. What is stored under a
 * key always begins with the key and `=`, so whoever reads it can tell whether it is the key's own.
 */
import type { Random } from "../../test/support/random.ts";
import { type Argument, readableReply } from "../../test/support/readable.ts";
import { ReplyError, type ReplyValue, type RespClient } from "../../test/support/resp-client.ts";

/** What went wrong, of all clients: how often, and the first of each kind. */
export class Troubles {
  count = 0;
  readonly first = new Map<string, string>();

  note(what: string, detail: string): void {
    this.count++;
    if (!this.first.has(what) && this.first.size < MOST_KINDS) this.first.set(what, detail);
  }
}

/** What all clients have done together. */
export class Tally {
  requests = 0;
  connections = 0;
  messages = 0;
  readonly troubles = new Troubles();
  /** The longest that a client waited since it was last asked. */
  longestMs = 0;

  takeLongest(): number {
    const longest = this.longestMs;
    this.longestMs = 0;
    return longest;
  }
}

const MOST_KINDS = 20;
const SHOWN_LENGTH = 300;

/**
 * Refused because the key, or the group in it, was evicted or has expired, or because the server
 * has begun by itself what it is asked for: nobody's fault.
 */
const HARMLESS = [
  /^ERR no such key/,
  /^NOGROUP/,
  /^ERR index out of range/,
  /^ERR The XGROUP subcommand requires/,
  /rewriting already in progress/,
];

export class Hand {
  readonly client: RespClient;
  readonly random: Random;
  requests = 0;
  private readonly tally: Tally;

  constructor(client: RespClient, random: Random, tally: Tally) {
    this.client = client;
    this.random = random;
    this.tally = tally;
  }

  /** Sends all in one write and gives the replies; an error among them is trouble. */
  async send(...commands: readonly (readonly Argument[])[]): Promise<ReplyValue[]> {
    const sentAtMs = performance.now();
    const replies = await this.client.pipeline(commands);
    this.tally.longestMs = Math.max(this.tally.longestMs, performance.now() - sentAtMs);
    this.countRequests(commands.length);
    this.client.unasked.length = 0;
    const values = replies.map(({ value }) => value);
    for (const [index, value] of values.entries()) this.checkError(value, commands[index]);
    return values;
  }

  /** A request that may wait for as long as it likes. */
  async wait(...command: readonly Argument[]): Promise<ReplyValue> {
    const value = await this.client.value(...command);
    this.countRequests(1);
    this.checkError(value, command);
    return value;
  }

  /** Whatever strings the reply holds must be of this key. */
  checkOwn(key: string, reply: ReplyValue | undefined): void {
    if (Array.isArray(reply)) {
      for (const part of reply) this.checkOwn(key, part);
    } else if (typeof reply === "string" && !reply.startsWith(`${key}=`)) {
      this.trouble(`a reply about ${key[0]} has other content`, `${key}: ${readableReply(reply)}`);
    }
  }

  check(isSo: boolean, what: string, reply: ReplyValue | undefined): void {
    if (!isSo) this.trouble(what, readableReply(reply ?? null));
  }

  trouble(what: string, detail: string): void {
    this.tally.troubles.note(what, detail.slice(0, SHOWN_LENGTH));
  }

  heard(): void {
    this.tally.messages++;
  }

  private countRequests(count: number): void {
    this.requests += count;
    this.tally.requests += count;
  }

  private checkError(value: ReplyValue, command: readonly Argument[]): void {
    if (Array.isArray(value)) {
      for (const part of value) this.checkError(part, command);
    } else if (value instanceof ReplyError) {
      if (HARMLESS.some((pattern) => pattern.test(value.message))) return;
      const shown = command.slice(0, 3).map((word) => String(word).slice(0, 40));
      this.trouble(`${shown[0]}: ${value.message}`, shown.join(" "));
    }
  }
}
