/**
 * One running command, as its handler sees it: the arguments, the database, the reply, and the
 * report of what changed. Handlers read all arguments first, check once (`refused`), then act,
 * and report each changed key once with `changed`. Everything that follows a write follows from
 * that report: the AOF, dirty counts, and whoever watches keys.
 *
 * By default the request itself is propagated, as its bytes came in, when something changed. A
 * handler whose effect depends on time, chance or state calls `instead()` and writes the
 * commands that repeat the effect to the effects it returns.
 */
import { equalsWord } from "../base/bytes.ts";
import { parseInt64, parseSafeInteger } from "../base/numbers.ts";
import { NO_EXPIRY } from "../keyspace/entry-store.ts";
import type { Database } from "../keyspace/database.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Ref } from "../memory/arena.ts";
import { ENCODING_RAW, typeOf } from "../memory/entry.ts";
import type { Arguments } from "../protocol/arguments.ts";
import {
  NOT_AN_INT32,
  NOT_AN_INTEGER,
  SYNTAX,
  TIMEOUT_NEGATIVE,
  TIMEOUT_NOT_A_FLOAT,
  TIMEOUT_NOT_AN_INTEGER,
  TIMEOUT_OUT_OF_RANGE,
  unknownSubcommand,
  wrongArity,
  WRONG_TYPE,
} from "../protocol/errors.ts";
import { MAX_STRING_BYTES } from "../protocol/limits.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { BlockedRequest, BlockOptions, WaitOptions } from "./blocked-request.ts";
import type { Command } from "./command.ts";
import type { Effects } from "./effects.ts";
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";
import { END_OF_TIME_MS, millisecondsOf } from "./timeout.ts";

/** What the handler decided about propagation. */
const AS_REQUEST = 0;
const INSTEAD = 1;

export class Call {
  args!: Arguments;
  database!: Database;
  session!: Session;
  command!: Command;
  /** Changes reported so far by this call. */
  changes = 0;
  /** The command comes from a file that is being loaded. */
  isReplay = false;
  private problem = "";
  private propagation = AS_REQUEST;

  readonly engine: Engine;
  readonly reply: ReplyWriter;

  constructor(engine: Engine, reply: ReplyWriter) {
    this.engine = engine;
    this.reply = reply;
  }

  /** Prepares for the next command. */
  enter(session: Session, command: Command, args: Arguments): void {
    this.session = session;
    this.database = session.database;
    this.command = command;
    this.args = args;
    this.changes = 0;
    this.isReplay = false;
    this.problem = "";
    this.propagation = AS_REQUEST;
  }

  /** It was done before, elsewhere: limits on clients don't apply (mustObeyClient). */
  get isRepeated(): boolean {
    return this.isReplay || this.session.isPrimary;
  }

  get count(): number {
    return this.args.count;
  }

  get nowMs(): number {
    return this.engine.clock.nowMs;
  }

  /** What expired before is hidden; while loading nothing is. */
  get visibleFromMs(): number {
    return this.engine.context.showsExpired ? 0 : this.engine.clock.nowMs;
  }

  /** Whether the request itself is to be propagated. */
  get propagatesRequest(): boolean {
    return this.propagation === AS_REQUEST;
  }

  /** Whether argument `index` is this word, given in upper case. */
  is(index: number, upperWord: string): boolean {
    const args = this.args;
    return equalsWord(args.bytes, args.starts[index], args.lengths[index], upperWord);
  }

  text(index: number): string {
    return this.args.text(index);
  }

  /** The argument as a safe integer; a problem, and NaN, where it is none. */
  integer(index: number, problem = NOT_AN_INTEGER): number {
    const args = this.args;
    const value = parseSafeInteger(args.bytes, args.starts[index], args.lengths[index]);
    if (value !== value) this.refuse(problem);
    return value;
  }

  /** The argument as an integer within int64: a bigint only beyond 2^53. */
  int64(index: number, problem = NOT_AN_INTEGER): number | bigint {
    const args = this.args;
    const value = parseSafeInteger(args.bytes, args.starts[index], args.lengths[index]);
    if (value === value) return value;
    const exact = parseInt64(args.bytes, args.starts[index], args.lengths[index]);
    if (exact === null) {
      this.refuse(problem);
      return NaN;
    }
    return exact;
  }

  /** The argument as a 32-bit integer; a problem, and NaN, where it is none. */
  int32(index: number, problem = ""): number {
    const value = this.int64(index, problem === "" ? NOT_AN_INTEGER : problem);
    if (value >= -2147483648 && value <= 2147483647) return Number(value);
    this.refuse(problem === "" ? NOT_AN_INT32 : problem);
    return NaN;
  }

  /** The longest string that the command may make. */
  get maxStringBytes(): number {
    if (this.isRepeated) return MAX_STRING_BYTES;
    return Math.min(this.engine.config.values["proto-max-bulk-len"], MAX_STRING_BYTES);
  }

  /**
   * The argument as how long to block, in whole milliseconds (a part of one counts as one); 0: for
   * ever. A problem where it is none (getTimeoutFromObjectOrReply, 7.2).
   */
  timeoutMs(index: number, unit: "seconds" | "milliseconds" = "seconds"): number {
    let timeoutMs = 0;
    if (unit === "milliseconds") {
      timeoutMs = Number(this.int64(index, TIMEOUT_NOT_AN_INTEGER));
    } else {
      const { bytes, starts, lengths } = this.args;
      timeoutMs = millisecondsOf(bytes, starts[index], lengths[index]);
      if (timeoutMs !== timeoutMs) this.refuse(TIMEOUT_NOT_A_FLOAT);
    }
    if (timeoutMs < 0) this.refuse(TIMEOUT_NEGATIVE);
    if (timeoutMs > 0 && timeoutMs > END_OF_TIME_MS - this.nowMs) this.refuse(TIMEOUT_OUT_OF_RANGE);
    return timeoutMs;
  }

  /** Whether the request was blocked and its handler is running once more. */
  get isRetry(): boolean {
    return this.session.blocked !== null;
  }

  /**
   * The handler found nothing: it returns without a reply and runs again when one of these keys
   * may have become ready, or the reply is a null array once the time is up. Called again by the
   * handler then, it waits on, with the same place and deadline. Where the session may not block
   * it replies at once and returns null.
   */
  block(options: BlockOptions): BlockedRequest | null {
    const { session } = this;
    if (session.blocked !== null) {
      session.blocked.hasAnswered = false;
      return session.blocked;
    }
    if (this.mayWait) {
      return this.engine.blocking.add(this, options);
    }
    if (options.repliesNil === true) this.reply.nil();
    else this.reply.nullArray();
    return null;
  }

  /**
   * The handler returns without a reply, which comes when what it waits for, no key, calls
   * `proceed` or `refuse` (blocking.ts). Null where the session can't wait (MULTI, a script).
   */
  wait(options: WaitOptions): BlockedRequest | null {
    return this.mayWait ? this.engine.blocking.addWaiting(this, options) : null;
  }

  /** What a primary sends is not to wait: all that follows would. */
  private get mayWait(): boolean {
    const { transport, deniesBlocking, isPrimary } = this.session;
    return transport !== null && !deniesBlocking && !isPrimary;
  }

  /** Bytes of the request that is running. */
  get requestBytes(): number {
    const { args } = this;
    return args.rawIsExact ? args.rawEnd - args.rawStart : args.bytes.length;
  }

  /** Notes why the command can't run; the first reason stands. */
  refuse(problem: string): void {
    if (this.problem === "") this.problem = problem;
  }

  get hasProblem(): boolean {
    return this.problem !== "";
  }

  /** Whether something was refused; then the error reply has been written. */
  refused(): boolean {
    if (this.problem === "") return false;
    this.reply.error(this.problem);
    return true;
  }

  /** Replies with an error. */
  fail(error: string): void {
    this.reply.error(error);
  }

  /** Replies with the arity error, where the declared arity cannot say it all. */
  wrongArity(): void {
    this.reply.error(wrongArity(this.command.fullName));
  }

  /** Replies that argument 1 names no subcommand of this container. */
  unknownSubcommand(): void {
    this.reply.error(unknownSubcommand(this.command.fullName, this.text(1)));
  }

  syntaxError(): void {
    this.reply.error(SYNTAX);
  }

  /** The entry under the key in argument `index`, for a command that only looks. */
  readKey(index: number): Ref {
    const args = this.args;
    return this.database.read(args.bytes, args.starts[index], args.lengths[index]);
  }

  /** The entry under the key in argument `index`, for a command that may change it. */
  writeKey(index: number): Ref {
    const args = this.args;
    return this.database.write(args.bytes, args.starts[index], args.lengths[index]);
  }

  /** Fetches what the keys among the arguments will need; for commands of many keys. */
  fetchKeys(first: number, step: number): void {
    if (this.args.count > first + step) {
      this.engine.fetchAhead.touchArguments(this.database, this.args, first, step);
    }
  }

  /** Neither counted as a hit or miss nor marked as an access. */
  peekKey(index: number): Ref {
    const args = this.args;
    return this.database.peek(args.bytes, args.starts[index], args.lengths[index]);
  }

  /** As `readKey`, but not marked as an access. */
  peekReadKey(index: number): Ref {
    const ref = this.peekKey(index);
    const context = this.engine.context;
    if (ref === NULL_REF) {
      const { bytes, starts, lengths } = this.args;
      context.misses++;
      context.onMiss?.(this.database, bytes, starts[index], lengths[index]);
    } else {
      context.hits++;
    }
    return ref;
  }

  /** Whether the entry exists and is of another type; then WRONGTYPE has been replied. */
  isWrongType(ref: Ref, type: number): boolean {
    if (ref === NULL_REF || typeOf(this.database.arena, ref) === type) return false;
    this.reply.error(WRONG_TYPE);
    return true;
  }

  /**
   * Stores bytes that this call made, encoding "raw" whatever they are, over `existing`, which
   * argument `index` has just been looked up as; without an expiry. Reports nothing.
   */
  storeRaw(index: number, existing: Ref, value: Uint8Array): Ref {
    const { bytes, starts, lengths } = this.args;
    return this.database.storeBytes(
      existing,
      bytes,
      starts[index],
      lengths[index],
      value,
      0,
      value.length,
      ENCODING_RAW,
      NO_EXPIRY,
    );
  }

  /** Removes the entry under the key in argument `index` and reports nothing. */
  removeKey(index: number): boolean {
    const ref = this.peekKey(index);
    if (ref === NULL_REF) return false;
    this.database.remove(ref);
    return true;
  }

  /**
   * Reports that the key in argument `index` changed. `kind` is its class of keyspace
   * notifications (key-events.ts) and `event` its name there.
   */
  changed(kind: number, event: string, index: number): void {
    this.changes++;
    const args = this.args;
    if (this.engine.watchesKeys) {
      this.engine.keyChanged(
        this.database,
        kind,
        event,
        args.bytes,
        args.starts[index],
        args.lengths[index],
      );
    }
  }

  /** Reports a further event of a key that was reported as changed (SET … EX: "expire"). */
  alsoHappened(kind: number, event: string, index: number): void {
    if (!this.engine.watchesKeys) return;
    const { bytes, starts, lengths } = this.args;
    this.engine.keyChanged(this.database, kind, event, bytes, starts[index], lengths[index]);
  }

  /** Reports a change of a key in another database, or of one that is no argument. */
  changedKey(
    database: Database,
    kind: number,
    event: string,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    this.changes++;
    if (this.engine.watchesKeys) {
      this.engine.keyChanged(database, kind, event, bytes, start, length);
    }
  }

  /** Reports a change that is not of one key (FLUSHALL, SWAPDB). */
  changedMany(count: number): void {
    this.changes += count;
  }

  /**
   * The request is not propagated; the commands written to the returned effects are (none:
   * nothing is propagated).
   */
  instead(): Effects {
    this.propagation = INSTEAD;
    return this.engine.effects;
  }
}
