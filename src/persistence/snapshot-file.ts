/**
 * A temporary file that a snapshot is written to.
 *
 * What is on the disk must not pile up unsynced, or the last sync would take minutes and slow
 * down everybody else's: `syncsAlong` has every SYNC_EVERY_BYTES synced off the main thread. A
 * write to a file that is just being synced waits for the disk, milliseconds long: what comes
 * meanwhile is held back until the sync has ended. Nor is a descriptor closed under a running one.
 */
import type { Disk } from "../base/disk.ts";
import { systemErrorText } from "../engine/config/system-errors.ts";
import type { SnapshotTarget } from "../engine/snapshot-target.ts";

/** REDIS_AUTOSYNC_BYTES. */
const SYNC_EVERY_BYTES = 4 << 20;

export class SnapshotFile implements SnapshotTarget {
  sizeBytes = 0;
  /** Why the file can't be whole, or null. */
  problem: string | null = null;
  private descriptor = -1;
  /** A sync is running. */
  isBusy = false;
  private held: Uint8Array[] = [];
  private isHurried = false;
  /** The file's length when the last sync began. */
  private syncedBytes = 0;
  private onSynced: (() => void) | null = null;
  readonly path: string;
  private readonly disk: Disk;
  private readonly syncsAlong: boolean;

  private constructor(disk: Disk, path: string, syncsAlong: boolean) {
    this.disk = disk;
    this.path = path;
    this.syncsAlong = syncsAlong;
  }

  /** A text says why the file can't be made. */
  static make(disk: Disk, path: string, syncsAlong: boolean): SnapshotFile | string {
    const file = new SnapshotFile(disk, path, syncsAlong);
    try {
      file.descriptor = disk.open(path, "w");
      return file;
    } catch (error) {
      return systemErrorText(error);
    }
  }

  write(bytes: Uint8Array, start: number, length: number): void {
    if (this.problem !== null) return;
    this.sizeBytes += length;
    if (this.isBusy && !this.isHurried) {
      this.held.push(bytes.slice(start, start + length));
      return;
    }
    this.writeNow(bytes, start, length);
    const isDue = this.sizeBytes - this.syncedBytes >= SYNC_EVERY_BYTES;
    if (this.syncsAlong && isDue && this.problem === null && !this.isHurried) this.startSync();
  }

  private writeNow(bytes: Uint8Array, start: number, length: number): void {
    let written = 0;
    try {
      while (written < length) {
        const taken = this.disk.write(this.descriptor, bytes, start + written, length - written);
        if (taken === 0) throw Object.assign(new Error("nothing written"), { code: "ENOSPC" });
        written += taken;
      }
    } catch (error) {
      this.problem = systemErrorText(error);
    }
  }

  private writeHeld(): void {
    const { held } = this;
    this.held = [];
    for (const chunk of held) if (this.problem === null) this.writeNow(chunk, 0, chunk.length);
  }

  /** From now on everything is written at once. */
  hurry(): void {
    this.isHurried = true;
    this.writeHeld();
  }

  /** Has `done` called once no sync is running. */
  whenFree(done: () => void): void {
    if (this.isBusy) this.onSynced = done;
    else done();
  }

  /** Syncs and closes the file, off the main thread. Where that fails the file is removed. */
  finish(done: () => void): void {
    this.whenFree(() => {
      if (this.problem === null && this.sizeBytes !== this.syncedBytes) {
        this.onSynced = () => this.finished(done);
        this.startSync();
      } else {
        this.finished(done);
      }
    });
  }

  /** The same at once. */
  finishNow(): void {
    this.writeHeld();
    if (this.problem === null) {
      try {
        this.disk.sync(this.descriptor);
      } catch (error) {
        this.problem = systemErrorText(error);
      }
    }
    this.finished(() => {});
  }

  /** Removes the file. */
  discard(): void {
    this.problem ??= "discarded";
    this.finished(() => {});
  }

  private finished(done: () => void): void {
    if (this.problem !== null) removeQuietly(this.disk, this.path);
    const { descriptor } = this;
    this.descriptor = -1;
    this.whenFree(() => this.disk.closeLater(descriptor));
    done();
  }

  private startSync(): void {
    this.isBusy = true;
    this.syncedBytes = this.sizeBytes;
    this.disk.dataSyncLater(this.descriptor, (error) => {
      this.isBusy = false;
      if (error !== null) this.problem ??= systemErrorText(error);
      this.writeHeld();
      const { onSynced } = this;
      this.onSynced = null;
      onSynced?.();
    });
  }
}

/** Removes a file that may not be there; what goes wrong is of no consequence. */
export function removeQuietly(disk: Disk, path: string): void {
  try {
    disk.remove(path);
  } catch {
    // A temporary file that stays is overwritten by the next one of its name.
  }
}

/**
 * Gives a temporary file its name. A file that had the name is freed off the main thread, as
 * that takes long for a large one. Throws where the disk refuses; the file is removed then.
 */
export function publish(disk: Disk, from: string, to: string): void {
  const replaced = openQuietly(disk, to);
  try {
    disk.rename(from, to);
  } catch (error) {
    removeQuietly(disk, from);
    throw error;
  } finally {
    if (replaced >= 0) disk.closeLater(replaced);
  }
}

/** -1 where it can't be opened. */
export function openQuietly(disk: Disk, path: string): number {
  try {
    return disk.isDirectory(path) ? -1 : disk.open(path, "r");
  } catch {
    return -1;
  }
}
