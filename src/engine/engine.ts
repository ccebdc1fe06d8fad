/**
 * The engine executes commands: for a client, for the AOF being replayed, for an embedded
 * caller, always through `execute`, with another session. It owns nothing that touches a socket
 * or a file; those attach themselves (effects, persistence, transports).
 */
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { secretHex } from "../base/random.ts";
import type { Random } from "../base/random.ts";
import { AssertionError } from "../base/assert.ts";
import type { KeyspaceContext, RemovalReason } from "../keyspace/context.ts";
import type { Database } from "../keyspace/database.ts";
import { FetchAhead } from "../keyspace/fetch-ahead.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Arguments } from "../protocol/arguments.ts";
import { REPLY_TOO_LARGE, wrongArity } from "../protocol/errors.ts";
import { ReplyWriter } from "../protocol/reply-writer.ts";
import {
  admit,
  ADMITTED,
  ADMITTED_ON_REPLICA,
  GATE_AUTH,
  GATE_LISTENER,
  GATE_MEMORY,
  GATE_PROTECTED,
  POSTPONED,
  reject,
} from "./admission.ts";
import { Acl } from "./acl/acl.ts";
import { ActiveDefrag } from "./active-defrag.ts";
import type { BlockedRequest } from "./blocked-request.ts";
import { Blocking } from "./blocking.ts";
import { Call } from "./call.ts";
import { Clients } from "./clients.ts";
import { TOUCHES_ARBITRARY_KEYS } from "./command.ts";
import type { Command } from "./command.ts";
import type { CommandTable } from "./command-table.ts";
import type { Config } from "./config/config.ts";
import { Effects } from "./effects.ts";
import { Eviction } from "./eviction.ts";
import { NOTIFY_EVICTED, NOTIFY_EXPIRED, NOTIFY_GENERIC, NOTIFY_HASH } from "./key-events.ts";
import type { KeyWatcher } from "./key-events.ts";
import { LatencyMonitor } from "./latency-monitor.ts";
import { feedMonitors } from "./monitor.ts";
import { MemoryUsage } from "./memory-usage.ts";
import { closeOverHardLimit, outputLimitOf } from "./output-limits.ts";
import { Pause } from "./pause.ts";
import { PeerCache } from "./peer-cache.ts";
import type { Persistence } from "./persistence.ts";
import { NoPersistence } from "./persistence.ts";
import { NoPubSub, setSubscriberGate } from "./pubsub.ts";
import type { PubSub } from "./pubsub.ts";
import { secretArguments } from "./redaction.ts";
import { NoReplication } from "./replication.ts";
import type { Replication } from "./replication.ts";
import {
  REPLY_FORBIDDEN,
  REPLY_OFF,
  REPLY_ON,
  REPLY_SKIP_NEXT,
  REPLY_SKIP_THIS,
} from "./session.ts";
import { forbidReply } from "./forbidden-reply.ts";
import type { Session } from "./session.ts";
import { NoShutdown } from "./shutdown.ts";
import type { ShutdownControl } from "./shutdown.ts";
import { SlowLog } from "./slow-log.ts";
import { Stats } from "./stats.ts";
import { Timing } from "./timing.ts";
import { Tracking } from "./tracking.ts";
import { Transactions } from "./transactions.ts";
import { TypedValues } from "./typed-values.ts";
import { rejectUnknown } from "./unknown-request.ts";

export interface EngineParts {
  readonly table: CommandTable;
  readonly keyspace: Keyspace;
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export class Engine {
  readonly table: CommandTable;
  readonly keyspace: Keyspace;
  readonly context: KeyspaceContext;
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly reply = new ReplyWriter();
  readonly effects = new Effects();
  readonly fetchAhead = new FetchAhead();
  readonly stats = new Stats();
  readonly acl: Acl;
  readonly clients: Clients;
  readonly slowLog = new SlowLog();
  readonly latency: LatencyMonitor;
  readonly timing: Timing;
  readonly pause: Pause;
  readonly blocking: Blocking;
  readonly transactions: Transactions;
  readonly tracking: Tracking;
  readonly memory: MemoryUsage;
  readonly eviction: Eviction;
  readonly defrag: ActiveDefrag;
  readonly peers = new PeerCache();
  readonly values: TypedValues;
  readonly identity: { readonly runId: string; readonly startedMs: number };
  /**
   * What DEBUG changes: whether expired keys are looked for, whether there is a cron at all,
   * whether checksums are compared, and for how long everything stops before the AOF is written.
   */
  readonly switches = { activeExpiry: true, cron: true, checksums: true, aofFlushSleepMs: 0 };
  persistence: Persistence = new NoPersistence();
  shutdown: ShutdownControl = new NoShutdown();
  pubsub: PubSub = new NoPubSub();
  replication: Replication = new NoReplication();
  /** Admission gates that are shut for everybody now. */
  gates = GATE_PROTECTED;
  /** Changes since the last save, as INFO counts them. */
  dirty = 0;
  /** Errors up to this count (`ReplyWriter.errorCount`) have been counted for the statistics. */
  countedErrors = 0;
  /** Effects that some session has been told of (`Session.writtenEffects`). */
  private notedEffects = 0;
  private keyWatchers: readonly KeyWatcher[] = [];
  /** The call of each level: a client's request, what EXEC runs, what a script in it runs. */
  private readonly calls: Call[] = [];
  private depth = 0;
  /** Whose request runs now, and what is to follow its reply. */
  running: Session | null = null;
  private deferredPushes: Uint8Array[] = [];

  constructor(parts: EngineParts) {
    this.table = parts.table;
    this.keyspace = parts.keyspace;
    this.context = parts.keyspace.context;
    this.config = parts.config;
    this.clock = parts.clock;
    this.random = parts.random;
    this.log = parts.log;
    this.latency = new LatencyMonitor(parts.clock);
    this.timing = new Timing(parts.clock, {
      took: (command, durationUs, session, args) => {
        if (this.slowLog.wants(command, durationUs)) {
          const secrets = secretArguments(this, command, args);
          this.slowLog.add(durationUs, session, args, secrets, this.clock.nowMs);
        }
        this.latency.commandTook(command, durationUs);
      },
    });
    this.acl = new Acl(this);
    this.clients = new Clients(this.acl.defaultUser);
    this.pause = new Pause(this);
    this.blocking = new Blocking(this);
    this.transactions = new Transactions(this);
    this.tracking = new Tracking(this);
    this.values = new TypedValues(this.context);
    this.values.configure(parts.config);
    this.memory = new MemoryUsage(this);
    this.eviction = new Eviction(this);
    this.defrag = new ActiveDefrag(this);
    this.identity = {
      runId: secretHex(40),
      startedMs: parts.clock.nowMs,
    };
    this.calls.push(new Call(this, this.reply));
    this.stats.onTooManyCodes = (codes) => {
      this.log.warning(
        "Errorstats stopped adding new errors because the number of errors reached the limit " +
          "(suspected abuse of redis.error_reply); CONFIG RESETSTAT starts them anew. " +
          `Current errors code list: ${codes.join(", ")}`,
      );
    };
  }

  get watchesKeys(): boolean {
    return this.keyWatchers.length > 0;
  }

  watchKeys(watcher: KeyWatcher): void {
    this.keyWatchers = [...this.keyWatchers, watcher];
  }

  unwatchKeys(watcher: KeyWatcher): void {
    // A new list: those who are just being told of a change are still told, all of them.
    this.keyWatchers = this.keyWatchers.filter((other) => other !== watcher);
  }

  keyChanged(
    database: Database,
    kind: number,
    event: string,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    for (const watcher of this.keyWatchers) {
      watcher.keyChanged(database, kind, event, bytes, start, length);
    }
  }

  /** A database is about to be emptied (null) or exchanged for another's content. */
  contentReplaced(database: Database, replacement: Database | null): void {
    for (const watcher of this.keyWatchers) watcher.contentReplaced?.(database, replacement);
  }

  /** One database or all of them are being emptied; called once for all. */
  databasesEmptied(): void {
    for (const watcher of this.keyWatchers) watcher.databasesEmptied?.();
  }

  mustAuthenticate(session: Session): boolean {
    return (session.gates & GATE_AUTH) !== 0;
  }

  /** Chooses the protocol of the session's replies. */
  setProtocol(session: Session, version: 2 | 3): void {
    session.resp = version;
    setSubscriberGate(session);
  }

  /** RESET: the state of a session that has just been made. */
  resetSession(session: Session): void {
    this.transactions.discard(session);
    this.pubsub.forget(session);
    this.tracking.disable(session);
    this.clients.monitors.delete(session);
    session.isMonitor = false;
    session.gates &= ~GATE_LISTENER;
    session.database = this.keyspace.database(0);
    this.setProtocol(session, 2);
    session.name = "";
    session.replyMode = REPLY_ON;
    session.isNotEvicted = false;
    session.leavesNoTrace = false;
    this.acl.forget(session);
  }

  /** The session is over, though its connection may linger: it waits for and hears of nothing. */
  endSession(session: Session): void {
    this.replication.forget(session);
    this.blocking.forget(session);
    this.transactions.discard(session);
    this.pubsub.forget(session);
    this.tracking.forget(session);
  }

  /** Whether the session comes from this machine, as far as the address tells. */
  isLocal(session: Session): boolean {
    const { transport } = session;
    if (transport === null || transport.kind === "unix") return true;
    const { peerAddress } = transport;
    return peerAddress.startsWith("127.") || peerAddress.startsWith("[::1]");
  }

  /**
   * Sends a message that is no reply to the running command. To the session whose request runs
   * now it goes behind the reply. The bytes may be pushed to many and are never written again.
   * Who is about to go is told nothing more.
   */
  push(session: Session, message: Uint8Array): void {
    if (session.closesAfterReply) return;
    if (session === this.running) this.deferredPushes.push(message);
    else session.transport?.push(message);
  }

  /** CONFIG RESETSTAT. */
  resetStats(): void {
    this.stats.reset();
    this.timing.reset();
    this.context.resetStats();
    this.eviction.resetStats();
    this.defrag.resetStats();
    this.persistence.resetStatistics();
    for (const command of this.table.all()) command.resetStats();
  }

  shut(gate: number): void {
    this.gates |= gate;
  }

  open(gate: number): void {
    this.gates &= ~gate;
  }

  /** Set by the composition root; decides whether a guarded command may run. */
  allowsProtected: (session: Session, command: Command) => boolean = () => false;

  /**
   * Runs one request and writes its reply to `this.reply`. Returns false where the request must
   * wait and be tried again; then nothing was written. Nor was anything where it blocked
   * (`session.blocked`): then the reply comes later, and nothing else of the session may run.
   */
  execute(session: Session, args: Arguments): boolean {
    const reply = this.reply;
    const errors = reply.errorCount;
    reply.resp3 = session.resp === 3;
    reply.commandStart = reply.at;
    this.running = session;
    this.countedErrors = errors;
    const command = this.table.find(args);
    session.lastCommand = command;
    if (command === null) {
      rejectUnknown(this, session, args);
    } else if (!command.acceptsCount(args.count)) {
      reject(this, session, command, wrongArity(command.fullName));
    } else {
      const shut = command.gates & (this.gates | session.gates);
      const admission = shut === 0 ? ADMITTED : admit(this, session, command, args);
      if (admission === POSTPONED) {
        session.isPostponed = true;
        this.running = null;
        return false;
      }
      if (admission === ADMITTED) this.run(session, command, args);
      else if (admission === ADMITTED_ON_REPLICA) this.runOnReplica(session, command, args);
    }
    if (session.blocked === null) this.endReply(session, reply.commandStart, errors);
    if (this.blocking.hasReady && !session.deniesBlocking) this.blocking.serve();
    this.running = null;
    if (this.deferredPushes.length > 0) this.sendDeferred(session);
    return true;
  }

  /**
   * Runs a command as part of the one that is running (EXEC, a script): admission is the
   * caller's, and `effects.hold` keeps what it changes together with the rest.
   */
  runWithin(session: Session, command: Command, args: Arguments): void {
    const { context } = this;
    const { mutations } = context;
    this.depth++;
    this.run(session, command, args);
    this.depth--;
    // The outer command reports what it changed itself: nothing.
    context.mutations = mutations;
    this.countErrors(0);
  }

  /** Apart from `execute`, which runs for every request and is to have no closure in it. */
  private runOnReplica(session: Session, command: Command, args: Arguments): void {
    this.removingExpired(() => this.run(session, command, args));
  }

  /** Has a client's command run that writes to a replica: what has expired is not in its way. */
  removingExpired<Result>(step: () => Result): Result {
    const { context } = this;
    context.removesFound = true;
    const result = step();
    context.removesFound = false;
    return result;
  }

  /** What is due once a reply has been written from `mark` on, `errors` having been before it. */
  endReply(session: Session, mark: number, errors: number): void {
    const reply = this.reply;
    if (reply.hasOverflowed) this.replaceReply(session, mark);
    this.countErrors(errors);
    if (session.replyMode !== REPLY_ON) this.withholdReply(session, mark);
  }

  /** Counts the last error where there was one since there had been `errors`, once. */
  private countErrors(errors: number): void {
    const { errorCount, lastError } = this.reply;
    if (errorCount > Math.max(errors, this.countedErrors)) this.stats.countError(lastError);
    this.countedErrors = errorCount;
  }

  /** Runs a step of a blocked request; whether it answered. */
  runAgain(request: BlockedRequest, step: (call: Call) => boolean): boolean {
    const { session, command, args } = request;
    const call = this.calls[0];
    const context = this.context;
    call.enter(session, command, args);
    context.leavesNoTrace = session.leavesNoTrace;
    const mutations = context.mutations;
    this.timing.begin(command, session, args);
    const hasAnswered = step(call);
    request.spentUs += this.timing.suspend();
    this.settle(call, mutations);
    if (session.tracking !== null) this.tracking.hasRun(session, command, args);
    return hasAnswered;
  }

  /** Counts a call that was blocked and is over now: once, whatever it took to answer it. */
  countBlockedCall(request: BlockedRequest, hasFailed: boolean): void {
    const { command, session } = request;
    this.timing.finish(command, session, request.args, request.spentUs);
    this.stats.commandsProcessed++;
    session.commandCount++;
    if (hasFailed) command.failedCalls++;
  }

  /**
   * Runs a command of a file that is being loaded: what may stop a client does not stop it, and
   * no statistics, slow log or monitors see it. Its reply is dropped; the error it replied with
   * is returned, or null. The caller has found the command and checked the arguments' number.
   */
  replay(session: Session, command: Command, args: Arguments): string | null {
    const { reply, depth } = this;
    this.calls[depth] ??= new Call(this, reply);
    const current = this.calls[depth];
    const mark = reply.at;
    const errors = reply.errorCount;
    reply.resp3 = false;
    current.enter(session, command, args);
    current.isReplay = true;
    command.run(current);
    this.dirty += current.changes;
    if (this.effects.pendingCount !== 0) this.effects.finish();
    reply.at = mark;
    reply.hasOverflowed = false;
    return reply.errorCount === errors ? null : reply.lastError;
  }

  /** Has `step` replay files within the running command, which reports nothing of that. */
  replayWithin<Result>(step: () => Result): Result {
    const { context, reply } = this;
    const { mutations } = context;
    const { resp3 } = reply;
    this.depth++;
    // Who follows this server has what is replayed already.
    const result = this.effects.unheard(step);
    this.depth--;
    context.mutations = mutations;
    reply.resp3 = resp3;
    this.countedErrors = reply.errorCount;
    return result;
  }

  /** The key left by itself: its removal is an effect of its own. */
  keyDropped(
    database: Database,
    reason: RemovalReason,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void {
    if (reason === "expired") this.dirty++;
    if (this.watchesKeys) {
      const kind = reason === "expired" ? NOTIFY_EXPIRED : NOTIFY_EVICTED;
      this.keyChanged(database, kind, reason, bytes, start, length);
    }
    if (!this.effects.isActive) return;
    this.effects.begin(database.index, 2);
    this.effects.word(this.removalCommand(reason));
    this.effects.range(bytes, start, length);
  }

  /** Fields of a hash left by themselves, and the hash with the last: its HDEL repeats both. */
  fieldsDropped(
    database: Database,
    key: Uint8Array,
    fields: readonly Uint8Array[],
    isEmpty: boolean,
  ): void {
    this.dirty += fields.length;
    if (this.watchesKeys) {
      this.keyChanged(database, NOTIFY_HASH, "hexpired", key, 0, key.length);
      if (isEmpty) this.keyChanged(database, NOTIFY_GENERIC, "del", key, 0, key.length);
    }
    if (!this.effects.isActive) return;
    this.effects.begin(database.index, 2 + fields.length);
    this.effects.word("HDEL");
    this.effects.range(key, 0, key.length);
    for (const field of fields) this.effects.range(field, 0, field.length);
  }

  /** The command that stands for a removal which no client asked for. */
  removalCommand(reason: RemovalReason): "DEL" | "UNLINK" {
    const { values } = this.config;
    const isLazy = values[reason === "expired" ? "lazyfree-lazy-expire" : "lazyfree-lazy-eviction"];
    return isLazy ? "UNLINK" : "DEL";
  }

  private run(session: Session, command: Command, args: Arguments): void {
    this.calls[this.depth] ??= new Call(this, this.reply);
    const call = this.calls[this.depth];
    const context = this.context;
    call.enter(session, command, args);
    context.leavesNoTrace = session.leavesNoTrace;
    const mutations = context.mutations;
    this.countedErrors = this.reply.errorCount;
    this.timing.begin(command, session, args);
    command.run(call);
    if (session.blocked === null) {
      this.timing.end(command);
      this.stats.commandsProcessed++;
      session.commandCount++;
      // Errors of what ran within it are that command's failures.
      if (this.reply.errorCount > this.countedErrors) command.failedCalls++;
    } else {
      session.blocked.spentUs = this.timing.suspend();
    }
    if (this.clients.monitors.size > 0) feedMonitors(this, session, command, args);
    this.settle(call, mutations);
    if (session.tracking !== null) this.tracking.hasRun(session, command, args);
  }

  /** Passes on what the call that has run changed; `mutations` were counted before it. */
  private settle(call: Call, mutations: number): void {
    const { changes, command } = call;
    if ((changes !== 0) !== (this.context.mutations !== mutations)) misreported(command);
    if (changes !== 0) {
      const { memory } = this.context;
      if (memory.bytes > memory.limitBytes) this.shut(GATE_MEMORY);
      if (memory.bytes > memory.peakBytes) memory.peakBytes = memory.bytes;
      this.dirty += changes;
      if (this.effects.isActive && call.propagatesRequest) {
        this.effects.finishWithRequest(call.database.index, call.args);
      }
    }
    if (this.effects.pendingCount > 0) {
      // Keys that SCAN finds expired in passing have nothing to do with each other.
      if ((command.flags & TOUCHES_ARBITRARY_KEYS) !== 0) this.effects.finishEach();
      else this.effects.finish();
    }
    const { appendedCount } = this.effects;
    if (appendedCount === this.notedEffects) return;
    // What WAIT of this session waits for.
    this.notedEffects = call.session.writtenEffects = appendedCount;
    call.session.writtenOffset = this.replication.offset;
  }

  /** The reply outgrew what the client may leave unread, or what can be sent at once. */
  private replaceReply(session: Session, mark: number): void {
    this.reply.hasOverflowed = false;
    this.reply.at = mark;
    // A primary is not sent it anyway.
    if (session.isPrimary) return;
    if (outputLimitOf(this, session).hard > 0) closeOverHardLimit(this, session);
    else this.reply.error(REPLY_TOO_LARGE);
  }

  /**
   * The session's request is about to be answered, or runs again: what was pushed to it so far
   * goes before what it replies from now on.
   */
  pushBeforeReply(session: Session): void {
    if (this.deferredPushes.length === 0) return;
    this.sendDeferred(session);
    this.reply.commandStart = this.reply.at;
  }

  /** Has `step` run, and what it pushes to the session wait, as part of that session's request. */
  runAs(session: Session, step: () => void): void {
    const { running, deferredPushes } = this;
    this.running = session;
    this.deferredPushes = [];
    step();
    if (this.deferredPushes.length > 0) this.sendDeferred(session);
    this.running = running;
    this.deferredPushes = deferredPushes;
  }

  private sendDeferred(session: Session): void {
    for (const message of this.deferredPushes) {
      if (session.blocked === null) this.reply.raw(message);
      else session.transport?.push(message);
    }
    this.deferredPushes.length = 0;
  }

  private withholdReply(session: Session, mark: number): void {
    if (session.replyMode === REPLY_SKIP_NEXT) {
      // The CLIENT REPLY SKIP command itself answers nothing; the one after it is skipped too.
      session.replyMode = REPLY_SKIP_THIS;
      this.reply.at = mark;
    } else if (session.replyMode === REPLY_SKIP_THIS) {
      session.replyMode = REPLY_ON;
      this.reply.at = mark;
    } else if (session.replyMode === REPLY_OFF) {
      this.reply.at = mark;
    } else if (session.replyMode === REPLY_FORBIDDEN) {
      forbidReply(this, session, mark);
    }
  }
}

/** Called only where it is so, as the text costs more than the test. */
function misreported(command: Command): never {
  throw new AssertionError(`${command.fullName} must change the database exactly when it says so`);
}
