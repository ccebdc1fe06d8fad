/**
 * All who take the stream: how they join, go on, are kept alive and given up. Full synchronisations
 * are full-sync.ts's business. `flush` is called at the end of each turn of the event loop (it is
 * the turn's feed), `cron` once a second.
 *
 * The stream is kept from the moment when the first one asks, and under a new id then: what was
 * before is known to nobody. Source: replication.c, Redis 7.
 */
import { bytesOf } from "../base/bytes.ts";
import type { Disk } from "../base/disk.ts";
import { GATE_LISTENER, GATE_SHUTDOWN } from "../engine/admission.ts";
import type { Call } from "../engine/call.ts";
import type { Engine } from "../engine/engine.ts";
import { REPLY_FORBIDDEN, type Session } from "../engine/session.ts";
import { rangeProblem } from "../protocol/errors.ts";
import { FullSync } from "./full-sync.ts";
import { NO_ID } from "./stream.ts";
import type { ReplicationStream } from "./stream.ts";
import { ONLINE, Replica, WAITS_FOR_END, WAITS_FOR_START } from "./replica.ts";

const NEWLINE = bytesOf("\n");
/** What CONFIG SET makes of less (CONFIG_REPL_BACKLOG_MIN_SIZE). */
const MIN_BACKLOG_BYTES = 16 * 1024;
const PENDING_OUTPUT = "ERR SYNC and PSYNC are invalid with pending output";
const MARK_NEEDED = "ERR Filtered replica requires EOF capability";

export class Replicas {
  /** Called when one has told how far it is. */
  onAcknowledged: () => void = () => {};
  /** Called when one has come online, or gone. */
  onChange: () => void = () => {};
  /** Called when the primary asks how far this server is. */
  onQuestion: () => void = () => {};
  /** Whether replicas are to be kept from being sent anything of their own (FAILOVER). */
  isQuiet = false;
  private readonly attached = new Set<Replica>();
  private readonly fullSync: FullSync;
  /** Of the stream, what the connections have been told of. */
  private toldOffset = 0;
  private isRecording = false;
  private isReplica = false;
  private noneSinceMs: number;
  private seconds = 0;
  private readonly engine: Engine;
  private readonly stream: ReplicationStream;

  constructor(engine: Engine, disk: Disk, stream: ReplicationStream) {
    this.engine = engine;
    this.stream = stream;
    this.fullSync = new FullSync(engine, disk, stream, this);
    this.noneSinceMs = engine.clock.nowMs;
    engine.config.onApply("repl-backlog-size", (bytes) => {
      if (bytes < MIN_BACKLOG_BYTES) {
        engine.config.assign("repl-backlog-size", [String(MIN_BACKLOG_BYTES)]);
      }
      stream.resize(Math.max(MIN_BACKLOG_BYTES, bytes));
      return null;
    });
  }

  /** In the order in which they came. */
  all(): Iterable<Replica> {
    return this.attached;
  }

  get count(): number {
    return this.attached.size;
  }

  /** Whether the stream has grown since the connections were told of it. */
  get isPending(): boolean {
    return this.stream.offset !== this.toldOffset;
  }

  /** The turn ends: connections send what is new. */
  flush(): void {
    this.stream.settle();
    this.toldOffset = this.stream.offset;
    for (const replica of this.attached) {
      if (replica.isReading) replica.session.transport?.streamGrew();
    }
  }

  /**
   * This server's own effects are the stream no longer: its primary's are. Replicas stay, since
   * what they have may turn out to be part of the primary's history.
   */
  becomeReplica(): void {
    this.isReplica = true;
    this.record();
  }

  /** From now on the stream is what this server does. */
  becomePrimary(): void {
    this.isReplica = false;
    this.stream.branch();
    this.disconnectAll();
    this.noneSinceMs = this.engine.clock.nowMs;
    this.record();
  }

  /** Has the stream kept from now on. */
  openStream(): void {
    this.stream.open();
    this.record();
  }

  /**
   * Whoever joins now has selected nothing: what follows is to say its database. A primary's stream
   * says what it says; there the snapshot tells which database it goes on in.
   */
  restateDatabase(): void {
    if (this.isRecording) this.stream.forgetDatabase();
  }

  /** Asks replicas how far they are, where the stream is this server's to add to. */
  requestAcknowledgements(): void {
    if (this.isRecording) this.stream.requestAcknowledgements();
  }

  /** Nobody can go on as it was: their next request will tell them how. */
  disconnectAll(): void {
    for (const replica of this.attached) replica.session.transport?.close();
  }

  /** PSYNC and SYNC, where nothing of this server's own state refuses them. */
  sync(call: Call): void {
    const { session } = call;
    const replica = this.replicaOf(session);
    if (replica.isAttached) return;
    if ((session.transport?.outboundBytes ?? 0) > 0) {
      call.fail(PENDING_OUTPUT);
      return;
    }
    if (replica.wantsNoData && !replica.understandsMark) {
      call.fail(MARK_NEEDED);
      return;
    }
    const { log, stats } = this.engine;
    log.notice(`Replica ${replica.address} asks for synchronization`);
    if (call.is(0, "PSYNC")) {
      const offset = Number(call.int64(2));
      if (call.refused()) {
        log.warning(`Replica ${replica.address} asks for synchronization but with a wrong offset`);
        return;
      }
      const id = call.text(1).toLowerCase();
      if (this.mayContinue(replica, id, offset)) {
        stats.partialSyncs++;
        this.continueFrom(call, replica, offset);
        return;
      }
      if (!id.startsWith("?")) stats.refusedPartialSyncs++;
    } else {
      replica.isSilent = true;
    }
    stats.fullSyncs++;
    this.attach(replica, WAITS_FOR_START);
    if (!this.stream.isOpen) {
      this.stream.renew();
      this.openStream();
      log.notice(
        "Replication backlog created, my new replication IDs are " +
          `'${this.stream.id}' and '${NO_ID}'`,
      );
    }
    session.transport?.setNoDelay(!this.engine.config.values["repl-disable-tcp-nodelay"]);
    this.fullSync.add(replica);
  }

  /** REPLCONF. */
  configure(call: Call): void {
    if (call.count % 2 === 0) {
      call.syntaxError();
      return;
    }
    for (let i = 1; i < call.count; i += 2) {
      if (call.is(i, "GETACK")) {
        this.onQuestion();
        return;
      }
      const replica = this.replicaOf(call.session);
      if (call.is(i, "ACK")) {
        this.acknowledge(call, replica, i + 1);
        return;
      }
      if (!configureOne(call, replica, i)) return;
    }
    call.reply.ok();
  }

  /** Called once a second. */
  cron(nowMs: number): void {
    const { values } = this.engine.config;
    const isPingDue = this.seconds++ % values["repl-ping-replica-period"] === 0;
    // The stream has come to its end while the last snapshot is written.
    const isEnding = (this.engine.gates & GATE_SHUTDOWN) !== 0;
    const mayPing = this.isRecording && !this.isQuiet && !isEnding;
    if (isPingDue && this.attached.size > 0 && mayPing) {
      this.stream.ping();
    }
    this.sendNewlines();
    this.closeSilent(nowMs, values["repl-timeout"] * 1000);
    this.fullSync.cron(nowMs);
    this.dropBacklog(nowMs, values["repl-backlog-ttl"] * 1000);
  }

  /** The session is over. */
  forget(session: Session): void {
    const { replica } = session;
    session.replica = null;
    if (!(replica instanceof Replica) || !this.attached.delete(replica)) return;
    this.stream.removeReader(replica);
    this.fullSync.forget(replica);
    replica.end();
    if (this.attached.size === 0) this.noneSinceMs = this.engine.clock.nowMs;
    this.engine.log.notice(`Connection with replica ${replica.address} lost.`);
    this.onChange();
  }

  /** It has been sent a snapshot and may be sent what follows. */
  putOnline(replica: Replica): void {
    replica.state = ONLINE;
    replica.acknowledgedMs = this.engine.clock.nowMs;
    this.onChange();
  }

  /** Sends what was kept for it since its snapshot. */
  startStream(replica: Replica): void {
    this.engine.log.notice(`Synchronization with replica ${replica.address} succeeded`);
    replica.read();
  }

  private replicaOf(session: Session): Replica {
    if (session.replica instanceof Replica) return session.replica;
    const replica = new Replica(session, this.stream);
    session.replica = replica;
    return replica;
  }

  private attach(replica: Replica, state: number): void {
    const { transport } = replica.session;
    replica.state = state;
    replica.acknowledgedMs = this.engine.clock.nowMs;
    this.attached.add(replica);
    // Its connection has no business with keys, and is for the stream alone.
    replica.session.gates |= GATE_LISTENER;
    replica.session.replyMode = REPLY_FORBIDDEN;
    if (transport !== null) transport.stream = replica;
  }

  private mayContinue(replica: Replica, id: string, offset: number): boolean {
    const { stream } = this;
    const { log } = this.engine;
    const name = replica.address;
    if (id !== stream.id && (id !== stream.secondId || offset > stream.secondOffset)) {
      if (id.startsWith("?")) {
        log.notice(`Full resync requested by replica ${name}`);
      } else if (id !== stream.secondId) {
        log.notice(
          "Partial resynchronization not accepted: Replication ID mismatch (Replica asked for " +
            `'${id}', my replication IDs are '${stream.id}' and '${stream.secondId}')`,
        );
      } else {
        log.notice(
          "Partial resynchronization not accepted: Requested offset for second ID was " +
            `${offset}, but I can reply up to ${stream.secondOffset}`,
        );
      }
      return false;
    }
    if (stream.isOpen && offset >= stream.firstOffset && offset <= stream.offset + 1) return true;
    log.notice(
      `Unable to partial resync with replica ${name} for lack of backlog (Replica request was: ` +
        `${offset}).`,
    );
    if (offset > stream.offset) {
      log.warning(
        `Warning: replica ${name} tried to PSYNC with an offset that is greater than the master ` +
          "replication offset.",
      );
    }
    return false;
  }

  private continueFrom(call: Call, replica: Replica, offset: number): void {
    const { stream } = this;
    const line = replica.understandsSecondId ? `+CONTINUE ${stream.id}\r\n` : "+CONTINUE\r\n";
    this.engine.push(call.session, bytesOf(line));
    this.attach(replica, ONLINE);
    replica.position = offset - 1;
    stream.addReader(replica);
    replica.read();
    this.engine.log.notice(
      `Partial resynchronization request from ${replica.address} accepted. Sending ` +
        `${stream.offset - replica.position} bytes of backlog starting from offset ${offset}.`,
    );
    this.onChange();
  }

  private acknowledge(call: Call, replica: Replica, index: number): void {
    if (!replica.isAttached) return;
    const offset = Number(call.int64(index));
    if (call.hasProblem) return;
    replica.acknowledged = Math.max(replica.acknowledged, offset);
    if (call.count > index + 2 && call.is(index + 1, "FACK")) {
      const aofOffset = Number(call.int64(index + 2));
      if (!call.hasProblem) replica.acknowledgedAof = Math.max(replica.acknowledgedAof, aofOffset);
    }
    replica.acknowledgedMs = call.nowMs;
    if (replica.awaitsFirst && replica.isOnline) {
      replica.awaitsFirst = false;
      this.startStream(replica);
    }
    this.onAcknowledged();
  }

  /** Whoever waits for a snapshot must not take this for a dead server. */
  private sendNewlines(): void {
    for (const { state, session } of this.attached) {
      const waits =
        state === WAITS_FOR_START || (state === WAITS_FOR_END && !this.fullSync.isSending);
      if (waits) session.transport?.push(NEWLINE);
    }
  }

  private closeSilent(nowMs: number, timeoutMs: number): void {
    for (const replica of this.attached) {
      const { log } = this.engine;
      if (replica.isOnline && !replica.isSilent) {
        if (nowMs - replica.acknowledgedMs <= timeoutMs) continue;
        log.warning(`Disconnecting timedout replica (streaming sync): ${replica.address}`);
      } else if (this.fullSync.isStuck(replica, nowMs, timeoutMs)) {
        log.warning(`Disconnecting timedout replica (full sync): ${replica.address}`);
      } else {
        continue;
      }
      replica.session.transport?.close();
    }
  }

  private dropBacklog(nowMs: number, ttlMs: number): void {
    if (this.attached.size > 0 || ttlMs === 0 || !this.stream.isOpen || this.isReplica) return;
    if (nowMs - this.noneSinceMs <= ttlMs) return;
    // What follows is not counted any more, so nobody may take it for the same history.
    this.stream.renew();
    this.stream.close();
    this.record();
    this.engine.log.notice(
      `Replication backlog freed after ${ttlMs / 1000} seconds without connected replicas.`,
    );
  }

  /** The stream is fed by this server's effects while it is kept and no primary feeds it. */
  private record(): void {
    const shouldRecord = this.stream.isOpen && !this.isReplica;
    if (shouldRecord === this.isRecording) return;
    this.isRecording = shouldRecord;
    const { effects } = this.engine;
    if (shouldRecord) effects.attach(this.stream);
    else effects.detach(this.stream);
  }
}

/** Takes an option and its value; false where it replied with an error. */
function configureOne(call: Call, replica: Replica, index: number): boolean {
  const value = index + 1;
  if (call.is(index, "LISTENING-PORT")) {
    replica.listeningPort = call.integer(value);
  } else if (call.is(index, "IP-ADDRESS")) {
    const address = call.text(value);
    if (address.length >= MAX_ADDRESS_LENGTH) {
      call.refuse(
        `ERR REPLCONF ip-address provided by replica instance is too long: ${address.length} bytes`,
      );
    } else {
      replica.announcedAddress = address;
    }
  } else if (call.is(index, "CAPA")) {
    if (call.is(value, "EOF")) replica.understandsMark = true;
    else if (call.is(value, "PSYNC2")) replica.understandsSecondId = true;
    else if (call.is(value, CAPABILITY)) replica.readsNewRdb = true;
  } else if (call.is(index, "RDB-ONLY")) {
    const only = call.integer(value);
    if (only < 0 || only > 1) call.refuse(rangeProblem(0n, 1n));
    replica.wantsOnlyRdb = only === 1;
  } else if (call.is(index, "RDB-FILTER-ONLY")) {
    filter(call, replica, call.text(value));
  } else {
    call.refuse(`ERR Unrecognized REPLCONF option: ${call.text(index)}`);
  }
  return !call.refused();
}

/** A capability of Pedis's own replicas; Redis passes over those it does not know. */
export const CAPABILITY = "PEDIS-RDB";
/** NET_HOST_STR_LEN. */
const MAX_ADDRESS_LENGTH = 256;

function filter(call: Call, replica: Replica, text: string): void {
  replica.wantsNoData = true;
  replica.wantsNoFunctions = true;
  for (const word of text.split(" ")) {
    if (word === "") continue;
    if (word.toLowerCase() === "functions") replica.wantsNoFunctions = false;
    else call.refuse(`ERR Unsupported rdb-filter-only option: ${word}`);
  }
}
