/** Which clients have to go where all of them together hold too much. */
import { expect, test } from "bun:test";
import type { ClientMemory } from "../../../src/engine/client-memory.ts";
import { Bench, Client } from "../../support/engine-bench.ts";

const KB = 1024;

/** Clients that hold so many bytes each, and what counts them. */
function setUp(...sizes: number[]): { memory: ClientMemory; clients: SizedClient[] } {
  const bench = new Bench();
  const clients = sizes.map((bytes) => {
    const client = new SizedClient(bench);
    client.totalMemoryBytes = bytes;
    return client;
  });
  return { memory: bench.engine.clients.memory, clients };
}

class SizedClient extends Client {
  override totalMemoryBytes = 0;
}

function chosen(memory: ClientMemory, clients: readonly SizedClient[]): number[] {
  const sessions = memory.victims().chosen;
  return sessions.map((session) => clients.findIndex((client) => client.session === session));
}

test("the largest go first, and no more than are needed", () => {
  const { memory, clients } = setUp(200 * KB, 500 * KB, 300 * KB, 100 * KB);
  memory.configure(600 * KB, 0);
  expect(memory.isOver).toBe(true);
  expect(chosen(memory, clients)).toEqual([1, 2]);
  memory.configure(601 * KB, 0);
  expect(chosen(memory, clients)).toEqual([1]);
  memory.configure(1101 * KB, 0);
  expect(memory.isOver).toBe(false);
  expect(chosen(memory, clients)).toEqual([]);
});

test("the sum follows each change, and what has left counts no more", () => {
  const { memory, clients } = setUp(100 * KB, 100 * KB);
  memory.configure(300 * KB, 0);
  expect(memory.isOver).toBe(false);
  clients[0].totalMemoryBytes = 199 * KB;
  memory.update(clients[0].session);
  expect(memory.isOver).toBe(false);
  clients[1].close();
  clients[0].totalMemoryBytes = 299 * KB;
  memory.update(clients[0].session);
  expect(memory.isOver).toBe(false);
  clients[0].totalMemoryBytes = 300 * KB;
  memory.update(clients[0].session);
  expect(memory.isOver).toBe(true);
});

test("CLIENT NO-EVICT exempts a client, though what it holds counts", () => {
  const { memory, clients } = setUp(500 * KB, 200 * KB);
  clients[0].do("CLIENT NO-EVICT ON");
  memory.configure(400 * KB, 0);
  const { chosen: sessions, suffices } = memory.victims();
  expect(sessions).toEqual([clients[1].session]);
  expect(suffices).toBe(false);
  // Nothing more can be done, so nobody asks again before the cron does.
  memory.update(clients[0].session);
  expect(memory.isOver).toBe(false);
  memory.recount();
  expect(memory.isOver).toBe(true);
});

test("the limit: bytes, a part of maxmemory, and never too small to talk", () => {
  const { memory, clients } = setUp(200 * KB);
  const isOver = (setting: number, maxmemory: number): boolean => {
    memory.configure(setting, maxmemory);
    return memory.victims().chosen.length === clients.length;
  };
  expect(isOver(0, 1)).toBe(false);
  expect(isOver(200 * KB, 0)).toBe(true);
  expect(isOver(200 * KB + 1, 0)).toBe(false);
  expect(isOver(-10, 2000 * KB)).toBe(true);
  expect(isOver(-10, 2001 * KB)).toBe(false);
  expect(isOver(-10, 0)).toBe(false);
  clients[0].totalMemoryBytes = 128 * KB - 1;
  expect(isOver(1, 0)).toBe(false);
  clients[0].totalMemoryBytes = 128 * KB;
  expect(isOver(1, 0)).toBe(true);
});
