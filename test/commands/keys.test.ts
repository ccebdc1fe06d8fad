/** Commands on keys whatever they hold, compared with redis-server. */
import { compare, transcript } from "../support/transcript.ts";

compare(
  "DEL UNLINK EXISTS TYPE TOUCH",
  `
  MSET a 1 b 2 c 3
  EXISTS a b missing a
  TOUCH a missing
  TYPE a
  TYPE missing
  DEL a missing a
  UNLINK b c
  DBSIZE
  DEL
  UNLINK
  EXISTS
  TYPE
  `,
);

compare(
  "RENAME RENAMENX",
  `
  SET a 1 EX 100
  RENAME a b
  ~ TTL b
  EXISTS a
  RENAME missing x
  RENAME b b
  RENAMENX b b
  SET c 3
  RENAMENX b c
  RENAME b c
  GET c
  ~ TTL c
  RENAMENX c d
  RENAMENX missing y
  `,
);

compare(
  "COPY MOVE SWAPDB SELECT",
  `
  SET a 1 EX 100
  COPY a b
  GET b
  ~ TTL b
  COPY a b
  COPY a b REPLACE
  COPY missing x
  COPY a a
  COPY a a DB 1
  COPY a b DB 99
  COPY a b DB x
  COPY a b BOGUS
  COPY a b DB
  SELECT 1
  GET a
  SELECT 0
  MOVE a 1
  MOVE b 1
  EXISTS b
  MOVE a 0
  MOVE a 99
  MOVE a x
  MOVE missing 1
  SWAPDB 0 1
  GET b
  SWAPDB 0 0
  SWAPDB 0 99
  SWAPDB x 1
  SWAPDB 0 x
  SELECT 99
  SELECT -1
  SELECT x
  DBSIZE
  SELECT 1
  DBSIZE
  FLUSHDB
  DBSIZE
  SELECT 0
  FLUSHALL
  DBSIZE
  FLUSHALL ASYNC
  FLUSHALL SYNC
  FLUSHDB ASYNC
  FLUSHALL BOGUS
  FLUSHDB SYNC ASYNC
  `,
);

compare(
  "EXPIRE and its conditions",
  `
  SET k v
  EXPIRE k 100
  ~ TTL k
  ~ PTTL k
  EXPIRE k 200 NX
  EXPIRE k 200 XX
  EXPIRE k 100 GT
  EXPIRE k 300 GT
  EXPIRE k 400 LT
  EXPIRE k 50 LT
  PERSIST k
  PERSIST k
  EXPIRE k 100 XX
  EXPIRE k 100 GT
  EXPIRE k 100 LT
  EXPIRE k 100 NX XX
  EXPIRE k 100 GT LT
  EXPIRE k 100 NX GT
  EXPIRE k 50 XX GT
  EXPIRE k 100 BOGUS
  EXPIRE k x
  EXPIRE k 9223372036854775807
  EXPIRE k -9223372036854775808
  PEXPIRE k 9223372036854775807
  EXPIREAT k 9223372036854775807
  PEXPIREAT k 9223372036854775807
  PEXPIRETIME k
  EXPIRETIME k
  EXPIREAT k 33177117420
  EXPIRETIME k
  PEXPIRETIME k
  PEXPIREAT k 33177117420999
  EXPIRETIME k
  EXPIRE missing 10
  TTL missing
  PTTL missing
  EXPIRETIME missing
  PEXPIRETIME missing
  EXPIRE k -1
  EXISTS k
  SET k v
  PEXPIREAT k 1
  EXISTS k
  SET k v
  EXPIRE k 0
  EXISTS k
  SET k v
  TTL k
  PTTL k
  EXPIRETIME k
  PEXPIRETIME k
  PERSIST missing
  `,
);

compare(
  "KEYS SCAN RANDOMKEY",
  `
  MSET one 1 two 2 three 3 [x] 4 a*b 5
  ? KEYS *
  ? KEYS t*
  ? KEYS *e
  KEYS o?e
  ? KEYS [ot]*
  KEYS \\\\[x\\\\]
  KEYS a\\\\*b
  KEYS nothing
  KEYS
  SCAN x
  SCAN -
  SCAN 0 COUNT 0
  SCAN 0 COUNT -1
  SCAN 0 COUNT x
  SCAN 0 MATCH
  SCAN 0 BOGUS x
  SCAN 18446744073709551616
  SCAN " 0"
  DEL one two three [x] a*b
  SCAN 0
  RANDOMKEY
  SET only 1
  RANDOMKEY
  SCAN 0 COUNT 1000
  SCAN 0 COUNT 1000 TYPE string
  SCAN 0 COUNT 1000 TYPE STRING
  SCAN 0 COUNT 1000 TYPE list
  SCAN 0 COUNT 1000 MATCH o* TYPE string
  `,
);

compare(
  "OBJECT",
  `
  SET k v
  OBJECT ENCODING k
  OBJECT REFCOUNT k
  OBJECT IDLETIME k
  OBJECT FREQ k
  OBJECT ENCODING missing
  OBJECT IDLETIME missing
  OBJECT BOGUS k
  OBJECT ENCODING
  OBJECT
  OBJECT HELP
  SET k "this text is a good deal longer than forty-four bytes"
  OBJECT ENCODING k
  SET k 12
  OBJECT ENCODING k
  SET k 3.5
  OBJECT ENCODING k
  `,
);

transcript("an expired key is gone for every command", (t) => {
  t.do("SET k v PX 30").is("OK");
  t.do("SET n 5 PX 30").is("OK");
  t.pause(60);
  t.do("GET k").is(null);
  t.do("EXISTS k").is(0);
  t.do("TTL k").is(-2);
  t.do("KEYS *").is([]);
  t.do("SETNX k new").is(1);
  t.do("TTL k").is(-1);
  t.do("INCR n").is(1);
  t.do("TTL n").is(-1);
  t.do("DBSIZE").is(2);
});

transcript("DEBUG DIGEST agrees on equal strings", (t) => {
  t.do("DEBUG DIGEST").is("0000000000000000000000000000000000000000");
  t.do("MSET a 1 b two c 3.5");
  t.do("SET d x EX 1000");
  t.do("SELECT 3");
  t.do('SET e "\\x00\\x01"');
  t.do("DEBUG DIGEST");
  t.do("DEBUG DIGEST-VALUE e missing");
  t.do("DEBUG POPULATE 50").is("OK");
  t.do("DEBUG POPULATE 10 pre 64").is("OK");
  t.do("GET key:7").is("value:7");
  t.do("STRLEN pre:3").is(64);
  t.do("DEBUG DIGEST");
});
