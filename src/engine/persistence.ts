/** What the engine and its commands need to know of the files, whoever keeps them. */
export interface Persistence {
  /** The MISCONF error for writes while the disk refuses them. */
  writeRefusal(): string;
  /** Fields of INFO's persistence section, in order. */
  infoFields(): readonly (readonly [name: string, value: string | number])[];
  /** Bytes of buffers held for files. */
  readonly bufferBytes: number;
}

/** A server that keeps no files. */
export class NoPersistence implements Persistence {
  readonly bufferBytes = 0;

  writeRefusal(): string {
    return "MISCONF nothing refuses writes here";
  }

  infoFields(): readonly (readonly [string, string | number])[] {
    return [];
  }
}
