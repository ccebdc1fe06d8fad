import { expect, test } from "bun:test";
import { DENIED_COMMAND, DENIED_KEY } from "../../../../src/engine/acl/access.ts";
import { type AclEvent, AclLog } from "../../../../src/engine/acl/acl-log.ts";

function event(object: string, atMs: number, other: Partial<AclEvent> = {}): AclEvent {
  const line = `id=${atMs}`;
  const usual = { reason: DENIED_KEY, context: "toplevel", username: "joe" } as const;
  return { ...usual, object, atMs, clientLine: line, ...other };
}

function shown(log: AclLog): string[] {
  return log
    .newest(Infinity)
    .map(({ id, event: { object, atMs }, count, createdMs }) =>
      [id, object, count, createdMs, atMs].join(" "),
    );
}

test("equal events within a minute are one entry, which comes to the front", () => {
  const log = new AclLog();
  log.add(event("a", 1000), 128);
  log.add(event("b", 2000), 128);
  log.add(event("a", 61_000), 128);
  expect(shown(log)).toEqual(["0 a 2 1000 61000", "1 b 1 2000 2000"]);
  expect(log.newest(1)[0].event.clientLine).toBe("id=61000");
  // A minute counts from the last one, not from the first.
  log.add(event("a", 121_000), 128);
  log.add(event("b", 62_001), 128);
  expect(shown(log)).toEqual(["2 b 1 62001 62001", "0 a 3 1000 121000", "1 b 1 2000 2000"]);
});

test("another user, context or reason is another event", () => {
  const log = new AclLog();
  log.add(event("a", 1), 128);
  log.add(event("a", 1, { username: "jim" }), 128);
  log.add(event("a", 1, { context: "multi" }), 128);
  log.add(event("a", 1, { reason: DENIED_COMMAND }), 128);
  expect(log.newest(10).map(({ count }) => count)).toEqual([1, 1, 1, 1]);
});

test("only the newest ten are searched", () => {
  const log = new AclLog();
  for (let i = 0; i < 11; i++) log.add(event(`k${i}`, i), 128);
  log.add(event("k1", 20), 128);
  log.add(event("k0", 21), 128);
  expect(log.newest(2).map(({ count, id }) => [count, id])).toEqual([
    [1, 11],
    [2, 1],
  ]);
});

test("the oldest leave where there are too many", () => {
  const log = new AclLog();
  for (let i = 0; i < 5; i++) log.add(event(`k${i}`, i), 3);
  expect(log.newest(Infinity).map(({ id }) => id)).toEqual([4, 3, 2]);
  expect(log.newest(2)).toHaveLength(2);
  log.add(event("k9", 9), 0);
  expect(log.newest(Infinity)).toEqual([]);
  log.add(event("x", 10), 1);
  log.reset();
  expect(log.newest(Infinity)).toEqual([]);
});
