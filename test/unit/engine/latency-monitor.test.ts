import { expect, test } from "bun:test";
import { ManualClock } from "../../../src/base/clock.ts";
import { command, FAST } from "../../../src/engine/command.ts";
import { LatencyMonitor } from "../../../src/engine/latency-monitor.ts";

const START_MS = 1_700_000_000_000;

function monitorAt(thresholdMs: number): { monitor: LatencyMonitor; clock: ManualClock } {
  const clock = new ManualClock(START_MS);
  const monitor = new LatencyMonitor(clock);
  monitor.thresholdMs = thresholdMs;
  return { monitor, clock };
}

test("only what takes the threshold or more is kept, and nothing while it is 0", () => {
  const { monitor } = monitorAt(10);
  monitor.sample("event", 9.99);
  expect(monitor.events.size).toBe(0);
  monitor.sample("event", 10);
  expect(monitor.events.get("event")?.spikes).toEqual([
    { atSeconds: START_MS / 1000, latencyMs: 10 },
  ]);
  monitor.thresholdMs = 0;
  monitor.sample("other", 1000);
  expect(monitor.events.size).toBe(1);
});

test("a second has one spike, its longest; the worst ever stays", () => {
  const { monitor, clock } = monitorAt(1);
  for (const ms of [5, 9, 3]) monitor.sample("event", ms);
  clock.advance(1000);
  monitor.sample("event", 4);
  const event = monitor.events.get("event");
  expect(event?.spikes.map(({ latencyMs }) => latencyMs)).toEqual([9, 4]);
  expect(event?.maxMs).toBe(9);
});

test("the last 160 spikes are kept", () => {
  const { monitor, clock } = monitorAt(1);
  for (let i = 1; i <= 200; i++) {
    monitor.sample("event", i);
    clock.advance(1000);
  }
  const spikes = monitor.events.get("event")?.spikes ?? [];
  expect(spikes.length).toBe(160);
  expect(spikes[0].latencyMs).toBe(41);
  expect(spikes.at(-1)?.latencyMs).toBe(200);
});

test("commands of constant cost are an event of their own", () => {
  const { monitor } = monitorAt(1);
  const declaration = {
    name: "x",
    group: "server",
    since: "1.0.0",
    summary: "",
    complexity: "O(1)",
    arity: 1,
    run: () => {},
  } as const;
  monitor.commandTook(command({ ...declaration, flags: FAST }), 2000);
  monitor.commandTook(command({ ...declaration, flags: 0 }), 3000);
  expect([...monitor.events.keys()]).toEqual(["fast-command", "command"]);
});

test("reset forgets the named events, or all, and counts them", () => {
  const { monitor } = monitorAt(1);
  for (const name of ["a", "b", "c"]) monitor.sample(name, 5);
  expect(monitor.reset(["a", "nosuch"])).toBe(1);
  expect(monitor.reset([])).toBe(2);
  expect(monitor.events.size).toBe(0);
});
