/** A request that found nothing and waits, with all that it takes to run it again. */
import type { Database } from "../keyspace/database.ts";
import type { Arguments } from "../protocol/arguments.ts";
import type { AwaitedKey } from "./_awaited-keys.ts";
import type { Command } from "./command.ts";
import type { Session } from "./session.ts";

const OBJECT_BYTES = 512;

/** What a handler that finds nothing waits for. */
export interface BlockOptions {
  /** The keys: arguments `firstKey` to `lastKey`, both included. */
  readonly firstKey: number;
  readonly lastKey: number;
  /** The type of value (memory/entry.ts) that a key must hold for the request to run again. */
  readonly type: number;
  /** 0: for ever. */
  readonly timeoutMs: number;
  /** Where nobody may block (MULTI, a script) the reply is nil instead of a null array. */
  readonly repliesNil?: boolean;
  /** It also runs again when a key is gone or of another type (XREADGROUP). */
  readonly wakesWithoutKey?: boolean;
}

export class BlockedRequest {
  /** Set before the handler runs again; it blocking once more takes that back. */
  hasAnswered = false;
  /** What the handler's runs took so far, in microseconds. */
  spentUs = 0;
  /** Its place among the deadlines; -1: it waits for ever. */
  heapIndex = -1;
  keys: readonly AwaitedKey[] = [];

  readonly session: Session;
  readonly command: Command;
  /** A copy: the buffer that the request came in is long gone when it runs again. */
  readonly args: Arguments;
  readonly database: Database;
  readonly type: number;
  readonly wakesWithoutKey: boolean;
  /** Unix milliseconds; Infinity: for ever. */
  readonly deadlineMs: number;
  /** Counts all requests that ever blocked. */
  readonly order: number;

  constructor(
    session: Session,
    command: Command,
    args: Arguments,
    options: BlockOptions,
    nowMs: number,
    order: number,
  ) {
    this.session = session;
    this.command = command;
    this.args = args.clone();
    this.database = session.database;
    this.type = options.type;
    this.wakesWithoutKey = options.wakesWithoutKey ?? false;
    this.deadlineMs = options.timeoutMs === 0 ? Infinity : nowMs + options.timeoutMs;
    this.order = order;
  }

  get sizeBytes(): number {
    return OBJECT_BYTES + this.args.bytes.length;
  }

  /**
   * Gives the next run another argument than the request had, for one whose meaning depends on
   * the moment of the first run (XREAD's `$`). To be called in the first run.
   */
  replaceArgument(index: number, bytes: Uint8Array): void {
    const parts = Array.from({ length: this.args.count }, (_, i) => this.args.copy(i));
    parts[index] = bytes;
    this.args.assign(parts);
  }
}
