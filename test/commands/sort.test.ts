/** SORT and SORT_RO, compared with redis-server reply by reply, in RESP2 and RESP3. */
import { randomFrom, scale, seededRandom } from "../support/random.ts";
import { comparePropagation } from "../support/propagation.ts";
import { compare, transcript, transcripts } from "../support/transcript.ts";

const seed = seededRandom("sort").seed;

compare(
  "numbers",
  `
  RPUSH l 10 9 -3 2.5 1e3 -1e-3 0x10 +7 .5 5. -0 0 00 1 01 1.0 inf -infinity INF
  SORT l
  SORT l DESC
  SORT l ASC
  SORT l desc asc
  SORT l Desc
  SORT_RO l
  SORT_RO l DESC LIMIT 3 5
  RPUSH big 9007199254740993 9007199254740992 9223372036854775807 9223372036854775806
  RPUSH big -9223372036854775808 123456789012345678901234567890
  SORT big
  SORT big DESC
  RPUSH odd "" " 1" "\\t-1" "\\n\\v\\f\\r2" "3\\x00x" "\\x00" "0x1p-1030" "0X1P3" "1e308" "1e-300"
  SORT odd
  SORT odd DESC
  SORT missing
  SORT_RO missing LIMIT 0 1
  SADD s 3 1 2
  SORT s
  SORT s DESC
  SADD s 2.5
  SORT s
  SORT s DESC LIMIT 1 2
  ZADD z 1 3 2 2 3 1
  SORT z
  SORT z DESC
  `,
);

for (const bad of [
  "a",
  "1a",
  "1 ",
  "nan",
  "-nan",
  "1e400",
  "1e-400",
  "1e-310",
  " ",
  "+",
  "0x",
  "--1",
]) {
  compare(
    `"${bad}" is no number`,
    `
    RPUSH l 1 "${bad}" 2
    SORT l
    SORT l STORE to
    EXISTS to
    SORT l ALPHA
    SORT l LIMIT 0 0
    SORT l BY nosort
    SET w_1 "${bad}"
    RPUSH one 1 2
    SORT one BY w_*
    SORT one BY w_* STORE to
    SORT one BY w_* ALPHA
    `,
  );
}

compare(
  "ALPHA compares bytes, for a reply as far as the first NUL",
  `
  RPUSH l b B a aa A "" "a b" 10 9 -1 "\\xff" "\\xc3\\xa4" "a\\x00" "a\\x00b" "a\\x00a" "a\\x01" a
  SORT l ALPHA
  SORT l ALPHA DESC
  SORT l ALPHA LIMIT 3 4
  SORT l ALPHA LIMIT 1 100 DESC
  SORT l ALPHA STORE to
  LRANGE to 0 -1
  SORT l ALPHA DESC STORE to
  LRANGE to 0 -1
  MSET w_a "x\\x00b" w_b "x\\x00a" w_c x w_d "" w_e "\\x00"
  RPUSH k f e d c b a g
  SORT k ALPHA BY w_*
  SORT k ALPHA BY w_* DESC
  SORT k ALPHA BY w_* STORE to
  LRANGE to 0 -1
  SORT k ALPHA BY w_* DESC STORE to
  LRANGE to 0 -1
  `,
);

compare(
  "BY and GET",
  `
  RPUSH l 1 2 3 4 5
  MSET w_1 30 w_2 10 w_4 -5 w_5 10 v_1 one v_2 "" v_3 3
  SORT l BY w_*
  SORT l BY w_* DESC
  SORT l BY w_* LIMIT 1 2
  SORT l BY w_* LIMIT 1 2 DESC
  SORT l BY w_* GET v_*
  SORT l BY w_* GET "#" GET v_* GET w_* GET nothing
  SORT l GET "#"
  SORT l GET "#" GET "#"
  SORT l GET "##" GET "*" GET ""
  SORT l GET v_1
  SORT l BY w_* ALPHA
  SORT l BY w_* ALPHA DESC GET w_*
  HSET h_1 weight 5 name first
  HSET h_2 weight 4 name second
  HSET h_3 name third
  HSET h_5 weight 9
  SORT l BY h_*->weight
  SORT l BY h_*->weight DESC GET "#" GET h_*->name GET h_*->weight
  SORT l BY h_*->nothing DESC
  SORT l BY h_*->name ALPHA
  SORT l BY h_* DESC GET h_*
  SORT l BY w_*->weight GET w_*->weight GET v_*
  SET x_1-> arrow
  SET x_1->f string
  SET x_1y suffix
  SET "*1" star
  SET "1*" second
  HSET x_1y f field
  HSET x_1y f->g further
  SORT l LIMIT 0 1 GET x_*-> GET x_*->f GET x_*y GET x_*y->f GET x_*y->f->g GET x_*y->
  SORT l LIMIT 0 1 GET ** GET *1 GET *->f GET ->x_* GET x->*
  SET x_1- dash
  HSET x_1- f field
  HSET 1 f bare
  SORT l LIMIT 0 1 GET x_*- GET x_*-->f GET *->f GET x_*->
  SORT l BY *->f LIMIT 0 2
  SORT l BY w_* BY v_* ALPHA
  SORT l BY w_* BY nosort DESC
  SORT l BY nosort BY w_*
  SORT missing BY w_* GET "#" GET v_*
  RPUSH wrong 7
  SET w_7 1a
  SORT wrong BY w_*
  SORT wrong BY w_* ALPHA GET w_*
  RPUSH w_8 1
  RPUSH wrong2 8
  SORT wrong2 BY w_* GET w_* GET w_*->f
  RPUSH nul "a\\x00b"
  SET "p_a\\x00b" 1
  SET "p_a\\x00b\\x00*" 2
  SORT nul ALPHA GET p_* GET "p_*\\x00*" GET "p\\x00*" GET "#\\x00" GET "p_*\\x00->x"
  SORT nul BY "p\\x00*"
  `,
);

compare(
  "expired keys are missing",
  `
  RPUSH l 1 2 3
  MSET w_1 9 w_2 8 w_3 7 v_1 a v_2 b
  PEXPIREAT w_3 1
  PEXPIREAT v_2 1
  SET w_2 6 PX 1
  DEBUG SLEEP 0.005
  SORT l BY w_* GET "#" GET v_*
  SORT l BY w_* GET "#" GET w_* STORE to
  LRANGE to 0 -1
  DBSIZE
  SET v_1 a PX 1
  DEBUG SLEEP 0.005
  SORT l BY w_* DESC GET "#" GET v_*
  DBSIZE
  `,
);

const LIMITS = [
  "0 0",
  "0 1",
  "0 -1",
  "0 -2",
  "0 100",
  "1 2",
  "2 -1",
  "2 -7",
  "4 1",
  "5 1",
  "5 -1",
  "6 0",
  "100 100",
  "-1 1",
  "-10 3",
  "-10 100",
  "-1 -1",
  "0 9223372036854775807",
  "2 9223372036854775807",
  "9223372036854775807 9223372036854775807",
  "-9223372036854775808 -9223372036854775808",
  "3 2147483648",
];

compare(
  "LIMIT",
  `
  RPUSH l 3 1 2 5 4
  SADD s 3 1 2 5 4
  ZADD z 1 3 2 1 3 2 4 5 5 4
  MSET w_1 5 w_2 4 w_3 3 w_4 2 w_5 1
  ${LIMITS.map(
    (limit) => `
    SORT l LIMIT ${limit}
    SORT l LIMIT ${limit} DESC
    SORT s LIMIT ${limit}
    SORT s BY w_* LIMIT ${limit}
    SORT s BY nosort LIMIT ${limit}
    SORT s BY nosort LIMIT ${limit} DESC
    SORT z LIMIT ${limit} DESC
    SORT l BY w_* ALPHA LIMIT ${limit}
    SORT l BY nosort LIMIT ${limit}
    SORT l BY nosort LIMIT ${limit} DESC
    SORT z BY nosort LIMIT ${limit}
    SORT z BY nosort LIMIT ${limit} DESC
    SORT z BY nosort LIMIT ${limit} STORE to
    LRANGE to 0 -1
    SORT l LIMIT ${limit} GET "#" GET w_* STORE to
    LRANGE to 0 -1
    SORT missing LIMIT ${limit}
    SORT missing BY nosort LIMIT ${limit} DESC`,
  ).join("\n")}
  SORT l LIMIT 0 1 LIMIT 2 1
  `,
);

compare(
  "what is not sorted keeps its order",
  `
  RPUSH l b 2 a 10 b
  SORT l BY nosort
  SORT l BY nosort DESC
  SORT l BY nosort ALPHA
  SORT l BY "#"
  SORT l BY "" DESC LIMIT 1 2
  SORT l BY no->sort GET "#" GET "#"
  ZADD z 3 c 1 b 2 a 2 aa -inf low inf high
  SORT z BY nosort
  SORT z BY nosort DESC
  SORT z BY nosort STORE to
  LRANGE to 0 -1
  SADD ints 5 1 4
  SORT ints BY nosort
  SORT ints BY nosort DESC
  SADD s q w e r t y
  ? SORT s BY nosort
  SORT s BY nosort STORE to
  LRANGE to 0 -1
  SORT s BY nosort DESC STORE to
  LRANGE to 0 -1
  SADD ints 30
  SORT ints BY nosort STORE to
  LRANGE to 0 -1
  MSET w_1 9 w_30 1
  SORT ints BY nosort BY w_* STORE to
  LRANGE to 0 -1
  `,
);

compare(
  "STORE",
  `
  RPUSH l 3 1 2
  SORT l STORE to
  LRANGE to 0 -1
  TYPE to
  SORT l STORE l
  LRANGE l 0 -1
  SORT l DESC STORE l
  LRANGE l 0 -1
  SET to string EX 1000
  SORT l STORE to
  TYPE to
  TTL to
  EXPIRE to 1000
  SORT l STORE to
  TTL to
  SADD s 1 2
  SORT s DESC STORE s
  TYPE s
  LRANGE s 0 -1
  MSET v_1 one v_3 three
  SORT l GET v_* GET "#" STORE to
  LRANGE to 0 -1
  SORT missing STORE to
  EXISTS to
  SORT missing STORE to
  SORT missing STORE missing
  SORT l LIMIT 7 1 STORE l
  EXISTS l
  RPUSH l 1
  SORT l STORE a STORE b
  EXISTS a
  EXISTS b
  SORT l STORE "" GET missing
  SORT l STORE "" GET missing_*
  LRANGE "" 0 -1
  `,
);

transcript("STORE makes a listpack or a quicklist, by the list's limits", (t) => {
  for (const length of [1, 128, 129, 600]) {
    const items = Array.from({ length }, (_, i) => `element:${i * 7}`).join(" ");
    t.do("DEL l to");
    t.do(`RPUSH l ${items}`);
    t.do("SORT l ALPHA STORE to").is(length);
    t.do("LRANGE to 0 -1");
    const encoding = length < 600 ? "listpack" : "quicklist";
    t.do("OBJECT ENCODING to").is(encoding).differsIn72("7.0 has no lists that are listpacks");
  }
});

compare(
  "errors",
  `
  RPUSH l 2 1
  SORT
  SORT_RO
  SORT l ODD
  SORT l ASC ODD
  SORT l LIMIT
  SORT l LIMIT 1
  SORT l LIMIT a 1
  SORT l LIMIT 1 b
  SORT l LIMIT 1 9223372036854775808
  SORT l LIMIT -9223372036854775809 1
  SORT l LIMIT " 1" 1
  SORT l LIMIT a 1 ODD
  SORT l ODD LIMIT a 1
  SORT l BY
  SORT l GET
  SORT l STORE
  SORT_RO l STORE to
  SORT_RO l ASC STORE to
  SORT l BY LIMIT 0 1
  SORT l BY GET GET "#"
  SET s v
  SORT s
  SORT_RO s
  SORT s ODD
  SORT s STORE to
  SORT s BY nosort
  HSET h f v
  SORT h
  EXISTS to
  COMMAND GETKEYS SORT l
  COMMAND GETKEYS SORT l STORE to
  COMMAND GETKEYS SORT l STORE to BY STORE GET STORE
  COMMAND GETKEYS SORT l BY STORE STORE to LIMIT 0 STORE STORE second
  COMMAND GETKEYS SORT l STORE
  COMMAND GETKEYS SORT_RO l STORE to
  COMMAND GETKEYSANDFLAGS SORT l BY w_* GET v_* STORE to
  COMMAND GETKEYSANDFLAGS SORT_RO l BY w_*
  `,
);

compare(
  "a stored result wakes who waits for it",
  `
  RPUSH l 3 1 2
  @b BLPOP to 0
  SORT l DESC STORE to
  @b
  LRANGE to 0 -1
  `,
);

const chance = randomFrom(seed);

/** Few numbers, written in several ways, so that scores and elements are often equal. */
function number(): string {
  const value = chance.between(-9, 9);
  return chance.pick([`${value}`, `${value}`, `${value}.0`, `${value / 4}`, `${value}e1`] as const);
}

const word = () => chance.word(chance.between(0, 3));
const argument = (text: string) => (text === "" ? '""' : text);

function randomLimit(): string {
  return chance.chance(0.5) ? "" : `LIMIT ${chance.between(-3, 60)} ${chance.between(-3, 60)}`;
}

const direction = () => chance.pick(["", "ASC", "DESC"] as const);
const gets = () => (chance.chance(0.3) ? 'GET v_* GET "#" GET h_*->f' : "");

/** Of sets and sorted sets the servers walk equal elements in different orders. */
function randomSort(): string {
  const shared = `${direction()} ${randomLimit()} ${gets()}`;
  const store = chance.chance(0.2) ? "STORE to" : "";
  const kind = chance.below(6);
  if (kind === 0) return `SORT ${chance.pick(["numbers", "set", "zset"])} ${shared} ${store}`;
  if (kind === 1) return `SORT ${chance.pick(["words", "set", "zset"])} ALPHA ${shared} ${store}`;
  if (kind === 2) return `SORT ${chance.pick(["words", "numbers"])} BY nosort ${shared} ${store}`;
  if (kind === 3) return `SORT zset BY nosort ${shared} ${store}`;
  const by = chance.pick(["w_*", "h_*->f", "h_*->g", "w_*->f"] as const);
  if (kind === 4) return `SORT ${chance.pick(["words", "numbers", "set"])} BY ${by} ${shared}`;
  return `SORT ${chance.pick(["words", "numbers"])} ALPHA BY ${by} ${shared} ${store}`;
}

/** As packed values and, where little is allowed in those, as large ones. */
for (const most of [128, 4]) {
  const { transcript: randomTranscript } = transcripts({
    directives: [
      `list-max-listpack-size ${most}`,
      `set-max-intset-entries ${most}`,
      `zset-max-listpack-entries ${most}`,
      `hash-max-listpack-entries ${most}`,
    ],
  });
  randomTranscript(`random sorts, up to ${most} entries packed`, (t) => {
    for (let round = 0; round < scale(10); round++) {
      t.do("FLUSHDB");
      const length = chance.between(1, 120);
      const repeat = (make: () => string) => Array.from({ length }, make).join(" ");
      t.do(`RPUSH numbers ${repeat(number)}`);
      t.do(`RPUSH words ${repeat(() => argument(word()))}`);
      t.do(`SADD set ${repeat(number)}`);
      t.do(`ZADD zset ${repeat(() => `${chance.between(0, 9)} ${number()}`)}`);
      t.do(`MSET ${repeat(() => `w_${word()} ${number()} w_${number()} ${number()}`)}`);
      t.do(`MSET ${repeat(() => `v_${word()} ${argument(word())} v_${number()} ${number()}`)}`);
      for (let i = 0; i < length; i++) {
        t.do(`HSET h_${chance.chance(0.5) ? number() : word()} f ${number()} g ${number()}`);
      }
      for (let i = 0; i < 60; i++) {
        t.do(randomSort());
        if (chance.chance(0.1)) t.do("LRANGE to 0 -1");
      }
    }
  });
}

/** Enough for pivots to be medians of nine. */
transcript("parts of an order with many equal elements", (t) => {
  const count = 2000;
  const elements = Array.from({ length: count }, (_, i) => `e${i}`);
  t.do(`RPUSH l ${elements.join(" ")}`);
  t.do(`MSET ${elements.map((one) => `w_${one} ${chance.below(40)}`).join(" ")}`);
  t.do(`MSET ${elements.map((one) => `u_${one} ${chance.word(2)}`).join(" ")}`);
  for (let i = 0; i < scale(40); i++) {
    const range = `LIMIT ${chance.below(count)} ${chance.below(count)}`;
    t.do(`SORT l BY w_* ${range} ${direction()}`);
    t.do(`SORT l BY w_* ALPHA ${range} ${direction()}`);
    t.do(`SORT l BY u_* ALPHA ${range} ${direction()}`);
    t.do(`SORT l BY u_* ALPHA ${direction()}`);
  }
});

comparePropagation(
  "SORT propagates what it stores, and nothing else",
  `
  RPUSH l 3 1 2
  SORT l
  SORT_RO l
  sort l store to
  SORT l BY w_* LIMIT 0 1 GET "#" STORE to
  SORT l LIMIT 9 9 STORE to
  SORT l LIMIT 9 9 STORE to
  SORT missing STORE none
  SORT l ODD STORE to
  SET w_1 5 PXAT 1
  SET w_2 5
  PEXPIRE w_2 1
  `,
);
