/** The largest value seen in the last eight seconds (CLIENTS_PEAK_MEM_USAGE_SLOTS, server.c). */
const SECONDS = 8;

export class RecentPeak {
  private readonly peaks = new Float64Array(SECONDS);
  /** The second that each peak belongs to. */
  private readonly seconds = new Float64Array(SECONDS);

  note(value: number, nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    const slot = second % SECONDS;
    if (this.seconds[slot] !== second) {
      this.seconds[slot] = second;
      this.peaks[slot] = value;
    } else if (value > this.peaks[slot]) {
      this.peaks[slot] = value;
    }
  }

  max(nowMs: number): number {
    const oldest = Math.floor(nowMs / 1000) - SECONDS;
    let max = 0;
    for (let slot = 0; slot < SECONDS; slot++) {
      if (this.seconds[slot] > oldest) max = Math.max(max, this.peaks[slot]);
    }
    return max;
  }
}
