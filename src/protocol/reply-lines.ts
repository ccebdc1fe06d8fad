/** The replies of another server, where each of them is one line: `+OK` or `-ERR …`. */
import { textOf } from "../base/bytes.ts";

/** Whoever sends a longer line is no such server. */
const MAX_LINE_BYTES = 64 * 1024;

export class ReplyLines {
  private rest = "";

  /** The beginning of a line has come, but not its end. */
  get isWithinLine(): boolean {
    return this.rest !== "";
  }

  get isTooLong(): boolean {
    return this.rest.length > MAX_LINE_BYTES;
  }

  /** The lines that are whole now, without their ends. */
  add(bytes: Uint8Array): string[] {
    const lines = (this.rest + textOf(bytes, 0, bytes.length)).split("\n");
    this.rest = lines.pop() ?? "";
    return lines.map((line) => (line.endsWith("\r") ? line.slice(0, -1) : line));
  }
}
