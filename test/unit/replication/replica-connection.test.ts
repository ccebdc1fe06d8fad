import { describe, expect, test } from "bun:test";
import { PrimaryBench } from "./_bench.ts";

describe("the connection of a replica", () => {
  test.each(["PING", "GET k", "XINFO HELP", "NOSUCH"])(
    "ends where %s would be answered",
    (line) => {
      const it = new PrimaryBench();
      const replica = it.attach();
      expect(replica.do(line)).toBe("");
      expect(replica.session.closesAfterReply).toBe(true);
    },
  );

  test("goes on with what has no answer", () => {
    const it = new PrimaryBench();
    const replica = it.connect();
    replica.do("REPLCONF capa psync2");
    const line = `PSYNC ${it.stream.id} ${it.offset + 1}`;
    expect(replica.do(line)).toBe(`+CONTINUE ${it.stream.id}\r\n`);
    it.acknowledge(replica);
    expect(replica.do(line)).toBe("");
    expect(replica.session.closesAfterReply).toBe(false);
  });

  test("errors that it was not sent are counted", () => {
    const it = new PrimaryBench();
    it.attach().do("GET k");
    expect(it.engine.stats.unexpectedErrors).toBe(1);
    it.attach().do("PING");
    expect(it.engine.stats.unexpectedErrors).toBe(1);
  });
});

test("a replica that loads what it got is alive as long as it sends empty lines", () => {
  const it = new PrimaryBench();
  const replica = it.attach();
  const isClosed = (): boolean => ![...it.engine.clients.all()].includes(replica.session);
  for (let i = 0; i < 4; i++) {
    it.pass(50_000);
    replica.session.replica?.noteAlive(it.clock.nowMs);
  }
  expect(it.info("slave0")).toContain(",lag=0");
  expect(isClosed()).toBe(false);
  it.pass(61_000);
  expect(isClosed()).toBe(true);
});

describe("REPLCONF", () => {
  test("has no answer where it asks for one of a server that is a primary", () => {
    const client = new PrimaryBench().connect();
    for (const rest of ["*", "1 2 3"]) expect(client.do(`REPLCONF GETACK ${rest}`)).toBe("");
    expect(client.do("REPLCONF listening-port 1 getack *")).toBe("");
  });

  test("says what a number may be", () => {
    expect(new PrimaryBench().connect().do("REPLCONF rdb-only 2")).toBe(
      "-ERR value is out of range, value must between 0 and 1\r\n",
    );
  });
});
