/** Geo commands, compared with redis-server reply by reply, in RESP2 and RESP3. */
import { expect, test } from "bun:test";
import { comparePropagation } from "../support/propagation.ts";
import { randomFrom, scale, seededRandom } from "../support/random.ts";
import { startServer } from "../support/server.ts";
import { compare, transcript, transcripts } from "../support/transcript.ts";

const seed = seededRandom("geo").seed;

const SICILY = `
  GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
  GEOADD Sicily 12.758489 38.788135 edge1 17.241510 38.788135 edge2 -1 37 far
`;

compare(
  "GEOADD",
  `
  GEOADD k 13.361389 38.115556 Palermo
  GEOADD k 13.361389 38.115556 Palermo
  GEOADD k 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
  = ZRANGE k 0 -1 WITHSCORES
  TYPE k
  OBJECT ENCODING k
  GEOADD k NX 1 1 Palermo 2 2 other
  GEOADD k XX 1 1 Palermo 2 2 another
  GEOADD k CH 1 1 Palermo 3 3 other
  GEOADD k CH 1.5 1.5 Palermo 3 3 third
  GEOADD k CH XX 5 5 Palermo 5 5 fourth
  GEOADD k ch nx 6 6 Palermo 6 6 fifth
  GEOADD k NX NX CH CH 7 7 sixth
  GEOADD k 8 8 twice 9 9 twice
  GEOADD k CH 8 8 twice 9 9 twice
  = ZRANGE k 0 -1 WITHSCORES
  GEOADD missing XX 1 1 m
  EXISTS missing
  GEOADD k 180 85.05112878 top 180 0.1 east -180 -85.05112878 bottom
  = ZRANGE k 0 -1 WITHSCORES
  GEOADD k 1 2 123 1 2 "" 1 2 "\\x00\\xff"
  = ZRANGE k 0 -1 WITHSCORES
  `,
);

compare(
  "GEOADD's errors",
  `
  GEOADD k 1 2
  GEOADD k NX XX 1 1 m
  GEOADD k NX NX NX
  GEOADD k 1 1 m 2
  GEOADD k ODD 1 1 m
  GEOADD k CH XX foo 1 1 m
  GEOADD k x 1 m
  GEOADD k 1 x m
  GEOADD k 1 "1 " m
  GEOADD k nan 1 m
  GEOADD k 181 1 m
  GEOADD k 1 85.06 m
  GEOADD k -180.00000001 1 m
  GEOADD k 1 1 m 200 100 n
  GEOADD k inf -inf m
  GEOADD k 1e30 -1e22 m
  GEOADD k 181.0078125 -181.0078125 m
  GEOADD k 181.0234375 -86.9921875 m
  GEOADD k 1e15 -0 m
  GEOADD k 9007199254740993 9007199254740992.5 m
  GEOADD k 0x1p8 -0 m
  EXISTS k
  SET s v
  GEOADD s 1 1 m
  GEOADD s 200 1 m
  GEOADD s XX CH 1 1 m
  `,
);

compare(
  "GEOPOS and GEOHASH",
  `
  ${SICILY}
  GEOPOS Sicily Palermo Catania nobody far
  GEOHASH Sicily Palermo Catania nobody far
  GEOPOS Sicily
  GEOHASH Sicily
  GEOPOS missing a b
  GEOHASH missing a b
  GEOPOS missing
  ZADD odd -1 a 1.5 b 1e18 c inf d -inf e 4503599627370496 f 0 g
  GEOPOS odd a b c d e f g
  GEOHASH odd a b c d e f g
  SET s v
  GEOPOS s a
  GEOHASH s a
  GEOPOS
  GEOHASH
  `,
);

compare(
  "GEODIST",
  `
  ${SICILY}
  GEODIST Sicily Palermo Catania
  GEODIST Sicily Palermo Catania m
  GEODIST Sicily Palermo Catania KM
  GEODIST Sicily Palermo Catania mi
  GEODIST Sicily Palermo Catania Ft
  GEODIST Sicily Palermo Palermo
  GEODIST Sicily Palermo nobody
  GEODIST Sicily nobody Palermo
  GEODIST missing a b
  GEODIST missing a b inch
  GEODIST Sicily Palermo Catania inch
  GEODIST Sicily Palermo Catania m x
  GEODIST missing a b m x
  SET s v
  GEODIST s a b
  GEODIST s a b inch
  GEODIST Sicily a
  `,
);

compare(
  "GEOSEARCH",
  `
  ${SICILY}
  GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 200 km ASC
  GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 200 km DESC
  GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 200 km
  GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHCOORD WITHDIST
  GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHHASH WITHDIST WITHCOORD
  GEOSEARCH Sicily FROMMEMBER Palermo BYBOX 400 400 km WITHDIST DESC
  GEOSEARCH Sicily BYRADIUS 1000 mi FROMMEMBER Palermo WITHHASH COUNT 2
  GEOSEARCH Sicily BYRADIUS 1e9 ft FROMMEMBER Palermo WITHDIST COUNT 100 DESC
  GEOSEARCH Sicily BYRADIUS inf m FROMMEMBER Palermo
  GEOSEARCH Sicily FROMMEMBER Palermo BYRADIUS 0 m
  GEOSEARCH Sicily FROMMEMBER Palermo BYBOX 0 0 m
  GEOSEARCH Sicily FROMMEMBER Palermo BYBOX 1 inf m
  GEOSEARCH Sicily FROMMEMBER Palermo BYRADIUS 500 km COUNT 2 ANY
  GEOSEARCH Sicily FROMMEMBER Palermo BYRADIUS 500 km COUNT 2 ANY ASC
  GEOSEARCH Sicily FROMMEMBER Palermo BYRADIUS 500 km COUNT 2 ANY DESC WITHDIST
  GEOSEARCH Sicily FROMMEMBER Palermo BYRADIUS 500 km ANY COUNT 1
  GEOSEARCH Sicily FROMLONLAT 100 0 BYRADIUS 1 km
  GEOSEARCH Sicily FROMLONLAT 100 0 BYRADIUS 1 km WITHCOORD COUNT 5
  GEOSEARCH missing FROMLONLAT 0 0 BYRADIUS 1 km
  GEOSEARCH missing FROMMEMBER m BYRADIUS 1 km WITHDIST
  ZADD odd 1.5 a 1.25 b 2 c
  GEOSEARCH odd FROMMEMBER a BYRADIUS 1 km WITHHASH WITHCOORD WITHDIST
  `,
);

compare(
  "GEOSEARCH's errors come in the order of its arguments",
  `
  ${SICILY}
  GEOSEARCH Sicily BYBOX 3 3 km ASC DESC WITHHASH
  GeoSearch Sicily BYBOX 3 3 km ASC DESC WITHHASH
  "geosearch\\x00x" Sicily BYBOX 3 3 km ASC DESC WITHHASH
  GEOSEARCH Sicily FROMLONLAT 15 37 ASC DESC WITHHASH
  GEOSEARCH Sicily FROMLONLAT 15 37 FROMMEMBER x BYBOX 6 6 km
  GEOSEARCH Sicily FROMMEMBER Palermo FROMLONLAT 15 37 BYBOX 6 6 km
  GEOSEARCH Sicily FROMMEMBER Palermo FROMMEMBER Catania BYBOX 6 6 km
  GEOSEARCH Sicily FROMLONLAT 15 37 FROMLONLAT 16 37 BYBOX 6 6 km
  GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 3 km BYBOX 6 6 km
  GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 6 6 km BYRADIUS 3 km
  GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 6 6 km BYBOX 700 700 km
  GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 6 km BYRADIUS 300 km
  GEOSEARCH Sicily FROMMEMBER nobody BYRADIUS 6 x
  GEOSEARCH Sicily BYRADIUS 6 x FROMMEMBER nobody
  GEOSEARCH missing FROMMEMBER nobody BYRADIUS 6 x
  GEOSEARCH missing FROMMEMBER nobody BYRADIUS 6 km ODD
  GEOSEARCH Sicily FROMLONLAT 181 37 BYRADIUS x km
  GEOSEARCH Sicily FROMLONLAT x 37 BYRADIUS 6 km
  GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS x km
  GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS -1 kms
  GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 1 kms
  GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX x 6 km
  GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 6 x km
  GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX -6 x km
  GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX -6 6 kms
  GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 6 -6 km
  GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 6 6 kms
  GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 6 6
  GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 6
  GEOSEARCH Sicily BYRADIUS 6 km FROMLONLAT 15
  GEOSEARCH Sicily BYRADIUS 6 km ASC FROMMEMBER
  GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 6 km COUNT
  GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 6 km COUNT 0
  GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 6 km COUNT -1
  GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 6 km COUNT x
  GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 6 km COUNT 9223372036854775808
  GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 600 km COUNT 9223372036854775807
  GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 6 km ANY
  GEOSEARCH Sicily FROMLONLAT 15 37 ASC ASC ANY
  GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 6 km STOREDIST
  GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 6 km STORE k
  GEOSEARCH missing FROMLONLAT 15 37 BYRADIUS 6 km ANY
  GEOSEARCH Sicily FROMLONLAT 15 37
  SET s v
  GEOSEARCH s FROMLONLAT 200 37 BYRADIUS 6 km
  GEOSEARCH s ODD ODD ODD ODD ODD
  `,
);

compare(
  "GEOSEARCHSTORE",
  `
  ${SICILY}
  GEOSEARCHSTORE to Sicily FROMLONLAT 15 37 BYBOX 400 400 km
  = ZRANGE to 0 -1 WITHSCORES
  GEOSEARCH to FROMLONLAT 15 37 BYBOX 400 400 km WITHDIST ASC
  GEOSEARCHSTORE to Sicily FROMLONLAT 15 37 BYBOX 400 400 km COUNT 2 STOREDIST
  = ZRANGE to 0 -1 WITHSCORES
  GEOSEARCHSTORE to Sicily STOREDIST FROMMEMBER Palermo BYRADIUS 100 mi DESC
  = ZRANGE to 0 -1 WITHSCORES
  OBJECT ENCODING to
  GEOSEARCHSTORE to Sicily FROMLONLAT 100 0 BYRADIUS 1 km
  EXISTS to
  GEOSEARCHSTORE to Sicily FROMLONLAT 100 0 BYRADIUS 1 km
  SET to v EX 100
  GEOSEARCHSTORE to Sicily FROMMEMBER Palermo BYRADIUS 1 km
  TTL to
  TYPE to
  GEOSEARCHSTORE to missing FROMMEMBER Palermo BYRADIUS 1 km
  EXISTS to
  GEOSEARCHSTORE Sicily Sicily FROMMEMBER Palermo BYRADIUS 300 km STOREDIST
  = ZRANGE Sicily 0 -1 WITHSCORES
  GEOSEARCHSTORE to Sicily FROMMEMBER Palermo BYRADIUS 300 km WITHDIST
  GEOSEARCHSTORE to missing FROMMEMBER Palermo BYRADIUS 300 km WITHCOORD
  GEOSEARCHSTORE to Sicily BYRADIUS 300 km WITHCOORD ASC DESC ASC
  GEOSEARCHSTORE to Sicily BYRADIUS 300 km ASC DESC ASC
  geosearchSTORE to Sicily FROMMEMBER Palermo ASC DESC ASC
  GEOSEARCHSTORE to Sicily FROMMEMBER Palermo BYRADIUS 300 km STORE x
  GEOSEARCHSTORE to Sicily FROMMEMBER Palermo BYRADIUS 300 km ANY
  SET s v
  GEOSEARCHSTORE to s FROMMEMBER Palermo BYRADIUS 300 km
  `,
);

compare(
  "GEORADIUS and GEORADIUSBYMEMBER",
  `
  ${SICILY}
  GEORADIUS Sicily 15 37 200 km
  GEORADIUS Sicily 15 37 200 km ASC
  GEORADIUS Sicily 15 37 200 km WITHDIST WITHCOORD WITHHASH DESC
  GEORADIUS Sicily 15 37 2000 km COUNT 3
  GEORADIUS Sicily 15 37 2000 km COUNT 3 ANY WITHDIST
  GEORADIUS_RO Sicily 15 37 200 mi WITHDIST COUNT 2 DESC
  GEORADIUSBYMEMBER Sicily Palermo 200 km
  GEORADIUSBYMEMBER Sicily Palermo 300 km WITHCOORD WITHDIST ASC COUNT 2
  GEORADIUSBYMEMBER_RO Sicily Palermo 200 km DESC
  GEORADIUS missing 15 37 200 km
  GEORADIUSBYMEMBER missing m 200 km
  GEORADIUSBYMEMBER missing m x y
  GEORADIUSBYMEMBER missing m x y z
  GEORADIUSBYMEMBER missing m x y STORE
  GEORADIUSBYMEMBER missing m x y COUNT 0
  GEORADIUSBYMEMBER missing m x y STORE to
  GEORADIUS missing x 37 200 km
  GEORADIUS missing 15 37 x km
  GEORADIUS Sicily 15 86 x km
  GEORADIUS Sicily 15 37 -1 km
  GEORADIUS Sicily 15 37 1 kms
  GEORADIUS Sicily 15 37 1 km ODD
  GEORADIUS Sicily 15 37 1 km ANY
  GEORADIUS Sicily 15 37 1 km FROMMEMBER Palermo
  GEORADIUS Sicily 15 37 1 km BYRADIUS 1 km
  GEORADIUSBYMEMBER Sicily nobody x km
  GEORADIUSBYMEMBER Sicily Palermo x km
  GEORADIUS Sicily 15 37 1
  GEORADIUSBYMEMBER Sicily Palermo 1
  SET s v
  GEORADIUS s x y z km
  GEORADIUSBYMEMBER s x y z
  `,
);

compare(
  "GEORADIUS's STORE and STOREDIST",
  `
  ${SICILY}
  GEORADIUS Sicily 15 37 200 km STORE to
  = ZRANGE to 0 -1 WITHSCORES
  GEORADIUS Sicily 15 37 200 km STOREDIST to
  = ZRANGE to 0 -1 WITHSCORES
  GEORADIUS Sicily 15 37 2000 km STOREDIST other STORE to COUNT 3 DESC
  = ZRANGE to 0 -1 WITHSCORES
  GEORADIUS Sicily 15 37 2000 km STORE to STOREDIST other
  = ZRANGE other 0 -1 WITHSCORES
  GEORADIUSBYMEMBER Sicily Palermo 200 mi STOREDIST to
  = ZRANGE to 0 -1 WITHSCORES
  GEORADIUSBYMEMBER Sicily Palermo 200 mi STORE Sicily
  = ZRANGE Sicily 0 -1 WITHSCORES
  GEORADIUS Sicily 100 0 1 km STORE to
  EXISTS to
  GEORADIUS missing 100 0 1 km STORE other
  EXISTS other
  GEORADIUS Sicily 15 37 200 km STORE
  GEORADIUS Sicily 15 37 200 km STORE to WITHDIST
  GEORADIUS Sicily 15 37 200 km WITHHASH STOREDIST to
  GEORADIUS_RO Sicily 15 37 200 km STORE to
  GEORADIUSBYMEMBER_RO Sicily Palermo 200 km STOREDIST to
  COMMAND GETKEYS GEORADIUS Sicily 15 37 200 km STORE to
  COMMAND GETKEYS GEORADIUS Sicily 15 37 200 km ASC STOREDIST to
  COMMAND GETKEYS GEORADIUSBYMEMBER Sicily m 200 km STORE to
  COMMAND GETKEYS GEORADIUS Sicily 15 37 200 km
  COMMAND GETKEYSANDFLAGS GEOSEARCHSTORE to Sicily FROMMEMBER m BYRADIUS 1 km
  COMMAND GETKEYS GEORADIUS_RO Sicily 15 37 200 km
  `,
);

compare(
  "points of the same distance",
  `
  ${Array.from({ length: 60 }, (_, i) => `GEOADD k ${i % 3} ${i % 2} m${i * 7}`).join("\n")}
  GEOSEARCH k FROMLONLAT 1 0.5 BYRADIUS 1000 km ASC
  GEOSEARCH k FROMLONLAT 1 0.5 BYRADIUS 1000 km DESC
  GEOSEARCH k FROMLONLAT 1 0.5 BYRADIUS 1000 km COUNT 5
  GEOSEARCH k FROMLONLAT 1 0.5 BYRADIUS 1000 km COUNT 5 DESC
  GEOSEARCH k FROMLONLAT 1 0.5 BYRADIUS 1000 km COUNT 17
  GEOSEARCH k FROMLONLAT 1 0.5 BYRADIUS 1000 km COUNT 45 DESC
  GEOSEARCH k FROMLONLAT 1 0.5 BYRADIUS 1000 km COUNT 59 ASC
  GEOSEARCH k FROMLONLAT 1 0.5 BYRADIUS 1000 km COUNT 60
  `,
);

comparePropagation(
  "what searches store",
  `
  ZADD k 3479099956230698 Palermo 3479447370796909 Catania
  GEOSEARCHSTORE to k FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST
  GEOSEARCHSTORE to k FROMLONLAT 0 0 BYRADIUS 1 m
  GEOSEARCHSTORE to k FROMLONLAT 0 0 BYRADIUS 1 m
  GEORADIUS k 15 37 200 km STORE to
  GEORADIUS k 15 37 200 km
  GEORADIUSBYMEMBER k Palermo 200 km STOREDIST to COUNT 1
  GEOSEARCH k FROMLONLAT 15 37 BYRADIUS 200 km
  GEORADIUS missing 15 37 200 km STORE to
  `,
);

test("positions are replayed from the AOF", async () => {
  await using server = await startServer({ directives: ["appendonly yes", 'save ""'] });
  const read = "ZRANGE k 0 -1 WITHSCORES";
  const before = await server.withClient(async (client) => {
    for (let i = 0; i < 200; i++) await client.do(`GEOADD k CH ${coordinates()} ${memberName()}`);
    return await client.value(read);
  });
  await server.stop();
  await server.start();
  expect(await server.withClient((client) => client.value(read))).toEqual(before);
});

const chance = randomFrom(seed);
const UNITS = ["m", "km", "ft", "mi", "M", "Km"] as const;
const between = (low: number, high: number) =>
  low + (chance.below(2 ** 30) / 2 ** 30) * (high - low);

/** Few places are used often, so that scores and distances are often equal. */
function coordinates(): string {
  if (chance.chance(0.2)) {
    return chance.pick(["0 0", "180 0", "-180 85.05112878", "10 10", "-0.5 0.25"] as const);
  }
  if (chance.chance(0.4)) return `${chance.between(-9, 9)} ${chance.between(-9, 9)}`;
  return `${between(-180, 180)} ${between(-85, 85)}`;
}

const memberName = () => `m${chance.below(400)}`;

/** Mostly near the sizes that find some, not all. */
const length = () => (chance.chance(0.03) ? 0 : 10 ** between(2, 7.6));

function shapeWords(): string {
  const from = chance.chance(0.3) ? `FROMMEMBER ${memberName()}` : `FROMLONLAT ${coordinates()}`;
  const unit = chance.pick(UNITS);
  const by = chance.chance(0.5)
    ? `BYRADIUS ${length() / 300} ${unit}`
    : `BYBOX ${length() / 300} ${length() / 300} ${unit}`;
  return chance.chance(0.5) ? `${from} ${by}` : `${by} ${from}`;
}

function restrictions(): string {
  const words: string[] = [];
  if (chance.chance(0.5)) words.push(chance.pick(["ASC", "DESC"] as const));
  if (chance.chance(0.4)) words.push(`COUNT ${chance.between(1, 60)}`);
  if (words.at(-1)?.startsWith("COUNT") && chance.chance(0.4)) words.push("ANY");
  return words.join(" ");
}

function extras(): string {
  const words = ["WITHCOORD", "WITHDIST", "WITHHASH"].filter(() => chance.chance(0.4));
  return words.join(" ");
}

function randomCommand(): string {
  const which = chance.below(20);
  if (which < 7) return `GEOSEARCH k ${shapeWords()} ${restrictions()} ${extras()}`;
  if (which < 9) {
    const distances = chance.chance(0.5) ? "STOREDIST" : "";
    return `GEOSEARCHSTORE to k ${shapeWords()} ${restrictions()} ${distances}`;
  }
  const circle = `${length() / 300} ${chance.pick(UNITS)} ${restrictions()}`;
  if (which === 9) return `GEORADIUS k ${coordinates()} ${circle} ${extras()}`;
  if (which === 10) return `GEORADIUSBYMEMBER k ${memberName()} ${circle} ${extras()}`;
  if (which === 11) return `GEORADIUS k ${coordinates()} ${circle} STOREDIST to`;
  if (which === 12) return "ZRANGE to 0 -1 WITHSCORES";
  if (which === 13) return `GEODIST k ${memberName()} ${memberName()} ${chance.pick(UNITS)}`;
  if (which === 14) return `GEOPOS k ${memberName()} ${memberName()}`;
  if (which === 15) return `GEOHASH k ${memberName()} ${memberName()}`;
  const flags = chance.pick(["", "CH", "NX", "XX CH"] as const);
  return `GEOADD k ${flags} ${coordinates()} ${memberName()} ${coordinates()} ${memberName()}`;
}

/** As listpacks and, with few entries allowed, as skip lists. */
for (const entries of [128, 2]) {
  const { transcript: randomTranscript } = transcripts({
    directives: [`zset-max-listpack-entries ${entries}`],
  });
  randomTranscript(`random commands, listpacks of up to ${entries} entries`, (t) => {
    for (let i = 0; i < 100; i++) t.do(`GEOADD k ${coordinates()} m${i}`);
    for (let i = 0; i < scale(1000); i++) {
      const command = randomCommand();
      // Distances as scores have fractions.
      if (command.startsWith("ZRANGE")) t.do(command).sameNumbers();
      else t.do(command);
    }
    t.do("ZRANGE k 0 -1 WITHSCORES");
  });
}

transcript("searches among many points", (t) => {
  for (let i = 0; i < 50; i++) {
    const points = Array.from({ length: 100 }, (_, j) => `${coordinates()} p${i * 100 + j}`);
    t.do(`GEOADD k ${points.join(" ")}`);
  }
  for (let i = 0; i < scale(200); i++) {
    t.do(`GEOSEARCH k FROMLONLAT ${coordinates()} BYRADIUS ${length()} m ${restrictions()}`);
  }
});
