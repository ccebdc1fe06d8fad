import { expect, test } from "bun:test";
import { graphOf } from "../../../../src/commands/server/_latency-graph.ts";
import { LatencyEvent } from "../../../../src/engine/latency-monitor.ts";

function eventOf(...latencies: number[]): LatencyEvent {
  const event = new LatencyEvent();
  for (const [index, latencyMs] of latencies.entries()) {
    event.spikes.push({ atSeconds: 1000 + index, latencyMs });
    event.maxMs = Math.max(event.maxMs, latencyMs);
  }
  return event;
}

test("a graph has a column for each spike, as high as it was long", () => {
  const lines = graphOf("command", eventOf(10, 40, 20), 1005).split("\n");
  expect(lines[0]).toBe("command - high 40 ms, low 10 ms (all time high 40 ms)");
  expect(lines[1]).toBe("-".repeat(80));
  const rows = lines.slice(2, 6);
  const heights = [0, 1, 2].map(
    (column) => rows.filter((row) => (row[column] ?? " ") !== " ").length,
  );
  expect(heights[1]).toBe(4);
  expect(heights[0]).toBeLessThan(heights[2]);
  expect(heights[2]).toBeLessThan(heights[1]);
  // The ages run downwards: 5s, 4s, 3s.
  expect(lines.slice(7, 9)).toEqual(["543", "sss"]);
});

test("only the newest eighty are drawn, and equal ones are flat", () => {
  const lines = graphOf("x", eventOf(...Array.from({ length: 100 }, () => 7)), 5000).split("\n");
  expect(lines.every((line) => line.length <= 80)).toBe(true);
  expect(lines[5]).toBe("_".repeat(80));
});

test("ages are told in the largest unit that fits", () => {
  const age = (seconds: number) => {
    const lines = graphOf("x", eventOf(5), 1000 + seconds).split("\n");
    return lines.slice(7).join("").trim();
  };
  expect([5, 65, 3700, 90000].map(age)).toEqual(["5s", "1m", "1h", "1d"]);
});
