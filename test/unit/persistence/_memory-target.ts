/** A target of snapshots that keeps what it is given, and is busy or fails when a test says so. */
import type { SnapshotTarget } from "../../../src/engine/snapshot-target.ts";

export class MemoryTarget implements SnapshotTarget {
  sizeBytes = 0;
  problem: string | null = null;
  isBusy = false;
  isHurried = false;
  isDiscarded = false;
  isFinished = false;
  writesWhileBusy = 0;
  private readonly chunks: Uint8Array[] = [];
  private waiting: (() => void) | null = null;

  write(bytes: Uint8Array, start: number, length: number): void {
    if (this.problem !== null) return;
    if (this.isBusy) this.writesWhileBusy++;
    this.sizeBytes += length;
    this.chunks.push(bytes.slice(start, start + length));
  }

  whenFree(done: () => void): void {
    if (this.isBusy) this.waiting = done;
    else done();
  }

  /** Whether somebody has been waiting for it. */
  free(): boolean {
    const { waiting } = this;
    this.isBusy = false;
    this.waiting = null;
    waiting?.();
    return waiting !== null;
  }

  hurry(): void {
    this.isHurried = true;
  }

  finish(done: () => void): void {
    this.isFinished = true;
    setImmediate(done);
  }

  finishNow(): void {
    this.isFinished = true;
  }

  discard(): void {
    this.isDiscarded = true;
  }

  get content(): Uint8Array {
    return Buffer.concat(this.chunks);
  }

  get text(): string {
    return Buffer.from(this.content).toString("latin1");
  }
}
