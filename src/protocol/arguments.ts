/**
 * The arguments of one request, as ranges of the buffer it arrived in: argument i is
 * `bytes[starts[i] .. starts[i] + lengths[i])`. Argument 0 is the command's name. Nothing is
 * copied; the buffer is never written again, so a range may be kept by keeping the buffer.
 */
import { equalBytes, equalsWord, textOf } from "../base/bytes.ts";

export class Arguments {
  bytes: Uint8Array = new Uint8Array(0);
  count = 0;
  starts = new Int32Array(16);
  lengths = new Int32Array(16);
  /** The whole request in `bytes`, to be propagated as it came. */
  rawStart = 0;
  rawEnd = 0;
  /** The raw range is a request in multibulk form, exact to the byte. */
  rawIsExact = false;

  /** Bytes of all arguments. */
  get totalBytes(): number {
    let bytes = 0;
    for (let i = 0; i < this.count; i++) bytes += this.lengths[i];
    return bytes;
  }

  /** Appends an argument. */
  push(start: number, length: number): void {
    const index = this.count;
    if (index === this.starts.length) this.grow();
    this.starts[index] = start;
    this.lengths[index] = length;
    this.count = index + 1;
  }

  /** The argument as a Latin-1 string. */
  text(index: number): string {
    return textOf(this.bytes, this.starts[index], this.lengths[index]);
  }

  /** A copy of the argument's bytes. */
  copy(index: number): Uint8Array {
    const start = this.starts[index];
    return this.bytes.slice(start, start + this.lengths[index]);
  }

  /** Whether the argument is this word, given in upper case, in any case. */
  is(index: number, upperWord: string): boolean {
    return equalsWord(this.bytes, this.starts[index], this.lengths[index], upperWord);
  }

  areEqual(one: number, other: number): boolean {
    const { bytes, starts, lengths } = this;
    const length = lengths[one];
    if (length !== lengths[other]) return false;
    return equalBytes(bytes, starts[one], bytes, starts[other], length);
  }

  /** Makes these the arguments `parts`, for callers that do not come from a socket. */
  assign(parts: readonly Uint8Array[]): void {
    let size = 0;
    for (const part of parts) size += part.length;
    const bytes = new Uint8Array(size);
    this.reset(bytes);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      this.push(at, part.length);
      at += part.length;
    }
  }

  /** A copy in a buffer of its own. */
  clone(): Arguments {
    const copy = new Arguments();
    if (!this.rawIsExact) {
      copy.assign(Array.from({ length: this.count }, (_, i) => this.copy(i)));
      return copy;
    }
    copy.reset(this.bytes.slice(this.rawStart, this.rawEnd));
    for (let i = 0; i < this.count; i++) copy.push(this.starts[i] - this.rawStart, this.lengths[i]);
    copy.rawStart = 0;
    copy.rawEnd = copy.bytes.length;
    copy.rawIsExact = true;
    return copy;
  }

  reset(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.count = 0;
    this.rawIsExact = false;
  }

  /** The buffer's content moved `by` bytes towards its start. */
  rebase(bytes: Uint8Array, by: number): void {
    this.bytes = bytes;
    for (let i = 0; i < this.count; i++) this.starts[i] -= by;
    this.rawStart -= by;
  }

  private grow(): void {
    const starts = new Int32Array(this.starts.length * 2);
    const lengths = new Int32Array(this.starts.length * 2);
    starts.set(this.starts);
    lengths.set(this.lengths);
    this.starts = starts;
    this.lengths = lengths;
  }
}
