/** LATENCY DOCTOR: the spikes of each event in words, and what usually helps. */
import type { Engine } from "../../engine/engine.ts";
import type { LatencyEvent } from "../../engine/latency-monitor.ts";

/** What to look at, by the event that it concerns. */
const ADVICE: Readonly<Record<string, readonly string[]>> = {
  command: [
    "SLOWLOG GET shows which commands took long; LATENCY HISTOGRAM how often.",
    "Commands that walk whole keys or databases (KEYS, large ranges) can be split up with " +
      "their SCAN variants.",
  ],
  "fast-command": [
    "Commands of constant cost were slow: the machine itself was busy, swapping or suspended. " +
      "`redis-cli --intrinsic-latency 100` measures it.",
  ],
  "expire-cycle": ["Many keys expired at the same moment: add some chance to their times to live."],
  "aof-write": ["The disk is slow to take the append-only file, or something else keeps it busy."],
  "aof-fsync-always": [
    "With `appendfsync always` every write waits for the disk; `everysec` does not.",
  ],
};

export function doctorReport({ latency }: Engine): string {
  if (latency.thresholdMs === 0) {
    return (
      "Latency monitoring is off. CONFIG SET latency-monitor-threshold <milliseconds> turns it " +
      "on; events that take at least so long are then kept for this report.\n"
    );
  }
  if (latency.events.size === 0) {
    return `No event has taken ${latency.thresholdMs} ms or more since the last reset.\n`;
  }
  const events = [...latency.events];
  const lines = ["Latency spikes:", ""];
  for (const [index, [name, event]] of events.entries()) {
    lines.push(`${index + 1}. ${name}: ${description(event)}`);
  }
  const advice = events.flatMap(([name]) => ADVICE[name] ?? []);
  if (advice.length > 0) lines.push("", "What may help:", "", ...advice.map((text) => `- ${text}`));
  return `${lines.join("\n")}\n`;
}

function description({ spikes, maxMs }: LatencyEvent): string {
  const count = spikes.length;
  const sumMs = spikes.reduce((sum, spike) => sum + spike.latencyMs, 0);
  const meanMs = Math.round(sumMs / count);
  const deviations = spikes.reduce((sum, spike) => sum + Math.abs(spike.latencyMs - meanMs), 0);
  const spanSeconds = spikes[count - 1].atSeconds - spikes[0].atSeconds;
  const period = count < 2 ? "" : `, one in ${Math.round(spanSeconds / (count - 1))} s`;
  return (
    `${count} ${count === 1 ? "spike" : "spikes"} (mean ${meanMs} ms, mean deviation ` +
    `${Math.round(deviations / count)} ms${period}). Worst ever: ${maxMs} ms.`
  );
}
