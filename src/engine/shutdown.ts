/** How the end of the server is asked for: by SHUTDOWN, or by a signal. */

export interface ShutdownOptions {
  /** Null: where save points are configured. */
  readonly saves: boolean | null;
  /** Ends even where the disk refuses. */
  readonly isForced: boolean;
  /** Waits for no replica. */
  readonly isImmediate: boolean;
}

export interface ShutdownControl {
  /** How much longer replicas may be waited for; null: they are not. */
  readonly waitsForMs: number | null;
  /**
   * Ends the server. "later": it goes on, and ends or has `failed` called; else the error, and it
   * goes on.
   */
  begin(options: ShutdownOptions, failed: (error: string) => void): "ended" | "later" | Error;
  /** Goes on after all; false where nothing has been asked for. */
  abort(): boolean;
}

/** A server that nobody can end from within. */
export class NoShutdown implements ShutdownControl {
  readonly waitsForMs = null;

  begin(): Error {
    return new Error("ERR shutdown is not possible here");
  }

  abort(): boolean {
    return false;
  }
}
