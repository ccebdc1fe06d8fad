/** DEBUG, as far as it makes sense here; checksums and samples equal redis-server's. */
import { expect, test } from "bun:test";
import { findOracle } from "../support/oracle.ts";
import { seededRandom } from "../support/random.ts";
import { PEDIS, type Program, startServer } from "../support/server.ts";
import { compare, transcript } from "../support/transcript.ts";
import { until } from "./_texts.ts";

const random = seededRandom("debug");

compare(
  "errors",
  `
  DEBUG
  DEBUG nonsense
  DEBUG constructor
  DEBUG HELP x
  DEBUG SLEEP
  DEBUG SLEEP 1 2
  DEBUG OBJECT
  DEBUG OBJECT missing
  DEBUG DIGEST x
  DEBUG LOG
  DEBUG PAUSE-CRON
  DEBUG SET-ACTIVE-EXPIRE
  DEBUG CHANGE-REPL-ID x
  DEBUG POPULATE
  DEBUG POPULATE x
  DEBUG POPULATE -1
  DEBUG POPULATE 1.5
  DEBUG POPULATE 1 key x
  DEBUG POPULATE 1 key -1
  DEBUG POPULATE 1 key 1 1
  DEBUG ERROR
  DEBUG ERROR "MINE with a\\r\\nline break"
  DEBUG PROTOCOL
  DEBUG PROTOCOL nonsense
  DEBUG PROTOCOL toString
  `,
);

for (const kind of [
  "string",
  "integer",
  "double",
  "bignum",
  "null",
  "array",
  "set",
  "map",
  "attrib",
  "verbatim",
  "true",
  "false",
]) {
  compare(`DEBUG PROTOCOL ${kind}`, `DEBUG PROTOCOL ${kind}\nDEBUG PROTOCOL ${kind.toUpperCase()}`);
}

compare(
  "DEBUG POPULATE makes redis-server's keys",
  `
  SET key:1 mine EX 1000
  DEBUG POPULATE 20
  DEBUG POPULATE 0
  DEBUG POPULATE 5 other
  DEBUG POPULATE 5 sized 3
  DEBUG POPULATE 5 sized-more 100
  DEBUG POPULATE 1 large 20000
  DBSIZE
  GET key:1
  GET key:19
  GET other:4
  GET sized:0
  GET sized-more:4
  STRLEN large:0
  DEBUG DIGEST
  `,
);

compare(
  "digests tell databases, expiry and values apart",
  `
  DEBUG DIGEST
  DEBUG DIGEST-VALUE
  DEBUG DIGEST-VALUE missing missing
  SET k v
  DEBUG DIGEST
  DEBUG DIGEST-VALUE k
  PEXPIREAT k 33177117420000
  DEBUG DIGEST
  DEBUG DIGEST-VALUE k missing k
  SELECT 5
  SET k v
  DEBUG DIGEST
  SET n 12345
  SET big -9223372036854775808
  SET empty ""
  APPEND n 6
  DEBUG DIGEST-VALUE n big empty
  DEBUG DIGEST
  SWAPDB 5 6
  DEBUG DIGEST
  `,
);

transcript("a digest does not depend on the order of writes, nor on what was deleted", (t) => {
  t.do("MSET a 1 b 2 c 3");
  const before = t.do("DEBUG DIGEST");
  t.do("FLUSHALL");
  t.do("MSET c 3 x 9 b 2 a 0");
  t.do("DEL x");
  t.do("SET a 1");
  t.do("DEBUG DIGEST").matching((value) => value === before.value);
});

transcript("DEBUG OBJECT tells how a value is kept, and DIGEST-VALUE sees expired keys", (t) => {
  t.do("DEBUG SET-ACTIVE-EXPIRE 0");
  const isDescribed = (encoding: string, length: number) => (value: unknown) =>
    new RegExp(
      `^Value at:0x[0-9a-f]+ refcount:\\d+ encoding:${encoding} ` +
        `serializedlength:${length} lru:\\d+ lru_seconds_idle:\\d+$`,
    ).test(String(value));
  const cases: [value: string, encoding: string, length: number][] = [
    ["127", "int", 2],
    ["-129", "int", 3],
    ["40000", "int", 5],
    ["-2147483648", "int", 5],
    ["2147483648", "int", 11],
    ["9223372036854775807", "int", 20],
    ["007", "embstr", 4],
    ["abc", "embstr", 4],
    ["", "embstr", 1],
  ];
  for (const [value, encoding, length] of cases) {
    t.do("SET", "k", value);
    t.do("DEBUG OBJECT k").matching(isDescribed(encoding, length));
  }
  t.do("SET k 12");
  t.do("APPEND k 3");
  t.do("DEBUG OBJECT k").matching(isDescribed("raw", 2));
  t.do("SET expired abc PX 1");
  t.pause(20);
  t.do("DEBUG OBJECT expired").matching(isDescribed("embstr", 4));
  t.do("DEBUG DIGEST-VALUE expired");
  t.do("GET expired").is(null);
  t.do("DEBUG OBJECT expired").error("ERR no such key");
  t.do("DEBUG SET-ACTIVE-EXPIRE yes").is("OK");
  t.do("SET gone v PX 1");
  t.pause(300);
  t.do("DBSIZE").is(2);
  t.do("DEBUG SET-ACTIVE-EXPIRE 1x").is("OK");
  t.do("DBSIZE").eventually().is(1);
});

transcript("what follows DEBUG SLEEP in a pipeline sees the time after it", (t) => {
  t.do("DEBUG SET-ACTIVE-EXPIRE 0");
  t.send("SET k v PX 20\r\nDEBUG SLEEP 0.05\r\nGET k\r\nDEBUG SLEEP -1\r\nDEBUG SLEEP abc\r\n");
  t.reply().is("OK");
  t.reply().is("OK");
  t.reply().is(null);
  t.reply().is("OK");
  t.reply().is("OK");
  t.do("DEBUG SET-ACTIVE-EXPIRE 1");
});

async function digestOf(program: Program, commands: readonly (readonly string[])[]) {
  await using server = await startServer({
    program,
    directives: ['save ""', "enable-debug-command yes"],
  });
  await using client = await server.connect();
  await client.pipeline(commands);
  return await client.value("DEBUG DIGEST");
}

const oracle = findOracle();

test.skipIf(oracle === null)("equal random datasets have redis-server's digest", async () => {
  const commands: string[][] = [];
  for (let i = 0; i < 2000; i++) {
    const key = `k${random.below(500)}`;
    const text = Buffer.from(random.bytes(random.below(60))).toString("latin1");
    commands.push(
      random.pick([
        ["SET", key, text],
        ["SET", key, String(random.below(100_000) - 50_000)],
        ["APPEND", key, "x".repeat(random.below(5000))],
        ["DEL", key],
        ["PEXPIREAT", key, "33177117420000"],
        ["SELECT", String(random.below(3))],
        ["RENAME", key, `k${random.below(500)}`],
        ["COPY", key, `k${random.below(500)}`, "DB", "7", "REPLACE"],
        ["SETRANGE", key, String(random.below(30_000)), text],
      ]),
    );
  }
  expect(await digestOf(PEDIS, commands)).toBe(await digestOf(oracle ?? PEDIS, commands));
});

test("LOG, JMAP, CHANGE-REPL-ID, STRINGMATCH-LEN, HELP and PAUSE-CRON", async () => {
  await using server = await startServer({ directives: ['save ""', "enable-debug-command yes"] });
  await using client = await server.connect();
  expect(await client.value("DEBUG", "LOG", "something to find")).toBe("OK");
  expect(await client.value("DEBUG JMAP")).toBe("OK");
  const replicationId = async (): Promise<string | undefined> =>
    /master_replid:([0-9a-f]{40})/.exec(await client.text("INFO replication"))?.[1];
  const before = await replicationId();
  expect(before).toBeDefined();
  expect(await client.value("DEBUG CHANGE-REPL-ID")).toBe("OK");
  expect(await replicationId()).not.toBe(before);
  expect(await client.value("DEBUG STRINGMATCH-LEN a*c abbbc")).toBe(1);
  expect(await client.value("DEBUG STRINGMATCH-LEN a?c abbbc")).toBe(0);
  const help = (await client.value("DEBUG HELP")) as string[];
  expect(help[0]).toStartWith("DEBUG <subcommand>");
  expect(help).toContain("SLEEP <seconds>");
  expect(await client.value("DEBUG PAUSE-CRON 1")).toBe("OK");
  await client.do("SET k v PX 1");
  await Bun.sleep(300);
  expect(await client.value("DBSIZE")).toBe(1);
  expect(await client.value("DEBUG PAUSE-CRON 0")).toBe("OK");
  await until(async () => (await client.value("DBSIZE")) === 0);
  await server.waitForLog(/DEBUG LOG: something to find/);
  await server.waitForLog(/JS heap: \d+ bytes, resident: \d+ bytes/);
  await server.waitForLog(/after receiving DEBUG change-repl-id/);
});

test("DEBUG is refused unless it is enabled", async () => {
  for (const [who, isAllowed] of [
    ["no", false],
    ["local", true],
    ["yes", true],
  ] as const) {
    await using server = await startServer({
      directives: ['save ""', `enable-debug-command ${who}`],
    });
    await using client = await server.connect();
    const reply = await client.text("DEBUG SLEEP 0");
    if (isAllowed) expect(reply).toBe('"OK"');
    else expect(reply).toContain("ERR DEBUG command not allowed.");
  }
});
