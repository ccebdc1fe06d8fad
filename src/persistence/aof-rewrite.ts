/**
 * Rewriting the AOF in the background: a snapshot of all databases becomes the new base, and the
 * changes since its moment, which go to an increment of their own, follow it.
 *
 *     begin    a snapshot into a temporary file; at the same moment a new increment, which the
 *              manifest names before anything is written to it
 *     done     the file is renamed to the next base; the manifest names it and the new increment,
 *              and what it replaces as history; the history is removed
 *
 * So the manifest on the disk names files that are there in full at every moment. Where AOF is just
 * being switched on, the new increment has a temporary name until there is a base for it. When a
 * rewrite fails nothing has changed but that there is one more increment. Order of events, log
 * and limits: rewriteAppendOnlyFileBackground and backgroundRewriteDoneHandler (aof.c, Redis 7).
 */
import { join } from "node:path";
import type { Disk } from "../base/disk.ts";
import { systemErrorText } from "../engine/config/system-errors.ts";
import type { Engine } from "../engine/engine.ts";
import type { AofRewriteAnswer, InfoField } from "../engine/persistence.ts";
import type { AofDirectory } from "./aof-directory.ts";
import { type BaseFormat, baseFormat } from "./base-format.ts";
import { nextBase, rebased, withNextIncrement } from "./manifest.ts";
import { RewriteLimit } from "./rewrite-limit.ts";
import { SnapshotFile } from "./snapshot-file.ts";
import type { SnapshotRun } from "./snapshot-run.ts";

/**
 * Off: nothing is written. Waiting: it is being switched on, and changes since the snapshot are
 * kept in a temporary increment while a rewrite runs. On: changes go to the last increment.
 */
export type AofState = "off" | "waiting" | "on";

/** The increment that grows, as a rewrite needs it. */
export interface GrowingIncrement {
  readonly state: AofState;
  /** What the manifest names, without history. */
  readonly currentBytes: number;
  /** `currentBytes` when there was nothing but a base, or about that. */
  readonly baseBytes: number;
  /** Has changes from now on go to a new increment; false, and the reason in the log. */
  beginNext(): boolean;
  /** The temporary increment has its name. */
  named(path: string): void;
  /** A base of this size has replaced all but the increment that grows, if there is one. */
  rebased(baseBytes: number): void;
  /** The temporary increment is of no use. */
  abandon(): void;
}

interface Running {
  readonly name: string;
  readonly path: string;
  readonly format: BaseFormat;
  readonly startedSeconds: number;
}

export class AofRewrite {
  isScheduled = false;
  private running: Running | null = null;
  private startedCount = 0;
  private lastSeconds = -1;
  private hasFailed = false;
  private readonly limit = new RewriteLimit();
  private readonly engine: Engine;
  private readonly disk: Disk;
  private readonly run: SnapshotRun;
  private readonly directory: AofDirectory;
  private readonly increment: GrowingIncrement;

  constructor(
    engine: Engine,
    disk: Disk,
    run: SnapshotRun,
    directory: AofDirectory,
    increment: GrowingIncrement,
  ) {
    this.engine = engine;
    this.disk = disk;
    this.run = run;
    this.directory = directory;
    this.increment = increment;
  }

  get isRunning(): boolean {
    return this.running !== null;
  }

  /** BGREWRITEAOF. */
  request(): AofRewriteAnswer {
    if (this.isRunning) return "running";
    if (!this.run.isActive && !isInTransaction(this.engine)) {
      return this.begin() ? "started" : "refused";
    }
    this.isScheduled = true;
    this.limit.consecutiveFailures = 0;
    return "scheduled";
  }

  /** Begins what was scheduled, or what the growth of the files calls for. */
  cron(): void {
    if (this.run.isActive) return;
    if (this.isScheduled) {
      if (!this.isHeldBack()) this.begin();
      return;
    }
    const { values } = this.engine.config;
    const percentage = values["auto-aof-rewrite-percentage"];
    const { state, currentBytes, baseBytes } = this.increment;
    if (state !== "on" || percentage === 0) return;
    if (currentBytes <= values["auto-aof-rewrite-min-size"]) return;
    const growth = Math.floor((currentBytes * 100) / Math.max(baseBytes, 1)) - 100;
    if (growth < percentage || this.isHeldBack()) return;
    this.engine.log.notice(`Starting automatic rewriting of AOF on ${growth}% growth`);
    this.begin();
  }

  /** The moment of the snapshot is now. False where it can't be begun; the log says why. */
  begin(): boolean {
    const { engine, run, directory, increment } = this;
    if (run.isActive) return false;
    const { values } = engine.config;
    const name = `temp-rewriteaof-bg-${process.pid}.aof`;
    const path = join(directory.home, name);
    const format = baseFormat(engine);
    if (!directory.make()) return this.couldNotBegin();
    const target = SnapshotFile.make(this.disk, path, values["aof-rewrite-incremental-fsync"]);
    if (typeof target === "string") {
      engine.log.warning(`Can't open the temporary AOF base file ${name}: ${target}`);
      return this.couldNotBegin();
    }
    run.start({
      name: "AOF rewrite",
      target,
      makeEncoder: format.makeEncoder,
      done: (why) => this.done(why),
    });
    if (!increment.beginNext()) {
      run.abort();
      return this.couldNotBegin();
    }
    this.running = { name, path, format, startedSeconds: this.nowSeconds };
    this.startedCount++;
    engine.stats.snapshots++;
    this.isScheduled = false;
    engine.log.notice(`Background append only file rewriting started by pid ${process.pid}`);
    return true;
  }

  /** Ends a rewrite that runs, and forgets one that was scheduled. */
  stop(): void {
    this.isScheduled = false;
    if (this.running === null) return;
    this.engine.log.notice(`Killing running AOF rewrite child: ${process.pid}`);
    this.run.abort();
    this.running = null;
  }

  resetStatistics(): void {
    this.startedCount = 0;
    this.limit.consecutiveFailures = 0;
  }

  infoFields(): InfoField[] {
    const { running } = this;
    const isScheduled = this.isScheduled ? 1 : 0;
    const elapsed = running === null ? -1 : this.nowSeconds - running.startedSeconds;
    return [
      ["aof_rewrite_in_progress", running === null ? 0 : 1],
      ["aof_rewrite_scheduled", isScheduled],
      ["aof_last_rewrite_time_sec", this.lastSeconds],
      ["aof_current_rewrite_time_sec", elapsed],
      ["aof_last_bgrewrite_status", this.hasFailed ? "err" : "ok"],
      ["aof_rewrites", this.startedCount],
      ["aof_rewrites_consecutive_failures", this.limit.consecutiveFailures],
    ];
  }

  private isHeldBack(): boolean {
    return this.limit.holdsBack(this.engine.clock.nowMs, (minutes) => {
      this.engine.log.warning(
        "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in " +
          `${minutes} minutes`,
      );
    });
  }

  private couldNotBegin(): false {
    this.hasFailed = true;
    this.limit.consecutiveFailures++;
    return false;
  }

  private done(problem: string | null): void {
    const { running, increment } = this;
    const { log } = this.engine;
    if (running === null) return;
    this.running = null;
    let hasSucceeded = false;
    if (problem === null) {
      log.notice(`Successfully created the temporary AOF base file ${running.name}`);
      log.notice("Background AOF rewrite terminated with success");
      hasSucceeded = this.replaceBase(running);
    } else {
      log.warning(`Write error writing append only file on disk: ${problem}`);
      log.warning("Background AOF rewrite terminated with error");
    }
    this.lastSeconds = this.nowSeconds - running.startedSeconds;
    this.hasFailed = !hasSucceeded;
    this.limit.consecutiveFailures = hasSucceeded ? 0 : this.limit.consecutiveFailures + 1;
    if (increment.state !== "waiting") return;
    increment.abandon();
    this.isScheduled = true;
  }

  private replaceBase(running: Running): boolean {
    const { directory, increment } = this;
    const { log, config } = this.engine;
    const { appendfilename } = config.values;
    const isNew = increment.state === "waiting";
    const base = nextBase(directory.manifest, appendfilename, running.format.suffix);
    const basePath = directory.pathOf(base.name);
    if (!this.rename("base", running.path, running.name, base.name)) {
      directory.remove(running.path);
      return false;
    }
    let manifest = directory.manifest;
    let incrementPath: string | null = null;
    if (isNew) {
      manifest = withNextIncrement(manifest, appendfilename);
      const { name } = manifest.increments[manifest.increments.length - 1];
      const temporary = directory.temporaryIncrement;
      if (!this.rename("incr", directory.pathOf(temporary), temporary, name)) {
        directory.remove(basePath);
        return false;
      }
      incrementPath = directory.pathOf(name);
      increment.named(incrementPath);
    }
    const next = rebased(manifest, base, increment.state !== "off");
    if (!directory.sync() || !directory.writeManifest(next)) {
      directory.remove(basePath);
      if (incrementPath !== null) directory.remove(incrementPath);
      return false;
    }
    increment.rebased(this.disk.sizeBytes(basePath));
    directory.removeHistory();
    log.notice("Background AOF rewrite finished successfully");
    return true;
  }

  private rename(kind: "base" | "incr", from: string, shownFrom: string, name: string): boolean {
    const { log, latency, clock } = this.engine;
    const startUs = clock.monotonicUs();
    try {
      this.disk.rename(from, this.directory.pathOf(name));
    } catch (error) {
      const what = `the temporary AOF ${kind} file ${shownFrom} into ${name}`;
      log.warning(`Error trying to rename ${what}: ${systemErrorText(error)}`);
      return false;
    }
    latency.sample("aof-rename", (clock.monotonicUs() - startUs) / 1000);
    log.notice(`Successfully renamed the temporary AOF ${kind} file ${shownFrom} into ${name}`);
    return true;
  }

  private get nowSeconds(): number {
    return Math.floor(this.engine.clock.nowMs / 1000);
  }
}

/** Whether the running command is one of those of an EXEC, whose effects are not complete yet. */
export function isInTransaction(engine: Engine): boolean {
  return engine.running?.deniesBlocking === true;
}
