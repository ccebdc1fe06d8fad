/** What hash, list and set commands propagate, compared with redis-server's AOF. */
import { expect, test } from "bun:test";
import type { Reply, RespClient } from "../support/resp-client.ts";
import { comparePropagation, propagated } from "../support/propagation.ts";
import { PEDIS, startServer } from "../support/server.ts";

comparePropagation(
  "hash commands propagate themselves, floats their sum",
  `
  HSET h f v
  hset h f v g w
  HSET h f
  HMSET h a 1 b 2
  HSETNX h f no
  HSETNX h n 1
  HINCRBY h n 5
  HINCRBY h n 0
  HINCRBY h f 5
  HINCRBYFLOAT h n 0.5
  HINCRBYFLOAT h n 3.0e3
  HINCRBYFLOAT h n 0
  HINCRBYFLOAT h f 1
  HINCRBYFLOAT h n inf
  HDEL h missing
  HDEL none f
  HDEL h a missing b
  HGET h f
  HRANDFIELD h 3
  HSCAN h 0
  HDEL h f g n
  HINCRBYFLOAT h f 1e-17
  `,
);

comparePropagation(
  "pushes, pops and edits of lists propagate themselves where something changed",
  `
  LPUSHX none a
  LPUSH l a b c
  RPUSH l d
  rpushx l e f
  LPOP l
  RPOP l 2
  LPOP l 0
  RPOP none
  RPOP none 3
  LSET l 0 x
  LSET l 9 x
  LINSERT l BEFORE x y
  LINSERT l BEFORE none y
  LREM l 0 y
  LREM l 0 none
  LTRIM l 0 1
  LTRIM l 0 -1
  LTRIM none 0 1
  LPOS l x
  LTRIM l 5 6
  RPUSH l a
  LPOP l 100
  EXISTS l
  `,
);

comparePropagation(
  "moves between lists propagate themselves, LMPOP the pop of one list",
  `
  RPUSH l 1 2 3 4 5 6 7 8
  RPOPLPUSH l m
  LMOVE l m LEFT RIGHT
  LMOVE l l LEFT RIGHT
  RPOPLPUSH l l
  LMOVE none m LEFT LEFT
  RPOPLPUSH none m
  LMPOP 2 none l LEFT
  LMPOP 1 l RIGHT COUNT 2
  LMPOP 1 none LEFT
  LMPOP 2 l m LEFT COUNT 100
  LMPOP 2 l m RIGHT COUNT 100
  RPUSH one a
  RPOPLPUSH one one
  LMOVE one two LEFT LEFT
  `,
);

comparePropagation(
  "set commands propagate themselves where something changed",
  `
  SADD s a b c
  SADD s a
  sadd s a d
  SREM s x
  SREM none x
  SREM s a x
  SMOVE s t b
  SMOVE s t b
  SMOVE t t b
  SMOVE none t b
  SADD t c
  SMOVE s t c
  SINTERSTORE d s t
  SINTERSTORE d s none
  SINTERSTORE d s none
  SUNIONSTORE d s t
  SDIFFSTORE d s t
  SDIFFSTORE e none t
  SINTER s t
  SRANDMEMBER s 3
  SPOP none
  SPOP none 3
  SPOP s 0
  SADD one a
  SPOP one
  SADD one a b
  SPOP one 2
  SADD one a
  SPOP one 5
  SADD i 1 2
  SPOP i 2
  `,
);

comparePropagation(
  "a set that was popped empty goes in the background where deletions do",
  `
  SADD s a b c
  SPOP s 3
  SADD s a
  SPOP s
  RPUSH l a
  LPOP l
  HSET h f v
  HDEL h f
  SET k v
  SUNIONSTORE k none nada
  SET k v
  SADD s a
  SINTERSTORE k s s
  `,
  ["lazyfree-lazy-server-del yes", "lazyfree-lazy-user-del yes"],
);

test("SPOP propagates the members that it popped", async () => {
  const popped: Reply[] = [];
  const lines = await propagated(PEDIS, [], [], async (client: RespClient) => {
    await client.do("SADD", "s", ...Array.from({ length: 3000 }, (_, index) => `m${index}`));
    popped.push(await client.do("SPOP s"));
    popped.push(await client.do("SPOP s 2"));
    popped.push(await client.do("SPOP s 2500"));
  });
  const [one, two, many] = popped.map(({ value }) => value);
  const removals = lines.filter((line) => line.startsWith("SREM s "));
  expect(removals[0]).toBe(`SREM s ${one as string}`);
  expect(removals[1]).toBe(`SREM s ${(two as string[]).join(" ")}`);
  const rest = removals.slice(2).map((line) => line.split(" ").slice(2));
  expect(rest.length).toBeGreaterThan(1);
  expect(rest.flat()).toEqual(many as string[]);
  // One effect of several commands is a group.
  expect(lines.filter((line) => line === "MULTI")).toHaveLength(1);
});

test("what was popped, added up and moved is the same after a restart", async () => {
  await using server = await startServer({ directives: ["appendonly yes"] });
  const contentOf = (client: RespClient) =>
    Promise.all([
      client.value("DEBUG DIGEST"),
      client.value("SCARD s"),
      client.value("HGET h n"),
      client.value("LRANGE l 0 -1"),
      client.value("LRANGE m 0 -1"),
    ]);
  const before = await server.withClient(async (client) => {
    const members = Array.from({ length: 5000 }, (_, index) => `m${index}`);
    await client.pipeline([
      ["SADD", "s", ...members],
      ["SPOP", "s"],
      ["SPOP", "s", "1500"],
      ["SADD", "small", "a", "b", "c"],
      ["SPOP", "small", "2"],
      ["SADD", "gone", "a", "b"],
      ["SPOP", "gone", "7"],
      ["HINCRBYFLOAT", "h", "n", "0.1"],
      ["HINCRBYFLOAT", "h", "n", "0.2"],
      ["RPUSH", "l", ...members],
      ["LMPOP", "2", "none", "l", "RIGHT", "COUNT", "10"],
      ["RPOPLPUSH", "l", "m"],
      ["LMOVE", "l", "m", "LEFT", "LEFT"],
      ["LTRIM", "l", "100", "-100"],
    ]);
    return contentOf(client);
  });
  expect(before[1]).toBe(3499);
  await server.restart();
  expect(await server.withClient(contentOf)).toEqual(before);
});
