/**
 * Several clients that write to a primary all at once until they are stopped: commands over all
 * types in several databases, transactions, short lives, large values, and clients that wait for
 * what others push. What depends on chance or time is wanted here: only its effects may travel.
 */
import type { Random } from "../support/random.ts";
import type { RespClient } from "../support/resp-client.ts";
import type { ServerProcess } from "../support/server.ts";
import { randomOperation } from "./_operations.ts";
import { type Entry, keyOf, maybe, pure, some, text } from "./_words.ts";

const DATABASES = 4;
const WRITERS = 3;
const WAITERS = 3;
const MOST_AT_ONCE = 30;
/** Of the pieces of a batch, those from the entries below, and those that are transactions. */
const OWN_PART = 0.2;
const TRANSACTION_PART = 0.1;
const WAIT_SECONDS = "0.05";
/** Nothing lives longer that does not live for ever: about what a comparison has to wait. */
export const LONGEST_LIFE_MS = 400;

const string = keyOf("s");
const any = (r: Random): string =>
  r.pick(["s", "h", "l", "t", "z", "x", "p", "g", "e"].map(pure))(r);
const database = (r: Random): number => r.below(DATABASES);
const life = (r: Random): number => r.between(1, LONGEST_LIFE_MS);
const awaited = (letter: string, r: Random): string => `wait:${letter}${r.below(3)}`;
const large = (r: Random): string => `large${r.below(3)}`;

const OWN: Entry[] = [
  [4, (r) => ["SELECT", database(r)]],
  [4, (r) => ["PEXPIRE", any(r), life(r), ...maybe(r, r.pick(["NX", "XX", "GT", "LT"]))]],
  [3, (r) => ["SET", string(r), text(r), "PX", life(r)]],
  [1, (r) => ["PSETEX", string(r), life(r), text(r)]],
  [1, (r) => ["SET", string(r), text(r), "GET"]],
  [3, (r) => ["GETEX", string(r), ...r.pick([["PERSIST"], ["PX", life(r)], ["EX", "999999"]])]],
  [1, (r) => ["GETDEL", string(r)]],
  [4, (r) => ["SPOP", pure("t")(r), ...maybe(r, String(r.between(0, 9)))]],
  [3, (r) => ["INCRBYFLOAT", `f${r.below(3)}`, r.between(-1000, 1000) / 7]],
  [2, (r) => ["HINCRBYFLOAT", "hf", text(r), r.between(-1000, 1000) / 7]],
  [1, (r) => ["SET", large(r), text(r).padEnd(r.pick([20_000, 100_000, 300_000]), "large ")]],
  [1, (r) => ["APPEND", large(r), text(r)]],
  [1, (r) => ["SETRANGE", large(r), r.below(300_000), text(r)]],
  [1, (r) => ["BITFIELD", "bits", "INCRBY", "u8", r.below(900), 3, "GET", "i16", 7]],
  [1, (r) => ["BITOP", r.pick(["AND", "OR", "XOR"]), "bits", string(r), string(r)]],
  [2, (r) => ["SORT", r.pick([pure("l"), pure("t")])(r), "ALPHA", "STORE", pure("l")(r)]],
  [1, (r) => ["GEOSEARCHSTORE", "z0", "g0", "FROMLONLAT", 0, 0, "BYRADIUS", r.below(9e6), "m"]],
  [3, (r) => ["XADD", "wait:e0", "MAXLEN", "~", 40, "*", "field", text(r)]],
  [1, () => ["XGROUP", "CREATE", "wait:e0", "g", "$", "MKSTREAM"]],
  [1, (r) => ["XAUTOCLAIM", "wait:e0", "g", `c${r.below(3)}`, 0, "-", "COUNT", r.below(20) + 1]],
  [1, (r) => ["XTRIM", "wait:e0", "MAXLEN", r.below(40)]],
  [3, (r) => [r.pick(["LPUSH", "RPUSH"]), awaited("l", r), ...some(r, 5)]],
  [2, (r) => ["ZADD", awaited("z", r), r.below(99), text(r), r.below(99), text(r)]],
  [1, (r) => ["MOVE", any(r), database(r)]],
  [1, (r) => ["COPY", any(r), any(r), "DB", database(r), "REPLACE"]],
  [0.3, (r) => ["SWAPDB", database(r), database(r)]],
  [0.05, (r) => ["FLUSHDB", r.pick(["SYNC", "ASYNC"])]],
  [0.01, (r) => ["FLUSHALL", r.pick(["SYNC", "ASYNC"])]],
  [1, (r) => ["PUBLISH", "channel", text(r)]],
];

const WAITING: Entry[] = [
  [3, (r) => [r.pick(["BLPOP", "BRPOP"]), awaited("l", r), awaited("l", r), WAIT_SECONDS]],
  [1, (r) => ["BLMPOP", WAIT_SECONDS, 2, awaited("l", r), awaited("l", r), "LEFT", "COUNT", 3]],
  [2, (r) => ["BLMOVE", awaited("l", r), awaited("l", r), "RIGHT", "LEFT", WAIT_SECONDS]],
  [1, (r) => ["BRPOPLPUSH", awaited("l", r), pure("l")(r), WAIT_SECONDS]],
  [2, (r) => [r.pick(["BZPOPMIN", "BZPOPMAX"]), awaited("z", r), WAIT_SECONDS]],
  [1, (r) => ["BZMPOP", WAIT_SECONDS, 2, awaited("z", r), awaited("z", r), "MIN", "COUNT", 2]],
  [
    3,
    (r) => {
      const reading = ["XREADGROUP", "GROUP", "g", `c${r.below(3)}`, "COUNT", 5, "BLOCK", 50];
      return [...reading, ...maybe(r, "NOACK"), "STREAMS", "wait:e0", ">"];
    },
  ],
  [1, (r) => ["SELECT", database(r)]],
];

export class ReplicationLoad implements AsyncDisposable {
  /** Whether it writes as fast as it can; else little enough for a backlog to hold a second of. */
  isFast = false;
  /** Whether it writes nothing at all. */
  isResting = false;
  private isOver = false;
  private readonly clients: readonly RespClient[];
  private readonly ends: Promise<void>[];

  private constructor(clients: readonly RespClient[], random: Random) {
    this.clients = clients;
    this.ends = clients.map((client, i) =>
      i < WRITERS ? this.write(client, random) : this.wait(client, random),
    );
    // `stop` tells of failures; until then they are not unexpected.
    for (const end of this.ends) end.catch(() => {});
  }

  static async start(primary: ServerProcess, random: Random): Promise<ReplicationLoad> {
    const clients: RespClient[] = [];
    while (clients.length < WRITERS + WAITERS) clients.push(await primary.connect());
    return new ReplicationLoad(clients, random);
  }

  /** Waits for the replies that are due; throws where one of the clients has failed. */
  async stop(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.ends);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isOver = true;
    for (const client of this.clients) await client[Symbol.asyncDispose]();
    await Promise.allSettled(this.ends);
  }

  private async write(client: RespClient, random: Random): Promise<void> {
    while (!this.isOver) {
      if (!this.isResting) await client.pipeline(randomBatch(random).map(toBytes));
      await Bun.sleep(this.isFast ? random.below(4) : random.between(20, 80));
    }
  }

  private async wait(client: RespClient, random: Random): Promise<void> {
    while (!this.isOver) await client.do(...toBytes(drawn(random, WAITING)));
  }
}

/** Some commands, and transactions of some. */
export function randomBatch(random: Random): string[][] {
  const batch: string[][] = [];
  const size = random.between(1, MOST_AT_ONCE);
  while (batch.length < size) {
    if (!random.chance(TRANSACTION_PART)) {
      batch.push(randomCommand(random));
      continue;
    }
    const group = Array.from({ length: random.below(6) }, () => randomCommand(random));
    batch.push(["MULTI"], ...group, [random.chance(0.95) ? "EXEC" : "DISCARD"]);
  }
  return batch;
}

function randomCommand(random: Random): string[] {
  return random.chance(OWN_PART) ? drawn(random, OWN) : [...randomOperation(random).args];
}

function drawn(random: Random, entries: readonly Entry[]): string[] {
  const total = entries.reduce((sum, [weight]) => sum + weight, 0);
  let left = (random.below(1e6) / 1e6) * total;
  const entry = entries.find(([weight]) => (left -= weight) < 0) ?? entries[0];
  return entry[1](random).map(String);
}

function toBytes(args: readonly string[]): Buffer[] {
  return args.map((word) => Buffer.from(word, "latin1"));
}
