/**
 * A request that the end of a chunk cut: its bytes so far, in a buffer of the request's final
 * size as far as that is known, and the parser that is in the middle of it. What arrives is
 * added in steps no larger than what is missing, so that a value of megabytes is copied once.
 */
import { withRoom } from "../base/bytes.ts";
import { INCOMPLETE } from "../protocol/request-parser.ts";
import type { RequestParser } from "../protocol/request-parser.ts";

/** At least this much of a chunk is taken at once. */
const STEP_BYTES = 16384;

export class CutRequest {
  readonly parser: RequestParser;
  bytes: Uint8Array;
  length: number;
  /** Where in the chunk that made the request whole the next one begins. */
  nextAt = 0;

  /** Takes over the parser, which stands within the request that begins at `start`. */
  constructor(parser: RequestParser, chunk: Uint8Array, start: number) {
    this.parser = parser;
    this.length = chunk.length - start;
    this.bytes = new Uint8Array(Math.max(parser.wantedEnd - start, this.length));
    this.bytes.set(chunk.subarray(start));
    parser.rebase(this.bytes, start);
  }

  /** Adds the chunk from `from` on until the request is whole; what the parser makes of it. */
  take(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at < chunk.length) {
      const before = this.length;
      const taken = this.add(chunk, at);
      const status = this.parse();
      if (status !== INCOMPLETE) {
        this.nextAt = at + this.parser.position - before;
        return status;
      }
      at += taken;
    }
    return INCOMPLETE;
  }

  /** Adds bytes of the chunk from `from` on; returns how many. */
  add(chunk: Uint8Array, from: number): number {
    const missing = Math.max(this.parser.wantedEnd - this.length, STEP_BYTES);
    const taken = Math.min(missing, chunk.length - from);
    const room = Math.max(this.parser.wantedEnd, this.length + taken);
    this.bytes = withRoom(this.bytes, this.length, room);
    this.bytes.set(chunk.subarray(from, from + taken), this.length);
    this.length += taken;
    return taken;
  }

  /** Bytes that the parser has not made part of an argument yet. */
  get unreadBytes(): number {
    return this.length - this.parser.position;
  }

  /** What the parser makes of the bytes so far. */
  parse(): number {
    return this.parser.next(this.bytes, this.length);
  }
}
