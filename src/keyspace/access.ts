/**
 * The 24-bit access clock of every entry, as Redis keeps it (evict.c): seconds under an LRU
 * policy; under an LFU policy 16 bits of minutes and an 8-bit logarithmic counter. Kept on every
 * access whatever the policy, so that eviction can be switched on at any time.
 */
import type { Random } from "../base/random.ts";

const CLOCK_MASK = 0xffffff;
const LFU_START = 5;

export class AccessClock {
  usesLfu = false;
  lfuLogFactor = 10;
  lfuDecayMinutes = 1;
  /** What an access writes under LRU, and the present for LFU; set once per turn. */
  stamp = 0;
  private minutes = 0;

  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  setTime(nowMs: number): void {
    this.stamp = Math.floor(nowMs / 1000) & CLOCK_MASK;
    this.minutes = Math.floor(nowMs / 60000) & 0xffff;
  }

  fresh(): number {
    return this.usesLfu ? (this.minutes << 8) | LFU_START : this.stamp;
  }

  /** The clock after an access to an entry that held `clock`. */
  touched(clock: number): number {
    if (!this.usesLfu) return this.stamp;
    return (this.minutes << 8) | this.increased(this.frequency(clock));
  }

  /** The logarithmic counter after decay; only meaningful under LFU. */
  frequency(clock: number): number {
    const elapsed = (this.minutes - (clock >>> 8)) & 0xffff;
    const periods = this.lfuDecayMinutes > 0 ? Math.floor(elapsed / this.lfuDecayMinutes) : 0;
    return Math.max((clock & 255) - periods, 0);
  }

  /** Seconds since the last access; only meaningful under LRU. */
  idleSeconds(clock: number): number {
    return (this.stamp - clock) & CLOCK_MASK;
  }

  /** The clock of an entry that was last accessed so long ago; only meaningful under LRU. */
  idleFor(seconds: number): number {
    return (this.stamp - Math.min(seconds, CLOCK_MASK)) & CLOCK_MASK;
  }

  /** The clock of an entry with this counter now; only meaningful under LFU. */
  withFrequency(counter: number): number {
    return (this.minutes << 8) | counter;
  }

  private increased(counter: number): number {
    if (counter === 255) return counter;
    const base = Math.max(counter - LFU_START, 0);
    return this.random.fraction() < 1 / (base * this.lfuLogFactor + 1) ? counter + 1 : counter;
  }
}
