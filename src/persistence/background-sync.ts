/**
 * fdatasync of one append-only file off the main thread, one at a time. A descriptor is never
 * closed under a running sync. When one fails, the kernel may have dropped what it was to
 * write, so the failure stays known until a later sync succeeds (bio.c, Redis 7).
 */
import type { Clock } from "../base/clock.ts";
import type { Disk } from "../base/disk.ts";
import type { Log } from "../base/log.ts";
import { systemErrorText } from "../engine/config/system-errors.ts";

export class BackgroundSync {
  isRunning = false;
  /** When the last one began, by the monotonic clock. */
  startedUs = 0;
  /** The file's length that is known to be on the disk, or on its way there. */
  syncedBytes = 0;
  /** Why the last sync failed, or "". */
  problem = "";
  /** Called when a sync has ended. */
  onEnd: () => void = () => {};
  private readonly closing: number[] = [];
  private readonly retiring: number[] = [];
  private readonly disk: Disk;
  private readonly clock: Clock;
  private readonly log: Log;

  constructor(disk: Disk, clock: Clock, log: Log) {
    this.disk = disk;
    this.clock = clock;
    this.log = log;
  }

  start(descriptor: number, sizeBytes: number): void {
    this.isRunning = true;
    this.startedUs = this.clock.monotonicUs();
    this.syncedBytes = sizeBytes;
    this.disk.dataSyncLater(descriptor, (error) => this.ended(error));
  }

  /** Closes the descriptor at once, or behind the sync that runs. */
  close(descriptor: number): void {
    this.problem = "";
    if (this.isRunning) this.closing.push(descriptor);
    else this.closeQuietly(descriptor);
  }

  /** Syncs a file that has been written to the end, and closes it. */
  retire(descriptor: number): void {
    if (this.isRunning) this.retiring.push(descriptor);
    else this.syncAndClose(descriptor);
  }

  private syncAndClose(descriptor: number): void {
    this.disk.dataSyncLater(descriptor, (error) => {
      this.closeQuietly(descriptor);
      if (error === null) return;
      this.failed(error);
      this.onEnd();
    });
  }

  private ended(error: Error | null): void {
    this.isRunning = false;
    if (this.closing.length > 0) {
      for (const descriptor of this.closing.splice(0)) this.closeQuietly(descriptor);
    } else if (error === null) {
      this.problem = "";
    } else {
      this.failed(error);
    }
    for (const descriptor of this.retiring.splice(0)) this.syncAndClose(descriptor);
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
