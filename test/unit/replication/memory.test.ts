import { describe, expect, test } from "bun:test";
import { outputLimitOf } from "../../../src/engine/output-limits.ts";
import { endOf, PrimaryBench } from "./_bench.ts";

const BACKLOG_BYTES = 16 * 1024;

/** A primary whose stream is far longer than its backlog. */
function written(it: PrimaryBench): void {
  const client = it.connect();
  for (let i = 0; i < 100; i++) client.do(`SET k ${"x".repeat(1000)}`);
  it.endTurn();
}

function setUp(): PrimaryBench {
  const it = new PrimaryBench();
  it.connect().do(`CONFIG SET repl-backlog-size ${BACKLOG_BYTES}`);
  return it;
}

describe("memory of the stream", () => {
  test("is used memory, and held against maxmemory as far as it is the backlog", () => {
    const it = setUp();
    const { memory } = it.engine;
    written(it);
    const before = { used: memory.measure(), counted: memory.countedBytes() };
    const { keptBytes } = it.stream;
    expect(keptBytes).toBeLessThan(2 * BACKLOG_BYTES);
    it.stream.close();
    expect(before.used - memory.measure()).toBe(keptBytes);
    it.stream.open();
    written(it);
    expect(memory.notCountedBytes).toBe(0);
    expect(memory.countedBytes() - before.counted).toBeLessThan(2 * BACKLOG_BYTES);
  });

  test("that only a slow replica needs is not held against maxmemory", () => {
    const it = setUp();
    const { memory } = it.engine;
    // It takes nothing: its connection sends when it is asked to.
    const replica = it.attach();
    const before = memory.countedBytes();
    written(it);
    expect(it.stream.keptBytes).toBeGreaterThan(5 * BACKLOG_BYTES);
    expect(memory.notCountedBytes).toBeGreaterThan(4 * BACKLOG_BYTES);
    expect(memory.countedBytes() - before).toBeLessThan(2 * BACKLOG_BYTES);
    endOf(replica.session, it);
    expect(memory.notCountedBytes).toBe(0);
    expect(it.stream.keptBytes).toBeLessThan(2 * BACKLOG_BYTES);
  });
});

test("a backlog is never set to less than 16 KiB", () => {
  const it = setUp();
  const client = it.connect();
  expect(client.do("CONFIG SET repl-backlog-size 1")).toBe("+OK\r\n");
  expect(client.do("CONFIG GET repl-backlog-size")).toContain("16384");
  expect(it.info("repl_backlog_size")).toBe("16384");
});

describe("the output limit of a replica", () => {
  test("is the backlog's size at least", () => {
    const it = setUp();
    const client = it.connect();
    const replica = it.attach();
    const hard = (bytes: number): number => {
      client.do(`CONFIG SET client-output-buffer-limit "replica ${bytes} 0 0"`);
      return outputLimitOf(it.engine, replica.session).hard;
    };
    expect(hard(1000)).toBe(BACKLOG_BYTES);
    expect(hard(BACKLOG_BYTES + 1)).toBe(BACKLOG_BYTES + 1);
    expect(hard(0)).toBe(0);
    expect(outputLimitOf(it.engine, client.session).hard).toBe(0);
  });
});

test("clients are told apart in CLIENT LIST and for CLIENT KILL", () => {
  const it = setUp();
  const client = it.connect();
  const replica = it.attach();
  expect(client.do("CLIENT LIST TYPE replica")).toContain(` id=${replica.session.id} `.trim());
  expect(client.do("CLIENT LIST TYPE replica")).toContain("flags=S ");
  expect(client.do("CLIENT LIST TYPE master")).toBe("$0\r\n\r\n");
  expect(client.do("INFO clients")).toContain("connected_clients:2\r\n");
  expect(client.do("CLIENT KILL TYPE replica")).toBe(":1\r\n");
  expect(client.do("CLIENT LIST TYPE replica")).toBe("$0\r\n\r\n");
});
