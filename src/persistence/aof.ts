/**
 * The append-only file of a server: loaded at the start, appended to while it is on, switched
 * on and off by CONFIG SET. Part of `FilePersistence` (persistence.ts), which tells when.
 */
import { errorCode, writeWhole } from "../base/disk.ts";
import type { Disk } from "../base/disk.ts";
import { REDIS_VERSION } from "../base/version.ts";
import { systemErrorText } from "../engine/config/system-errors.ts";
import type { Engine } from "../engine/engine.ts";
import type { InfoField } from "../engine/persistence.ts";
import { writeBase } from "./aof-base.ts";
import { AofDirectory } from "./aof-directory.ts";
import { AofLoader } from "./aof-loader.ts";
import { AofWriter } from "./aof-writer.ts";
import { writeEmptyRdb } from "./empty-rdb.ts";
import { CommandEncoder } from "./command-encoder.ts";
import type { LoadingProgress } from "./loading-progress.ts";
import { nextBase, rebased, withNextIncrement } from "./manifest.ts";
import type { AofFile } from "./manifest.ts";

export class Aof {
  readonly writer: AofWriter;
  /** `problem` came or went. */
  onProblemChange: () => void = () => {};
  private isOn = false;
  private baseBytes = 0;
  /** Length of all files but the increment that grows. */
  private settledBytes = 0;
  private rewrites = 0;
  private lastRewriteSeconds = -1;
  private hasRewriteFailed = false;
  private readonly progress: LoadingProgress;
  private readonly directory: AofDirectory;
  private readonly engine: Engine;
  private readonly disk: Disk;

  /** `exit` ends the process when `appendfsync always` cannot be kept any more. */
  constructor(engine: Engine, disk: Disk, progress: LoadingProgress, exit: (code: number) => void) {
    this.engine = engine;
    this.disk = disk;
    this.progress = progress;
    this.directory = new AofDirectory(disk, engine.log, engine.config.values);
    this.writer = new AofWriter(engine, disk, exit);
    this.writer.onProblemChange = () => this.onProblemChange();
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
          const { disk } = this;
          const encoder = new CommandEncoder(
            engine.context,
            (bytes, start, length) => writeWhole(disk, descriptor, bytes, start, length),
            noted,
          );
          writeBase(engine.keyspace, encoder);
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

  /** Why the file could not be written or synced, or "". */
  get problem(): string {
    return this.writer.problem || this.writer.sync.problem;
  }

  infoFields(): InfoField[] {
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

  /** Those that are there only while the file is written. */
  openFileFields(): InfoField[] {
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
