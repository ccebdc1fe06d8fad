/**
 * The end of the AOF that grows: effects come in as they happen, wait in a buffer, and are
 * appended to the last increment by one write per loop turn.
 *
 * Invariants: the file ends with whole appends or, where a failed write could not be undone,
 * with the beginning of what the buffer still holds; so file and buffer together are always the
 * whole stream. While `isPending`, replies to changes must wait for `settle` to return true.
 *
 * When the disk refuses, the buffer stays, `problem` says why, and `cron` tries again. When a
 * background sync takes long, writes wait for it, up to two seconds; unlike in Redis the
 * replies wait with them, so that nothing is acknowledged that only lies in memory.
 */
import { bytesOf, copyBytes, withRoom } from "../base/bytes.ts";
import type { Disk } from "../base/disk.ts";
import type { EffectSink } from "../engine/effects.ts";
import type { Engine } from "../engine/engine.ts";
import type { SyncPoint } from "../engine/persistence.ts";
import { systemErrorText } from "../engine/config/system-errors.ts";
import { BackgroundSync } from "./background-sync.ts";
import { selectCommand } from "../protocol/select-command.ts";

export type SyncPolicy = "always" | "everysec" | "no";

const SMALL_BUFFER_BYTES = 65536;
/** A buffer of this size is written before the turn ends. */
const WRITE_AT_BYTES = 1 << 20;
/**
 * Requests up to this size are copied together with what follows them in their chunk, at the
 * end of the turn. A value that is kept as a view of its request, and may be changed in place,
 * is larger. Saves 14 % of the CPU of SET at pipeline 16.
 */
const MERGED_REQUEST_BYTES = 4096;
/** An append of this size goes to the file without a copy in the buffer. */
const LARGE_APPEND_BYTES = 65536;
const SYNC_INTERVAL_US = 1_000_000;
/** A sync that runs longer than this makes writes wait for it. */
const SLOW_SYNC_US = 500_000;
const MAX_POSTPONE_US = 2_000_000;
/** AOF_WRITE_LOG_ERROR_RATE. */
const ERROR_LOG_INTERVAL_MS = 30_000;

/** A file without content, which what is written to it is appended to, even where it is cut. */
export function openEmpty(disk: Disk, path: string): number {
  disk.close(disk.open(path, "w"));
  return disk.open(path, "a");
}

export class AofWriter implements EffectSink {
  isPending = false;
  policy: SyncPolicy = "everysec";
  /** Whether seconds are noted between commands, for redis-check-aof --truncate-to-timestamp. */
  notesTime = false;
  /** Length of the increment. */
  sizeBytes = 0;
  /** Why the last write failed, or "". */
  problem = "";
  /** Writes that no longer waited for a sync. */
  delayedSyncs = 0;
  readonly sync: BackgroundSync;
  /** `problem`, or that of the background syncs, came or went. */
  onProblemChange: () => void = () => {};
  /** Whether the disk is busy with something else (`no-appendfsync-on-rewrite`). */
  skipsSync: () => boolean = () => false;
  /** More of what was written is on the disk. */
  onSynced: () => void = () => {};
  /** What `settle` had refused to write is written now. */
  onRecovered: () => void = () => {};
  private buffer: Uint8Array = new Uint8Array(SMALL_BUFFER_BYTES);
  private at = 0;
  /** Requests that follow each other in one chunk, not copied into the buffer yet. */
  private source: Uint8Array | null = null;
  private sourceStart = 0;
  private sourceEnd = 0;
  private descriptor = -1;
  private path = "";
  private database = -1;
  private notedSeconds = 0;
  private hasRefused = false;
  private postponedUs = 0;
  private errorLoggedMs = -Infinity;
  /** The moment when the buffer was written to its end: see `SyncPoint`. */
  private writtenEffects = 0;
  private writtenOffset = 0;
  private readonly engine: Engine;
  private readonly disk: Disk;
  private readonly exit: (code: number) => void;

  /** `exit` ends the process: where `appendfsync always` can't be kept, nothing may go on. */
  constructor(engine: Engine, disk: Disk, exit: (code: number) => void) {
    this.engine = engine;
    this.disk = disk;
    this.exit = exit;
    this.sync = new BackgroundSync(disk, engine.clock, engine.log);
    this.sync.onEnd = () => this.syncEnded();
  }

  get bufferedBytes(): number {
    return this.at + (this.source === null ? 0 : this.sourceEnd - this.sourceStart);
  }

  /** What the buffer takes beyond its smallest size, which is always there. */
  get bufferBytes(): number {
    return this.buffer.length - SMALL_BUFFER_BYTES;
  }

  get isOpen(): boolean {
    return this.descriptor >= 0;
  }

  /** Until when all that was passed on is on the disk. */
  get synced(): SyncPoint {
    const { sync } = this;
    const isAllSynced =
      this.bufferedBytes === 0 && sync.syncedBytes === this.sizeBytes && !sync.isUnfinished;
    return isAllSynced ? this.now : sync.synced;
  }

  private get now(): SyncPoint {
    const { effects, replication } = this.engine;
    return { effects: effects.appendedCount, offset: replication.offset };
  }

  private get written(): SyncPoint {
    return { effects: this.writtenEffects, offset: this.writtenOffset };
  }

  /**
   * Opens the increment, to be appended to; one that `isNew` is emptied first. Throws where the
   * disk refuses.
   */
  open(path: string, isNew: boolean): void {
    this.descriptor = isNew ? openEmpty(this.disk, path) : this.disk.open(path, "a");
    this.path = path;
    this.sizeBytes = this.disk.sizeBytes(path);
    this.sync.syncedBytes = this.sizeBytes;
    this.sync.restart(this.now);
    this.noteWritten();
    this.database = -1;
    this.notedSeconds = 0;
    this.problem = "";
    this.postponedUs = 0;
    this.onProblemChange();
  }

  /**
   * Writes and syncs what there is and closes the file. False where the disk refused; then what
   * is left stays pending, so that nothing that waits for it is acknowledged.
   */
  close(): boolean {
    if (this.descriptor < 0) return true;
    let isDone = this.drain();
    try {
      this.disk.dataSync(this.descriptor);
    } catch (error) {
      const reason = systemErrorText(error);
      this.engine.log.warning(`Fail to fsync the AOF file: ${reason}`);
      if (this.policy === "always") {
        this.problem = reason;
        isDone = false;
      }
    }
    this.sync.close(this.descriptor);
    this.descriptor = -1;
    if (isDone) this.forget();
    return isDone;
  }

  /** Writes all there is, and syncs it under `always`, without waiting for anything. */
  flush(): boolean {
    this.takeRequests();
    return !this.isPending || this.writeOut();
  }

  /** Goes on in another file, which is empty, once all has been flushed. */
  continueIn(descriptor: number, path: string): void {
    this.sync.retire(this.descriptor, this.now);
    this.descriptor = descriptor;
    this.path = path;
    this.sizeBytes = 0;
    this.sync.syncedBytes = 0;
    this.database = -1;
  }

  /** The file has another name now. */
  renamed(path: string): void {
    this.path = path;
  }

  /** Closes the file, which is of no use, with all that was to be written to it. */
  abandon(): void {
    if (this.descriptor >= 0) this.sync.close(this.descriptor);
    this.descriptor = -1;
    this.forget();
  }

  /** Drops what could not be written; nothing waits for it any more. */
  forget(): void {
    this.at = 0;
    this.source = null;
    this.problem = "";
    this.onProblemChange();
    this.settled();
  }

  /** Writes a line that is no command behind all there is. */
  annotate(line: Uint8Array): void {
    this.isPending = true;
    this.takeRequests();
    this.keep(line, 0, line.length);
  }

  append(database: number, bytes: Uint8Array, start: number, length: number): void {
    this.begin(database);
    this.put(bytes, start, length);
  }

  appendRequest(database: number, bytes: Uint8Array, start: number, length: number): void {
    if (length > MERGED_REQUEST_BYTES) {
      this.append(database, bytes, start, length);
    } else if (bytes === this.source && start === this.sourceEnd && database === this.database) {
      this.sourceEnd = start + length;
    } else {
      this.begin(database);
      this.source = bytes;
      this.sourceStart = start;
      this.sourceEnd = start + length;
    }
  }

  /** Writes what is pending, and syncs it under `always`. False: not now. */
  settle(): boolean {
    if (!this.isPending) return true;
    this.takeRequests();
    if (this.problem === "" && !this.waitsForSync() && this.writeOut()) return true;
    this.hasRefused = true;
    return false;
  }

  /** Ten times a second or so: tries failed writes again, and syncs every second. */
  cron(): void {
    if (this.descriptor < 0) return;
    const { sync } = this;
    const skipsSync = this.skipsSync();
    // Owed since a time when syncs were skipped.
    const isOwed = this.policy === "always" && sync.syncedBytes !== this.sizeBytes;
    if (isOwed && !skipsSync) this.isPending = true;
    if (this.isPending && !this.waitsForSync()) this.writeOut();
    if (this.policy !== "everysec" || sync.isRunning || skipsSync) return;
    const isDue = this.engine.clock.monotonicUs() - sync.startedUs >= SYNC_INTERVAL_US;
    if (isDue && sync.syncedBytes !== this.sizeBytes) {
      sync.start(this.descriptor, this.sizeBytes, this.written);
    }
  }

  /** What was written under another policy is owed to the disk under this one. */
  changePolicy(policy: SyncPolicy): void {
    this.policy = policy;
    if (policy !== "everysec") {
      this.sync.problem = "";
      this.onProblemChange();
    }
    const isOwed = this.isOpen && this.sync.syncedBytes !== this.sizeBytes;
    if (policy === "always" && isOwed) this.isPending = true;
  }

  private syncEnded(): void {
    this.onProblemChange();
    this.onSynced();
    if (this.postponedUs !== 0 && this.isPending && this.problem === "") this.writeOut();
  }

  /** Whether a slow sync should end before anything else is written (flushAppendOnlyFile). */
  private waitsForSync(): boolean {
    const sync = this.sync;
    if (!sync.isRunning || this.policy !== "everysec") return false;
    const nowUs = this.engine.clock.monotonicUs();
    if (nowUs - sync.startedUs < SLOW_SYNC_US) return false;
    if (this.postponedUs === 0) this.postponedUs = nowUs;
    if (nowUs - this.postponedUs < MAX_POSTPONE_US) return true;
    this.delayedSyncs++;
    this.postponedUs = 0;
    this.engine.log.notice(
      "Asynchronous AOF fsync is taking too long (disk is busy?). Writing the AOF buffer " +
        "without waiting for fsync to complete, this may slow down Redis.",
    );
    return false;
  }

  private noteWritten(): void {
    const { effects, replication } = this.engine;
    this.writtenEffects = effects.appendedCount;
    this.writtenOffset = replication.offset;
  }

  private writeOut(): boolean {
    if (!this.drain()) return false;
    this.noteWritten();
    if (this.policy === "always" && !this.skipsSync() && !this.syncNow()) return false;
    this.settled();
    return true;
  }

  private settled(): void {
    this.isPending = false;
    this.postponedUs = 0;
    if (!this.hasRefused) return;
    this.hasRefused = false;
    this.onRecovered();
  }

  private drain(): boolean {
    this.takeRequests();
    if (this.at === 0) return true;
    const { aofFlushSleepMs } = this.engine.switches;
    if (aofFlushSleepMs > 0) Bun.sleepSync(aofFlushSleepMs);
    const taken = this.write(this.buffer, 0, this.at);
    const isWhole = taken === this.at;
    if (!isWhole) this.buffer.copyWithin(0, taken, this.at);
    this.at -= taken;
    if (isWhole && this.buffer.length > WRITE_AT_BYTES) {
      this.buffer = new Uint8Array(SMALL_BUFFER_BYTES);
    }
    return isWhole;
  }

  private syncNow(): boolean {
    const sync = this.sync;
    if (sync.syncedBytes === this.sizeBytes) return true;
    const { latency, clock, log } = this.engine;
    const startUs = clock.monotonicUs();
    try {
      this.disk.dataSync(this.descriptor);
    } catch (error) {
      log.warning(
        "Can't persist AOF for fsync error when the AOF fsync policy is 'always': " +
          `${systemErrorText(error)}. Exiting...`,
      );
      this.exit(1);
      return false;
    }
    latency.sample("aof-fsync-always", (clock.monotonicUs() - startUs) / 1000);
    sync.syncedBytes = this.sizeBytes;
    sync.reached(this.written);
    this.onSynced();
    return true;
  }

  /** What precedes an append: the requests before it, the time, and the database. */
  private begin(database: number): void {
    this.isPending = true;
    this.takeRequests();
    if (this.notesTime) this.noteTime();
    if (database === this.database) return;
    this.database = database;
    const select = selectCommand(database);
    this.keep(select, 0, select.length);
  }

  private takeRequests(): void {
    if (this.source === null) return;
    const source = this.source;
    this.source = null;
    this.put(source, this.sourceStart, this.sourceEnd - this.sourceStart);
  }

  private put(bytes: Uint8Array, start: number, length: number): void {
    if (length >= LARGE_APPEND_BYTES) this.putLarge(bytes, start, length);
    else this.keep(bytes, start, length);
  }

  private noteTime(): void {
    const seconds = Math.floor(this.engine.clock.nowMs / 1000);
    if (seconds <= this.notedSeconds) return;
    this.notedSeconds = seconds;
    const note = bytesOf(`#TS:${seconds}\r\n`);
    this.keep(note, 0, note.length);
  }

  private keep(bytes: Uint8Array, start: number, length: number): void {
    if (this.at + length > this.buffer.length) this.makeRoom(length);
    copyBytes(this.buffer, this.at, bytes, start, length);
    this.at += length;
  }

  private makeRoom(length: number): void {
    if (this.at + length > WRITE_AT_BYTES && this.mayWriteEarly()) this.drain();
    this.buffer = withRoom(this.buffer, this.at, this.at + length);
  }

  private putLarge(bytes: Uint8Array, start: number, length: number): void {
    let taken = 0;
    if (this.mayWriteEarly() && this.drain()) taken = this.write(bytes, start, length);
    if (taken < length) this.keep(bytes, start + taken, length - taken);
  }

  private mayWriteEarly(): boolean {
    return this.problem === "" && !this.waitsForSync();
  }

  /** Writes the range. How much of it stands in the file: all, or what a failure left there. */
  private write(bytes: Uint8Array, start: number, length: number): number {
    const { latency, clock, log } = this.engine;
    const isWatched = latency.thresholdMs > 0;
    const startUs = isWatched ? clock.monotonicUs() : 0;
    let written = 0;
    try {
      while (written < length) {
        const taken = this.disk.write(this.descriptor, bytes, start + written, length - written);
        if (taken === 0) throw Object.assign(new Error("nothing written"), { code: "ENOSPC" });
        written += taken;
      }
    } catch (error) {
      written = this.writeFailed(error, written, length);
    }
    if (isWatched) {
      const tookMs = (clock.monotonicUs() - startUs) / 1000;
      latency.sample(this.sync.isRunning ? "aof-write-pending-fsync" : "aof-write-alone", tookMs);
      latency.sample("aof-write", tookMs);
    }
    this.sizeBytes += written;
    if (written === length && this.problem !== "") {
      log.warning("AOF write error looks solved, Redis can write again.");
      this.problem = "";
      this.onProblemChange();
    }
    return written;
  }

  /** Undoes a partial write. Returns what of it is in the file nevertheless. */
  private writeFailed(error: unknown, written: number, length: number): number {
    const { clock, log } = this.engine;
    const reason = systemErrorText(error);
    const isLogged = clock.nowMs - this.errorLoggedMs > ERROR_LOG_INTERVAL_MS;
    if (isLogged) {
      this.errorLoggedMs = clock.nowMs;
      log.warning(
        written === 0
          ? `Error writing to the AOF file: ${reason}`
          : "Short write while writing to the AOF file: " +
              `(nwritten=${written}, expected=${length})`,
      );
    }
    this.problem = reason;
    this.onProblemChange();
    if (written === 0) return 0;
    try {
      this.disk.truncate(this.path, this.sizeBytes);
      return 0;
    } catch (truncateError) {
      if (isLogged) {
        log.warning(
          "Could not remove short write from the append-only file.  Redis may refuse to load " +
            `the AOF the next time it starts.  ftruncate: ${systemErrorText(truncateError)}`,
        );
      }
      return written;
    }
  }
}
