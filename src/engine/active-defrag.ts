/**
 * When the arenas are compacted (keyspace/compaction.ts), under Redis's directives (defrag.c):
 * while what the arenas took from the system exceeds their blocks by more than
 * `active-defrag-threshold-lower` percent and `active-defrag-ignore-bytes`. It takes between
 * `active-defrag-cycle-min` and `-max` percent of the processor, the more the more is wasted, in
 * slices of half a millisecond between turns of the event loop.
 */
import { Compaction } from "../keyspace/compaction.ts";
import { GATE_LOADING } from "./admission.ts";
import type { Engine } from "./engine.ts";

const SLICE_US = 500;
/** A plan that would gain nothing is not made again at once. */
const RETRY_MS = 1000;

export class ActiveDefrag {
  readonly compaction: Compaction;
  /** Percent of the processor that is given to it now, 0 while it rests. */
  effortPercent = 0;
  /** Time it has taken in all, and since it runs, in microseconds of the wall clock (INFO). */
  private totalUs = 0;
  private beganUs = 0;
  private tryAtMs = 0;
  private timer: Timer | null = null;
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
    this.compaction = new Compaction(engine.keyspace);
  }

  /** Milliseconds that it has been at work, all times together. */
  get totalMs(): number {
    return Math.floor(this.totalUs / 1000) + this.currentMs;
  }

  /** Milliseconds since it began, 0 while it rests. */
  get currentMs(): number {
    if (this.effortPercent === 0) return 0;
    return Math.floor((this.engine.clock.monotonicUs() - this.beganUs) / 1000);
  }

  resetStats(): void {
    this.compaction.resetFigures();
    this.totalUs = 0;
    this.beganUs = this.engine.clock.monotonicUs();
  }

  cron(nowMs: number): void {
    if (this.compaction.isRunning) {
      // Its effort follows the state of things, and what the directives say now.
      this.effortPercent = Math.max(this.effort(), this.leastPercent);
      return;
    }
    if (nowMs < this.tryAtMs || !this.mayRun) return;
    const effort = this.effort();
    if (effort === 0) return;
    if (!this.compaction.begin()) {
      this.tryAtMs = nowMs + RETRY_MS;
      return;
    }
    this.effortPercent = effort;
    this.beganUs = this.engine.clock.monotonicUs();
    this.wait(0);
  }

  close(): void {
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private get leastPercent(): number {
    return this.engine.config.values["active-defrag-cycle-min"];
  }

  private get mayRun(): boolean {
    const { config, context, gates } = this.engine;
    return config.values.activedefrag && context.snapshot === null && (gates & GATE_LOADING) === 0;
  }

  /** The percentage of the processor that the waste is worth, 0 where it is too small. */
  private effort(): number {
    const { config, keyspace } = this.engine;
    const { values } = config;
    const lower = values["active-defrag-threshold-lower"];
    const upper = values["active-defrag-threshold-upper"];
    const least = this.leastPercent;
    const most = values["active-defrag-cycle-max"];
    const { touchedBytes, blockBytes } = keyspace;
    const wasted = touchedBytes - blockBytes;
    const percent = blockBytes === 0 ? Infinity : (wasted * 100) / blockBytes;
    if (wasted < values["active-defrag-ignore-bytes"] || percent < lower) return 0;
    const share = upper > lower ? Math.min((percent - lower) / (upper - lower), 1) : 1;
    return Math.max(least, Math.round(least + (most - least) * share));
  }

  private wait(delayMs: number): void {
    this.timer = setTimeout(() => this.slice(), delayMs);
  }

  private slice(): void {
    const { clock, latency } = this.engine;
    if (!this.mayRun) {
      this.rest();
      return;
    }
    const startUs = clock.monotonicUs();
    const goesOn = this.compaction.step(() => clock.monotonicUs() - startUs >= SLICE_US);
    const tookUs = clock.monotonicUs() - startUs;
    latency.sample("active-defrag-cycle", tookUs / 1000);
    if (goesOn) this.wait((tookUs * (100 - this.effortPercent)) / this.effortPercent / 1000);
    else this.rest();
  }

  private rest(): void {
    this.totalUs += this.engine.clock.monotonicUs() - this.beganUs;
    this.compaction.stop();
    this.effortPercent = 0;
  }
}
