/**
 * kill -9 in the middle of writes: whatever was acknowledged is there after the restart, with
 * `appendfsync always` and, as only the process dies, with `everysec`. PEDIS_LONG runs more
 * rounds.
 */
import { expect, test } from "bun:test";
import { seededRandom } from "../support/random.ts";
import type { RespClient } from "../support/resp-client.ts";
import { type ServerProcess, startServer } from "../support/server.ts";

const ROUNDS = process.env["PEDIS_LONG"] === undefined ? 3 : 20;
const WRITERS = 8;
const PIPELINE = 16;
const CHECK_AT_ONCE = 500;

interface Written {
  readonly key: string;
  readonly value: string;
}

test.each(["always", "everysec"])(
  "kill -9 loses no acknowledged write (appendfsync %s)",
  async (policy) => {
    const random = seededRandom(`kill -9, ${policy}`);
    const directives = ["appendonly yes", `appendfsync ${policy}`, 'save ""'];
    await using server = await startServer({ directives });
    const acknowledged: Written[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const clients = await Promise.all(Array.from({ length: WRITERS }, () => server.connect()));
      const writers = clients.map((client, index) =>
        write(client, `round${round}:writer${index}`, acknowledged),
      );
      await Bun.sleep(50 + random.below(400));
      while (acknowledged.length <= (round + 1) * 100) await Bun.sleep(5);
      await server.kill9();
      await Promise.all(writers);
      await server.start();
      await expectAll(server, acknowledged);
    }
    expect(acknowledged.length).toBeGreaterThan(ROUNDS * 100);
  },
  ROUNDS * 40_000,
);

test(
  "kill -9 leaves transactions whole or absent",
  async () => {
    const random = seededRandom("kill -9, transactions");
    await using server = await startServer({
      directives: ["appendonly yes", "appendfsync everysec", 'save ""'],
    });
    let acknowledged = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const clients = await Promise.all(Array.from({ length: WRITERS }, () => server.connect()));
      const transactions = clients.map((client) => transact(client, () => acknowledged++));
      await Bun.sleep(50 + random.below(300));
      while (acknowledged <= (round + 1) * 50) await Bun.sleep(5);
      await server.kill9();
      await Promise.all(transactions);
      await server.start();
      await server.withClient(async (client) => {
        const [one, other] = (await client.value("MGET", "one", "other")) as string[];
        expect(one).toBe(other);
        expect(Number(one)).toBeGreaterThanOrEqual(acknowledged);
        expect(await client.value("LLEN", "list")).toBe(Number(one));
      });
    }
    expect(acknowledged).toBeGreaterThan(ROUNDS * 50);
  },
  ROUNDS * 40_000,
);

/** Runs transactions until the connection breaks; tells of each that was acknowledged. */
async function transact(client: RespClient, acknowledge: () => void): Promise<void> {
  const transaction = ["MULTI", "INCR one", `RPUSH list ${"x".repeat(3000)}`, "INCR other", "EXEC"];
  for (;;) {
    const replies = await client.pipeline(transaction).catch(() => null);
    if (replies === null) return;
    expect(Array.isArray(replies[4].value)).toBe(true);
    acknowledge();
  }
}

/** Writes until the connection breaks; only what was acknowledged is noted. */
async function write(client: RespClient, name: string, acknowledged: Written[]): Promise<void> {
  for (let batch = 0; ; batch++) {
    const sent: Written[] = [];
    for (let i = 0; i < PIPELINE; i++) {
      // Now and then a value that takes writes of its own, or is cut by the kill.
      const size = i === 7 && batch % 8 === 3 ? 200_000 : 10;
      sent.push({ key: `${name}:${batch}:${i}`, value: `${i}`.repeat(size) });
    }
    const replies = sent.map(async ({ key, value }) => {
      const reply = await client.value("SET", key, value);
      expect(reply).toBe("OK");
    });
    const results = await Promise.allSettled(replies);
    for (const [i, { status }] of results.entries()) {
      if (status === "fulfilled") acknowledged.push(sent[i]);
    }
    if (results.some(({ status }) => status === "rejected")) return;
  }
}

async function expectAll(server: ServerProcess, written: readonly Written[]): Promise<void> {
  await server.withClient(async (client) => {
    for (let from = 0; from < written.length; from += CHECK_AT_ONCE) {
      const part = written.slice(from, from + CHECK_AT_ONCE);
      const replies = await client.pipeline(part.map(({ key }) => ["GET", key]));
      const lost = part.filter(({ value }, i) => replies[i].value !== value);
      expect(lost.map(({ key }) => key)).toEqual([]);
    }
  });
}
