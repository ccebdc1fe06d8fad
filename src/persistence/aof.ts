/**
 * The append-only file of a server: loaded at the start, appended to while it is on, switched
 * on and off by CONFIG SET, rewritten (aof-rewrite.ts). Part of `FilePersistence`
 * (persistence.ts), which tells when.
 */
import { join } from "node:path";
import type { Disk } from "../base/disk.ts";
import { systemErrorText } from "../engine/config/system-errors.ts";
import { emptyDatabases } from "../engine/emptying.ts";
import type { Engine } from "../engine/engine.ts";
import type { InfoField, SyncPoint } from "../engine/persistence.ts";
import type { StreamPosition } from "../engine/replication.ts";
import { AofDirectory } from "./aof-directory.ts";
import { AofLoader } from "./aof-loader.ts";
import {
  AofRewrite,
  type AofState,
  type GrowingIncrement,
  isInTransaction,
} from "./aof-rewrite.ts";
import { AofWriter, openEmpty } from "./aof-writer.ts";
import { baseFormat } from "./base-format.ts";
import type { LoadingProgress } from "./loading-progress.ts";
import { nextBase, withNextIncrement } from "./manifest.ts";
import type { AofFile } from "./manifest.ts";
import { SnapshotFile } from "./snapshot-file.ts";
import type { SnapshotRun } from "./snapshot-run.ts";
import { streamNote } from "./stream-note.ts";

/** How often, and how many times, it is tried to go on after a synchronisation. */
const RESUME_INTERVAL_MS = 1000;
const MAX_RESUMES = 10;
const CANNOT_SWITCH_ON = "Unable to turn on AOF. Check server logs.";

export class Aof implements GrowingIncrement {
  readonly writer: AofWriter;
  readonly rewrite: AofRewrite;
  /** `problem` came or went. */
  onProblemChange: () => void = () => {};
  /** `synced` may have moved. */
  onSynced: () => void = () => {};
  state: AofState = "off";
  baseBytes = 0;
  /** The place in the stream of replication that the files ended with at the start. */
  loadedPosition: StreamPosition | null = null;
  /** It is to be on, and is not, as the data is being replaced. */
  private isSuspended = false;
  private failedResumes = 0;
  private resumesAtMs = 0;
  /** Length of all files but the increment that grows. */
  private settledBytes = 0;
  private readonly progress: LoadingProgress;
  private readonly directory: AofDirectory;
  private readonly engine: Engine;
  private readonly disk: Disk;
  private readonly run: SnapshotRun;
  private readonly exit: (code: number) => void;

  /** `exit` ends the process when `appendfsync always` cannot be kept any more. */
  constructor(
    engine: Engine,
    disk: Disk,
    run: SnapshotRun,
    progress: LoadingProgress,
    exit: (code: number) => void,
  ) {
    this.engine = engine;
    this.disk = disk;
    this.run = run;
    this.exit = exit;
    this.progress = progress;
    this.directory = new AofDirectory(disk, engine.log, engine.config.values);
    this.writer = new AofWriter(engine, disk, exit);
    this.writer.onProblemChange = () => this.onProblemChange();
    this.writer.onSynced = () => this.onSynced();
    this.writer.skipsSync = () => engine.config.values["no-appendfsync-on-rewrite"] && run.isActive;
    this.rewrite = new AofRewrite(engine, disk, run, this.directory, this);
    this.listenToConfig();
  }

  private listenToConfig(): void {
    const { config } = this.engine;
    config.onApply("appendonly", (isOn) => {
      this.isSuspended = false;
      return isOn ? this.switchOn() : this.switchOff();
    });
    config.onApply("appendfsync", (policy) => {
      this.writer.changePolicy(policy);
      return null;
    });
    config.onApply("aof-timestamp-enabled", (notesTime) => {
      this.writer.notesTime = notesTime;
      return null;
    });
    config.onApply("aof-disable-auto-gc", () => {
      this.directory.removeHistory();
      return null;
    });
  }

  /** Reads the manifest and, with `appendonly yes`, loads all files and opens the last one. */
  async start(): Promise<boolean> {
    const { engine, directory } = this;
    if (!directory.readManifest()) return false;
    if (!engine.config.values.appendonly) return true;
    const loader = new AofLoader(engine, this.disk, directory, this.progress);
    const loaded = await loader.load();
    if (loaded === null) return false;
    if (!this.openAtStart()) return false;
    this.baseBytes = loaded.baseBytes;
    this.loadedPosition = loaded.position;
    this.settledBytes = Math.max(0, loaded.totalBytes - this.writer.sizeBytes);
    return directory.removeHistory();
  }

  /**
   * DEBUG LOADAOF: empties the databases and loads the files as they are now, at once. False where
   * that fails: then the log says why, and the process is about to end.
   */
  reload(): boolean {
    const { engine, directory, writer } = this;
    if (writer.isOpen && !writer.flush()) return false;
    const loader = new AofLoader(engine, this.disk, directory, this.progress);
    const isLoaded = engine.replayWithin(() => {
      emptyDatabases(engine);
      return directory.readManifest() && directory.removeHistory() && loader.loadNow() !== null;
    });
    engine.dirty = 0;
    if (isLoaded) engine.log.warning("Append Only File loaded by DEBUG LOADAOF");
    else this.exit(1);
    return isLoaded;
  }

  /**
   * All data is about to be another's: nothing is appended any more, and the files stay as they
   * are until there is something whole to replace them (stopAppendOnly, aof.c).
   */
  suspend(): void {
    if (!this.engine.config.values.appendonly) return;
    this.switchOff();
    this.isSuspended = true;
  }

  /** There is: it is rewritten, and appended to. */
  resume(): void {
    if (!this.isSuspended) return;
    if (this.switchOn() === null) {
      this.isSuspended = false;
      this.failedResumes = 0;
      return;
    }
    const { log, clock } = this.engine;
    if (++this.failedResumes >= MAX_RESUMES) {
      log.warning(
        "FATAL: this replica instance finished the synchronization with its master, but the " +
          "AOF can't be turned on. Exiting now.",
      );
      this.exit(1);
      return;
    }
    log.warning(
      "Failed enabling the AOF after successful master synchronization! Trying it again in one " +
        "second.",
    );
    this.resumesAtMs = clock.nowMs + RESUME_INTERVAL_MS;
  }

  /** Writes again what failed before, syncs every second, and rewrites where that is due. */
  cron(): void {
    const isDue = this.failedResumes > 0 && this.engine.clock.nowMs >= this.resumesAtMs;
    if (this.isSuspended && isDue) this.resume();
    this.writer.cron();
    this.rewrite.cron();
  }

  /**
   * Stops a rewrite, as the server is about to end. False where that would lose what is only
   * being switched on: then it goes on, unless `isForced`.
   */
  stopRewrite(isForced: boolean): boolean {
    const { log } = this.engine;
    if (!this.rewrite.isRunning) return true;
    if (this.state === "waiting") {
      if (!isForced) {
        log.warning("Writing initial AOF, can't exit.");
        return false;
      }
      log.warning("Writing initial AOF. Exit anyway.");
    }
    log.warning("There is a child rewriting the AOF. Killing it!");
    this.rewrite.stop();
    return true;
  }

  /** Writes and syncs what there is, and closes the file; false where it can't be written. */
  close(): boolean {
    const { engine, writer } = this;
    if (!writer.isOpen) return true;
    engine.log.notice("Calling fsync() on the AOF file.");
    const { position } = engine.replication;
    if (this.state === "on" && position !== null) writer.annotate(streamNote(position));
    // The server may go on.
    if (!writer.flush()) return false;
    engine.effects.detach(writer);
    this.state = "off";
    // All is written: where the last sync fails there is nothing to go on with.
    writer.close();
    return true;
  }

  private openAtStart(): boolean {
    const { directory, engine, writer } = this;
    const { appendfilename } = engine.config.values;
    directory.fix(true);
    if (!directory.make()) return false;
    let manifest = directory.manifest;
    if (manifest.base === null && manifest.increments.length === 0) {
      const base = this.makeFirstBase();
      if (base === null) return false;
      engine.log.notice(`Creating AOF base file ${base.name} on server start`);
      manifest = { ...manifest, base };
    }
    const isNew = manifest.increments.length === 0;
    if (isNew) manifest = withNextIncrement(manifest, appendfilename);
    const { name } = manifest.increments[manifest.increments.length - 1];
    try {
      // What is there without being named by the manifest is of no use.
      writer.open(directory.pathOf(name), isNew);
    } catch (error) {
      return this.cannotOpen(name, error);
    }
    if (manifest !== directory.manifest && !directory.writeManifest(manifest)) return false;
    this.state = "on";
    this.attach();
    engine.log.notice(`${isNew ? "Creating" : "Opening"} AOF incr file ${name} on server start`);
    return true;
  }

  /** The base of a directory in which there is nothing yet. */
  private makeFirstBase(): AofFile | null {
    const { directory, engine, run } = this;
    const { values } = engine.config;
    const format = baseFormat(engine);
    const base = nextBase(directory.manifest, values.appendfilename, format.suffix);
    const temporary = join(directory.home, `temp-rewriteaof-${process.pid}.aof`);
    let problem: string | null = null;
    const syncsAlong = values["aof-rewrite-incremental-fsync"];
    const target = SnapshotFile.make(this.disk, temporary, syncsAlong);
    if (typeof target === "string") {
      problem = target;
    } else {
      run.start({
        name: "AOF rewrite",
        target,
        makeEncoder: format.makeEncoder,
        done: (why) => {
          problem = why;
        },
      });
      run.runToEnd();
    }
    if (problem === null) {
      try {
        this.disk.rename(temporary, directory.pathOf(base.name));
        return base;
      } catch (error) {
        directory.remove(temporary);
        problem = systemErrorText(error);
      }
    }
    engine.log.warning(`Write error writing append only file on disk: ${problem}`);
    return null;
  }

  /** CONFIG SET appendonly yes (startAppendOnly, aof.c). */
  private switchOn(): string | null {
    const { engine, rewrite, writer } = this;
    const { log } = engine;
    this.state = "waiting";
    this.directory.fix(true);
    writer.policy = engine.config.values.appendfsync;
    writer.notesTime = engine.config.values["aof-timestamp-enabled"];
    if (isInTransaction(engine) || (this.run.isActive && !rewrite.isRunning)) {
      const what = isInTransaction(engine)
        ? "AOF was enabled during a transaction."
        : "AOF was enabled but there is already another background operation.";
      rewrite.isScheduled = true;
      log.warning(`${what} An AOF background was scheduled to start when possible.`);
      return null;
    }
    if (rewrite.isRunning) {
      log.warning(
        "AOF was enabled but there is already an AOF rewriting in background. Stopping " +
          "background AOF and starting a rewrite now.",
      );
      rewrite.stop();
    }
    if (rewrite.begin()) return null;
    this.state = "off";
    this.directory.fix(false);
    log.warning("The AOF can't be enabled. Check the above logs for more info about the error.");
    return CANNOT_SWITCH_ON;
  }

  private switchOff(): string | null {
    const { directory, engine, rewrite, writer } = this;
    const wasWaiting = this.state === "waiting";
    this.state = "off";
    rewrite.stop();
    if (writer.isOpen) {
      engine.effects.detach(writer);
      if (!writer.close()) writer.forget();
    }
    if (wasWaiting) directory.remove(directory.pathOf(directory.temporaryIncrement));
    directory.fix(false);
    this.onSynced();
    return null;
  }

  beginNext(): boolean {
    if (this.state === "off") return true;
    return this.state === "waiting" ? this.beginTemporary() : this.beginNumbered();
  }

  private beginTemporary(): boolean {
    const { directory, engine, writer } = this;
    const name = directory.temporaryIncrement;
    try {
      writer.open(directory.pathOf(name), true);
    } catch (error) {
      return this.cannotOpen(name, error);
    }
    this.attach();
    engine.log.notice(`Creating AOF incr file ${name} on background rewrite`);
    return true;
  }

  private beginNumbered(): boolean {
    const { directory, disk, engine, writer } = this;
    const manifest = withNextIncrement(directory.manifest, engine.config.values.appendfilename);
    const { name } = manifest.increments[manifest.increments.length - 1];
    const path = directory.pathOf(name);
    // Behind the last increment there may only be one that is whole.
    if (!writer.flush()) {
      engine.log.warning(`The AOF can't be rewritten while it can't be written: ${this.problem}`);
      return false;
    }
    let descriptor: number;
    try {
      descriptor = openEmpty(disk, path);
    } catch (error) {
      return this.cannotOpen(name, error);
    }
    if (!directory.writeManifest(manifest)) {
      disk.close(descriptor);
      directory.remove(path);
      return false;
    }
    this.settledBytes += writer.sizeBytes;
    writer.continueIn(descriptor, path);
    engine.log.notice(`Creating AOF incr file ${name} on background rewrite`);
    return true;
  }

  named(path: string): void {
    this.writer.renamed(path);
  }

  rebased(baseBytes: number): void {
    this.settledBytes = baseBytes;
    this.baseBytes = this.currentBytes;
    if (this.state !== "waiting") return;
    this.state = "on";
    this.onSynced();
  }

  abandon(): void {
    const { directory, engine, writer } = this;
    const name = directory.temporaryIncrement;
    engine.effects.detach(writer);
    writer.abandon();
    engine.log.notice(`Removing the temp incr aof file ${name} in the background`);
    directory.remove(directory.pathOf(name));
  }

  private attach(): void {
    const { config, effects } = this.engine;
    this.writer.policy = config.values.appendfsync;
    this.writer.notesTime = config.values["aof-timestamp-enabled"];
    effects.attach(this.writer);
  }

  private cannotOpen(name: string, error: unknown): false {
    const reason = systemErrorText(error);
    this.engine.log.warning(`Can't open the append-only file ${name}: ${reason}`);
    return false;
  }

  /** Why the file could not be written or synced, or "". */
  get problem(): string {
    return this.writer.problem || this.writer.sync.problem;
  }

  /** Until when all is in files that make up the whole, and on the disk; null: nothing is. */
  get synced(): SyncPoint | null {
    return this.state === "on" ? this.writer.synced : null;
  }

  get currentBytes(): number {
    return this.settledBytes + this.writer.sizeBytes;
  }

  resetStatistics(): void {
    this.writer.delayedSyncs = 0;
    this.rewrite.resetStatistics();
  }

  infoFields(): InfoField[] {
    return [
      ["aof_enabled", this.state === "off" ? 0 : 1],
      ...this.rewrite.infoFields(),
      ["aof_last_write_status", this.problem === "" ? "ok" : "err"],
      ["aof_last_cow_size", 0],
    ];
  }

  /** Those that are there only while the file is written. */
  openFileFields(): InfoField[] {
    if (!this.engine.config.values.appendonly) return [];
    const { writer } = this;
    return [
      ["aof_current_size", this.currentBytes],
      ["aof_base_size", this.baseBytes],
      ["aof_pending_rewrite", this.rewrite.isScheduled ? 1 : 0],
      ["aof_buffer_length", writer.bufferedBytes],
      ["aof_pending_bio_fsync", writer.sync.isRunning ? 1 : 0],
      ["aof_delayed_fsync", writer.delayedSyncs],
    ];
  }
}
