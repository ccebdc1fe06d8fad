/** One script for sets, over every encoding and every way from one to the other. */
import { BORDER_INTEGERS } from "../support/byte-texts.ts";
import { transcripts } from "../support/transcript.ts";
import type { Conversation } from "../support/transcript.ts";
import { FAR_MS, holds, LENGTHS, live, texts } from "./_key-life.ts";

interface Encoding {
  readonly name: string;
  /** Of Pedis only; the oracle does not know `set-max-listpack-…`. */
  readonly thresholds: { integers?: number; entries?: number; value?: number };
  /** Members in the order in which they are added. */
  readonly members: readonly string[];
  /** OBJECT ENCODING of the first member, and of all. */
  readonly first: string;
  readonly last: string;
}

const LONG = LENGTHS.map((length) => "m".repeat(length));
const WIDE = BORDER_INTEGERS.map(String);

const ENCODINGS: readonly Encoding[] = [
  {
    name: "narrow integers",
    thresholds: { integers: 100_000 },
    members: texts("", -2000, 5000),
    first: "intset",
    last: "intset",
  },
  {
    name: "integers that widen",
    thresholds: { integers: 100_000 },
    members: [...texts("", -100, 300), ...WIDE, ...texts("", 30_000, 5000)],
    first: "intset",
    last: "intset",
  },
  {
    name: "integers until there are many",
    thresholds: { integers: 500 },
    members: [...texts("", 0, 300), ...WIDE, ...texts("1000", 0, 10_000)],
    first: "intset",
    last: "hashtable",
  },
  {
    name: "integers until a text comes",
    thresholds: { integers: 1000, entries: 2000 },
    members: [...texts("", -200, 500), ...WIDE, ...texts("m", 0, 500), ...texts("", 1000, 100)],
    first: "intset",
    last: "listpack",
  },
  {
    name: "integers, then texts, then many",
    thresholds: { integers: 1000, entries: 700 },
    members: [...texts("", -200, 500), ...WIDE, ...texts("m", 0, 5000), ...texts("", 1000, 100)],
    first: "intset",
    last: "hashtable",
  },
  {
    name: "integers until a long text comes",
    thresholds: {},
    members: [...texts("", -200, 500), ...WIDE, ...LONG, ...texts("m", 0, 100)],
    first: "intset",
    last: "hashtable",
  },
  {
    name: "packed, however long",
    thresholds: { entries: 2000, value: 3_000_000 },
    members: ["first", ...texts("m", 0, 900), ...LONG, ...WIDE, ...texts("", -200, 500)],
    first: "listpack",
    last: "listpack",
  },
  {
    name: "packed until a text is long",
    thresholds: { entries: 2000 },
    members: ["first", ...texts("m", 0, 500), ...LONG, ...texts("n", 0, 500)],
    first: "listpack",
    last: "hashtable",
  },
  {
    name: "large from the first",
    thresholds: { integers: 0, entries: 0 },
    members: ["first", ...texts("member:", 0, 10_000), ...LONG, ...WIDE],
    first: "hashtable",
    last: "hashtable",
  },
];

const BATCH = 100;
const SMALL_72 = "Redis 7.2 keeps small sets of texts as listpacks";
const { transcript } = transcripts({ directives: ["databases 6"], protocols: [3] });

for (const encoding of ENCODINGS) {
  const { members, first, last } = encoding;
  transcript(`sets, ${encoding.name}`, (t) => {
    configure(t, encoding);
    t.do("SADD", "s", members[0]);
    check(t, "s", first);
    fill(t, members);
    check(t, "s", last);
    live(t, "s", last, last === "listpack" ? SMALL_72 : "");
    read(t, members);
    combine(t, members);
    empty(t, encoding);
  });
  transcript(`sets that expire, ${encoding.name}`, (t) => {
    configure(t, encoding);
    t.do("SADD", "s", members[0]);
    t.do("PEXPIREAT", "s", FAR_MS);
    fill(t, members);
    check(t, "s", last);
    t.do("PEXPIRETIME s");
    t.do("PERSIST s");
    check(t, "s", last);
    t.do("PEXPIREAT s 1");
    t.do("EXISTS s");
    t.do("SADD", "s", members[0]);
    check(t, "s", first);
  });
}

function configure(t: Conversation, { thresholds }: Encoding): void {
  const { integers = 512, entries = 128, value = 64 } = thresholds;
  t.do("CONFIG", "SET", "set-max-intset-entries", integers);
  t.do("CONFIG", "SET", "set-max-listpack-entries", entries, "set-max-listpack-value", value)
    .is("OK")
    .differsIn72(SMALL_72);
}

function check(t: Conversation, key: string, encoding: string): void {
  holds(t, key, encoding, encoding === "listpack" ? SMALL_72 : "");
}

function batches(members: readonly string[]): string[][] {
  const parts: string[][] = [];
  for (let from = 0; from < members.length; from += BATCH) {
    parts.push(members.slice(from, from + BATCH));
  }
  return parts;
}

function fill(t: Conversation, members: readonly string[]): void {
  for (const part of batches(members)) t.do("SADD", "s", ...part);
  t.do("SCARD s").is(new Set(members).size);
}

function read(t: Conversation, members: readonly string[]): void {
  t.do("SMEMBERS s").unordered();
  t.do("SRANDMEMBER s 1000000").unordered();
  t.do("SRANDMEMBER s -7").likeShape();
  t.do("SRANDMEMBER s 7").likeShape();
  t.do("SADD", "s", ...members.slice(0, 50));
  for (const part of batches(members)) {
    t.do("SMISMEMBER", "s", ...part, ...part.map((member) => `${member}0000`));
    t.do("SISMEMBER", "s", part[0]);
  }
}

/** Sets of other encodings beside this one. */
function combine(t: Conversation, members: readonly string[]): void {
  const some = members.filter((_, index) => index % 7 === 0);
  t.do("SADD other 1 2 3 100 70000");
  t.do("SADD texts a b m1 m2 m3");
  t.do("SADD", "large", ...some, "x".repeat(100), ...texts("n", 0, 200));
  for (const other of ["other", "texts", "large", "none"]) {
    t.do("SINTER", "s", other).unordered();
    t.do("SINTERCARD", 2, other, "s", "LIMIT", 10);
    t.do("SUNION", other, "s").unordered();
    t.do("SDIFF", "s", other).unordered();
    t.do("SDIFF", other, "s").unordered();
    for (const command of ["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"]) {
      t.do(command, "stored", "s", other);
      t.do("DEBUG DIGEST-VALUE stored");
    }
  }
  t.do("SUNIONSTORE s s s");
  t.do("SUNION other texts large none s").unordered();
  for (const member of some.slice(0, 20)) {
    t.do("SMOVE", "s", "other", member);
    t.do("SMOVE", "s", "texts", member);
  }
  t.do("SUNIONSTORE s s other texts");
  t.do("DEBUG DIGEST-VALUE s");
  t.do("SDIFFSTORE s s texts");
  t.do("SADD", "s", ...members.slice(0, 100), "1");
  t.do("DEL other texts large stored");
}

function empty(t: Conversation, { members }: Encoding): void {
  const half = members.filter((_, index) => index % 2 === 0);
  for (const part of batches(half)) t.do("SREM", "s", ...part, "missing");
  t.do("DEBUG DIGEST-VALUE s");
  t.do("COPY s copied");
  t.do("DEBUG DIGEST-VALUE copied");
  t.do("SPOP s").likeShape();
  t.do("SPOP s 10").likeShape();
  t.do("SCARD s");
  t.do("SUNIONSTORE s copied");
  t.do("SDIFF s copied");
  t.do("SPOP copied 1000000").unordered();
  for (const part of batches(members)) t.do("SREM", "s", ...part);
  t.do("SREM s 1 2 3 100 70000");
  t.do("DBSIZE").is(0);
}
