/** How far loading has come, as INFO's persistence section shows it. */

const MOST_GUESSED_PERCENT = 99.99;

export class LoadingProgress {
  isLoading = false;
  /** What was there before is still shown. */
  isAsync = false;
  startSeconds = 0;
  totalBytes = 0;
  loadedBytes = 0;
  /** What the file says its content took where it was written. */
  usedMemoryBytes = 0;

  /** `totalBytes` is 0 where nobody knows. */
  begin(totalBytes: number, nowSeconds: number, isAsync: boolean): void {
    this.isLoading = true;
    this.isAsync = isAsync;
    this.startSeconds = nowSeconds;
    this.totalBytes = totalBytes;
    this.loadedBytes = 0;
    this.usedMemoryBytes = 0;
  }

  end(): void {
    this.isLoading = false;
  }

  get percent(): number {
    const { loadedBytes, totalBytes, usedMemoryBytes } = this;
    if (totalBytes !== 0) return (loadedBytes / totalBytes) * 100;
    // Where nobody knows its size, what it takes in memory is a bad guess at it.
    if (usedMemoryBytes === 0) return 0;
    return Math.min((loadedBytes / usedMemoryBytes) * 100, MOST_GUESSED_PERCENT);
  }

  private get leftBytes(): number {
    const { loadedBytes, totalBytes, usedMemoryBytes } = this;
    if (totalBytes !== 0) return totalBytes - loadedBytes;
    return Math.max(1, usedMemoryBytes - loadedBytes);
  }

  fields(nowSeconds: number): (readonly [string, string | number])[] {
    if (!this.isLoading) return [];
    const elapsed = nowSeconds - this.startSeconds;
    // In the first second nothing is known of the rate.
    const eta = elapsed === 0 ? 1 : Math.floor((elapsed * this.leftBytes) / (this.loadedBytes + 1));
    return [
      ["loading_start_time", this.startSeconds],
      ["loading_total_bytes", this.totalBytes],
      ["loading_rdb_used_mem", this.usedMemoryBytes],
      ["loading_loaded_bytes", this.loadedBytes],
      ["loading_loaded_perc", this.percent.toFixed(2)],
      ["loading_eta_seconds", eta],
    ];
  }
}
