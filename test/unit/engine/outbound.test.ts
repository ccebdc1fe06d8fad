import { expect, test } from "bun:test";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import { OutboundQueue } from "../../../src/engine/outbound.ts";
import { seededRandom } from "../../support/random.ts";

test("bytes leave in order, however few are taken at a time", () => {
  for (let step = 1; step < 12; step++) {
    const queue = new OutboundQueue();
    for (const text of ["abc", "", "defgh", "i"]) queue.push(bytesOf(text));
    let sent = "";
    for (let rounds = 0; queue.length > 0; rounds++) {
      expect(rounds).toBeLessThan(20);
      expect(queue.bytes).toBe(9 - sent.length);
      let room = step;
      queue.drainInto((chunk, start, length) => {
        const taken = Math.min(room, length);
        room -= taken;
        sent += textOf(chunk, start, taken);
        return taken;
      });
    }
    expect([sent, queue.bytes]).toEqual(["abcdefghi", 0]);
  }
});

test("clearing forgets what was sent in part", () => {
  const queue = new OutboundQueue();
  queue.push(bytesOf("abc"));
  queue.drainInto(() => 2);
  queue.clear();
  queue.push(bytesOf("de"));
  let sent = "";
  queue.drainInto((chunk, start, length) => {
    sent += textOf(chunk, start, length);
    return length;
  });
  expect([sent, queue.bytes, queue.length]).toEqual(["de", 0, 0]);
});

test("queues that hold the same chunks send each its own bytes", () => {
  const random = seededRandom("outbound queues");
  const shared = Array.from({ length: 12 }, (_, i) => bytesOf(`<${i}${"x".repeat(i * 7)}>`));
  const peers = Array.from({ length: 8 }, () => ({
    queue: new OutboundQueue(),
    wanted: "",
    sent: "",
  }));
  const push = (peer: (typeof peers)[number], chunk: Uint8Array): void => {
    peer.queue.push(chunk);
    peer.wanted += textOf(chunk);
  };
  for (let round = 0; round < 2000; round++) {
    const chunk = random.pick(shared);
    for (const peer of peers) {
      if (random.chance(0.9)) push(peer, chunk);
      if (random.chance(0.1)) push(peer, bytesOf(`own ${round};`));
      if (random.chance(0.02)) {
        peer.queue.clear();
        peer.wanted = peer.sent;
      }
      if (random.chance(0.6)) continue;
      let room = random.chance(0.5) ? Infinity : random.below(200);
      peer.queue.drainInto((bytes, start, length) => {
        const taken = Math.min(room, length);
        room -= taken;
        peer.sent += textOf(bytes, start, taken);
        return taken;
      });
      const isWhole = peer.queue.length === 0;
      if (isWhole ? peer.sent !== peer.wanted : !peer.wanted.startsWith(peer.sent)) {
        throw new Error(`Seed ${random.seed}, round ${round}: other bytes were sent`);
      }
      expect(peer.queue.bytes).toBe(peer.wanted.length - peer.sent.length);
    }
  }
});
