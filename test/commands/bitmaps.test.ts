/** Bit commands, compared with redis-server. */
import { compare, transcript, transcripts } from "../support/transcript.ts";
import { scale, seededRandom } from "../support/random.ts";

compare(
  "SETBIT GETBIT",
  `
  SETBIT k 7 1
  GET k
  SETBIT k 7 0
  SETBIT k 7 0
  GETBIT k 7
  SETBIT k 100 1
  STRLEN k
  GETBIT k 100
  GETBIT k 101
  GETBIT k 100000
  GETBIT missing 0
  SETBIT k -1 1
  SETBIT k x 1
  SETBIT k 1 2
  SETBIT k 1 x
  SETBIT k 4294967296 1
  SETBIT k 4294967295 x
  GETBIT k -1
  GETBIT k 4294967296
  SET n 1
  SETBIT n 6 1
  GET n
  OBJECT ENCODING n
  SETBIT new 0 0
  STRLEN new
  SET e v EX 100
  SETBIT e 0 1
  ~ TTL e
  `,
);

compare(
  "BITCOUNT BITPOS",
  `
  BITCOUNT missing
  BITCOUNT missing 0 5
  BITPOS missing 0
  BITPOS missing 1
  SET k foobar
  BITCOUNT k
  BITCOUNT k 0 0
  BITCOUNT k 1 1
  BITCOUNT k -2 -1
  BITCOUNT k 5 30 BIT
  BITCOUNT k 5 30 BYTE
  BITCOUNT k -10 -3 BIT
  BITCOUNT k 10 5
  BITCOUNT k -1 -5
  BITCOUNT k 0
  BITCOUNT k 0 1 BOGUS
  BITCOUNT k x 1
  BITCOUNT k 0 1 BIT extra
  BITPOS k 1
  BITPOS k 0
  BITPOS k 2
  BITPOS k x
  SET f "\\xff\\xff\\xff"
  BITPOS f 0
  BITPOS f 0 0 -1
  BITPOS f 0 1
  BITPOS f 0 3
  BITPOS f 1 1 2
  BITPOS f 1 9 20 BIT
  BITPOS f 0 9 20 BIT
  SET z "\\x00\\x00\\x0f"
  BITPOS z 1
  BITPOS z 1 -1
  BITPOS z 1 22 23 BIT
  BITPOS z 1 0 1
  BITPOS z 1 0 -1 BOGUS
  BITPOS z 1 x
  BITPOS z 1 0 x
  BITPOS z 1 5 2
  SET n 12345
  BITCOUNT n
  BITPOS n 0
  SET empty ""
  BITCOUNT empty
  BITPOS empty 0
  BITPOS empty 1
  `,
);

compare(
  "BITOP",
  `
  SET a "abc"
  SET b "\\xff\\x00\\xff\\xf0 and more than a word"
  SET n 12
  BITOP AND d a b
  GET d
  BITOP OR d a b n
  GET d
  BITOP XOR d a b missing
  GET d
  BITOP NOT d a
  GET d
  OBJECT ENCODING d
  BITOP and d a
  GET d
  BITOP AND d a missing
  GET d
  BITOP NOT d a b
  BITOP BOGUS d a
  BITOP AND d missing
  EXISTS d
  BITOP OR a a b
  GET a
  SET t v EX 100
  BITOP OR t a
  TTL t
  BITOP AND d
  `,
);

compare(
  "BITFIELD",
  `
  BITFIELD k
  BITFIELD k SET u8 0 255 GET u8 0 GET i8 0 GET u4 4
  BITFIELD k INCRBY u8 0 1
  BITFIELD k OVERFLOW SAT INCRBY u8 0 300
  BITFIELD k OVERFLOW FAIL INCRBY u8 0 1 GET u8 0
  BITFIELD k OVERFLOW WRAP INCRBY i8 8 127 INCRBY i8 8 1
  BITFIELD k OVERFLOW SAT INCRBY i8 8 -500
  BITFIELD k SET i64 16 9223372036854775807 GET i64 16
  BITFIELD k INCRBY i64 16 1
  BITFIELD k OVERFLOW SAT INCRBY i64 16 -1
  BITFIELD k SET u63 16 9223372036854775807 GET u63 16
  BITFIELD k INCRBY u63 16 1
  BITFIELD k SET u63 16 -1
  BITFIELD k OVERFLOW SAT SET u8 0 -1 GET u8 0
  BITFIELD k OVERFLOW FAIL SET u8 0 256
  BITFIELD k SET u8 #2 170 GET u8 #2 GET u8 16
  BITFIELD k SET i5 3 -7 GET i5 3
  BITFIELD k GET u64 0
  BITFIELD k GET i65 0
  BITFIELD k GET u0 0
  BITFIELD k GET x8 0
  BITFIELD k GET u8 -1
  BITFIELD k GET u8 x
  BITFIELD k GET u8 #x
  BITFIELD k GET u8
  BITFIELD k SET u8 0
  BITFIELD k SET u8 0 x
  BITFIELD k OVERFLOW BOGUS
  BITFIELD k OVERFLOW
  BITFIELD k BOGUS
  BITFIELD k GET u8 100000
  BITFIELD k SET u8 4294967296 1
  BITFIELD missing GET u8 0
  EXISTS missing
  BITFIELD_RO k GET u8 0 GET i16 #1
  BITFIELD_RO k SET u8 0 1
  BITFIELD_RO missing GET u8 0
  GET k
  SET n 12
  BITFIELD n GET u8 0
  BITFIELD n INCRBY u8 0 1
  GET n
  `,
);

compare(
  "what bit commands make is raw, in exactly the room it needs",
  `
  SET n 12
  SET m 34
  BITOP OR d n m
  GET d
  OBJECT ENCODING d
  INCR d
  SETBIT s 1 1
  OBJECT ENCODING s
  BITFIELD f SET u8 0 49
  OBJECT ENCODING f
  INCR f
  OBJECT ENCODING f
  SETBIT f 0 1
  OBJECT ENCODING f
  BITOP NOT e f
  OBJECT ENCODING e
  SET x v EX 100
  BITFIELD x SET u8 0 1
  ~ TTL x
  SETBIT x 100 1
  ~ TTL x
  `,
);

compare(
  "BITFIELD reads its key unless something in it writes, or cannot be read",
  `
  COMMAND GETKEYSANDFLAGS BITFIELD k
  COMMAND GETKEYSANDFLAGS BITFIELD k GET u8 0
  COMMAND GETKEYSANDFLAGS BITFIELD k OVERFLOW SET
  COMMAND GETKEYSANDFLAGS BITFIELD k GET u8 SET
  COMMAND GETKEYSANDFLAGS BITFIELD k GET u8 0 SET u8 0 1
  COMMAND GETKEYSANDFLAGS BITFIELD k INCRBY u8 0 1 GET u8 0
  COMMAND GETKEYSANDFLAGS BITFIELD k GET u8
  COMMAND GETKEYSANDFLAGS BITFIELD k OVERFLOW
  COMMAND GETKEYSANDFLAGS BITFIELD k BOGUS
  `,
);

transcript("each write of BITFIELD that changes something counts", (t) => {
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
  counts("BITFIELD k SET u8 0 1 SET u8 8 2", 2);
  counts("BITFIELD k SET u8 0 1 SET u8 8 3", 1);
  counts("BITFIELD k SET u8 0 1", 0);
  counts("BITFIELD k SET u8 100 0 SET u8 0 1 OVERFLOW FAIL INCRBY u8 0 300", 2);
});

// Half a gigabyte in each server: once is enough.
const large = transcripts({ protocols: [2] });

large.compare(
  "limits of bit offsets",
  `
  SETBIT big 4294967295 1
  STRLEN big
  GETBIT big 4294967295
  GETBIT big 4294967294
  BITCOUNT big
  BITPOS big 1
  BITPOS big 1 0 -2
  BITCOUNT big -1 -1 BIT
  BITFIELD big GET u8 4294967288 GET u8 4294967292
  BITFIELD_RO big GET i64 #67108863
  DEL big
  BITFIELD big SET u8 4294967296 1
  BITFIELD big GET u8 #536870912
  BITFIELD big GET u8 99999999999999999999
  GETBIT big 9223372036854775807
  GETBIT big 1.5
  GETBIT big ""
  BITFIELD big GET u8 #
  BITFIELD big GET u8 #-1
  BITFIELD big GET u 0
  BITFIELD big GET "" 0
  BITFIELD big GET u08 0
  EXISTS big
  `,
);

const limited = transcripts({ directives: ["proto-max-bulk-len 1mb"] });

limited.compare(
  "proto-max-bulk-len limits bit offsets",
  `
  SETBIT k 8388608 1
  SETBIT k 8388607 1
  STRLEN k
  GETBIT k 8388608
  BITFIELD k SET u8 8388600 255
  BITFIELD k SET u8 8388608 255
  BITFIELD k SET u63 8388607 1
  STRLEN k
  `,
);

const random = seededRandom("bits");

transcript("long strings, at any alignment", (t) => {
  for (let i = 0; i < scale(60); i++) {
    const [a, b, c] = [0, 1, 2].map(() => {
      const bytes = new Uint8Array(random.pick([40, 300, 5000, 20000, 70000])).fill(
        random.pick([0, 255]),
      );
      for (let flips = random.below(4); flips > 0; flips--) {
        bytes[random.below(bytes.length)] ^= 1 << random.below(8);
      }
      return bytes;
    });
    t.do(() => ["MSET", "a", a, "b", b, "c", c]);
    const range = [0, 1].map(() => String(random.between(-600000, 600000)));
    t.do(() => ["BITCOUNT", "a", ...range, "BIT"]);
    t.do("BITCOUNT b");
    for (const bit of ["0", "1"]) {
      t.do(() => ["BITPOS", "a", bit]);
      t.do(() => ["BITPOS", "b", bit, ...range, "BIT"]);
      t.do(() => ["BITPOS", "c", bit, range[0]]);
    }
    const operation = random.pick(["AND", "OR", "XOR"]);
    const target = random.pick(["a", "d"]);
    t.do(() => ["BITOP", operation, target, "a", "b", "c", "missing"]);
    t.do("BITOP NOT e c");
    t.do("DEBUG DIGEST-VALUE a d e");
  }
});

transcript("random bit edits", (t) => {
  for (let i = 0; i < scale(300); i++) {
    const key = `k${random.below(3)}`;
    const offset = String(random.below(400));
    const width = 1 + random.below(63);
    const type = `${random.pick(["i", "u"])}${width}`;
    const value = String(random.between(-(2 ** 31), 2 ** 31));
    const range = [String(random.between(-60, 60)), String(random.between(-60, 60))];
    const unit = random.pick(["BIT", "BYTE"]);
    const rule = random.pick(["WRAP", "SAT"]);
    const command = random.pick([
      ["SETBIT", key, offset, String(random.below(2))],
      ["BITFIELD", key, "OVERFLOW", rule, "INCRBY", type, offset, value, "GET", type, offset],
      ["BITFIELD", key, "OVERFLOW", rule, "SET", type, offset, value],
      ["BITCOUNT", key, ...range, unit],
      ["BITPOS", key, String(random.below(2)), ...range, unit],
      ["BITOP", random.pick(["AND", "OR", "XOR"]), "k0", "k1", "k2"],
      ["GET", key],
    ]);
    t.do(() => command);
  }
});
