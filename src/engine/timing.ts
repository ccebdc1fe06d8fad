/**
 * How long commands take, for SLOWLOG, LATENCY and the command statistics.
 *
 * Reading the clock costs a tenth of a fast command, so calls of one quick command that follow
 * each other within a turn are timed as one run and share its duration evenly. Commands that
 * may be slow, and all commands once the slow log wants durations under a millisecond, are
 * timed one by one.
 */
import type { Clock } from "../base/clock.ts";
import type { Arguments } from "../protocol/arguments.ts";
import type { Command } from "./command.ts";
import { LatencyHistogram } from "./latency-histogram.ts";
import type { Session } from "./session.ts";

/** Is told of each call that was timed alone, or of each run by its last call. */
export interface DurationListener {
  took(command: Command, durationUs: number, session: Session, args: Arguments): void;
}

export class Timing {
  /** Every command is timed by itself. */
  isPrecise = false;
  tracksLatency = true;
  readonly histograms = new Map<Command, LatencyHistogram>();
  private running: Command | null = null;
  private runCalls = 0;
  private startUs = 0;

  private readonly clock: Clock;
  private readonly listener: DurationListener;

  constructor(clock: Clock, listener: DurationListener) {
    this.clock = clock;
    this.listener = listener;
  }

  /** Before a call. */
  begin(command: Command): void {
    if (this.running === command && command.timedInRuns && !this.isPrecise) return;
    const nowUs = this.clock.monotonicUs();
    if (this.running !== null) this.closeRun(nowUs);
    this.running = command;
    this.startUs = nowUs;
  }

  /** After a call. */
  end(command: Command, session: Session, args: Arguments): void {
    command.calls++;
    this.runCalls++;
    if (command.timedInRuns && !this.isPrecise) return;
    const durationUs = this.closeRun(this.clock.monotonicUs());
    this.listener.took(command, durationUs, session, args);
  }

  /** At the end of a batch of requests, before anything else runs. */
  endBatch(session: Session, args: Arguments): void {
    const command = this.running;
    if (command === null) return;
    const calls = this.runCalls;
    const durationUs = this.closeRun(this.clock.monotonicUs());
    if (calls === 1) this.listener.took(command, durationUs, session, args);
  }

  reset(): void {
    this.histograms.clear();
  }

  private closeRun(nowUs: number): number {
    const command = this.running;
    if (command === null) return 0;
    const durationUs = nowUs - this.startUs;
    command.totalUs += durationUs;
    if (this.tracksLatency && this.runCalls > 0) {
      let histogram = this.histograms.get(command);
      if (histogram === undefined) {
        histogram = new LatencyHistogram();
        this.histograms.set(command, histogram);
      }
      histogram.record((durationUs * 1000) / this.runCalls, this.runCalls);
    }
    this.running = null;
    this.runCalls = 0;
    return durationUs;
  }
}
