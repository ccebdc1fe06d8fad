/** The keyspace events of the commands of each type, compared with redis-server. */
import { compareEvents } from "../support/key-events.ts";

compareEvents(
  "strings",
  `
  SET k v                       => new k, set k
  SET k w                       => set k
  SET k v EX 100                => set k, expire k
  SET k v KEEPTTL               => set k
  SET k v NX                    =>
  SET m v XX                    =>
  SET k v GET                   => set k
  SET n v GET                   => keymiss n, new n, set n
  SET k v PX 100000 GET
  SET k v EXAT 99999999999
  SET k v PXAT 1
  SET o v PXAT 1
  GET o
  SET k v
  SETNX k v
  SETNX x v
  SETEX x 100 v
  PSETEX x 100000 v
  SETEX y 100 v
  GETSET x v
  GETSET z v
  GET x
  GET nothing                   => keymiss nothing
  GETDEL x                      => del x
  GETDEL x                      => keymiss x
  GETEX k
  GETEX k EX 100
  GETEX k PERSIST
  GETEX k PERSIST
  GETEX k PXAT 1
  GETEX k EX 100
  SET k v
  GETEX k EXAT 1
  APPEND k v
  APPEND k w
  SET i 5
  INCR i
  INCR j
  DECR j
  DECRBY j 5
  INCRBY j 5
  INCRBYFLOAT j 1.5
  INCRBYFLOAT f 1.5
  INCR f
  MSET a 1 b 2 a 3
  MSETNX a 1 c 2
  MSETNX c 1 d 2 c 3
  MGET a b nothing nowhere
  SETRANGE a 3 xyz
  SETRANGE e 0 ""
  SETRANGE e 2 x
  SETRANGE a 0 ""
  GETRANGE a 0 1
  GETRANGE nothing 0 1
  SUBSTR nothing 0 1
  STRLEN a
  STRLEN nothing
  LCS a nothing
  RPUSH l x
  SET l v
  RPUSH l2 x
  GET l2
  APPEND l2 x
  INCR l2
  MSET l2 y
  GETSET a 1
  `,
);

compareEvents(
  "bits and HyperLogLogs",
  `
  SETBIT b 7 1
  SETBIT b 7 1
  SETBIT b 9 0
  GETBIT b 1
  GETBIT nothing 1
  BITCOUNT nothing
  BITPOS nothing 1
  BITPOS nothing 0
  BITFIELD b GET u8 0
  BITFIELD b SET u8 0 5
  BITFIELD b SET u8 0 5 INCRBY u8 8 1 GET u8 0
  BITFIELD b2 SET u8 0 5
  BITFIELD b3 GET u8 0
  BITFIELD_RO b3 GET u8 0
  BITFIELD b2 OVERFLOW FAIL INCRBY u8 0 300
  BITFIELD b4 OVERFLOW FAIL INCRBY u8 0 300
  BITOP AND r b b2
  BITOP AND r nothing nowhere
  BITOP AND r nothing nowhere
  BITOP NOT r b
  BITOP OR r b b2 b3
  PFADD h a b c
  PFADD h a
  PFADD h2
  PFADD h2
  PFADD h2 x
  PFCOUNT h
  PFCOUNT h
  PFCOUNT h h2
  PFCOUNT nothing
  PFCOUNT nothing h
  PFMERGE m h h2
  PFMERGE m h
  PFMERGE n nothing
  PFMERGE n
  PFMERGE n2
  PFDEBUG ENCODING h
  PFDEBUG TODENSE h
  PFDEBUG TODENSE h
  PFDEBUG GETREG h
  PFADD s x
  PFMERGE h s
  `,
);

compareEvents(
  "lists",
  `
  RPUSH l a b c                 => new l, rpush l
  LPUSH l x                     => lpush l
  LPUSHX l y
  RPUSHX l z
  LPUSHX nothing y
  RPUSHX nothing y
  LPOP l
  RPOP l 2
  RPOP l 0
  LPOP nothing
  LPOP nothing 5
  RPOP nothing
  LLEN nothing
  LRANGE nothing 0 1
  LINDEX nothing 0
  LPOS nothing a
  LSET l 0 q
  LSET nothing 0 q
  LINSERT l BEFORE q p
  LINSERT l AFTER nothing p
  LINSERT nothing AFTER nothing p
  LREM l 0 nothing
  LREM l 0 p
  LREM nothing 0 p
  LTRIM l 0 0
  LTRIM l 0 0
  LTRIM l 5 6                   => ltrim l, del l
  LTRIM l 5 6
  RPUSH l a
  LREM l 0 a                    => lrem l, del l
  RPUSH l a
  LPOP l                        => lpop l, del l
  RPUSH l a
  RPOP l 5
  RPUSH l a b c
  LMOVE l m LEFT RIGHT
  LMOVE l m RIGHT LEFT
  LMOVE l m RIGHT LEFT
  LMOVE l m RIGHT LEFT
  LMOVE m m LEFT RIGHT
  LMOVE m m LEFT LEFT
  RPOPLPUSH m l
  RPOPLPUSH m l
  RPOPLPUSH m l
  RPUSH one a
  RPOPLPUSH one one
  LMOVE one one LEFT RIGHT
  RPUSH p a b c d
  LMPOP 2 nothing p LEFT COUNT 2
  LMPOP 2 nothing p RIGHT COUNT 5
  LMPOP 2 nothing p RIGHT COUNT 5
  RPUSH p a b c d
  BLMPOP 0 2 nothing p LEFT COUNT 9
  RPUSH p a b c d
  BLPOP nothing p 0
  BRPOP p 0
  BLMOVE p q LEFT RIGHT 0
  BRPOPLPUSH p q 0
  BLPOP nothing 0.01
  SET str x
  RPUSH str x
  LMOVE p str LEFT RIGHT
  `,
);

compareEvents(
  "sets",
  `
  SADD s a b c                  => new s, sadd s
  SADD s a                      =>
  SADD s a d
  SREM s a nothing
  SREM s nothing
  SREM nothing x
  SREM s b c d                  => srem s, del s
  SADD s a b c d e
  SMEMBERS nothing
  SISMEMBER nothing a
  SMISMEMBER nothing a
  SCARD nothing
  SRANDMEMBER nothing
  SRANDMEMBER nothing 2
  SSCAN nothing 0
  SPOP s
  SPOP s 1
  SPOP s 0
  SPOP s 9                      => spop s, del s
  SPOP s
  SPOP s 3
  SADD s a
  SPOP s
  SADD s a b
  SADD s 1
  SMOVE s t a
  SMOVE s t a
  SMOVE s t 1
  SADD t b
  SMOVE s t b
  SMOVE nothing t b
  SMOVE t t b
  SMOVE t t nothing
  SADD one a
  SMOVE one two a
  SMOVE two three a
  SADD x a b c d
  SADD y b c
  SINTERSTORE r x y
  SINTERSTORE r x y
  SINTERSTORE r x nothing
  SINTERSTORE r x nothing
  SUNIONSTORE r x y nothing
  SDIFFSTORE r x y
  SDIFFSTORE r y x
  SDIFFSTORE r nothing x
  SINTER x nothing
  SUNION nothing x
  SDIFF x nothing
  SINTERCARD 2 x nothing
  SUNIONSTORE x x y
  SINTERSTORE x nothing x
  SET str a
  SUNIONSTORE str y
  SUNIONSTORE y nothing nowhere
  `,
);

compareEvents(
  "hashes",
  `
  HSET h f v g w                => new h, hset h
  HSET h f v
  HMSET h f x
  HSETNX h f v
  HSETNX h n v
  HSETNX h2 n v
  HINCRBY h c 1
  HINCRBY h c 1
  HINCRBYFLOAT h c 1.5          => hincrbyfloat h
  HINCRBY h3 c 1
  HINCRBYFLOAT h4 c 1
  HDEL h f nothing
  HDEL h nothing
  HDEL nothing f
  HDEL h g n c                  => hdel h, del h
  HGET nothing f
  HMGET nothing f g
  HGETALL nothing
  HKEYS nothing
  HVALS nothing
  HLEN nothing
  HSTRLEN nothing f
  HEXISTS nothing f
  HRANDFIELD nothing
  HRANDFIELD nothing 2
  HSCAN nothing 0
  HGET h2 nothing
  HINCRBY h2 n 1
  HINCRBY h5 n x
  HSET h6 a 1
  HINCRBYFLOAT h6 a -1
  `,
);

compareEvents(
  "sorted sets",
  `
  ZADD z 1 a 2 b                => new z, zadd z
  ZADD z 1 a
  ZADD z 3 a
  ZADD z CH 3 a
  ZADD z NX 5 a
  ZADD z XX 5 nothing
  ZADD nothing XX 5 nothing
  ZADD z GT 1 a
  ZADD z INCR 1 a
  ZADD z INCR 0 a
  ZADD z NX INCR 1 a
  ZADD z2 INCR 1 a
  ZINCRBY z 1 a
  ZINCRBY z 1 new
  ZINCRBY z3 1 a
  ZINCRBY z 0 a
  ZREM z a nothing
  ZREM z nothing
  ZREM nothing a
  ZREM z b new                  => zrem z, del z
  ZADD z 1 a 2 b 3 c 4 d 5 e 6 f
  ZPOPMIN z
  ZPOPMAX z 2
  ZPOPMIN z 0
  ZPOPMIN nothing
  ZPOPMAX nothing 3
  ZPOPMIN z 99
  ZADD z 1 a 2 b 3 c 4 d 5 e 6 f
  ZREMRANGEBYSCORE z 1 2
  ZREMRANGEBYSCORE z 1 2
  ZREMRANGEBYRANK z 0 0
  ZREMRANGEBYLEX z [d [d
  ZREMRANGEBYLEX nothing - +
  ZREMRANGEBYRANK z 0 -1
  ZMPOP 2 nothing z2 MIN
  ZMPOP 2 nothing z3 MAX COUNT 5
  ZMPOP 2 nothing z3 MAX COUNT 5
  ZADD z 1 a 2 b 3 c
  BZPOPMIN nothing z 0
  BZPOPMAX z 0
  BZMPOP 0 2 nothing z MIN COUNT 5
  ZRANGE nothing 0 -1
  ZRANGEBYSCORE nothing 0 1
  ZREVRANGE nothing 0 1
  ZRANGEBYLEX nothing - +
  ZRANK nothing a
  ZSCORE nothing a
  ZMSCORE nothing a
  ZCARD nothing
  ZCOUNT nothing 0 1
  ZLEXCOUNT nothing - +
  ZRANDMEMBER nothing
  ZRANDMEMBER nothing 2
  ZSCAN nothing 0
  ZADD x 1 a 2 b
  ZADD y 1 b 2 c
  ZUNIONSTORE r 2 x y
  ZUNIONSTORE r 2 x y
  ZINTERSTORE r 2 x y
  ZINTERSTORE r 2 x nothing     => keymiss nothing, del r
  ZINTERSTORE r 2 x nothing
  ZDIFFSTORE r 2 x y
  ZDIFFSTORE r 2 x x
  ZRANGESTORE r x 0 -1
  ZRANGESTORE r x 5 9
  ZRANGESTORE r x 5 9
  ZRANGESTORE r nothing 0 -1
  ZUNION 2 x nothing
  ZINTER 2 x nothing
  ZDIFF 2 x nothing
  ZINTERCARD 2 x nothing
  SADD s a
  ZUNIONSTORE s 2 s x
  ZUNIONSTORE x 1 nothing
  `,
);

compareEvents(
  "geo",
  `
  GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
  GEOADD g 13.361389 38.115556 Palermo
  GEOADD g XX 1 1 nowhere
  GEOADD g CH 13.4 38.1 Palermo
  GEOPOS nothing a
  GEODIST nothing a b
  GEOHASH nothing a
  GEOSEARCH nothing FROMLONLAT 15 37 BYRADIUS 200 km ASC
  GEORADIUS nothing 15 37 200 km
  GEORADIUS_RO nothing 15 37 200 km
  GEORADIUSBYMEMBER nothing a 200 km
  GEOSEARCHSTORE r g FROMLONLAT 15 37 BYRADIUS 200 km ASC
  GEOSEARCHSTORE r g FROMLONLAT 15 37 BYRADIUS 1 m ASC
  GEOSEARCHSTORE r g FROMLONLAT 15 37 BYRADIUS 1 m ASC
  GEOSEARCHSTORE r nothing FROMLONLAT 15 37 BYRADIUS 1 m ASC
  GEORADIUS g 15 37 200 km STORE r
  GEORADIUS g 15 37 200 km STOREDIST r
  GEORADIUS nothing 15 37 200 km STORE r
  GEORADIUS nothing 15 37 200 km STORE r
  GEORADIUSBYMEMBER g Palermo 300 km STORE r
  GEORADIUSBYMEMBER g Palermo 1 m STORE g
  `,
);

compareEvents(
  "SORT",
  `
  RPUSH l 3 1 2
  SORT l
  SORT nothing
  SORT_RO nothing
  SORT l STORE r
  SORT l STORE r
  SORT nothing STORE r
  SORT nothing STORE r
  SORT l LIMIT 5 5 STORE r
  SET w_1 5
  SORT l BY w_* GET d_* STORE r
  SORT l BY h_*->f
  SADD s 2 1
  SORT s STORE s
  SORT l STORE l
  SET str x
  SORT l STORE str
  `,
);
