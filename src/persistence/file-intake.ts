/**
 * A primary's snapshot that goes to a file first (`repl-diskless-load disabled`):
 *
 *     receiving    written to a temporary file, which is synced now and then
 *     published    whole, synced, and under the name of the server's own RDB file
 *     loading      the old data has gone, and the file is read
 *
 * So a failure before the load leaves everything as it was, and one during it leaves nothing.
 */
import { join } from "node:path";
import { systemErrorText } from "../engine/config/system-errors.ts";
import type { IntakeOptions, SnapshotIntake } from "../engine/persistence.ts";
import { beginLoading, fileSource, rdbLoader } from "./_loading.ts";
import type { SlicedLoad } from "./_sliced-load.ts";
import { reasonUnreadable, reportUnreadable } from "./rdb-form.ts";
import { publish, removeQuietly, SnapshotFile } from "./snapshot-file.ts";
import type { Takeover } from "./takeover.ts";

type Done = (problem: string | null) => void;

export class FileIntake implements SnapshotIntake {
  problem: string | null = null;
  database = -1;
  private load: SlicedLoad | null = null;
  private descriptor = -1;
  private isOver = false;
  private readonly takeover: Takeover;
  private readonly options: IntakeOptions;
  private readonly file: SnapshotFile;
  /** Where it goes in the end; the configuration may change meanwhile. */
  private readonly directory: string;
  private readonly path: string;

  private constructor(takeover: Takeover, options: IntakeOptions, file: SnapshotFile) {
    const { dir, dbfilename } = takeover.engine.config.values;
    this.takeover = takeover;
    this.options = options;
    this.file = file;
    this.directory = dir;
    this.path = join(dir, dbfilename);
  }

  /** A text says why the file can't be made. */
  static begin(takeover: Takeover, options: IntakeOptions): FileIntake | string {
    const { clock, config, log } = takeover.engine;
    const name = `temp-${Math.floor(clock.nowMs / 1000)}.${process.pid}.rdb`;
    const file = SnapshotFile.make(takeover.disk, join(config.values.dir, name), true);
    if (typeof file !== "string") return new FileIntake(takeover, options, file);
    log.warning(
      `Opening the temp file needed for MASTER <-> REPLICA synchronization: ${name}: ${file}`,
    );
    return file;
  }

  get isBusy(): boolean {
    return this.file.isBusy;
  }

  whenFree(done: () => void): void {
    this.file.whenFree(done);
  }

  write(bytes: Uint8Array, start: number, length: number): void {
    if (this.problem !== null) return;
    const { file } = this;
    file.write(bytes, start, length);
    if (file.problem === null) return;
    this.refuse(
      "Write error or short write writing to the DB dump file needed for MASTER <-> REPLICA " +
        "synchronization",
      file.problem,
    );
    file.discard();
  }

  finish(done: Done): void {
    if (this.problem !== null) {
      const { problem } = this;
      setImmediate(() => done(problem));
      return;
    }
    this.file.finish(() => {
      if (this.isOver) return;
      this.written(done);
    });
  }

  abort(): void {
    if (this.isOver) return;
    this.isOver = true;
    if (this.load === null) {
      if (this.problem === null) this.file.discard();
      return;
    }
    this.load.stop();
    this.takeover.empty();
    this.endLoad(false);
  }

  private written(done: Done): void {
    const { disk } = this.takeover;
    const { file } = this;
    if (file.problem !== null) {
      this.refuse("Failed trying to sync the temp DB to disk", file.problem);
      this.over(done);
      return;
    }
    this.takeover.stopWriters();
    try {
      publish(disk, file.path, this.path);
      disk.syncDirectory(this.directory);
      this.descriptor = disk.open(this.path, "r");
    } catch (error) {
      this.refuse("Failed trying to rename the temp DB", systemErrorText(error));
      this.over(done);
      return;
    }
    this.begin(done);
  }

  private begin(done: Done): void {
    const { takeover, file } = this;
    const { engine, disk, progress } = takeover;
    this.options.onReplace();
    takeover.noteFlush();
    takeover.empty();
    takeover.noteLoad();
    beginLoading(engine, progress, file.sizeBytes);
    const source = fileSource(disk, this.descriptor, file.sizeBytes);
    const loader = rdbLoader(engine, source, { keepsExpired: true, replaces: false });
    this.load = takeover.loading.inSlices(loader, (error) => {
      if (error === null) this.database = takeover.loading.streamDatabase;
      else this.loadFailed(error);
      this.endLoad(error === null);
      this.over(done);
    });
  }

  private loadFailed(error: unknown): void {
    const { engine } = this.takeover;
    reportUnreadable(engine.log, error);
    this.refuse("Failed trying to load the DB", reasonUnreadable(error));
    this.takeover.empty();
  }

  private endLoad(hasSucceeded: boolean): void {
    const { takeover } = this;
    takeover.disk.close(this.descriptor);
    if (takeover.keepsNothing) {
      takeover.engine.log.notice(
        "Removing the RDB file obtained from the master. This replica has persistence disabled",
      );
      removeQuietly(takeover.disk, this.path);
    }
    takeover.end(hasSucceeded);
  }

  private over(done: Done): void {
    this.isOver = true;
    done(this.problem);
  }

  private refuse(what: string, reason: string): void {
    this.problem = reason;
    this.takeover.engine.log.warning(`${what}: ${reason}`);
  }
}
