/** The slow log: the last commands that took longer than `slowlog-log-slower-than`. */
import { textOf } from "../base/bytes.ts";
import type { Arguments } from "../protocol/arguments.ts";
import { SKIP_SLOWLOG } from "./command.ts";
import type { Command } from "./command.ts";
import { REDACTED } from "./redaction.ts";
import type { Session } from "./session.ts";

/** SLOWLOG_ENTRY_MAX_ARGC and _MAX_STRING, slowlog.h. */
const MAX_ARGUMENTS = 32;
const MAX_ARGUMENT_BYTES = 128;

/** An entry beside its texts, and a text beside its characters. */
const BYTES_PER_CALL = 176;
const BYTES_PER_TEXT = 40;

export interface SlowCall {
  readonly id: number;
  readonly atSeconds: number;
  readonly durationUs: number;
  readonly args: readonly string[];
  readonly peerAddress: string;
  readonly clientName: string;
}

export class SlowLog {
  /** Microseconds; negative: nothing is logged. */
  thresholdUs = 10000;
  maxLength = 128;
  sizeBytes = 0;
  private nextId = 0;
  /** Newest first. */
  private entries: SlowCall[] = [];

  get length(): number {
    return this.entries.length;
  }

  wants(command: Command, durationUs: number): boolean {
    if (this.thresholdUs < 0 || durationUs < this.thresholdUs) return false;
    return (command.flags & SKIP_SLOWLOG) === 0;
  }

  /** `secrets` are the indices of arguments that are not shown. */
  add(
    durationUs: number,
    session: Session,
    args: Arguments,
    secrets: ReadonlySet<number>,
    nowMs: number,
  ): void {
    const call: SlowCall = {
      id: this.nextId++,
      atSeconds: Math.floor(nowMs / 1000),
      durationUs: Math.floor(durationUs),
      args: shortened(args, secrets),
      peerAddress: session.transport?.peerAddress ?? "",
      clientName: session.name,
    };
    this.entries.unshift(call);
    this.sizeBytes += bytesOf(call);
    this.trim();
  }

  newest(count: number): readonly SlowCall[] {
    return count < 0 ? this.entries : this.entries.slice(0, count);
  }

  reset(): void {
    this.entries = [];
    this.sizeBytes = 0;
  }

  trim(): void {
    while (this.entries.length > this.maxLength) {
      const last = this.entries.pop();
      if (last !== undefined) this.sizeBytes -= bytesOf(last);
    }
  }
}

function bytesOf({ args, peerAddress, clientName }: SlowCall): number {
  let bytes = BYTES_PER_CALL + peerAddress.length + clientName.length;
  for (const text of args) bytes += BYTES_PER_TEXT + text.length;
  return bytes;
}

function shortened(args: Arguments, secrets: ReadonlySet<number>): string[] {
  const shown = Math.min(args.count, MAX_ARGUMENTS);
  const texts: string[] = [];
  for (let i = 0; i < shown; i++) {
    const length = args.lengths[i];
    if (i === shown - 1 && args.count > shown) {
      texts.push(`... (${args.count - shown + 1} more arguments)`);
    } else if (secrets.has(i)) {
      texts.push(REDACTED);
    } else if (length > MAX_ARGUMENT_BYTES) {
      const rest = length - MAX_ARGUMENT_BYTES;
      // Not a part of the whole argument's text, which would keep all of it alive.
      const start = textOf(args.bytes, args.starts[i], MAX_ARGUMENT_BYTES);
      texts.push(`${start}... (${rest} more bytes)`);
    } else {
      texts.push(args.text(i));
    }
  }
  return texts;
}
