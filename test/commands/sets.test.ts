/** Set commands, compared with redis-server reply by reply, in RESP2 and RESP3. */
import type { ReplyValue } from "../support/resp-client.ts";
import { compare, transcript, transcripts } from "../support/transcript.ts";

const SMALL_72 = "Redis 7.2 keeps small sets of strings as listpacks";

compare(
  "SADD SREM SCARD SISMEMBER SMISMEMBER",
  `
  SADD s a
  SADD s a
  SADD s a b c b
  SCARD s
  SCARD none
  SISMEMBER s a
  SISMEMBER s x
  SISMEMBER none a
  SMISMEMBER s a x c a
  SMISMEMBER none a b
  SREM s x
  SREM s a a x
  SREM none a
  SCARD s
  SREM s b c
  EXISTS s
  SADD n 1 2 3 01 -0 +1 " 1" 1.0
  SISMEMBER n 1
  SISMEMBER n 01
  SISMEMBER n -0
  SISMEMBER n 0
  SMISMEMBER n " 1" "1 " 1.0 1.00
  SCARD n
  SADD e "" "\\x00" "\\x00\\xff"
  SISMEMBER e ""
  SISMEMBER e "\\x00"
  SREM e ""
  SCARD e
  SADD
  SADD s
  SREM
  SREM s
  SCARD
  SCARD s t
  SISMEMBER
  SISMEMBER s
  SISMEMBER s a b
  SMISMEMBER
  SMISMEMBER s
  `,
);

compare(
  "sets of integers, narrow and wide",
  `
  SADD s 3 1 2
  SMEMBERS s
  SADD s 32767 -32768
  SMEMBERS s
  SADD s 32768
  SADD s -32769
  SMEMBERS s
  SADD s 2147483647 -2147483648
  SADD s 2147483648
  SADD s -2147483649
  SMEMBERS s
  SADD s 9007199254740991 9007199254740992 9007199254740993 -9007199254740993
  SADD s 9223372036854775807 -9223372036854775808
  SMEMBERS s
  SISMEMBER s 9007199254740992
  SISMEMBER s 9007199254740993
  SISMEMBER s 9007199254740994
  SISMEMBER s 9223372036854775806
  SISMEMBER s 9223372036854775808
  SISMEMBER s 32769
  SISMEMBER s a
  OBJECT ENCODING s
  SREM s 1 32768 9223372036854775807 9007199254740992
  SMEMBERS s
  SREM s a
  SCARD s
  SADD t 9223372036854775808
  OBJECT ENCODING s
  SADD s 9223372036854775808
  ? SMEMBERS s
  `,
);

compare(
  "SMEMBERS",
  `
  SMEMBERS none
  SADD s a b c
  ? SMEMBERS s
  SREM s b
  ? SMEMBERS s
  SMEMBERS
  SMEMBERS s s
  `,
);

compare(
  "SMOVE",
  `
  SMOVE none t a
  SADD s a b c
  SMOVE s t x
  EXISTS t
  SMOVE s t a
  SMOVE s t a
  ? SMEMBERS t
  SADD t b
  SMOVE s t b
  SCARD s
  SMOVE s t c
  EXISTS s
  ? SMEMBERS t
  SMOVE t t a
  SMOVE t t missing
  ? SMEMBERS t
  SADD n 1 2
  SMOVE n t 1
  SMOVE t n a
  ? SMEMBERS n
  SET k v
  SMOVE k t a
  SMOVE t k b
  SMOVE t k missing
  SMOVE none k a
  SMOVE k k a
  SMOVE
  SMOVE s t
  SMOVE s t a b
  `,
);

compare(
  "SINTER SUNION SDIFF",
  `
  SADD a 1 2 3 4 5
  SADD b 3 4 5 6 x
  SADD c 5 6 7 y
  SINTER a
  ? SINTER a b
  ? SINTER a b c
  SINTER a none
  SINTER none a
  SINTER none
  ? SINTER a a
  ? SUNION a
  ? SUNION a b c
  ? SUNION none a none
  SUNION none
  SUNION none nada
  ? SDIFF a
  ? SDIFF a b
  ? SDIFF b a c
  SDIFF a a
  SDIFF none a
  ? SDIFF a none
  ? SDIFF b a none a
  SET k v
  SINTER a k
  SINTER k a
  SINTER none k
  SINTER a none k
  SUNION a k
  SUNION none k
  SDIFF a k
  SDIFF none k
  SDIFF k
  SINTER
  SUNION
  SDIFF
  `,
);

compare(
  "SINTERSTORE SUNIONSTORE SDIFFSTORE",
  `
  SADD a 1 2 3 4 5
  SADD b 3 4 5 6 x
  SADD c 5 6 7 y
  SINTERSTORE d a b
  ? SMEMBERS d
  SUNIONSTORE d a b c
  ? SMEMBERS d
  SDIFFSTORE d b a
  ? SMEMBERS d
  SINTERSTORE d a none
  EXISTS d
  SINTERSTORE d a none
  SUNIONSTORE d none nada
  SDIFFSTORE d none a
  SDIFFSTORE d a a
  EXISTS d
  SUNIONSTORE a a b
  ? SMEMBERS a
  SDIFFSTORE a a b
  SMEMBERS a
  SINTERSTORE b b b
  ? SMEMBERS b
  SET k v
  SINTERSTORE k a b
  EXISTS k
  SET k v
  SUNIONSTORE k a c
  TYPE k
  SET k v
  PEXPIREAT a 33177117420000
  PEXPIREAT b 33177117420000
  SUNIONSTORE b a c
  PTTL b
  PEXPIRETIME a
  SINTERSTORE b a k
  SINTERSTORE b k a
  SINTERSTORE b none k
  SUNIONSTORE b a k
  SDIFFSTORE b a k
  SCARD b
  SINTERSTORE none k
  SUNIONSTORE k k
  GET k
  SINTERSTORE
  SINTERSTORE d
  SUNIONSTORE
  SUNIONSTORE d
  SDIFFSTORE
  SDIFFSTORE d
  `,
);

compare(
  "SINTERCARD",
  `
  SADD a 1 2 3 4 5 6
  SADD b 3 4 5 6 7 x
  SADD c 5 6 7 y
  SINTERCARD 1 a
  SINTERCARD 2 a b
  SINTERCARD 3 a b c
  SINTERCARD 2 a none
  SINTERCARD 1 none
  SINTERCARD 2 a a
  SINTERCARD 2 a b LIMIT 0
  SINTERCARD 2 a b LIMIT 1
  SINTERCARD 2 a b limit 3
  SINTERCARD 2 a b LIMIT 4
  SINTERCARD 2 a b LIMIT 100
  SINTERCARD 2 a b LIMIT 9223372036854775807
  SINTERCARD 2 a b LIMIT 1 LIMIT 2
  SINTERCARD 2 a b LIMIT -1
  SINTERCARD 2 a b LIMIT x
  SINTERCARD 2 a b LIMIT 9223372036854775808
  SINTERCARD 2 a b LIMIT
  SINTERCARD 2 a b BOGUS
  SINTERCARD 2 a b BOGUS 1
  SINTERCARD 1 a b
  SINTERCARD 1 a b LIMIT 1
  SINTERCARD 0 a
  SINTERCARD -1 a
  SINTERCARD x a
  SINTERCARD 1.5 a
  SINTERCARD 3 a b
  SINTERCARD 3 a LIMIT 1
  SINTERCARD 9223372036854775807 a
  SINTERCARD 9223372036854775808 a
  SET k v
  SINTERCARD 1 k
  SINTERCARD 2 none k
  SINTERCARD 2 a k LIMIT -1
  SINTERCARD 1 k BOGUS
  SINTERCARD
  SINTERCARD 1
  `,
);

transcript("SRANDMEMBER", (t) => {
  t.do("SRANDMEMBER none").is(null);
  t.do("SRANDMEMBER none 3").is([]);
  t.do("SRANDMEMBER none -3").is([]);
  for (const members of ["a b c", "1 2 3"]) {
    t.do("DEL s");
    t.do(`SADD s ${members}`);
    t.do("SRANDMEMBER s").matching((member) => members.includes(member as string));
    t.do("SRANDMEMBER s 0").is([]);
    t.do("SRANDMEMBER s -0");
    t.do("SRANDMEMBER s 2").likeShape();
    t.do("SRANDMEMBER s 3").is(members.split(" ")).unordered();
    t.do("SRANDMEMBER s 10").is(members.split(" ")).unordered();
    t.do("SRANDMEMBER s 9223372036854775807").unordered();
    t.do("SRANDMEMBER s -10").likeShape();
    t.do("SRANDMEMBER s 9223372036854775808");
    t.do("SRANDMEMBER s -9223372036854775808");
    t.do("SRANDMEMBER s x");
    t.do("SRANDMEMBER s 1.0");
    t.do("SRANDMEMBER s 1 2");
    t.do("SRANDMEMBER s x y");
    t.do("SCARD s").is(3);
  }
  t.do("SRANDMEMBER none x");
  t.do("SRANDMEMBER none 1 2");
  t.do("SRANDMEMBER");
});

transcript("SPOP", (t) => {
  t.do("SPOP none").is(null);
  t.do("SPOP none 3");
  t.do("SPOP none 0");
  for (const members of ["a b c d e", "1 2 3 4 5"]) {
    t.do("DEL s");
    t.do(`SADD s ${members}`);
    t.do("SPOP s").matching((member) => members.includes(member as string));
    t.do("SPOP s 0");
    t.do("SPOP s 1").likeShape();
    t.do("SCARD s").is(3);
    t.do("SPOP s 2").likeShape();
    t.do("SCARD s").is(1);
    t.do("SPOP s -1");
    t.do("SPOP s x");
    t.do("SPOP s 9223372036854775808");
    t.do("SPOP s 1 2");
    t.do("SPOP s x y");
    t.do("SPOP s").likeShape();
    t.do("EXISTS s").is(0);
    t.do(`SADD s ${members}`);
    t.do("SPOP s 5").is(members.split(" ")).unordered();
    t.do("EXISTS s").is(0);
    t.do(`SADD s ${members}`);
    t.do("SPOP s 9223372036854775807").is(members.split(" ")).unordered();
    t.do("EXISTS s").is(0);
  }
  t.do("SPOP none -1");
  t.do("SPOP none x");
  t.do("SPOP none 1 2");
  t.do("SPOP");
});

compare(
  "SSCAN of a packed set",
  `
  SSCAN none 0
  SSCAN none 7
  SSCAN none 0 COUNT 0
  SSCAN none 0 BOGUS
  SSCAN none x
  SADD s 3 1 2 12 111
  SSCAN s 0
  SSCAN s 0 COUNT 1
  SSCAN s 0 MATCH 1*
  SSCAN s 0 MATCH * COUNT 1000
  SSCAN s 0 match [12] count 2
  SSCAN s 0 MATCH ""
  SSCAN s 5
  SSCAN s -1
  SSCAN s 0 COUNT 0
  SSCAN s 0 COUNT -1
  SSCAN s 0 COUNT x
  SSCAN s 0 COUNT
  SSCAN s 0 MATCH
  SSCAN s 0 BOGUS 1
  SSCAN s 0 TYPE set
  SSCAN s x
  SSCAN s 18446744073709551616
  SSCAN s
  SSCAN
  `,
);

transcript("SSCAN of sets that are hash tables in Redis 7.0", (t) => {
  t.do("SADD s a b abc 12");
  t.do("SSCAN s 0 COUNT 1000").matching(scanned(["a", "b", "abc", "12"]));
  t.do("SSCAN s 0 MATCH a* COUNT 1000").matching(scanned(["a", "abc"]));
  t.do("SSCAN s 0 COUNT 0");
  t.do("SADD", "s", "x".repeat(65));
  t.do("OBJECT ENCODING s").is("hashtable");
  t.do("SSCAN s 0 MATCH a* COUNT 1000").matching(scanned(["a", "abc"]));
  t.do("SSCAN s 0 MATCH z* COUNT 1000").matching(scanned([]));
});

compare(
  "a key of another type",
  `
  SET k v
  SADD k a
  SREM k a
  SCARD k
  SMEMBERS k
  SISMEMBER k a
  SMISMEMBER k a b
  SPOP k
  SPOP k 1
  SPOP k 0
  SPOP k -1
  SPOP k x
  SRANDMEMBER k
  SRANDMEMBER k 1
  SRANDMEMBER k 0
  SRANDMEMBER k x
  SSCAN k 0
  SSCAN k x
  SSCAN k 0 COUNT 0
  GET k
  SADD s a
  GET s
  HSET s f v
  LPUSH s a
  INCR s
  SET s v
  `,
);

compare(
  "a set that has become empty is gone",
  `
  SADD s a
  PEXPIREAT s 33177117420000
  SREM s a
  EXISTS s
  SADD s a
  PTTL s
  PEXPIREAT s 33177117420000
  SPOP s
  SADD s a b
  PTTL s
  PEXPIREAT s 33177117420000
  SADD s c
  SREM s c
  SMOVE s t a
  PEXPIRETIME s
  PTTL t
  SMOVE s t b
  EXISTS s
  SADD s 1
  PEXPIREAT s 33177117420000
  SADD s 70000
  SADD s 9223372036854775807
  PEXPIRETIME s
  SADD s a
  PEXPIRETIME s
  `,
);

transcript("OBJECT ENCODING of sets", (t) => {
  const encodingIs = (name: string) => t.do("OBJECT ENCODING s").is(name);
  t.do("SADD s 1 2 3");
  encodingIs("intset");
  t.do("SADD s a");
  encodingIs("listpack").differsIn72(SMALL_72);
  t.do("SREM s a");
  encodingIs("listpack").differsIn72(SMALL_72);
  t.do("SADD", "s", "x".repeat(64));
  encodingIs("listpack").differsIn72(SMALL_72);
  t.do("SADD", "s", "x".repeat(65));
  encodingIs("hashtable");
  t.do("SREM", "s", "x".repeat(65));
  encodingIs("hashtable");
  t.do("DEL s");
  t.do("SADD", "s", ...Array.from({ length: 512 }, (_, index) => index));
  encodingIs("intset");
  t.do("SADD s 512");
  encodingIs("hashtable");
  t.do("DEL s");
  t.do("SADD", "s", ...Array.from({ length: 128 }, (_, index) => `m${index}`));
  encodingIs("listpack").differsIn72(SMALL_72);
  t.do("SADD s 512");
  encodingIs("hashtable");
  t.do("DEL s");
  t.do("SADD", "s", ...Array.from({ length: 127 }, (_, index) => index));
  t.do("SADD s a");
  encodingIs("listpack").differsIn72(SMALL_72);
  t.do("DEL s");
  t.do("SADD", "s", ...Array.from({ length: 128 }, (_, index) => index));
  t.do("SADD s a");
  encodingIs("hashtable");
  t.do("DEL s");
  t.do("SADD s 1 2");
  t.do("SADD", "s", "x".repeat(65));
  encodingIs("hashtable");
});

transcript("OBJECT ENCODING of stored sets", (t) => {
  const encodingIs = (name: string) => t.do("OBJECT ENCODING d").is(name);
  t.do("SADD n 1 2 3");
  t.do("SADD m 2 3 a b");
  t.do("SADD", "l", "2", "3", "a", "x".repeat(65));
  t.do("SINTERSTORE d n m");
  encodingIs("intset");
  t.do("SINTERSTORE d l n");
  encodingIs("intset");
  t.do("SINTERSTORE d l m");
  encodingIs("listpack").differsIn72(SMALL_72);
  t.do("SUNIONSTORE d n n");
  encodingIs("intset");
  t.do("SUNIONSTORE d n m");
  encodingIs("listpack").differsIn72(SMALL_72);
  t.do("SUNIONSTORE d n l");
  encodingIs("hashtable");
  t.do("SDIFFSTORE d l n");
  encodingIs("hashtable");
  t.do("SDIFFSTORE d l m n");
  encodingIs("hashtable");
  t.do("SDIFFSTORE d n m");
  encodingIs("intset");
  t.do("SMEMBERS d").is(["1"]).unordered();
});

const small = transcripts({ directives: ["set-max-intset-entries 3"] });

small.transcript("set thresholds are configured", (t) => {
  const encodingIs = (name: string) => t.do("OBJECT ENCODING s").is(name);
  t.do("CONFIG SET set-max-listpack-entries 5 set-max-listpack-value 6")
    .is("OK")
    .differsIn72(SMALL_72);
  t.do("SADD s 1 2 3");
  encodingIs("intset");
  t.do("SADD s 3");
  encodingIs("intset");
  t.do("SADD s 4");
  encodingIs("hashtable");
  t.do("DEL s");
  t.do("SADD s 1 2 3 4");
  encodingIs("listpack").differsIn72(SMALL_72);
  t.do("DEL s");
  t.do("SADD s a b c d e");
  encodingIs("listpack").differsIn72(SMALL_72);
  t.do("SADD s a e");
  encodingIs("listpack").differsIn72(SMALL_72);
  t.do("SADD s f");
  encodingIs("hashtable");
  t.do("SMEMBERS s").unordered();
  t.do("DEL s");
  t.do("SADD s a a a a a a a a a");
  encodingIs("hashtable");
  t.do("SCARD s").is(1);
  t.do("DEL s");
  t.do("SADD s a 123456");
  encodingIs("listpack").differsIn72(SMALL_72);
  t.do("SADD s 1234567");
  encodingIs("hashtable");
  t.do("DEL s");
  t.do("SADD s 1 1234567");
  t.do("SADD s a");
  encodingIs("hashtable");
  t.do("SMEMBERS s").unordered();
});

/** Whether a reply is that of a complete scan which found these, in any order. */
function scanned(items: readonly string[]): (reply: ReplyValue) => boolean {
  const wanted = ["0", items.toSorted()];
  return (reply) => {
    const [cursor, found] = reply as [string, string[]];
    return Bun.deepEquals([cursor, found.toSorted()], wanted);
  };
}
