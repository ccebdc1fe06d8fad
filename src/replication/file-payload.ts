/**
 * An RDB file on its way to a replica: "$", its length, and its bytes, read as fast as the peer
 * takes them. The file is open all the while, so it may be replaced.
 */
import { bytesOf } from "../base/bytes.ts";
import type { Disk } from "../base/disk.ts";
import type { OutboundStream } from "../engine/session.ts";

const BUFFER_BYTES = 1 << 16;
/** So much is sent at once; others are served before the next part. */
const PART_BYTES = 1 << 18;
const buffer = new Uint8Array(BUFFER_BYTES);

type Write = (bytes: Uint8Array, start: number, length: number) => number;

export class FilePayload implements OutboundStream {
  /** Nothing of it is in memory. */
  readonly pendingBytes = 0;
  isPending = true;
  /** Called once, when all of it has been taken, or it can't be read any more. */
  onEnd: (isWhole: boolean) => void = () => {};
  private preamble: Uint8Array | null;
  private sentBytes = 0;
  private descriptor: number;
  private readonly disk: Disk;
  private readonly sizeBytes: number;

  /** Null where the file can't be read. */
  static open(disk: Disk, path: string): FilePayload | null {
    try {
      const descriptor = disk.open(path, "r");
      return new FilePayload(disk, descriptor, disk.sizeBytes(path));
    } catch {
      return null;
    }
  }

  private constructor(disk: Disk, descriptor: number, sizeBytes: number) {
    this.disk = disk;
    this.descriptor = descriptor;
    this.sizeBytes = sizeBytes;
    this.preamble = bytesOf(`$${sizeBytes}\r\n`);
  }

  drainInto(write: Write): void {
    if (!this.isPending || !this.sendPreamble(write)) return;
    const partEnd = Math.min(this.sizeBytes, this.sentBytes + PART_BYTES);
    while (this.sentBytes < partEnd) {
      const wanted = Math.min(BUFFER_BYTES, this.sizeBytes - this.sentBytes);
      const length = this.read(wanted);
      if (length === 0) {
        this.end(false);
        return;
      }
      const taken = write(buffer, 0, length);
      this.sentBytes += taken;
      if (taken < length) return;
    }
    if (this.sentBytes === this.sizeBytes) this.end(true);
  }

  /** Its replica is gone. */
  close(): void {
    this.isPending = false;
    if (this.descriptor >= 0) this.disk.closeLater(this.descriptor);
    this.descriptor = -1;
  }

  private sendPreamble(write: Write): boolean {
    const { preamble } = this;
    if (preamble === null) return true;
    const taken = write(preamble, 0, preamble.length);
    this.preamble = taken < preamble.length ? preamble.subarray(taken) : null;
    return this.preamble === null;
  }

  /** 0 where it can't be read. */
  private read(length: number): number {
    try {
      return this.disk.read(this.descriptor, buffer, 0, length, this.sentBytes);
    } catch {
      return 0;
    }
  }

  private end(isWhole: boolean): void {
    this.close();
    this.onEnd(isWhole);
  }
}
