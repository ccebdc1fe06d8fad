/**
 * The link of a replica to its primary, from REPLICAOF to the stream that is applied:
 *
 *     connect ──▶ connecting ──▶ handshake ──▶ sync ──▶ connected
 *        ▲            │              │          │  (a snapshot)    │
 *        │            │              └──────────┼────────▶ connected  (the stream goes on)
 *        └────────────┴──────────────┴──────────┴──────────┘
 *                   lost, refused, too slow
 *
 * The words are those of ROLE. Where the link breaks, what was applied so far stays the position
 * (id and offset of the stream), and the next attempt asks to go on from there (`mayContinue`;
 * Redis calls it the cached master). Attempts follow each other by `cron`, once a second, or at
 * once where the link had been up. Source: replication.c, Redis 7; the log's texts are its too.
 */
import { bytesOf } from "../base/bytes.ts";
import type { PrimaryAddress } from "../engine/config/list-options.ts";
import type { Engine } from "../engine/engine.ts";
import type { Peer, PeerEnd, PeerEvents } from "../engine/peer.ts";
import { CLOSED, TIMED_OUT, UNREACHABLE } from "../engine/peer.ts";
import type { SnapshotIntake } from "../engine/persistence.ts";
import type { Session } from "../engine/session.ts";
import { requestOf } from "../protocol/request.ts";
import { Handshake } from "./_handshake.ts";
import type { Agreement, Wish } from "./_handshake.ts";
import { LineReader } from "./_line-reader.ts";
import { Payload } from "./_payload.ts";
import { PrimaryTransport } from "./_primary-transport.ts";
import { StreamApplier } from "./_stream-applier.ts";
import type { LinkState, LinkStatus, SnapshotTransfer } from "./link-status.ts";
import type { Replicas } from "./replicas.ts";
import type { ReplicationStream } from "./stream.ts";

const CONNECT_PROBLEMS = {
  [UNREACHABLE]: "Host is unreachable",
  [CLOSED]: "Connection refused",
  [TIMED_OUT]: "Connection timed out",
} as const;
const NEWLINE = bytesOf("\n");
const MAX_REPLY_LENGTH = 1024;

/** A synchronisation that is under way. */
interface Sync {
  readonly payload: Payload;
  /** Null: the primary does not say what follows the snapshot. */
  readonly id: string | null;
  readonly offset: number;
  /** What came behind the snapshot, while it is loaded. */
  readonly ahead: Uint8Array[];
  isLoading: boolean;
  /** Nothing is read: the snapshot is taken slower than it comes. */
  isPaused: boolean;
  isCut: boolean;
}

/** Who has asked the primary to hand its role over (FAILOVER), and hears what it said. */
export interface Takeover {
  answered(isAccepted: boolean): void;
}

export class PrimaryLink implements PeerEvents, LinkStatus {
  /** Whose replica this server is; null: of nobody, it is a primary. */
  address: PrimaryAddress | null;
  state: LinkState = "none";
  /** Since when the link is down, in ms; 0: it is up, or never was. */
  downSinceMs = 0;
  /** When the primary was last heard of. */
  lastIoMs = 0;
  /** Set: PSYNC asks the primary to become a replica. */
  takeover: Takeover | null = null;
  /** Told whenever the state has changed. */
  onStateChange: () => void = () => {};
  /** How much of the stream is synced to the AOF; -1: there is no AOF. */
  syncedOffset: () => number = () => -1;
  /** What there is belongs to the history at `stream.id`: the primary may know it. */
  mayContinue = false;
  /** The primary counts its stream: it is told how far this server is. */
  private isCounted = false;
  private peer: Peer | null = null;
  private session: Session | null = null;
  private applier: StreamApplier | null = null;
  private handshake: Handshake | null = null;
  private sync: Sync | null = null;
  private lines = new LineReader();
  private readonly engine: Engine;
  private readonly stream: ReplicationStream;
  private readonly replicas: Replicas;

  constructor(engine: Engine, stream: ReplicationStream, replicas: Replicas) {
    this.engine = engine;
    this.stream = stream;
    this.replicas = replicas;
    this.address = engine.config.values.replicaof;
    if (this.address !== null) this.state = "connect";
  }

  /** It is synchronised with its primary now. */
  get isUp(): boolean {
    return this.state === "connected";
  }

  /** Offset of what has been applied. */
  get offset(): number {
    return this.stream.offset;
  }

  /** Offset of what has come; some of it may wait to be applied. */
  get readOffset(): number {
    return this.stream.offset + (this.applier?.unappliedBytes ?? 0);
  }

  get hasPosition(): boolean {
    return this.isUp || this.mayContinue;
  }

  get transfer(): SnapshotTransfer | null {
    const { sync, lastIoMs } = this;
    if (sync === null) return null;
    const { sizeBytes, readBytes } = sync.payload;
    return { totalBytes: sizeBytes ?? 0, readBytes, lastIoMs };
  }

  /** Bytes held of what came and was not applied. */
  get bufferBytes(): number {
    let bytes = this.applier?.unappliedBytes ?? 0;
    for (const chunk of this.sync?.ahead ?? []) bytes += chunk.length;
    return bytes;
  }

  get isWaiting(): boolean {
    return this.applier?.isWaiting === true;
  }

  /** What is there is at this place of a history that a primary may know. */
  restored(): void {
    this.mayContinue = true;
  }

  /** Becomes the replica of this primary. */
  follow(address: PrimaryAddress): void {
    const wasPrimary = this.address === null;
    this.address = null;
    this.disconnect();
    this.address = address;
    if (wasPrimary) {
      this.mayContinue = true;
      this.engine.log.notice(
        "Before turning into a replica, using my own master parameters to synthesize a cached " +
          "master: I may be able to synchronize with the new master with just a partial transfer.",
      );
    }
    this.enter("connect");
    this.connect(`Connecting to MASTER ${this.place}`);
  }

  /** Is nobody's replica any more. */
  unfollow(): void {
    this.address = null;
    this.takeover = null;
    this.disconnect();
    this.discardPosition();
    this.downSinceMs = 0;
    this.enter("none");
  }

  /** Ends what there is of a link, for good. */
  close(): void {
    this.release();
  }

  /** Called once a second. */
  cron(nowMs: number): void {
    if (this.address === null) return;
    const timeoutMs = this.engine.config.values["repl-timeout"] * 1000;
    const isLate = nowMs - this.lastIoMs > timeoutMs;
    const { state, sync } = this;
    if (isLate && (state === "connecting" || state === "handshake")) {
      this.failed("Timeout connecting to the MASTER...", true);
    } else if (isLate && sync !== null && !sync.isLoading && !sync.isPaused) {
      this.failed(
        "Timeout receiving bulk data from MASTER... If the problem persists try to set the " +
          "'repl-timeout' parameter in redis.conf to a larger value.",
        true,
      );
    } else if (isLate && state === "connected") {
      this.engine.log.warning("MASTER timeout: no data nor PING received...");
      this.lost(true);
    }
    if (this.state === "connect") this.connect(`Connecting to MASTER ${this.place}`);
    // The primary must not take a replica for dead that loads what it sent.
    if (this.sync?.isLoading === true) this.peer?.write([NEWLINE]);
    this.acknowledge();
  }

  /** Tells the primary how far this server is. */
  acknowledge(): void {
    if (!this.isUp || !this.isCounted) return;
    this.applier?.settle();
    const synced = this.syncedOffset();
    const offset = String(this.stream.offset);
    const request = ["REPLCONF", "ACK", offset, ...(synced < 0 ? [] : ["FACK", String(synced)])];
    this.peer?.write([requestOf(request)]);
  }

  /** Commands that waited for the end of a pause may run. */
  resume(): void {
    this.applier?.resume();
  }

  opened(): void {
    const { log, clock } = this.engine;
    const { peer } = this;
    log.notice("Non blocking connect for SYNC fired the event.");
    this.lastIoMs = clock.nowMs;
    this.lines = new LineReader();
    this.enter("handshake");
    const isTakeover = this.takeover !== null;
    this.handshake = new Handshake(
      this.engine,
      () => this.wish,
      isTakeover,
      (request) => peer?.write([request]),
    );
  }

  received(bytes: Uint8Array): void {
    const { stats, clock } = this.engine;
    this.lastIoMs = clock.nowMs;
    stats.networkInputBytes += bytes.length;
    stats.replicationInputBytes += bytes.length;
    let at = 0;
    if (this.state === "handshake") at = this.negotiate(bytes);
    if (this.state === "sync" && this.sync !== null) this.receiveSnapshot(this.sync, bytes, at);
    else if (this.applier !== null) this.apply(this.applier, bytes, at);
  }

  drained(): void {}

  ended(end: PeerEnd): void {
    const reason = end === TIMED_OUT ? "Connection timed out" : "Connection lost";
    switch (this.state) {
      case "connecting":
        this.failed(`Error condition on socket for SYNC: ${CONNECT_PROBLEMS[end]}`, false);
        break;
      case "handshake":
        this.engine.log.warning(`Failed to read response from the server: ${reason}`);
        if (this.handshake?.awaitsAnswerToPsync === true) {
          this.failed("Master did not reply to PSYNC, will try later", false);
        } else {
          this.failed("Master did not respond to command during SYNC handshake", false);
        }
        break;
      case "sync":
        // What has come whole is loaded all the same.
        if (this.sync?.isLoading === true) this.sync.isCut = true;
        else this.failed("I/O error trying to sync with MASTER: connection lost", true);
        break;
      default:
        this.lost(true);
    }
  }

  private get place(): string {
    return this.address === null ? "" : `${this.address.host}:${this.address.port}`;
  }

  private get wish(): Wish | null {
    return this.mayContinue ? { id: this.stream.id, offset: this.stream.offset + 1 } : null;
  }

  private enter(state: LinkState): void {
    this.state = state;
    this.onStateChange();
  }

  private connect(message: string): void {
    const { peers, log, clock } = this.engine;
    if (this.address === null) return;
    const { host, port } = this.address;
    log.notice(message);
    this.lastIoMs = clock.nowMs;
    this.peer = peers.connector.connect("replication", host, port, 0, this);
    this.enter("connecting");
    log.notice("MASTER <-> REPLICA sync started");
  }

  /** Reads replies as long as there is a handshake; returns where what follows them begins. */
  private negotiate(bytes: Uint8Array): number {
    let at = 0;
    while (this.handshake !== null && at < bytes.length) {
      const line = this.lines.next(bytes, at);
      at = this.lines.position;
      if (line === null) {
        if (this.lines.waitingLength > MAX_REPLY_LENGTH) {
          this.failed("Master did not respond to command during SYNC handshake", false);
        }
        break;
      }
      const agreement = this.handshake.receive(line);
      if (agreement !== null) this.agreed(agreement);
    }
    return at;
  }

  private agreed(agreement: Agreement): void {
    const { peer } = this;
    this.handshake = null;
    if (agreement.kind === "fail") {
      if (agreement.isRefusal) this.tellTakeover(false);
      // Without a takeover it is tried again; with one, who asked has decided.
      if (this.peer === peer) this.closeAndWait();
      return;
    }
    this.tellTakeover(true);
    if (agreement.kind === "full") this.beginSync(agreement.id, agreement.offset);
    else this.goOn(agreement.id);
  }

  /** The cron tries again. */
  private closeAndWait(): void {
    this.release();
    this.enter("connect");
  }

  private tellTakeover(isAccepted: boolean): void {
    const { takeover } = this;
    this.takeover = null;
    takeover?.answered(isAccepted);
  }

  private goOn(id: string | null): void {
    const { stream, replicas, engine } = this;
    if (id !== null && id !== stream.id) {
      engine.log.warning(`Master replication ID changed to ${id}`);
      stream.rename(id);
      // They are to learn of it.
      replicas.disconnectAll();
    }
    replicas.openStream();
    // What there is is whole, though a synchronisation that failed has stopped its files.
    engine.persistence.resumeAof();
    this.begin(true);
    engine.log.notice("MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.");
  }

  private beginSync(id: string | null, offset: number): void {
    const payload = new Payload({
      begins: (sizeBytes) => this.beginIntake(id, sizeBytes),
      failed: (problem) => this.failed(problem, true),
    });
    this.sync = { payload, id, offset, ahead: [], isLoading: false, isPaused: false, isCut: false };
    this.enter("sync");
  }

  private beginIntake(id: string | null, sizeBytes: number | null): SnapshotIntake | null {
    const { persistence } = this.engine;
    const intake = persistence.receiveSnapshot({
      sizeBytes,
      continuesHistory: id === this.stream.id,
      onReplace: () => this.giveUpData(),
    });
    if (typeof intake !== "string") return intake;
    this.failed(intake, false);
    return null;
  }

  private receiveSnapshot(sync: Sync, bytes: Uint8Array, from: number): void {
    if (sync.isLoading) {
      sync.ahead.push(from === 0 ? bytes : bytes.subarray(from));
      return;
    }
    const { payload } = sync;
    const next = payload.receive(bytes, from);
    const { intake } = payload;
    if (this.sync !== sync || intake === null) return;
    if (intake.problem !== null) {
      this.failed(intake.problem, true);
    } else if (payload.isWhole) {
      if (next < bytes.length) sync.ahead.push(bytes.subarray(next));
      sync.isLoading = true;
      // The stream waits in the network.
      this.peer?.pause();
      intake.finish((reason) => this.snapshotEnded(sync, reason));
    } else if (intake.isBusy && !sync.isPaused) {
      const { peer } = this;
      sync.isPaused = true;
      peer?.pause();
      intake.whenFree(() => {
        sync.isPaused = false;
        this.lastIoMs = this.engine.clock.nowMs;
        peer?.resume();
      });
    }
  }

  /** What is there is about to be replaced by something that does not continue it. */
  private giveUpData(): void {
    this.discardPosition();
    this.replicas.disconnectAll();
    this.stream.close();
  }

  private snapshotEnded(sync: Sync, problem: string | null): void {
    if (this.sync !== sync) return;
    const { engine, stream, replicas } = this;
    // Nothing was read meanwhile.
    this.lastIoMs = engine.clock.refresh();
    if (problem !== null) {
      this.failed(problem, true);
      return;
    }
    const isCounted = sync.id !== null;
    if (!isCounted) stream.renew();
    stream.adopt({
      id: sync.id ?? stream.id,
      offset: sync.offset,
      database: sync.payload.intake?.database ?? -1,
    });
    replicas.openStream();
    this.sync = null;
    this.mayContinue = isCounted;
    this.begin(isCounted);
    this.peer?.resume();
    engine.log.notice("MASTER <-> REPLICA sync: Finished with success");
    if (sync.payload.isMarked) this.acknowledge();
    for (const chunk of sync.ahead) if (this.applier !== null) this.apply(this.applier, chunk, 0);
    if (sync.isCut) this.lost(true);
  }

  /** From now on what comes is the stream. */
  private begin(isCounted: boolean): void {
    const { engine, stream, peer } = this;
    if (peer === null) return;
    const { clients, clock, keyspace } = engine;
    this.isCounted = isCounted;
    const database = keyspace.database(Math.max(0, stream.position.database));
    const session = clients.create(database, clock.nowMs);
    session.isPrimary = true;
    session.user = null;
    session.isAuthenticated = true;
    session.gates = 0;
    const applier = new StreamApplier(engine, stream, session);
    applier.onCorrupt = (problem) => {
      engine.log.warning(problem);
      this.lost(false);
    };
    this.session = session;
    this.applier = applier;
    clients.connected(session, new PrimaryTransport(peer, applier, () => this.lost(true)));
    this.downSinceMs = 0;
    this.enter("connected");
  }

  private apply(applier: StreamApplier, bytes: Uint8Array, from: number): void {
    if (this.session !== null) this.session.lastInteractionMs = this.engine.clock.nowMs;
    applier.receive(bytes, from);
  }

  private discardPosition(): void {
    if (this.mayContinue) this.engine.log.notice("Discarding previously cached master state.");
    this.mayContinue = false;
  }

  /** The attempt is over; the next one follows at once, or by the cron. */
  private failed(message: string, reconnects: boolean): void {
    this.engine.log.warning(message);
    this.release();
    this.enter("connect");
    if (reconnects) this.connect(`Reconnecting to MASTER ${this.place} after failure`);
  }

  /** The link that was up is not any more. `keeps`: what was applied can be gone on from. */
  private lost(keeps: boolean): void {
    const { log, clock } = this.engine;
    log.notice("Connection with master lost.");
    if (keeps && this.isCounted) log.notice("Caching the disconnected master state.");
    else this.mayContinue = false;
    this.release();
    this.downSinceMs = clock.nowMs;
    this.enter("connect");
    this.connect(`Reconnecting to MASTER ${this.place}`);
  }

  /** Ends whatever there is of a link, while `address` is null. */
  private disconnect(): void {
    if (this.isUp) this.lost(true);
    else this.release();
  }

  private release(): void {
    this.handshake = null;
    this.applier?.stop();
    this.applier = null;
    if (this.session !== null) {
      this.engine.endSession(this.session);
      this.engine.clients.disconnected(this.session);
    }
    this.session = null;
    this.sync?.payload.intake?.abort();
    this.sync = null;
    this.peer?.close();
    this.peer = null;
  }
}
