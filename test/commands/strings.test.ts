/** String commands, compared with redis-server reply by reply, in RESP2 and RESP3. */
import { scale, seededRandom } from "../support/random.ts";
import { compare, transcript, transcripts } from "../support/transcript.ts";

const random = seededRandom("strings");

compare(
  "SET and GET",
  `
  SET k v
  GET k
  GET missing
  SET k 12345
  OBJECT ENCODING k
  SET k 0123
  OBJECT ENCODING k
  SET k -0
  OBJECT ENCODING k
  SET k 9223372036854775807
  OBJECT ENCODING k
  GET k
  SET k 9223372036854775808
  OBJECT ENCODING k
  SET k -9223372036854775808
  OBJECT ENCODING k
  GET k
  SET k ""
  GET k
  STRLEN k
  SET k "\\x00\\xff binary"
  GET k
  set k v
  SeT k v nX
  SET k v XX
  SET missing v XX
  SET
  SET k
  GET
  GET a b
  `,
);

compare(
  "SET's options",
  `
  SET k v EX 100
  ~ TTL k
  SET k v2 KEEPTTL
  ~ TTL k
  SET k v3
  TTL k
  SET k v PX 100000
  ~ TTL k
  SET k v EXAT 33177117420
  EXPIRETIME k
  SET k v PXAT 33177117420000
  PEXPIRETIME k
  SET k v PXAT 9223372036854775807
  PEXPIRETIME k
  SET k v NX
  SET k v NX GET
  SET new v NX GET
  SET k v2 XX GET
  SET none v XX GET
  SET k v EX 0
  SET k v EX -1
  SET k v EX abc
  SET k v EX 9223372036854775807
  SET k v PX 9223372036854775807
  SET k v EX 9223372036854776
  SET k v EX
  SET k v EX 10 PX 10
  SET k v EX 10 EX 20
  ~ TTL k
  SET k v NX XX
  SET k v KEEPTTL EX 10
  SET k v KEEPTTL KEEPTTL
  SET k v GET GET
  SET k v PERSIST
  SET k v BOGUS
  SET k v EXAT 1
  EXISTS k
  `,
);

compare(
  "GETEX GETDEL GETSET SETNX SETEX PSETEX",
  `
  GETEX k
  SET k v
  GETEX k
  GETEX k EX 100
  ~ TTL k
  GETEX k PERSIST
  TTL k
  GETEX k PERSIST
  GETEX k PXAT 33177117420000
  PEXPIRETIME k
  GETEX k EXAT 1
  EXISTS k
  GETEX missing EX 0
  SET k v
  GETEX k EX 0
  GETEX k EX 10 PERSIST
  GETEX k KEEPTTL
  GETEX k NX
  GETDEL k
  GETDEL k
  GETSET k a
  GETSET k b
  SETNX k c
  SETNX n c
  SETEX k 100 v
  ~ TTL k
  GETSET k w
  TTL k
  SETEX k 0 v
  SETEX k -5 v
  SETEX k x v
  PSETEX k 100000 v
  ~ PTTL k
  PSETEX k 0 v
  SETEX k 9223372036854775807 v
  PSETEX k 9223372036854775807 v
  `,
);

compare(
  "MSET MSETNX MGET",
  `
  MSET a 1 b 2 c 3
  MGET a b missing c
  MSET a
  MSET a 1 b
  MSETNX a 9 d 4
  EXISTS d
  MSETNX d 4 e 5
  MGET d e
  MSET a 1 a 2
  GET a
  MGET
  MSETNX a
  `,
);

compare(
  "APPEND STRLEN SETRANGE GETRANGE SUBSTR",
  `
  APPEND k abc
  APPEND k def
  GET k
  OBJECT ENCODING k
  STRLEN k
  STRLEN missing
  SETRANGE k 2 XX
  GET k
  SETRANGE k 10 end
  GET k
  SETRANGE missing 0 ""
  EXISTS missing
  SETRANGE missing 3 x
  GET missing
  SETRANGE k -1 x
  SETRANGE k x x
  SETRANGE k 536870911 x1
  SETRANGE k 4611686018427387904 x
  SET n 10
  APPEND n 5
  OBJECT ENCODING n
  INCR n
  OBJECT ENCODING n
  SETRANGE n 0 9
  OBJECT ENCODING n
  GET n
  SET s "This is a string"
  GETRANGE s 0 3
  GETRANGE s -3 -1
  GETRANGE s 0 -1
  GETRANGE s 10 100
  GETRANGE s 5 2
  GETRANGE s -100 3
  GETRANGE s -2 -5
  GETRANGE s 100 200
  GETRANGE s -9223372036854775808 9223372036854775807
  GETRANGE missing 0 -1
  GETRANGE s a 1
  SUBSTR s 0 3
  GETRANGE n 0 0
  `,
);

compare(
  "INCR DECR INCRBY DECRBY at the limits",
  `
  INCR c
  INCRBY c 41
  DECR c
  DECRBY c 10
  SET c 9223372036854775807
  INCR c
  DECR c
  SET c -9223372036854775808
  DECR c
  INCRBY c -1
  DECRBY c -9223372036854775808
  SET c 9007199254740991
  INCR c
  INCR c
  INCRBY c 9007199254740993
  GET c
  DECRBY c 9007199254740993
  SET c 17179869184
  INCRBY c 17179869184
  SET c "    11"
  INCR c
  SET c "11    "
  INCR c
  SET c 1.5
  INCR c
  INCRBY c x
  DECRBY c x
  INCRBY c 9223372036854775808
  SET c abc
  INCR c
  INCR
  SET e 5 EX 100
  INCR e
  ~ TTL e
  `,
);

compare(
  "INCRBYFLOAT",
  `
  INCRBYFLOAT f 1
  INCRBYFLOAT f 0.25
  SET f 3
  INCRBYFLOAT f 1.1
  GET f
  SET f 3.0e3
  INCRBYFLOAT f 200
  SET f 5.0e3
  INCRBYFLOAT f 2.0e2
  INCRBYFLOAT f -5200
  SET f abc
  INCRBYFLOAT f 1
  SET f 1
  INCRBYFLOAT f abc
  INCRBYFLOAT f inf
  INCRBYFLOAT f nan
  SET f " 1"
  INCRBYFLOAT f 1
  SET f 17179869184
  INCRBYFLOAT f 1.5
  SET f 1e400
  INCRBYFLOAT f 1
  `,
);

transcript("a value of every size survives growth and replacement", (t) => {
  for (const size of [0, 1, 15, 16, 44, 45, 63, 64, 1000, 4096, 16000, 16384, 70000, 1 << 20]) {
    t.do(() => ["SET", "k", "x".repeat(size)]);
    t.do("STRLEN k").is(size);
    t.do("APPEND k tail").is(size + 4);
    t.do("GETRANGE k -5 -1");
    t.do(() => ["SETRANGE", "k", String(size + 100), "end"]);
    t.do("STRLEN k").is(size + 103);
    t.do("EXPIRE k 1000").is(1);
    t.do("GET k");
    t.do("PERSIST k").is(1);
    t.do("RENAME k other").is("OK");
    t.do("GETRANGE other -3 -1").is("end");
    t.do("COPY other k REPLACE").is(1);
    t.do("GET k");
  }
});

transcript("long keys are keys like any other", (t) => {
  for (const size of [4095, 4096, 4097, 20000, 100000]) {
    const key = "k".repeat(size);
    t.do(() => ["SET", key, "v"]).is("OK");
    t.do(() => ["GET", key]).is("v");
    t.do(() => ["INCR", `${key}n`]).is(1);
    t.do(() => ["EXPIRE", key, "100"]).is(1);
    t.do(() => ["APPEND", key, "x"]).is(2);
    t.do(() => ["DEL", key]).is(1);
    t.do(() => ["EXISTS", key]).is(0);
  }
});

compare(
  "LCS",
  `
  MSET a ohmytext b mynewtext n 12345 m 2345678
  LCS a b
  LCS a b LEN
  LCS a b IDX
  LCS a b IDX WITHMATCHLEN
  LCS a b IDX MINMATCHLEN 4
  LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN
  LCS a b IDX MINMATCHLEN -1
  LCS a b LEN IDX
  LCS a b BOGUS
  LCS a b MINMATCHLEN
  LCS a b MINMATCHLEN x
  LCS a missing
  LCS a missing LEN
  LCS a missing IDX
  LCS n m
  LCS n m IDX WITHMATCHLEN
  LCS a
  LCS a a IDX
  `,
);

compare(
  "encodings that commands leave behind",
  `
  INCRBYFLOAT f 10
  OBJECT ENCODING f
  INCRBYFLOAT f 0.5
  OBJECT ENCODING f
  INCRBYFLOAT f 0.5
  OBJECT ENCODING f
  INCR f
  OBJECT ENCODING f
  SETRANGE r 0 12
  OBJECT ENCODING r
  INCR r
  OBJECT ENCODING r
  APPEND a 12
  OBJECT ENCODING a
  APPEND a ""
  OBJECT ENCODING a
  APPEND b ""
  EXISTS b
  GETSET a 12
  OBJECT ENCODING a
  MSET a 1 b x
  OBJECT ENCODING a
  OBJECT ENCODING b
  SET c "12345678901234567890123456789012345678901234"
  OBJECT ENCODING c
  SET c "123456789012345678901234567890123456789012345"
  OBJECT ENCODING c
  `,
);

compare(
  "arguments are checked before keys, and in Redis's order",
  `
  SET k v EX 0 BOGUS
  SET k v EX x NX XX
  SET k v GET EX 0
  EXISTS k
  GETEX k EX 0
  GETEX k EX
  GETEX k EX x PERSIST
  SET k v
  GETEX k EX x
  GETEX k EX -1
  GETEX k PX 9223372036854775807
  GETEX k EXAT 9223372036854775807
  GETEX k PERSIST EX 10
  GETEX k EX 10 EX 20
  ~ TTL k
  GETEX k PERSIST PERSIST
  SETEX k 10
  SETRANGE k 1.5 ""
  SETRANGE k -1 ""
  SETRANGE k 9223372036854775807 x
  SETRANGE k 9223372036854775808 x
  SETRANGE k 536870911 xx
  SETRANGE k 536870912 ""
  GETRANGE k 0
  GETRANGE k 0 x
  GETRANGE missing x 0
  INCRBY k 9223372036854775808
  INCRBY k 1
  DECRBY k -9223372036854775808
  DECRBY k -9223372036854775807
  INCRBYFLOAT k x
  INCRBYFLOAT missing ""
  INCRBYFLOAT missing 1e5000
  EXISTS missing
  LCS k missing LEN IDX BOGUS
  LCS k missing MINMATCHLEN 9223372036854775808
  LCS k missing LEN LEN
  `,
);

const limited = transcripts({ directives: ["proto-max-bulk-len 1mb"] });

limited.transcript("proto-max-bulk-len limits what commands make", (t) => {
  const tooLong = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
  const megabyte = "x".repeat(1 << 20);
  t.do("SETRANGE k 1048576 x").error(tooLong);
  t.do("SETRANGE k 1048575 x").is(1048576);
  t.do("SETRANGE k 1048575 xy").error(tooLong);
  t.do("APPEND k x").error(tooLong);
  t.do('APPEND k ""').is(1048576);
  t.do(() => ["APPEND", "new", megabyte]).is(1048576);
  t.do("SETRANGE new 1048570 123456").is(1048576);
  t.do("GETRANGE new -8 -1").is("xx123456");
  t.do(() => ["SET", "a", "x".repeat(600)]);
  t.do(() => ["SET", "b", "x".repeat(500)]);
  t.do("LCS a b");
  t.do("LCS a k LEN");
  t.do("LCS a k LEN IDX");
});

transcript("random options of SET and GETEX", (t) => {
  const times = ["0", "-1", "x", "100000", "33177117420", "33177117420000", "9223372036854775807"];
  for (let i = 0; i < scale(400); i++) {
    const key = random.pick(["a", "b"]);
    const options: string[] = [];
    for (let count = random.below(4); count > 0; count--) {
      const option = random.pick([
        "NX",
        "XX",
        "GET",
        "KEEPTTL",
        "PERSIST",
        "EX",
        "PX",
        "EXAT",
        "PXAT",
        "ex",
        "Get",
      ]);
      options.push(option);
      if (/^e|p.*x/i.test(option) && random.chance(0.9)) options.push(random.pick(times));
    }
    const isSet = random.chance(0.6);
    t.do(() => (isSet ? ["SET", key, String(i), ...options] : ["GETEX", key, ...options]));
    if (random.chance(0.3)) t.do(() => ["DEL", key]);
    t.do(() => ["GET", key]);
  }
});

transcript("random ranges and counters", (t) => {
  const limits = ["9223372036854775807", "-9223372036854775808", "9007199254740993", "1.5", "-0"];
  for (let i = 0; i < scale(400); i++) {
    const key = random.pick(["a", "b", "c"]);
    const place = () => String(random.between(-40, 40));
    const amount = random.chance(0.3) ? random.pick(limits) : place();
    const command = random.pick([
      ["GETRANGE", key, place(), place()],
      ["SETRANGE", key, place(), random.word(random.below(5))],
      ["APPEND", key, random.pick(["", "1", "22", random.word(random.below(30))])],
      ["SET", key, amount],
      ["INCRBY", key, amount],
      ["DECRBY", key, amount],
      ["INCRBYFLOAT", key, amount],
      ["INCRBYFLOAT", key, `${amount}e${random.between(-5, 20)}`],
      ["OBJECT", "ENCODING", key],
      ["STRLEN", key],
      ["GETDEL", key],
    ]);
    t.do(() => command);
    t.do(() => ["GET", key]);
  }
});

transcript("random common subsequences", (t) => {
  for (let i = 0; i < scale(100); i++) {
    const [a, b] = [0, 1].map(() => random.word(random.below(60)).replaceAll(/[e-z]/g, "a"));
    t.do(() => ["MSET", "a", a, "b", b]);
    t.do("LCS a b");
    t.do("LCS a b LEN");
    t.do(`LCS a b IDX MINMATCHLEN ${random.below(4)} WITHMATCHLEN`);
    t.do("LCS a b IDX");
  }
});
