import { expect, test } from "bun:test";
import { ManualClock } from "../../../src/base/clock.ts";
import { Random } from "../../../src/base/random.ts";
import { type Command, command, FAST } from "../../../src/engine/command.ts";
import { Session } from "../../../src/engine/session.ts";
import { Timing } from "../../../src/engine/timing.ts";
import { KeyspaceContext } from "../../../src/keyspace/context.ts";
import { Database } from "../../../src/keyspace/database.ts";
import { Arguments } from "../../../src/protocol/arguments.ts";

class Fixture {
  readonly clock = new ManualClock(1000);
  readonly told: [string, number][] = [];
  readonly timing = new Timing(this.clock, {
    took: (one, durationUs) => this.told.push([one.name, durationUs]),
  });
  private readonly session = new Session(
    1,
    new Database(0, new KeyspaceContext(this.clock, new Random(1))),
    0,
  );

  call(one: Command, tookMs: number): void {
    this.timing.begin(one, this.session, new Arguments());
    this.clock.advance(tookMs);
    this.timing.end(one);
  }
}

function commandWith(name: string, flags: number): Command {
  return command({
    name,
    group: "server",
    since: "1.0.0",
    summary: "",
    complexity: "O(N)",
    arity: 1,
    flags,
    run: () => {},
  });
}

test("a command that may be slow is timed by itself and told of at once", () => {
  const fixture = new Fixture();
  const slow = commandWith("slow", 0);
  fixture.call(slow, 2);
  fixture.call(slow, 3);
  expect(fixture.told).toEqual([
    ["slow", 2000],
    ["slow", 3000],
  ]);
  expect([slow.calls, slow.totalUs]).toEqual([2, 5000]);
});

test("calls of a quick one in a row share their time", () => {
  const fixture = new Fixture();
  const quick = commandWith("quick", FAST);
  for (const ms of [1, 1, 4]) fixture.call(quick, ms);
  expect(fixture.told).toEqual([]);
  fixture.timing.endBatch();
  expect([quick.calls, quick.totalUs]).toEqual([3, 6000]);
  const histogram = fixture.timing.histograms.get(quick);
  expect(histogram?.total).toBe(3);
  expect(histogram?.percentileNs(100)).toBeLessThan(2_200_000);
  expect(fixture.told).toEqual([]);
  fixture.call(quick, 7);
  fixture.timing.endBatch();
  expect(fixture.told).toEqual([["quick", 7000]]);
});

test("another command ends the run", () => {
  const fixture = new Fixture();
  const first = commandWith("first", FAST);
  const second = commandWith("second", FAST);
  fixture.call(first, 1);
  fixture.call(second, 2);
  fixture.timing.endBatch();
  expect([first.totalUs, second.totalUs]).toEqual([1000, 2000]);
});

test("when durations matter, quick ones are timed one by one too", () => {
  const fixture = new Fixture();
  fixture.timing.isPrecise = true;
  const quick = commandWith("quick", FAST);
  fixture.call(quick, 1);
  fixture.call(quick, 2);
  expect(fixture.told.map(([, durationUs]) => durationUs)).toEqual([1000, 2000]);
});

test("without latency tracking there are no histograms, but totals", () => {
  const fixture = new Fixture();
  fixture.timing.tracksLatency = false;
  const slow = commandWith("slow", 0);
  fixture.call(slow, 2);
  expect(fixture.timing.histograms.size).toBe(0);
  expect(slow.totalUs).toBe(2000);
});
