/**
 * Replays one append-only file: requests in RESP, with lines that begin with # between them,
 * and MULTI … EXEC groups, which count only whole.
 *
 * The file is read in chunks. Each chunk is a buffer of its own that is never written again,
 * since a large value is kept as a view of the buffer it came in; what the end of a chunk cut
 * is copied to the next. A group stays in the buffer until its EXEC is there: it is parsed
 * once to find the end, and again to run. Nothing is allocated for lengths that the rest of the
 * file cannot hold.
 */
import { textOf } from "../base/bytes.ts";
import type { Disk } from "../base/disk.ts";
import type { Engine } from "../engine/engine.ts";
import type { Session } from "../engine/session.ts";
import type { Arguments } from "../protocol/arguments.ts";
import { INCOMPLETE, REQUEST, RequestParser } from "../protocol/request-parser.ts";
import { STREAM_NOTE } from "./stream-note.ts";

/** More of the file is left. */
export const MORE = 0;
export const WHOLE = 1;
/** The last command, annotation or group is not whole. */
export const CUT = 2;
export const BAD_FORMAT = 3;
export const BAD_COMMAND = 4;

const CHUNK_BYTES = 1 << 20;
const MAX_BULK_BYTES = 2 ** 31 - 64;
const LINE_FEED = 10;
const STAR = 42;
const HASH_SIGN = 35;

export class AofReader {
  /** Where the last whole command or group ends. */
  validUpTo: number;
  /** Where the command in question begins, after BAD_FORMAT and BAD_COMMAND. */
  badAt = 0;
  /** What is wrong with it, after BAD_COMMAND. */
  problem = "";
  /** The file ended inside a group whose commands are whole. */
  endsInGroup = false;
  /** The line about the stream of replication that stands at the very end, or "". */
  get lastNote(): string {
    return this.noteEnd === this.sizeBytes ? this.note : "";
  }

  private note = "";
  private noteEnd = -1;
  private readonly parser = new RequestParser();
  private buffer = new Uint8Array(0);
  private end = 0;
  /** Where in the file the buffer begins. */
  private offset: number;
  /** The open group's MULTI and what is behind it, or -1. */
  private groupAt = -1;
  private groupBodyAt = -1;
  /** While a whole group is run: where its EXEC ends, otherwise -1. */
  private groupEnd = -1;
  private recordAt = 0;
  private readonly engine: Engine;
  private readonly session: Session;
  private readonly disk: Disk;
  private readonly descriptor: number;
  private readonly sizeBytes: number;

  constructor(
    engine: Engine,
    session: Session,
    disk: Disk,
    descriptor: number,
    sizeBytes: number,
    from: number,
  ) {
    this.engine = engine;
    this.session = session;
    this.disk = disk;
    this.descriptor = descriptor;
    this.sizeBytes = sizeBytes;
    this.offset = from;
    this.validUpTo = from;
    this.parser.maxBulkBytes = MAX_BULK_BYTES;
    this.parser.isStream = false;
  }

  /** How far the file has been read. */
  get position(): number {
    return this.offset + this.parser.position;
  }

  /** Replays up to so many commands. Anything but MORE ends the matter. */
  replay(commands: number): number {
    const parser = this.parser;
    for (let left = commands; left > 0; left--) {
      if (parser.isIdle) {
        const ready = this.beginRecord();
        if (ready !== MORE) return ready;
      }
      const status = parser.next(this.buffer, this.end);
      if (status === REQUEST) {
        const outcome = this.request(parser.args);
        if (outcome !== MORE) return outcome;
      } else if (status !== INCOMPLETE) {
        return this.bad(BAD_FORMAT);
      } else if (!this.fill(Math.max(parser.wantedEnd, this.end + 1))) {
        return CUT;
      }
    }
    return MORE;
  }

  /** Moves to the next command's first byte, past annotations. */
  private beginRecord(): number {
    const parser = this.parser;
    for (;;) {
      this.recordAt = parser.position;
      if (this.recordAt >= this.end && !this.fill(this.end + 1)) {
        this.endsInGroup = this.groupAt >= 0;
        return this.endsInGroup ? CUT : WHOLE;
      }
      const byte = this.buffer[parser.position];
      if (byte === STAR) return MORE;
      if (byte !== HASH_SIGN) return this.bad(BAD_FORMAT);
      const newline = this.buffer.indexOf(LINE_FEED, parser.position);
      if (newline >= 0 && newline < this.end) this.passLine(newline + 1);
      else if (!this.fill(this.end + 1)) return CUT;
    }
  }

  private passLine(end: number): void {
    const { buffer, parser } = this;
    if (startsWith(buffer, parser.position, STREAM_NOTE)) {
      this.note = textOf(buffer, parser.position, end - parser.position);
      this.noteEnd = this.offset + end;
    }
    parser.position = end;
  }

  private request(args: Arguments): number {
    if (this.groupAt < 0) {
      if (args.count === 1 && args.is(0, "MULTI")) {
        this.groupAt = this.recordAt;
        this.groupBodyAt = this.parser.position;
        return MORE;
      }
      const outcome = this.run(args);
      if (outcome === MORE) this.validUpTo = this.offset + this.parser.position;
      return outcome;
    }
    if (this.groupEnd < 0) {
      if (args.count === 1 && args.is(0, "EXEC")) {
        this.groupEnd = this.parser.position;
        this.parser.restart(this.groupBodyAt);
      }
      return MORE;
    }
    if (this.parser.position < this.groupEnd) {
      // A MULTI within a group is an error reply to Redis, and no more.
      return args.count === 1 && args.is(0, "MULTI") ? MORE : this.run(args);
    }
    this.groupAt = -1;
    this.groupEnd = -1;
    this.validUpTo = this.offset + this.parser.position;
    return MORE;
  }

  private run(args: Arguments): number {
    const command = this.engine.table.find(args);
    if (command === null) {
      this.problem = `Unknown command '${args.text(0)}'`;
      return this.bad(BAD_COMMAND);
    }
    if (!command.acceptsCount(args.count)) {
      this.problem = `Wrong number of arguments for '${command.fullName}'`;
      return this.bad(BAD_COMMAND);
    }
    const error = this.engine.replay(this.session, command, args);
    // Other commands may fail as they did when they were written. This one decides where all
    // that follows goes.
    if (error !== null && command.name === "select") {
      this.problem = `'select' failed (${error})`;
      return this.bad(BAD_COMMAND);
    }
    return MORE;
  }

  private bad(outcome: number): number {
    this.badAt = this.offset + this.recordAt;
    return outcome;
  }

  /** Brings the file's bytes up to buffer position `wanted`; false where the file has fewer. */
  private fill(wanted: number): boolean {
    if (this.offset + wanted > this.sizeBytes) return false;
    const parser = this.parser;
    const from = this.groupAt >= 0 ? this.groupAt : this.recordAt;
    const kept = this.end - from;
    const room = Math.max(wanted - from, kept * 2, CHUNK_BYTES);
    const buffer = new Uint8Array(Math.min(room, this.sizeBytes - this.offset - from));
    buffer.set(this.buffer.subarray(from, this.end));
    parser.rebase(buffer, from);
    this.buffer = buffer;
    this.end = kept;
    this.offset += from;
    this.recordAt -= from;
    if (this.groupAt >= 0) {
      this.groupAt -= from;
      this.groupBodyAt -= from;
    }
    while (this.end < buffer.length) {
      const at = this.offset + this.end;
      const count = this.disk.read(this.descriptor, buffer, this.end, buffer.length - this.end, at);
      if (count === 0) break;
      this.end += count;
    }
    return this.end >= wanted - from;
  }
}

function startsWith(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
