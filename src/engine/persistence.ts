/** What the engine and its commands need to know of the files, whoever keeps them. */
export type InfoField = readonly [name: string, value: string | number];

/** What became of a wish for a rewrite of the AOF. */
export type AofRewriteAnswer = "started" | "scheduled" | "running" | "refused";

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
}

/** A server that keeps no files. */
export class NoPersistence implements Persistence {
  readonly bufferBytes = 0;

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
}
