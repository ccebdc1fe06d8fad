/**
 * FAILOVER: a primary changes places with one of its replicas, and nothing is lost.
 *
 *     no-failover ──FAILOVER──▶ waiting-for-sync ──caught up──▶ failover-in-progress ──▶ a replica
 *          ▲                      │ time is up, ABORT             │ refused, ABORT
 *          └──────────────────────┴───────────────────────────────┘
 *
 * While it waits for the target to have the whole stream, clients' writes wait too. Then it follows
 * the target, whom its PSYNC … FAILOVER asks to be a primary (`accept`, on the other side). As soon
 * as the target has said yes, the writes go on, and meet a replica. FORCE gives up waiting when the
 * time is up, but not the failover. Source: replication.c, Redis 7.
 */
import type { Call } from "../engine/call.ts";
import { clientLine } from "../engine/client-info.ts";
import type { PrimaryAddress } from "../engine/config/list-options.ts";
import type { Engine } from "../engine/engine.ts";
import { SYNTAX } from "../protocol/errors.ts";
import type { Replica } from "./replica.ts";
import type { Replicas } from "./replicas.ts";
import type { ReplicationStream } from "./stream.ts";

export type FailoverState = "no-failover" | "waiting-for-sync" | "failover-in-progress";

/** What a failover has the link do. */
export interface RoleChanger {
  /**
   * Makes this server a replica, whose PSYNC asks the other to become a primary; `answered` is told
   * what it said.
   */
  ask(address: PrimaryAddress, answered: (isAccepted: boolean) => void): void;
  /** Makes this server a primary. */
  leave(): void;
}

interface Request {
  readonly target: PrimaryAddress | null;
  /** 0: for ever. */
  readonly timeoutMs: number;
  readonly isForced: boolean;
}

export class Failover {
  state: FailoverState = "no-failover";
  /** Null: whoever is first. */
  private target: PrimaryAddress | null = null;
  /** When the waiting ends; Infinity: never. */
  private endsAtMs = Infinity;
  private isForced = false;
  private readonly engine: Engine;
  private readonly stream: ReplicationStream;
  private readonly replicas: Replicas;
  private readonly roles: RoleChanger;

  constructor(engine: Engine, stream: ReplicationStream, replicas: Replicas, roles: RoleChanger) {
    this.engine = engine;
    this.stream = stream;
    this.replicas = replicas;
    this.roles = roles;
  }

  get isActive(): boolean {
    return this.state !== "no-failover";
  }

  /** FAILOVER. */
  run(call: Call): void {
    if (call.count === 2 && call.is(1, "ABORT")) {
      if (this.isActive) {
        this.abort("Failover manually aborted");
        call.reply.ok();
      } else {
        call.fail("ERR No failover in progress.");
      }
      return;
    }
    const request = readRequest(call);
    if (call.hasProblem) {
      call.refused();
      return;
    }
    const problem = this.problemOf(call, request);
    if (problem !== null) {
      call.fail(problem);
      return;
    }
    this.begin(request, call.nowMs);
    call.reply.ok();
  }

  /**
   * Goes on where the target has caught up, or the time is up. Called at the end of a turn in which
   * a replica told how far it is, and ten times a second.
   */
  check(): void {
    if (this.state !== "waiting-for-sync") return;
    const { log, clock } = this.engine;
    if (clock.nowMs >= this.endsAtMs) {
      if (this.isForced && this.target !== null) {
        log.notice(`FAILOVER to ${nameOf(this.target)} time out exceeded, failing over.`);
        this.follow(this.target);
      } else {
        this.abort("Replica never caught up before timeout");
      }
      return;
    }
    const replica = this.caughtUp();
    if (replica === null) return;
    this.target ??= { host: replica.host, port: replica.listeningPort };
    log.notice(`Failover target ${nameOf(this.target)} is synced, failing over.`);
    this.follow(this.target);
  }

  /**
   * PSYNC … FAILOVER: the primary asks this replica of its own to take its place. False where that
   * can't be; then the error has been replied.
   */
  accept(call: Call): boolean {
    const { log, clock, replication } = this.engine;
    log.warning(`Failover request received for replid ${call.text(1)}.`);
    if (!replication.isReplica) {
      call.fail("ERR PSYNC FAILOVER can't be sent to a master.");
      return false;
    }
    if (call.text(1).toLowerCase() !== this.stream.id) {
      call.fail("ERR PSYNC FAILOVER replid must match my replid.");
      return false;
    }
    this.roles.leave();
    const line = clientLine(call.session, clock.nowMs, call.requestBytes, call.args.totalBytes);
    log.notice(`MASTER MODE enabled (failover request from '${line}')`);
    return true;
  }

  private begin({ target, timeoutMs, isForced }: Request, nowMs: number): void {
    this.engine.log.notice(
      `FAILOVER requested to ${target === null ? "any replica" : nameOf(target)}.`,
    );
    this.target = target;
    this.endsAtMs = timeoutMs === 0 ? Infinity : nowMs + timeoutMs;
    this.isForced = isForced;
    this.state = "waiting-for-sync";
    // What would be waited for does not grow. But without an end, replicas are to be kept alive.
    this.replicas.isQuiet = timeoutMs > 0;
    this.engine.pause.hold();
  }

  private follow(target: PrimaryAddress): void {
    this.state = "failover-in-progress";
    this.roles.ask(target, (isAccepted) => {
      if (this.state !== "failover-in-progress") return;
      if (isAccepted) this.end();
      else this.abort("Failover target rejected psync request");
    });
  }

  private abort(reason: string): void {
    const target = this.target === null ? "any replica" : nameOf(this.target);
    this.engine.log.notice(`FAILOVER to ${target} aborted: ${reason}`);
    if (this.state === "failover-in-progress") this.roles.leave();
    this.end();
  }

  private end(): void {
    this.state = "no-failover";
    this.target = null;
    this.replicas.isQuiet = false;
    this.engine.pause.release();
  }

  private problemOf(call: Call, { isForced, target, timeoutMs }: Request): string | null {
    if (this.isActive) return "ERR FAILOVER already in progress.";
    if (call.engine.replication.isReplica) {
      return "ERR FAILOVER is not valid when server is a replica.";
    }
    if (this.replicas.count === 0) return "ERR FAILOVER requires connected replicas.";
    if (isForced && (timeoutMs === 0 || target === null)) {
      return "ERR FAILOVER with force option requires both a timeout and target HOST and IP.";
    }
    if (target === null) return null;
    const replica = this.find(target);
    if (replica === null) return "ERR FAILOVER target HOST and PORT is not a replica.";
    return replica.isOnline ? null : "ERR FAILOVER target replica is not online.";
  }

  private caughtUp(): Replica | null {
    const { offset } = this.stream;
    if (this.target !== null) {
      const replica = this.find(this.target);
      return replica?.acknowledged === offset ? replica : null;
    }
    for (const replica of this.replicas.all()) {
      if (replica.acknowledged === offset) return replica;
    }
    return null;
  }

  private find({ host, port }: PrimaryAddress): Replica | null {
    for (const replica of this.replicas.all()) {
      const isAtHost = replica.host.toLowerCase() === host.toLowerCase();
      if (isAtHost && replica.listeningPort === port) return replica;
    }
    return null;
  }
}

/** FAILOVER [TO host port [FORCE]] [TIMEOUT milliseconds]; what is wrong is noted with the call. */
function readRequest(call: Call): Request {
  let target: PrimaryAddress | null = null;
  let timeoutMs = 0;
  let isForced = false;
  for (let i = 1; i < call.count && !call.hasProblem; i++) {
    const left = call.count - i - 1;
    if (call.is(i, "TIMEOUT") && left >= 1 && timeoutMs === 0) {
      timeoutMs = Number(call.int64(++i));
      if (timeoutMs <= 0) call.refuse("ERR FAILOVER timeout must be greater than 0");
    } else if (call.is(i, "TO") && left >= 2 && target === null) {
      target = { host: call.text(i + 1), port: Number(call.int64(i + 2)) };
      i += 2;
    } else if (call.is(i, "FORCE") && !isForced) {
      isForced = true;
    } else {
      call.refuse(SYNTAX);
    }
  }
  return { target, timeoutMs, isForced };
}

function nameOf({ host, port }: PrimaryAddress): string {
  return `${host}:${port}`;
}
