/**
 * MIGRATE between whole servers: what leaves one is in the other, once and unchanged, whoever
 * writes to it meanwhile and whoever dies. Each pair of Pedis and, where it is installed,
 * redis-server.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { CuttingProxy } from "../support/cutting-proxy.ts";
import { findOracle } from "../support/oracle.ts";
import { seededRandom } from "../support/random.ts";
import { ReplyError, type RespClient } from "../support/resp-client.ts";
import { PEDIS, type Program, type ServerProcess, startServer } from "../support/server.ts";

setDefaultTimeout(60_000);

const oracle = findOracle();
const PAIRS: readonly (readonly [string, Program | null, Program | null])[] = [
  ["Pedis to Pedis", PEDIS, PEDIS],
  ["Pedis to redis-server", PEDIS, oracle],
  ["redis-server to Pedis", oracle, PEDIS],
];

const BASIC = ['save ""', "enable-debug-command yes"];

/** As `BASIC`; Redis 7.0 reads nothing later than version 10. */
function directivesFor(program: Program): string[] {
  return program.name === "pedis" ? [...BASIC, "rdb-version 10"] : BASIC;
}

interface Pair extends AsyncDisposable {
  readonly source: ServerProcess;
  readonly target: ServerProcess;
  readonly from: RespClient;
  readonly to: RespClient;
  /** Moves keys from the source's database 0 to the target's database 3. */
  readonly migrate: (...keys: string[]) => Promise<unknown>;
}

async function start(from: Program, to: Program, ...directives: string[]): Promise<Pair> {
  const source = await startServer({
    program: from,
    directives: [...directivesFor(from), ...directives],
  });
  const target = await startServer({
    program: to,
    directives: [...directivesFor(to), ...directives],
  });
  const pair = {
    source,
    target,
    from: await source.connect(),
    to: await target.connect(),
    migrate: (...keys: string[]) =>
      pair.from.value("MIGRATE", "127.0.0.1", target.port, "", 3, 10_000, "KEYS", ...keys),
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]();
      await target[Symbol.asyncDispose]();
    },
  };
  await pair.to.do("SELECT 3");
  return pair;
}

/** Values of every type, small and large. */
const CONTENT = [
  "SET string 'a value'",
  "SET number 1234567890123",
  'SET binary "\\x00\\xff\\r\\n"',
  "SETRANGE long 100000 end",
  "RPUSH list a b c 1 2 -3",
  "SADD integers 1 -2 70000 5000000000",
  "SADD set a b c 1",
  "ZADD zset 1 a -2.5 b inf c -inf d",
  "HSET hash field value 1 2",
  "XADD stream 1-1 a 1 b 2",
  "XADD stream 1-2 a 1 b 3",
  "XADD stream 5-0 other x",
  "XDEL stream 1-2",
  "XGROUP CREATE stream group 0",
  "XREADGROUP GROUP group alice COUNT 1 STREAMS stream >",
  "PFADD loglog a b c d",
  "SETBIT bits 1000 1",
];

async function fill(client: RespClient): Promise<string[]> {
  for (const line of CONTENT) await client.do(line);
  const many = Array.from({ length: 3000 }, (_, i) => i);
  await client.do("RPUSH", "large list", ...many.map((i) => `item ${i}`));
  await client.do("SADD", "large integers", ...many.map((i) => i * 7));
  await client.do("SADD", "large set", ...many.map((i) => `member ${i}`));
  await client.do("ZADD", "large zset", ...many.flatMap((i) => [i / 3, `member ${i}`]));
  await client.do("HSET", "large hash", ...many.flatMap((i) => [`field ${i}`, `value ${i}`]));
  await client.pipeline(many.map((i) => `XADD large_stream ${i + 1}-0 field value${i}`));
  return ((await client.value("KEYS *")) as string[]).toSorted();
}

const EXPIRES_AT_MS = 4_000_000_000_000;

/** What there is to say about each key: its content and its encoding. */
async function describeAll(client: RespClient, keys: readonly string[]): Promise<unknown[][]> {
  const digests = (await client.value("DEBUG", "DIGEST-VALUE", ...keys)) as unknown[];
  const encodings = await client.pipeline(keys.map((key) => ["OBJECT", "ENCODING", key]));
  // A string that is made anew may get the smaller of its two forms.
  return [digests, encodings.map(({ value }) => (value === "raw" ? "embstr" : value))];
}

describe.each(PAIRS)("%s", (_name, first, second) => {
  const isPossible = first !== null && second !== null;
  const source = first ?? PEDIS;
  const target = second ?? PEDIS;

  test.skipIf(!isPossible)("every type arrives as it was", async () => {
    await using pair = await start(source, target);
    const keys = await fill(pair.from);
    await pair.from.do(`PEXPIREAT list ${EXPIRES_AT_MS}`);
    const [digests, encodings] = await describeAll(pair.from, keys);
    const stream = await pair.from.value("XINFO STREAM stream FULL");
    expect(await pair.migrate(...keys)).toBe("OK");
    expect(await pair.from.value("DBSIZE")).toBe(0);
    const arrived = await describeAll(pair.to, keys);
    expect(arrived[0]).toEqual(digests);
    // What was sent is the time left, so the moment may differ by a little.
    const expiresAtMs = await pair.to.value("PEXPIRETIME list");
    expect(expiresAtMs).toBeWithin(EXPIRES_AT_MS - 10, EXPIRES_AT_MS + 10_000);
    // Redis 7.0 knows fewer encodings, and fewer facts about a stream.
    if (source.name === target.name) {
      expect(arrived[1]).toEqual(encodings);
      expect(await pair.to.value("XINFO STREAM stream FULL")).toEqual(stream);
    }
    expect(await pair.to.value("XPENDING stream group")).toEqual([
      1,
      "1-1",
      "1-1",
      [["alice", "1"]],
    ]);
  });

  test.skipIf(!isPossible)("COPY and REPLACE", async () => {
    await using pair = await start(source, target);
    await pair.from.do("SET k 1");
    const migrate = (rest: string): Promise<unknown> =>
      pair.from.value(`MIGRATE 127.0.0.1 ${pair.target.port} k 3 5000 ${rest}`);
    expect(await migrate("COPY")).toBe("OK");
    await pair.from.do("SET k 2");
    expect(await migrate("COPY")).toEqual(
      new ReplyError(
        "ERR Target instance replied with error: BUSYKEY Target key name already exists.",
      ),
    );
    expect(await pair.to.value("GET k")).toBe("1");
    expect(await migrate("COPY REPLACE")).toBe("OK");
    expect(await pair.to.value("GET k")).toBe("2");
    expect(await pair.from.value("GET k")).toBe("2");
    expect(await migrate("REPLACE")).toBe("OK");
    expect(await pair.from.value("EXISTS k")).toBe(0);
  });

  test.skipIf(!isPossible)("whoever writes to a key writes to one of its places", async () => {
    await using pair = await start(source, target);
    const random = seededRandom("writers of migrated keys");
    await using writer = await pair.source.connect();
    const writes = 150;
    for (let round = 0; round < 20; round++) {
      const key = `list:${round}`;
      const written: Promise<unknown>[] = [];
      let migrated: Promise<unknown> | null = null;
      const after = random.below(writes);
      for (let i = 0; i < writes; i++) {
        written.push(writer.do("RPUSH", key, i));
        if (i % 10 === 0) await written[i];
        if (i === after) migrated = pair.migrate(key);
      }
      expect(await migrated).toBeOneOf(["OK", "NOKEY"]);
      await Promise.all(written);
      const there = (await pair.to.value("LRANGE", key, 0, -1)) as string[];
      const here = (await pair.from.value("LRANGE", key, 0, -1)) as string[];
      expect([...there, ...here]).toEqual(Array.from({ length: writes }, (_, i) => String(i)));
    }
  });

  test.skipIf(!isPossible)("many keys, and a value of 20 MB", async () => {
    await using pair = await start(source, target, "appendonly yes");
    await pair.from.do(`SETRANGE large ${(20 << 20) - 3} end`);
    const keys = Array.from({ length: 10_000 }, (_, i) => `key:${i}`);
    await pair.from.do("MSET", ...keys.flatMap((key) => [key, `value of ${key}`]));
    expect(await pair.migrate("large", ...keys)).toBe("OK");
    expect(await pair.from.value("DBSIZE")).toBe(0);
    expect(await pair.to.value("DBSIZE")).toBe(10_001);
    expect(await pair.to.value("GETRANGE large -4 -1")).toBe("\0end");
    expect(await pair.to.value("GET key:77")).toBe("value of key:77");
    // And so it is for whoever repeats what was written to the file.
    await pair.source.restart();
    await using again = await pair.source.connect();
    expect(await again.value("DBSIZE")).toBe(0);
  });

  test.skipIf(!isPossible)("a target that is killed in the middle: no key is lost", async () => {
    // With `everysec` it may confirm what it has not written while it waits for the disk.
    await using pair = await start(source, target, "appendonly yes", "appendfsync always");
    const keys = Array.from({ length: 30_000 }, (_, i) => `key:${i}`);
    await pair.from.do("MSET", ...keys.flatMap((key) => [key, `value of ${key}`]));
    // About half of it: the target does not get to the end, however quick it is.
    await using proxy = await CuttingProxy.listen(pair.target.port);
    proxy.forwardLimitBytes = 1 << 20;
    const toProxy = ["127.0.0.1", proxy.port, "", 3, 15_000];
    const migrated = pair.from.value("MIGRATE", ...toProxy, "KEYS", ...keys);
    while ((await pair.to.value("DBSIZE")) === 0) await Bun.sleep(0);
    await pair.target.kill9();
    const reply = await migrated;
    expect(reply instanceof ReplyError ? reply.message : reply).toStartWith("IOERR");
    const here = (await pair.from.value("KEYS *")) as string[];
    expect(here.length).toBeGreaterThan(0);
    await pair.target.start();
    await using to = await pair.target.connect();
    await to.do("SELECT 3");
    const there = (await to.value("KEYS *")) as string[];
    expect(there.length).toBeGreaterThan(0);
    expect(new Set([...here, ...there]).size).toBe(keys.length);
  });
});
