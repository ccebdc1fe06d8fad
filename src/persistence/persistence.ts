/**
 * The files of a server together: the append-only file and the snapshot. What concerns both is
 * put together here: INFO's section, the gate that writes meet while the disk refuses, and which
 * of the two is loaded. The composition root calls, in this order,
 *
 *     const persistence = new FilePersistence(engine, disk, exit);   attaches itself to the engine
 *     if (!(await persistence.start())) exit(1);     the log says why
 *     turn.requireBeforeReplies(persistence.aof.writer);   acknowledged only what is written
 *     persistence.aof.writer.onRecovered = () => turn.release();
 *     persistence.cron();                            ten times a second
 *
 * While `start` runs, clients may be served: the loading gate is shut before it first waits.
 */
import type { Disk } from "../base/disk.ts";
import { GATE_DISK } from "../engine/admission.ts";
import { emptyDatabases } from "../engine/emptying.ts";
import type { Engine } from "../engine/engine.ts";
import type {
  AofRewriteAnswer,
  InfoField,
  IntakeOptions,
  Persistence,
  ReloadOptions,
  SnapshotIntake,
  SnapshotContent,
  SyncPoint,
} from "../engine/persistence.ts";
import type { StreamPosition } from "../engine/replication.ts";
import type { SnapshotTarget } from "../engine/snapshot-target.ts";
import { MISCONFIGURED_RDB, misconfiguredAof } from "../protocol/errors.ts";
import { Aof } from "./aof.ts";
import { FileIntake } from "./file-intake.ts";
import type { KeyListener } from "../keyspace/context.ts";
import { LoadingProgress } from "./loading-progress.ts";
import { RdbLoading } from "./rdb-loading.ts";
import { RdbSaver } from "./rdb-saver.ts";
import { SnapshotRun } from "./snapshot-run.ts";
import { StreamIntake } from "./stream-intake.ts";
import { Takeover } from "./takeover.ts";

export class FilePersistence implements Persistence {
  readonly aof: Aof;
  readonly saver: RdbSaver;
  /** The snapshot that is being written, for whomever. */
  readonly run: SnapshotRun;
  readonly progress = new LoadingProgress();
  /** Where the stream of replication was when the data that was loaded at the start was kept. */
  loadedPosition: StreamPosition | null = null;
  onSynced: () => void = () => {};
  private readonly loading: RdbLoading;
  private readonly takeover: Takeover;
  private readonly engine: Engine;

  /** `exit` ends the process when `appendfsync always` cannot be kept any more. */
  constructor(engine: Engine, disk: Disk, exit: (code: number) => void) {
    this.engine = engine;
    this.run = new SnapshotRun(engine);
    this.aof = new Aof(engine, disk, this.run, this.progress, exit);
    this.saver = new RdbSaver(engine, disk, this.run);
    this.loading = new RdbLoading(engine, disk, this.progress);
    this.takeover = new Takeover(engine, disk, this.loading, this.progress, this.aof, this.saver);
    this.aof.onProblemChange = () => this.setGate();
    this.aof.onSynced = () => this.onSynced();
    this.saver.onStatusChange = () => this.setGate();
    engine.config.onApplyAny(["save", "stop-writes-on-bgsave-error"], () => {
      this.setGate();
      return null;
    });
    engine.persistence = this;
  }

  /** Hears of keys that had expired in the snapshot that the start loads. */
  set onExpiredAtStart(listener: KeyListener) {
    this.loading.onExpiredAtStart = listener;
  }

  /** Loads what there is; false where the start must be refused. */
  async start(): Promise<boolean> {
    if (!(await this.aof.start())) return false;
    this.setLoadedPosition(this.aof.loadedPosition);
    if (this.engine.config.values.appendonly) return true;
    if (!(await this.loading.loadAtStart())) return false;
    this.setLoadedPosition(this.loading.position);
    return true;
  }

  private setLoadedPosition(position: StreamPosition | null): void {
    const isHere = position !== null && position.database < this.engine.keyspace.databases.length;
    this.loadedPosition = isHere ? position : null;
  }

  cron(): void {
    this.aof.cron();
    if (!this.progress.isLoading) this.saver.cron();
  }

  get lastSaveSeconds(): number {
    return this.saver.lastSaveSeconds;
  }

  get isSaving(): boolean {
    return this.saver.isSaving;
  }

  get isBusy(): boolean {
    return this.run.isActive;
  }

  get synced(): SyncPoint | null {
    return this.aof.synced;
  }

  save(): boolean {
    this.saver.saves++;
    return this.saver.save();
  }

  saveInBackground(): boolean {
    return this.saver.saveInBackground();
  }

  sendSnapshot(
    target: SnapshotTarget,
    content: SnapshotContent,
    done: (problem: string | null) => void,
  ): boolean {
    return !this.progress.isLoading && this.saver.send(target, content, done);
  }

  abortSending(): void {
    this.saver.abortSending();
  }

  saveForReplicas(content: SnapshotContent, done: (path: string | null) => void): boolean {
    if (this.progress.isLoading) return false;
    return this.saver.saveForReplicas(this.takeover.keepsNothing, content, done);
  }

  abortSavingForReplicas(): void {
    this.saver.abortSavingForReplicas();
  }

  receiveSnapshot(options: IntakeOptions): SnapshotIntake | string {
    const { config, keyspace } = this.engine;
    const mode = config.values["repl-diskless-load"];
    const isEmpty = keyspace.keyCount === 0;
    const isStreamed = mode === "swapdb" || (mode === "on-empty-db" && isEmpty);
    const what =
      options.sizeBytes === null
        ? "streamed RDB from master with EOF"
        : `${options.sizeBytes} bytes from master`;
    const where = isStreamed ? "to parser" : "to disk";
    this.engine.log.notice(`MASTER <-> REPLICA sync: receiving ${what} ${where}`);
    if (isStreamed) {
      return new StreamIntake(this.takeover, options, mode === "swapdb");
    }
    return FileIntake.begin(this.takeover, options);
  }

  resumeAof(): void {
    this.aof.resume();
  }

  syncsEnded(): void {
    this.saver.syncsEnded(this.takeover.keepsNothing);
  }

  scheduleSave(): void {
    this.saver.schedule();
  }

  rewriteAof(): AofRewriteAnswer {
    return this.aof.rewrite.request();
  }

  reloadAof(): boolean {
    return this.aof.reload();
  }

  databasesFlushed(keys: number): void {
    this.saver.databasesFlushed(keys);
  }

  reload({ saves, empties, replaces }: ReloadOptions): "save" | "load" | null {
    if (saves && !this.saver.save()) return "save";
    if (empties) {
      emptyDatabases(this.engine);
      this.engine.context.functionLibraries.length = 0;
    }
    return this.loading.loadNow(replaces) ? null : "load";
  }

  get bufferBytes(): number {
    return this.aof.writer.bufferBytes + this.takeover.bufferedBytes;
  }

  /** Redis looks at the snapshot first (writeCommandsDeniedByDiskError, server.c). */
  writeRefusal(): string {
    return this.saver.refusesWrites ? MISCONFIGURED_RDB : misconfiguredAof(this.aof.problem);
  }

  private setGate(): void {
    const isShut = this.saver.refusesWrites || this.aof.problem !== "";
    if (isShut) this.engine.shut(GATE_DISK);
    else this.engine.open(GATE_DISK);
  }

  resetStatistics(): void {
    this.aof.resetStatistics();
    this.saver.saves = 0;
  }

  infoFields(): readonly InfoField[] {
    const { progress } = this;
    return [
      ["loading", progress.isLoading && !progress.isAsync ? 1 : 0],
      ["async_loading", progress.isLoading && progress.isAsync ? 1 : 0],
      // Nothing is forked: no memory is ever copied on write.
      ["current_cow_peak", 0],
      ["current_cow_size", 0],
      ["current_cow_size_age", 0],
      ["current_fork_perc", this.run.percent.toFixed(2)],
      ["current_save_keys_processed", this.run.keysDone],
      ["current_save_keys_total", this.run.keysTotal],
      ...this.saver.infoFields(),
      ...this.loading.infoFields(),
      ...this.aof.infoFields(),
      ["module_fork_in_progress", 0],
      ["module_fork_last_cow_size", 0],
      ...this.aof.openFileFields(),
      ...progress.fields(Math.floor(this.engine.clock.nowMs / 1000)),
    ];
  }
}
