/**
 * The only door to time. `nowMs` is read from the system once per turn of the event loop and
 * stays put within it, so that one request sees one moment; TTLs, LRU clocks, blocking
 * time-outs and the cron all read it.
 */
export interface Clock {
  /** Unix time in milliseconds, whole, as of the last refresh. */
  readonly nowMs: number;
  /** Reads the system's time anew and returns `nowMs`. */
  refresh(): number;
  /** Unix time in microseconds, read anew. */
  wallUs(): number;
  /** A monotonic time in microseconds with a fraction, read anew; its origin is arbitrary. */
  monotonicUs(): number;
  /** What this process has used of all processors, in microseconds. */
  processorUs(): number;
}

export class SystemClock implements Clock {
  nowMs = Date.now();
  /** Wall time minus monotonic time, mended whenever the system's clock was set. */
  private offsetUs = 0;

  refresh(): number {
    this.nowMs = Date.now();
    return this.nowMs;
  }

  wallUs(): number {
    const monotonicUs = this.monotonicUs();
    const wholeMsUs = Date.now() * 1000;
    const driftUs = monotonicUs + this.offsetUs - wholeMsUs;
    if (driftUs < 0 || driftUs >= 1000) this.offsetUs = wholeMsUs - monotonicUs;
    return Math.floor(monotonicUs + this.offsetUs);
  }

  monotonicUs(): number {
    return performance.now() * 1000;
  }

  processorUs(): number {
    const { user, system } = process.cpuUsage();
    return user + system;
  }
}

/** A clock that tests and embedders set and step. */
export class ManualClock implements Clock {
  nowMs: number;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  advance(byMs: number): void {
    this.nowMs += byMs;
  }

  refresh(): number {
    return this.nowMs;
  }

  wallUs(): number {
    return this.nowMs * 1000;
  }

  monotonicUs(): number {
    return this.nowMs * 1000;
  }

  /** It is always busy. */
  processorUs(): number {
    return this.nowMs * 1000;
  }
}
