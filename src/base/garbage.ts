/**
 * The door to the runtime's memory: buffers that are given back at once, and when garbage is
 * collected beyond what the runtime does by itself.
 *
 * The runtime collects when its heap has grown by a fair part of what it is, and counts the
 * arena's slabs into that: with gigabytes of data, hundreds of megabytes of received buffers would
 * lie about. Its collections of what is young cost well under a millisecond, whatever is held
 * beside; a full one costs as much as there are JS objects (each connection has some ten). So:
 *
 * - buffers that are known to be nobody's any more are given back by `giveBack`, without any;
 * - under load, what is young is collected each time so many bytes were turned over;
 * - a full collection waits until the server is at rest, and until there is something to gain.
 */
import { edenGC, fullGC } from "bun:jsc";

/** What collects; tests have their own. */
export interface Collector {
  /** Frees what has become garbage soon after it was made: under a millisecond. */
  readonly young: () => void;
  /** Finds all garbage, which is freed bit by bit in the second that follows: some milliseconds. */
  readonly everything: () => void;
}

export const systemCollector: Collector = {
  young: () => void edenGC(),
  everything: () => void fullGC(),
};

/** Frees all garbage at once, and compiled code with it: tens of milliseconds. */
export function purge(): void {
  Bun.gc(true);
}

/** Young garbage is collected when so much may have gathered. */
const YOUNG_AT_BYTES = 16 << 20;
/** What makes a full collection worth its while. */
const FULL_AT_BYTES = 4 << 20;
/** Hardly anything came for so long: the server is at rest. */
const REST_MS = 500;
/** Transferred between two crons, it is hardly anything: a health check, a monitor. */
const QUIET_BYTES = 16 << 10;
/** Memory in use that falls faster than this between two crons will go on falling. */
const FALLING_BYTES = 1 << 20;

export class GarbageCollector {
  private readonly collector: Collector;
  /** As they were at the last cron. */
  private transferredBytes = 0;
  private usedBytes = 0;
  /** What may be garbage since what is young, and since everything, was collected. */
  private youngBytes = 0;
  private allBytes = 0;
  private activeAtMs = 0;

  constructor(collector = systemCollector) {
    this.collector = collector;
  }

  /**
   * To be called some ten times a second with the bytes that were received and sent so far, which
   * may be counted from 0 again: all of them lay in buffers that are garbage now or soon. So is
   * what is used no more of the memory in use.
   */
  cron(nowMs: number, transferredBytes: number, usedBytes: number): void {
    const moved = Math.max(transferredBytes - this.transferredBytes, 0);
    const dropped = Math.max(this.usedBytes - usedBytes, 0);
    this.transferredBytes = transferredBytes;
    this.usedBytes = usedBytes;
    this.youngBytes += moved;
    this.allBytes += moved + dropped;
    if (moved > QUIET_BYTES || dropped > FALLING_BYTES) this.activeAtMs = nowMs;
    if (nowMs - this.activeAtMs >= REST_MS && this.allBytes >= FULL_AT_BYTES) {
      this.youngBytes = this.allBytes = 0;
      this.collector.everything();
    } else if (this.youngBytes >= YOUNG_AT_BYTES) {
      this.youngBytes = 0;
      this.collector.young();
    }
  }
}

/**
 * Gives a buffer's memory back to the system within a moment, without a collection: 50 µs for
 * 16 MiB. All arrays that lie in it become empty, so nobody may still need them.
 */
export function giveBack(buffer: ArrayBufferLike): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
