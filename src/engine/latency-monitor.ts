/** Latency spikes by event, as LATENCY LATEST and HISTORY show them (latency.c). */
import type { Clock } from "../base/clock.ts";
import { FAST } from "./command.ts";
import type { Command } from "./command.ts";

const HISTORY_LENGTH = 160;

export interface Spike {
  readonly atSeconds: number;
  latencyMs: number;
}

export class LatencyEvent {
  /** Oldest first, at most one a second. */
  readonly spikes: Spike[] = [];
  maxMs = 0;
}

export class LatencyMonitor {
  /** `latency-monitor-threshold` in milliseconds; 0: off. */
  thresholdMs = 0;
  readonly events = new Map<string, LatencyEvent>();

  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  commandTook(command: Command, durationUs: number): void {
    if (this.thresholdMs === 0) return;
    const isFast = (command.flags & FAST) !== 0;
    this.sample(isFast ? "fast-command" : "command", durationUs / 1000);
  }

  sample(name: string, durationMs: number): void {
    const latencyMs = Math.floor(durationMs);
    if (this.thresholdMs === 0 || latencyMs < this.thresholdMs) return;
    let event = this.events.get(name);
    if (event === undefined) {
      event = new LatencyEvent();
      this.events.set(name, event);
    }
    event.maxMs = Math.max(event.maxMs, latencyMs);
    const atSeconds = Math.floor(this.clock.nowMs / 1000);
    const last = event.spikes.at(-1);
    if (last !== undefined && last.atSeconds === atSeconds) {
      last.latencyMs = Math.max(last.latencyMs, latencyMs);
      return;
    }
    event.spikes.push({ atSeconds, latencyMs });
    if (event.spikes.length > HISTORY_LENGTH) event.spikes.shift();
  }

  /** Forgets these events, or all; returns how many there were. */
  reset(names: readonly string[]): number {
    if (names.length === 0) {
      const count = this.events.size;
      this.events.clear();
      return count;
    }
    let count = 0;
    for (const name of names) if (this.events.delete(name)) count++;
    return count;
  }
}
