/** One script for hashes, over every encoding and every way from one to the other. */
import { transcripts } from "../support/transcript.ts";
import type { Conversation } from "../support/transcript.ts";
import { FAR_MS, holds, LENGTHS, live, texts } from "./_key-life.ts";

interface Encoding {
  readonly name: string;
  readonly directives: readonly string[];
  /** Fields that the script sets. */
  readonly fields: number;
  /** Lengths of some values and fields. */
  readonly lengths: readonly number[];
  /** OBJECT ENCODING of the first field, and of all. */
  readonly first: string;
  readonly last: string;
}

const ENCODINGS: readonly Encoding[] = [
  {
    name: "packed",
    directives: ["hash-max-listpack-entries 100000", "hash-max-listpack-value 3mb"],
    fields: 1000,
    lengths: LENGTHS,
    first: "listpack",
    last: "listpack",
  },
  {
    name: "packed until there are many fields",
    directives: ["hash-max-listpack-entries 500", "hash-max-listpack-value 3mb"],
    fields: 10_000,
    lengths: LENGTHS,
    first: "listpack",
    last: "hashtable",
  },
  {
    name: "packed until a field is long",
    directives: ["hash-max-listpack-entries 100000", "hash-max-listpack-value 64"],
    fields: 400,
    lengths: LENGTHS,
    first: "listpack",
    last: "hashtable",
  },
  {
    name: "large from the first",
    directives: ["hash-max-listpack-entries 0"],
    fields: 10_000,
    lengths: LENGTHS,
    first: "hashtable",
    last: "hashtable",
  },
];

const BATCH = 500;

for (const encoding of ENCODINGS) {
  const { transcript } = transcripts({ directives: encoding.directives, protocols: [3] });
  transcript(`hashes, ${encoding.name}`, (t) => {
    t.do("HSET h first 1");
    holds(t, "h", encoding.first);
    fill(t, encoding);
    holds(t, "h", encoding.last);
    live(t, "h", encoding.last);
    edit(t, encoding);
    holds(t, "h", encoding.last);
    empty(t, encoding);
  });
  transcript(`hashes that expire, ${encoding.name}`, (t) => {
    t.do("HSET h first 1");
    t.do("PEXPIREAT", "h", FAR_MS);
    fill(t, encoding);
    holds(t, "h", encoding.last);
    t.do("PEXPIRETIME h");
    t.do("PERSIST h");
    holds(t, "h", encoding.last);
    t.do("PEXPIREAT h 1");
    t.do("EXISTS h");
    t.do("HSET h first 1");
    holds(t, "h", encoding.first);
  });
}

function fill(t: Conversation, { fields, lengths }: Encoding): void {
  for (let from = 0; from < fields; from += BATCH) {
    const names = texts("field:", from, Math.min(BATCH, fields - from));
    t.do("HSET", "h", ...names.flatMap((name, index) => [name, from + index]));
    t.do("HLEN h");
  }
  for (const length of lengths) {
    t.do("HSET", "h", `long:${length}`, "v".repeat(length));
    t.do("HSET", "h", "f".repeat(length), `of ${length}`);
    t.do("HSTRLEN", "h", `long:${length}`);
    t.do("HGET", "h", "f".repeat(length));
  }
}

function edit(t: Conversation, { fields, lengths }: Encoding): void {
  // Every field's value becomes longer and shorter by turns.
  for (const length of [...lengths, ...lengths.toReversed()]) {
    t.do("HSET", "h", "changing", "c".repeat(length));
    t.do("HSTRLEN h changing");
  }
  t.do("HGET h changing");
  t.do("HSET", "h", ...lengths.flatMap((length) => [`long:${length}`, -length]));
  t.do("HMGET", "h", ...lengths.map((length) => `long:${length}`));
  for (const integer of ["127", "-4096", "32768", "-8388609", "2147483648"]) {
    t.do("HINCRBY", "h", "field:7", integer);
  }
  t.do("HINCRBY h field:7 9223372036854775807");
  t.do("HSET h field:7 9223372036854775807");
  t.do("HINCRBY h field:7 1");
  t.do("HINCRBYFLOAT h field:8 0.25");
  t.do("HSETNX h field:9 no");
  t.do("HSETNX h newest 1");
  t.do("HMGET", "h", ...texts("field:", 0, fields));
  t.do("HEXISTS h field:1");
  t.do("HEXISTS h field:x");
  t.do("HKEYS h").unordered();
  t.do("HVALS h").unordered();
  t.do("HGETALL h").unordered();
  t.do("HRANDFIELD h 1000000 WITHVALUES").unordered();
  t.do("HRANDFIELD h -5").likeShape();
}

function empty(t: Conversation, { fields, lengths, last }: Encoding): void {
  t.do("HDEL", "h", ...lengths.map((length) => "f".repeat(length)));
  holds(t, "h", last);
  for (let from = 0; from < fields; from += BATCH) {
    const names = texts("field:", from, Math.min(BATCH, fields - from));
    t.do("HDEL", "h", ...names.filter((_, index) => index % 3 !== 0), "missing");
  }
  holds(t, "h", last);
  t.do("COPY h copied");
  t.do("DEL copied");
  t.do("HKEYS h").unordered();
  for (let from = 0; from < fields; from += BATCH) {
    t.do("HDEL", "h", ...texts("field:", from, Math.min(BATCH, fields - from)));
  }
  t.do("HLEN h");
  t.do("HDEL", "h", "first", "changing", "newest", ...lengths.map((length) => `long:${length}`));
  t.do("EXISTS h");
  t.do("DBSIZE");
}
