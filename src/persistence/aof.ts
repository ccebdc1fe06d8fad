/**
 * The append-only file of a server: loaded at the start, appended to while it is on, switched
 * on and off by CONFIG SET. The composition root calls, in this order,
 *
 *     const aof = new Aof(engine, disk, exit);       attaches itself to engine and configuration
 *     if (!(await aof.start())) exit(1);             the log says why
 *     turn.requireBeforeReplies(aof.writer);         nothing is acknowledged before it is written
 *     aof.writer.onRecovered = () => turn.release();
 *     aof.cron();                                    ten times a second
 *     aof.close();                                   at the end
 *
 * While `start` runs, clients may be served: the loading gate is shut before it first waits.
 */
import { errorCode } from "../base/disk.ts";
import type { Disk } from "../base/disk.ts";
import { REDIS_VERSION } from "../base/version.ts";
import { GATE_DISK } from "../engine/admission.ts";
import { systemErrorText } from "../engine/config/system-errors.ts";
import type { Engine } from "../engine/engine.ts";
import type { InfoField, Persistence } from "../engine/persistence.ts";
import { misconfiguredAof } from "../protocol/errors.ts";
import { writeBase } from "./aof-base.ts";
import { AofDirectory } from "./aof-directory.ts";
import { AofLoader } from "./aof-loader.ts";
import { AofWriter } from "./aof-writer.ts";
import { writeEmptyRdb } from "./empty-rdb.ts";
import { LoadingProgress } from "./loading-progress.ts";
import { nextBase, rebased, withNextIncrement } from "./manifest.ts";
import type { AofFile } from "./manifest.ts";

export class Aof implements Persistence {
  readonly writer: AofWriter;
  private isOn = false;
  private baseBytes = 0;
  /** Length of all files but the increment that grows. */
  private settledBytes = 0;
  private rewrites = 0;
  private lastRewriteSeconds = -1;
  private hasRewriteFailed = false;
  private readonly progress = new LoadingProgress();
  private readonly directory: AofDirectory;
  private readonly engine: Engine;
  private readonly disk: Disk;
  private readonly startedSeconds: number;

  /** `exit` ends the process when `appendfsync always` cannot be kept any more. */
  constructor(engine: Engine, disk: Disk, exit: (code: number) => void) {
    this.engine = engine;
    this.disk = disk;
    this.startedSeconds = Math.floor(engine.clock.nowMs / 1000);
    this.directory = new AofDirectory(disk, engine.log, engine.config.values);
    this.writer = new AofWriter(engine, disk, exit);
    this.writer.onProblemChange = () => this.setGate();
    engine.persistence = this;
    this.listenToConfig();
  }

  private listenToConfig(): void {
    const { config } = this.engine;
    config.onApply("appendonly", (isOn) => (isOn ? this.switchOn() : this.switchOff()));
    config.onApply("appendfsync", (policy) => {
      this.writer.changePolicy(policy);
      return null;
    });
    config.onApply("aof-timestamp-enabled", (notesTime) => {
      this.writer.notesTime = notesTime;
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
    this.settledBytes = Math.max(0, loaded.totalBytes - this.writer.sizeBytes);
    return directory.removeHistory();
  }

  /** Writes again what failed before, and syncs every second. */
  cron(): void {
    this.writer.cron();
  }

  /** Writes and syncs what there is, and closes the file; false where the disk refused. */
  close(): boolean {
    if (!this.isOn) return true;
    this.engine.log.notice("Calling fsync() on the AOF file.");
    return this.detach();
  }

  private openAtStart(): boolean {
    const { directory, engine } = this;
    const { appendfilename } = engine.config.values;
    if (!directory.make()) return false;
    let manifest = directory.manifest;
    if (manifest.base === null && manifest.increments.length === 0) {
      const base = this.makeBase();
      if (base === null) return false;
      engine.log.notice(`Creating AOF base file ${base.name} on server start`);
      manifest = { ...manifest, base };
    }
    const isNew = manifest.increments.length === 0;
    if (isNew) manifest = withNextIncrement(manifest, appendfilename);
    const { name } = manifest.increments[manifest.increments.length - 1];
    if (!this.openIncrement(name)) return false;
    if (manifest !== directory.manifest && !directory.writeManifest(manifest)) return false;
    this.attach();
    engine.log.notice(`${isNew ? "Creating" : "Opening"} AOF incr file ${name} on server start`);
    return true;
  }

  /** CONFIG SET appendonly yes: what there is now becomes the base of a new increment. */
  private switchOn(): string | null {
    const { directory, engine } = this;
    const { clock, config } = engine;
    const startUs = clock.monotonicUs();
    const before = directory.manifest;
    const isReady = directory.make();
    const base = isReady ? this.makeBase() : null;
    this.hasRewriteFailed = base === null;
    if (base === null) return this.cannotSwitchOn();
    const manifest = rebased(before, base, config.values.appendfilename);
    const { name } = manifest.increments[0];
    // Left from an attempt whose manifest was never written.
    this.discardIncrement(name);
    if (!this.openIncrement(name)) return this.cannotSwitchOn();
    if (!directory.writeManifest(manifest)) {
      this.writer.close();
      return this.cannotSwitchOn();
    }
    engine.log.notice(`Creating AOF incr file ${name} on background rewrite`);
    this.attach();
    directory.removeHistory();
    this.rewrites++;
    this.lastRewriteSeconds = Math.floor((clock.monotonicUs() - startUs) / 1_000_000);
    this.baseBytes = this.disk.sizeBytes(directory.pathOf(base.name));
    this.settledBytes = this.baseBytes;
    return null;
  }

  private cannotSwitchOn(): string {
    this.engine.log.warning(
      "The AOF can't be enabled. Check the above logs for more info about the error.",
    );
    return "Unable to turn on AOF. Check server logs.";
  }

  private switchOff(): string | null {
    if (this.isOn && !this.detach()) this.writer.forget();
    return null;
  }

  private attach(): void {
    const { config, effects } = this.engine;
    this.isOn = true;
    this.writer.policy = config.values.appendfsync;
    this.writer.notesTime = config.values["aof-timestamp-enabled"];
    effects.attach(this.writer);
  }

  /** Whether all that was pending is on the disk. */
  private detach(): boolean {
    this.isOn = false;
    this.engine.effects.detach(this.writer);
    return this.writer.close();
  }

  /** Makes the next base: an RDB where there are no keys and one is wanted, else commands. */
  private makeBase(): AofFile | null {
    const { directory, engine } = this;
    const { values } = engine.config;
    const nowSeconds = Math.floor(engine.clock.nowMs / 1000);
    const isEmpty = engine.keyspace.keyCount === 0;
    const isRdb = isEmpty && values["aof-use-rdb-preamble"];
    const base = nextBase(directory.manifest, values.appendfilename, isRdb ? "rdb" : "aof");
    const noted = values["aof-timestamp-enabled"] ? nowSeconds : null;
    const temporary = `temp-rewriteaof-${process.pid}.aof`;
    const problem = isRdb
      ? directory.writeFile(temporary, base.name, this.emptyRdb(nowSeconds))
      : directory.makeFile(temporary, base.name, (descriptor) => {
          writeBase(engine.keyspace, this.disk, descriptor, noted);
        });
    if (problem === null) return base;
    engine.log.warning(`Write error writing append only file on disk: ${problem}`);
    return null;
  }

  private emptyRdb(nowSeconds: number): Uint8Array {
    return writeEmptyRdb([
      ["redis-ver", REDIS_VERSION],
      ["redis-bits", 64],
      ["ctime", nowSeconds],
      ["used-mem", this.engine.keyspace.usedBytes],
      ["aof-base", 1],
    ]);
  }

  private openIncrement(name: string): boolean {
    try {
      this.writer.open(this.directory.pathOf(name));
      this.disk.syncDirectory(this.directory.path);
      return true;
    } catch (error) {
      this.writer.close();
      const reason = systemErrorText(error);
      this.engine.log.warning(`Can't open the append-only file ${name}: ${reason}`);
      return false;
    }
  }

  private discardIncrement(name: string): void {
    try {
      this.disk.remove(this.directory.pathOf(name));
    } catch (error) {
      if (errorCode(error) === "ENOENT") return;
      this.engine.log.warning(`Could not remove ${name}: ${systemErrorText(error)}`);
    }
  }

  private get problem(): string {
    return this.writer.problem || this.writer.sync.problem;
  }

  private setGate(): void {
    if (this.problem === "") this.engine.open(GATE_DISK);
    else this.engine.shut(GATE_DISK);
  }

  writeRefusal(): string {
    return misconfiguredAof(this.problem);
  }

  get bufferBytes(): number {
    return this.writer.bufferBytes;
  }

  resetStatistics(): void {
    this.writer.delayedSyncs = 0;
  }

  infoFields(): readonly InfoField[] {
    const { progress } = this;
    const nowSeconds = Math.floor(this.engine.clock.nowMs / 1000);
    return [
      ["loading", progress.isLoading ? 1 : 0],
      ["async_loading", 0],
      ["current_cow_peak", 0],
      ["current_cow_size", 0],
      ["current_cow_size_age", 0],
      ["current_fork_perc", "0.00"],
      ["current_save_keys_processed", 0],
      ["current_save_keys_total", 0],
      ...this.rdbFields(),
      ...this.aofFields(),
      ["module_fork_in_progress", 0],
      ["module_fork_last_cow_size", 0],
      ...this.openFileFields(),
      ...progress.fields(nowSeconds),
    ];
  }

  private rdbFields(): InfoField[] {
    return [
      ["rdb_changes_since_last_save", this.engine.dirty],
      ["rdb_bgsave_in_progress", 0],
      ["rdb_last_save_time", this.startedSeconds],
      ["rdb_last_bgsave_status", "ok"],
      ["rdb_last_bgsave_time_sec", -1],
      ["rdb_current_bgsave_time_sec", -1],
      ["rdb_saves", 0],
      ["rdb_last_cow_size", 0],
      ["rdb_last_load_keys_expired", 0],
      ["rdb_last_load_keys_loaded", 0],
    ];
  }

  private aofFields(): InfoField[] {
    return [
      ["aof_enabled", this.engine.config.values.appendonly ? 1 : 0],
      ["aof_rewrite_in_progress", 0],
      ["aof_rewrite_scheduled", 0],
      ["aof_last_rewrite_time_sec", this.lastRewriteSeconds],
      ["aof_current_rewrite_time_sec", -1],
      ["aof_last_bgrewrite_status", this.hasRewriteFailed ? "err" : "ok"],
      ["aof_rewrites", this.rewrites],
      ["aof_rewrites_consecutive_failures", this.hasRewriteFailed ? 1 : 0],
      ["aof_last_write_status", this.problem === "" ? "ok" : "err"],
      ["aof_last_cow_size", 0],
    ];
  }

  private openFileFields(): InfoField[] {
    if (!this.engine.config.values.appendonly) return [];
    const { writer } = this;
    return [
      ["aof_current_size", this.settledBytes + writer.sizeBytes],
      ["aof_base_size", this.baseBytes],
      ["aof_pending_rewrite", 0],
      ["aof_buffer_length", writer.bufferedBytes],
      ["aof_pending_bio_fsync", writer.sync.isRunning ? 1 : 0],
      ["aof_delayed_fsync", writer.delayedSyncs],
    ];
  }
}
