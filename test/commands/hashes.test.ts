/** Hash commands, compared with redis-server reply by reply, in RESP2 and RESP3. */
import type { ReplyValue } from "../support/resp-client.ts";
import { compare, transcript, transcripts } from "../support/transcript.ts";

compare(
  "HSET HMSET HSETNX and HGET",
  `
  HSET h f v
  HSET h f v2
  HSET h f v3 g w h x
  HSET h a 1 a 2 a 3
  HGET h a
  HGET h f
  HGET h missing
  HGET none f
  HMSET h f again
  HMSET new f v g w
  HLEN new
  HSETNX h f no
  HSETNX h fresh yes
  HSETNX other f v
  HGET other f
  HSET h "" ""
  HGET h ""
  HSTRLEN h ""
  HSET h "\\x00\\xff" "\\r\\n"
  HGET h "\\x00\\xff"
  HSET h 1 one 01 two -0 three "1 " four
  HMGET h 1 01 -0 "1 " " 1"
  hset h LOWER lower
  HGET h lower
  HSET
  HSET h
  HSET h f
  HSET h f v g
  HMSET h
  HMSET h f
  HMSET h f v g
  HSETNX h f
  HSETNX h f v g
  HGET h
  HGET h f g
  `,
);

compare(
  "HMGET HLEN HSTRLEN HEXISTS HDEL",
  `
  HMGET h a b
  HLEN h
  HSTRLEN h a
  HEXISTS h a
  HDEL h a
  HSET h a 1 b 22 c 333
  HMGET h a b missing c a
  HLEN h
  HSTRLEN h c
  HSTRLEN h missing
  HSET h n -12345 z 0
  HSTRLEN h n
  HSTRLEN h z
  HEXISTS h a
  HEXISTS h missing
  HDEL h missing
  HDEL h a a b missing
  HLEN h
  HDEL h c n z
  EXISTS h
  TYPE h
  HDEL h c
  HMGET
  HMGET h
  HLEN
  HLEN h a
  HSTRLEN h
  HSTRLEN h a b
  HEXISTS h
  HEXISTS h a b
  HDEL
  HDEL h
  `,
);

compare(
  "HGETALL HKEYS HVALS",
  `
  HGETALL none
  HKEYS none
  HVALS none
  HSET h c 3 a 1 b two
  HGETALL h
  HKEYS h
  HVALS h
  HDEL h a
  HSET h a 4
  HSET h c 5
  HGETALL h
  HGETALL
  HGETALL h h
  HKEYS
  HKEYS h h
  HVALS
  HVALS h h
  `,
);

compare(
  "a key of another type",
  `
  SET s v
  HSET s f v
  HSET s f v g
  HMSET s f v
  HSETNX s f v
  HGET s f
  HMGET s f g
  HGETALL s
  HKEYS s
  HVALS s
  HLEN s
  HSTRLEN s f
  HEXISTS s f
  HDEL s f
  HINCRBY s f 1
  HINCRBY s f x
  HINCRBYFLOAT s f 1
  HINCRBYFLOAT s f x
  HINCRBYFLOAT s f inf
  HRANDFIELD s
  HRANDFIELD s 1
  HRANDFIELD s x
  HRANDFIELD s 1 WITHVALUES
  HRANDFIELD s 1 BOGUS
  HSCAN s 0
  HSCAN s x
  HSCAN s 0 COUNT 0
  GET s
  HSET h f v
  GET h
  APPEND h x
  INCR h
  LPUSH h x
  SADD h x
  STRLEN h
  SETBIT h 1 1
  GETSET h v
  SET h v
  TYPE h
  `,
);

compare(
  "HINCRBY",
  `
  HINCRBY h n 5
  HINCRBY h n -7
  HINCRBY h n 0
  HINCRBY h big 9223372036854775807
  HINCRBY h big 1
  HINCRBY h big 0
  HINCRBY h big -1
  HINCRBY h big 1
  HINCRBY h small -9223372036854775808
  HINCRBY h small -1
  HINCRBY h small 9223372036854775807
  HINCRBY h edge 9007199254740991
  HINCRBY h edge 1
  HINCRBY h edge 1
  HINCRBY h edge -3
  HINCRBY h n 9223372036854775808
  HINCRBY h n 1.0
  HINCRBY h n " 1"
  HINCRBY h n 01
  HINCRBY h n +1
  HINCRBY h n -0
  HINCRBY h n ""
  HSET h text abc space " 11" tail "11 " float 1.5 zero 0 empty "" leading 011 minus -0
  HINCRBY h text 1
  HINCRBY h space 1
  HINCRBY h tail 1
  HINCRBY h float 1
  HINCRBY h zero 1
  HINCRBY h empty 1
  HINCRBY h leading 1
  HINCRBY h minus 1
  HINCRBY h text x
  HGETALL h
  HINCRBY h n
  HINCRBY h n 1 1
  HINCRBY none n x
  EXISTS none
  `,
);

compare(
  "HINCRBYFLOAT",
  `
  HINCRBYFLOAT h f 10.50
  HINCRBYFLOAT h f 0.1
  HINCRBYFLOAT h f -5
  HINCRBYFLOAT h f 5.0e3
  HINCRBYFLOAT h third 3
  HINCRBYFLOAT h third 1.1
  HINCRBYFLOAT h tiny 1e-17
  HINCRBYFLOAT h tiny 1e-18
  HINCRBYFLOAT h large 17179869184
  HINCRBYFLOAT h large 1.5
  HINCRBYFLOAT h wide 9007199254740993
  HINCRBYFLOAT h wide 0.5
  HINCRBYFLOAT h zero -0
  HINCRBYFLOAT h zero -0.0
  HINCRBYFLOAT h hex 0x10
  HINCRBYFLOAT h e 1e300
  HINCRBYFLOAT h e 1e308
  HSET h text abc space " 1" tail "1 " empty "" inf inf nan nan int 12
  HINCRBYFLOAT h text 1
  HINCRBYFLOAT h space 1
  HINCRBYFLOAT h tail 1
  HINCRBYFLOAT h empty 1
  HINCRBYFLOAT h inf 1
  HINCRBYFLOAT h inf -1
  HINCRBYFLOAT h nan 1
  HINCRBYFLOAT h int 1.25
  HINCRBYFLOAT h f x
  HINCRBYFLOAT h f ""
  HINCRBYFLOAT h f " 1"
  HINCRBYFLOAT h f inf
  HINCRBYFLOAT h f -inf
  HINCRBYFLOAT h f nan
  HINCRBYFLOAT h f 1e5000
  HINCRBYFLOAT h text nan
  ? HGETALL h
  HINCRBYFLOAT h f
  HINCRBYFLOAT h f 1 1
  HINCRBYFLOAT none f x
  EXISTS none
  `,
);

transcript("HRANDFIELD", (t) => {
  t.do("HRANDFIELD none").is(null);
  t.do("HRANDFIELD none 3").is([]);
  t.do("HRANDFIELD none -3 WITHVALUES").is([]);
  t.do("HSET h a 1 b 2 c 3");
  t.do("HRANDFIELD h").matching((field) => ["a", "b", "c"].includes(field as string));
  t.do("HRANDFIELD h 0").is([]);
  t.do("HRANDFIELD h 0 WITHVALUES").is([]);
  t.do("HRANDFIELD h -0");
  t.do("HRANDFIELD h 3").unordered();
  t.do("HRANDFIELD h 10").unordered();
  t.do("HRANDFIELD h 3 withvalues").unordered();
  t.do("HRANDFIELD h 10 WITHVALUES").unordered();
  t.do("HRANDFIELD h 2").likeShape();
  t.do("HRANDFIELD h 2 WITHVALUES").likeShape();
  t.do("HRANDFIELD h -10").likeShape();
  t.do("HRANDFIELD h -10 WITHVALUES").likeShape();
  t.do("HRANDFIELD h 9223372036854775807").unordered();
  t.do("HRANDFIELD h 4611686018427387903 WITHVALUES").unordered();
  t.do("HRANDFIELD h 4611686018427387904 WITHVALUES");
  t.do("HRANDFIELD h -4611686018427387904 WITHVALUES");
  t.do("HRANDFIELD h 9223372036854775807 WITHVALUES");
  t.do("HRANDFIELD h 9223372036854775808");
  t.do("HRANDFIELD h -9223372036854775808");
  t.do("HRANDFIELD h -9223372036854775808 WITHVALUES");
  t.do("HRANDFIELD none -9223372036854775808");
  t.do("HRANDFIELD h x");
  t.do("HRANDFIELD h 1.0");
  t.do("HRANDFIELD h x WITHVALUES");
  t.do("HRANDFIELD h x BOGUS");
  t.do("HRANDFIELD h 1 BOGUS");
  t.do("HRANDFIELD h 1 WITHSCORES");
  t.do("HRANDFIELD h 1 WITHVALUES WITHVALUES");
  t.do("HRANDFIELD h 4611686018427387904 BOGUS");
  t.do("HRANDFIELD");
});

compare(
  "HSCAN of a packed hash",
  `
  HSCAN none 0
  HSCAN none 7
  HSET h a 1 b 2 abc 3 12 4
  HSCAN h 0
  HSCAN h 0 COUNT 1
  HSCAN h 0 MATCH a*
  HSCAN h 0 MATCH * COUNT 1000
  HSCAN h 0 MATCH ""
  HSCAN h 0 MATCH 1*
  HSCAN h 0 match [ab] count 2 match b
  HSCAN h 5
  HSCAN h -1
  HSCAN h 0 COUNT 0
  HSCAN h 0 COUNT -1
  HSCAN h 0 COUNT x
  HSCAN h 0 COUNT
  HSCAN h 0 MATCH
  HSCAN h 0 BOGUS 1
  HSCAN h 0 TYPE hash
  HSCAN h x
  HSCAN h ""
  HSCAN h 18446744073709551616
  HSCAN none x
  HSCAN none 0 COUNT 0
  HSCAN none 0 BOGUS
  HSCAN h
  HSCAN
  `,
);

compare(
  "a hash that has become empty is gone",
  `
  HSET h f v
  PEXPIREAT h 33177117420000
  HDEL h f
  EXISTS h
  PTTL h
  HSET h f v
  PTTL h
  HINCRBY h f 1
  HSET k a 1 b 2
  PEXPIREAT k 33177117420000
  HDEL k a
  PEXPIRETIME k
  HSET k c 3
  PEXPIRETIME k
  HINCRBY k c 3
  HINCRBYFLOAT k c 3
  PEXPIRETIME k
  `,
);

const long = "x".repeat(65);
const fits = "x".repeat(64);

compare(
  "OBJECT ENCODING of hashes",
  `
  HSET h f ${fits}
  OBJECT ENCODING h
  HSET h ${fits} v
  OBJECT ENCODING h
  HSETNX h f ${long}
  OBJECT ENCODING h
  HSETNX h g ${long}
  OBJECT ENCODING h
  HDEL h g
  OBJECT ENCODING h
  HSET f ${long} v
  OBJECT ENCODING f
  HSET many a 1 b 2 c ${long} d 4
  OBJECT ENCODING many
  HSET i n 1
  HINCRBYFLOAT i n 1e300
  OBJECT ENCODING i
  HINCRBY i n 1
  OBJECT ENCODING i
  `,
);

const small = transcripts({
  directives: ["hash-max-listpack-entries 3", "hash-max-listpack-value 5"],
});

small.compare(
  "hash thresholds are configured",
  `
  HSET h a 1 b 2 c 3
  OBJECT ENCODING h
  HSET h a 9
  OBJECT ENCODING h
  HSET h d 4
  OBJECT ENCODING h
  HDEL h b c d
  OBJECT ENCODING h
  HSET v a 12345
  OBJECT ENCODING v
  HSET v a 123456
  OBJECT ENCODING v
  HINCRBY n n 99999
  OBJECT ENCODING n
  HINCRBY n n 1
  OBJECT ENCODING n
  HSET dup a 1 a 2 a 3 a 4
  OBJECT ENCODING dup
  HLEN dup
  HSET five a 1 b 2 c 3 d 4 e 5
  OBJECT ENCODING five
  ? HGETALL five
  ? HKEYS five
  ? HVALS five
  ? HRANDFIELD five 5 WITHVALUES
  `,
);

small.transcript("HSCAN of a large hash", (t) => {
  const fields = { a: "1", b: "2", abc: "3", "12": "4", "": "5" };
  t.do("HSET", "h", ...Object.entries(fields).flat());
  t.do("OBJECT ENCODING h").is("hashtable");
  t.do("HSCAN h 0 COUNT 1000").matching(scanned(Object.entries(fields).flat()));
  t.do("HSCAN h 0 COUNT 1000 MATCH a*").matching(scanned(["a", "1", "abc", "3"]));
  t.do('HSCAN h 0 MATCH "" COUNT 1000').matching(scanned(["", "5"]));
  t.do("HSCAN h 0 MATCH none* COUNT 1000").is(["0", []]);
  t.do("HSCAN h 0 COUNT 0");
  t.do("HSCAN h x");
});

/** Whether a reply is that of a complete scan which found these, in any order. */
function scanned(items: readonly string[]): (reply: ReplyValue) => boolean {
  const wanted = ["0", items.toSorted()];
  return (reply) => {
    const [cursor, found] = reply as [string, string[]];
    return Bun.deepEquals([cursor, found.toSorted()], wanted);
  };
}

transcript("the old names of the thresholds", (t) => {
  t.do("CONFIG GET hash-max-*").unordered();
  t.do("CONFIG SET hash-max-ziplist-entries 2").is("OK");
  t.do("CONFIG GET hash-max-listpack-entries");
  t.do("HSET h a 1 b 2 c 3");
  t.do("OBJECT ENCODING h").is("hashtable");
  t.do("CONFIG SET hash-max-listpack-entries 128 hash-max-ziplist-value 3").is("OK");
  t.do("HSET g a 1234");
  t.do("OBJECT ENCODING g").is("hashtable");
  t.do("CONFIG SET hash-max-listpack-value 64").is("OK");
});
