/** What the engine and its commands need to know of the files, whoever keeps them. */
export type InfoField = readonly [name: string, value: string | number];

/** What became of a wish for a rewrite of the AOF. */
export type AofRewriteAnswer = "started" | "scheduled" | "running" | "refused";

export interface ReloadOptions {
  /** Whether the snapshot is written first. */
  readonly saves: boolean;
  /** Whether everything is dropped before it is loaded. */
  readonly empties: boolean;
  /** Whether keys of the file may replace those that are there. */
  readonly replaces: boolean;
}

export interface Persistence {
  /** Begins a rewrite of the AOF in the background, now or when what runs now has ended. */
  rewriteAof(): AofRewriteAnswer;
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
  /** The snapshot is being written in the background. */
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
