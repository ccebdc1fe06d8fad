/**
 * Runs what a primary sends, as connections run what clients send: parsed where it lies, in
 * batches whose keys are fetched together (engine/request-batch.ts). Replies are dropped.
 *
 * What has run is passed on to this server's own stream, byte by byte as it came, so the stream's
 * offset is what has been applied. A transaction is passed on whole, when its EXEC has run: until
 * then its bytes are `held`. Of `source`, what has run reaches to `ranTo`, and what of that is not
 * part of an open transaction from `passedTo` to `wholeTo`.
 *
 * To these requests nothing is expired: the primary deletes what is. Benchmark: bench/replication.
 */
import { AssertionError } from "../base/assert.ts";
import { EMPTY_BYTES } from "../base/bytes.ts";
import { CutRequest } from "../engine/cut-request.ts";
import type { Engine } from "../engine/engine.ts";
import { MAX_LOOK_AHEAD, RequestBatch } from "../engine/request-batch.ts";
import type { Session } from "../engine/session.ts";
import type { Arguments } from "../protocol/arguments.ts";
import { MAX_STRING_BYTES } from "../protocol/limits.ts";
import { INCOMPLETE, MALFORMED, REQUEST, RequestParser } from "../protocol/request-parser.ts";
import type { ReplicationStream } from "./stream.ts";

const STAR = 42;
/** Of an error that is logged. */
const MAX_SHOWN_LENGTH = 4096;
const INLINE =
  "WARNING: Receiving inline protocol from master, master stream corruption? Closing the " +
  "master connection and discarding the cached master.";

export class StreamApplier {
  /** The stream can't be read on; called at most once. */
  onCorrupt: (problem: string) => void = () => {};
  /** A pause of clients' commands holds the primary's up too. */
  isWaiting = false;
  private isOver = false;
  private readonly batch = new RequestBatch();
  private parser = newParser();
  private cut: CutRequest | null = null;
  private waiting: Uint8Array[] = [];
  private source: Uint8Array = EMPTY_BYTES;
  private passedTo = 0;
  private wholeTo = 0;
  private ranTo = 0;
  private held: Uint8Array[] = [];

  private readonly engine: Engine;
  private readonly stream: ReplicationStream;
  private readonly session: Session;

  constructor(engine: Engine, stream: ReplicationStream, session: Session) {
    this.engine = engine;
    this.stream = stream;
    this.session = session;
  }

  /** Bytes that came and have not been applied. */
  get unappliedBytes(): number {
    let bytes = this.cut?.length ?? 0;
    for (const chunk of this.waiting) bytes += chunk.length;
    for (const piece of this.held) bytes += piece.length;
    return bytes;
  }

  /** Of a request that is not whole: its bytes that belong to no argument yet, and the others. */
  get queryBytes(): number {
    return this.cut?.unreadBytes ?? 0;
  }

  get argumentBytes(): number {
    return this.cut?.parser.args.totalBytes ?? 0;
  }

  get bufferBytes(): number {
    return this.cut?.bytes.length ?? 0;
  }

  /** Bytes from `from` on, in a buffer that is never written again. */
  receive(chunk: Uint8Array, from: number): void {
    if (this.isOver || from === chunk.length) return;
    if (this.isWaiting) {
      this.waiting.push(from === 0 ? chunk : chunk.subarray(from));
      return;
    }
    const { context, reply, timing } = this.engine;
    const mark = reply.at;
    context.showsExpired = true;
    const next = this.cut === null ? from : this.completeCut(this.cut, chunk, from);
    if (next < chunk.length && this.isRunning) this.process(chunk, next, mark);
    context.showsExpired = false;
    reply.at = mark;
    timing.endBatch();
  }

  /** The pause is over. */
  resume(): void {
    if (!this.isWaiting) return;
    const { waiting } = this;
    this.waiting = [];
    this.isWaiting = false;
    for (const chunk of waiting) this.receive(chunk, 0);
  }

  /** Nothing more is to run. */
  stop(): void {
    this.isOver = true;
  }

  /** Passes on what has run, unless it is part of a transaction that has not. */
  settle(): void {
    const { stream, session, held } = this;
    if (this.wholeTo === this.passedTo) return;
    const database = session.database.index;
    for (const piece of held) stream.pass(piece, 0, piece.length, database);
    held.length = 0;
    stream.pass(this.source, this.passedTo, this.wholeTo - this.passedTo, database);
    this.passedTo = this.wholeTo;
  }

  private get isRunning(): boolean {
    return !this.isWaiting && !this.isOver;
  }

  private process(chunk: Uint8Array, from: number, mark: number): void {
    const { batch, parser, engine } = this;
    parser.restart(from);
    this.begin(chunk, from);
    do {
      batch.parse(parser, chunk, chunk.length, MAX_LOOK_AHEAD);
      this.runBatch(chunk);
      engine.reply.at = mark;
    } while (this.isRunning && batch.status === REQUEST);
    this.end();
    batch.release(chunk);
  }

  private runBatch(chunk: Uint8Array): void {
    const { batch, engine, parser } = this;
    const { count, starts } = batch;
    if (count > 1) batch.prefetch(this.session.database);
    for (let i = 0; i < count; i++) {
      if (count > 1) batch.announce(i, engine.context);
      if (!this.run(batch.request(i), chunk, starts[i])) return;
      this.hasRun(starts[i + 1]);
    }
    if (batch.status === MALFORMED) {
      this.corrupt(`Protocol error (${parser.problem}) from client: the master`);
      return;
    }
    // Behind empty lines too, which keep the connection alive.
    this.hasRun(starts[count]);
    if (batch.status !== INCOMPLETE || this.ranTo === chunk.length) return;
    this.cut = new CutRequest(parser, chunk, this.ranTo);
    this.parser = newParser();
    batch.giveAwayLast();
  }

  /** False where it could not run: it waits, or the stream is broken. */
  private run(args: Arguments, bytes: Uint8Array, start: number): boolean {
    const { engine, session } = this;
    const { reply } = engine;
    if (bytes[start] !== STAR) {
      this.corrupt(INLINE);
      return false;
    }
    const errors = reply.errorCount;
    if (!engine.execute(session, args)) {
      session.isPostponed = false;
      this.isWaiting = true;
      this.waiting.push(bytes.subarray(start));
      return false;
    }
    if (reply.errorCount !== errors) this.reportError(reply.lastError);
    return !this.isOver;
  }

  /** Adds the chunk's bytes to the cut request until it has run; returns where to go on. */
  private completeCut(cut: CutRequest, chunk: Uint8Array, start: number): number {
    const status = cut.take(chunk, start);
    if (status === INCOMPLETE) return chunk.length;
    this.cut = null;
    this.runCut(cut, status);
    const next = cut.nextAt;
    if (this.isWaiting && next < chunk.length) this.waiting.push(chunk.subarray(next));
    return next;
  }

  private runCut({ parser, bytes }: CutRequest, status: number): void {
    if (status === MALFORMED) {
      this.corrupt(`Protocol error (${parser.problem}) from client: the master`);
      return;
    }
    const end = parser.position;
    this.begin(bytes, 0);
    // What is cut may also be an empty line.
    if (status !== REQUEST || this.run(parser.args, bytes.subarray(0, end), 0)) this.hasRun(end);
    this.end();
  }

  private begin(source: Uint8Array, from: number): void {
    this.source = source;
    this.passedTo = this.wholeTo = this.ranTo = from;
  }

  private hasRun(to: number): void {
    this.ranTo = to;
    if (this.session.transaction === null) this.wholeTo = to;
  }

  private end(): void {
    this.settle();
    if (this.ranTo > this.passedTo) this.held.push(this.source.slice(this.passedTo, this.ranTo));
    this.passedTo = this.wholeTo = this.ranTo = 0;
    this.source = EMPTY_BYTES;
  }

  private corrupt(problem: string): void {
    this.isOver = true;
    this.onCorrupt(problem);
  }

  /** The primary ran it without an error, so that the two differ now. */
  private reportError(error: string): void {
    const { config, log, stats } = this.engine;
    const name = this.session.lastCommand?.fullName ?? "<unknown>";
    const shown = `-${error}`.slice(0, MAX_SHOWN_LENGTH);
    log.warning(
      `== CRITICAL == This replica is sending an error to its master: '${shown}' after ` +
        `processing the command '${name}'`,
    );
    stats.unexpectedErrors++;
    const { values } = config;
    if (values["propagation-error-behavior"] === "ignore" || !values["replica-read-only"]) return;
    throw new AssertionError(
      "This replica panicked sending an error to its master after processing the command " +
        `'${name}'`,
    );
  }
}

function newParser(): RequestParser {
  const parser = new RequestParser();
  parser.maxBulkBytes = MAX_STRING_BYTES;
  return parser;
}
