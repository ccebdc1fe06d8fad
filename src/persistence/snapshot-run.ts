/**
 * Writes one snapshot of all databases (keyspace/snapshot.ts) to a file or to replicas, in slices
 * between turns of the event loop. One at a time in a server:
 *
 *     run.start(task);    // it has begun: `done` will be called, once
 *     run.runToEnd();     // the rest at once; `done` is called within
 *     run.abort();        // what was written is discarded; `done` is not called
 *
 * Slices are paced (_pace.ts), bounded in what they write, and wait for a target that can't follow.
 * `rdb-key-save-delay` makes a key cost so many microseconds, also where it was written ahead of
 * its turn because it changed, without stopping anybody.
 */
import { assert } from "../base/assert.ts";
import type { Engine } from "../engine/engine.ts";
import type { SnapshotTarget } from "../engine/snapshot-target.ts";
import { Snapshot } from "../keyspace/snapshot.ts";
import type { SnapshotEncoder } from "../keyspace/snapshot.ts";
import { keyDelayUs } from "./_loading.ts";
import { Pace } from "./_pace.ts";

const SLICE_BYTES = 256 * 1024;
/** A slice of a run that nobody else is to run beside. */
const URGENT_SLICE_US = 10_000;
const PROGRESS_LOG_INTERVAL_US = 5_000_000;
const AWAKE = -1;
/** The longest nap: options may change meanwhile. */
const MAX_NAP_MS = 100;

export type SnapshotWrite = (bytes: Uint8Array, start: number, length: number) => void;

export interface SnapshotTask {
  /** What the log calls it. */
  readonly name: string;
  readonly target: SnapshotTarget;
  /** Nobody is served meanwhile: the slices need not be short, nor leave time to others. */
  readonly isUrgent?: boolean;
  readonly makeEncoder: (write: SnapshotWrite) => SnapshotEncoder;
  /** Null: all of it is where it belongs. Else why it is not; the target has discarded it then. */
  readonly done: (problem: string | null) => void;
}

interface Running {
  readonly task: SnapshotTask;
  readonly target: SnapshotTarget;
  readonly walk: Snapshot;
  readonly pace: Pace;
  readonly startedUs: number;
  loggedUs: number;
  /** Its next turn: made once, as there are as many turns as the event loop has. */
  readonly next: () => void;
  /** All is written, what remains is up to the target. */
  isWritten: boolean;
}

export class SnapshotRun {
  private running: Running | null = null;
  private reads = 0;
  /** What the processor had done when the last turn found that its slice must wait, or AWAKE. */
  private sleptFromUs = AWAKE;
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  get isActive(): boolean {
    return this.running !== null;
  }

  get keysTotal(): number {
    return this.running?.walk.keysTotal ?? 0;
  }

  get keysDone(): number {
    return this.running?.walk.keysDone ?? 0;
  }

  get percent(): number {
    return this.keysTotal === 0 ? 0 : (this.keysDone / this.keysTotal) * 100;
  }

  start(task: SnapshotTask): void {
    assert(this.running === null, "there is one snapshot at a time");
    const { target } = task;
    const encoder = task.makeEncoder((bytes, start, length) => target.write(bytes, start, length));
    const walk = new Snapshot(this.engine.keyspace, encoder);
    const startedUs = this.engine.clock.monotonicUs();
    const pace = new Pace(startedUs);
    const loggedUs = startedUs;
    const next = (): void => this.turn(running);
    const running = { task, target, walk, pace, startedUs, loggedUs, next, isWritten: false };
    this.running = running;
    this.sleptFromUs = AWAKE;
    walk.begin();
    this.goOn(running);
  }

  /** Does what is left of the running snapshot at once. */
  runToEnd(): void {
    const { running } = this;
    if (running === null) return;
    const { target, walk } = running;
    target.hurry();
    const delayUs = this.keyDelayUs;
    for (let isMore = !running.isWritten; isMore && target.problem === null;) {
      const before = walk.keysDone;
      isMore = walk.step(() => delayUs > 0 && walk.keysDone > before);
      if (delayUs > 0) Bun.sleepSync((delayUs / 1000) * (walk.keysDone - before));
    }
    if (target.problem !== null) walk.abort();
    target.finishNow();
    this.end(running);
  }

  abort(): void {
    const { running } = this;
    if (running === null) return;
    this.running = null;
    if (!running.isWritten) running.walk.abort();
    running.target.discard();
  }

  private goOn(running: Running): void {
    setImmediate(running.next);
  }

  private turn(running: Running): void {
    // It has been aborted, or run to its end, meanwhile.
    if (this.running !== running || running.isWritten) return;
    const { target, walk, pace } = running;
    if (target.problem !== null) {
      this.complete(running, true);
      return;
    }
    if (target.isBusy) {
      target.whenFree(() => this.goOn(running));
      return;
    }
    const { clock } = this.engine;
    const napMs = this.napMs(running);
    if (napMs > 0) {
      setTimeout(() => this.turn(running), napMs);
      return;
    }
    const startUs = clock.monotonicUs();
    const earnedUs = pace.sliceUs(startUs, this.busyUs());
    const sliceUs = running.task.isUrgent === true ? URGENT_SLICE_US : earnedUs;
    if (sliceUs === 0) {
      this.sleptFromUs = clock.processorUs();
      setTimeout(running.next, 1);
      return;
    }
    const isMore = walk.step(this.sliceEnd(running, startUs + sliceUs));
    const nowUs = clock.monotonicUs();
    pace.sliceEnded(nowUs);
    this.logProgress(running, nowUs);
    if (!isMore || target.problem !== null) {
      this.complete(running, isMore);
      return;
    }
    this.goOn(running);
  }

  /**
   * Time since the last turn that went to clients. Where the event loop went round without a pause
   * any request makes a turn theirs; where it could pause, what the processor did is known.
   */
  private busyUs(): number {
    const { clock, stats } = this.engine;
    const hasServed = stats.reads !== this.reads;
    this.reads = stats.reads;
    if (this.sleptFromUs === AWAKE) return hasServed ? Infinity : 0;
    const busyUs = clock.processorUs() - this.sleptFromUs;
    this.sleptFromUs = AWAKE;
    return busyUs;
  }

  private sliceEnd(running: Running, endUs: number): () => boolean {
    const { clock } = this.engine;
    const { target, walk } = running;
    const fullBytes = target.sizeBytes + SLICE_BYTES;
    const mostKeys = this.keysDue(running);
    return () =>
      target.sizeBytes >= fullBytes ||
      target.isBusy ||
      walk.keysDone >= mostKeys ||
      target.problem !== null ||
      clock.monotonicUs() >= endUs;
  }

  private complete(running: Running, isMore: boolean): void {
    running.isWritten = true;
    if (isMore) running.walk.abort();
    running.target.finish(() => {
      if (this.running === running) this.end(running);
    });
  }

  private end(running: Running): void {
    this.running = null;
    running.task.done(running.target.problem);
  }

  private get keyDelayUs(): number {
    return keyDelayUs(this.engine.config.values["rdb-key-save-delay"]);
  }

  /** Keys that may have been written by now. */
  private keysDue({ startedUs, walk }: Running): number {
    const delayUs = this.keyDelayUs;
    if (delayUs === 0 || walk.keysDone === walk.keysTotal) return Infinity;
    return Math.floor((this.engine.clock.monotonicUs() - startedUs) / delayUs);
  }

  private napMs(running: Running): number {
    const delayUs = this.keyDelayUs;
    const { walk, startedUs } = running;
    if (delayUs === 0) return 0;
    const dueUs = startedUs + Math.min(walk.keysDone + 1, walk.keysTotal) * delayUs;
    const leftMs = (dueUs - this.engine.clock.monotonicUs()) / 1000;
    return Math.min(Math.max(leftMs, 0), MAX_NAP_MS);
  }

  private logProgress(running: Running, nowUs: number): void {
    if (nowUs - running.loggedUs < PROGRESS_LOG_INTERVAL_US) return;
    running.loggedUs = nowUs;
    const { keysDone, keysTotal } = running.walk;
    this.engine.log.notice(
      `${running.task.name}: ${keysDone} of ${keysTotal} keys, ${this.percent.toFixed(2)}%`,
    );
  }
}
