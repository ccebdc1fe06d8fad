/**
 * Replication of a server, put together: the stream (stream.ts), those who take it (replicas.ts),
 * the link to the primary whose replica this server is (primary-link.ts), and what follows from
 * what they say. The composition root calls `cron` ten times a second, gives this to the turns of
 * the event loop as their feed, and sets `requestTurn`.
 */
import type { Disk } from "../base/disk.ts";
import { secretHex } from "../base/random.ts";
import type { Call } from "../engine/call.ts";
import type { Engine } from "../engine/engine.ts";
import type { InfoField } from "../engine/persistence.ts";
import type { ReplicaLag, Replication, StreamPosition } from "../engine/replication.ts";
import type { Session } from "../engine/session.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { Failover } from "./failover.ts";
import { GoodReplicas } from "./good-replicas.ts";
import { PrimaryLink } from "./primary-link.ts";
import { Replicas } from "./replicas.ts";
import { ServerRole } from "./server-role.ts";
import { describeLag, replicationFields, replyRole, type StatusParts } from "./status.ts";
import { ReplicationStream } from "./stream.ts";

const CRON_INTERVAL_MS = 1000;
const IS_FAILING_OVER = "NOMASTERLINK Can't SYNC while failing over";
const NO_PRIMARY_LINK = "NOMASTERLINK Can't SYNC while not connected with my master";

export class ServerReplication implements Replication {
  readonly stream: ReplicationStream;
  readonly replicas: Replicas;
  readonly link: PrimaryLink;
  readonly serverRole: ServerRole;
  readonly failover: Failover;
  /** Has the end of a turn come, where none is under way. */
  requestTurn: () => void = () => {};
  private readonly acknowledgements: Acknowledgements;
  private readonly good: GoodReplicas;
  private readonly engine: Engine;
  private readonly status: StatusParts;
  private hasNews = false;
  /** Where the stream was when the primary asked how far this server is; -1: it has been told. */
  private askedOffset = -1;
  private lastCronMs = 0;
  private isStarted = false;

  constructor(engine: Engine, disk: Disk) {
    this.stream = new ReplicationStream(secretHex(40), engine.config.values["repl-backlog-size"]);
    this.replicas = new Replicas(engine, disk, this.stream);
    this.link = new PrimaryLink(engine, this.stream, this.replicas);
    this.serverRole = new ServerRole(engine, this.stream, this.replicas, this.link);
    this.good = new GoodReplicas(engine, this.replicas);
    this.acknowledgements = new Acknowledgements(engine, this.replicas);
    this.failover = new Failover(engine, this.stream, this.replicas, {
      ask: (address, answered) => this.serverRole.takeTurns(address, answered),
      leave: () => {
        this.link.takeover = null;
        this.serverRole.becomePrimary();
      },
    });
    const { failover, good, link, replicas, stream } = this;
    link.syncedOffset = () => engine.persistence.synced?.offset ?? -1;
    this.status = { engine, failover, good, link, replicas, stream };
    this.replicas.onAcknowledged = () => this.replicaMoved();
    this.replicas.onQuestion = () => this.answerPrimary();
    this.replicas.onChange = () => this.replicaMoved();
    engine.replication = this;
    this.engine = engine;
  }

  /** More is on this server's own disk. */
  synced(): void {
    const { synced } = this.engine.persistence;
    if (this.askedOffset >= 0 && synced !== null && synced.offset >= this.askedOffset) {
      this.askedOffset = -1;
      this.link.acknowledge();
    }
    this.acknowledgements.moved();
    if (this.acknowledgements.isPending) this.requestTurn();
  }

  /** Whether the end of the turn has something to do here. */
  get isPending(): boolean {
    return this.hasNews || this.replicas.isPending || this.acknowledgements.isPending;
  }

  /** The turn ends: what was said in it has its consequences, and replicas get what is new. */
  flush(): void {
    this.hasNews = false;
    this.acknowledgements.settle();
    this.failover.check();
    this.replicas.flush();
  }

  get id(): string {
    return this.stream.id;
  }

  get offset(): number {
    return this.stream.offset;
  }

  get isReplica(): boolean {
    return this.link.address !== null;
  }

  get position(): StreamPosition | null {
    return this.stream.isOpen || this.link.mayContinue ? this.stream.position : null;
  }

  get bufferBytes(): number {
    return this.stream.keptBytes;
  }

  get laggingBytes(): number {
    // The backlog goes beyond its size by less than a block.
    return this.replicas.count === 0 ? 0 : this.stream.laggingBytes;
  }

  get ownExpiryCount(): number {
    return this.serverRole.ownExpiries.count;
  }

  /** What the configuration says of the role; to be called before files are loaded. */
  begin(): void {
    this.serverRole.begin();
  }

  /** The files have been loaded; null: they do not tell of a stream. A replica connects now. */
  start(position: StreamPosition | null): void {
    this.serverRole.restore(position);
    this.isStarted = true;
  }

  /** Called ten times a second. */
  cron(nowMs: number): void {
    if (!this.isStarted) return;
    this.failover.check();
    if (this.isReplica) this.serverRole.ownExpiries.expire();
    if (nowMs - this.lastCronMs < CRON_INTERVAL_MS) return;
    this.lastCronMs = nowMs;
    this.link.cron(nowMs);
    this.replicas.cron(nowMs);
    this.good.refresh();
  }

  /** The server ends: what a synchronisation has left in temporary files goes. */
  close(): void {
    this.link.close();
  }

  get lag(): ReplicaLag {
    return describeLag(this.replicas, this.stream, this.engine.clock.nowMs);
  }

  requestAcknowledgements(): void {
    this.replicas.requestAcknowledgements();
  }

  infoFields(): readonly InfoField[] {
    return replicationFields(this.status);
  }

  sync(call: Call): void {
    const { session } = call;
    if (session.replica?.isAttached === true || session.isPrimary) return;
    const isForFailover = call.count > 3 && call.is(0, "PSYNC") && call.is(3, "FAILOVER");
    if (isForFailover && !this.failover.accept(call)) return;
    if (this.failover.isActive) {
      call.fail(IS_FAILING_OVER);
      return;
    }
    if (this.isReplica && !this.link.isUp) {
      call.fail(NO_PRIMARY_LINK);
      return;
    }
    this.replicas.sync(call);
  }

  configure(call: Call): void {
    this.replicas.configure(call);
  }

  replicaOf(call: Call): void {
    if (this.failover.isActive) {
      call.fail("ERR REPLICAOF not allowed while failing over.");
      return;
    }
    this.serverRole.replicaOf(call);
  }

  role(call: Call): void {
    replyRole(call, this.status);
  }

  wait(call: Call): void {
    this.acknowledgements.wait(call);
  }

  waitAof(call: Call): void {
    this.acknowledgements.waitAof(call);
  }

  failOver(call: Call): void {
    this.failover.run(call);
  }

  refusedByDisk(): void {
    this.serverRole.refusedByDisk();
  }

  changeId(): void {
    this.stream.renew();
  }

  forget(session: Session): void {
    this.acknowledgements.forget(session);
    this.replicas.forget(session);
  }

  private answerPrimary(): void {
    this.link.acknowledge();
    // What it waits for may be that all this is on the disk here: then it hears of that at once.
    const { synced } = this.engine.persistence;
    this.askedOffset = synced === null ? -1 : this.stream.offset;
  }

  private replicaMoved(): void {
    this.good.refresh();
    this.acknowledgements.moved();
    this.hasNews = true;
  }
}
