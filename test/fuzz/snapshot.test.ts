/**
 * A snapshot is of one moment, whatever is changed while it is written: random changes to all
 * types, huge values among them, with a save or a rewrite in their midst. What is in the file is
 * compared with what was there when the save began; what base and increments make together with
 * what is there in the end.
 */
import { describe, expect, test } from "bun:test";
import {
  type Content,
  contentOf,
  type ContentOptions,
  differences,
  removeExpired,
} from "../support/content.ts";
import { randomFrom, scale, seededRandom } from "../support/random.ts";
import { persistenceField } from "../support/saving.ts";
import type { RespClient } from "../support/resp-client.ts";
import { type ServerProcess, startServer } from "../support/server.ts";
import { type ChangeOptions, changes, type Command, filling } from "../support/changes.ts";

const ROUNDS = scale(1);
const BATCH = 50;
const COMMANDS_AT_ONCE = 1000;
const BASIC = ['save ""', "enable-debug-command yes", "loglevel notice"];
/** Long enough for many changes during a save; at first nothing of it is written. */
const KEY_DELAY_US = 300;
const FIRST_KEY_DELAY_US = 100_000;
const FIRST_BATCHES = 1;
const ROUND_TIMEOUT_MS = 240_000;
/** The longest time that a change gives a key or a field. */
const EXPIRY_MS = 300;
const EXPIRY_TIMEOUT_MS = 30_000;
const LAST_HASH = "the last one to expire";

const OPTIONS: ChangeOptions = {
  keys: 25,
  hugeSize: 6000,
  databases: 3,
  hasFieldExpiry: true,
};
const WHOLE: ContentOptions = { hasFieldExpiry: true, hasNoEncodings: true };

describe.each(Array.from({ length: ROUNDS }, (_, round) => round))("round %d", (round) => {
  const { seed } = seededRandom("snapshots of a server");

  test(
    "BGSAVE writes what was there when it began",
    async () => {
      const random = randomFrom(seed + round);
      await using server = await startServer({ directives: BASIC });
      await using client = await server.connect();
      await send(client, [...filling(random, OPTIONS)]);
      const stream = changes(random, OPTIONS);
      await send(client, take(stream, random.below(500)));
      await untilExpired(client);
      const before = await contentOf(client, WHOLE);
      await client.do("CONFIG", "SET", "rdb-key-save-delay", FIRST_KEY_DELAY_US);
      expect(await client.value("BGSAVE")).toBe("Background saving started");
      const count = await changeWhile(client, stream, "rdb_bgsave_in_progress");
      expect(count).toBeGreaterThanOrEqual(FIRST_BATCHES * BATCH);
      expect(await persistenceField(client, "rdb_last_bgsave_status")).toBe("ok");
      expect(await client.value("DEBUG DIGEST")).not.toBe(before.digest);
      await server.kill9();
      await server.start();
      expect(differences(await contentOfServer(server, WHOLE), before)).toEqual([]);
    },
    ROUND_TIMEOUT_MS,
  );

  test.each(["yes", "no"])(
    "BGREWRITEAOF under changes loses none of them (aof-use-rdb-preamble %s)",
    async (preamble) => {
      const random = randomFrom(seed + round);
      const directives = [...BASIC, "appendonly yes", `aof-use-rdb-preamble ${preamble}`];
      await using server = await startServer({
        directives: [...directives, "auto-aof-rewrite-percentage 0"],
      });
      await using client = await server.connect();
      await send(client, [...filling(random, OPTIONS)]);
      const stream = changes(random, OPTIONS);
      await send(client, take(stream, random.below(500)));
      await client.do("CONFIG", "SET", "rdb-key-save-delay", FIRST_KEY_DELAY_US);
      await client.do("BGREWRITEAOF");
      const count = await changeWhile(client, stream, "aof_rewrite_in_progress");
      expect(count).toBeGreaterThanOrEqual(FIRST_BATCHES * BATCH);
      expect(await persistenceField(client, "aof_last_bgrewrite_status")).toBe("ok");
      await send(client, take(stream, random.below(500)));
      await untilExpired(client);
      const options = { ...WHOLE, isRebuilt: true, hasNoConsumers: preamble === "no" };
      const before = await contentOf(client, options);
      await server.kill9();
      await server.start();
      expect(differences(await contentOfServer(server, options), before)).toEqual([]);
    },
    ROUND_TIMEOUT_MS,
  );
});

/** Changes until the field of INFO persistence is 0; how many commands that were. */
async function changeWhile(
  client: RespClient,
  stream: Generator<Command, never>,
  field: string,
): Promise<number> {
  for (let count = 0; ; count += BATCH) {
    if ((await persistenceField(client, field)) === "0") return count;
    await send(client, take(stream, BATCH));
    if (count !== FIRST_BATCHES * BATCH) continue;
    await client.do("CONFIG", "SET", "rdb-key-save-delay", KEY_DELAY_US);
  }
}

/**
 * Waits until what has expired is gone: what a cycle has left counts in a digest. In each database
 * the fields that expire go in the order of their times, so the last one says that all have gone.
 */
async function untilExpired(client: RespClient): Promise<void> {
  await Bun.sleep(EXPIRY_MS);
  for (let database = 0; database < OPTIONS.databases; database++) {
    await client.do("SELECT", database);
    await client.do("HSET", LAST_HASH, "field", "value");
    await client.do("HPEXPIRE", LAST_HASH, "1", "FIELDS", "1", "field");
    const endMs = Date.now() + EXPIRY_TIMEOUT_MS;
    while ((await client.value("EXISTS", LAST_HASH)) !== 0) {
      if (Date.now() > endMs) throw new Error("Fields do not expire");
      await Bun.sleep(5);
    }
  }
  await removeExpired(client);
}

function take(stream: Generator<Command, never>, count: number): Command[] {
  return Array.from({ length: count }, () => stream.next().value);
}

/** Sends commands in large pipelines; what is refused does not matter. */
async function send(client: RespClient, commands: readonly Command[]): Promise<void> {
  for (let from = 0; from < commands.length; from += COMMANDS_AT_ONCE) {
    await client.pipeline(commands.slice(from, from + COMMANDS_AT_ONCE));
  }
}

function contentOfServer(server: ServerProcess, options: ContentOptions): Promise<Content> {
  return server.withClient((client) => contentOf(client, options));
}
