/**
 * The snapshot that a primary sends, in one of two frames:
 *
 *     \n …  $<length>\r\n  <length bytes>
 *     \n …  $EOF:<mark>\r\n  <bytes>  <mark>       the mark: 40 bytes
 *
 * Newlines in front keep the connection alive while the snapshot is made. Behind a mark nothing
 * comes until it was acknowledged, so whether the last bytes are the mark is asked at the end of
 * each chunk, and they are held back until that is known. What follows a counted snapshot is the
 * stream. Source: readSyncBulkPayload, Redis 7.
 */
import { bytesOf, copyBytes, EMPTY_BYTES, equalBytes } from "../base/bytes.ts";
import type { SnapshotIntake } from "../engine/persistence.ts";
import { LineReader } from "./_line-reader.ts";

const MARK_BYTES = 40;
const MAX_LINE_LENGTH = 1024;
const TOO_LONG = "I/O error reading bulk count from MASTER: the line is too long";

export interface PayloadEvents {
  /** The length is known, or (null) that there is a mark; null where the bytes can't be taken. */
  begins(sizeBytes: number | null): SnapshotIntake | null;
  /** It can't be read on. */
  failed(problem: string): void;
}

export class Payload {
  /** Null: not told yet, or ended by a mark. */
  sizeBytes: number | null = null;
  readBytes = 0;
  /** All bytes have come. */
  isWhole = false;
  intake: SnapshotIntake | null = null;
  private readonly lines = new LineReader();
  private mark: Uint8Array | null = null;
  /** Of a marked one: what may be the beginning of its mark. */
  private tail: Uint8Array = EMPTY_BYTES;
  private readonly events: PayloadEvents;

  constructor(events: PayloadEvents) {
    this.events = events;
  }

  get isMarked(): boolean {
    return this.mark !== null;
  }

  /** Takes bytes from `from` on; returns where what follows the snapshot begins. */
  receive(chunk: Uint8Array, from: number): number {
    let at = from;
    while (this.intake === null) {
      if (at === chunk.length) return at;
      const line = this.lines.next(chunk, at);
      at = this.lines.position;
      if (line === null) {
        if (this.lines.waitingLength > MAX_LINE_LENGTH) this.events.failed(TOO_LONG);
        return at;
      }
      if (line !== "" && !this.begin(line)) return chunk.length;
    }
    if (this.mark === null) return this.receiveCounted(this.intake, chunk, at);
    this.receiveMarked(this.intake, this.mark, chunk, at);
    return chunk.length;
  }

  private begin(line: string): boolean {
    if (line.startsWith("-")) {
      this.events.failed(`MASTER aborted replication with an error: ${line.slice(1)}`);
      return false;
    }
    if (!line.startsWith("$")) {
      this.events.failed(
        "Bad protocol from MASTER, the first byte is not '$' " +
          `(we received '${line}'), are you sure the host and port are right?`,
      );
      return false;
    }
    if (line.startsWith("$EOF:") && line.length >= 5 + MARK_BYTES) {
      this.mark = bytesOf(line.slice(5, 5 + MARK_BYTES));
    } else {
      this.sizeBytes = Math.max(0, Number.parseInt(line.slice(1), 10) || 0);
    }
    this.intake = this.events.begins(this.sizeBytes);
    if (this.intake !== null && this.sizeBytes === 0) this.isWhole = true;
    return this.intake !== null;
  }

  private receiveCounted(intake: SnapshotIntake, chunk: Uint8Array, from: number): number {
    const length = Math.min((this.sizeBytes ?? 0) - this.readBytes, chunk.length - from);
    if (length > 0) intake.write(chunk, from, length);
    this.readBytes += length;
    if (this.readBytes === this.sizeBytes) this.isWhole = true;
    return from + length;
  }

  private receiveMarked(
    intake: SnapshotIntake,
    mark: Uint8Array,
    chunk: Uint8Array,
    from: number,
  ): void {
    const { tail } = this;
    const length = chunk.length - from;
    this.readBytes += length;
    const heldBytes = Math.min(MARK_BYTES, tail.length + length);
    const held = new Uint8Array(heldBytes);
    // What is held back is the end of the old tail and the chunk together.
    const ofChunk = Math.min(length, heldBytes);
    const ofTail = heldBytes - ofChunk;
    const passedTail = tail.length - ofTail;
    if (passedTail > 0) intake.write(tail, 0, passedTail);
    if (length > ofChunk) intake.write(chunk, from, length - ofChunk);
    copyBytes(held, 0, tail, passedTail, ofTail);
    copyBytes(held, ofTail, chunk, chunk.length - ofChunk, ofChunk);
    this.tail = held;
    this.isWhole = heldBytes === MARK_BYTES && equalBytes(held, 0, mark, 0, MARK_BYTES);
  }
}
