/** What string and bitmap commands propagate, compared with redis-server's AOF. */
import { expect, test } from "bun:test";
import { comparePropagation } from "../support/propagation.ts";
import { startServer } from "../support/server.ts";

comparePropagation(
  "SET and its relatives propagate absolute times and drop GET",
  `
  SET k v
  set k v
  SET k v EX 100
  SET k v PX 100000
  SET k v EXAT 33177117420
  SET k v KEEPTTL
  SET k v2 XX GET
  SET k v2 GET get XX KEEPTTL
  SET k v3 NX
  SET k v3 NX GET
  SET k v EX 100 GET
  SET none v XX
  SETNX k v
  SETNX n v
  SETEX k 100 v
  PSETEX k 100000 v
  GETSET k w
  GETSET new w
  SET past v EXAT 1
  EXISTS past
  MSET a 1 b 2
  MSETNX a 1 c 3
  MSETNX c 3 d 4
  `,
);

comparePropagation(
  "GETEX and GETDEL propagate what they do",
  `
  MSET k v a v b v
  GETEX k
  GETEX k EX 100
  GETEX k PX 100000
  GETEX k EXAT 33177117420
  GETEX k PXAT 33177117420000
  GETEX k PERSIST
  GETEX k PERSIST
  GETEX k EXAT 1
  GETEX missing EX 10
  GETEX a EX 0
  GETDEL a
  GETDEL a
  `,
);

comparePropagation(
  "deletions in the background are propagated as UNLINK",
  `
  MSET a 1 b 2
  GETDEL a
  GETEX b PXAT 1
  `,
  ["lazyfree-lazy-user-del yes", "lazyfree-lazy-expire yes"],
);

comparePropagation(
  "counters and ranges propagate themselves, floats their sum",
  `
  INCR n
  INCRBY n 10
  DECRBY n 3
  INCRBY n x
  EXPIREAT n 33177117420
  INCRBYFLOAT n 0.5
  INCRBYFLOAT f 3.0e3
  APPEND s abc
  APPEND s ""
  SETRANGE s 1 X
  SETRANGE s 1 ""
  SETRANGE none 1 ""
  `,
);

comparePropagation(
  "bit commands propagate where something changed",
  `
  SETBIT b 7 1
  SETBIT b 7 1
  SETBIT b 7 0
  SETBIT z 0 0
  BITFIELD b GET u8 0
  BITFIELD b SET u8 0 0
  BITFIELD b INCRBY u8 0 1
  BITFIELD b OVERFLOW FAIL INCRBY u8 0 255
  BITFIELD new SET u8 0 0
  BITFIELD_RO b GET u8 0
  BITOP OR d b z
  BITOP AND none missing
  BITOP AND d missing
  `,
);

test("limits on clients do not stop the AOF from loading what it holds", async () => {
  await using server = await startServer({ directives: ["appendonly yes"] });
  await server.withClient(async (client) => {
    await client.pipeline([
      ["SETRANGE", "ranged", "2000000", "x"],
      ["SETBIT", "bits", "16000000", "1"],
      ["SET", "long", "x".repeat(1 << 20)],
      ["APPEND", "long", "x"],
    ]);
  });
  await server.restart(["proto-max-bulk-len 1mb"]);
  await server.withClient(async (client) => {
    expect(await client.value("STRLEN ranged")).toBe(2000001);
    expect(await client.value("STRLEN bits")).toBe(2000001);
    expect(await client.value("STRLEN long")).toBe((1 << 20) + 1);
    const refused = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
    expect(await client.value("APPEND long x")).toMatchObject({ message: refused });
  });
});

test("editing a large value does not change what was propagated of it", async () => {
  await using server = await startServer({ directives: ["appendonly yes"] });
  const value = new Uint8Array(40000);
  await server.withClient((client) =>
    client.pipeline([
      ["SET", "k", value],
      ["BITFIELD", "k", "INCRBY", "u8", "0", "1"],
      ["SETRANGE", "k", "40000", "end"],
    ]),
  );
  await server.restart();
  await server.withClient(async (client) => {
    expect(await client.value("BITFIELD k GET u8 0")).toEqual([1]);
    expect(await client.value("BITCOUNT k 0 39999")).toBe(1);
    expect(await client.value("GETRANGE k -3 -1")).toBe("end");
  });
});
