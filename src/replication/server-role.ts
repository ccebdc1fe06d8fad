/**
 * Whether this server is a primary or a replica, and all that follows from it: who may write, what
 * expires by itself, whose effects are the stream, how the log signs its lines, and the
 * configuration, which is always up to date for CONFIG REWRITE.
 */
import { GATE_READ_ONLY, GATE_STALE } from "../engine/admission.ts";
import type { Call } from "../engine/call.ts";
import { clientLine } from "../engine/client-info.ts";
import type { PrimaryAddress } from "../engine/config/list-options.ts";
import type { Engine } from "../engine/engine.ts";
import type { StreamPosition } from "../engine/replication.ts";
import type { Database } from "../keyspace/database.ts";
import { INVALID_PRIMARY_PORT, REPLICAOF_BY_REPLICA, ROLE_CHANGED } from "../protocol/errors.ts";
import { requestOf } from "../protocol/request.ts";
import { OwnExpiries } from "./_own-expiries.ts";
import type { PrimaryLink } from "./primary-link.ts";
import type { Replicas } from "./replicas.ts";
import type { ReplicationStream } from "./stream.ts";

const MAX_PORT = 65535;
const DISK_WARNING_INTERVAL_MS = 10_000;

export class ServerRole {
  readonly ownExpiries: OwnExpiries;
  private warnedOfDiskMs = 0;
  private readonly engine: Engine;
  private readonly stream: ReplicationStream;
  private readonly replicas: Replicas;
  private readonly link: PrimaryLink;

  constructor(engine: Engine, stream: ReplicationStream, replicas: Replicas, link: PrimaryLink) {
    this.engine = engine;
    this.stream = stream;
    this.replicas = replicas;
    this.link = link;
    this.ownExpiries = new OwnExpiries(engine);
    link.onStateChange = () => this.setStaleGate();
    engine.config.onApply("replica-serve-stale-data", () => {
      this.setStaleGate();
      return null;
    });
    engine.config.onApply("replica-read-only", () => {
      this.watchExpiries();
      return null;
    });
  }

  /**
   * The configuration may have made this server a replica. Called before files are loaded. A
   * primary keeps what it says of keys that expired meanwhile: its replicas have them still.
   */
  begin(): void {
    if (this.link.address !== null) this.replicas.becomeReplica();
    else this.stream.open();
    this.apply();
  }

  /** The files have been loaded, and ended at this place of a stream; null: they tell of none. */
  restore(position: StreamPosition | null): void {
    const { stream } = this;
    const isPrimary = this.link.address === null;
    if (position === null || position.database < 0) {
      if (isPrimary) stream.close();
    } else if (isPrimary) {
      stream.rebase(position.offset);
      stream.secondId = position.id;
      stream.secondOffset = position.offset + 1;
      this.replicas.openStream();
    } else {
      stream.adopt(position);
      this.link.restored();
    }
  }

  /** A key of the primary's file had expired, and was not loaded: replicas may have it. */
  leftOut(database: Database, bytes: Uint8Array, start: number, length: number): void {
    if (this.link.address !== null) return;
    const key = bytes.subarray(start, start + length);
    const request = requestOf([this.engine.removalCommand("expired"), key]);
    this.stream.append(database.index, request, 0, request.length);
  }

  /** REPLICAOF. */
  replicaOf(call: Call): void {
    const { log } = this.engine;
    if (call.is(1, "NO") && call.is(2, "ONE")) {
      if (this.link.address !== null) {
        this.becomePrimary();
        log.notice(`MASTER MODE enabled (user request from '${describe(call)}')`);
      }
      call.reply.ok();
      return;
    }
    if (call.session.replica?.isAttached === true) {
      call.fail(REPLICAOF_BY_REPLICA);
      return;
    }
    const port = call.integer(2, INVALID_PRIMARY_PORT);
    if (port < 0 || port > MAX_PORT) call.refuse(INVALID_PRIMARY_PORT);
    if (call.refused()) return;
    const host = call.text(1);
    const { address } = this.link;
    if (address?.port === port && address.host.toLowerCase() === host.toLowerCase()) {
      log.notice(
        "REPLICAOF would result into synchronization with the master we are already connected " +
          "with. No operation performed.",
      );
      call.reply.simple("OK Already connected to specified master");
      return;
    }
    this.becomeReplica({ host, port });
    log.notice(`REPLICAOF ${host}:${port} enabled (user request from '${describe(call)}')`);
    call.reply.ok();
  }

  becomeReplica(address: PrimaryAddress): void {
    const wasPrimary = this.link.address === null;
    this.unblockClients();
    if (wasPrimary) {
      // What an EXEC has done so far is part of the history that this server goes on from.
      this.engine.effects.releaseSoFar();
      this.replicas.becomeReplica();
    }
    this.link.follow(address);
    this.configured(address);
  }

  /** As `becomeReplica` of one who is asked to be a primary from then on, and answers. */
  takeTurns(address: PrimaryAddress, answered: (isAccepted: boolean) => void): void {
    this.link.takeover = { answered };
    this.becomeReplica(address);
  }

  becomePrimary(): void {
    const { log } = this.engine;
    const { stream } = this;
    this.link.unfollow();
    this.replicas.becomePrimary();
    log.warning(
      `Setting secondary replication ID to ${stream.secondId}, valid up to offset: ` +
        `${stream.secondOffset}. New replication ID is ${stream.id}`,
    );
    this.configured(null);
    this.engine.persistence.resumeAof();
  }

  /** The primary's next command can't be written to disk. */
  refusedByDisk(): void {
    const { config, clock, log } = this.engine;
    if (!config.values["replica-ignore-disk-write-errors"]) {
      throw new Error("Replica was unable to write command to disk.");
    }
    if (clock.nowMs - this.warnedOfDiskMs <= DISK_WARNING_INTERVAL_MS) return;
    this.warnedOfDiskMs = clock.nowMs;
    log.warning("Replica is applying a command even though it is unable to write to disk.");
  }

  private configured(address: PrimaryAddress | null): void {
    const args = address === null ? ["no", "one"] : [address.host, String(address.port)];
    this.engine.config.assign("replicaof", args);
    this.apply();
  }

  /** Has everybody act as the role wants it. */
  private apply(): void {
    const { engine } = this;
    const isReplica = this.link.address !== null;
    engine.log.role = isReplica ? "S" : "M";
    if (isReplica) engine.shut(GATE_READ_ONLY);
    else engine.open(GATE_READ_ONLY);
    this.setStaleGate();
    this.watchExpiries();
    engine.pause.settleExpiry();
    engine.eviction.configure();
  }

  private setStaleGate(): void {
    const { engine, link } = this;
    const { values } = engine.config;
    if (link.address === null || link.isUp || values["replica-serve-stale-data"]) {
      engine.open(GATE_STALE);
    } else {
      engine.shut(GATE_STALE);
    }
  }

  private watchExpiries(): void {
    const { values } = this.engine.config;
    this.ownExpiries.isEnabled = this.link.address !== null && !values["replica-read-only"];
  }

  /** What they wait for can't be given to them here any more. */
  private unblockClients(): void {
    const { clients, blocking } = this.engine;
    for (const session of clients.all()) {
      // MIGRATE has its own end.
      if (session.blocked === null || session.blocked.giveUp === null) continue;
      session.closesAfterReply = true;
      blocking.unblock(session, ROLE_CHANGED);
    }
  }
}

function describe({ session, nowMs, requestBytes, args }: Call): string {
  return clientLine(session, nowMs, requestBytes, args.totalBytes);
}
