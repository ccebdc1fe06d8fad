/** Commands that wait for lists and sorted sets, compared with redis-server. */
import { comparePropagation } from "../support/propagation.ts";
import { compare } from "../support/transcript.ts";

compare(
  "what is there is taken at once",
  `
  RPUSH a 1 2 3
  BLPOP missing a 0
  BRPOP missing a 0.5
  BLMPOP 1 2 missing a LEFT COUNT 5
  EXISTS a
  RPUSH a 1 2
  BLMOVE a b LEFT RIGHT 1
  BRPOPLPUSH a b 1
  LRANGE b 0 -1
  ZADD z 1 a 2 b 3 c 4 d
  BZPOPMIN missing z 0
  BZPOPMAX z missing 0.1
  BZMPOP 1 2 missing z MAX COUNT 9
  EXISTS z
  `,
);

compare(
  "nothing comes in time",
  `
  BLPOP a 0.01
  BRPOP a b 0.01
  BLMOVE a b LEFT LEFT 0.01
  BRPOPLPUSH a b 0.01
  BLMPOP 0.01 1 a LEFT
  BZPOPMIN z 0.01
  BZPOPMAX z y 0.01
  BZMPOP 0.01 1 z MIN
  `,
);

compare(
  "arguments",
  `
  BLPOP a x
  BLPOP a -1
  BLPOP a
  BLPOP
  BRPOP a nan
  BLMOVE a b LEFT RIGHT x
  BLMOVE a b LEFT BOTH 0
  BLMOVE a b BOTH LEFT x
  BRPOPLPUSH a b -1
  BLMPOP x 1 a LEFT
  BLMPOP 0 0 a LEFT
  BLMPOP 0 1 a UP
  BLMPOP 0 2 a LEFT
  BLMPOP 0 1 a LEFT COUNT 0
  BZPOPMIN z x
  BZPOPMAX z -0.1
  BZMPOP 0 1 z BOTH
  BZMPOP -1 1 z MIN
  SET s v
  BLPOP s 0
  BLPOP missing s 0
  BZPOPMIN s 0
  BLMOVE s b LEFT LEFT 0
  BRPOPLPUSH s b 0
  BLMPOP 0 1 s LEFT
  BZMPOP 0 1 s MIN
  RPUSH l x
  BLMOVE l s LEFT LEFT 0
  LRANGE l 0 -1
  `,
);

compare(
  "the first blocked is the first served",
  `
  @a BLPOP l 0
  @b BRPOP l 0
  @c BLPOP other l 0
  RPUSH l 1 2 3 4
  @a
  @b
  @c
  LRANGE l 0 -1
  DEL l
  @a BLPOP l 0
  @b BLPOP l 0
  RPUSH l only
  @a
  RPUSH l next
  @b
  EXISTS l
  `,
);

compare(
  "every way to make a list wakes",
  `
  @a BLPOP l 0
  LPUSH l x y
  @a
  DEL l
  RPUSH source 1
  @a BLPOP l 0
  RENAME source l
  @a
  RPUSH source 2
  @a BLPOP l 0
  COPY source l
  @a
  @a BLPOP l 0
  LMOVE source l LEFT LEFT
  @a
  RPUSH source 3 4
  @a BLPOP l 0
  SORT source STORE l
  @a
  DEL l
  @a BLPOP l 0
  SELECT 1
  RPUSH l elsewhere
  SWAPDB 0 1
  @a
  SELECT 0
  SET l v
  @a BRPOP k 0
  SET k v
  DEL k
  LPUSH k x
  @a
  LINSERT missing BEFORE a b
  LPUSHX k z
  `,
);

compare(
  "chains",
  `
  @a BLMOVE one two LEFT RIGHT 0
  @b BLMOVE two three LEFT RIGHT 0
  @c BLPOP three 0
  RPUSH one x
  @a
  @b
  @c
  EXISTS one two three
  @a BRPOPLPUSH self self 0
  RPUSH self x
  @a
  LRANGE self 0 -1
  @a BLMOVE from to LEFT LEFT 0
  SET to v
  RPUSH from x
  @a
  LRANGE from 0 -1
  `,
);

compare(
  "sorted sets wake",
  `
  @a BZPOPMIN z 0
  @b BZPOPMAX y z 0
  ZADD z 1 a 2 b 3 c
  @a
  @b
  ZRANGE z 0 -1
  DEL z
  @a BZMPOP 0 2 y z MIN COUNT 2
  ZADD s 1 a 2 b 3 c
  ZUNIONSTORE z 1 s
  @a
  DEL z
  @a BZPOPMIN z 0
  ZINCRBY z 5 m
  @a
  @a BZPOPMIN z 0
  LPUSH z x
  DEL z
  GEOADD z 1 2 place
  @a
  @a BZPOPMAX z 0
  ZRANGESTORE z s 0 0
  @a
  `,
);

compare(
  "several elements for a waiting client",
  `
  @a BLMPOP 0 2 l k LEFT COUNT 3
  RPUSH k 1 2 3 4 5
  @a
  LRANGE k 0 -1
  @a BLPOP x y 0
  RPUSH y 1
  @a
  @a BLPOP x y 0
  RPUSH x 1
  @a
  `,
);

comparePropagation(
  "what waiting commands did, not that they waited",
  `
  RPUSH a 1 2 3 4 5 6 7
  BLPOP a 0
  BRPOP a 0
  BLMOVE a b LEFT RIGHT 0
  BRPOPLPUSH a b 0
  BLMPOP 0 1 a LEFT COUNT 2
  ZADD z 1 a 2 b 3 c 4 d
  BZPOPMIN z 0
  BZPOPMAX z 0
  BZMPOP 0 1 z MIN COUNT 5
  BLPOP missing 0.01
  `,
);
