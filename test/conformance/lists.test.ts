/** One script for lists, over every encoding and every way from one to the other. */
import { transcripts } from "../support/transcript.ts";
import type { Conversation } from "../support/transcript.ts";
import { FAR_MS, holds, LENGTHS, live, texts } from "./_key-life.ts";

interface Encoding {
  readonly name: string;
  readonly directives: readonly string[];
  /** Elements that the script pushes. */
  readonly elements: number;
  /** Lengths of some more. */
  readonly lengths: readonly number[];
  /** OBJECT ENCODING of the first element, and of all. */
  readonly first: string;
  readonly last: string;
}

const PACKED_LENGTHS = [0, 1, 63, 64, 65, 127, 128, 4095, 4096, 4097];

const ENCODINGS: readonly Encoding[] = [
  {
    name: "packed",
    directives: ["list-max-listpack-size -5"],
    elements: 1000,
    lengths: PACKED_LENGTHS,
    first: "listpack",
    last: "listpack",
  },
  {
    name: "packed until there are many bytes",
    directives: ["list-max-listpack-size -2"],
    elements: 10_000,
    lengths: LENGTHS,
    first: "listpack",
    last: "quicklist",
  },
  {
    name: "packed until there are many elements",
    directives: ["list-max-listpack-size 100"],
    elements: 2000,
    lengths: LENGTHS,
    first: "listpack",
    last: "quicklist",
  },
  {
    name: "in the largest chunks",
    directives: ["list-max-listpack-size -5"],
    elements: 10_000,
    lengths: LENGTHS,
    first: "listpack",
    last: "quicklist",
  },
  {
    name: "an element in a chunk",
    directives: ["list-max-listpack-size 1", "list-compress-depth 1"],
    elements: 1000,
    lengths: LENGTHS,
    first: "listpack",
    last: "quicklist",
  },
];

const BATCH = 500;
const SMALL_72 = "Redis 7.2 keeps small lists as one listpack";

for (const encoding of ENCODINGS) {
  const { transcript } = transcripts({ directives: encoding.directives, protocols: [2] });
  const reason = encoding.last === "listpack" ? SMALL_72 : "";
  transcript(`lists, ${encoding.name}`, (t) => {
    t.do("RPUSH l first");
    holds(t, "l", encoding.first, SMALL_72);
    fill(t, encoding);
    holds(t, "l", encoding.last, reason);
    live(t, "l", encoding.last, reason);
    read(t, encoding);
    edit(t, encoding);
    t.do("COPY l copied");
    t.do("DEBUG DIGEST-VALUE copied");
    t.do("DEL copied");
    empty(t, encoding);
  });
  transcript(`lists that expire, ${encoding.name}`, (t) => {
    t.do("RPUSH l first");
    t.do("PEXPIREAT", "l", FAR_MS);
    fill(t, encoding);
    holds(t, "l", encoding.last, reason);
    t.do("PEXPIRETIME l");
    t.do("LTRIM l -1 -1");
    t.do("DEBUG DIGEST-VALUE l");
    t.do("PEXPIRETIME l");
    t.do("PERSIST l");
    fill(t, encoding);
    holds(t, "l", encoding.last, reason);
    t.do("PEXPIREAT l 1");
    t.do("EXISTS l");
  });
}

/** Ends with a short element. */
function fill(t: Conversation, { elements, lengths }: Encoding): void {
  for (const length of lengths) {
    t.do("RPUSH", "l", "r".repeat(length));
    t.do("LPUSH", "l", "l".repeat(length));
  }
  for (let from = 0; from < elements; from += BATCH) {
    const count = Math.min(BATCH, elements - from);
    if (from % (2 * BATCH) === 0) t.do("RPUSH", "l", ...texts("element:", from, count));
    else t.do("LPUSH", "l", ...texts("", from, count));
  }
  t.do("RPUSH l last");
  t.do("LLEN l");
}

function read(t: Conversation, { elements, lengths }: Encoding): void {
  const size = elements + 2 * lengths.length + 2;
  for (let index = 0; index < size; index += Math.ceil(size / 37)) {
    t.do("LINDEX", "l", index);
    t.do("LINDEX", "l", -1 - index);
    t.do("LRANGE", "l", index, index + 20);
    t.do("LRANGE", "l", -20 - index, -index);
  }
  t.do("LRANGE l 0 -1");
  for (const sought of ["element:7", "7", "999", "last", "first", "none", ""]) {
    t.do("LPOS", "l", sought);
    t.do("LPOS", "l", sought, "RANK", -1);
    t.do("LPOS", "l", sought, "COUNT", 0, "MAXLEN", 500);
  }
  for (const length of lengths) t.do("LPOS", "l", "r".repeat(length), "COUNT", 0);
}

function edit(t: Conversation, { elements, lengths }: Encoding): void {
  const places = [0, 1, 50, elements >> 1, elements - 1, -1, -2, -51];
  for (const [turn, place] of places.entries()) {
    for (const length of [lengths[turn], lengths.at(-1 - turn) ?? 0, 3]) {
      t.do("LSET", "l", place, "s".repeat(length));
      t.do("LRANGE", "l", place - 2, place + 2);
    }
    t.do("LSET", "l", place, -1 - turn);
  }
  t.do("DEBUG DIGEST-VALUE l");
  for (const [turn, length] of lengths.entries()) {
    t.do("LINSERT", "l", "BEFORE", `element:${turn * 31}`, "b".repeat(length));
    t.do("LINSERT", "l", "AFTER", `element:${turn * 31}`, "a".repeat(length));
    t.do("LINSERT", "l", "AFTER", "-1", turn);
    t.do("LINSERT", "l", "BEFORE", "-7", turn);
    t.do("LINSERT", "l", "BEFORE", "first", turn);
  }
  t.do("DEBUG DIGEST-VALUE l");
  for (let turn = 0; turn < 60; turn++) t.do("LMOVE l l LEFT RIGHT");
  for (let turn = 0; turn < 60; turn++) t.do("RPOPLPUSH l l");
  for (let turn = 0; turn < 60; turn++) t.do("LMOVE l other RIGHT LEFT");
  t.do("LRANGE other 0 -1");
  for (let turn = 0; turn < 60; turn++) t.do("LMOVE other l LEFT RIGHT");
  t.do("EXISTS other");
  for (const length of lengths) {
    t.do("LREM", "l", -1, "b".repeat(length));
    t.do("LREM", "l", 0, "a".repeat(length));
  }
  for (let number = 0; number < 40; number++) {
    t.do("LREM", "l", [0, 1, -1][number % 3], number);
    t.do("LREM", "l", [0, 1, -1][number % 3], `element:${number * 11}`);
  }
  t.do("LLEN l");
  t.do("LRANGE l 0 -1");
}

function empty(t: Conversation, { elements }: Encoding): void {
  const part = elements >> 3;
  t.do("LTRIM", "l", part, -part);
  t.do("DEBUG DIGEST-VALUE l");
  t.do("LPOP", "l", part);
  t.do("RPOP", "l", part);
  t.do("LMPOP", 2, "none", "l", "RIGHT", "COUNT", part);
  for (let turn = 0; turn < 100; turn++) t.do(turn % 2 === 0 ? "LPOP l" : "RPOP l");
  t.do("DEBUG DIGEST-VALUE l");
  t.do("RPUSH", "l", "p".repeat(20_000), "end");
  t.do("LPUSH", "l", "q".repeat(20_000), "begin");
  t.do("LTRIM l 0 3");
  t.do("LTRIM l 1 -1");
  t.do("LRANGE l 0 -1");
  t.do("LLEN l");
  t.do("RPOP l 100");
  t.do("EXISTS l");
  t.do("DBSIZE");
}
