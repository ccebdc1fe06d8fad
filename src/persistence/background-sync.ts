/**
 * fdatasync of one append-only file off the main thread, one at a time. A descriptor is never
 * closed under a running sync. When one fails, the kernel may have dropped what it was to
 * write, so the failure stays known until a later sync succeeds (bio.c, Redis 7).
 *
 * Each sync is for a moment (`SyncPoint`); when all that were begun have ended, `synced` is the
 * latest of those that succeeded.
 */
import type { Clock } from "../base/clock.ts";
import type { Disk } from "../base/disk.ts";
import type { Log } from "../base/log.ts";
import { systemErrorText } from "../engine/config/system-errors.ts";
import type { SyncPoint } from "../engine/persistence.ts";

export class BackgroundSync {
  isRunning = false;
  /** When the last one began, by the monotonic clock. */
  startedUs = 0;
  /** The file's length that is known to be on the disk, or on its way there. */
  syncedBytes = 0;
  /** All that was written until then is on the disk. */
  synced: SyncPoint = { effects: 0, offset: 0 };
  /** Why the last sync failed, or "". */
  problem = "";
  /** Called when a sync has ended. */
  onEnd: () => void = () => {};
  private readonly closing: number[] = [];
  private readonly retiring: [descriptor: number, point: SyncPoint][] = [];
  private unfinished = 0;
  private latest: SyncPoint = this.synced;
  private readonly disk: Disk;
  private readonly clock: Clock;
  private readonly log: Log;

  constructor(disk: Disk, clock: Clock, log: Log) {
    this.disk = disk;
    this.clock = clock;
    this.log = log;
  }

  /** Whether syncs that were begun have not ended. */
  get isUnfinished(): boolean {
    return this.unfinished > 0;
  }

  /** What was until this moment is somebody else's business. */
  restart(point: SyncPoint): void {
    this.latest = this.synced = point;
  }

  /** Everything until this moment has been synced in the foreground. */
  reached(point: SyncPoint): void {
    this.latest = point;
    if (this.unfinished === 0) this.synced = point;
  }

  /** Syncs what was written until `point`. */
  start(descriptor: number, sizeBytes: number, point: SyncPoint): void {
    this.isRunning = true;
    this.unfinished++;
    this.startedUs = this.clock.monotonicUs();
    this.syncedBytes = sizeBytes;
    this.disk.dataSyncLater(descriptor, (error) => this.ended(error, point));
  }

  /** Closes the descriptor at once, or behind the sync that runs. */
  close(descriptor: number): void {
    this.problem = "";
    if (this.isRunning) this.closing.push(descriptor);
    else this.closeQuietly(descriptor);
  }

  /** Syncs a file that has been written to the end, at `point`, and closes it. */
  retire(descriptor: number, point: SyncPoint): void {
    this.unfinished++;
    if (this.isRunning) this.retiring.push([descriptor, point]);
    else this.syncAndClose(descriptor, point);
  }

  private syncAndClose(descriptor: number, point: SyncPoint): void {
    this.disk.dataSyncLater(descriptor, (error) => {
      this.closeQuietly(descriptor);
      this.finished(error === null ? point : null);
      if (error !== null) this.failed(error);
      this.onEnd();
    });
  }

  private finished(point: SyncPoint | null): void {
    this.unfinished--;
    if (point !== null && point.effects >= this.latest.effects) this.latest = point;
    if (this.unfinished === 0) this.synced = this.latest;
  }

  private ended(error: Error | null, point: SyncPoint): void {
    this.isRunning = false;
    this.finished(error === null ? point : null);
    if (this.closing.length > 0) {
      for (const descriptor of this.closing.splice(0)) this.closeQuietly(descriptor);
    } else if (error === null) {
      this.problem = "";
    } else {
      this.failed(error);
    }
    for (const [descriptor, at] of this.retiring.splice(0)) this.syncAndClose(descriptor, at);
    this.onEnd();
  }

  private failed(error: Error): void {
    const text = systemErrorText(error);
    if (this.problem === "") this.log.warning(`Fail to fsync the AOF file: ${text}`);
    this.problem = text;
    this.syncedBytes = -1;
  }

  private closeQuietly(descriptor: number): void {
    try {
      this.disk.close(descriptor);
    } catch (error) {
      this.log.warning(`Could not close the AOF file: ${systemErrorText(error)}`);
    }
  }
}
