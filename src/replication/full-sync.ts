/**
 * Full synchronisations: a snapshot for all replicas that wait for one when it begins, and from
 * that moment on the stream.
 *
 * Without a file (`repl-diskless-sync`) the snapshot goes to their sockets as it is made, between
 * two marks, to as many as have come within `repl-diskless-sync-delay`; they tell when they have
 * read the second mark. By a file, it is the one that BGSAVE writes, with its length in front;
 * whoever comes while it is being written joins. One snapshot at a time: others wait for its end.
 */
import { bytesOf } from "../base/bytes.ts";
import type { Disk } from "../base/disk.ts";
import { secretHex } from "../base/random.ts";
import type { Engine } from "../engine/engine.ts";
import type { SnapshotContent } from "../engine/persistence.ts";
import { FilePayload } from "./file-payload.ts";
import { ReplicaTarget } from "./replica-target.ts";
import { SENT_FILE, SERVED, WAITS_FOR_END, WAITS_FOR_START } from "./replica.ts";
import type { Replica } from "./replica.ts";
import type { Replicas } from "./replicas.ts";
import type { ReplicationStream } from "./stream.ts";

const MARK_DIGITS = 40;
const CANT_ATTACH =
  "Can't attach the replica to the current BGSAVE. Waiting for next BGSAVE for SYNC";

export class FullSync {
  /** The one to the replicas' sockets that is under way. */
  private target: ReplicaTarget | null = null;
  /** Where the stream was when the file that is being written began, or -1. */
  private filePosition = -1;
  private readonly engine: Engine;
  private readonly disk: Disk;
  private readonly stream: ReplicationStream;
  private readonly replicas: Replicas;

  constructor(engine: Engine, disk: Disk, stream: ReplicationStream, replicas: Replicas) {
    this.engine = engine;
    this.disk = disk;
    this.stream = stream;
    this.replicas = replicas;
  }

  /** Whether a snapshot is on its way to sockets. */
  get isSending(): boolean {
    return this.target !== null;
  }

  /** A replica that can't go on from where it was. */
  add(replica: Replica): void {
    const { log, config, persistence } = this.engine;
    const { values } = config;
    if (this.filePosition >= 0) {
      const mayJoin = this.mayJoin(replica);
      if (mayJoin) {
        this.begin(replica, this.filePosition);
        log.notice("Waiting for end of BGSAVE for SYNC");
      } else {
        log.notice(CANT_ATTACH);
      }
    } else if (this.isSending) {
      log.notice("Current BGSAVE has socket target. Waiting for next BGSAVE for SYNC");
    } else if (persistence.isSaving) {
      // Nobody keeps the stream since it began; or its file has just to be given its name.
      log.notice(CANT_ATTACH);
    } else if (this.mayDoWithoutFile(replica) && values["repl-diskless-sync-delay"] > 0) {
      log.notice("Delay next BGSAVE for diskless SYNC");
    } else if (persistence.isBusy) {
      log.notice(
        "No BGSAVE in progress, but another BG operation is active. BGSAVE for replication delayed",
      );
    } else {
      this.start([replica]);
    }
  }

  /** Begins what is due. Called once a second. */
  cron(nowMs: number): void {
    const { config, persistence } = this.engine;
    const waiting = this.waiting();
    if (waiting.length === 0) {
      if (this.filePosition < 0 && !this.isSending) persistence.syncsEnded();
      return;
    }
    if (persistence.isBusy || persistence.isSaving) return;
    const { values } = config;
    const most = values["repl-diskless-sync-max-replicas"];
    const longestMs = Math.max(...waiting.map(({ acknowledgedMs }) => nowMs - acknowledgedMs));
    const isDue =
      !values["repl-diskless-sync"] ||
      (most > 0 && waiting.length >= most) ||
      Math.floor(longestMs / 1000) >= values["repl-diskless-sync-delay"];
    if (isDue) this.start(waiting);
  }

  /** Its connection is gone. */
  forget(replica: Replica): void {
    const { target } = this;
    if (replica.state === WAITS_FOR_END && this.filePosition >= 0) this.abortUselessFile();
    if (target === null) return;
    target.remove(replica);
    if (target.count > 0) return;
    this.engine.log.warning("Diskless rdb transfer, last replica dropped, killing fork child.");
    this.target = null;
    this.engine.persistence.abortSending();
  }

  /** Nobody waits for the file any more, and save points do not want it. */
  private abortUselessFile(): void {
    for (const { state } of this.replicas.all()) if (state === WAITS_FOR_END) return;
    const { config, persistence } = this.engine;
    if (config.values.save.length > 0) return;
    this.filePosition = -1;
    persistence.abortSavingForReplicas();
  }

  /** Whether it has taken nothing of what it is being sent for this long. */
  isStuck(replica: Replica, nowMs: number, timeoutMs: number): boolean {
    return this.target?.isStuck(replica, nowMs, timeoutMs) ?? false;
  }

  private waiting(): Replica[] {
    return [...this.replicas.all()].filter(({ state }) => state === WAITS_FOR_START);
  }

  /** It needs the stream only where somebody has it kept already, from then on. */
  private mayJoin(replica: Replica): boolean {
    if (replica.wantsNoData) return false;
    for (const other of this.replicas.all()) {
      if (other.state !== WAITS_FOR_END) continue;
      const isKept = !other.wantsOnlyRdb || replica.wantsOnlyRdb;
      if (!replica.readsNewRdb && other.readsNewRdb) continue;
      if (isKept && (replica.understandsMark || !other.understandsMark)) return true;
    }
    return false;
  }

  private mayDoWithoutFile(replica: Replica): boolean {
    return this.engine.config.values["repl-diskless-sync"] && replica.understandsMark;
  }

  /** Begins a snapshot for these, or for those of them who want the same. */
  private start(waiting: readonly Replica[]): void {
    const [first] = waiting;
    const alike = waiting.filter(
      ({ wantsNoData, wantsNoFunctions }) =>
        wantsNoData === first.wantsNoData && wantsNoFunctions === first.wantsNoFunctions,
    );
    const wantsDiskless = this.engine.config.values["repl-diskless-sync"] || first.wantsNoData;
    const isDiskless = wantsDiskless && alike.every(({ understandsMark }) => understandsMark);
    const { log } = this.engine;
    log.notice(`Starting BGSAVE for SYNC with target: ${isDiskless ? "replicas sockets" : "disk"}`);
    if (isDiskless ? this.startSending(alike) : this.startFile(alike)) return;
    log.warning("BGSAVE for replication failed");
    for (const { session } of alike) {
      session.transport?.push(bytesOf("-ERR BGSAVE failed, replication can't continue\r\n"));
      session.closesAfterReply = true;
    }
  }

  private startSending(replicas: readonly Replica[]): boolean {
    const mark = secretHex(MARK_DIGITS);
    const target = new ReplicaTarget(this.engine.clock, mark);
    const position = this.stream.offset;
    this.target = target;
    this.replicas.restateDatabase();
    for (const replica of replicas) {
      this.begin(replica, position);
      target.add(replica);
    }
    const hasBegun = this.engine.persistence.sendSnapshot(target, contentFor(replicas), (problem) =>
      this.sent(target, problem),
    );
    if (!hasBegun) this.target = null;
    return hasBegun;
  }

  private startFile(replicas: readonly Replica[]): boolean {
    const position = this.stream.offset;
    this.replicas.restateDatabase();
    const hasBegun = this.engine.persistence.saveForReplicas(contentFor(replicas), (path) =>
      this.saved(path),
    );
    if (!hasBegun) return false;
    this.filePosition = position;
    for (const replica of replicas) this.begin(replica, position);
    return true;
  }

  /** Tells it where its snapshot stands in the stream. */
  private begin(replica: Replica, position: number): void {
    replica.state = WAITS_FOR_END;
    replica.position = position;
    if (!replica.wantsOnlyRdb) this.stream.addReader(replica);
    if (replica.isSilent) return;
    const line = bytesOf(`+FULLRESYNC ${this.stream.id} ${position}\r\n`);
    this.engine.push(replica.session, line);
  }

  /** The snapshot has gone to the sockets, or could not. */
  private sent(target: ReplicaTarget, problem: string | null): void {
    if (this.target === target) this.target = null;
    if (problem === null) {
      this.engine.log.warning(
        `Diskless rdb transfer, done reading from pipe, ${target.count} replicas still up.`,
      );
    }
    for (const replica of target.receivers()) {
      // Whoever had the snapshot run to its end at once may have left it more than it has taken.
      if (replica.payload?.isPending !== true) replica.payload = null;
      if (problem !== null) replica.session.transport?.close();
      else if (replica.wantsOnlyRdb) this.served(replica);
      else {
        this.replicas.putOnline(replica);
        replica.awaitsFirst = true;
        this.engine.log.notice(
          `Streamed replication with replica ${replica.address} succeeded (socket). Waiting for ` +
            "REPLCONF ACK from replica to enable streaming",
        );
      }
    }
  }

  /** The file is there, or could not be written. */
  private saved(path: string | null): void {
    this.filePosition = -1;
    for (const replica of this.replicas.all()) {
      if (replica.state !== WAITS_FOR_END) continue;
      const payload = path === null ? null : FilePayload.open(this.disk, path);
      if (payload === null) {
        this.engine.log.warning("SYNC failed. BGSAVE failed, or its file can't be read");
        replica.session.transport?.close();
        continue;
      }
      payload.onEnd = (isWhole) => this.fileSent(replica, isWhole);
      replica.state = SENT_FILE;
      replica.payload = payload;
      replica.session.transport?.streamGrew();
    }
  }

  private fileSent(replica: Replica, isWhole: boolean): void {
    replica.payload = null;
    if (!isWhole) replica.session.transport?.close();
    else if (replica.wantsOnlyRdb) this.served(replica);
    else {
      this.replicas.putOnline(replica);
      this.replicas.startStream(replica);
    }
  }

  private served(replica: Replica): void {
    replica.state = SERVED;
    this.engine.log.notice(
      `RDB transfer completed, rdb only replica (${replica.address}) should be disconnected asap`,
    );
    replica.session.closesAfterReply = true;
    replica.session.transport?.streamGrew();
  }
}

/** They all want the same of what there is. */
function contentFor(replicas: readonly Replica[]): SnapshotContent {
  return {
    hasKeys: !replicas[0].wantsNoData,
    hasLibraries: !replicas[0].wantsNoFunctions,
    isForAll: !replicas.every(({ readsNewRdb }) => readsNewRdb),
  };
}
