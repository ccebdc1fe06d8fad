/** HyperLogLogs, compared with redis-server: replies, and the bytes of the keys. */
import { comparePropagation } from "../support/propagation.ts";
import { scale, seededRandom } from "../support/random.ts";
import { ReplyError } from "../support/resp-client.ts";
import type { Random } from "../support/random.ts";
import { compare, transcript, transcripts } from "../support/transcript.ts";
import type { Conversation } from "../support/transcript.ts";

/** A sparse value's header, its estimate out of date. */
const HEADER = Buffer.from("HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80", "latin1");

compare(
  "PFADD PFCOUNT",
  `
  PFADD k
  GET k
  OBJECT ENCODING k
  STRLEN k
  PFCOUNT k
  GET k
  PFADD k
  PFADD k a b c
  GET k
  PFADD k a b c
  PFADD k ""
  PFADD k "\\x00\\xff\\xfe" 1234567 12345678 123456789 "a longer element, of some blocks"
  GET k
  PFCOUNT k
  GET k
  PFCOUNT k
  PFADD k a
  GET k
  PFADD k z
  GETRANGE k 8 15
  PFADD new 1 2 3 4 5 6 7 8 9 10
  PFCOUNT new
  GET new
  PFCOUNT missing
  PFCOUNT missing missing
  PFCOUNT k new missing
  PFCOUNT k k
  GET k
  EXISTS missing
  PFADD
  PFCOUNT
  PFMERGE
  SET e ""
  PFADD new a
  EXPIRE new 100
  PFADD new b
  PFCOUNT new
  ~ TTL new
  `,
);

compare(
  "PFMERGE of sparse and dense",
  `
  PFMERGE empty
  GET empty
  PFADD a 1 2 3
  PFADD b 3 4 5
  PFMERGE d a b
  GET d
  PFCOUNT d
  PFMERGE d
  GET d
  PFMERGE d missing
  GET d
  PFCOUNT d
  PFDEBUG TODENSE b
  PFMERGE d a b
  GET d
  PFDEBUG ENCODING d
  PFCOUNT d
  PFCOUNT a b
  PFMERGE a a
  GET a
  PFMERGE self self
  PFMERGE sum d a b
  GET sum
  PFADD sum 6 7 8
  PFCOUNT sum
  GET sum
  PFMERGE dense b
  GET dense
  `,
);

compare(
  "keys that are no HyperLogLogs",
  `
  SET s text
  SET i 1234567890123456789
  RPUSH l a
  PFADD h a b c
  PFADD s a
  PFADD i a
  PFADD l a
  PFADD l
  PFCOUNT s
  PFCOUNT i
  PFCOUNT l
  PFCOUNT h s
  PFCOUNT h l
  PFCOUNT h h i
  PFMERGE s h
  PFMERGE h s
  PFMERGE l h
  PFMERGE h l
  PFMERGE new h s
  EXISTS new
  PFDEBUG ENCODING s
  PFDEBUG ENCODING l
  OBJECT ENCODING i
  OBJECT ENCODING s
  GET h
  SET short HYL
  PFCOUNT short
  SET short "HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
  PFCOUNT short
  SET bare "HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
  PFCOUNT bare
  PFADD bare a
  PFCOUNT bare h
  SETRANGE bare 15 "\\x80"
  PFCOUNT bare
  SET form "HYLL\\x02\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x7f\\xff"
  PFCOUNT form
  SETRANGE h 4 "\\x00"
  PFCOUNT h
  `,
);

compare(
  "the stored estimate is believed, and any 64 bits of it are returned",
  `
  PFADD k a b c
  SETRANGE k 8 "\\x07\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
  PFCOUNT k
  PFADD k a
  PFCOUNT k
  PFCOUNT k k
  SETRANGE k 8 "\\xff\\xff\\xff\\xff\\xff\\xff\\x1f\\x00"
  PFCOUNT k
  SETRANGE k 8 "\\x01\\x00\\x00\\x00\\x00\\x00\\x20\\x00"
  PFCOUNT k
  SETRANGE k 8 "\\xff\\xfe\\xfd\\xfc\\xfb\\xfa\\xf9\\x7f"
  PFCOUNT k
  PFADD k other
  GETRANGE k 8 15
  PFCOUNT k
  SETRANGE k 5 xyz
  PFADD k more
  PFDEBUG TODENSE k
  GET k
  `,
);

compare(
  "corrupt registers",
  `
  PFADD k a b c
  APPEND k hello
  PFCOUNT k
  PFCOUNT k k
  PFMERGE d k
  EXISTS d
  PFDEBUG TODENSE k
  PFDEBUG GETREG k
  PFDEBUG DECODE k
  PFADD k d
  GET k
  SET t "HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x7f\\xfe\\x80"
  PFCOUNT t
  PFADD t a
  GET t
  PFDEBUG DECODE t
  SET few "HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x50\\x00"
  PFADD few a b c d e f g h i j k l m n o p
  GET few
  PFCOUNT few
  PFDEBUG ENCODING few
  SET over "HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x7f\\xff\\x81"
  PFCOUNT over
  PFDEBUG TODENSE over
  SET ones "HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x80\\x40\\x00\\x7f\\xfe"
  PFADD ones a b c
  PFCOUNT ones
  PFDEBUG DECODE ones
  `,
);

compare(
  "PFDEBUG PFSELFTEST",
  `
  PFDEBUG
  PFDEBUG ENCODING
  PFDEBUG ENCODING k x
  PFDEBUG ENCODING missing
  PFDEBUG nosuch missing
  PFADD k a b c
  PFDEBUG nosuch k
  PFDEBUG "no\\r\\nsuch" k
  PFDEBUG "no\\x00such" k
  PFDEBUG encoding k
  PFDEBUG DECODE k
  PFDEBUG ToDense k
  PFDEBUG TODENSE k
  PFDEBUG ENCODING k
  PFDEBUG DECODE k
  GET k
  PFADD g a b c d e f g
  PFDEBUG GETREG g
  PFDEBUG ENCODING g
  PFDEBUG GETREG g
  GET g
  PFSELFTEST x
  PFSELFTEST
  `,
);

transcripts({ directives: ["hll-sparse-max-bytes 20"], protocols: [2] }).transcript(
  "PFSELFTEST where sparse values are hardly allowed",
  (t) => {
    // Whether the first element fits a sparse value depends on its register, which is chance.
    const tooSmall = "ERR TESTFAILED sparse encoding not used";
    t.do("PFSELFTEST").matching(
      (value) => value === "OK" || (value instanceof ReplyError && value.message === tooSmall),
    );
  },
);

compare(
  "the string shows as raw once it is looked at for writing",
  `
  SET k "HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x7f\\xff"
  OBJECT ENCODING k
  PFCOUNT k k
  PFMERGE other k
  OBJECT ENCODING k
  PFCOUNT k
  OBJECT ENCODING k
  SET k "HYLL\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x7f\\xff"
  PFADD k
  OBJECT ENCODING k
  COPY other there
  PFADD there x
  GET other
  GET there
  `,
);

transcript("each element that changes something counts, and so does the new key", (t) => {
  const dirtyOf = (reply: unknown): number =>
    Number(/rdb_changes_since_last_save:(\d+)/.exec(String(reply))?.[1]);
  const counts = (command: string, changes: number): void => {
    // One count for each server, in the order in which their replies are judged.
    const before: number[] = [];
    t.do("INFO persistence").matching((reply) => before.push(dirtyOf(reply)) > 0);
    t.do(command);
    t.do("INFO persistence").matching(
      (reply) => dirtyOf(reply) - Number(before.shift()) === changes,
    );
  };
  counts("PFADD k a b c d a b", 5);
  counts("PFADD k a", 0);
  counts("PFADD k a e", 1);
  counts("PFCOUNT k", 1);
  counts("PFCOUNT k", 0);
  counts("PFCOUNT k k", 0);
  counts("PFMERGE k k", 1);
  counts("PFDEBUG ENCODING k", 0);
  counts("PFDEBUG TODENSE k", 1);
  counts("PFDEBUG TODENSE k", 0);
});

transcript("HyperLogLogs go from one key to another as strings", (t) => {
  t.do("PFADD", "a", ...numbers(0, 500)).is(1);
  const copied = t.do("GET a");
  t.do(() => ["SET", "b", bulkOf(copied)]);
  t.do("PFCOUNT b");
  t.do("PFCOUNT a b");
  t.do("PFADD", "b", ...numbers(400, 1000)).is(1);
  t.do("PFCOUNT b");
  t.do("GET b");
});

transcript("a key too long for its value to lie beside it", (t) => {
  const key = "k".repeat(4090);
  t.do("PFADD", key, ...numbers(0, 300)).is(1);
  t.do("PFDEBUG", "TODENSE", key).is(1);
  t.do("PFADD", key, ...numbers(300, 5000)).is(1);
  t.do("PFCOUNT", key);
  const copied = t.do("GET", key);
  t.do(() => ["SET", key, bulkOf(copied)]);
  t.do("PFCOUNT", key);
  t.do("PFADD", key, "something", "else", "again", "and again").is(1);
  t.do("PFCOUNT", key);
  t.do("GET", key);
});

/** The bytes of a bulk string that a step was answered with. */
function bulkOf(step: ReturnType<Conversation["do"]>): Uint8Array {
  const raw = step.lastReply?.raw ?? new Uint8Array();
  return raw.subarray(raw.indexOf(10) + 1, raw.length - 2);
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => String(from + index));
}

const FEW_BYTES = ["hll-sparse-max-bytes 60"];
const NO_BYTES = ["hll-sparse-max-bytes 0"];
const MANY_BYTES = ["hll-sparse-max-bytes 16000"];

for (const directives of [[], FEW_BYTES, NO_BYTES, MANY_BYTES]) {
  const limited = transcripts({ directives, protocols: [2] });
  const title = directives[0] ?? "the default";
  limited.transcript(`elements of chance, ${title}`, (t) => {
    const random = seededRandom("hyperloglog");
    for (let round = 0; round < scale(12); round++) {
      const batch = random.pick([1, 1, 10, 100]);
      for (let step = 0; step < 60; step++) {
        t.do("PFADD", "k", ...someElements(random, batch));
        if (batch > 1 || step % 10 === 0) t.do("GET k");
        if (random.chance(0.3)) t.do("PFCOUNT k");
      }
      t.do("PFMERGE sum k");
      t.do("GET sum");
      t.do("PFADD", "other", ...someElements(random, batch * 20));
      t.do("PFMERGE other k");
      t.do("GET other");
      t.do("PFDEBUG ENCODING other");
      t.do("PFDEBUG GETREG sum");
      t.do("PFCOUNT k other");
      t.do("DEL k other");
      if (random.chance(0.3)) t.do("DEL sum");
    }
  });
}

function someElements(random: Random, count: number): Uint8Array[] {
  return Array.from({ length: count }, () => random.bytes(random.below(40)));
}

transcripts({ protocols: [2], timeoutMs: 60_000 }).transcript(
  "a hundred thousand elements: registers and estimates are Redis's at each step",
  (t) => {
    const random = seededRandom("hyperloglog, many");
    for (let added = 0; added < scale(100_000); added += 500) {
      t.do("PFADD", "k", ...someElements(random, 500));
      t.do("PFCOUNT k");
      if (added % 5000 === 0) t.do("GET k");
    }
    t.do("GET k");
  },
);

transcripts({ protocols: [2] }).transcript("bytes of chance in the value", (t) => {
  const random = seededRandom("hyperloglog, corrupt");
  for (let round = 0; round < scale(150); round++) {
    t.do("DEL k d");
    if (random.chance(0.5)) t.do("PFADD", "k", ...someElements(random, random.below(300)));
    else t.do("SET", "k", crafted(random));
    const isDense = random.chance(0.1);
    if (isDense) t.do("PFDEBUG TODENSE k");
    const damages = random.below(5);
    for (let left = damages; left > 0; left--) {
      const offset = isDense ? random.between(8, 12303) : random.between(8, 17);
      t.do("SETRANGE", "k", String(offset), random.bytes(1));
    }
    // An XZERO whose second byte is cut off makes Redis read what lies behind the string.
    if (damages > 0 && !isDense) t.do("APPEND", "k", Uint8Array.of(0));
    useCorrupted(t, random);
  }
});

/** A header and opcodes of chance, the last of which is a whole one. */
function crafted(random: Random): Uint8Array {
  const opcodes: number[] = [];
  for (let left = random.below(40); left > 0; left--) {
    const kind = random.below(3);
    if (kind === 0) opcodes.push(random.below(64));
    else if (kind === 1) opcodes.push(0x40 | random.below(64), random.below(256));
    else opcodes.push(0x80 | random.below(128));
  }
  return Uint8Array.from([...HEADER, ...opcodes, 0]);
}

function useCorrupted(t: Conversation, random: Random): void {
  t.do("PFCOUNT k");
  t.do("PFADD", "k", ...someElements(random, 3));
  t.do("GET k");
  t.do("PFCOUNT k");
  t.do("PFCOUNT k nothing");
  t.do("PFMERGE d k");
  t.do("PFDEBUG DECODE k");
  t.do("PFDEBUG GETREG k");
  t.do("PFADD", "k", ...someElements(random, 50));
  t.do("GET k");
}

comparePropagation(
  "what HyperLogLog commands propagate",
  `
  PFADD k a b c
  PFADD k a
  PFADD empty
  PFADD empty
  PFCOUNT k
  PFCOUNT k
  PFADD k a
  PFCOUNT k
  PFADD k d
  PFCOUNT k empty
  PFCOUNT k
  PFCOUNT missing
  PFMERGE d k empty
  PFMERGE d
  PFMERGE d d
  PFDEBUG ENCODING d
  PFDEBUG DECODE d
  PFDEBUG TODENSE d
  PFDEBUG TODENSE d
  PFDEBUG GETREG k
  PFDEBUG GETREG k
  PFSELFTEST
  SET s x
  PFADD s a
  PFMERGE d s
  `,
);
