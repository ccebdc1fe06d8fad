/** List commands, compared with redis-server reply by reply, in RESP2 and RESP3. */
import { compare, transcript, transcripts } from "../support/transcript.ts";

const SMALL_72 = "Redis 7.2 keeps small lists as one listpack";

compare(
  "LPUSH RPUSH LPUSHX RPUSHX LLEN",
  `
  LPUSHX l a
  RPUSHX l a
  EXISTS l
  LPUSH l a
  LPUSH l b c
  RPUSH l d e
  LPUSHX l f g
  RPUSHX l h i
  LLEN l
  LRANGE l 0 -1
  LLEN none
  RPUSH b "" "\\x00\\xff" 1 01 -0 +1 9223372036854775807 9223372036854775808 -9223372036854775808
  LRANGE b 0 -1
  LPUSH
  LPUSH l
  RPUSH l
  LPUSHX l
  RPUSHX
  LLEN
  LLEN a b
  `,
);

compare(
  "LPOP RPOP",
  `
  LPOP none
  RPOP none
  LPOP none 0
  LPOP none 1
  RPOP none 5
  RPUSH l 1 2 3 4 5 6 7 8 9 10
  LPOP l
  RPOP l
  LPOP l 2
  RPOP l 2
  LPOP l 0
  RPOP l 0
  LPOP l 1
  LRANGE l 0 -1
  LPOP l -1
  LPOP l x
  LPOP l 1.5
  RPOP l -1
  LPOP l 9223372036854775808
  LPOP none -1
  LPOP none x
  LPOP l 100
  EXISTS l
  RPUSH l a
  RPOP l 9223372036854775807
  EXISTS l
  RPUSH l a b
  LPOP l
  RPOP l
  EXISTS l
  LPOP
  LPOP l 1 2
  RPOP
  RPOP l 1 2
  `,
);

compare(
  "LRANGE LINDEX",
  `
  RPUSH l a b c d e
  LRANGE l 0 -1
  LRANGE l 1 3
  LRANGE l -3 -2
  LRANGE l 3 1
  LRANGE l 5 10
  LRANGE l -100 100
  LRANGE l -100 -100
  LRANGE l 4 4
  LRANGE l 9223372036854775807 9223372036854775807
  LRANGE l -9223372036854775808 9223372036854775807
  LRANGE l x 1
  LRANGE l 1 x
  LRANGE l 0 9223372036854775808
  LRANGE none 0 -1
  LRANGE none x 1
  LINDEX l 0
  LINDEX l -1
  LINDEX l 4
  LINDEX l -5
  LINDEX l 5
  LINDEX l -6
  LINDEX l 9223372036854775807
  LINDEX l -9223372036854775808
  LINDEX l x
  LINDEX none 0
  LINDEX none x
  LRANGE
  LRANGE l 0
  LRANGE l 0 1 2
  LINDEX
  LINDEX l
  LINDEX l 0 1
  `,
);

compare(
  "LSET LINSERT",
  `
  LSET none 0 v
  LSET none x v
  RPUSH l a b c
  LSET l 0 A
  LSET l -1 C
  LSET l 1 12345
  LRANGE l 0 -1
  LSET l 3 v
  LSET l -4 v
  LSET l x v
  LSET l 9223372036854775807 v
  LSET l 9223372036854775808 v
  LINSERT none BEFORE a b
  EXISTS none
  LINSERT l BEFORE A first
  LINSERT l AFTER C last
  LINSERT l before 12345 mid
  LINSERT l aFTER 12345 mid
  LINSERT l BEFORE missing v
  LINSERT l AFTER missing v
  LINSERT l BEFORE mid v
  LINSERT l AFTER mid v
  LRANGE l 0 -1
  LINSERT l BESIDE mid v
  LINSERT none BESIDE mid v
  LSET
  LSET l 0
  LSET l 0 a b
  LINSERT
  LINSERT l BEFORE a
  LINSERT l BEFORE a b c
  `,
);

compare(
  "LREM",
  `
  LREM none 0 a
  LREM none x a
  RPUSH l a b a c a d a 1 1 01
  LREM l 1 a
  LRANGE l 0 -1
  LREM l -1 a
  LRANGE l 0 -1
  LREM l 0 a
  LRANGE l 0 -1
  LREM l 0 missing
  LREM l 5 1
  LRANGE l 0 -1
  LREM l x a
  LREM l 9223372036854775807 b
  LREM l -9223372036854775807 c
  LREM l 0 d
  LREM l 0 01
  EXISTS l
  RPUSH l a a a b b b
  LREM l -2 a
  LREM l 2 b
  LRANGE l 0 -1
  LREM
  LREM l 1
  LREM l 1 a b
  `,
);

compare(
  "LTRIM",
  `
  LTRIM none 0 1
  EXISTS none
  RPUSH l 0 1 2 3 4 5 6 7 8 9
  LTRIM l 0 -1
  LTRIM l 1 -2
  LRANGE l 0 -1
  LTRIM l 2 5
  LRANGE l 0 -1
  LTRIM l -3 -2
  LRANGE l 0 -1
  LTRIM l -100 100
  LRANGE l 0 -1
  LTRIM l x 1
  LTRIM l 1 x
  LTRIM none x 1
  LTRIM l 1 0
  EXISTS l
  RPUSH l a b
  LTRIM l 5 10
  EXISTS l
  RPUSH l a b
  LTRIM l -9223372036854775808 9223372036854775807
  LRANGE l 0 -1
  LTRIM
  LTRIM l 0
  LTRIM l 0 1 2
  `,
);

compare(
  "LPOS",
  `
  RPUSH l a b c 1 2 3 c c
  LPOS l c
  LPOS l a
  LPOS l missing
  LPOS none a
  LPOS l 1
  LPOS l c RANK 1
  LPOS l c RANK 2
  LPOS l c RANK 3
  LPOS l c RANK 4
  LPOS l c RANK -1
  LPOS l c RANK -2
  LPOS l c RANK -3
  LPOS l c RANK -4
  LPOS l c COUNT 0
  LPOS l c COUNT 1
  LPOS l c COUNT 2
  LPOS l c COUNT 10
  LPOS l missing COUNT 0
  LPOS none c COUNT 0
  LPOS l c COUNT 0 RANK 2
  LPOS l c RANK -1 COUNT 2
  LPOS l c RANK -2 COUNT 0
  LPOS l c RANK -1 COUNT 0 MAXLEN 2
  LPOS l c MAXLEN 2
  LPOS l c MAXLEN 3
  LPOS l c MAXLEN 0
  LPOS l c MAXLEN 1000
  LPOS l c COUNT 0 MAXLEN 7
  LPOS l c count 0 maxlen 7 rank 2
  LPOS l c RANK 1 RANK 2
  LPOS l c COUNT 1 COUNT 2
  LPOS l c RANK 9223372036854775807
  LPOS l c RANK -9223372036854775807
  LPOS l c RANK 0
  LPOS l c RANK x
  LPOS l c COUNT -1
  LPOS l c COUNT x
  LPOS l c MAXLEN -1
  LPOS l c MAXLEN x
  LPOS l c RANK
  LPOS l c COUNT
  LPOS l c BOGUS 1
  LPOS l c RANK 0 COUNT -1
  LPOS l c COUNT -1 RANK 0
  LPOS none c RANK 0
  LPOS l c COUNT 9223372036854775807
  LPOS l
  LPOS
  `,
);

transcript("LPOS refuses a rank that has no opposite", (t) => {
  t.do("RPUSH l a");
  t.do("LPOS l a RANK -9223372036854775808")
    .error(
      "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
    )
    .differsIn72("Redis 7.2 refuses what 7.0 negates into itself");
});

compare(
  "LMOVE RPOPLPUSH",
  `
  LMOVE none l LEFT RIGHT
  RPOPLPUSH none l
  RPOPLPUSH none none
  EXISTS l
  RPUSH a 1 2 3 4 5 6
  LMOVE a b LEFT RIGHT
  LMOVE a b LEFT LEFT
  LMOVE a b RIGHT LEFT
  LMOVE a b RIGHT RIGHT
  RPOPLPUSH a b
  LRANGE a 0 -1
  LRANGE b 0 -1
  LMOVE b b LEFT RIGHT
  LMOVE b b RIGHT LEFT
  LMOVE b b LEFT LEFT
  LMOVE b b RIGHT RIGHT
  RPOPLPUSH b b
  LRANGE b 0 -1
  LMOVE a a LEFT RIGHT
  LMOVE a b left right
  EXISTS a
  LRANGE b 0 -1
  SET s v
  LMOVE s b LEFT RIGHT
  LMOVE b s LEFT RIGHT
  LMOVE none s LEFT RIGHT
  LMOVE s s LEFT RIGHT
  RPOPLPUSH b s
  RPOPLPUSH none s
  LLEN b
  LMOVE b c UP RIGHT
  LMOVE b c LEFT DOWN
  LMOVE s c UP RIGHT
  LMOVE none c UP RIGHT
  LMOVE
  LMOVE a b LEFT
  LMOVE a b LEFT RIGHT x
  RPOPLPUSH
  RPOPLPUSH a
  RPOPLPUSH a b c
  `,
);

compare(
  "LMPOP",
  `
  LMPOP 1 none LEFT
  LMPOP 2 none nada RIGHT COUNT 5
  RPUSH l a b c d e f
  RPUSH m x y
  LMPOP 1 l LEFT
  LMPOP 1 l RIGHT
  LMPOP 2 none l left count 2
  LMPOP 3 none m l RIGHT COUNT 10
  EXISTS m
  LMPOP 2 l l LEFT COUNT 100
  EXISTS l
  RPUSH l a b
  LMPOP 0 l LEFT
  LMPOP -1 l LEFT
  LMPOP x l LEFT
  LMPOP 1.5 l LEFT
  LMPOP 9223372036854775807 l LEFT
  LMPOP 2 l LEFT
  LMPOP 1 l
  LMPOP 1 l MIDDLE
  LMPOP 1 l LEFT COUNT
  LMPOP 1 l LEFT COUNT 0
  LMPOP 1 l LEFT COUNT -1
  LMPOP 1 l LEFT COUNT x
  LMPOP 1 l LEFT COUNT 1 COUNT 2
  LMPOP 1 l LEFT BOGUS 1
  LMPOP 1 l LEFT BOGUS
  LMPOP 1 l m LEFT
  SET s v
  LMPOP 1 s LEFT
  LMPOP 2 s l LEFT
  LMPOP 2 l s LEFT
  LMPOP 1 s MIDDLE
  LMPOP 1 s LEFT COUNT 0
  LRANGE l 0 -1
  LMPOP
  LMPOP 1
  `,
);

compare(
  "a key of another type",
  `
  SET s v
  LPUSH s a
  RPUSH s a
  LPUSHX s a
  RPUSHX s a
  LPOP s
  RPOP s
  LPOP s 1
  LPOP s 0
  LPOP s -1
  LPOP s x
  LLEN s
  LRANGE s 0 -1
  LRANGE s x y
  LINDEX s 0
  LINDEX s x
  LSET s 0 v
  LSET s x v
  LINSERT s BEFORE a b
  LINSERT s BESIDE a b
  LREM s 0 a
  LREM s x a
  LTRIM s 0 1
  LTRIM s x 1
  LPOS s a
  LPOS s a RANK 0
  GET s
  RPUSH l a
  GET l
  HSET l f v
  SADD l a
  APPEND l x
  SET l v
  GET l
  `,
);

compare(
  "a list that has become empty is gone",
  `
  RPUSH l a b
  PEXPIREAT l 33177117420000
  LPOP l 2
  EXISTS l
  PTTL l
  RPUSH l a
  PTTL l
  PEXPIREAT l 33177117420000
  LREM l 0 a
  RPUSH l a b
  PTTL l
  PEXPIREAT l 33177117420000
  RPUSH l c
  LPUSH l x
  LSET l 0 y
  LINSERT l BEFORE b z
  LTRIM l 1 -1
  LMOVE l l LEFT RIGHT
  PEXPIRETIME l
  LMOVE l new LEFT RIGHT
  PEXPIRETIME new
  `,
);

// The oracle calls every list a quicklist; what they hold is compared.
transcript("OBJECT ENCODING of lists", (t) => {
  const encodingIs = (name: string) => t.do("OBJECT ENCODING l").is(name).differsIn72(SMALL_72);
  const long = "x".repeat(9000);
  t.do("RPUSH l a b c");
  encodingIs("listpack");
  t.do("RPUSH", "l", "x".repeat(8000));
  encodingIs("listpack");
  t.do("RPUSH", "l", "y".repeat(200));
  encodingIs("quicklist");
  t.do("RPOP l");
  encodingIs("quicklist");
  t.do("RPOP l");
  encodingIs("listpack");
  t.do("LRANGE l 0 -1");
  t.do("LSET", "l", 2, long);
  encodingIs("quicklist");
  t.do("LPOP l 2");
  t.do("LSET l 0 small");
  encodingIs("listpack");
  t.do("LINSERT", "l", "AFTER", "small", long);
  encodingIs("quicklist");
  t.do("LREM", "l", 0, long);
  encodingIs("listpack");
  t.do("RPUSH", "l", long, "y", "z");
  t.do("LTRIM l 0 1");
  encodingIs("quicklist");
  t.do("LTRIM l 0 0");
  encodingIs("listpack");
  t.do("LRANGE l 0 -1");
  t.do("RPUSH", "l", long);
  t.do("RPOPLPUSH l other");
  encodingIs("listpack");
  t.do("OBJECT ENCODING other").is("quicklist");
  t.do("LMOVE other other LEFT RIGHT");
  t.do("LMPOP 2 none other LEFT");
  t.do("EXISTS other");
});

const short = transcripts({ directives: ["list-max-listpack-size 4"] });

short.transcript("list-max-listpack-size counts elements", (t) => {
  const encodingIs = (name: string) => t.do("OBJECT ENCODING l").is(name).differsIn72(SMALL_72);
  t.do("RPUSH l a b c d");
  encodingIs("listpack");
  t.do("RPUSH l e");
  encodingIs("quicklist");
  t.do("RPOP l 2");
  encodingIs("quicklist");
  t.do("RPOP l");
  encodingIs("listpack");
  t.do("RPUSH l a b c d e f g h");
  encodingIs("quicklist");
  t.do("LRANGE l 0 -1");
  t.do("LINSERT l BEFORE a v");
  t.do("LINSERT l AFTER d w");
  t.do("LREM l 0 a");
  t.do("LPOS l h");
  t.do("LRANGE l 0 -1");
  t.do("LRANGE l -5 -2");
  t.do("LTRIM l -1 -1");
  encodingIs("listpack");
  t.do("LPUSH", "l", "z".repeat(9000));
  encodingIs("quicklist");
});

transcript("list-max-listpack-size at run time, under both names", (t) => {
  t.do("CONFIG SET list-max-ziplist-size 2").is("OK");
  t.do("CONFIG GET list-max-listpack-size");
  t.do("RPUSH l a b c");
  t.do("OBJECT ENCODING l").is("quicklist");
  t.do("CONFIG SET list-max-listpack-size -1").is("OK");
  t.do("RPUSH", "k", "x".repeat(4000));
  t.do("OBJECT ENCODING k").is("listpack").differsIn72(SMALL_72);
  t.do("RPUSH", "k", "x".repeat(100));
  t.do("OBJECT ENCODING k").is("quicklist");
  t.do("CONFIG SET list-max-listpack-size -2").is("OK");
  t.do("CONFIG SET list-compress-depth 1").is("OK");
  t.do("RPUSH l d");
  t.do("LRANGE l 0 -1");
  t.do("CONFIG SET list-compress-depth 0").is("OK");
});
