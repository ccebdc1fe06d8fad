/**
 * Where a snapshot is written to: a file, or replicas. The first failure stays in `problem`, and
 * what comes after it is dropped: `write` is called in the middle of commands and never throws.
 */
export interface SnapshotTarget {
  /** Bytes written so far. */
  readonly sizeBytes: number;
  /** Why it can't be whole, or null. */
  readonly problem: string | null;
  /** Better not to write now, but to wait for `whenFree`. What is written all the same is kept. */
  readonly isBusy: boolean;
  /** The bytes are the caller's again when this returns. */
  write(bytes: Uint8Array, start: number, length: number): void;
  /** Has `done` called, once, when it is busy no more. */
  whenFree(done: () => void): void;
  /** From now on nobody waits for it: everything is to be taken at once. */
  hurry(): void;
  /** All has been written: `done` is called, once, when all is where it belongs, or can't be. */
  finish(done: () => void): void;
  /** The same at once. */
  finishNow(): void;
  /** The snapshot ended before its end. */
  discard(): void;
}
