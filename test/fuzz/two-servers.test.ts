/**
 * Random commands over all types, sent to Pedis and to redis-server: all replies are equal, so are
 * the messages and keyspace events that they publish, the content at the end (by Redis's own
 * digest), and what each of them loads from the append-only file that Pedis wrote.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { findOracle } from "../support/oracle.ts";
import { randomFrom, scale, seededRandom } from "../support/random.ts";
import type { RespClient } from "../support/resp-client.ts";
import type { ServerProcess } from "../support/server.ts";
import { areAlike, describeMismatch } from "./_comparison.ts";
import { Listeners, randomMessage } from "./_listeners.ts";
import { type Operation, randomOperation } from "./_operations.ts";
import { ServerPair } from "./_server-pair.ts";

const OPERATIONS = scale(80_000);
const BATCH = 200;
const ROUNDS = 4;
/** Of the operations, those that publish a message. */
const MESSAGE_PART = 0.04;
const TIMEOUT_MS = 220_000 + OPERATIONS * 2;

/** Small thresholds in some rounds: more conversions between encodings. */
const THRESHOLDS = [
  {},
  { "hash-max-listpack-entries": 8, "zset-max-listpack-entries": 8 },
  { "set-max-intset-entries": 8, "list-max-listpack-size": 5, "hash-max-listpack-value": 20 },
  { "list-max-listpack-size": -1, "zset-max-listpack-value": 10, "stream-node-max-entries": 7 },
];

const oracle = findOracle();
if (oracle === null) console.log("Not compared with redis-server: it is not installed.");

describe.skipIf(oracle === null)("random commands on two servers", () => {
  const random = seededRandom("two servers");
  let pair: ServerPair | undefined;
  let pedis: ServerProcess;
  let redis: ServerProcess;

  beforeAll(async () => {
    if (oracle === null) return;
    pair = await ServerPair.start(oracle);
    ({ pedis, redis } = pair);
  });

  afterAll(async () => {
    await pair?.[Symbol.asyncDispose]();
  });

  test.each([...THRESHOLDS.entries()])(
    "round %d: replies and content",
    async (round, thresholds) => {
      await using ours = await pedis.connect();
      await using theirs = await redis.connect();
      for (const client of [ours, theirs]) {
        await client.do(`HELLO ${round % 2 === 0 ? 2 : 3}`);
        for (const [name, value] of Object.entries(thresholds)) {
          await client.do("CONFIG", "SET", name, String(value));
        }
      }
      await using listeners = await Listeners.connect([pedis, redis], 2 + (round % 2));
      await playRound(ours, theirs, listeners, randomFrom(random.seed + round));
      const digest = await ours.value("DEBUG DIGEST");
      expect(digest).toBe(await theirs.value("DEBUG DIGEST"));
      expect(digest).not.toBe("0".repeat(40));
    },
    TIMEOUT_MS,
  );

  test(
    "what was written to the append-only file",
    async () => {
      if (oracle === null) return;
      const digest = await pedis.withClient((client) => client.value("DEBUG DIGEST"));
      await pedis.restart();
      expect(await pedis.withClient((client) => client.value("DEBUG DIGEST"))).toBe(digest);
      await pair?.giveFileToRedis();
      expect(await redis.withClient((client) => client.value("DEBUG DIGEST"))).toBe(digest);
    },
    TIMEOUT_MS,
  );
});

async function playRound(
  ours: RespClient,
  theirs: RespClient,
  listeners: Listeners,
  random: ReturnType<typeof randomFrom>,
): Promise<void> {
  const history: Operation[] = [];
  for (let done = 0; done < OPERATIONS / ROUNDS; done += BATCH) {
    await listeners.change(random);
    const batch = Array.from({ length: BATCH }, () =>
      random.chance(MESSAGE_PART) ? randomMessage(random) : randomOperation(random),
    );
    const requests = batch.map(({ args }) => args.map((text) => Buffer.from(text, "latin1")));
    const [mine, wanted] = await Promise.all([ours.pipeline(requests), theirs.pipeline(requests)]);
    for (const [i, operation] of batch.entries()) {
      if (!areAlike(mine[i], wanted[i], operation.comparison)) {
        const where = `operation ${done + i} of the round with seed ${random.seed}`;
        throw new Error(describeMismatch(where, operation, mine[i], wanted[i], history));
      }
      history.push(operation);
    }
    await listeners.compare([ours, theirs]);
    history.splice(0, Math.max(0, history.length - 20_000));
  }
}
