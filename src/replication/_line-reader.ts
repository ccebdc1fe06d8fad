/**
 * Lines of another server that stand before bytes of another kind: read one at a time, so that
 * what follows stays where it is.
 */
import { textOf } from "../base/bytes.ts";

const LF = 10;
const CR = 13;

export class LineReader {
  /** Behind the line that `next` has read; at the end of the chunk where none was whole. */
  position = 0;
  private rest = "";

  /** Characters of a line whose end has not come. */
  get waitingLength(): number {
    return this.rest.length;
  }

  /** The line that ends behind `from` in the chunk, without its end, or null. */
  next(chunk: Uint8Array, from: number): string | null {
    const end = chunk.indexOf(LF, from);
    this.position = end < 0 ? chunk.length : end + 1;
    if (end < 0) {
      this.rest += textOf(chunk, from, chunk.length - from);
      return null;
    }
    const line = this.rest + textOf(chunk, from, end - from);
    this.rest = "";
    return line.charCodeAt(line.length - 1) === CR ? line.slice(0, -1) : line;
  }
}
