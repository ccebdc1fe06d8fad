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
import type { Engine } from "../engine/engine.ts";
import type { InfoField, Persistence } from "../engine/persistence.ts";
import { MISCONFIGURED_RDB, misconfiguredAof } from "../protocol/errors.ts";
import { Aof } from "./aof.ts";
import { LoadingProgress } from "./loading-progress.ts";
import { RdbSaver } from "./rdb-saver.ts";

export class FilePersistence implements Persistence {
  readonly aof: Aof;
  readonly saver: RdbSaver;
  readonly progress = new LoadingProgress();
  private readonly engine: Engine;

  /** `exit` ends the process when `appendfsync always` cannot be kept any more. */
  constructor(engine: Engine, disk: Disk, exit: (code: number) => void) {
    this.engine = engine;
    this.aof = new Aof(engine, disk, this.progress, exit);
    this.saver = new RdbSaver(engine);
    this.aof.onProblemChange = () => this.setGate();
    engine.persistence = this;
  }

  /** Loads what there is; false where the start must be refused. */
  start(): Promise<boolean> {
    return this.aof.start();
  }

  cron(): void {
    this.aof.cron();
  }

  get bufferBytes(): number {
    return this.aof.writer.bufferBytes;
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
    this.aof.writer.delayedSyncs = 0;
  }

  infoFields(): readonly InfoField[] {
    const { progress } = this;
    return [
      ["loading", progress.isLoading ? 1 : 0],
      ["async_loading", 0],
      // Nothing is forked: no memory is ever copied on write.
      ["current_cow_peak", 0],
      ["current_cow_size", 0],
      ["current_cow_size_age", 0],
      ["current_fork_perc", "0.00"],
      ["current_save_keys_processed", 0],
      ["current_save_keys_total", 0],
      ...this.saver.infoFields(),
      ...this.aof.infoFields(),
      ["module_fork_in_progress", 0],
      ["module_fork_last_cow_size", 0],
      ...this.aof.openFileFields(),
      ...progress.fields(Math.floor(this.engine.clock.nowMs / 1000)),
    ];
  }
}
