import { expect, test } from "bun:test";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import { OutboundQueue } from "../../../src/net/outbound.ts";

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
