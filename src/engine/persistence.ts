/** What the engine and its commands need to know of the files, whoever keeps them. */
export type InfoField = readonly [name: string, value: string | number];

export interface Persistence {
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

  writeRefusal(): string {
    return "MISCONF nothing refuses writes here";
  }

  infoFields(): readonly InfoField[] {
    return [];
  }

  resetStatistics(): void {}
}
