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
