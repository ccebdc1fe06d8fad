/**
 * What a session queued between MULTI and EXEC: the bytes of its requests, one behind the other
 * in one buffer, and where their arguments are. An object serves one transaction after another,
 * so that a transaction costs no allocation once some have been.
 */
import { copyBytes, withRoom } from "../base/bytes.ts";
import { MAX_BLOCK_BYTES } from "../memory/arena.ts";
import type { Arguments } from "../protocol/arguments.ts";
import type { Command } from "./command.ts";

const INITIAL_BYTES = 1024;
const INITIAL_PLACES = 64;
/**
 * An object that grew beyond this is not used again. A value that is too long for a block may be
 * kept as a view of the buffer it came in, which is not to be written again then; no request that
 * brings one is smaller than a block.
 */
const KEEP_BYTES = MAX_BLOCK_BYTES;
const OBJECT_BYTES = 256;
const BYTES_PER_COMMAND = 16;

export class Transaction {
  /** A request was refused while it was to be queued: EXEC will not run the others. */
  isAborted = false;
  /** EXEC is running its requests: they must stay, even if the session ends meanwhile. */
  isRunning = false;
  /** The gates (admission.ts) of all its commands, and their flags. */
  gates = 0;
  flags = 0;
  private readonly commands: Command[] = [];
  private bytes: Uint8Array = new Uint8Array(INITIAL_BYTES);
  private used = 0;
  /** Per request: where it begins, its length, its count of arguments, their starts and lengths. */
  private places = new Int32Array(INITIAL_PLACES);
  private placesUsed = 0;
  private readAt = 0;

  get count(): number {
    return this.commands.length;
  }

  /** Bytes that it holds for its client. */
  get sizeBytes(): number {
    const { bytes, places, commands } = this;
    return OBJECT_BYTES + bytes.length + places.byteLength + commands.length * BYTES_PER_COMMAND;
  }

  /** Of the arguments alone. */
  get argumentBytes(): number {
    const { places } = this;
    let bytes = 0;
    for (let at = 0; at < this.placesUsed;) {
      const end = at + 3 + 2 * places[at + 2];
      for (at += 4; at < end; at += 2) bytes += places[at];
      at = end;
    }
    return bytes;
  }

  get isReusable(): boolean {
    return this.bytes.length + this.places.byteLength <= KEEP_BYTES;
  }

  abort(): void {
    this.isAborted = true;
  }

  /** Makes it as good as new. */
  clear(): void {
    this.isAborted = false;
    this.gates = this.flags = 0;
    this.commands.length = 0;
    this.used = this.placesUsed = this.readAt = 0;
  }

  queue(command: Command, args: Arguments): void {
    this.commands.push(command);
    this.gates |= command.gates;
    this.flags |= command.flags;
    if (args.rawIsExact) this.add(args, args.rawStart, args.rawEnd - args.rawStart, true);
    else this.add(args.clone(), 0, -1, false);
  }

  /** Makes `args` the arguments of the next request, from the first on; returns its command. */
  next(index: number, args: Arguments): Command {
    const { places } = this;
    let at = this.readAt;
    const start = places[at];
    const length = places[at + 1];
    const count = places[at + 2];
    at += 3;
    args.reset(this.bytes);
    for (let i = 0; i < count; i++) {
      args.push(start + places[at], places[at + 1]);
      at += 2;
    }
    args.rawIsExact = length >= 0;
    args.rawStart = start;
    args.rawEnd = start + length;
    this.readAt = at;
    return this.commands[index];
  }

  private add(args: Arguments, from: number, rawLength: number, isExact: boolean): void {
    const length = isExact ? rawLength : args.bytes.length;
    const { count } = args;
    if (this.used + length > this.bytes.length) {
      this.bytes = withRoom(this.bytes, this.used, this.used + length);
    }
    this.reservePlaces(3 + 2 * count);
    copyBytes(this.bytes, this.used, args.bytes, from, length);
    const { places } = this;
    let at = this.placesUsed;
    places[at] = this.used;
    places[at + 1] = rawLength;
    places[at + 2] = count;
    at += 3;
    for (let i = 0; i < count; i++) {
      places[at] = args.starts[i] - from;
      places[at + 1] = args.lengths[i];
      at += 2;
    }
    this.placesUsed = at;
    this.used += length;
  }

  private reservePlaces(count: number): void {
    if (this.placesUsed + count <= this.places.length) return;
    const places = new Int32Array(Math.max(this.places.length * 2, this.placesUsed + count));
    places.set(this.places.subarray(0, this.placesUsed));
    this.places = places;
  }
}
