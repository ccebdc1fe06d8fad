/**
 * The soak's clients. Each role is played by some connections at a time; a connection lives for a
 * while, ends in one of the ways in which connections end, and another takes its place.
 */
import type { Random } from "../../test/support/random.ts";
import type { ReplyValue, RespClient } from "../../test/support/resp-client.ts";
import type { ServerProcess } from "../../test/support/server.ts";
import { type Deed, DEEDS } from "./deeds.ts";
import { Hand, type Tally } from "./hand.ts";

export interface Stage {
  readonly server: ServerProcess;
  readonly random: Random;
  readonly tally: Tally;
  /** By `performance.now`. */
  readonly endMs: number;
  /** Of all workers together. */
  readonly requestsPerSecond: number;
}

interface Role {
  readonly players: number;
  readonly play: (hand: Hand, stage: Stage, untilMs: number) => Promise<void>;
}

const WORKERS = 12;
const ROLES: readonly Role[] = [
  { players: WORKERS, play: work },
  { players: 1, play: publish },
  { players: 3, play: subscribe },
  { players: 1, play: hearEvents },
  { players: 1, play: produce },
  { players: 2, play: consume },
  { players: 2, play: waitInVain },
];
const CHANNEL = "news";
const QUEUE = "queue";
const LONGEST_LIFE_MS = 60_000;
const SHORTEST_LIFE_MS = 500;
const AFTER_TROUBLE_MS = 200;
const LATE_MS = 500;
const LOG_LENGTH = 3000;
const PUBLISHED_EVERY_MS = 50;
const PRODUCED_EVERY_MS = 30;
const BLOCKED_SECONDS = "0.3";
const DEED_WEIGHT = DEEDS.reduce((sum, { weight }) => sum + weight, 0);

/** Messages and jobs are numbered, over all connections that ever send them. */
let lastMessage = 0;
let lastJob = 0;

/** Resolves when all of them have gone, after the end. */
export async function playAll(stage: Stage): Promise<void> {
  const seats = ROLES.flatMap((role) => Array.from({ length: role.players }, () => role));
  await Promise.all(seats.map((role) => fillSeat(role, stage)));
}

async function fillSeat({ play }: Role, stage: Stage): Promise<void> {
  const { server, random, tally, endMs } = stage;
  while (performance.now() < endMs) {
    const lifeMs = SHORTEST_LIFE_MS + random.below(random.below(LONGEST_LIFE_MS) + 1);
    const untilMs = Math.min(endMs, performance.now() + lifeMs);
    try {
      await using client = await server.connect();
      tally.connections++;
      await play(new Hand(client, random, tally), stage, untilMs);
      await leave(client, random);
    } catch (problem) {
      if (!server.isRunning) {
        throw new Error(`The server is gone: ${server.log.slice(-LOG_LENGTH)}`, { cause: problem });
      }
      tally.troubles.note("a connection broke", String(problem));
      await Bun.sleep(AFTER_TROUBLE_MS);
    }
  }
}

/** All but the first leave the server to find out, with something unfinished. */
async function leave(client: RespClient, random: Random): Promise<void> {
  const ways: readonly (() => unknown)[] = [
    () => {
      client.send("QUIT\r\n");
      return client.closed;
    },
    () => client.send("*3\r\n$3\r\nSET\r\n$500000\r\nxxx"),
    () => client.send("MULTI\r\nSET s s=\r\n"),
    () => client.begin("BLPOP", "nothing", "0"),
    () => client.send("LRANGE L000000000000 0 2000\r\n".repeat(50)),
  ];
  await random.pick(ways)();
}

async function work(hand: Hand, stage: Stage, untilMs: number): Promise<void> {
  const { random } = stage;
  if (random.chance(0.4)) {
    await hand.send(["HELLO", "3"]);
    const options = random.pick([[], ["BCAST", "PREFIX", "s"], ["NOLOOP"]]);
    if (random.chance(0.4)) await hand.send(["CLIENT", "TRACKING", "ON", ...options]);
  }
  const msPerRequest = (1000 * WORKERS) / stage.requestsPerSecond;
  let dueMs = performance.now();
  while (performance.now() < untilMs) {
    const before = hand.requests;
    await chooseDeed(random).run(hand);
    dueMs += (hand.requests - before) * msPerRequest;
    const now = performance.now();
    if (dueMs < now - LATE_MS) dueMs = now;
    if (dueMs > now + 1) await Bun.sleep(Math.max(0, Math.min(dueMs, untilMs) - now));
  }
}

function chooseDeed(random: Random): Deed {
  let left = (random.below(1e9) / 1e9) * DEED_WEIGHT;
  return DEEDS.find(({ weight }) => (left -= weight) < 0) ?? DEEDS[0];
}

async function publish(hand: Hand, _stage: Stage, untilMs: number): Promise<void> {
  while (performance.now() < untilMs) {
    await hand.send(["PUBLISH", CHANNEL, String(++lastMessage)]);
    await Bun.sleep(PUBLISHED_EVERY_MS);
  }
}

/** Whoever listens must hear each message from the first one on, in order. */
async function subscribe(hand: Hand, stage: Stage, untilMs: number): Promise<void> {
  await hand.wait("SUBSCRIBE", CHANNEL);
  let last = 0;
  while (performance.now() < untilMs) {
    const message = await nextMessage(hand, stage, untilMs);
    if (message === null) return;
    const number = Number(message.at(-1));
    hand.check(last === 0 || number === last + 1, "a message came out of order", message);
    last = number;
  }
}

async function hearEvents(hand: Hand, stage: Stage, untilMs: number): Promise<void> {
  await hand.wait("PSUBSCRIBE", "__keyevent@0__:e*");
  while (performance.now() < untilMs) {
    const message = await nextMessage(hand, stage, untilMs);
    if (message === null) return;
    const [kind, , channel] = message;
    hand.check(kind === "pmessage", "a notification is no message", message);
    const isOne = typeof channel === "string" && /:(expired|evicted|expire)$/.test(channel);
    hand.check(isOne, "another event", message);
  }
}

/** Null where none comes before the end. */
async function nextMessage(
  hand: Hand,
  { endMs }: Stage,
  untilMs: number,
): Promise<ReplyValue[] | null> {
  const late = Bun.sleep(Math.max(0, Math.min(endMs, untilMs) - performance.now())).then(
    () => null,
  );
  const reply = await Promise.race([hand.client.next(), late]);
  if (reply === null || !Array.isArray(reply.value)) return null;
  hand.heard();
  return reply.value;
}

async function produce(hand: Hand, _stage: Stage, untilMs: number): Promise<void> {
  while (performance.now() < untilMs) {
    await hand.send(
      ["RPUSH", QUEUE, String(++lastJob)],
      ["XADD", "jobs", "MAXLEN", "100", "*", "job", String(lastJob)],
    );
    await Bun.sleep(PRODUCED_EVERY_MS);
  }
}

/** Jobs may be lost by eviction, but never come twice or out of order. */
async function consume(hand: Hand, _stage: Stage, untilMs: number): Promise<void> {
  let last = 0;
  while (performance.now() < untilMs) {
    const job = await hand.wait("BLPOP", QUEUE, BLOCKED_SECONDS);
    if (!Array.isArray(job)) continue;
    hand.check(job[0] === QUEUE && Number(job[1]) > last, "a job came again", job);
    last = Number(job[1]);
  }
}

async function waitInVain(hand: Hand, { random }: Stage, untilMs: number): Promise<void> {
  while (performance.now() < untilMs) {
    await hand.wait(
      ...random.pick([
        ["BLMOVE", "nothing", "nowhere", "LEFT", "RIGHT", BLOCKED_SECONDS],
        ["BZPOPMIN", "none", "nobody", BLOCKED_SECONDS],
        ["XREAD", "BLOCK", "100", "COUNT", "2", "STREAMS", "jobs", "$"],
        ["BLMPOP", BLOCKED_SECONDS, "2", "nothing", "nowhere", "LEFT"],
      ]),
    );
  }
}
