/**
 * The end of a server: what was acknowledged is written, a snapshot is saved where that is wanted,
 * and the process exits; or it goes on where the disk refuses, unless forced.
 *
 *     requested   by a signal; the cron begins it, SHUTDOWN ABORT takes it back
 *     waiting     for replicas that lag behind, `shutdown-timeout` at the most; nobody writes
 *     saving      nobody is served while the snapshot is written, in slices, so that a second
 *                 SIGINT is heard: it ends the process at once
 *
 * Whoever asked with SHUTDOWN waits for the outcome. Texts: finishShutdown (server.c, Redis 7).
 */
import type { Disk } from "../base/disk.ts";
import { GATE_SHUTDOWN, LOADING_GATES } from "../engine/admission.ts";
import type { Engine } from "../engine/engine.ts";
import type { ShutdownControl, ShutdownOptions } from "../engine/shutdown.ts";
import { CANNOT_SHUT_DOWN } from "../protocol/errors.ts";
import type { FilePersistence } from "./persistence.ts";
import { removeQuietly } from "./snapshot-file.ts";

export type ShutdownSignal = "SIGTERM" | "SIGINT";

/** What of the end is up to the composition root. */
export interface ShutdownSteps {
  /** Sends what waits to be sent. */
  readonly sendReplies: () => void;
  /** Requests that waited may run again. */
  readonly resume: () => void;
  /** Ends all listeners and timers. */
  readonly close: () => void;
  readonly exit: (code: number) => void;
}

export class Shutdown implements ShutdownControl {
  private requestedBy: ShutdownSignal | null = null;
  /** Options of the one that is underway. */
  private options: ShutdownOptions | null = null;
  /** Until when replicas are waited for; null: they are not. */
  private waitsUntilMs: number | null = null;
  private isSaving = false;
  /** Nothing changes, so that replicas can catch up, and the last snapshot is the end. */
  private isHolding = false;
  private readonly waiting: ((error: string) => void)[] = [];
  private readonly engine: Engine;
  private readonly disk: Disk;
  private readonly persistence: FilePersistence;
  private readonly steps: ShutdownSteps;

  constructor(engine: Engine, disk: Disk, persistence: FilePersistence, steps: ShutdownSteps) {
    this.engine = engine;
    this.disk = disk;
    this.persistence = persistence;
    this.steps = steps;
    engine.shutdown = this;
  }

  get waitsForMs(): number | null {
    const { waitsUntilMs } = this;
    return waitsUntilMs === null ? null : Math.max(0, waitsUntilMs - this.engine.clock.nowMs);
  }

  /** A signal has come. A second SIGINT means: at once. */
  receive(signal: ShutdownSignal): void {
    const { log } = this.engine;
    if (this.requestedBy !== null && signal === "SIGINT") {
      log.warning("You insist... exiting now.");
      removeQuietly(this.disk, this.persistence.saver.temporaryPath);
      this.steps.exit(1);
      return;
    }
    log.warning(
      this.isLoading
        ? "Received shutdown signal during loading, scheduling shutdown."
        : `Received ${signal} scheduling shutdown...`,
    );
    this.requestedBy = signal;
  }

  /** Ten times a second: begins what a signal has asked for. */
  cron(): void {
    if (this.waitsUntilMs !== null) {
      this.lookAtReplicas(this.waitsUntilMs);
      return;
    }
    if (this.requestedBy === null || this.options !== null) return;
    const words =
      this.engine.config.values[
        this.requestedBy === "SIGTERM" ? "shutdown-on-sigterm" : "shutdown-on-sigint"
      ];
    const saves = words.includes("save") ? true : words.includes("nosave") ? false : null;
    const isForced = words.includes("force");
    this.begin({ saves, isForced, isImmediate: words.includes("now") }, () => {});
  }

  begin(options: ShutdownOptions, failed: (error: string) => void): "ended" | "later" | Error {
    if (this.options !== null) {
      this.waiting.push(failed);
      return "later";
    }
    this.engine.log.warning("User requested shutdown...");
    // Half of the data, saved, would replace all of it.
    this.options = this.isLoading ? { ...options, saves: false } : options;
    if (!options.isImmediate && this.waitsForReplicas()) {
      this.waiting.push(failed);
      return "later";
    }
    return this.finish(failed);
  }

  /** Whether replicas lag behind, and are to be waited for from now on. */
  private waitsForReplicas(): boolean {
    const { clock, config, log, replication } = this.engine;
    const timeoutMs = config.values["shutdown-timeout"] * 1000;
    if (timeoutMs === 0 || replication.lag.lagging.length === 0) return false;
    this.waitsUntilMs = clock.nowMs + timeoutMs;
    replication.requestAcknowledgements();
    this.hold();
    log.notice("Waiting for replicas before shutting down.");
    return true;
  }

  private hold(): void {
    if (!this.isHolding) this.engine.pause.hold();
    this.isHolding = true;
  }

  private lookAtReplicas(untilMs: number): void {
    const { clock, replication } = this.engine;
    if (clock.nowMs < untilMs && replication.lag.lagging.length > 0) return;
    this.waitsUntilMs = null;
    this.finish(null);
  }

  private noteReplicas(): void {
    const { log, replication } = this.engine;
    const { replicas, lagging } = replication.lag;
    if (replicas === 0) return;
    for (const line of lagging) log.warning(line);
    const inSync = replicas - lagging.length;
    log.notice(`${inSync} of ${replicas} replicas are in sync when shutting down.`);
  }

  /** What follows when no replica is waited for (any more). */
  private finish(failed: ((error: string) => void) | null): "ended" | "later" | Error {
    this.noteReplicas();
    if (!this.stopSnapshots()) {
      this.failed();
      return new Error(CANNOT_SHUT_DOWN);
    }
    if (!this.wantsSnapshot) return this.conclude() ? "ended" : new Error(CANNOT_SHUT_DOWN);
    this.engine.log.notice("Saving the final RDB snapshot before exiting.");
    this.engine.shut(GATE_SHUTDOWN);
    this.isSaving = true;
    // What is saved is to be the end of the stream: nothing may expire behind it.
    this.hold();
    const hasBegun = this.persistence.saver.saveUrgently((isSaved) => this.saved(isSaved));
    if (!hasBegun) return this.saved(false) ? "ended" : new Error(CANNOT_SHUT_DOWN);
    if (failed !== null) this.waiting.push(failed);
    return "later";
  }

  abort(): boolean {
    if (this.options === null && this.requestedBy === null) return false;
    if (this.options !== null) {
      if (this.isSaving) this.persistence.run.abort();
      this.goOn();
    }
    this.requestedBy = null;
    this.engine.log.notice("Shutdown manually aborted.");
    return true;
  }

  private get isLoading(): boolean {
    return (this.engine.gates & LOADING_GATES) !== 0;
  }

  private get wantsSnapshot(): boolean {
    return this.options?.saves ?? this.engine.config.values.save.length > 0;
  }

  /** The one that is written last must not meet another. False: another is needed. */
  private stopSnapshots(): boolean {
    const { saver, aof } = this.persistence;
    if (saver.isSaving) {
      this.engine.log.warning("There is a child saving an .rdb. Killing it!");
      saver.abort();
    }
    return aof.stopRewrite(this.options?.isForced === true);
  }

  private saved(isSaved: boolean): boolean {
    const { log } = this.engine;
    if (isSaved) return this.conclude();
    if (this.options?.isForced === true) {
      log.warning("Error trying to save the DB. Exit anyway.");
      return this.conclude();
    }
    log.warning("Error trying to save the DB, can't exit.");
    this.failed();
    return false;
  }

  /** Closes everything and exits; false where the AOF can't be written. */
  private conclude(): boolean {
    const { log } = this.engine;
    if (!this.persistence.aof.close() && this.options?.isForced !== true) {
      log.warning("Error writing the append only file, can't exit.");
      this.failed();
      return false;
    }
    this.steps.sendReplies();
    this.steps.close();
    this.steps.exit(0);
    return true;
  }

  private failed(): void {
    this.engine.log.warning(
      "Errors trying to shut down the server. Check the logs for more information.",
    );
    this.requestedBy = null;
    this.goOn();
  }

  private goOn(): void {
    this.options = null;
    this.waitsUntilMs = null;
    this.isSaving = false;
    this.engine.open(GATE_SHUTDOWN);
    if (this.isHolding) this.engine.pause.release();
    this.isHolding = false;
    for (const tell of this.waiting.splice(0)) tell(CANNOT_SHUT_DOWN);
    this.steps.resume();
  }
}
