/**
 * Replication of a server, put together: the stream (stream.ts), those who take it (replicas.ts),
 * and the link to the primary whose replica this server is (primary-link.ts). The composition root
 * calls `cron` ten times a second, and gives `feed` to the turns of the event loop.
 */
import type { Disk } from "../base/disk.ts";
import { secretHex } from "../base/random.ts";
import type { Call } from "../engine/call.ts";
import type { Engine } from "../engine/engine.ts";
import type { InfoField } from "../engine/persistence.ts";
import type { Replication, StreamPosition } from "../engine/replication.ts";
import type { Session } from "../engine/session.ts";
import { PrimaryLink } from "./primary-link.ts";
import { Replicas } from "./replicas.ts";
import { ServerRole } from "./server-role.ts";
import { ReplicationStream } from "./stream.ts";

const CRON_INTERVAL_MS = 1000;
const NO_PRIMARY_LINK = "NOMASTERLINK Can't SYNC while not connected with my master";

export class ServerReplication implements Replication {
  readonly stream: ReplicationStream;
  readonly replicas: Replicas;
  readonly link: PrimaryLink;
  readonly serverRole: ServerRole;
  private lastCronMs = 0;
  private isStarted = false;

  constructor(engine: Engine, disk: Disk) {
    this.stream = new ReplicationStream(secretHex(40), engine.config.values["repl-backlog-size"]);
    this.replicas = new Replicas(engine, disk, this.stream);
    this.link = new PrimaryLink(engine, this.stream, this.replicas);
    this.serverRole = new ServerRole(engine, this.stream, this.replicas, this.link);
    engine.replication = this;
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
    return this.stream.isOpen ? this.stream.position : null;
  }

  get bufferBytes(): number {
    return this.stream.keptBytes;
  }

  get laggingBytes(): number {
    return this.stream.laggingBytes;
  }

  /** What the configuration says of the role; to be called before files are loaded. */
  begin(): void {
    this.serverRole.begin();
  }

  /** The files have been loaded; null: they do not tell of a stream. A replica connects now. */
  start(position: StreamPosition | null): void {
    if (position !== null) this.serverRole.restore(position);
    this.isStarted = true;
  }

  /** Called ten times a second. */
  cron(nowMs: number): void {
    if (!this.isStarted) return;
    if (this.isReplica) this.serverRole.ownExpiries.expire();
    if (nowMs - this.lastCronMs < CRON_INTERVAL_MS) return;
    this.lastCronMs = nowMs;
    this.link.cron(nowMs);
    this.replicas.cron(nowMs);
  }

  infoFields(): readonly InfoField[] {
    return [];
  }

  sync(call: Call): void {
    if (call.session.replica?.isAttached === true) return;
    if (this.isReplica && !this.link.isUp) {
      call.fail(NO_PRIMARY_LINK);
      return;
    }
    this.replicas.sync(call);
  }

  configure(call: Call): void {
    if (call.count === 3 && call.is(1, "GETACK")) {
      this.link.acknowledge();
      return;
    }
    this.replicas.configure(call);
  }

  replicaOf(call: Call): void {
    this.serverRole.replicaOf(call);
  }

  role(call: Call): void {
    call.reply.nil();
  }

  wait(call: Call): void {
    call.reply.nil();
  }

  waitAof(call: Call): void {
    call.reply.nil();
  }

  failover(call: Call): void {
    call.reply.nil();
  }

  refusedByDisk(): void {
    this.serverRole.refusedByDisk();
  }

  changeId(): void {
    this.stream.renew();
  }

  forget(session: Session): void {
    this.replicas.forget(session);
  }
}
