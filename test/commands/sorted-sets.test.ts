/** Sorted set commands, compared with redis-server. */
import { describe } from "bun:test";
import { transcript, transcripts } from "../support/transcript.ts";

const ENCODINGS = [
  ["packed", []],
  ["converted in the middle", ["zset-max-listpack-entries 3"]],
  ["large", ["zset-max-listpack-entries 0"]],
] as const;

describe.each(ENCODINGS)("sorted sets, %s", (_name, directives) => {
  const { compare } = transcripts({ directives });

  compare(
    "ZADD and its options",
    `
    ZADD z 1 a
    ZADD z 1 a 2 b 3 c
    ZADD z CH 1 a 5 b 3 d
    ZADD z NX 9 a 9 e
    ZADD z XX 7 a 7 nobody
    ZADD z XX CH 8 a 8 nobody
    ZADD z GT CH 1 a 10 b
    ZADD z LT CH 1 a 20 b
    ZADD z GT XX CH 5 a 5 nobody
    ZADD z INCR 2 a
    ZADD z NX INCR 2 a
    ZADD z XX INCR 2 nobody
    ZADD z GT INCR -2 a
    ZADD z LT INCR 2 a
    ZADD z NX XX 1 a
    ZADD z NX GT 1 a
    ZADD z GT LT 1 a
    ZADD z INCR 1 a 2 b
    ZADD z 1
    ZADD z 1 a 2
    ZADD z x a
    ZADD z 1 a x b
    ZADD z nan a
    ZADD z inf top -inf bottom +inf top2
    ZADD z 1e3 exp 0x10 hex 0.5 half
    ZADD z NX
    ZADD missing XX 1 a
    ZADD missing XX INCR 1 a
    EXISTS missing
    ZRANGE z 0 -1 WITHSCORES
    SET s v
    ZADD s 1 a
    ZADD s x a
    ZADD
    ZADD z
    `,
  );

  compare(
    "ZINCRBY ZSCORE ZMSCORE ZCARD ZREM",
    `
    ZINCRBY z 1.5 a
    ZINCRBY z -4 a
    ZINCRBY z inf b
    ZINCRBY z -inf b
    ZINCRBY z x a
    ZINCRBY z 1
    ZSCORE z a
    ZSCORE z b
    ZSCORE z nobody
    ZSCORE missing a
    ZMSCORE z a nobody b
    ZMSCORE missing a b
    ZCARD z
    ZCARD missing
    ZADD z 9007199254740993 large -9007199254740993 small
    ZSCORE z large
    ZSCORE z small
    ZREM z nobody
    ZREM z a nobody b
    ZREM z large small
    EXISTS z
    ZREM missing a
    SET s v
    ZSCORE s a
    ZREM s a
    ZCARD s
    ZMSCORE s a
    ZINCRBY s 1 a
    `,
  );

  compare(
    "ZRANK ZREVRANK",
    `
    ZADD z 1 a 2 b 2 c 3 d
    ZRANK z a
    ZRANK z c
    ZREVRANK z a
    ZREVRANK z c
    ZRANK z nobody
    ZREVRANK missing a
    SET s v
    ZRANK s a
    `,
  );

  compare(
    "ranges by rank",
    `
    ZADD z 1 a 2 b 3 c 4 d 5 e
    ZRANGE z 0 -1
    ZRANGE z 1 2 WITHSCORES
    ZRANGE z -2 -1 withscores
    ZRANGE z 3 1
    ZRANGE z -100 100
    ZRANGE z 5 10
    ZRANGE z 0 -1 REV
    ZRANGE z 0 1 REV WITHSCORES
    ZREVRANGE z 0 2
    ZREVRANGE z 1 -1 WITHSCORES
    ZRANGE z x 1
    ZRANGE z 0 x
    ZRANGE z 0 1 LIMIT 0 1
    ZRANGE z 0 1 BOGUS
    ZREVRANGE z 0 1 BOGUS
    ZRANGE missing 0 -1
    SET s v
    ZRANGE s 0 -1
    ZRANGE s x -1
    ZRANGE z 9999999999999999999 1
    `,
  );

  compare(
    "ranges by score",
    `
    ZADD z 1 a 2 b 2 c 3 d 4.5 e inf f -inf g
    ZRANGEBYSCORE z 1 3
    ZRANGEBYSCORE z (1 (3 WITHSCORES
    ZRANGEBYSCORE z -inf +inf
    ZRANGEBYSCORE z (-inf (+inf LIMIT 1 2
    ZRANGEBYSCORE z -inf inf LIMIT 1 -1 WITHSCORES
    ZRANGEBYSCORE z -inf inf LIMIT -1 2
    ZRANGEBYSCORE z -inf inf LIMIT 100 2
    ZRANGEBYSCORE z 3 1
    ZREVRANGEBYSCORE z 3 1
    ZREVRANGEBYSCORE z +inf -inf LIMIT 1 3
    ZREVRANGEBYSCORE z (3 (1 WITHSCORES
    ZRANGE z 1 3 BYSCORE
    ZRANGE z 3 1 BYSCORE REV LIMIT 1 1
    ZRANGE z (1 +inf BYSCORE WITHSCORES LIMIT 0 2
    ZCOUNT z 1 3
    ZCOUNT z (1 (3
    ZCOUNT z -inf +inf
    ZCOUNT z 3 1
    ZCOUNT missing 1 2
    ZCOUNT z x 1
    ZRANGEBYSCORE z x 1
    ZRANGEBYSCORE z 1 (
    ZRANGEBYSCORE z 1 nan
    ZRANGEBYSCORE z 1 2 LIMIT 0
    ZRANGEBYSCORE z 1 2 LIMIT x 1
    ZRANGEBYSCORE z 1 2 BYLEX
    ZRANGE z 1 2 BYSCORE BYLEX
    SET s v
    ZRANGEBYSCORE s 1 2
    ZCOUNT s 1 2
    `,
  );

  compare(
    "ranges by bytes",
    `
    ZADD z 0 a 0 b 0 c 0 cc 0 d 0 e
    ZRANGEBYLEX z - +
    ZRANGEBYLEX z [b (d
    ZRANGEBYLEX z (b [d LIMIT 1 1
    ZRANGEBYLEX z + -
    ZRANGEBYLEX z [c [c
    ZRANGEBYLEX z (c (c
    ZREVRANGEBYLEX z + -
    ZREVRANGEBYLEX z [d (b
    ZREVRANGEBYLEX z [d (b LIMIT 1 -1
    ZRANGE z [b [d BYLEX
    ZRANGE z [d [b BYLEX REV
    ZRANGE z - + BYLEX LIMIT 2 2
    ZRANGE z - + BYLEX WITHSCORES
    ZLEXCOUNT z - +
    ZLEXCOUNT z [b (d
    ZLEXCOUNT z + -
    ZLEXCOUNT missing - +
    ZRANGEBYLEX z b d
    ZRANGEBYLEX z [b d
    ZRANGEBYLEX z "" [d
    ZLEXCOUNT z x y
    SET s v
    ZLEXCOUNT s - +
    ZRANGEBYLEX s - +
    `,
  );

  compare(
    "ZRANGESTORE",
    `
    ZADD z 1 a 2 b 3 c 4 d
    ZRANGESTORE d z 0 -1
    ZRANGE d 0 -1 WITHSCORES
    ZRANGESTORE d z 0 1 REV
    ZRANGE d 0 -1 WITHSCORES
    ZRANGESTORE d z 2 3 BYSCORE
    ZRANGE d 0 -1 WITHSCORES
    ZRANGESTORE d z 5 9
    EXISTS d
    SET d v EX 100
    ZRANGESTORE d z 0 0
    TTL d
    ZRANGESTORE z z 1 2
    ZRANGE z 0 -1
    ZRANGESTORE d z 0 1 WITHSCORES
    ZRANGESTORE d missing 0 1
    EXISTS d
    SET s v
    ZRANGESTORE d s 0 1
    ZRANGESTORE d z - + BYLEX LIMIT 0 1
    `,
  );

  compare(
    "ZREMRANGEBY…",
    `
    ZADD z 1 a 2 b 3 c 4 d 5 e 6 f
    ZREMRANGEBYRANK z 0 0
    ZREMRANGEBYRANK z -1 -1
    ZREMRANGEBYRANK z 3 1
    ZRANGE z 0 -1
    ZREMRANGEBYSCORE z (2 (4
    ZRANGE z 0 -1
    ZREMRANGEBYSCORE z 100 200
    ZREMRANGEBYSCORE z -inf +inf
    EXISTS z
    ZADD z 0 a 0 b 0 c
    ZREMRANGEBYLEX z [b [b
    ZRANGE z 0 -1
    ZREMRANGEBYLEX z - +
    EXISTS z
    ZREMRANGEBYRANK missing 0 -1
    ZREMRANGEBYRANK z x 1
    ZREMRANGEBYSCORE z x 1
    ZREMRANGEBYLEX z x [b
    SET s v
    ZREMRANGEBYRANK s 0 1
    `,
  );

  compare(
    "pops",
    `
    ZADD z 1 a 2 b 3 c 4 d 5 e 6 f
    ZPOPMIN z
    ZPOPMAX z
    ZPOPMIN z 2
    ZPOPMAX z 0
    ZPOPMAX z 100
    EXISTS z
    ZPOPMIN z
    ZPOPMIN missing 2
    ZPOPMIN z -1
    ZPOPMIN z x
    ZPOPMIN z 1 2
    ZADD z 1 a 2 b 3 c
    ZMPOP 2 missing z MIN
    ZMPOP 1 z MAX COUNT 5
    ZMPOP 1 z MIN
    ZMPOP 0 z MIN
    ZMPOP x z MIN
    ZMPOP 1 z BOTH
    ZMPOP 1 z MIN COUNT 0
    ZMPOP 1 z MIN COUNT 1 COUNT 1
    ZMPOP 2 z MIN
    ZMPOP 3 a b
    SET s v
    ZPOPMIN s
    ZMPOP 2 missing s MIN
    ZMPOP 1 s MIN
    `,
  );

  compare(
    "unions, intersections, differences",
    `
    ZADD a 1 x 2 y 3 z
    ZADD b 10 y 20 z 30 w
    SADD s y w v
    ZUNION 2 a b
    ZUNION 2 a b WITHSCORES
    ZUNION 3 a b s WEIGHTS 1 2 3 WITHSCORES
    ZUNION 2 a b AGGREGATE MIN WITHSCORES
    ZUNION 2 a b AGGREGATE MAX WEIGHTS 2 0.5 WITHSCORES
    ZINTER 2 a b WITHSCORES
    ZINTER 3 a b s WITHSCORES
    ZINTER 2 a missing
    ZDIFF 2 a b
    ZDIFF 2 a s WITHSCORES
    ZDIFF 1 a
    ZINTERCARD 2 a b
    ZINTERCARD 2 a b LIMIT 1
    ZINTERCARD 2 a b LIMIT 0
    ZINTERCARD 2 a b LIMIT -1
    ZINTERCARD 2 a b LIMIT x
    ZUNIONSTORE d 2 a b
    ZRANGE d 0 -1 WITHSCORES
    ZINTERSTORE d 2 a b WEIGHTS 2 3 AGGREGATE MAX
    ZRANGE d 0 -1 WITHSCORES
    ZDIFFSTORE d 2 a b
    ZRANGE d 0 -1 WITHSCORES
    ZINTERSTORE d 2 a missing
    EXISTS d
    ZUNIONSTORE a 2 a a
    ZRANGE a 0 -1 WITHSCORES
    ZUNION 0 a
    ZUNION -1 a
    ZUNION x a
    ZUNION 3 a b
    ZUNIONSTORE d 0 a
    ZUNION 2 a b WEIGHTS 1
    ZUNION 2 a b WEIGHTS 1 x
    ZUNION 2 a b AGGREGATE AVG
    ZUNION 2 a b BOGUS
    ZDIFF 2 a b WEIGHTS 1 1
    ZUNIONSTORE d 2 a b WITHSCORES
    ZADD i inf m
    ZADD j -inf m
    ZUNION 2 i j WITHSCORES
    SET t v
    ZUNION 2 a t
    ZINTERSTORE d 2 a t
    ZINTERCARD 0 a
    ZINTERCARD 3 a b
    `,
  );

  compare(
    "random members and scans",
    `
    ZADD z 1 a 2 b 3 c
    ? ZRANDMEMBER z 100
    ? ZRANDMEMBER z 3
    ZRANDMEMBER z 0
    ZRANDMEMBER missing
    ZRANDMEMBER missing 5
    ZRANDMEMBER z x
    ZRANDMEMBER z 1 BOGUS
    ZRANDMEMBER z -9223372036854775808
    ZRANDMEMBER z 9223372036854775807 WITHSCORES
    ZADD one 1 m
    ZRANDMEMBER one
    ZRANDMEMBER one -3
    ZRANDMEMBER one -2 WITHSCORES
    ZRANDMEMBER one 2 WITHSCORES
    ZSCAN one 0
    ZSCAN one 0 MATCH x*
    ZSCAN one 0 COUNT 100
    ZSCAN one x
    ZSCAN one 0 COUNT 0
    ZSCAN one 0 BOGUS
    ZSCAN missing 0
    SET s v
    ZSCAN s 0
    ZRANDMEMBER s
    `,
  );

  compare(
    "what keys hold goes with them",
    `
    ZADD z 1 a 2 b 3 c 4 d 5 e
    COPY z copy
    ZREM z a
    ZRANGE copy 0 -1 WITHSCORES
    RENAME z renamed
    ZRANGE renamed 0 -1
    MOVE renamed 1
    SELECT 1
    ZRANGE renamed 0 -1
    ZADD renamed 9 z
    ZRANK renamed z
    EXPIRE renamed 100
    ZADD renamed 10 zz
    ZRANGE renamed 0 -1 WITHSCORES
    SELECT 0
    SWAPDB 0 1
    ZRANGE renamed 0 -1
    DEL renamed
    `,
  );
});

transcript("ZRANK with WITHSCORE", (t) => {
  const reason = "7.2 added WITHSCORE";
  t.do("ZADD z 1 a 2.5 b");
  t.do("ZRANK z b WITHSCORE").is([1, "2.5"], [1, 2.5]).differsIn72(reason);
  t.do("ZREVRANK z b WITHSCORE").is([0, "2.5"], [0, 2.5]).differsIn72(reason);
  t.do("ZRANK z nobody WITHSCORE").is(null).differsIn72(reason);
  t.do("ZRANK z b BOGUS").error("ERR syntax error").differsIn72(reason);
});

transcript("scores that are no whole numbers", (t) => {
  const reason = "7.2 prints the shortest digits that read back the same";
  for (const [given, shown] of [
    ["0.1", "0.1"],
    ["1e300", "1e+300"],
    ["-1.5e-9", "-1.5e-9"],
    ["12345.123456789", "1.2345123456789e+4"],
    ["1690000000.123456", "1690000000.123456"],
    ["3.0000000000000004", "3.0000000000000004"],
  ] as const) {
    t.do("ZADD", "z", given, "m");
    t.do("ZSCORE z m").is(shown, Number(given)).differsIn72(reason);
  }
});

transcript("encodings", (t) => {
  const large = "x".repeat(65);
  t.do("ZADD z 1 a").is(1);
  t.do("OBJECT ENCODING z").is("listpack");
  t.do("ZADD", "z", "2", large).is(1);
  t.do("OBJECT ENCODING z").is("skiplist");
  t.do("ZREM", "z", large).is(1);
  t.do("OBJECT ENCODING z").is("skiplist");
  t.do("COPY z y").is(1);
  t.do("OBJECT ENCODING y").is("skiplist");
  for (let i = 0; i < 128; i++) t.do("ZADD", "n", String(i), `m${i}`).is(1);
  t.do("OBJECT ENCODING n").is("listpack");
  t.do("ZADD n 128 m128").is(1);
  t.do("OBJECT ENCODING n").is("skiplist");
  t.do("ZRANGE n 126 -1").is(["m126", "m127", "m128"]);
});
