/** Consumer groups of streams, compared with redis-server reply by reply. */
import { expect, test } from "bun:test";
import { splitLine } from "../support/readable.ts";
import { startServer } from "../support/server.ts";
import { compare, transcript } from "../support/transcript.ts";

compare(
  "XGROUP makes, changes and removes groups",
  `
  XGROUP CREATE s g $
  XGROUP CREATE s g 0 MKSTREAM
  TYPE s
  XLEN s
  XGROUP CREATE s g 0
  XGROUP CREATE s g 0 MKSTREAM
  XADD s 1-1 a 1
  XADD s 1-2 a 2
  XADD s 2-0 a 3
  XGROUP CREATE s last $
  XGROUP CREATE s mid 1-2
  XGROUP CREATE s ms 1
  XGROUP CREATE s read 1-2 ENTRIESREAD 2
  XGROUP CREATE s "a group" 0
  XINFO GROUPS s
  XGROUP SETID s g 1-1
  XGROUP SETID s mid $ ENTRIESREAD 3
  XGROUP SETID s ms -
  XGROUP SETID s last +
  XGROUP SETID s missing 0
  XINFO GROUPS s
  XGROUP CREATECONSUMER s g c1
  XGROUP CREATECONSUMER s g c1
  XGROUP CREATECONSUMER s missing c1
  XGROUP DELCONSUMER s g c1
  XGROUP DELCONSUMER s g c1
  XGROUP DELCONSUMER s missing c1
  XGROUP DESTROY s mid
  XGROUP DESTROY s mid
  XGROUP DESTROY missing g
  XINFO GROUPS s
  XINFO STREAM s
  DEL s
  EXISTS s
  `,
);

compare(
  "XGROUP's arguments",
  `
  XGROUP
  XGROUP CREATE
  XGROUP CREATE s g
  XGROUP CREATE s g x
  XGROUP CREATE s g x MKSTREAM
  EXISTS s
  XGROUP CREATE s g - MKSTREAM
  XGROUP CREATE s g + MKSTREAM
  XGROUP CREATE s g 0 MKSTREAM ENTRIESREAD
  XGROUP CREATE s g 0 MKSTREAM ENTRIESREAD x
  XGROUP CREATE s g 0 MKSTREAM ENTRIESREAD -2
  XGROUP CREATE s g 0 MKSTREAM EXTRA
  XGROUP CREATE s g 0 MKSTREAM ENTRIESREAD 1 ENTRIESREAD 2
  XGROUP create s g $ mkstream entriesread -1
  XINFO GROUPS s
  XGROUP SETID s g
  XGROUP SETID s g x
  XGROUP SETID s g 0 MKSTREAM
  XGROUP SETID s g 0 ENTRIESREAD -7
  XGROUP SETID s g 0 ENTRIESREAD 9223372036854775808
  XGROUP SETID s g 0 ENTRIESREAD 9223372036854775807
  XGROUP SETID s g 0 ENTRIESREAD 1 ENTRIESREAD 2
  XINFO GROUPS s
  XGROUP SETID missing g 0
  XGROUP DESTROY s
  XGROUP DESTROY s g x
  XGROUP CREATECONSUMER s g
  XGROUP DELCONSUMER s g
  XGROUP NOSUCH s g
  XGROUP HELP x
  SET str v
  XGROUP CREATE str g 0 MKSTREAM
  XGROUP SETID str g 0
  XGROUP DESTROY str g
  XGROUP CREATECONSUMER str g c
  XGROUP HELP
  XGROUP CREATE str g\\x00h 0
  XGROUP SETID s "g\\x00h" 0
  XGROUP SETID s "g\\r\\nh" 0
  `,
);

compare(
  "XREADGROUP gives new entries and a consumer's own",
  `
  XADD s 1-1 a 1
  XADD s 1-2 b 2 c 3
  XADD s 2-0 b 4 c 5
  XADD s 3-0 b 6 c 7
  XGROUP CREATE s g 0
  XREADGROUP GROUP g alice COUNT 1 STREAMS s >
  XREADGROUP GROUP g bob COUNT 2 STREAMS s >
  XREADGROUP GROUP g alice STREAMS s 0
  XREADGROUP GROUP g bob STREAMS s 0
  XREADGROUP GROUP g bob STREAMS s 1-2
  XREADGROUP GROUP g bob COUNT 1 STREAMS s 0
  XREADGROUP GROUP g bob STREAMS s 5
  XREADGROUP GROUP g carol STREAMS s 0
  XREADGROUP GROUP g alice COUNT 0 STREAMS s >
  XREADGROUP GROUP g alice STREAMS s >
  XREADGROUP GROUP g alice COUNT -3 STREAMS s >
  XPENDING s g
  XADD s 4-0 a 1
  XADD t 1-1 a 1
  XGROUP CREATE t g 0
  XREADGROUP GROUP g alice STREAMS s t > >
  XREADGROUP GROUP g alice STREAMS s t > >
  XREADGROUP GROUP g alice STREAMS t s 0 0
  XADD t 1-2 a 1
  XREADGROUP NOACK GROUP g alice STREAMS s t > >
  XREADGROUP GROUP g alice STREAMS t t > 0
  XADD t 1-3 a 1
  XREADGROUP GROUP g alice STREAMS t t > >
  XINFO GROUPS s
  XINFO GROUPS t
  XDEL s 1-2 2-0
  XREADGROUP GROUP g bob STREAMS s 0
  XREADGROUP GROUP g bob STREAMS s 18446744073709551615-18446744073709551614
  XTRIM s MAXLEN 0
  XREADGROUP GROUP g alice STREAMS s 0
  XACK s g 1-1 1-2
  XREADGROUP GROUP g alice STREAMS s 0
  XREADGROUP GROUP g bob STREAMS s 0
  XPENDING s g
  `,
);

compare(
  "XREADGROUP's arguments",
  `
  XREADGROUP GROUP g c STREAMS s
  XREADGROUP GROUP g c STREAMS s >
  XADD s 1-1 a 1
  XREADGROUP GROUP g c STREAMS s >
  XGROUP CREATE s g 0
  XREADGROUP GROUP g c STREAMS s $
  XREADGROUP GROUP g c STREAMS s x
  XREADGROUP GROUP g c STREAMS s -
  XREADGROUP GROUP g c STREAMS s +
  XREADGROUP GROUP g c STREAMS s t > >
  XREADGROUP COUNT 1 BLOCK 1 STREAMS s >
  XREADGROUP GROUP g c COUNT x STREAMS s >
  XREADGROUP GROUP g c BLOCK x STREAMS s >
  XREADGROUP GROUP g c BLOCK -1 STREAMS s >
  XREADGROUP GROUP g c OTHER STREAMS s >
  XREADGROUP GROUP g c NOACK COUNT 1 s >
  XREADGROUP GROUP g c NOACK COUNT 1 s GROUP
  SET str v
  XREADGROUP GROUP g c STREAMS s str > >
  XREADGROUP GROUP g c STREAMS str >
  XREADGROUP GROUP g c count 1 block 1 noack streams s >
  XREADGROUP GROUP other other GROUP g c STREAMS s 0
  MULTI
  XADD s 1-2 a 1
  XREADGROUP GROUP g c BLOCK 0 STREAMS s >
  XREADGROUP GROUP g c BLOCK 0 STREAMS s >
  EXEC
  `,
);

transcript("where XREADGROUP differs", (t) => {
  t.do("XREADGROUP GROUP g c STREAMS s t 0")
    .error(
      "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be " +
        "specified.",
    )
    .differsIn72("7.0 names neither the command nor its special ID");
  t.do("XGROUP CREATE s g 0 MKSTREAM").is("OK");
  t.do("XREADGROUP GROUP g c STREAMS s >").is(null);
  const reason = "a consumer that reads in vain is made all the same since 7.2";
  t.do("XGROUP CREATECONSUMER s g c").is(0).differsIn72(reason);
  t.do("XCLAIM s g d 0 1-1").is([]);
  t.do("XGROUP CREATECONSUMER s g d").is(0).differsIn72(reason);
  t.do("XAUTOCLAIM s g e 0 0").is(["0-0", [], []]);
  t.do("XGROUP CREATECONSUMER s g e").is(0).differsIn72(reason);
});

compare(
  "XACK",
  `
  XACK missing g 1-1
  XADD s 1-1 a 1
  XADD s 1-2 a 1
  XADD s 1-3 a 1
  XACK s missing 1-1
  XACK s missing x
  XGROUP CREATE s g 0
  XREADGROUP GROUP g c STREAMS s >
  XACK s g 1-1
  XACK s g 1-1
  XACK s g 1-2 x
  XACK s g 1-2 1-2 1-3 5-5
  XPENDING s g
  XACK s g
  XACK s g -
  SET str v
  XACK str g 1-1
  XADD s 1-4 a 1
  XGROUP SETID s g 0
  XREADGROUP GROUP g c STREAMS s >
  XGROUP SETID s g 0
  XREADGROUP GROUP g d COUNT 2 STREAMS s >
  XPENDING s g
  XGROUP DELCONSUMER s g d
  XPENDING s g
  XGROUP DESTROY s g
  XPENDING s g
  `,
);

compare(
  "XPENDING",
  `
  XPENDING s
  XPENDING s g
  XADD s 1-1 a 1
  XPENDING s g
  XPENDING s g - + 10
  XGROUP CREATE s g 0
  XPENDING s g
  XPENDING s g - + 10
  XADD s 1-2 a 1
  XADD s 1-3 a 1
  XADD s 2-1 a 1
  XREADGROUP GROUP g zoe COUNT 1 STREAMS s >
  XREADGROUP GROUP g adam COUNT 2 STREAMS s >
  XREADGROUP GROUP g zoe COUNT 1 STREAMS s >
  XREADGROUP GROUP g idle STREAMS s 0
  XPENDING s g
  XCLAIM s g adam 0 1-2 2-1 TIME 5000000000000 RETRYCOUNT 7 JUSTID
  XPENDING s g - + 0
  XPENDING s g - + -1
  XPENDING s g 5 6 10
  XPENDING s g - + 10 nobody
  XPENDING s g IDLE 1000000 - + 10
  XPENDING s g IDLE 1000000 - + 10 zoe
  XPENDING s g IDLE -5 7 8 10
  XPENDING s g - +
  XPENDING s g -
  XPENDING s g - + x
  XPENDING s g x + 10
  XPENDING s g - x 10
  XPENDING s g (x + 10
  XPENDING s g (18446744073709551615-18446744073709551615 + 10
  XPENDING s g - (0-0 10
  XPENDING s g IDLE x - + 10
  XPENDING s g IDLE 1 - +
  XPENDING s g IDLE 1 - + 10 c x
  XPENDING s g - + 10 IDLE 1
  XPENDING s g a b c d e f g
  SET str v
  XPENDING str g
  XPENDING str g - + 10
  `,
);

transcript("XPENDING's entries", (t) => {
  t.do("XADD s 1-1 a 1");
  t.do("XADD s 1-2 a 1");
  t.do("XADD s 2-1 a 1");
  t.do("XGROUP CREATE s g 0");
  t.do("XREADGROUP GROUP g c COUNT 2 STREAMS s >");
  t.do("XREADGROUP GROUP g d STREAMS s >");
  t.do("XREADGROUP GROUP g d STREAMS s 0");
  const lines = (
    command: string,
    expected: readonly (readonly [string, string, number])[],
  ): void => {
    t.do(command).matching(
      (value) =>
        Array.isArray(value) &&
        value.every(
          (line) => Array.isArray(line) && line.length === 4 && Number(line[2]) < 3_600_000,
        ) &&
        JSON.stringify(value.map((line) => Array.isArray(line) && [line[0], line[1], line[3]])) ===
          JSON.stringify(expected),
    );
  };
  lines("XPENDING s g - + 10", [
    ["1-1", "c", 1],
    ["1-2", "c", 1],
    ["2-1", "d", 2],
  ]);
  lines("XPENDING s g - + 2", [
    ["1-1", "c", 1],
    ["1-2", "c", 1],
  ]);
  lines("XPENDING s g (1-1 + 10 c", [["1-2", "c", 1]]);
  lines("XPENDING s g 1-2 (2-1 10", [["1-2", "c", 1]]);
  lines("XPENDING s g IDLE 0 2 + 10 d", [["2-1", "d", 2]]);
  t.do("XCLAIM s g d 0 1-1 IDLE 3000000 JUSTID").is(["1-1"]);
  lines("XPENDING s g IDLE 2000000 - + 10", [["1-1", "d", 1]]);
  lines("XPENDING s g IDLE 2000000 - + 10 c", []);
});

compare(
  "XCLAIM",
  `
  XCLAIM s g c 0 1-1
  XADD s 1-1 a 1
  XADD s 1-2 b 2
  XADD s 1-3 c 3
  XCLAIM s g c 0 1-1
  XCLAIM s g c x 1-1
  XGROUP CREATE s g 0
  XCLAIM s g c x 1-1
  XCLAIM s g c 0 1-1
  XREADGROUP GROUP g c COUNT 2 STREAMS s >
  XCLAIM s g d 100000 1-1
  XCLAIM s g d 0 1-1
  XCLAIM s g d -7 1-2 1-3 5-5 JUSTID
  XCLAIM s g d 0 1-3 FORCE
  XCLAIM s g d 0 5-5 FORCE
  XPENDING s g
  XCLAIM s g e 50000 1-3 IDLE 100 FORCE
  XCLAIM s g e 0 1-1 1-2 1-3 IDLE 100000 JUSTID
  XCLAIM s g f 50000 1-1 1-2 1-3 justid
  XPENDING s g
  XDEL s 1-2
  XCLAIM s g f 0 1-2
  XPENDING s g
  XCLAIM s g f 0
  XCLAIM s g f 0 x
  XCLAIM s g f 0 1-1 x
  XCLAIM s g f 0 1-1 IDLE
  XCLAIM s g f 0 1-1 IDLE x
  XCLAIM s g f 0 1-1 TIME x
  XCLAIM s g f 0 1-1 RETRYCOUNT x
  XCLAIM s g f 0 1-1 LASTID x
  XCLAIM s g f 0 1-1 JUSTID 1-2
  XCLAIM s g f 0 1-1 RETRYCOUNT -1 TIME -1 IDLE -1 LASTID 0
  XINFO GROUPS s
  XCLAIM s g f 0 FORCE LASTID 9-9
  XINFO GROUPS s
  XCLAIM s g f 0 1-1 LASTID 9-10 JUSTID
  XINFO GROUPS s
  SET str v
  XCLAIM str g c 0 1-1
  `,
);

transcript("what XCLAIM makes of deliveries", (t) => {
  const deliveries = (expected: number | bigint): void => {
    t.do("XPENDING s g - + 1").matching(
      (value) =>
        Array.isArray(value) && Array.isArray(value[0]) && Number(value[0][3]) === Number(expected),
    );
  };
  t.do("XADD s 1-1 a 1");
  t.do("XGROUP CREATE s g $");
  t.do("XCLAIM s g c 0 1-1 FORCE").is([["1-1", ["a", "1"]]]);
  deliveries(2);
  t.do("XCLAIM s g c 0 1-1 JUSTID").is(["1-1"]);
  deliveries(2);
  t.do("XCLAIM s g d 0 1-1").is([["1-1", ["a", "1"]]]);
  deliveries(3);
  t.do("XREADGROUP GROUP g d STREAMS s 0");
  deliveries(4);
  t.do("XAUTOCLAIM s g c 0 0").is(["0-0", [["1-1", ["a", "1"]]], []]);
  deliveries(5);
  t.do("XAUTOCLAIM s g c 0 0 JUSTID").is(["0-0", ["1-1"], []]);
  deliveries(5);
  t.do("XCLAIM s g c 0 1-1 RETRYCOUNT 4294967296").is([["1-1", ["a", "1"]]]);
  deliveries(4294967296);
  t.do("XCLAIM s g c 0 1-1 RETRYCOUNT 9223372036854775806 JUSTID").is(["1-1"]);
  deliveries(9223372036854775806n);
  t.do("XCLAIM s g c 0 1-1 RETRYCOUNT 0 JUSTID").is(["1-1"]);
  deliveries(0);
});

compare(
  "XAUTOCLAIM",
  `
  XAUTOCLAIM s g c 0 0
  XADD s 1-1 a 1
  XAUTOCLAIM s g c 0 0
  XGROUP CREATE s g 0
  XADD s 1-2 b 2
  XADD s 1-3 c 3
  XADD s 1-4 d 4
  XADD s 1-5 e 5
  XREADGROUP GROUP g c STREAMS s >
  XAUTOCLAIM s g d 100000 0
  XAUTOCLAIM s g d 0 0 COUNT 2
  XAUTOCLAIM s g d 0 1-3 COUNT 2 JUSTID
  XAUTOCLAIM s g d 0 (1-4
  XAUTOCLAIM s g d 0 - COUNT 1
  XAUTOCLAIM s g d 0 9
  XPENDING s g
  XDEL s 1-2 1-4
  XAUTOCLAIM s g e 0 0 COUNT 3
  XPENDING s g
  XAUTOCLAIM s g e 0 0
  XPENDING s g
  XTRIM s MAXLEN 0
  XAUTOCLAIM s g e 0 0 COUNT 1 JUSTID
  XAUTOCLAIM s g e 0 0
  XPENDING s g
  XAUTOCLAIM s g e x 0
  XAUTOCLAIM s g e 0 x
  XAUTOCLAIM s g e 0 (18446744073709551615-18446744073709551615
  XAUTOCLAIM s g e 0 0 COUNT 0
  XAUTOCLAIM s g e 0 0 COUNT x
  XAUTOCLAIM s g e 0 0 COUNT -1
  XAUTOCLAIM s g e 0 0 COUNT 9223372036854775807
  XAUTOCLAIM s g e 0 0 COUNT
  XAUTOCLAIM s g e 0 0 OTHER
  XAUTOCLAIM missing g e x 0
  SET str v
  XAUTOCLAIM str g e 0 0
  XAUTOCLAIM str g e 0 x
  `,
);

compare(
  "entries-read and lag",
  `
  XGROUP CREATE s g 0 MKSTREAM
  XINFO GROUPS s
  XADD s 1-0 a 1
  XADD s 2-0 a 2
  XADD s 3-0 a 3
  XADD s 4-0 a 4
  XADD s 5-0 a 5
  XGROUP CREATE s mid 3-0
  XGROUP CREATE s end $
  XGROUP CREATE s first 1-0
  XGROUP CREATE s before 0-1
  XGROUP CREATE s after 9-9
  XINFO GROUPS s
  XREADGROUP GROUP g c COUNT 1 STREAMS s >
  XREADGROUP GROUP mid c COUNT 1 STREAMS s >
  XINFO GROUPS s
  XREADGROUP GROUP mid c COUNT 9 STREAMS s >
  XREADGROUP GROUP g c COUNT 1 STREAMS s >
  XDEL s 1-0
  XINFO GROUPS s
  XDEL s 4-0
  XINFO GROUPS s
  XREADGROUP GROUP g c COUNT 1 STREAMS s >
  XINFO GROUPS s
  XREADGROUP GROUP g c COUNT 9 STREAMS s >
  XINFO GROUPS s
  XADD s 6-0 a 1
  XINFO GROUPS s
  XTRIM s MINID = 6-0
  XINFO GROUPS s
  XTRIM s MAXLEN 0
  XINFO GROUPS s
  XSETID s 20-0 ENTRIESADDED 100 MAXDELETEDID 10-0
  XINFO GROUPS s
  XGROUP SETID s g 20-0 ENTRIESREAD 101
  XINFO GROUPS s
  XADD s 21-0 a 1
  XREADGROUP GROUP g c STREAMS s >
  XREADGROUP GROUP before c STREAMS s >
  XINFO GROUPS s
  XSETID s 21-0 ENTRIESADDED 9223372036854775807
  XINFO GROUPS s
  XADD s 22-0 a 1
  XREADGROUP GROUP g c STREAMS s >
  XINFO GROUPS s
  `,
);

compare(
  "XINFO's arguments",
  `
  XINFO GROUPS
  XINFO GROUPS s
  XINFO CONSUMERS s
  XINFO CONSUMERS s g
  XADD s 1-1 a 1
  XINFO GROUPS s
  XINFO GROUPS s x
  XINFO CONSUMERS s g
  XINFO CONSUMERS s g x
  XGROUP CREATE s g 0
  XINFO CONSUMERS s g
  XINFO STREAM s FULL
  SET str v
  XINFO GROUPS str
  XINFO CONSUMERS str g
  `,
);

test("XINFO CONSUMERS and XINFO STREAM FULL say what 7.2 says", async () => {
  await using server = await startServer();
  await server.withClient(async (client) => {
    const run = async (line: string): Promise<unknown> =>
      (await client.pipeline([splitLine(line)]))[0].value;
    const beforeMs = Date.now();
    for (const i of [1, 2, 3]) await run(`XADD s 1-${i} a ${i}`);
    await run("XGROUP CREATE s g 0");
    await run("XGROUP CREATECONSUMER s g new");
    await run("XREADGROUP GROUP g busy COUNT 2 STREAMS s >");
    await run("XREADGROUP GROUP g busy COUNT 1 STREAMS s 0");
    await run("XREADGROUP GROUP g late STREAMS s 0");
    const afterMs = Date.now();
    await Bun.sleep(10);
    const idle = "5 ms and more";
    const time = "just now";
    const readable = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(readable);
      if (typeof value !== "number" || value < 5) return value;
      if (value < 60_000) return idle;
      return value >= beforeMs && value <= afterMs ? time : value;
    };
    expect(readable(await run("XINFO CONSUMERS s g"))).toEqual([
      ["name", "busy", "pending", 2, "idle", idle, "inactive", idle],
      ["name", "late", "pending", 0, "idle", idle, "inactive", -1],
      ["name", "new", "pending", 0, "idle", idle, "inactive", -1],
    ]);
    const full = readable(await run("XINFO STREAM s FULL COUNT 1"));
    expect((full as unknown[]).slice(-2)).toEqual([
      "groups",
      [
        [
          "name",
          "g",
          "last-delivered-id",
          "1-2",
          "entries-read",
          2,
          "lag",
          1,
          "pel-count",
          2,
          "pending",
          [["1-1", "busy", time, 2]],
          "consumers",
          [
            [
              "name",
              "busy",
              "seen-time",
              time,
              "active-time",
              time,
              "pel-count",
              2,
              "pending",
              [["1-1", time, 2]],
            ],
            ["name", "late", "seen-time", time, "active-time", -1, "pel-count", 0, "pending", []],
            ["name", "new", "seen-time", time, "active-time", -1, "pel-count", 0, "pending", []],
          ],
        ],
      ],
    ]);
  });
});
