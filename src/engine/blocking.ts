/**
 * Blocking commands: requests that found nothing and wait for a key, or that wait for something
 * else (MIGRATE, for another server).
 *
 *     handler ──block──▶ waiting ──a key of theirs changed──▶ ready ──serve──▶ handler again
 *                           ▲                                                    │
 *                           └──────────────── it blocks again ───────────────────┤
 *                                                                   it answers ──▶ reply, over
 *
 * A blocked session runs nothing: what its client sends waits in the connection. It leaves by an
 * answer, by its deadline, by CLIENT UNBLOCK, or with its connection. Where it waits for no key,
 * whoever it waits for has the rest run, step by step (`proceed`); only the last one answers.
 *
 * That a key may have become ready is heard from the reports that every command makes of the keys
 * it changed (key-events.ts), which cover whatever creates, replaces, renames or extends a value.
 * The reports are listened to only while somebody is blocked. Ready keys are served once the
 * command, with all it is part of (EXEC, a script), has ended: keys in the order in which they
 * became ready, clients of a key in the order in which they blocked. Serving one may make further
 * keys ready; that goes on until none is left.
 */
import { assert } from "../base/assert.ts";
import { EMPTY_BYTES } from "../base/bytes.ts";
import type { Database } from "../keyspace/database.ts";
import { NULL_REF } from "../memory/arena.ts";
import {
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
  typeOf,
  TYPE_ZSET,
} from "../memory/entry.ts";
import { AwaitedKeys } from "./_awaited-keys.ts";
import type { AwaitedKey } from "./_awaited-keys.ts";
import { Deadlines } from "./_deadlines.ts";
import { admit, ADMITTED, ADMITTED_ON_REPLICA, POSTPONED } from "./admission.ts";
import { BlockedRequest } from "./blocked-request.ts";
import type { BlockOptions, GiveUp, WaitOptions } from "./blocked-request.ts";
import type { Call } from "./call.ts";
import { BLOCKING } from "./command.ts";
import type { Engine } from "./engine.ts";
import {
  NOTIFY_GENERIC,
  NOTIFY_HASH,
  NOTIFY_LIST,
  NOTIFY_SET,
  NOTIFY_STREAM,
  NOTIFY_STRING,
  NOTIFY_ZSET,
} from "./key-events.ts";
import type { KeyWatcher } from "./key-events.ts";
import type { Session } from "./session.ts";

/** How an attempt to answer a blocked request ends. */
const WAITS_ON = 0;
const ANSWERED = 1;
/** It may not run any more; the error says why. */
const REFUSED = 2;

const NO_VALUE = -1;
const EVERY_KIND = -1;

/** The classes of events that report a new value of a type. */
const KINDS_BY_TYPE: ReadonlyMap<number, number> = new Map([
  [TYPE_STRING, NOTIFY_STRING],
  [TYPE_LIST, NOTIFY_LIST],
  [TYPE_SET, NOTIFY_SET],
  [TYPE_ZSET, NOTIFY_ZSET],
  [TYPE_HASH, NOTIFY_HASH],
  [TYPE_STREAM, NOTIFY_STREAM],
]);

export class Blocking implements KeyWatcher {
  /** Keys wait to be served. */
  hasReady = false;
  /** Set by the composition root: has `expire` called at this time, or as soon as it can. */
  requestWake: (atMs: number) => void = () => {};
  /** Sessions that are blocked, as INFO counts them. */
  count = 0;
  /** Those that wait for keys. */
  private keyedCount = 0;
  private readonly keys = new AwaitedKeys();
  private readonly deadlines = new Deadlines();
  private ready: AwaitedKey[] = [];
  /** Ready keys whose clients may not run now (CLIENT PAUSE). */
  private postponed: AwaitedKey[] = [];
  /** Classes of events that can make a key ready for any of those who wait. */
  private kinds = 0;
  private readonly waitersByKind = new Map<number, number>();
  private nextOrder = 0;
  private wakesAtMs = Infinity;

  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Bytes of the keys that somebody waits for. */
  get keyBytes(): number {
    return this.keys.sizeBytes;
  }

  /** Keys that somebody waits for. */
  get keyCount(): number {
    return this.keys.count;
  }

  /** Those of them whose disappearance also wakes somebody. */
  get keyCountWithoutKey(): number {
    let count = 0;
    for (const key of this.keys.all()) if (key.waitersWithoutKey > 0) count++;
    return count;
  }

  /** Requests that have a deadline. */
  get timedCount(): number {
    return this.deadlines.count;
  }

  /** Blocks the session of the running call; `Call.block` has made sure that it may. */
  add(call: Call, options: BlockOptions): BlockedRequest {
    const { session, command, args, database } = call;
    assert((command.flags & BLOCKING) !== 0, `${command.fullName} is declared as blocking`);
    const order = this.nextOrder++;
    const request = new BlockedRequest(session, command, args, options, call.nowMs, order);
    const keys = new Set<AwaitedKey>();
    for (let i = options.firstKey; i <= options.lastKey; i++) {
      keys.add(this.keys.obtain(database, args.bytes, args.starts[i], args.lengths[i]));
    }
    for (const key of keys) {
      key.waiters.add(request);
      if (request.wakesWithoutKey) key.waitersWithoutKey++;
    }
    request.keys = [...keys];
    if (this.keyedCount++ === 0) this.engine.watchKeys(this);
    this.countKind(request, 1);
    this.enter(request);
    return request;
  }

  /** As `add`, for a request that waits for something else; `Call.wait` has made sure. */
  addWaiting({ session, command, args, nowMs }: Call, options: WaitOptions): BlockedRequest {
    const order = this.nextOrder++;
    const request = new BlockedRequest(session, command, args, options, nowMs, order);
    this.enter(request);
    return request;
  }

  /**
   * Runs a step of a request that waits for no key; the step that returns true has written the
   * reply, and with it the request is over. Nothing else may be running. What a step changes is
   * passed on even where the client is gone and will get no reply.
   */
  proceed(request: BlockedRequest, step: (call: Call) => boolean): void {
    const { engine } = this;
    const { session } = request;
    assert(engine.running === null, "a request goes on when no other is running");
    const isGone = session.blocked !== request;
    const appended = engine.effects.appendedCount;
    const bytes = this.takeReply(request, () =>
      engine.runAgain(request, step) ? ANSWERED : WAITS_ON,
    );
    if (engine.effects.appendedCount !== appended) request.hasChanged = true;
    if (bytes !== null && !isGone) session.transport?.unblocked(bytes, request.hasChanged);
    if (this.hasReady) this.serve();
  }

  /** Ends a request that waits for no key with an error, whatever else is running. */
  refuse(request: BlockedRequest, error: string): void {
    if (request.session.blocked === request) this.conclude(request, (reply) => reply.error(error));
  }

  /** The session is no longer blocked, and gets no reply: its connection is gone. */
  forget(session: Session): void {
    const request = session.blocked;
    if (request === null) return;
    session.blocked = null;
    if (request.counts) this.count--;
    this.deadlines.remove(request);
    if (request.keys.length === 0) return;
    for (const key of request.keys) {
      key.waiters.delete(request);
      if (request.wakesWithoutKey) key.waitersWithoutKey--;
      if (key.waiters.size === 0) this.keys.remove(key);
    }
    this.countKind(request, -1);
    if (--this.keyedCount === 0) this.engine.unwatchKeys(this);
  }

  /**
   * CLIENT UNBLOCK: the session gets this error, or (null) what it would get at its deadline.
   * False where it is not blocked, or in a way that only ends by itself.
   */
  unblock(session: Session, error: string | null): boolean {
    const request = session.blocked;
    if (request === null || request.giveUp === null) return false;
    if (error === null) this.conclude(request, request.giveUp);
    else this.conclude(request, (reply) => reply.error(error));
    return true;
  }

  /**
   * Answers those whose time is up; called at the time that was asked for. A deadline has passed
   * when its millisecond is over: nobody waits for less than was asked.
   */
  expire(): void {
    this.wakesAtMs = Infinity;
    const nowMs = this.engine.clock.nowMs;
    let first = this.deadlines.first;
    while (first !== null && first.deadlineMs < nowMs) {
      assert(first.giveUp !== null, "what has a deadline can be given up");
      this.conclude(first, first.giveUp);
      first = this.deadlines.first;
    }
    this.wakeInTime();
  }

  keyChanged(
    database: Database,
    kind: number,
    _event: string,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    if ((kind & this.kinds) === 0) return;
    const key = this.keys.find(database, bytes, start, length);
    if (key !== null) this.note(key);
  }

  /** The whole content of the database was exchanged or emptied. */
  databaseChanged(database: Database): void {
    if (this.keyedCount === 0) return;
    for (const key of this.keys.all()) if (key.database === database) this.note(key);
  }

  /** Commands may run again: those that were ready meanwhile are. */
  resumePostponed(): void {
    const { postponed } = this;
    this.postponed = [];
    for (const key of postponed) this.note(key);
  }

  /** Serves the ready keys. Nothing must be running; the effects of what ran are passed on. */
  serve(): void {
    const { clock, context } = this.engine;
    // What has changed may have come from a primary, to which nothing is expired.
    const { showsExpired } = context;
    context.showsExpired = false;
    clock.refresh();
    while (this.ready.length > 0) {
      const { ready } = this;
      this.ready = [];
      for (const key of ready) {
        key.isReady = false;
        this.serveKey(key);
      }
    }
    this.hasReady = false;
    context.showsExpired = showsExpired;
    this.engine.timing.endBatch();
  }

  private note(key: AwaitedKey): void {
    if (key.isReady) return;
    key.isReady = true;
    this.ready.push(key);
    this.hasReady = true;
  }

  private serveKey(key: AwaitedKey): void {
    for (const request of key.waiters) {
      const type = this.typeAt(key);
      if (type === NO_VALUE && key.waitersWithoutKey === 0) return;
      if (type !== request.type && !request.wakesWithoutKey) continue;
      if (!this.retry(request)) this.postponed.push(key);
    }
  }

  /** The type of the value that the key holds. That it has just expired is an effect of its own. */
  private typeAt({ database, bytes }: AwaitedKey): number {
    const ref = database.peek(bytes, 0, bytes.length);
    if (this.engine.effects.pendingCount > 0) this.engine.effects.finishEach();
    return ref === NULL_REF ? NO_VALUE : typeOf(database.arena, ref);
  }

  /** Runs the request again; false where it may not run now. */
  private retry(request: BlockedRequest): boolean {
    const { engine } = this;
    const { session, command, spentUs } = request;
    const appended = engine.effects.appendedCount;
    const shut = command.gates & (engine.gates | session.gates);
    let admission = ADMITTED;
    const bytes = this.takeReply(request, () => {
      admission = shut === 0 ? ADMITTED : admit(engine, session, command, request.args);
      const run = (): boolean => engine.runAgain(request, runHandler);
      if (admission === ADMITTED) return run() ? ANSWERED : WAITS_ON;
      if (admission === ADMITTED_ON_REPLICA) {
        return engine.removingExpired(run) ? ANSWERED : WAITS_ON;
      }
      return admission === POSTPONED ? WAITS_ON : REFUSED;
    });
    if (bytes !== null) {
      engine.latency.sample("command-unblocking", (request.spentUs - spentUs) / 1000);
      session.transport?.unblocked(bytes, engine.effects.appendedCount !== appended);
    }
    return admission !== POSTPONED;
  }

  private enter(request: BlockedRequest): void {
    if (request.counts) this.count++;
    request.session.blocked = request;
    if (request.deadlineMs === Infinity) return;
    this.deadlines.add(request);
    this.wakeInTime();
  }

  private conclude(request: BlockedRequest, write: GiveUp): void {
    const bytes = this.takeReply(request, () => {
      write(this.engine.reply);
      return ANSWERED;
    });
    if (bytes !== null) request.session.transport?.unblocked(bytes, false);
  }

  /**
   * Has the reply to a blocked request written and takes it out of the reply buffer, which then
   * is as it was: another session's command may be in the middle of its own. With the reply the
   * request is over; null where `write` says that it is not.
   */
  private takeReply(request: BlockedRequest, write: () => number): Uint8Array | null {
    const { engine } = this;
    const { reply } = engine;
    const { session } = request;
    const { at: mark, resp3, commandStart, errorCount } = reply;
    reply.resp3 = session.resp === 3;
    reply.commandStart = mark;
    let isOver = false;
    engine.runAs(session, () => {
      const outcome = write();
      isOver = outcome !== WAITS_ON;
      if (!isOver) return;
      this.forget(session);
      if (outcome === ANSWERED) engine.countBlockedCall(request, reply.errorCount !== errorCount);
      engine.endReply(session, reply.commandStart, errorCount);
      engine.tracking.requestEnded(session, request.command);
    });
    let bytes: Uint8Array | null = null;
    if (isOver) bytes = reply.at === mark ? EMPTY_BYTES : reply.bytes.slice(mark, reply.at);
    reply.at = mark;
    reply.resp3 = resp3;
    reply.commandStart = commandStart;
    reply.errorCount = engine.countedErrors = errorCount;
    return bytes;
  }

  /** Keeps in `kinds` what those who wait can be woken by. */
  private countKind(request: BlockedRequest, difference: number): void {
    const own = KINDS_BY_TYPE.get(request.type) ?? 0;
    const kind = request.wakesWithoutKey ? EVERY_KIND : own | NOTIFY_GENERIC;
    const waiters = (this.waitersByKind.get(kind) ?? 0) + difference;
    if (waiters > 0) this.waitersByKind.set(kind, waiters);
    else this.waitersByKind.delete(kind);
    this.kinds = 0;
    for (const waited of this.waitersByKind.keys()) this.kinds |= waited;
  }

  private wakeInTime(): void {
    const { first } = this.deadlines;
    if (first === null || first.deadlineMs + 1 >= this.wakesAtMs) return;
    this.wakesAtMs = first.deadlineMs + 1;
    this.requestWake(this.wakesAtMs);
  }
}

/** A handler that runs again has answered unless it blocks once more. */
function runHandler(call: Call): boolean {
  const { blocked } = call.session;
  if (blocked !== null) blocked.hasAnswered = true;
  call.command.run(call);
  return blocked === null || blocked.hasAnswered;
}
