import { expect, test } from "bun:test";
import { endOf, PrimaryBench } from "./_bench.ts";

const REASON = "NOREPLICAS Not enough good replicas to write.";
const TOO_FEW = `-${REASON}\r\n`;

function setUp(): PrimaryBench {
  const it = new PrimaryBench();
  const client = it.connect();
  client.do("CONFIG SET min-replicas-to-write 1 min-replicas-max-lag 2");
  return it;
}

test("writes go on while enough replicas tell in time that they follow", () => {
  const it = setUp();
  const client = it.connect();
  expect(client.do("SET k v")).toBe(TOO_FEW);
  const replica = it.attach();
  expect(client.do("SET k v")).toBe("+OK\r\n");
  expect(it.info("min_slaves_good_slaves")).toBe("1");
  it.pass(1000);
  it.pass(1000);
  expect(client.do("SET k v")).toBe("+OK\r\n");
  it.pass(1000);
  expect(client.do("SET k v")).toBe(TOO_FEW);
  expect(it.info("min_slaves_good_slaves")).toBe("0");
  it.acknowledge(replica);
  expect(client.do("SET k v")).toBe("+OK\r\n");
  endOf(replica.session, it);
  expect(client.do("SET k v")).toBe(TOO_FEW);
});

test("it is at once as the configuration says", () => {
  const it = setUp();
  const client = it.connect();
  it.attach();
  client.do("CONFIG SET min-replicas-to-write 2");
  expect(client.do("SET k v")).toBe(TOO_FEW);
  client.do("CONFIG SET min-replicas-max-lag 0");
  expect(client.do("SET k v")).toBe("+OK\r\n");
  expect(it.info("min_slaves_good_slaves")).toBeUndefined();
});

test("a transaction with a write is refused whole", () => {
  const it = setUp();
  const client = it.connect();
  const replica = it.attach();
  for (const line of ["MULTI", "GET k", "SET k v"]) client.do(line);
  endOf(replica.session, it);
  expect(client.do("EXEC")).toBe(`-EXECABORT Transaction discarded because of: ${REASON}\r\n`);
  for (const line of ["MULTI", "GET k"]) client.do(line);
  expect(client.do("EXEC")).toBe("*1\r\n$-1\r\n");
});
