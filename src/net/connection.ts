/**
 * One client's connection: bytes in, requests through the engine, bytes out.
 *
 * In: a chunk is parsed where it lies. Only a request cut by the chunk's end is copied, into
 * `cut`, a buffer that grows to the request's known size; once whole it runs, and parsing goes
 * on in the chunk behind it. A connection that waits (a pause, a blocked request) keeps its
 * input in `waiting`.
 *
 * Out: replies of this turn are the range [outStart, outEnd) of the shared reply buffer; what
 * came before and was not taken by the socket, and pushes, are in `queue`, which always goes
 * first; a `stream` (of a replica) goes last. Invariant: while `isCongested`, nothing is written
 * but from `queue` and what follows it.
 */
import type { Socket } from "bun";
import { giveBack } from "../base/garbage.ts";
import { type ClientMemory, sessionBytes } from "../engine/client-memory.ts";
import { UNLIMITED_BYTES } from "../engine/output-limits.ts";
import type { OutboundStream, Session, Transport } from "../engine/session.ts";
import type { Arguments } from "../protocol/arguments.ts";
import { INCOMPLETE, MALFORMED, REQUEST } from "../protocol/request-parser.ts";
import type { RequestParser } from "../protocol/request-parser.ts";
import { CutRequest } from "../engine/cut-request.ts";
import type { Gateway } from "./gateway.ts";
import type { ListenerKind } from "./listener.ts";
import { MAX_LOOK_AHEAD } from "../engine/request-batch.ts";
import { OutboundQueue } from "../engine/outbound.ts";
import { descriptorOf } from "./socket-facts.ts";

/** Replies beyond this are sent before the next request runs. */
const SEND_AT_BYTES = 1 << 20;
/** What a connection takes that is idle, the socket included. */
const CONNECTION_BYTES = 1536;
/** A chunk of this size that was copied whole is not left to a garbage collection. */
const GIVE_BACK_FROM_BYTES = 1 << 16;
const LF = 10;

export interface Addresses {
  readonly peer: string;
  readonly local: string;
}

export class Connection implements Transport {
  awaitsDisk = false;
  softLimitSinceMs = 0;
  isClosed = false;
  stream: OutboundStream | null = null;
  /** No further request runs, whatever the peer sends. */
  private isInputOver = false;
  private hasPeerEnded = false;
  private isShutDown = false;
  private isCongested = false;
  private isWaiting = false;
  private isReady = false;
  /** The effects' count when the range was opened: changes since then are this connection's. */
  private appendedBefore = 0;
  private outStart = 0;
  private outEnd = 0;
  private readonly queue = new OutboundQueue();
  private cut: CutRequest | null = null;
  private waiting: Uint8Array[] | null = null;
  private waitingBytes = 0;

  private readonly gateway: Gateway;
  private readonly memory: ClientMemory;
  private readonly socket: Socket<Connection>;
  readonly session: Session;
  readonly kind: ListenerKind;
  readonly peerAddress: string;
  readonly localAddress: string;

  constructor(
    gateway: Gateway,
    socket: Socket<Connection>,
    session: Session,
    kind: ListenerKind,
    addresses: Addresses,
  ) {
    this.gateway = gateway;
    this.memory = gateway.engine.clients.memory;
    this.socket = socket;
    this.session = session;
    this.kind = kind;
    this.peerAddress = addresses.peer;
    this.localAddress = addresses.local;
  }

  /** The socket's descriptor, or -1 where the runtime does not tell. */
  get descriptor(): number {
    return descriptorOf(this.socket);
  }

  get queryBytes(): number {
    return (this.cut?.unreadBytes ?? 0) + this.waitingBytes;
  }

  get argumentBytes(): number {
    return this.cut?.parser.args.totalBytes ?? 0;
  }

  get queryFreeBytes(): number {
    return this.cut === null ? 0 : this.cut.bytes.length - this.cut.length;
  }

  get outboundBytes(): number {
    return this.queue.bytes + (this.stream?.pendingBytes ?? 0);
  }

  get outboundChunks(): number {
    return this.queue.length;
  }

  /** What has come in and not been run, and what is yet to come of a request that is cut. */
  get inputBytes(): number {
    return this.waitingBytes + (this.cut?.bytes.length ?? 0);
  }

  get totalMemoryBytes(): number {
    return CONNECTION_BYTES + this.queue.bytes + this.inputBytes + sessionBytes(this.session);
  }

  receive(chunk: Uint8Array): void {
    const gateway = this.gateway;
    gateway.engine.stats.networkInputBytes += chunk.length;
    gateway.engine.stats.reads++;
    if (this.isInputOver) return;
    const nowMs = gateway.beginCallback();
    this.session.lastInteractionMs = nowMs;
    if (this.stream !== null && chunk[0] === LF) this.session.replica?.noteAlive(nowMs);
    if (this.isWaiting) {
      this.keepWaiting(chunk);
    } else {
      const from = this.cut === null ? 0 : this.completeCut(this.cut, chunk);
      if (from < chunk.length) this.process(chunk, from);
      else if (from >= GIVE_BACK_FROM_BYTES && !this.isWaiting) giveBack(chunk.buffer);
    }
    this.checkInputLimit();
    if (this.memory.isLimited) gateway.callbackEnded(this);
    gateway.turn.settle();
  }

  /** The peer sends no more: it still gets all its replies, but waits for no key any longer. */
  endInput(): void {
    if (!this.hasPeerEnded) this.gateway.peerEnded(this);
    this.hasPeerEnded = true;
    if (this.isShutDown) {
      this.socket.end();
      return;
    }
    if (this.session.blocked?.isInterruptible === true) {
      this.gateway.engine.blocking.forget(this.session);
      this.dropWaiting();
      this.isInputOver = true;
    }
    if (this.isWaiting) return;
    this.session.closesAfterReply = true;
    this.markReady();
    this.gateway.turn.settle();
  }

  drained(): void {
    if (!this.isCongested) return;
    this.gateway.beginCallback();
    this.isCongested = false;
    this.writeQueue();
    if (this.stream !== null) this.writeStream(this.stream);
    this.noteMemory();
    this.closeIfDone();
  }

  push(bytes: Uint8Array): void {
    if (this.isClosed) return;
    // Replies of this turn that were there first.
    this.queueReplies();
    this.queue.push(bytes);
    if (this.isReady) return;
    this.isReady = true;
    this.gateway.turn.addPushed(this);
  }

  streamGrew(): void {
    if (this.isClosed || this.isCongested || this.isReady) return;
    this.isReady = true;
    this.gateway.turn.addPushed(this);
  }

  setNoDelay(isOn: boolean): void {
    if (this.kind !== "unix") this.socket.setNoDelay(isOn);
  }

  unblocked(reply: Uint8Array, awaitsDisk: boolean): void {
    if (awaitsDisk) this.awaitsDisk = true;
    if (reply.length > 0) this.push(reply);
    if (this.session.closesAfterReply) {
      this.isInputOver = true;
      this.dropWaiting();
    }
    if (this.waiting === null && !this.hasPeerEnded) this.isWaiting = false;
    else this.gateway.resumeSoon(this);
  }

  resume(): void {
    if (!this.isWaiting) return;
    this.isWaiting = false;
    this.session.isPostponed = false;
    const input = this.waiting ?? [];
    this.dropWaiting();
    for (const chunk of input) {
      if (this.isInputOver || this.isClosed) break;
      if (this.isWaiting) this.keepWaiting(chunk);
      else {
        const from = this.cut === null ? 0 : this.completeCut(this.cut, chunk);
        if (from < chunk.length) this.process(chunk, from);
      }
    }
    if (this.hasPeerEnded && !this.isWaiting && !this.isClosed) this.endInput();
    this.gateway.turn.settle();
  }

  close(): void {
    if (this.isClosed) return;
    this.gateway.engine.endSession(this.session);
    this.queue.clear();
    this.socket.close();
  }

  /** The socket is gone. */
  closed(): void {
    this.isClosed = true;
    this.isInputOver = true;
    this.queue.clear();
    this.outEnd = this.outStart;
    this.cut = null;
    this.waiting = null;
  }

  /** Moves this turn's replies out of the shared buffer, to be sent later. */
  keepReplies(): void {
    this.queueReplies();
    this.isReady = false;
    this.noteMemory();
  }

  /** Sends the queue and this turn's replies. */
  send(): void {
    this.isReady = false;
    this.awaitsDisk = false;
    if (this.isClosed) return;
    const pendingBytes = this.outboundBytes + this.outEnd - this.outStart;
    if (pendingBytes > UNLIMITED_BYTES && this.gateway.isOverHardLimit(this, pendingBytes)) return;
    if (this.queue.length > 0 || this.isCongested) {
      this.queueReplies();
      if (!this.isCongested) this.writeQueue();
      // What was pushed counts from here on, as far as it is still here.
      this.noteMemory();
    } else if (this.outEnd > this.outStart) {
      this.writeReplies();
    }
    if (this.stream !== null) this.writeStream(this.stream);
    this.closeIfDone();
  }

  private writeReplies(): void {
    const { reply } = this.gateway.turn;
    const length = this.outEnd - this.outStart;
    const taken = this.write(reply.bytes, this.outStart, length);
    if (taken < length) {
      this.queue.push(reply.keep(this.outStart + taken, this.outEnd));
      this.becomeCongested();
    }
    this.outStart = this.outEnd = 0;
  }

  private writeQueue(): void {
    this.queue.drainInto((chunk, start, length) => this.write(chunk, start, length));
    if (this.queue.length > 0) this.becomeCongested();
  }

  private writeStream(stream: OutboundStream): void {
    if (this.isCongested || this.isShutDown) return;
    const { stats } = this.gateway.engine;
    let isRefused = false;
    stream.drainInto((bytes, start, length) => {
      const taken = this.write(bytes, start, length);
      stats.replicationOutputBytes += taken;
      isRefused = taken < length;
      return taken;
    });
    if (isRefused) this.becomeCongested();
    // It has stopped by itself, so that others are served.
    else if (stream.isPending) setImmediate(() => this.streamGrew());
  }

  private becomeCongested(): void {
    this.isCongested = true;
    this.noteMemory();
    this.gateway.checkOutputLimits(this);
  }

  /** What the connection holds may have changed; a closed one is counted no more. */
  private noteMemory(): void {
    if (this.memory.isLimited && !this.isClosed) this.gateway.memoryChanged(this);
  }

  private write(bytes: Uint8Array, start: number, length: number): number {
    const { stats, clock } = this.gateway.engine;
    const taken = Math.max(0, this.socket.write(bytes, start, length));
    stats.networkOutputBytes += taken;
    stats.writes++;
    if (taken > 0) this.session.lastInteractionMs = clock.nowMs;
    return taken;
  }

  private closeIfDone(): void {
    if (!this.session.closesAfterReply || this.queue.length > 0 || this.isShutDown) return;
    this.isShutDown = true;
    this.isInputOver = true;
    this.gateway.engine.endSession(this.session);
    if (this.hasPeerEnded) {
      this.socket.end();
      return;
    }
    // Closed with input unread, the connection would be reset and replies lost on their way: the
    // peer is told first and closes from its side.
    this.socket.shutdown();
    this.gateway.closeSoon(this);
  }

  private markReady(): void {
    if (this.isReady) return;
    this.isReady = true;
    this.gateway.turn.add(this);
  }

  /** Runs what `bytes` holds from `from` on. */
  private process(bytes: Uint8Array, from: number): void {
    const gateway = this.gateway;
    const parser = gateway.freshParser(this.session);
    parser.restart(from);
    const batch = gateway.batch;
    this.openRange();
    do {
      // AUTH may change what is allowed, so requests before it are not read ahead.
      batch.parse(parser, bytes, bytes.length, parser.isUnauthenticated ? 1 : MAX_LOOK_AHEAD);
    } while (this.runBatch(parser, bytes) && batch.status === REQUEST);
    batch.release(bytes);
    this.closeRange();
  }

  /** Runs the requests of a batch and deals with its end; false where no more may run now. */
  private runBatch(parser: RequestParser, bytes: Uint8Array): boolean {
    const { batch, engine } = this.gateway;
    const count = batch.count;
    if (count > 1) batch.prefetch(this.session.database);
    for (let i = 0; i < count; i++) {
      const args = batch.request(i);
      if (count > 1) batch.announce(i, engine.context);
      if (!this.run(args, bytes, batch.starts[i], batch.starts[i + 1])) {
        engine.timing.endBatch();
        return false;
      }
    }
    if (count > 0) engine.timing.endBatch();
    parser.isUnauthenticated = this.gateway.mustAuthenticate(this.session);
    const rest = batch.starts[count];
    if (batch.status === INCOMPLETE && rest < bytes.length) {
      this.cut = new CutRequest(parser, bytes, rest);
      this.gateway.takeParser();
      batch.giveAwayLast();
    } else if (batch.status === MALFORMED) {
      this.refuse(parser.problem);
    }
    return true;
  }

  /** Runs the request from `start` to `end`; false where no further one may run now. */
  private run(args: Arguments, bytes: Uint8Array, start: number, end: number): boolean {
    const gateway = this.gateway;
    const session = this.session;
    if (!gateway.engine.execute(session, args)) {
      this.isWaiting = true;
      this.keepWaiting(bytes.subarray(start));
      gateway.waits(this);
      return false;
    }
    if (session.blocked !== null) {
      this.isWaiting = true;
      if (end < bytes.length) this.keepWaiting(bytes.subarray(end));
      return false;
    }
    if (session.closesAfterReply || this.isClosed) {
      this.isInputOver = true;
      return false;
    }
    if (gateway.turn.reply.at <= SEND_AT_BYTES) return true;
    this.sendEarly();
    return !this.isClosed;
  }

  /** Adds the chunk's bytes to the cut request until it has run; returns where to go on. */
  private completeCut(cut: CutRequest, chunk: Uint8Array): number {
    const status = cut.take(chunk, 0);
    if (status === INCOMPLETE) return chunk.length;
    this.cut = null;
    this.runCut(cut, status);
    this.gateway.giveBack(cut.parser);
    if (this.isInputOver) return chunk.length;
    if (!this.isWaiting) return cut.nextAt;
    if (cut.nextAt < chunk.length) this.keepWaiting(chunk.subarray(cut.nextAt));
    return chunk.length;
  }

  private runCut(cut: CutRequest, status: number): void {
    const { parser } = cut;
    this.openRange();
    if (status === MALFORMED) this.refuse(parser.problem);
    else if (status === REQUEST) {
      const end = parser.position;
      this.run(parser.args, cut.bytes.subarray(0, end), 0, end);
    }
    this.gateway.engine.timing.endBatch();
    this.closeRange();
  }

  private keepWaiting(chunk: Uint8Array): void {
    (this.waiting ??= []).push(chunk);
    this.waitingBytes += chunk.length;
  }

  private dropWaiting(): void {
    this.isWaiting = false;
    this.waiting = null;
    this.waitingBytes = 0;
  }

  /** Moves this turn's replies so far to the queue. */
  private queueReplies(): void {
    if (this.outEnd > this.outStart) {
      this.queue.push(this.gateway.turn.reply.keep(this.outStart, this.outEnd));
    }
    this.outStart = this.outEnd;
  }

  private refuse(problem: string): void {
    this.gateway.protocolError(this, problem);
    this.session.closesAfterReply = true;
    this.isInputOver = true;
  }

  private openRange(): void {
    this.appendedBefore = this.gateway.engine.effects.appendedCount;
    const at = this.gateway.turn.reply.at;
    if (this.isReady && this.outEnd === at) return;
    if (this.outEnd > this.outStart) {
      this.queue.push(this.gateway.turn.reply.keep(this.outStart, this.outEnd));
    }
    this.outStart = this.outEnd = at;
  }

  private closeRange(): void {
    if (this.gateway.engine.effects.appendedCount !== this.appendedBefore) this.awaitsDisk = true;
    this.outEnd = this.gateway.turn.reply.at;
    if (this.outEnd > this.outStart || this.session.closesAfterReply) this.markReady();
  }

  private sendEarly(): void {
    this.gateway.engine.timing.endBatch();
    this.closeRange();
    this.gateway.turn.finish();
    this.openRange();
  }

  private checkInputLimit(): void {
    // What is queued for EXEC has come in and not been answered yet either.
    const queuedBytes = this.session.transaction?.sizeBytes ?? 0;
    const inputBytes = this.waitingBytes + (this.cut?.length ?? 0) + queuedBytes;
    if (inputBytes > 0 && inputBytes > this.gateway.queryLimit) {
      this.gateway.queryLimitReached(this);
    }
  }
}
