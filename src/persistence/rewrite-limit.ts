/**
 * Keeps rewrites that fail again and again from filling the directory with increments: after some
 * failures in a row the next attempt waits a minute, the one after it two, then four, up to an
 * hour (aofRewriteLimited, aof.c). BGREWRITEAOF begins at once all the same.
 */

/** AOF_REWRITE_LIMITE_THRESHOLD and AOF_REWRITE_LIMITE_MAX_MINUTES. */
const THRESHOLD = 3;
const MAX_MINUTES = 60;
const MINUTE_MS = 60_000;

export class RewriteLimit {
  consecutiveFailures = 0;
  private delayMinutes = 0;
  /** When the next attempt may be made, or 0. */
  private nextMs = 0;

  /** Whether no attempt may be made now. `onDelay` hears of each new delay. */
  holdsBack(nowMs: number, onDelay: (minutes: number) => void): boolean {
    if (this.consecutiveFailures < THRESHOLD) {
      this.delayMinutes = 0;
      this.nextMs = 0;
      return false;
    }
    if (this.nextMs !== 0) {
      if (nowMs < this.nextMs) return true;
      this.nextMs = 0;
      return false;
    }
    this.delayMinutes = this.delayMinutes === 0 ? 1 : Math.min(this.delayMinutes * 2, MAX_MINUTES);
    this.nextMs = nowMs + this.delayMinutes * MINUTE_MS;
    onDelay(this.delayMinutes);
    return true;
  }
}
