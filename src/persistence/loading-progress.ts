/** How far loading has come, as INFO's persistence section shows it. */
export class LoadingProgress {
  isLoading = false;
  startSeconds = 0;
  totalBytes = 0;
  loadedBytes = 0;
  /** What the file says its content took where it was written. */
  usedMemoryBytes = 0;

  begin(totalBytes: number, nowSeconds: number): void {
    this.isLoading = true;
    this.startSeconds = nowSeconds;
    this.totalBytes = totalBytes;
    this.loadedBytes = 0;
    this.usedMemoryBytes = 0;
  }

  end(): void {
    this.isLoading = false;
  }

  get percent(): number {
    return this.totalBytes === 0 ? 0 : (this.loadedBytes / this.totalBytes) * 100;
  }

  fields(nowSeconds: number): (readonly [string, string | number])[] {
    if (!this.isLoading) return [];
    const elapsed = nowSeconds - this.startSeconds;
    const left = this.totalBytes - this.loadedBytes;
    // In the first second nothing is known of the rate.
    const eta = elapsed === 0 ? 1 : Math.floor((elapsed * left) / (this.loadedBytes + 1));
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
