/** MULTI, EXEC, DISCARD, WATCH and UNWATCH, compared with redis-server. */
import { expect, test } from "bun:test";
import { comparePropagation } from "../support/propagation.ts";
import { startServer } from "../support/server.ts";
import { compare, transcript } from "../support/transcript.ts";

compare(
  "queued commands run one after the other",
  `
  MULTI
  SET k 1
  INCR k
  get K
  GET k
  LRANGE none 0 -1
  HGETALL none
  EXEC
  GET k
  MULTI
  EXEC
  EXEC
  DISCARD
  MULTI
  SET k gone
  DISCARD
  GET k
  UNWATCH
  MULTI x
  EXEC x
  WATCH
  `,
);

compare(
  "an error while queueing makes EXEC refuse, an error while running does not",
  `
  MULTI
  SET k 1
  NOSUCH command
  SET k 2
  EXEC
  EXISTS k
  MULTI
  GET
  EXEC
  MULTI
  CONFIG NOSUCH
  EXEC
  MULTI
  SET k text
  INCR k
  LPUSH k x
  SET after x
  EXEC
  GET after
  MULTI
  SET k 9
  EXEC surplus
  EXEC
  GET k
  `,
);

compare(
  "MULTI, WATCH and what may not be queued",
  `
  MULTI
  MULTI
  WATCH k
  PING
  EXEC
  MULTI
  MONITOR
  EXEC
  MULTI
  RESET
  EXEC
  MULTI
  UNWATCH
  ECHO x
  EXEC
  `,
);

compare(
  "nothing blocks within EXEC, and who waits outside is served after it",
  `
  MULTI
  BLPOP none 0
  BRPOPLPUSH none other 0
  BLMPOP 0 1 none LEFT
  BZPOPMIN none 0
  EXEC
  @b BLPOP l 0
  MULTI
  RPUSH l a
  LPOP l
  RPUSH l b c
  EXEC
  @b
  LRANGE l 0 -1
  `,
);

compare(
  "SELECT within a transaction lasts",
  `
  MULTI
  SELECT 3
  SET there 1
  EXEC
  EXISTS there
  SELECT 0
  EXISTS there
  `,
);

compare(
  "WATCH: a change by anybody, oneself included",
  `
  SET k 1
  WATCH k
  @b SET k 2
  @b
  MULTI
  SET k 3
  EXEC
  GET k
  MULTI
  SET k 4
  EXEC
  WATCH k
  SET k 5
  MULTI
  PING
  EXEC
  WATCH k
  SET k 6
  UNWATCH
  MULTI
  PING
  EXEC
  WATCH other k k
  MULTI
  SET k 7
  EXEC
  WATCH k
  @b SET k 8
  @b
  DISCARD
  MULTI
  DISCARD
  MULTI
  PING
  EXEC
  WATCH none
  @b DEL none
  @b
  MULTI
  PING
  EXEC
  `,
);

compare(
  "WATCH: reading, and changing nothing, is no change",
  `
  SET k 1
  SADD s a
  WATCH k s
  @b GET k
  @b
  @b SADD s a
  @b
  @b SET k 2 NX
  @b
  @b EXPIRE none 10
  @b
  MULTI
  PING
  EXEC
  WATCH k
  @b EXPIRE k 1000
  @b
  MULTI
  PING
  EXEC
  WATCH s
  @b SORT s ALPHA STORE s
  @b
  MULTI
  PING
  EXEC
  `,
);

compare(
  "WATCH: whole databases change",
  `
  SET k 1
  WATCH k
  @b FLUSHDB
  @b
  MULTI
  PING
  EXEC
  WATCH k
  @b FLUSHALL
  @b
  MULTI
  PING
  EXEC
  SET k 1
  WATCH k none
  @b SWAPDB 0 1
  @b
  MULTI
  PING
  EXEC
  WATCH k
  @b SWAPDB 0 1
  @b
  MULTI
  PING
  EXEC
  WATCH none
  @b SWAPDB 0 1
  @b
  MULTI
  PING
  EXEC
  SELECT 1
  WATCH k
  @b SELECT 0
  @b
  @b SET k x
  @b
  MULTI
  PING
  EXEC
  RENAME k l
  WATCH k
  RENAME l k
  MULTI
  PING
  EXEC
  WATCH k
  COPY k m
  MULTI
  PING
  EXEC
  WATCH k
  MOVE k 2
  MULTI
  PING
  EXEC
  `,
);

transcript("WATCH: a key that expires breaks it, one that had expired does not", (t) => {
  t.do("DEBUG SET-ACTIVE-EXPIRE 0").is("OK");
  // In one turn: it is there when it is watched.
  t.send("SET k v PX 20\r\nWATCH k\r\n");
  t.reply().is("OK");
  t.reply().is("OK");
  t.pause(60);
  t.do("MULTI").is("OK");
  t.do("PING").is("QUEUED");
  t.do("EXEC").is(null);
  t.do("SET k v PX 1").is("OK");
  t.pause(20);
  t.do("WATCH k").is("OK");
  t.do("GET k").is(null);
  t.do("MULTI").is("OK");
  t.do("PING").is("QUEUED");
  t.do("EXEC").is(["PONG"]);
  t.do("DEBUG SET-ACTIVE-EXPIRE 1").is("OK");
});

transcript("EXEC is refused with what would refuse its commands", (t) => {
  t.do("SET k v");
  t.do("MULTI").is("OK");
  t.do("GET k").is("QUEUED");
  t.do("SET k w").is("QUEUED");
  t.on("b").do("CLIENT PAUSE 100000 WRITE").is("OK");
  t.begin("EXEC");
  t.on("b").do("GET k").is("v");
  t.on("b").do("CLIENT UNPAUSE").is("OK");
  t.reply().is(["v", "OK"]);
});

comparePropagation(
  "a transaction is one group, without what changed nothing",
  `
  SET k v
  MULTI
  SET a 1
  GET a
  SET b 1 EX 1000
  DEL none
  EXEC
  MULTI
  SET alone 1
  EXEC
  MULTI
  GET k
  EXEC
  MULTI
  EXEC
  MULTI
  SELECT 2
  SET there 1
  SELECT 0
  SET here 1
  EXEC
  MULTI
  INCR k
  LPUSH l a b
  LPOP l 2
  EXEC
  SET last 1
  `,
);

comparePropagation(
  "a key that expires within a transaction",
  `
  SET k v PX 1
  DEBUG SLEEP 0.01
  MULTI
  GET k
  SET a 1
  EXEC
  `,
);

test("a transaction larger than the query buffer's limit ends its client only", async () => {
  await using server = await startServer({
    directives: ["client-query-buffer-limit 1mb", 'save ""'],
  });
  await server.withClient(async (witness) => {
    const greedy = await server.connect();
    await greedy.value("MULTI");
    const value = "x".repeat(100_000);
    const queued = Array.from({ length: 40 }, () => greedy.value("SET", "k", value));
    const outcomes = await Promise.allSettled(queued);
    expect(outcomes.some(({ status }) => status === "rejected")).toBe(true);
    expect(await witness.value("EXISTS", "k")).toBe(0);
  });
});

test("a client that is cut off while EXEC runs takes nothing with it", async () => {
  await using server = await startServer({
    directives: [
      "client-output-buffer-limit normal 100000 0 0",
      'save ""',
      "enable-debug-command yes",
    ],
  });
  await server.withClient(async (witness) => {
    await witness.value("DEBUG POPULATE 20000");
    const client = await server.connect();
    for (const line of ["MULTI", "KEYS *", "SET after 1", "INCR after"]) await client.value(line);
    client.begin("EXEC");
    await client.closed;
    // What was queued has run to its end, as it does in Redis.
    expect(await witness.value("GET after")).toBe("2");
    const other = await server.connect();
    for (const line of ["MULTI", "INCR after"]) await other.value(line);
    expect(await other.value("EXEC")).toEqual([3]);
  });
});

test("what a transaction has stored is not touched by later ones", async () => {
  await using server = await startServer({ directives: ['save ""'] });
  await server.withClient(async (client) => {
    // About the size from which on values are not copied into blocks.
    const lengths = Array.from({ length: 40 }, (_, i) => 16_384 - 120 + i * 6);
    lengths.push(20_000, 30_000, 60_000);
    for (const length of lengths) {
      await client.pipeline(["MULTI", ["SET", `k${length}`, "v".repeat(length)], "EXEC"]);
      await client.pipeline(["MULTI", ["APPEND", `a${length}`, "v".repeat(length)], "EXEC"]);
    }
    await client.pipeline(["MULTI", ["SET", "x", "o".repeat(60_000)], ["SET", "y", "p"], "EXEC"]);
    for (const length of lengths) {
      for (const key of [`k${length}`, `a${length}`]) {
        expect((await client.value("GET", key)) === "v".repeat(length) ? key : "").toBe(key);
      }
    }
  });
});
