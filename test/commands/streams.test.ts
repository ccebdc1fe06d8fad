/** Streams without consumer groups, compared with redis-server reply by reply. */
import { expect, test } from "bun:test";
import { compareEvents } from "../support/key-events.ts";
import { comparePropagation } from "../support/propagation.ts";
import { scale, seededRandom } from "../support/random.ts";
import { readableReply, splitLine } from "../support/readable.ts";
import { startServer } from "../support/server.ts";
import { compare, transcript, transcripts } from "../support/transcript.ts";

const random = seededRandom("streams");

compare(
  "XADD numbers entries",
  `
  XADD s 1-1 f v
  XADD s 1-1 f v
  XADD s 1-2 f v g w
  XADD s 1-* a b
  XADD s 2-* a b
  XADD s 1-* a b
  XADD s 3 a b
  XADD s 0-0 a b
  XADD new 0-0 a b
  EXISTS new
  XADD new 0-* a b
  XADD new 0 a b
  XADD s 5-* a b
  XADD s 18446744073709551615-18446744073709551614 a b
  XADD s 18446744073709551615-* a b
  XADD s 18446744073709551615-* a b
  XADD s * a b
  XRANGE s - +
  TYPE s
  OBJECT ENCODING s
  XLEN s
  XLEN missing
  `,
);

compare(
  "XADD's arguments",
  `
  XADD
  XADD s
  XADD s * f
  XADD s 1-1 f
  XADD s 1-1 f v g
  XADD s MAXLEN 1 2 3
  XADD s x f v
  XADD s 1-x f v
  XADD s 1-2-3 f v
  XADD s - f v
  XADD s + f v
  XADD s -* f v
  XADD s 1-2-* f v
  XADD s "" f v
  XADD s 18446744073709551616-1 f v
  XADD s MAXLEN -1 * f v
  XADD s MAXLEN x * f v
  XADD s MAXLEN ~ x * f v
  XADD s MAXLEN 1 MINID 1 * f v
  XADD s MINID x * f v
  XADD s MINID - * f v
  XADD s LIMIT 5 * f v
  XADD s LIMIT -5 * f v
  XADD s MAXLEN 5 LIMIT 5 * f v
  XADD s MAXLEN = 5 LIMIT 0 1-1 f v
  XADD s MAXLEN ~ 5 LIMIT x * f v
  XADD s NOMKSTREAM * f v
  XADD s NOMKSTREAM MAXLEN 5 1-1 f v
  EXISTS s
  XADD s LIMIT 0 1-1 f v
  XADD s NOMKSTREAM 1-2 f v
  xadd s maxlen 1 1-3 f v
  XRANGE s - +
  SET string v
  XADD string * f v
  XADD string 0-0 f v
  XADD string x f v
  XLEN string
  XRANGE string - +
  XDEL string 1-1
  XDEL string x
  XTRIM string MAXLEN 1
  XSETID string 1-1
  XREAD STREAMS string 0
  XINFO STREAM string
  `,
);

compare(
  "fields and values of every kind",
  `
  XADD s 1-1 "" ""
  XADD s 1-2 "" v
  XADD s 1-3 12 -12
  XADD s 1-4 12 012
  XADD s 1-5 12 9223372036854775807
  XADD s 1-6 12 9223372036854775808
  XADD s 1-7 12 -9223372036854775808
  XADD s 1-8 "\\x00\\xff" "\\r\\n"
  XADD s 1-9 12 1 12 2
  XADD s 1-10 a 1 b 2 c 3
  XADD s 2-1 12 32768
  XADD s 2-2 12 -8388609
  XRANGE s - +
  XREVRANGE s + -
  DEBUG DIGEST-VALUE s
  XINFO STREAM s
  `,
);

compare(
  "ranges",
  `
  XADD s 1-1 a 1
  XADD s 1-2 a 2
  XADD s 2-1 a 3 b 4
  XADD s 3-0 a 5
  XRANGE s 1 2
  XRANGE s 1-2 2-0
  XRANGE s (1-1 (3
  XRANGE s (1-2 +
  XRANGE s - (2-1
  XRANGE s 2 1
  XRANGE s - + COUNT 2
  XRANGE s - + COUNT 0
  XRANGE s - + COUNT -1
  XRANGE s - + COUNT 1 count 3
  XRANGE s - + COUNT
  XRANGE s - + COUNT x
  XRANGE s - + BAD 1
  XREVRANGE s 3 1-2
  XREVRANGE s + - COUNT 1
  XREVRANGE s (3 (1-1
  XREVRANGE s 0-5 -
  XREVRANGE s - +
  XRANGE missing - +
  XRANGE missing - + COUNT 0
  XRANGE missing x +
  XRANGE s x +
  XRANGE s - x
  XRANGE s (- +
  XRANGE s - (+
  XRANGE s ( +
  XRANGE s (18446744073709551615-18446744073709551615 +
  XRANGE s - (0-0
  XRANGE s (18446744073709551615 +
  XRANGE s + -
  XRANGE s
  `,
);

compare(
  "XDEL, XTRIM and what they leave",
  `
  XADD s 1 a 1
  XADD s 2 a 2
  XADD s 3 a 3
  XADD s 4 a 4
  XDEL s 2 2 9
  XDEL s 1 x
  XDEL s 1
  XRANGE s - +
  XINFO STREAM s
  XDEL missing 1
  XDEL missing x
  XTRIM s MAXLEN 1
  XINFO STREAM s
  XDEL s 4
  XLEN s
  EXISTS s
  XINFO STREAM s
  XINFO STREAM s FULL
  XADD s 3 a b
  XADD s 5-5 a 5
  XTRIM s MINID 5-6
  XINFO STREAM s
  XTRIM s
  XTRIM s MAXLEN
  XTRIM s LIMIT 5 5
  XTRIM s MAXLEN 1 MINID 2
  XTRIM s 1 2
  XTRIM s MAXLEN ~ 0 LIMIT
  XTRIM s MAXLEN = 0 LIMIT 5
  XTRIM missing MAXLEN 0
  XTRIM missing MAXLEN x
  `,
);

compare(
  "XSETID",
  `
  XSETID s 1-1
  XADD s 1-1 a b
  XADD s 1-5 a b
  XSETID s 1-4
  XSETID s 1-5
  XSETID s 9-1
  XADD s 9-1 a b
  XADD s 9-* a b
  XSETID s 10 ENTRIESADDED 2
  XSETID s 10 ENTRIESADDED 100 MAXDELETEDID 3-3
  XINFO STREAM s
  XSETID s 10 MAXDELETEDID 11
  XSETID s 10 MAXDELETEDID 0-0
  XSETID s 10 ENTRIESADDED -1
  XSETID s 10 ENTRIESADDED x
  XSETID s 10 ENTRIESADDED
  XSETID s 10 ODD 1
  XSETID s x
  XSETID s -
  XSETID s 10 ENTRIESADDED 9223372036854775807
  XADD s 10-1 a b
  XADD s 10-2 a b
  XINFO STREAM s
  XTRIM s MAXLEN 0
  XSETID s 0-1 ENTRIESADDED 0
  XADD s 0-2 a b
  XINFO STREAM s
  `,
);

compare(
  "entries that come behind what was deleted",
  `
  XADD s 100 a b
  XADD s 200 a b
  XDEL s 200
  XSETID s 150
  XADD s 160 a b
  XADD s 250 a b
  XRANGE s 160 160
  XRANGE s 150 170
  XREVRANGE s 170 150
  XDEL s 160
  XADD t 100 a b
  XADD t 200 a b
  XDEL t 200
  XTRIM t MINID = 150
  XINFO STREAM t
  XSETID t 10
  XADD t 20 a b
  XRANGE t - +
  XREVRANGE t + -
  XREVRANGE t 30 -
  XDEL t 20
  XLEN t
  `,
);

compare(
  "XREAD",
  `
  XADD s 1-1 a 1
  XADD s 1-2 a 2
  XADD t 5 b 1
  XREAD STREAMS s 0
  XREAD COUNT 1 STREAMS s t 0 0
  XREAD COUNT 0 STREAMS s t 1-1 5
  XREAD COUNT -1 STREAMS s 1
  XREAD STREAMS s t missing 1-2 5 0
  XREAD STREAMS s s 0 1-1
  XREAD STREAMS s $
  XREAD STREAMS missing $
  XREAD BLOCK 1 STREAMS s t $ $
  XREAD BLOCK 1 COUNT 1 STREAMS missing 0
  XREAD STREAMS s 18446744073709551615-18446744073709551615
  XREAD STREAMS s x
  XREAD STREAMS s -
  XREAD STREAMS s >
  XREAD COUNT x STREAMS s 0
  XREAD BLOCK x STREAMS s 0
  XREAD BLOCK -1 STREAMS s 0
  XREAD BLOCK 0.5 STREAMS s 0
  XREAD GROUP g c STREAMS s 0
  XREAD NOACK STREAMS s 0
  XREAD ODD STREAMS s 0
  XREAD COUNT 1 s 0
  XREAD BLOCK 1 COUNT 2
  XREAD STREAMS
  XREAD s 0
  SET string v
  XREAD STREAMS s string 0 0
  XREAD STREAMS missing string $ $
  `,
);

transcript("where XREAD differs", (t) => {
  t.do("XREAD STREAMS s t 0")
    .error(
      "ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.",
    )
    .differsIn72("7.0 does not name the command so");
  const reason = "+ is new in 7.4";
  t.do("XREAD STREAMS s +").is(null).differsIn72(reason);
  t.do("XADD s 1-1 a 1");
  t.do("XADD s 1-2 a 2");
  t.do("XADD s 1-3 a 3");
  t.do("XDEL s 1-3");
  const entries = [["1-2", ["a", "2"]]];
  t.do("XREAD COUNT 5 STREAMS s +")
    .is([["s", entries]], { s: entries })
    .differsIn72(reason);
});

compare(
  "XREAD waits",
  `
  @b XREAD BLOCK 0 STREAMS s $
  XADD s 1-1 a 1
  @b
  @b XREAD BLOCK 0 STREAMS s $
  XADD t 1-1 a 1
  XADD s 1-2 a 2
  @b
  @b XREAD BLOCK 0 COUNT 1 STREAMS s t $ 1-1
  XADD t 1-2 b 2
  @b
  @b XREAD BLOCK 0 STREAMS s 5-5
  XADD s 5-5 a 3
  XADD s 5-6 a 4
  @b
  @b XREAD BLOCK 20 STREAMS s $
  @b
  @b XREAD BLOCK 0 STREAMS s t $ $
  DEL s
  SET s v
  DEL s
  XADD s 0-1 old entry
  XADD s 6-1 a 5
  @b
  @b XREAD BLOCK 0 STREAMS fresh $
  XADD fresh 0-1 a 1
  @b
  @b XREAD BLOCK 0 STREAMS renamed $
  XADD other 3-1 a 1
  RENAME other renamed
  @b
  @b XREAD BLOCK 0 STREAMS copied 0
  COPY renamed copied
  @b
  `,
);

compare(
  "streams as keys",
  `
  XADD s 1-1 a 1
  XADD s 1-2 a 2
  XDEL s 1-1
  XADD t 1-1 a 1
  COPY s copy
  XINFO STREAM copy FULL
  XADD copy 2-1 b 2
  XLEN s
  RENAME s t
  XRANGE t - +
  MOVE t 1
  SELECT 1
  XINFO STREAM t
  COPY t u DB 0
  SELECT 0
  XRANGE u - +
  EXPIRE u 100
  PERSIST u
  OBJECT ENCODING u
  SCAN 0 TYPE stream COUNT 100 MATCH u
  SCAN 0 TYPE string
  DEBUG DIGEST-VALUE u copy missing
  DEBUG DIGEST
  SET u v
  GET u
  DEL copy
  DBSIZE
  `,
);

compare(
  "XINFO",
  `
  XINFO HELP
  XINFO
  XINFO STREAM
  XINFO STREAM missing
  XINFO STREAM missing ODD
  XINFO ODD s
  XADD s 1-1 a 1
  XADD s 1-2 a 2
  XINFO STREAM s
  xinfo stream s full
  XINFO STREAM s FULL COUNT 1
  XINFO STREAM s FULL COUNT 0
  XINFO STREAM s FULL COUNT -1
  XINFO STREAM s FULL COUNT x
  XINFO STREAM s FULL COUNT
  XINFO STREAM s FULL ODD 1
  XINFO STREAM s ODD
  XINFO STREAM s FULL COUNT 1 2
  `,
);

const small = transcripts({ directives: ["stream-node-max-entries 10"] });
const bytes = transcripts({
  directives: ["stream-node-max-entries 0", "stream-node-max-bytes 200"],
});
const large = transcripts({
  directives: ["stream-node-max-entries 300", "stream-node-max-bytes 0"],
});

for (const [name, { compare: compareWith }] of Object.entries({ small, bytes, large })) {
  compareWith(`trimming by whole nodes, ${name} nodes`, trimming());
  compareWith(`random commands, ${name} nodes`, randomCommands(scale(400)));
}

/** Approximate trims stop at nodes and at limits; XINFO shows how many nodes there are. */
function trimming(): string {
  const lines: string[] = [];
  for (let i = 1; i <= 995; i++) lines.push(`XADD s ${i}-1 field value${i % 7}`);
  lines.push("XINFO STREAM s");
  for (const trim of [
    "MAXLEN ~ 1000",
    "MAXLEN ~ 900",
    "MAXLEN ~ 0 LIMIT 3",
    "MAXLEN ~ 0 LIMIT 100",
    "MINID ~ 300",
    "MINID ~ 305-2 LIMIT 15",
    "MINID = 305",
    "MAXLEN ~ 600",
    "MAXLEN 555",
    "MAXLEN ~ 500 LIMIT 0",
  ]) {
    lines.push(`XTRIM s ${trim}`, "XINFO STREAM s");
  }
  for (let i = 996; i < 1010; i++) lines.push(`XADD s MAXLEN ~ 300 LIMIT 20 ${i} f v`, "XLEN s");
  for (let i = 1010; i < 1030; i++) lines.push(`XADD s MINID ~ ${i - 200} ${i} f v`, "XLEN s");
  lines.push("XINFO STREAM s", "DEBUG DIGEST-VALUE s", "XREVRANGE s + - COUNT 3");
  return lines.join("\n");
}

function randomCommands(count: number): string {
  const lines: string[] = [];
  const id = (): string => `${random.below(count / 2)}-${random.below(3)}`;
  const threshold = (): string => random.pick(["~", "="]);
  for (let i = 0; i < count; i++) {
    const key = random.chance(0.8) ? "s" : "t";
    const kind = random.below(100);
    if (kind < 60) {
      const field = random.chance(0.8) ? "field" : `f${random.below(3)}`;
      lines.push(`XADD ${key} ${i >> 1}-* ${field} ${random.word(random.below(30))}${i}`);
    } else if (kind < 75) lines.push(`XDEL ${key} ${id()} ${id()} ${id()}`);
    else if (kind < 78) lines.push(`XTRIM ${key} MAXLEN ${threshold()} ${random.below(200)}`);
    else if (kind < 81) lines.push(`XTRIM ${key} MINID ${threshold()} ${id()}`);
    else if (kind < 87) lines.push(`XRANGE ${key} ${id()} ${id()} COUNT ${random.below(5)}`);
    else if (kind < 93) lines.push(`XREVRANGE ${key} ${id()} ${id()} COUNT ${random.below(5)}`);
    else if (kind < 96) lines.push(`XREAD COUNT 3 STREAMS s t ${id()} ${id()}`);
    else lines.push(`XINFO STREAM ${key}`);
  }
  lines.push("DEBUG DIGEST");
  return lines.join("\n");
}

comparePropagation(
  "what streams propagate",
  `
  XADD s 1-1 a b
  XADD s 1-* a b
  XADD s MAXLEN 2 1-5 a b
  XADD s MAXLEN ~ 2 1-6 a b
  XADD s MAXLEN ~ 2 LIMIT 1 NOMKSTREAM 1-* a b
  XADD s NOMKSTREAM MINID ~ 1-5 LIMIT 5 2-* a b
  XADD s minid = 1-5 2-2 a b
  XADD s MINID 0-1 2-3 a b
  XADD missing NOMKSTREAM * a b
  XTRIM s MAXLEN ~ 1
  XTRIM s MAXLEN ~ 100
  XTRIM s MINID ~ 2-2
  XTRIM s MAXLEN = 100
  XDEL s 1-1 2-2
  XDEL s 1-1
  XTRIM s MAXLEN 1
  XSETID s 5-5
  XSETID s 5-6 ENTRIESADDED 100 MAXDELETEDID 2-1
  XSETID s 0-1
  XREAD STREAMS s 0
  `,
  ["stream-node-max-entries 2"],
);

compareEvents(
  "the events of streams",
  `
  XADD s 1-1 a b                => new s, xadd s
  XADD s NOMKSTREAM 1-2 a b     => xadd s
  XADD m NOMKSTREAM 1-2 a b     =>
  XADD s 1-1 a b                =>
  XADD s MAXLEN 1 1-3 a b       => xadd s, xtrim s
  XADD s MAXLEN 5 1-4 a b       => xadd s
  XADD s MINID ~ 1-4 1-5 a b
  XTRIM s MAXLEN 2
  XTRIM s MAXLEN 2              =>
  XDEL s 1-4 1-9
  XDEL s 9-9                    =>
  XSETID s 9-9
  XADD s * a b
  XDEL s 1-5
  XREAD STREAMS nothing 0
  XLEN nothing
  XRANGE nothing - +
  XINFO STREAM nothing
  XDEL nothing 1
  XTRIM nothing MAXLEN 1
  XSETID nothing 1
  XADD t 1-1 a b
  RENAME s t
  COPY t u
  DEL u
  `,
);

test("streams are the same after a restart, and from a base", async () => {
  const nodes = "stream-node-max-entries 7";
  const trimmed = trimming().split("\n").slice(0, -3);
  const lines = [
    ...trimmed,
    "XADD s * auto id",
    "XADD now * a b",
    "MULTI",
    "XADD now MAXLEN ~ 100 LIMIT 30 * c d",
    "XADD now MINID ~ 1-1 LIMIT 30 * e f",
    "EXEC",
    "XADD empty 5-5 a b",
    "XDEL empty 5-5",
    "XADD zero MAXLEN 0 1-1 a b",
    "XSETID zero 0-0",
    "XADD counted 5-1 a b",
    "XADD counted 5-2 a b",
    "XADD counted 5-3 a b",
    "XDEL counted 5-2",
    "XSETID counted 9-9 ENTRIESADDED 9223372036854775807 MAXDELETEDID 8-8",
  ];
  const keys = ["s", "now", "empty", "zero", "counted"];
  await using server = await startServer({ directives: ["appendonly yes", 'save ""', nodes] });
  const content = (): Promise<string[]> =>
    server.withClient(async (client) => {
      const found: string[] = [];
      for (const key of keys) {
        // How many nodes there are, another node size would change.
        const { value } = await client.do(`XINFO STREAM ${key} FULL COUNT 0`);
        found.push(readableReply(Array.isArray(value) ? value.toSpliced(2, 4) : value));
      }
      return found;
    });
  await server.withClient((client) => client.pipeline(lines.map((line) => splitLine(line))));
  const before = await content();
  expect(new Set(before).size).toBe(keys.length);
  await server.restart(["stream-node-max-entries 40"]);
  expect(await content()).toEqual(before);
  await server.withClient(async (client) => {
    await client.do("CONFIG SET appendonly no");
    expect(await client.value("CONFIG SET appendonly yes")).toBe("OK");
  });
  // While its first file is being written a server refuses to end.
  await server.waitForLog(/Background AOF rewrite finished successfully/);
  await server.restart();
  expect(await content()).toEqual(before);
});
