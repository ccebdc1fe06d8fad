/** Keyspace events of keys of any type: expiry, blocked clients and transactions among them. */
import { compareEvents } from "../support/key-events.ts";

compareEvents(
  "keys",
  `
  MSET a 1 b 2 c 3
  DEL a nothing b               => del a, del b
  DEL nothing                   =>
  MSET a 1 b 2
  UNLINK a b nothing
  RENAME c d                    => new d, rename_from c, rename_to d
  RENAME d d                    =>
  RENAME c d
  SET c 1
  RENAME c d                    => new d, rename_from c, rename_to d
  RENAMENX d e
  SET d 1
  RENAMENX d e
  RENAMENX nothing e
  COPY d f                      => new f, copy_to f
  COPY d f                      =>
  COPY d f REPLACE              => new f, copy_to f
  COPY d d2 DB 1                => 1:new d2, 1:copy_to d2
  COPY nothing g
  MOVE d 1                      => 1:new d, move_from d, 1:move_to d
  MOVE d 1
  SET d 2
  MOVE d 1
  EXISTS d nothing
  TOUCH d nothing
  TYPE d
  TYPE nothing
  OBJECT ENCODING d
  OBJECT ENCODING nothing
  OBJECT IDLETIME nothing
  OBJECT REFCOUNT nothing
  DEBUG OBJECT nothing
  MEMORY USAGE nothing
  MEMORY USAGE d
  TTL d
  TTL nothing
  PTTL nothing
  EXPIRETIME nothing
  PEXPIRETIME nothing
  EXPIRE nothing 10
  EXPIRE d 100
  EXPIRE d 200 NX
  EXPIRE d 200 GT
  EXPIRE d 100 GT
  PERSIST d
  PERSIST d
  PEXPIRE d 100000
  EXPIREAT d 99999999999
  PEXPIREAT d 99999999999999
  EXPIRE d 0
  SET d 1
  EXPIRE d -1
  SET d 1
  EXPIREAT d 1
  SET d 1
  PEXPIREAT d 1
  SET d 1
  PEXPIRE d -5
  KEYS *
  SCAN 0
  DBSIZE
  SELECT 1
  SET k v                       => 1:new k, 1:set k
  GET nothing                   => 1:keymiss nothing
  SWAPDB 0 1
  FLUSHDB
  SET k v
  FLUSHALL
  SELECT 0
  SET big x
  RENAME big small
  RPUSH list a b
  RENAME list list2
  COPY list2 list3
  SADD s x y
  COPY s list3 REPLACE
  RENAME s list3
  `,
);

compareEvents(
  "expiry",
  `
  PSETEX k 5 v
  . 15
  GET k                         => expired k, keymiss k
  PSETEX k 5 v
  . 15
  SET k w                       => expired k, new k, set k
  PSETEX k 5 v
  . 15
  DEL k
  PSETEX k 5 v
  . 15
  EXISTS k
  PSETEX k 5 v
  . 15
  INCR k
  PSETEX k 5 v
  . 15
  SETNX k v
  PSETEX k 5 v
  . 15
  RENAME k m
  SET m x
  PSETEX k 5 v
  . 15
  RENAME m k
  PSETEX k 5 v
  PSETEX k2 5 v
  . 15
  COPY k k2
  DEL k2
  PSETEX k 5 v
  . 15
  TTL k
  PSETEX k 5 v
  . 15
  MOVE k 1
  PSETEX k 5 v
  . 15
  MSET k 1 other 2
  PSETEX k 5 v
  . 15
  MGET k other k
  PSETEX k 5 v
  . 15
  SORT k
  RPUSH l a
  PEXPIRE l 5
  . 15
  LPUSH l b
  SADD s a
  PEXPIRE s 5
  . 15
  SUNIONSTORE s s l
  SADD s a
  PEXPIRE s 5
  . 15
  SADD src x
  SUNIONSTORE s src
  PSETEX k 5 v
  DEBUG SET-ACTIVE-EXPIRE 1     => expired k
  `,
);

compareEvents(
  "blocked clients",
  `
  @a BLPOP w 0
  RPUSH w a                     => new w, rpush w, lpop w, del w
  @a BRPOP w 0
  RPUSH w a b
  DEL w
  @a BLMOVE w v LEFT RIGHT 0
  RPUSH w a
  @a BRPOPLPUSH w v 0
  RPUSH w a b
  DEL w v
  @a BLMPOP 0 2 w x LEFT COUNT 5
  RPUSH x a b c
  @a BZPOPMIN z 0
  ZADD z 1 a
  @a BZPOPMAX z 0
  ZADD z 1 a 2 b
  DEL z
  @a BZMPOP 0 1 z MIN COUNT 3
  ZADD z 1 a 2 b
  @a BLPOP w 0
  RPUSH src a
  RENAME src w
  @a BLPOP w 0
  SADD set 2 1
  SORT set STORE w
  DEL w
  @a BLPOP w 0
  @b BLMOVE w2 w LEFT LEFT 0
  RPUSH w2 x
  @a BLPOP w 0
  MULTI
  RPUSH w a
  SET k v
  RPUSH w b
  EXEC
  `,
);

compareEvents(
  "fields of hashes that expire",
  `
  ! HSET h f v g w                          => new h, hset h
  ! HEXPIRE h 100 FIELDS 1 f                => hexpire h
  ! HEXPIRE h 100 FIELDS 2 f nothing        => hexpire h
  ! HEXPIRE h 100 FIELDS 1 nothing          =>
  ! HEXPIRE h 100 NX FIELDS 1 f             =>
  ! HPEXPIRE nothing 100 FIELDS 1 f         =>
  ! HEXPIREAT h 9999999999 FIELDS 1 f      => hexpire h
  ! HPEXPIREAT h 9999999999999 FIELDS 1 f  => hexpire h
  ! HTTL nothing FIELDS 1 f                 => keymiss nothing
  ! HPERSIST h FIELDS 1 f                   => hpersist h
  ! HPERSIST h FIELDS 1 f                   =>
  ! HPERSIST nothing FIELDS 1 f             =>
  ! HEXPIRE h 0 FIELDS 1 f                  => hdel h
  ! HEXPIRE h 0 FIELDS 1 g                  => hdel h, del h
  ! HSET h f v g w                          => new h, hset h
  ! HPEXPIRE h 5 FIELDS 1 f                 => hexpire h
  !. 15                                     =>
  ! HGET h f                                => hexpired h
  ! HPEXPIRE h 5 FIELDS 1 g                 => hexpire h
  ! DEBUG SET-ACTIVE-EXPIRE 1               => hexpired h, del h
  `,
);

compareEvents(
  "transactions",
  `
  MULTI
  SET a 1
  LPUSH l x
  EXPIRE a 0
  LPOP l
  GET nothing
  EXEC
  MULTI
  SET a 1
  DISCARD
  WATCH a
  SET a 1
  MULTI
  SET a 2
  EXEC
  MULTI
  SET a 1
  SELECT 1
  SET a 2
  SELECT 0
  RENAME a b
  EXEC
  `,
);
