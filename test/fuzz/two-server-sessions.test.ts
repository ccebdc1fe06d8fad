/**
 * Several connections of Pedis and of redis-server do the same random things in the same order:
 * commands over all types, transactions with WATCH that other connections disturb, publishing and
 * subscribing. All replies, messages and keyspace events are equal and come in the same order; so
 * is the content at the end, and what each of them loads from the append-only file of Pedis.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { findOracle } from "../support/oracle.ts";
import { type Random, randomFrom, scale, seededRandom } from "../support/random.ts";
import type { Reply, RespClient } from "../support/resp-client.ts";
import type { ServerProcess } from "../support/server.ts";
import { areAlike, describeMismatch, readable, withoutConsumers } from "./_comparison.ts";
import { isOfConsumers } from "./_listeners.ts";
import { type Operation, randomOperation } from "./_operations.ts";
import { ServerPair } from "./_server-pair.ts";

const EPISODES = scale(4000);
const ROUNDS = 2;
const MOST_OPERATIONS = 12;
const HISTORY = 5000;
const TIMEOUT_MS = 220_000 + EPISODES * 20;

/** What happens on one connection, at once, before anything happens on another. */
interface Burst {
  readonly connection: number;
  readonly operations: readonly Operation[];
}

/** The connections of one server: two that work, one that subscribes, one that hears events. */
interface Side {
  readonly workers: readonly RespClient[];
  readonly subscriber: RespClient;
  readonly listener: RespClient;
}

const oracle = findOracle();
if (oracle === null) console.log("Not compared with redis-server: it is not installed.");

describe.skipIf(oracle === null)("sessions on two servers", () => {
  const random = seededRandom("two servers' sessions");
  let pair: ServerPair | undefined;
  let pedis: ServerProcess;
  let redis: ServerProcess;

  beforeAll(async () => {
    if (oracle === null) return;
    pair = await ServerPair.start(oracle, ['notify-keyspace-events "KEAmn"']);
    ({ pedis, redis } = pair);
  });

  afterAll(async () => {
    await pair?.[Symbol.asyncDispose]();
  });

  test.each(Array.from({ length: ROUNDS }, (_, round) => round))(
    "round %d: replies, messages, events and content",
    async (round) => {
      const protocol = round % 2 === 0 ? 2 : 3;
      const ours = await connect(pedis, protocol);
      const theirs = await connect(redis, protocol);
      await new Match(ours, theirs, randomFrom(random.seed + round)).play();
      const content = await contentOf(pedis);
      expect(content).toEqual(await contentOf(redis));
      expect(content.length).toBeGreaterThan(1);
    },
    TIMEOUT_MS,
  );

  test(
    "what was written to the append-only file",
    async () => {
      const content = await contentOf(pedis);
      await pedis.restart();
      expect(await contentOf(pedis)).toEqual(content);
      await pair?.giveFileToRedis();
      expect(await contentOf(redis)).toEqual(content);
    },
    TIMEOUT_MS,
  );
});

async function connect(server: ServerProcess, protocol: 2 | 3): Promise<Side> {
  const workers = [await server.connect(), await server.connect()];
  for (const worker of workers) await worker.do(`HELLO ${protocol}`);
  const subscriber = await server.connect();
  const listener = await server.connect();
  await listener.do("PSUBSCRIBE", "__key*");
  return { workers, subscriber, listener };
}

/** The digest, which says nothing of groups, and what each group knows. */
async function contentOf(server: ServerProcess): Promise<string[]> {
  return server.withClient(async (client) => {
    const content = [await client.text("DEBUG DIGEST")];
    for (const key of ["e0", "e1", "e2", "e3"]) {
      const groups = await client.value("XINFO", "GROUPS", key);
      content.push(JSON.stringify(withoutConsumers(groups)));
      for (const group of ["g0", "g1", "g2"]) {
        content.push(await client.text("XPENDING", key, group));
        const pending = await client.value("XPENDING", key, group, "-", "+", "100000");
        if (!Array.isArray(pending)) continue;
        content.push(...pending.map((one) => JSON.stringify((one as unknown[]).slice(0, 2))));
      }
    }
    return content;
  });
}

class Match {
  private readonly history: Operation[] = [];
  private markers = 0;
  private readonly ours: Side;
  private readonly theirs: Side;
  private readonly random: Random;

  constructor(ours: Side, theirs: Side, random: Random) {
    this.ours = ours;
    this.theirs = theirs;
    this.random = random;
  }

  async play(): Promise<void> {
    for (let episode = 0; episode < EPISODES / ROUNDS; episode++) {
      const where = `episode ${episode} of the round with seed ${this.random.seed}`;
      if (this.random.chance(0.15)) await this.subscribe(where);
      else for (const burst of randomEpisode(this.random)) await this.playBurst(burst, where);
      await this.compareHeard("listener", where);
      await this.compareHeard("subscriber", where);
    }
  }

  private async playBurst({ connection, operations }: Burst, where: string): Promise<void> {
    const requests = operations.map(({ args }) => args.map((word) => Buffer.from(word, "latin1")));
    const [mine, wanted] = await Promise.all([
      this.ours.workers[connection].pipeline(requests),
      this.theirs.workers[connection].pipeline(requests),
    ]);
    for (const [i, operation] of operations.entries()) {
      if (!areAlike(mine[i], wanted[i], operation.comparison)) {
        throw new Error(describeMismatch(where, operation, mine[i], wanted[i], this.history));
      }
      this.history.push(operation);
    }
    this.history.splice(0, Math.max(0, this.history.length - HISTORY));
  }

  private async subscribe(where: string): Promise<void> {
    const args = randomSubscription(this.random);
    this.ours.subscriber.begin(...args);
    this.theirs.subscriber.begin(...args);
    await this.compareHeard("subscriber", `${where}: ${args.join(" ")}`);
  }

  /** What came to both since the last time, up to the reply to a PING that marks the end. */
  private async compareHeard(who: "listener" | "subscriber", where: string): Promise<void> {
    const marker = `marker-${this.markers++}`;
    const [mine, wanted] = await Promise.all([
      heard(this.ours[who], marker),
      heard(this.theirs[who], marker),
    ]);
    const count = Math.max(mine.length, wanted.length);
    for (let i = 0; i < count; i++) {
      if (i < mine.length && i < wanted.length && mine[i] === wanted[i]) continue;
      const recent = this.history.slice(-30).map(({ args }) => args.join(" ").slice(0, 120));
      const lines = [mine, wanted].map((all) => all.slice(Math.max(0, i - 3), i + 3).join("\n  "));
      throw new Error(
        `${where}: the ${who} heard otherwise\npedis:\n  ${lines.join("\nredis:\n  ")}\n` +
          `after:\n  ${recent.join("\n  ")}`,
      );
    }
  }
}

async function heard(client: RespClient, marker: string): Promise<string[]> {
  client.begin("PING", marker);
  const messages: string[] = [];
  for (;;) {
    const message: Reply = await client.next();
    if (Buffer.from(message.raw).includes(marker)) return messages;
    if (!isOfConsumers(Buffer.from(message.raw))) messages.push(readable(message));
  }
}

/** Bursts that belong together: a transaction may be disturbed by the other connection. */
function randomEpisode(r: Random): Burst[] {
  const connection = r.below(2);
  const other = 1 - connection;
  const kind = r.below(100);
  if (kind < 45) return [{ connection, operations: many(r, randomOperation) }];
  if (kind < 55) return [{ connection, operations: many(r, publishing) }];
  const bursts: Burst[] = [];
  if (r.chance(0.5)) {
    const keys = Array.from({ length: r.between(1, 3) }, () => watchedKey(r));
    bursts.push({ connection, operations: [exact("WATCH", ...keys)] });
    if (r.chance(0.3)) bursts.push({ connection, operations: many(r, exactOperation) });
    if (r.chance(0.6)) bursts.push({ connection: other, operations: many(r, randomOperation) });
    if (r.chance(0.1)) bursts.push({ connection, operations: [exact("UNWATCH")] });
  }
  const queued = many(r, (chance) =>
    chance.chance(0.2) ? publishing(chance) : exactOperation(chance),
  );
  if (r.chance(0.05)) queued.push(exact("NOSUCHCOMMAND"), exact("GET"));
  bursts.push({ connection, operations: [exact("MULTI"), ...queued] });
  if (r.chance(0.3)) bursts.push({ connection: other, operations: many(r, randomOperation) });
  bursts.push({ connection, operations: [exact(r.chance(0.9) ? "EXEC" : "DISCARD")] });
  return bursts;
}

function many(r: Random, make: (r: Random) => Operation): Operation[] {
  return Array.from({ length: r.between(1, MOST_OPERATIONS) }, () => make(r));
}

function exact(...args: string[]): Operation {
  return { args, comparison: "exact" };
}

/** One whose reply leaves no choice, as EXEC's is compared to the byte. */
function exactOperation(r: Random): Operation {
  for (;;) {
    const operation = randomOperation(r);
    if (operation.comparison === "exact") return operation;
  }
}

function publishing(r: Random): Operation {
  return exact("PUBLISH", `c${r.below(6)}`, `message ${r.below(1000)}`);
}

function watchedKey(r: Random): string {
  return r.pick(["s", "h", "l", "t", "z", "e"]) + r.below(4);
}

function randomSubscription(r: Random): string[] {
  const channels = Array.from({ length: r.between(1, 3) }, () => `c${r.below(6)}`);
  // No channel matches two: in which order patterns are served is the oracle's secret.
  const patterns = ["c[0-2]", "?3", "[c]4", "nothing*"];
  switch (r.below(5)) {
    case 0:
    case 1:
      return ["SUBSCRIBE", ...channels];
    case 2:
      return ["UNSUBSCRIBE", ...channels];
    case 3:
      return ["PSUBSCRIBE", r.pick(patterns)];
    default:
      return ["PUNSUBSCRIBE", r.pick(patterns)];
  }
}
