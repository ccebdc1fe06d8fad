/** What the engine, its commands and replication need to know of the files, whoever keeps them. */
import type { SnapshotTarget } from "./snapshot-target.ts";

export type InfoField = readonly [name: string, value: string | number];

/** What became of a wish for a rewrite of the AOF. */
export type AofRewriteAnswer = "started" | "scheduled" | "running" | "refused";

/**
 * A moment in what this server changes: so many effects had been passed on until then
 * (`Effects.appendedCount`), and the replication stream had this offset.
 */
export interface SyncPoint {
  readonly effects: number;
  readonly offset: number;
}

export interface ReloadOptions {
  /** Whether the snapshot is written first. */
  readonly saves: boolean;
  /** Whether everything is dropped before it is loaded. */
  readonly empties: boolean;
  /** Whether keys of the file may replace those that are there. */
  readonly replaces: boolean;
}

/** A snapshot that comes from a primary, to replace all that is there. */
export interface SnapshotIntake {
  /** Why it can't be taken, or null; what comes after that is dropped. */
  readonly problem: string | null;
  /** Better not to take more from the primary now, but to wait for `whenFree`. */
  readonly isBusy: boolean;
  /** Has `done` called, once, when it is busy no more. */
  whenFree(done: () => void): void;
  /** The database that the stream behind it begins in (`repl-stream-db`); -1: it does not say. */
  readonly database: number;
  /** The next bytes of the RDB, in a buffer that is never written again. */
  write(bytes: Uint8Array, start: number, length: number): void;
  /**
   * All has come. `done` is called, once, later, with null when the databases hold it, else with
   * the reason why not.
   */
  finish(done: (problem: string | null) => void): void;
  /** The rest won't come. */
  abort(): void;
}

export interface IntakeOptions {
  /** Bytes that will come; null: not known yet, as a mark ends it. */
  readonly sizeBytes: number | null;
  /** What is there is an older state of the same data, and may be shown until then. */
  readonly continuesHistory: boolean;
  /** Called once, just before what is there is given up. */
  readonly onReplace: () => void;
}

/** What a snapshot for replicas holds, and who must be able to read it. */
export interface SnapshotContent {
  readonly hasKeys: boolean;
  readonly hasLibraries: boolean;
  /** Some may be Redis 7.0, which reads nothing newer than version 10 of the format. */
  readonly isForAll: boolean;
}

export interface Persistence {
  /**
   * Begins to write all databases as an RDB to `target`, in slices. False where another snapshot is
   * being written. `done` is called, once, later, with null or the target's problem.
   */
  sendSnapshot(
    target: SnapshotTarget,
    content: SnapshotContent,
    done: (problem: string | null) => void,
  ): boolean;
  /** Ends that before its end: the target is told to discard it, `done` is not called. */
  abortSending(): void;
  /**
   * As `saveInBackground`, on behalf of replicas: `done` is called later with the path of the file,
   * or null where that failed. False where it can't begin.
   */
  saveForReplicas(content: SnapshotContent, done: (path: string | null) => void): boolean;
  /** Ends that before its end; `done` is not called. */
  abortSavingForReplicas(): void;
  /** Takes a snapshot from a primary; a text says why it can't. */
  receiveSnapshot(options: IntakeOptions): SnapshotIntake | string;
  /**
   * What there is stays, as this server is no replica any more, or goes on from there: so does an
   * AOF that a synchronisation has stopped, and that did not end. After one that did it has gone on
   * by itself.
   */
  resumeAof(): void;
  /** Full synchronisations are over: a file that was only for them may go (rdb-del-sync-files). */
  syncsEnded(): void;
  /** Begins a rewrite of the AOF in the background, now or when what runs now has ended. */
  rewriteAof(): AofRewriteAnswer;
  /** Until when all is on the disk, by the AOF; null: there is none, or not a whole one yet. */
  readonly synced: SyncPoint | null;
  /** Set by whoever waits for it: called when `synced` may have moved. */
  onSynced: () => void;
  /** Empties the databases and loads the AOF's files; false where that fails. */
  reloadAof(): boolean;
  /** The MISCONF error for writes while the disk refuses them. */
  writeRefusal(): string;
  /** Fields of INFO's persistence section, in order. */
  infoFields(): readonly InfoField[];
  /** Bytes of buffers held for files. */
  readonly bufferBytes: number;
  /** CONFIG RESETSTAT. */
  resetStatistics(): void;
  /** Unix time of the last snapshot that succeeded, or of the start. */
  readonly lastSaveSeconds: number;
  /** A snapshot is being written in the background, to its file or to replicas. */
  readonly isSaving: boolean;
  /** Some snapshot is being written, be it the base of an AOF. */
  readonly isBusy: boolean;
  /** Writes the snapshot at once; whether that worked. */
  save(): boolean;
  /** Begins to write it in the background, where nothing is being written. */
  saveInBackground(): boolean;
  /** Has that done as soon as it is possible. */
  scheduleSave(): void;
  /** FLUSHALL has emptied everything: so it is to be on the disk. Its handler reports `keys`. */
  databasesFlushed(keys: number): void;
  /** DEBUG RELOAD: null, or what failed. */
  reload(options: ReloadOptions): "save" | "load" | null;
}

/** A server that keeps no files. */
export class NoPersistence implements Persistence {
  readonly bufferBytes = 0;
  readonly lastSaveSeconds = 0;
  readonly isSaving = false;
  readonly isBusy = false;
  onSynced = (): void => {};

  get synced(): SyncPoint | null {
    return null;
  }

  sendSnapshot(): boolean {
    return false;
  }

  abortSending(): void {}

  abortSavingForReplicas(): void {}

  saveForReplicas(): boolean {
    return false;
  }

  receiveSnapshot(): string {
    return "nothing can be kept here";
  }

  resumeAof(): void {}

  syncsEnded(): void {}

  rewriteAof(): AofRewriteAnswer {
    return "refused";
  }

  reloadAof(): boolean {
    return false;
  }

  writeRefusal(): string {
    return "MISCONF nothing refuses writes here";
  }

  infoFields(): readonly InfoField[] {
    return [];
  }

  resetStatistics(): void {}

  save(): boolean {
    return false;
  }

  saveInBackground(): boolean {
    return false;
  }

  scheduleSave(): void {}

  databasesFlushed(): void {}

  reload(): "save" {
    return "save";
  }
}
