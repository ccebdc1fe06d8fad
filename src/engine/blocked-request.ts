/** A request that waits, for a key or for something else, with all that it takes to go on. */
import type { Database } from "../keyspace/database.ts";
import type { Arguments } from "../protocol/arguments.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
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

/** How a request waits for what is no key; whoever it waits for calls `proceed` (blocking.ts). */
export interface WaitOptions {
  /** 0: for ever. */
  readonly timeoutMs: number;
  /**
   * Replies to the client whose time is up, or that CLIENT UNBLOCK names (WAIT). Null where the
   * request ends in its own time only (MIGRATE, SHUTDOWN): then a client that sends no more still
   * gets its reply.
   */
  readonly giveUp: GiveUp | null;
  /** Whether INFO counts it as a blocked client; to Redis MIGRATE is none. */
  readonly counts: boolean;
}

export type GiveUp = (reply: ReplyWriter) => void;

/** Of those that wait for no key. */
const NO_TYPE = -1;

export class BlockedRequest {
  /** Set before the handler runs again; it blocking once more takes that back. */
  hasAnswered = false;
  /** What the handler's runs took so far, in microseconds. */
  spentUs = 0;
  /** Something was changed for it: its reply must wait for the disk. */
  hasChanged = false;
  /** Its place among the deadlines; -1: it waits for ever. */
  heapIndex = -1;
  keys: readonly AwaitedKey[] = [];

  /** The type of value that wakes it. */
  readonly type: number;
  readonly wakesWithoutKey: boolean;
  readonly giveUp: GiveUp | null;
  readonly counts: boolean;
  readonly session: Session;
  readonly command: Command;
  /** A copy: the buffer that the request came in is long gone when it runs again. */
  readonly args: Arguments;
  readonly database: Database;
  /** Unix milliseconds; Infinity: for ever. */
  readonly deadlineMs: number;
  /** Counts all requests that ever blocked. */
  readonly order: number;

  constructor(
    session: Session,
    command: Command,
    args: Arguments,
    options: BlockOptions | WaitOptions,
    nowMs: number,
    order: number,
  ) {
    const forKeys = "firstKey" in options ? options : null;
    this.type = forKeys?.type ?? NO_TYPE;
    this.wakesWithoutKey = forKeys?.wakesWithoutKey ?? false;
    this.giveUp = "giveUp" in options ? options.giveUp : repliesNullArray;
    this.counts = "counts" in options ? options.counts : true;
    this.session = session;
    this.command = command;
    this.args = args.clone();
    this.database = session.database;
    this.deadlineMs = options.timeoutMs === 0 ? Infinity : nowMs + options.timeoutMs;
    this.order = order;
  }

  /** It ends at its deadline, and when CLIENT UNBLOCK or its client's leaving say so. */
  get isInterruptible(): boolean {
    return this.giveUp !== null;
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

function repliesNullArray(reply: ReplyWriter): void {
  reply.nullArray();
}
