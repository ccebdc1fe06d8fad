/**
 * A load that goes on in slices of about two milliseconds, between which the event loop serves
 * others. `loading-process-events-interval-bytes` bounds what a slice reads, and `key-load-delay`
 * makes a key cost so many microseconds, without stopping anybody.
 */
import type { Engine } from "../engine/engine.ts";
import type { RdbLoader } from "../rdb/rdb-loader.ts";
import { keyDelayUs } from "./_loading.ts";

const SLICE_US = 2000;
export const STEP_BYTES = 16 * 1024;
/** Steps that are so small read a key at a time. */
export const ONE_KEY_BYTES = 1;

export interface LoadListener {
  /** After each slice. */
  readonly onSlice: () => void;
  /** Once: null, or what the loader threw. */
  readonly onEnd: (error: unknown) => void;
}

export class SlicedLoad {
  private isOver = false;
  private isScheduled = false;
  private readonly startUs: number;
  private readonly engine: Engine;
  private readonly loader: RdbLoader;
  private readonly listener: LoadListener;
  private readonly next = (): void => this.turn();

  /** Begins with the next turn. */
  constructor(engine: Engine, loader: RdbLoader, listener: LoadListener) {
    this.engine = engine;
    this.loader = loader;
    this.listener = listener;
    this.startUs = engine.clock.monotonicUs();
    this.goOn();
  }

  /** There may be something to do, where the loader had to wait for more. */
  goOn(): void {
    if (this.isScheduled || this.isOver) return;
    this.isScheduled = true;
    setImmediate(this.next);
  }

  /** Ends it before its end; the listener hears nothing more. */
  stop(): void {
    this.isOver = true;
  }

  private turn(): void {
    this.isScheduled = false;
    if (this.isOver) return;
    const { clock, context } = this.engine;
    context.access.setTime(clock.refresh());
    let isMore = false;
    try {
      isMore = this.slice();
    } catch (error) {
      this.end(error);
      return;
    }
    this.listener.onSlice();
    if (!isMore) {
      this.end(null);
    } else if (!this.loader.isWaiting) {
      if (this.isAhead(clock.monotonicUs() - this.startUs)) this.sleep();
      else this.goOn();
    }
  }

  private end(error: unknown): void {
    this.isOver = true;
    this.listener.onEnd(error);
  }

  private sleep(): void {
    this.isScheduled = true;
    setTimeout(this.next, 1);
  }

  /** False once the end of the file is reached. */
  private slice(): boolean {
    const { engine, loader } = this;
    const { clock, config } = engine;
    const mostBytes = config.values["loading-process-events-interval-bytes"];
    const stepBytes = this.delayUs > 0 ? ONE_KEY_BYTES : Math.min(STEP_BYTES, mostBytes);
    const untilBytes = loader.position + mostBytes;
    const untilUs = clock.monotonicUs() + SLICE_US;
    let nowUs = 0;
    do {
      nowUs = clock.monotonicUs();
      if (this.isAhead(nowUs - this.startUs)) return true;
      if (!loader.step(stepBytes)) return false;
    } while (nowUs < untilUs && loader.position < untilBytes && !loader.isWaiting);
    return true;
  }

  private get delayUs(): number {
    return keyDelayUs(this.engine.config.values["key-load-delay"]);
  }

  /** More keys are loaded than `key-load-delay` allows. */
  private isAhead(elapsedUs: number): boolean {
    const done = this.loader.keysLoaded + this.loader.keysExpired;
    return done * this.delayUs > elapsedUs;
  }
}
