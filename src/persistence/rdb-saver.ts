/**
 * The snapshot file: when it is written, and what becomes of it. A snapshot that goes to replicas
 * takes the same place: while one is written there is no other.
 *
 * A new file replaces the old one by a rename once it is whole and synced, so a crash leaves the
 * one or the other. `engine.dirty` counts changes since the last one: what was counted when a save
 * in the background began is subtracted when it has succeeded.
 */
import { join } from "node:path";
import type { Disk } from "../base/disk.ts";
import { systemErrorText } from "../engine/config/system-errors.ts";
import type { Engine } from "../engine/engine.ts";
import type { InfoField, SnapshotContent } from "../engine/persistence.ts";
import type { SnapshotTarget } from "../engine/snapshot-target.ts";
import { rdbEncoder, WHOLE } from "./rdb-form.ts";
import { openQuietly, publish, removeQuietly, SnapshotFile } from "./snapshot-file.ts";
import type { SnapshotRun, SnapshotTask, SnapshotWrite } from "./snapshot-run.ts";

/** After a failure, how long until a save point has it tried again (CONFIG_BGSAVE_RETRY_DELAY). */
const RETRY_DELAY_SECONDS = 5;

/** Where a save writes; the configuration may change meanwhile. */
interface Place {
  readonly directory: string;
  readonly name: string;
  readonly temporary: string;
}

interface Attempt {
  readonly startedSeconds: number;
  /** Of the changes that are counted, those that the file will hold. */
  dirty: number;
  /** Its snapshot is being written; before and after that, others may be. */
  isWriting: boolean;
  /** It goes to replicas and not to the file. */
  readonly isSending: boolean;
  /** Who hears of its end, whatever that is: null, or what went wrong. */
  readonly onEnd: (problem: string | null) => void;
}

export class RdbSaver {
  lastSaveSeconds: number;
  saves = 0;
  /** `refusesWrites` may have changed. */
  onStatusChange: () => void = () => {};
  private isScheduled = false;
  /** The file was made for replicas by a server that keeps none. */
  private isOnlyForReplicas = false;
  private hasFailed = false;
  private lastTrySeconds = 0;
  private lastDurationSeconds = -1;
  /** What runs in the background. */
  private attempt: Attempt | null = null;
  private readonly engine: Engine;
  private readonly disk: Disk;
  private readonly run: SnapshotRun;

  constructor(engine: Engine, disk: Disk, run: SnapshotRun) {
    this.engine = engine;
    this.disk = disk;
    this.run = run;
    this.lastSaveSeconds = this.nowSeconds;
  }

  get isSaving(): boolean {
    return this.attempt !== null;
  }

  /** Nobody may write what could not be saved (stop-writes-on-bgsave-error). */
  get refusesWrites(): boolean {
    const { values } = this.engine.config;
    return this.hasFailed && values["stop-writes-on-bgsave-error"] && values.save.length > 0;
  }

  /** SAVE: at once, everybody waits. Whether it worked. */
  save(): boolean {
    // Something else may be in the middle of a snapshot, of which there is one at a time.
    this.run.runToEnd();
    let isSaved = false;
    const place = this.place();
    const target = this.makeFile(place);
    if (target === null) return false;
    this.run.start({
      ...this.task(target),
      done: (reason) => {
        isSaved = reason === null ? this.publishNow(place) : this.writeFailed(reason);
      },
    });
    this.run.runToEnd();
    return isSaved;
  }

  /**
   * The last save before the end: in slices, so that signals are heard, though nobody is served.
   * Null, or it could not begin; then `done` is not called.
   */
  saveUrgently(done: (isSaved: boolean) => void): boolean {
    const place = this.place();
    const target = this.makeFile(place);
    if (target === null) return false;
    this.run.start({
      ...this.task(target),
      isUrgent: true,
      done: (reason) => done(reason === null ? this.publishNow(place) : this.writeFailed(reason)),
    });
    return true;
  }

  /**
   * BGSAVE; false where a snapshot is being written. `onEnd` hears of the end, which may be an
   * abort; the file is there by then, under its name.
   */
  saveInBackground(
    onEnd: (path: string | null) => void = () => {},
    content: SnapshotContent = WHOLE,
  ): boolean {
    const place = this.place();
    const path = join(place.directory, place.name);
    const attempt = this.attemptTo(false, (problem) => onEnd(problem === null ? path : null));
    if (attempt === null) return false;
    this.saves++;
    this.lastTrySeconds = attempt.startedSeconds;
    this.engine.log.notice(`Background saving started by pid ${process.pid}`);
    const target = this.makeFile(place);
    if (target === null) {
      setImmediate(() => this.ended(attempt, false));
      return true;
    }
    attempt.isWriting = true;
    this.run.start({
      ...this.task(target, content),
      done: (reason) => {
        attempt.isWriting = false;
        if (reason === null) this.publishLater(place, attempt);
        else this.ended(attempt, this.writeFailed(reason));
      },
    });
    return true;
  }

  /** The same, where the file may be `onlyForReplicas`. */
  saveForReplicas(
    onlyForReplicas: boolean,
    content: SnapshotContent,
    onEnd: (path: string | null) => void,
  ): boolean {
    if (!this.saveInBackground(onEnd, content)) return false;
    if (onlyForReplicas) this.isOnlyForReplicas = true;
    return true;
  }

  /** Ends that before its end, unheard by who has asked for it. */
  abortSavingForReplicas(): void {
    const { attempt } = this;
    if (attempt === null || attempt.isSending) return;
    this.stop(attempt);
    this.engine.log.warning("Background saving aborted");
  }

  /** Full synchronisations are over: removes a file that is still wanted by nobody else. */
  syncsEnded(isWantedByNobody: boolean): void {
    const { isOnlyForReplicas, attempt, disk } = this;
    const { log, config } = this.engine;
    if (!isOnlyForReplicas || attempt !== null) return;
    if (!config.values["rdb-del-sync-files"]) this.isOnlyForReplicas = false;
    const { directory, name } = this.place();
    const path = join(directory, name);
    if (!isWantedByNobody || !disk.exists(path)) return;
    this.isOnlyForReplicas = false;
    log.notice("Removing the RDB file used to feed replicas in a persistence-less instance");
    const descriptor = openQuietly(disk, path);
    removeQuietly(disk, path);
    if (descriptor >= 0) disk.closeLater(descriptor);
  }

  /** Writes a snapshot to replicas; false where one is being written. */
  send(
    target: SnapshotTarget,
    content: SnapshotContent,
    onEnd: (problem: string | null) => void,
  ): boolean {
    const attempt = this.attemptTo(true, onEnd);
    if (attempt === null) return false;
    this.engine.log.notice(`Background RDB transfer started by pid ${process.pid}`);
    if (!content.hasKeys) {
      this.writeWithoutKeys(target, content);
      target.finish(() => this.sent(attempt, target.problem));
      return true;
    }
    attempt.isWriting = true;
    this.run.start({
      ...this.task(target, content),
      name: "Sending the RDB to replicas",
      done: (reason) => this.sent(attempt, reason),
    });
    return true;
  }

  /** Ends that, unheard by who has asked for it. */
  abortSending(): void {
    if (this.attempt?.isSending === true) this.stop(this.attempt);
  }

  private attemptTo(isSending: boolean, onEnd: (problem: string | null) => void): Attempt | null {
    if (this.attempt !== null || this.run.isActive) return null;
    const { dirty, stats } = this.engine;
    const startedSeconds = this.nowSeconds;
    const attempt = { startedSeconds, dirty, isWriting: false, isSending, onEnd };
    stats.snapshots++;
    this.attempt = attempt;
    return attempt;
  }

  schedule(): void {
    this.isScheduled = true;
  }

  /** Stops what runs in the background; what it has written so far is discarded. */
  abort(): void {
    const { attempt, engine } = this;
    if (attempt === null) return;
    const startUs = engine.clock.monotonicUs();
    this.stop(attempt);
    if (attempt.isSending) {
      engine.log.warning("Background transfer aborted");
    } else {
      const tookMs = (engine.clock.monotonicUs() - startUs) / 1000;
      engine.latency.sample("rdb-unlink-temp-file", tookMs);
      engine.log.warning("Background saving aborted");
    }
    // Whoever hears of it may not begin anew in the middle of what it makes way for.
    setImmediate(() => attempt.onEnd("aborted"));
  }

  private stop(attempt: Attempt): void {
    this.attempt = null;
    this.lastDurationSeconds = this.nowSeconds - attempt.startedSeconds;
    if (attempt.isWriting) this.run.abort();
  }

  /** FLUSHALL: with save points, what was there is to be gone from the disk as well. */
  databasesFlushed(keys: number): void {
    this.abort();
    if (this.engine.config.values.save.length === 0) return;
    // What the handler reports, and the engine adds, is saved already.
    if (this.saveEmpty()) this.engine.dirty = 0 - keys;
  }

  /** Ten times a second: save points, and what was scheduled. */
  cron(): void {
    if (this.attempt !== null || this.run.isActive) return;
    const { config, dirty, log } = this.engine;
    const nowSeconds = this.nowSeconds;
    const mayTry = !this.hasFailed || nowSeconds - this.lastTrySeconds > RETRY_DELAY_SECONDS;
    if (!mayTry) return;
    const sinceSeconds = nowSeconds - this.lastSaveSeconds;
    const due = config.values.save.find(
      ({ seconds, changes }) => dirty >= changes && sinceSeconds > seconds,
    );
    if (due !== undefined) {
      log.notice(`${due.changes} changes in ${due.seconds} seconds. Saving...`);
      this.saveInBackground();
    } else if (this.isScheduled && this.saveInBackground()) {
      this.isScheduled = false;
    }
  }

  infoFields(): InfoField[] {
    const { attempt } = this;
    return [
      ["rdb_changes_since_last_save", this.engine.dirty],
      ["rdb_bgsave_in_progress", attempt === null ? 0 : 1],
      ["rdb_last_save_time", this.lastSaveSeconds],
      ["rdb_last_bgsave_status", this.hasFailed ? "err" : "ok"],
      ["rdb_last_bgsave_time_sec", this.lastDurationSeconds],
      [
        "rdb_current_bgsave_time_sec",
        attempt === null ? -1 : this.nowSeconds - attempt.startedSeconds,
      ],
      ["rdb_saves", this.saves],
      ["rdb_last_cow_size", 0],
    ];
  }

  /** The temporary file; another process may have one of its own in the same directory. */
  get temporaryPath(): string {
    const { directory, temporary } = this.place();
    return join(directory, temporary);
  }

  private place(): Place {
    const { dir, dbfilename } = this.engine.config.values;
    return { directory: dir, name: dbfilename, temporary: `temp-${process.pid}.rdb` };
  }

  private get nowSeconds(): number {
    return Math.floor(this.engine.clock.nowMs / 1000);
  }

  private task(target: SnapshotTarget, content = WHOLE): Omit<SnapshotTask, "done"> {
    const { engine } = this;
    return {
      name: "Saving the RDB file",
      target,
      makeEncoder: (write) => rdbEncoder(engine, write, false, content),
    };
  }

  /** Null, and the reason in the log, where it can't be made. */
  private makeFile({ directory, temporary }: Place): SnapshotFile | null {
    const { log, config } = this.engine;
    const syncsAlong = config.values["rdb-save-incremental-fsync"];
    const file = SnapshotFile.make(this.disk, join(directory, temporary), syncsAlong);
    if (typeof file !== "string") return file;
    log.warning(
      `Failed opening the temp RDB file ${temporary} (in server root dir ${directory}) ` +
        `for saving: ${file}`,
    );
    return null;
  }

  /** A file without keys, whatever snapshot may be running. */
  private saveEmpty(): boolean {
    const place = this.place();
    const file = this.makeFile(place);
    if (file === null) return false;
    this.writeWithoutKeys(file, WHOLE);
    file.finishNow();
    return file.problem === null ? this.publishNow(place) : this.writeFailed(file.problem);
  }

  private writeWithoutKeys(target: SnapshotTarget, content: SnapshotContent): void {
    const write: SnapshotWrite = (bytes, start, length) => target.write(bytes, start, length);
    const encoder = rdbEncoder(this.engine, write, false, content);
    encoder.begin();
    encoder.end();
  }

  private publishNow(place: Place): boolean {
    if (!this.rename(place)) return false;
    try {
      this.disk.syncDirectory(place.directory);
    } catch (error) {
      return this.writeFailed(systemErrorText(error));
    }
    this.engine.dirty = 0;
    // A save that ends behind this one must not subtract its changes again.
    if (this.attempt !== null) this.attempt.dirty = 0;
    this.succeeded();
    return true;
  }

  private publishLater(place: Place, attempt: Attempt): void {
    if (!this.rename(place)) {
      this.ended(attempt, false);
      return;
    }
    this.disk.syncDirectoryLater(place.directory, (error) => {
      this.ended(attempt, error === null || this.writeFailed(systemErrorText(error)));
    });
  }

  private rename({ directory, name, temporary }: Place): boolean {
    try {
      publish(this.disk, join(directory, temporary), join(directory, name));
      return true;
    } catch (error) {
      this.engine.log.warning(
        `Error moving temp DB file ${temporary} on the final destination ${name} ` +
          `(in server root dir ${directory}): ${systemErrorText(error)}`,
      );
      return false;
    }
  }

  private ended(attempt: Attempt, isSaved: boolean): void {
    // It has been aborted meanwhile.
    if (this.attempt !== attempt) return;
    this.attempt = null;
    this.lastDurationSeconds = this.nowSeconds - attempt.startedSeconds;
    if (isSaved) {
      this.engine.dirty = Math.max(0, this.engine.dirty - attempt.dirty);
      this.succeeded();
      this.engine.log.notice("Background saving terminated with success");
    } else {
      this.engine.log.warning("Background saving error");
      this.hasFailed = true;
      this.onStatusChange();
    }
    attempt.onEnd(isSaved ? null : "the file could not be written");
  }

  private sent(attempt: Attempt, problem: string | null): void {
    // It has been aborted meanwhile.
    if (this.attempt !== attempt) return;
    this.attempt = null;
    this.lastDurationSeconds = this.nowSeconds - attempt.startedSeconds;
    const { log } = this.engine;
    if (problem === null) log.notice("Background RDB transfer terminated with success");
    else log.warning(`Background transfer error: ${problem}`);
    attempt.onEnd(problem);
  }

  private succeeded(): void {
    this.engine.log.notice("DB saved on disk");
    this.lastSaveSeconds = this.nowSeconds;
    this.hasFailed = false;
    this.onStatusChange();
  }

  private writeFailed(problem: string): false {
    this.engine.log.warning(`Write error saving DB on disk: ${problem}`);
    return false;
  }
}
