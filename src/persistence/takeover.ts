/**
 * What surrounds the load of a snapshot that a primary has sent, however that comes: nobody writes
 * files of the old data any more, which goes, or is put away; and what is there in the end is in
 * files again. Order of events and log: readSyncBulkPayload (replication.c, Redis 7).
 */
import type { Disk } from "../base/disk.ts";
import { emptyDatabases } from "../engine/emptying.ts";
import type { Engine } from "../engine/engine.ts";
import type { Aof } from "./aof.ts";
import { endLoading } from "./_loading.ts";
import type { LoadingProgress } from "./loading-progress.ts";
import type { RdbLoading } from "./rdb-loading.ts";
import type { RdbSaver } from "./rdb-saver.ts";

export class Takeover {
  readonly engine: Engine;
  readonly disk: Disk;
  readonly loading: RdbLoading;
  readonly progress: LoadingProgress;
  /** Holds what has come and is not loaded yet. */
  buffer: { readonly bufferedBytes: number } | null = null;
  private readonly aof: Aof;
  private readonly saver: RdbSaver;

  constructor(
    engine: Engine,
    disk: Disk,
    loading: RdbLoading,
    progress: LoadingProgress,
    aof: Aof,
    saver: RdbSaver,
  ) {
    this.engine = engine;
    this.disk = disk;
    this.loading = loading;
    this.progress = progress;
    this.aof = aof;
    this.saver = saver;
  }

  get bufferedBytes(): number {
    return this.buffer?.bufferedBytes ?? 0;
  }

  /** Ends what is being written of the old data. */
  stopWriters(): void {
    this.aof.suspend();
    if (!this.saver.isSaving) return;
    this.engine.log.notice(
      "Replica is about to load the RDB file received from the master, but there is a pending " +
        "RDB child running. Ending it to avoid any race",
    );
    this.saver.abort();
  }

  /** All keys and functions go. */
  empty(): void {
    emptyDatabases(this.engine);
    this.engine.context.functionLibraries.length = 0;
  }

  noteFlush(): void {
    this.engine.log.notice("MASTER <-> REPLICA sync: Flushing old data");
  }

  noteLoad(): void {
    this.loading.reset();
    this.engine.log.notice("MASTER <-> REPLICA sync: Loading DB in memory");
  }

  /** The load is over; where it has succeeded, the data is written again. */
  end(hasSucceeded: boolean): void {
    this.buffer = null;
    endLoading(this.engine, this.progress);
    if (hasSucceeded) this.aof.resume();
  }

  /** Whether no file is to outlive the server (allPersistenceDisabled). */
  get keepsNothing(): boolean {
    const { values } = this.engine.config;
    return values["rdb-del-sync-files"] && values.save.length === 0 && !values.appendonly;
  }
}
