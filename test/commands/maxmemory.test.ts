/** What clients see of `maxmemory`, compared with redis-server where it is determined. */
import { compareEvents } from "../support/key-events.ts";
import { comparePropagation } from "../support/propagation.ts";
import { compare } from "../support/transcript.ts";

compare(
  "without a way to make room, what takes memory is refused",
  `
  FLUSHALL
  CONFIG SET maxmemory-policy noeviction
  SET a 1
  RPUSH l x y
  CONFIG SET maxmemory 1
  SET b 2
  SET a 2
  APPEND a x
  LPUSH l z
  LPOP l
  GET a
  EXPIRE a 1000
  PERSIST a
  RENAME a c
  DEL c
  HSET h f v
  ZADD z 1 m
  SADD s m
  XADD x * f v
  PFADD p a
  SETBIT b 1 1
  BITOP NOT b l
  SORT l STORE d
  COPY l d
  MSET a 1 b 2
  GETSET a 1
  GETDEL l
  PUBLISH c m
  PING
  DBSIZE
  CONFIG SET maxmemory 0
  SET b 2
`,
);

compare(
  "between MULTI and EXEC",
  `
  FLUSHALL
  CONFIG SET maxmemory-policy noeviction
  CONFIG SET maxmemory 1
  MULTI
  GET a
  DISCARD
  MULTI
  SET a 1
  EXEC
  MULTI
  EXEC
  WATCH a
  UNWATCH
  CONFIG SET maxmemory 0
  MULTI
  SET a 1
  @b CONFIG SET maxmemory 1
  @b
  EXEC
  @b CONFIG SET maxmemory 0
  @b
  MULTI
  GET a
  DEL a
  @b CONFIG SET maxmemory 1
  @b
  EXEC
  CONFIG SET maxmemory 0
`,
);

compare(
  "a transaction that makes itself too large runs to its end",
  `
  FLUSHALL
  CONFIG SET maxmemory-policy noeviction
  MULTI
  SET a 1
  CONFIG SET maxmemory 1
  SET a 2
  EXEC
  GET a
  SET a 3
  CONFIG SET maxmemory 0
`,
);

compare(
  "keys that do not expire stay under volatile policies",
  `
  FLUSHALL
  SET a 1
  SET b 2 EX 1000
  RPUSH l x
  SET c 3
  EXPIRE c 1000
  EXPIRE l 1000
  PERSIST l
  CONFIG SET maxmemory-policy volatile-lru
  CONFIG SET maxmemory 1
  DBSIZE
  MGET a b c
  SET d 4
  CONFIG SET maxmemory 0
  EXPIRE a 1000
  CONFIG SET maxmemory-policy volatile-random
  CONFIG SET maxmemory 1
  DBSIZE
  CONFIG SET maxmemory 0
  EXPIRE l 1000
  CONFIG SET maxmemory-policy volatile-ttl
  CONFIG SET maxmemory 1
  DBSIZE
  CONFIG SET maxmemory 0
  CONFIG SET maxmemory-policy noeviction
`,
);

compare(
  "under allkeys policies nothing stays",
  `
  FLUSHALL
  SELECT 3
  SET a 1
  SELECT 0
  SET b 2 EX 1000
  HSET h f v
  CONFIG SET maxmemory-policy allkeys-lfu
  CONFIG SET maxmemory 1
  GET b
  DBSIZE
  SELECT 3
  DBSIZE
  SET a 1
  SELECT 0
  CONFIG SET maxmemory 0
  SET a 1
  CONFIG SET maxmemory-policy allkeys-random
  CONFIG SET maxmemory 1
  GET a
  CONFIG SET maxmemory 0
  CONFIG SET maxmemory-policy noeviction
`,
);

compare(
  "units and refusals",
  `
  CONFIG SET maxmemory 100mb
  CONFIG GET maxmemory
  CONFIG SET maxmemory 1g
  CONFIG GET maxmemory
  CONFIG SET maxmemory 1.5gb
  CONFIG SET maxmemory -1
  CONFIG SET maxmemory 10zb
  CONFIG SET maxmemory-policy sometimes
  CONFIG SET maxmemory-samples 0
  CONFIG SET maxmemory-eviction-tenacity 101
  CONFIG SET maxmemory 0
`,
);

compareEvents(
  "an evicted key",
  `
  LPUSH l x
  CONFIG SET maxmemory-policy allkeys-lru
  CONFIG SET maxmemory 1    => evicted l
  . 30
  PING
  CONFIG SET maxmemory 0
  CONFIG SET maxmemory-policy noeviction
`,
);

const EVICTING = `
  SET a 1
  CONFIG SET maxmemory-policy allkeys-lru
  CONFIG SET maxmemory 1
  PING
  CONFIG SET maxmemory 0
  SELECT 2
  MULTI
  INCR x
  CONFIG SET maxmemory 1
  INCR x
  EXEC
  PING
  CONFIG SET maxmemory 0
  SET b 2
`;

comparePropagation("an evicted key is deleted", EVICTING);
comparePropagation("an evicted key is unlinked", EVICTING, ["lazyfree-lazy-eviction yes"]);

const REMOVING = `
  SET a 1
  GETDEL a
  SET a 1
  EXPIRE a -1
  SET a 1
  GETEX a PXAT 1
  SADD s a b
  SPOP s 5
  SET a 1
  SADD s a
  SINTERSTORE s a2 b2
  DEL a
  UNLINK a
  SET a 1
  SET b 2
  RENAME a b
  FLUSHALL
`;
for (const directive of ["eviction", "expire", "server-del", "user-del", "user-flush"]) {
  comparePropagation(`lazyfree-lazy-${directive} yes`, REMOVING, [
    `lazyfree-lazy-${directive} yes`,
  ]);
}
