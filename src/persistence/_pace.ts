/**
 * How much of the time a snapshot may take while clients are served.
 *
 * Slices earn what they spend: a sixth of the time that goes to clients, and more the less of the
 * time that is. With what they push out of the processor's caches that costs clients a quarter of
 * their throughput. When nobody asks for anything they follow each other at once. What was earned
 * is not hoarded, so no slice stops the server for longer than MAX_SLICE_US; but with a light load,
 * which mostly leaves the server asleep, several short ones may follow each other at once, between
 * which clients are served.
 */
const SHARE = 1 / 6;
/** The part of the time that clients may take of a server that is called idle. */
const IDLE_LOAD = 0.02;
/** Below this a slice is not worth the turn; a busy server's caches recover from few better. */
const MIN_LIGHT_SLICE_US = 150;
const MIN_SLICE_US = 300;
/** A client that asks now and then should hardly notice. */
const MAX_LIGHT_SLICE_US = 300;
const MAX_SLICE_US = 1500;
const MAX_LIGHT_CREDIT_US = 3000;
const LIGHT_LOAD = 0.5;
/** The load is that of about so long. */
const WINDOW_US = 10_000;

export class Pace {
  private creditUs = 0;
  private endedUs: number;
  private busyUs = 0;
  private gapsUs = 0;

  constructor(nowUs: number) {
    this.endedUs = nowUs;
  }

  /**
   * How long the slice that is about to begin may take; 0: not yet. `busyUs` of the time since the
   * last call went to clients.
   */
  sliceUs(nowUs: number, busyUs: number): number {
    const gapUs = nowUs - this.endedUs;
    this.endedUs = nowUs;
    this.gapsUs += gapUs;
    this.busyUs += Math.min(gapUs, busyUs);
    if (this.gapsUs > WINDOW_US) {
      this.busyUs *= WINDOW_US / this.gapsUs;
      this.gapsUs = WINDOW_US;
    }
    const load = this.gapsUs === 0 ? 0 : this.busyUs / this.gapsUs;
    if (load < IDLE_LOAD) {
      this.creditUs = MAX_LIGHT_SLICE_US;
      return MAX_LIGHT_SLICE_US;
    }
    const isLight = load < LIGHT_LOAD;
    const most = isLight ? MAX_LIGHT_SLICE_US : MAX_SLICE_US;
    const least = isLight ? MIN_LIGHT_SLICE_US : MIN_SLICE_US;
    const mostCredit = isLight ? MAX_LIGHT_CREDIT_US : MAX_SLICE_US;
    this.creditUs = Math.min(mostCredit, this.creditUs + (gapUs * SHARE) / load);
    return this.creditUs < least ? 0 : Math.min(this.creditUs, most);
  }

  /** The slice took from the time of the last call until now. */
  sliceEnded(nowUs: number): void {
    this.creditUs -= nowUs - this.endedUs;
    this.endedUs = nowUs;
  }
}
