import { expect, test } from "bun:test";
import { bytesOf } from "../../../src/base/bytes.ts";
import { NULL_REF } from "../../../src/memory/arena.ts";
import { Background } from "../../../src/net/background.ts";
import { Fixture, START_MS } from "./_setup.ts";

const KEYS = 2000;

test("a pause that ends a cycle between two slices does not end expiry for good", async () => {
  const fixture = new Fixture();
  const { clock, engine } = fixture;
  const background = new Background(engine, fixture.gateway, fixture.turn);
  const database = engine.keyspace.database(0);
  for (let i = 0; i < KEYS; i++) {
    const key = bytesOf(`key:${i}`);
    database.write(key, 0, key.length);
    database.storeString(NULL_REF, key, 0, key.length, key, 0, key.length, START_MS - 1);
  }
  // Each look at the clock takes the time of a slice, so one slice does not suffice.
  const passing = clock.monotonicUs.bind(clock);
  let spentUs = 0;
  clock.monotonicUs = () => passing() + (spentUs += 500);
  background.beginExpiry();
  expect(database.size).toBeGreaterThan(0);
  expect(database.size).toBeLessThan(KEYS);

  // The cron of a paused server comes before the next slice, and begins nothing.
  engine.pause.start(false, START_MS + 1000);
  background.beginExpiry();
  await fixture.settle();
  const left = database.size;
  engine.pause.stop();
  while (database.size > 0) {
    const before = database.size;
    background.beginExpiry();
    await fixture.settle();
    expect(database.size).toBeLessThan(before);
  }
  expect(left).toBeGreaterThan(0);
});
