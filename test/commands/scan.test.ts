/** KEYS, SCAN and RANDOMKEY on databases that change, and their arguments at the limits. */
import { expect, test } from "bun:test";
import type { RespClient } from "../support/resp-client.ts";
import { seededRandom, scale } from "../support/random.ts";
import { startServer } from "../support/server.ts";
import { compare, transcript, transcripts } from "../support/transcript.ts";

const random = seededRandom("scan");

compare(
  "cursors are read as strtoul reads them",
  `
  SCAN ""
  SCAN 0
  SCAN +0
  SCAN -0
  SCAN 00
  SCAN 18446744073709551615
  SCAN -18446744073709551615
  SCAN 18446744073709551616
  SCAN -18446744073709551616
  SCAN 0x10
  SCAN 1.0
  SCAN 1e3
  SCAN " 0"
  SCAN "0 "
  SCAN "0\\x00junk"
  SCAN "\\t0"
  SCAN --1
  SCAN +
  `,
);

compare(
  "SCAN's options",
  `
  SET k v
  SCAN 0 count 9223372036854775807
  SCAN 0 count 9223372036854775808
  SCAN 0 count 1000 COUNT 500
  SCAN 0 COUNT 0
  SCAN 0 COUNT 1.0
  SCAN 0 COUNT
  SCAN 0 MATCH
  SCAN 0 TYPE
  SCAN 0 MATCH x TYPE
  SCAN 0 NOVALUES
  SCAN 0 count 100 match k match x
  SCAN 0 count 100 match x match k
  SCAN 0 count 100 type string
  SCAN 0 count 100 type StRiNg
  SCAN 0 count 100 type set
  SCAN 0 count 100 type nonsense
  SCAN 0 count 100 type ""
  SCAN 0 count 100 type list type string
  SCAN
  SCAN x COUNT 0
  SCAN 0 COUNT x BOGUS
  `,
);

compare(
  "patterns",
  `
  MSET a 1 A 2 ab 3 abc 4 a*c 5 a?c 6 [a] 7 a-c 8 a\\\\c 9
  ? KEYS *
  ? KEYS **
  ? KEYS a*
  ? KEYS a?c
  ? KEYS a\\\\?c
  ? KEYS a\\\\*c
  ? KEYS [aA]
  ? KEYS [^a]
  ? KEYS [a-b]?c
  ? KEYS a[*?]c
  ? KEYS [[]a]
  ? KEYS \\\\[a\\\\]
  ? KEYS ""
  ? KEYS a[
  ? KEYS [
  ? KEYS a\\\\\\\\c
  FLUSHDB
  SET "" empty
  KEYS *
  KEYS **
  KEYS ""
  KEYS ?
  SCAN 0 MATCH *
  SCAN 0 MATCH **
  SCAN 0 MATCH ""
  `,
);

transcript("SCAN leaves out expired keys and removes those that it looks at", (t) => {
  t.do("DEBUG SET-ACTIVE-EXPIRE 0");
  t.do("MSET stays 1 other 2");
  for (let i = 0; i < 5; i++) t.do(`SET gone:${i} v PX 1`);
  t.pause(20);
  t.do("DBSIZE").is(7);
  t.do("SCAN 0 COUNT 100 MATCH s*").is(["0", ["stays"]]);
  t.do("DBSIZE").is(7);
  t.do("SCAN 0 COUNT 100 MATCH gone:[01]").is(["0", []]);
  t.do("DBSIZE").is(5);
  t.do("SCAN 0 COUNT 100 TYPE list").is(["0", []]);
  t.do("DBSIZE").is(2);
  t.do("DEBUG SET-ACTIVE-EXPIRE 1");
});

/** All keys that a whole iteration returns, and how many steps it took. */
async function scanAll(
  client: RespClient,
  options: string,
  between: () => Promise<void> = async () => {},
): Promise<{ keys: string[]; steps: number }> {
  const keys: string[] = [];
  let cursor = "0";
  let steps = 0;
  do {
    const [next, found] = (await client.value(`SCAN ${cursor} ${options}`)) as [string, string[]];
    keys.push(...found);
    cursor = next;
    steps++;
    await between();
  } while (cursor !== "0");
  return { keys, steps };
}

test("an iteration takes about as many steps as COUNT suggests", async () => {
  await using server = await startServer({ directives: ['save ""', "enable-debug-command yes"] });
  await using client = await server.connect();
  for (const size of [1, 63, 500, 10_000]) {
    await client.do("FLUSHALL");
    await client.do(`DEBUG POPULATE ${size}`);
    for (const count of [1, 10, 100, 20_000]) {
      const { keys, steps } = await scanAll(client, `COUNT ${count}`);
      expect(keys.length).toBe(size);
      expect(new Set(keys).size).toBe(size);
      expect(steps).toBeLessThanOrEqual(Math.ceil(size / count) + 64);
      if (count >= 2 * size) expect(steps).toBe(1);
    }
  }
}, 120_000);

test("every key that stays is returned while the database grows and shrinks", async () => {
  await using server = await startServer({ directives: ['save ""', "enable-debug-command yes"] });
  await using client = await server.connect();
  for (let round = 0; round < scale(4); round++) {
    const staying = 1 + random.below(3000);
    await client.do("FLUSHALL");
    await client.do(`DEBUG POPULATE ${staying} stays`);
    let grown = 0;
    const change = async (): Promise<void> => {
      const from = grown;
      const lines: string[][] = [];
      if (random.chance(0.6)) {
        for (; grown < from + 200; grown++) lines.push(["SET", `passes:${grown}`, "v"]);
      } else {
        for (; grown > Math.max(0, from - 300); grown--) lines.push(["DEL", `passes:${grown - 1}`]);
      }
      await client.pipeline(lines);
    };
    const { keys } = await scanAll(client, `COUNT ${random.between(5, 200)}`, change);
    const found = new Set(keys.filter((key) => key.startsWith("stays:")));
    expect(found.size).toBe(staying);
  }
});

transcripts({ protocols: [2] }).transcript("RANDOMKEY finds the one key left of many", (t) => {
  t.do("DEBUG POPULATE 5000");
  t.do("SET the-one v");
  for (let i = 0; i < 5000; i += 500) {
    t.do("DEL", ...Array.from({ length: 500 }, (_, at) => `key:${i + at}`)).is(500);
  }
  for (let i = 0; i < 50; i++) t.do("RANDOMKEY").is("the-one");
  t.do("DBSIZE").is(1);
});

test("RANDOMKEY reaches every key, none of them much more often than others", async () => {
  await using server = await startServer({ directives: ['save ""', "enable-debug-command yes"] });
  await using client = await server.connect();
  await client.do("DEBUG POPULATE 20");
  const counts = new Map<string, number>();
  const draws = 4000;
  const replies = await client.pipeline(Array.from({ length: draws }, () => ["RANDOMKEY"]));
  for (const { value } of replies) {
    const key = value as string;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  expect(counts.size).toBe(20);
  // The mean is 200; being off by more than half has a chance of one in a million millions.
  for (const count of counts.values()) {
    expect(count).toBeGreaterThan(100);
    expect(count).toBeLessThan(300);
  }
});
