/** DUMP: the payloads of both servers are the same bytes wherever their values are kept alike. */
import { expect, test } from "bun:test";
import { startServer } from "../support/server.ts";
import { transcripts } from "../support/transcript.ts";

const { compare, transcript } = transcripts({ ownDirectives: ["rdb-version 10"] });

compare(
  "DUMP of strings",
  `
  DUMP missing
  DUMP
  DUMP a b
  SET k ''
  DUMP k
  SET k hello
  DUMP k
  SET k 0
  DUMP k
  SET k 127
  DUMP k
  SET k -128
  DUMP k
  SET k 128
  DUMP k
  SET k -32768
  DUMP k
  SET k 32768
  DUMP k
  SET k 2147483647
  DUMP k
  SET k -2147483648
  DUMP k
  SET k 2147483648
  DUMP k
  SET k 9223372036854775807
  DUMP k
  SET k -9223372036854775808
  DUMP k
  SET k 007
  DUMP k
  APPEND digits 12
  APPEND digits 34
  DUMP digits
  SET k v EX 100
  DUMP k
  SET k aaaaaaaaaaaaaaaaaaaa
  DUMP k
  SET k aaaaaaaaaaaaaaaaaaaaa
  DUMP k
  SETRANGE zeros 5000 x
  DUMP zeros
  SETBIT bits 20 1
  DUMP bits
  PFADD hll a b c
  DUMP hll
  CONFIG SET rdbcompression no
  DUMP zeros
  CONFIG SET rdbcompression yes
`,
);

compare(
  "DUMP of packed collections",
  `
  RPUSH l a 1 -1 127 128 4095 4096 -4097 32768 8388608 2147483648 9223372036854775807 ''
  DUMP l
  LPUSH l more items and more items and more items and more items and more
  DUMP l
  SADD s 1
  DUMP s
  SADD s 2 70000 -3
  DUMP s
  SADD s 9223372036854775807
  DUMP s
  CONFIG SET set-max-intset-entries 0
  SADD one member
  DUMP one
  SADD wide "\\x00\\xff a member longer than twenty bytes"
  DUMP wide
  CONFIG SET set-max-intset-entries 512
  ZADD z 1 a 2.5 b -inf c +inf d 3 3 1e20 e 0.375 f -1.5 g
  DUMP z
  HSET h field value 1 2 number -99999
  DUMP h
  GEOADD g 13.361389 38.115556 Palermo
  DUMP g
  XADD x 1-1 field value
  XADD x 2-5 field value2
  XADD x 2-6 other 1 fields 2
  XDEL x 2-5
  DUMP x
  XGROUP CREATE x group 1-1
  XGROUP CREATE x another $ ENTRIESREAD 3
  DUMP x
  XTRIM x MAXLEN 0
  DUMP x
  XADD x 18446744073709551615-1 a b
  DUMP x
`,
);

transcript("DUMP of what both compress", (t) => {
  for (const text of ["abc", "a b a b", "lorem ipsum dolor", "0123456789", "\0\0\x01"]) {
    for (const times of [7, 8, 40, 100, 1000, 15_000]) {
      t.do("SET", "k", text.repeat(times));
      t.do("DUMP k");
    }
  }
  for (let i = 0; i < 40; i++) {
    const words = Array.from({ length: 10 + 20 * i }, (_, n) => `word${(n * n * (i + 3)) % 97}`);
    t.do("SET", "k", words.join(" "));
    t.do("DUMP k");
    t.do("HSET", "h", `field ${i}`, words.join("-").slice(0, 60));
    t.do("DUMP h");
  }
});

test("rdb-version decides the types of sets and streams; fields that expire need 12", async () => {
  await using server = await startServer({ directives: ['save ""'] });
  await using client = await server.connect();
  await client.do("SADD s a");
  await client.do("XADD x 1-1 a b");
  await client.do("HSET h a b");
  await client.do("HSET e a b");
  await client.do("HPEXPIREAT e 9000000000000 FIELDS 1 a");
  const shown: Record<string, string[]> = {};
  for (const version of ["10", "11", "12"]) {
    await client.do("CONFIG", "SET", "rdb-version", version);
    shown[version] = [];
    for (const key of ["s", "x", "h", "e"]) {
      const { raw } = await client.do("DUMP", key);
      const from = raw.indexOf(10) + 1;
      shown[version].push(`${raw[from]} in ${raw[raw.length - 12]}`);
    }
  }
  expect(shown).toEqual({
    10: ["2 in 10", "19 in 10", "16 in 10", "24 in 12"],
    11: ["20 in 11", "21 in 11", "16 in 11", "24 in 12"],
    12: ["20 in 12", "21 in 12", "16 in 12", "24 in 12"],
  });
});
