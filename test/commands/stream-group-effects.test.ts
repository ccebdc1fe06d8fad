/** What follows from changes of consumer groups: events, effects, waking, and coming back. */
import { expect, test } from "bun:test";
import { compareEvents } from "../support/key-events.ts";
import { comparePropagation, propagated } from "../support/propagation.ts";
import { splitLine } from "../support/readable.ts";
import { PEDIS, startServer } from "../support/server.ts";
import { compare, transcript } from "../support/transcript.ts";

const AOF = ["appendonly yes"];

compareEvents(
  "the events of groups",
  `
  XGROUP CREATE s g 0 MKSTREAM
  XADD s 1-1 a 1
  XADD s 1-2 a 1
  XGROUP CREATE s h 0
  XGROUP CREATE s h 0
  XGROUP SETID s h $
  XGROUP CREATECONSUMER s g c
  XGROUP CREATECONSUMER s g c
  XREADGROUP GROUP g d COUNT 1 STREAMS s >
  XREADGROUP GROUP g d STREAMS s >
  XREADGROUP GROUP g d STREAMS s 0
  XACK s g 1-1
  XCLAIM s g c 0 1-2
  XCLAIM s g new 0 1-2
  XAUTOCLAIM s g newer 0 0
  XGROUP DELCONSUMER s g d
  XGROUP DELCONSUMER s g d
  XGROUP DESTROY s g
  XGROUP DESTROY s g
  `,
);

comparePropagation(
  "what groups propagate",
  `
  XADD s 1-1 a 1
  XADD s 1-2 b 2
  XADD s 1-3 c 3
  XGROUP CREATE s g $
  XGROUP CREATE s g $
  XGROUP SETID s g 0
  XGROUP CREATE t g 0 MKSTREAM ENTRIESREAD 0
  XGROUP CREATECONSUMER s g c
  XGROUP CREATECONSUMER s g c
  XREADGROUP GROUP g c NOACK COUNT 1 STREAMS s >
  XREADGROUP GROUP g new NOACK COUNT 1 STREAMS s >
  XREADGROUP GROUP g c STREAMS s 0
  XCLAIM s g other 0 1-1 FORCE TIME 1000
  XCLAIM s g other 0 1-1 JUSTID TIME 2000 RETRYCOUNT 5
  XCLAIM s g other 1000000 1-1
  XCLAIM s g other 0 9-9 FORCE
  XCLAIM s g other 0 9-9 LASTID 2-0
  XCLAIM s g c 0 1-1 1-2 1-3 FORCE IDLE 500000000 LASTID 2-1
  XAUTOCLAIM s g c 0 0 COUNT 1
  XDEL s 1-2
  XCLAIM s g other 0 1-2
  XDEL s 1-3
  XAUTOCLAIM s g c 0 0
  XAUTOCLAIM s g c 0 0
  XACK s g 1-1 1-2
  XACK s g 1-1
  XGROUP DELCONSUMER s g c
  XGROUP DELCONSUMER s g c
  XGROUP DESTROY s g
  XGROUP DESTROY s g
  `,
);

test("what a delivery propagates tells all of it", async () => {
  const script = `
    XADD s 1-1 a 1
    XADD s 1-2 b 2
    XGROUP CREATE s g 0
    XREADGROUP GROUP g c STREAMS s >
    XREADGROUP GROUP g vain STREAMS s >
    XREADGROUP GROUP g vain STREAMS s 0
    XREADGROUP GROUP g c COUNT 1 STREAMS s 0
    XCLAIM s g other 1000000 1-1
    XAUTOCLAIM s g another 1000000 0
  `;
  const commands = script.split("\n").map(splitLine);
  const lines = await propagated(
    PEDIS,
    commands.filter(({ length }) => length > 0),
    [],
  );
  const pending = (id: string, deliveries = 1, lastId = id): string =>
    `XCLAIM s g c 0 ${id} TIME <soon> RETRYCOUNT ${deliveries} FORCE JUSTID LASTID ${lastId}`;
  // The count of entries read is in no XCLAIM; a consumer that got nothing is in none either.
  // Redis does not propagate that an entry was read from the history once more.
  expect(lines.slice(-9)).toEqual([
    "MULTI",
    pending("1-1"),
    pending("1-2"),
    "XGROUP SETID s g 1-2 ENTRIESREAD 2",
    "EXEC",
    "XGROUP CREATECONSUMER s g vain",
    pending("1-1", 2, "1-2"),
    "XGROUP CREATECONSUMER s g other",
    "XGROUP CREATECONSUMER s g another",
  ]);
});

for (const isBase of [false, true]) {
  test(`groups come back from an AOF ${isBase ? "that begins with them" : ""}`, async () => {
    await using server = await startServer({ directives: isBase ? [] : AOF });
    const script = `
      XGROUP CREATE s empty $ MKSTREAM
      XADD s 1-1 a 1
      XADD s 1-2 b 2
      XADD s 2-1 c 3
      XADD s 3-1 d 4
      XGROUP CREATE s g 0
      XGROUP CREATE s other 1-2 ENTRIESREAD 7
      XGROUP CREATECONSUMER s g idle
      XREADGROUP GROUP g c COUNT 3 STREAMS s >
      XREADGROUP NOACK GROUP g quiet STREAMS s >
      XCLAIM s g d 0 1-1 IDLE 77777 RETRYCOUNT 12
      XCLAIM s g e 0 1-2 TIME 1234567
      XACK s g 2-1
      XREADGROUP GROUP other late COUNT 1 STREAMS s >
      XGROUP DESTROY s empty
      XADD empty 1-1 a 1
      XGROUP CREATE empty g $
      XDEL empty 1-1
    `;
    await server.withClient(async (client) => {
      await client.pipeline(
        script
          .split("\n")
          .map(splitLine)
          .filter(({ length }) => length > 0),
      );
      // Written when it is switched on, the base holds what the commands above led to.
      if (isBase) await client.pipeline([splitLine("CONFIG SET appendonly yes")]);
    });
    const state = async (): Promise<unknown[]> => {
      const questions = ["XINFO STREAM s FULL COUNT 0", "XINFO STREAM empty FULL", "DEBUG DIGEST"];
      const replies = await server.withClient((client) =>
        client.pipeline(questions.map(splitLine)),
      );
      return replies.map(({ value }) => withoutTimes(value));
    };
    // While its first file is being written a server refuses to end.
    if (isBase) await server.waitForLog(/Background AOF rewrite finished successfully/);
    const before = await state();
    await server.restart(isBase ? AOF : []);
    expect(await state()).toEqual(before);
  });
}

/** Consumers' times are not persisted. */
function withoutTimes(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((part: unknown, i) =>
    value[i - 1] === "seen-time" || value[i - 1] === "active-time" ? null : withoutTimes(part),
  );
}

compare(
  "XREADGROUP waits",
  `
  XGROUP CREATE s g $ MKSTREAM
  XGROUP CREATE t g $ MKSTREAM
  @b XREADGROUP GROUP g bob BLOCK 0 STREAMS s >
  @c XREADGROUP GROUP g carol BLOCK 0 COUNT 5 STREAMS t s > >
  XADD s 1-1 a 1
  @b
  XADD s 1-2 a 2
  @c
  XPENDING s g
  @b XREADGROUP GROUP g bob BLOCK 0 STREAMS s 0
  @b
  @b XREADGROUP GROUP g bob BLOCK 10 STREAMS s >
  @b
  @b XREADGROUP GROUP g bob BLOCK 0 NOACK STREAMS s >
  XDEL s 1-2
  XGROUP CREATE s other $
  XADD s 1-3 a 3
  @b
  XPENDING s g
  XADD renamed 1-1 a 1
  XGROUP CREATE renamed g 0
  @b XREADGROUP GROUP g bob BLOCK 0 STREAMS s >
  DEL t
  RENAME renamed s
  @b
  XPENDING s g
  `,
);

transcript("XREADGROUP is told that what it waits for is gone", (t) => {
  const b = t.on("b");
  const reason = "since 7.2 the command runs again and says what it would say now";
  const noGroup = "NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option";
  const gone = (command: string, error: string): void => {
    t.do("XGROUP CREATE s g $ MKSTREAM").is("OK");
    b.begin("XREADGROUP GROUP g bob BLOCK 0 STREAMS s >");
    t.do("PING").is("PONG");
    t.do(command);
    b.reply().error(error).differsIn72(reason);
    t.do("DEL s");
  };
  gone("DEL s", noGroup);
  gone("XGROUP DESTROY s g", noGroup);
  gone("SET s v", "WRONGTYPE Operation against a key holding the wrong kind of value");
  gone("FLUSHALL", noGroup);
  gone("SWAPDB 0 1", noGroup);
  gone("RENAME s elsewhere", noGroup);
  t.do("XGROUP CREATE s g $ MKSTREAM");
  b.begin("XREADGROUP GROUP g bob BLOCK 0 STREAMS s >");
  t.do("MULTI");
  t.do("XADD s 1-4 a 4");
  t.do("XDEL s 1-4");
  t.do("EXEC");
  t.do("XADD s 1-5 a 5").is("1-5");
  const entries = [["1-5", ["a", "5"]]];
  b.reply()
    .is([["s", entries]], { s: entries })
    .differsIn72("7.0 replies with no entries where those that came are gone again");
});

compare(
  "groups are copied with their stream, and do not touch who watches it",
  `
  XADD s 1-1 a 1
  XADD s 1-2 a 1
  XGROUP CREATE s g 0
  XREADGROUP GROUP g c COUNT 1 STREAMS s >
  COPY s t
  XACK s g 1-1
  XPENDING t g
  XINFO GROUPS t
  WATCH s
  @b XREADGROUP GROUP g d STREAMS s >
  @b
  @b XCLAIM s g e 0 1-2 JUSTID
  @b
  @b XACK s g 1-2
  @b
  @b XGROUP CREATE s h 0
  @b
  @b XGROUP SETID s h $
  @b
  @b XGROUP CREATECONSUMER s h x
  @b
  @b XGROUP DESTROY s g
  @b
  MULTI
  XLEN s
  EXEC
  WATCH new
  @b XGROUP CREATE new g 0 MKSTREAM
  @b
  MULTI
  PING
  EXEC
  XINFO GROUPS t
  `,
);
