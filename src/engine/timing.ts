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

/** Is told of each call that was timed by itself. */
export interface DurationListener {
  took(command: Command, durationUs: number, session: Session, args: Arguments): void;
}

const UNREAD = -1;

/** A call that is timed on when what it runs has ended. */
interface OuterCall {
  readonly command: Command | null;
  readonly session: Session | null;
  readonly args: Arguments | null;
  readonly startUs: number;
}

export class Timing {
  /** Every command is timed by itself. */
  isPrecise = false;
  tracksLatency = true;
  readonly histograms = new Map<Command, LatencyHistogram>();
  private running: Command | null = null;
  private session: Session | null = null;
  private args: Arguments | null = null;
  private runCalls = 0;
  /** When the clock was last read in this batch. */
  private readUs = UNREAD;
  private hasUnnested = false;
  private readonly outer: OuterCall[] = [];
  private startUs = 0;

  private readonly clock: Clock;
  private readonly listener: DurationListener;

  constructor(clock: Clock, listener: DurationListener) {
    this.clock = clock;
    this.listener = listener;
  }

  /** Before a call. The session and the arguments must stay as they are until `endBatch`. */
  begin(command: Command, session: Session, args: Arguments): void {
    if (this.running === command && command.timedInRuns && !this.isPrecise) return;
    if (this.running !== null) this.closeRun(this.clock.monotonicUs());
    // A call begins where the one before it ended, as there is next to nothing in between.
    if (this.readUs === UNREAD) this.readUs = this.clock.monotonicUs();
    this.running = command;
    this.session = session;
    this.args = args;
    this.startUs = this.readUs;
  }

  /** After a call. */
  end(command: Command): void {
    command.calls++;
    this.runCalls++;
    if (command.timedInRuns && !this.isPrecise) return;
    // What ran within it has just ended, and the clock was read then.
    const endUs = this.hasUnnested ? this.readUs : this.clock.monotonicUs();
    this.closeRun(endUs);
  }

  /** Instead of `end`, for a call that is not over; returns what it took so far. */
  suspend(): number {
    this.readUs = this.clock.monotonicUs();
    const durationUs = this.readUs - this.startUs;
    this.running = null;
    this.session = null;
    this.args = null;
    return durationUs;
  }

  /** Counts a call that was suspended and is over now, with all that it took. */
  finish(command: Command, session: Session, args: Arguments, durationUs: number): void {
    command.calls++;
    this.account(command, durationUs, 1);
    this.listener.took(command, durationUs, session, args);
  }

  /** The call that is being timed runs others, which are timed meanwhile, until `unnest`. */
  nest(): void {
    this.outer.push({
      command: this.running,
      session: this.session,
      args: this.args,
      startUs: this.startUs,
    });
    this.running = null;
  }

  unnest(): void {
    if (this.running !== null) this.closeRun(this.clock.monotonicUs());
    this.hasUnnested = true;
    const outer = this.outer.pop();
    if (outer === undefined) return;
    this.running = outer.command;
    this.session = outer.session;
    this.args = outer.args;
    this.startUs = outer.startUs;
  }

  /** At the end of a batch of requests, before anything else runs. */
  endBatch(): void {
    if (this.running !== null) this.closeRun(this.clock.monotonicUs());
    this.readUs = UNREAD;
  }

  reset(): void {
    for (const command of this.histograms.keys()) command.latencies = null;
    this.histograms.clear();
  }

  private closeRun(nowUs: number): void {
    const { running, session, args, runCalls } = this;
    this.readUs = nowUs;
    this.hasUnnested = false;
    this.running = null;
    this.session = null;
    this.args = null;
    this.runCalls = 0;
    if (running === null || session === null || args === null || runCalls === 0) return;
    const durationUs = nowUs - this.startUs;
    this.account(running, durationUs, runCalls);
    if (runCalls === 1) this.listener.took(running, durationUs, session, args);
  }

  private account(command: Command, durationUs: number, calls: number): void {
    command.totalUs += durationUs;
    if (!this.tracksLatency) return;
    this.histogramOf(command).record((durationUs * 1000) / calls, calls);
  }

  private histogramOf(command: Command): LatencyHistogram {
    command.latencies ??= this.newHistogram(command);
    return command.latencies;
  }

  private newHistogram(command: Command): LatencyHistogram {
    const histogram = new LatencyHistogram();
    this.histograms.set(command, histogram);
    return histogram;
  }
}
