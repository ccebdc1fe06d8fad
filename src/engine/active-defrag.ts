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
import type { Keyspace } from "../keyspace/keyspace.ts";

const SLICE_US = 500;
/** What an entry needs of its table. */
const SLOT_BYTES = 12;
/** What a walk must have gained for another one to follow at once. */
const WORTH_BYTES = 1 << 20;
/** What a walk left is not tried again at once. */
const RETRY_MS = 1000;

export class ActiveDefrag {
  readonly compaction: Compaction;
  /** Percent of the processor that is given to it now, 0 while it rests. */
  effortPercent = 0;
  /** Time it has taken in all, and since it runs, in microseconds of the wall clock (INFO). */
  private totalUs = 0;
  private beganUs = 0;
  private tryAtMs = 0;
  /** When the walk began. */
  private heldBefore = 0;
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
      this.effortPercent = Math.max(this.effortPercent, this.effort());
      return;
    }
    if (nowMs < this.tryAtMs || !this.mayRun) return;
    const effort = this.effort();
    if (effort === 0) return;
    if (!this.begin()) {
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

  private get mayRun(): boolean {
    const { config, context, gates } = this.engine;
    return config.values.activedefrag && context.snapshot === null && (gates & GATE_LOADING) === 0;
  }

  private begin(): boolean {
    this.heldBefore = heldBytes(this.engine.keyspace);
    return this.compaction.begin();
  }

  /** The percentage of the processor that the waste is worth, 0 where it is too small. */
  private effort(): number {
    const { values } = this.engine.config;
    const lower = values["active-defrag-threshold-lower"];
    const upper = values["active-defrag-threshold-upper"];
    const least = values["active-defrag-cycle-min"];
    const most = values["active-defrag-cycle-max"];
    const { bytes, percent } = this.waste();
    if (bytes < values["active-defrag-ignore-bytes"] || percent < lower) return 0;
    const share = upper > lower ? Math.min((percent - lower) / (upper - lower), 1) : 1;
    return Math.max(least, Math.round(least + (most - least) * share));
  }

  private waste(): { readonly bytes: number; readonly percent: number } {
    const { keyspace } = this.engine;
    const { blockBytes } = keyspace;
    const bytes = keyspace.touchedBytes - blockBytes + sparseBytes(keyspace);
    return { bytes, percent: blockBytes === 0 ? Infinity : (bytes * 100) / blockBytes };
  }

  /** A walk that gained much is followed by another: it may have begun among deletions. */
  private goesOn(): boolean {
    const { keyspace, config } = this.engine;
    if (this.heldBefore - heldBytes(keyspace) < WORTH_BYTES) return false;
    return this.waste().percent >= config.values["active-defrag-threshold-lower"] && this.begin();
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
    const hasMore = this.compaction.step(() => clock.monotonicUs() - startUs >= SLICE_US);
    const tookUs = clock.monotonicUs() - startUs;
    latency.sample("active-defrag-cycle", tookUs / 1000);
    if (!hasMore && !this.goesOn()) {
      this.rest();
      return;
    }
    this.wait((tookUs * (100 - this.effortPercent)) / this.effortPercent / 1000);
  }

  private rest(): void {
    this.tryAtMs = this.engine.clock.nowMs + RETRY_MS;
    this.totalUs += this.engine.clock.monotonicUs() - this.beganUs;
    this.compaction.stop();
    this.effortPercent = 0;
  }
}

function heldBytes(keyspace: Keyspace): number {
  return keyspace.touchedBytes + keyspace.tableBytes;
}

/** Of tables that were emptied, about what their entries would not need. */
function sparseBytes({ databases }: Keyspace): number {
  let bytes = 0;
  for (const { table } of databases) {
    if (table.isSparse) bytes += table.sizeBytes - table.size * SLOT_BYTES;
  }
  return bytes;
}
