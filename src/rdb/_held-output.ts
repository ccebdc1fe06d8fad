/** Output that has to wait for its place in a file, in chunks that are given out in order. */
import { RdbOutput, type RdbSink } from "./rdb-output.ts";

export class HeldOutput {
  readonly output: RdbOutput;
  private readonly chunks: Uint8Array[] = [];
  private first = 0;
  private given = 0;

  constructor(compresses: boolean) {
    const hold: RdbSink = (bytes, start, length) => {
      this.chunks.push(bytes.slice(start, start + length));
    };
    this.output = new RdbOutput(hold, { compresses, checksums: false });
  }

  get sizeBytes(): number {
    return this.output.position - this.given;
  }

  /** Takes out all of it at once. */
  take(): Uint8Array {
    this.output.flush();
    const taken = Buffer.concat(this.chunks.splice(0));
    this.given += taken.length;
    return taken;
  }

  /** Gives out some `bytes` of it; false once nothing is held. */
  giveTo(target: RdbOutput, bytes: number): boolean {
    const end = this.given + bytes;
    while (this.given < end) {
      if (this.first === this.chunks.length) {
        this.chunks.length = this.first = 0;
        this.output.flush();
        if (this.chunks.length === 0) return false;
      }
      const chunk = this.chunks[this.first];
      this.chunks[this.first++] = NOTHING;
      target.bytes(chunk, 0, chunk.length);
      this.given += chunk.length;
    }
    return true;
  }
}

const NOTHING = new Uint8Array(0);
