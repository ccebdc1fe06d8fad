/**
 * WAIT and WAITAOF: clients that wait until what they wrote is elsewhere, or on disks.
 *
 * Replicas tell once a second how far they are, and at once when asked (REPLCONF GETACK), which is
 * done once per turn of the event loop in which somebody began to wait. Who waits is answered by
 * `settle`, at the end of a turn in which something was told (`moved`): commands of the turn have
 * run by then. Source: waitCommand, processClientsWaitingReplicas (replication.c), waitaofCommand
 * (7.2).
 */
import { GATE_PAUSE, GATE_PAUSE_WRITE } from "../engine/admission.ts";
import type { BlockedRequest } from "../engine/blocked-request.ts";
import type { Call } from "../engine/call.ts";
import type { Engine } from "../engine/engine.ts";
import type { Session } from "../engine/session.ts";
import {
  NOT_POSITIVE,
  rangeProblem,
  WAIT_ON_REPLICA,
  WAITAOF_ON_REPLICA,
  WAITAOF_WITHOUT_AOF,
} from "../protocol/errors.ts";
import type { ReplyWriter } from "../protocol/reply-writer.ts";
import type { Replicas } from "./replicas.ts";

/** What a client wants to be so. */
interface Wish {
  /** The stream's offset, and the count of effects, after what it wrote. */
  readonly offset: number;
  readonly effects: number;
  readonly replicas: number;
  /** Of WAITAOF: whether this server's own disk is to have it; null: it is WAIT. */
  readonly local: number | null;
}

interface Waiter {
  readonly request: BlockedRequest;
  readonly wish: Wish;
}

export class Acknowledgements {
  /** At most one per session; some may be over. */
  private readonly waiters = new Map<Session, Waiter>();
  private hasMoved = false;
  private isAskingDue = false;
  private readonly engine: Engine;
  private readonly replicas: Replicas;

  constructor(engine: Engine, replicas: Replicas) {
    this.engine = engine;
    this.replicas = replicas;
  }

  /** Whether `settle` has something to do at the end of this turn. */
  get isPending(): boolean {
    return (this.hasMoved && this.waiters.size > 0) || (this.isAskingDue && this.mayAsk);
  }

  /** WAIT numreplicas timeout. */
  wait(call: Call): void {
    if (call.engine.replication.isReplica) {
      call.fail(WAIT_ON_REPLICA);
      return;
    }
    const replicas = Number(call.int64(1));
    const timeoutMs = call.timeoutMs(2, "milliseconds");
    if (call.refused()) return;
    this.begin(call, timeoutMs, { ...writtenBy(call.session), replicas, local: null });
  }

  /** WAITAOF numlocal numreplicas timeout. */
  waitAof(call: Call): void {
    const local = call.integer(1);
    if (local < 0 || local > 1) call.refuse(rangeProblem(0n, 1n));
    const replicas = call.integer(2, NOT_POSITIVE);
    if (replicas < 0) call.refuse(NOT_POSITIVE);
    const timeoutMs = call.timeoutMs(3, "milliseconds");
    if (call.refused()) return;
    if (call.engine.replication.isReplica) call.refuse(WAITAOF_ON_REPLICA);
    if (local > 0 && !call.engine.config.values.appendonly) call.refuse(WAITAOF_WITHOUT_AOF);
    if (call.refused()) return;
    this.begin(call, timeoutMs, { ...writtenBy(call.session), replicas, local });
  }

  /** Something is further than it was: a replica, or this server's disk. */
  moved(): void {
    this.hasMoved = true;
  }

  /** Answers those who have waited long enough, and asks on behalf of those who began. */
  settle(): void {
    if (this.hasMoved) {
      this.hasMoved = false;
      this.answer();
    }
    if (!this.isAskingDue || !this.mayAsk) return;
    this.isAskingDue = false;
    if (this.replicas.count > 0) this.replicas.requestAcknowledgements();
  }

  forget(session: Session): void {
    this.waiters.delete(session);
  }

  private begin(call: Call, timeoutMs: number, wish: Wish): void {
    if (this.isFulfilled(wish)) {
      this.reply(call.reply, wish);
      return;
    }
    const request = call.wait({
      timeoutMs,
      giveUp: (reply) => this.reply(reply, wish),
      counts: true,
    });
    if (request === null) {
      this.reply(call.reply, wish);
      return;
    }
    this.waiters.set(call.session, { request, wish });
    if (wish.local === null || wish.replicas > 0) this.isAskingDue = true;
  }

  private answer(): void {
    const isAofOn = this.engine.config.values.appendonly;
    for (const [session, { request, wish }] of this.waiters) {
      if (session.blocked !== request) {
        this.waiters.delete(session);
      } else if (wish.local === 1 && !isAofOn) {
        this.waiters.delete(session);
        this.engine.blocking.refuse(request, WAITAOF_WITHOUT_AOF);
      } else if (this.isFulfilled(wish)) {
        this.waiters.delete(session);
        this.engine.blocking.proceed(request, ({ reply }) => {
          this.reply(reply, wish);
          return true;
        });
      }
    }
  }

  private isFulfilled(wish: Wish): boolean {
    if (this.countReplicas(wish) < wish.replicas) return false;
    return wish.local === null || this.countLocal(wish) >= wish.local;
  }

  private reply(reply: ReplyWriter, wish: Wish): void {
    if (wish.local !== null) {
      reply.array(2);
      reply.integer(this.countLocal(wish));
    }
    reply.integer(this.countReplicas(wish));
  }

  private countReplicas({ offset, local }: Wish): number {
    let count = 0;
    for (const replica of this.replicas.all()) {
      const reached = local === null ? replica.acknowledged : replica.acknowledgedAof;
      if (replica.isOnline && reached >= offset) count++;
    }
    return count;
  }

  private countLocal({ effects }: Wish): number {
    const { synced } = this.engine.persistence;
    return synced !== null && synced.effects >= effects ? 1 : 0;
  }

  /** While writes are paused the stream stands still. */
  private get mayAsk(): boolean {
    return (this.engine.gates & (GATE_PAUSE | GATE_PAUSE_WRITE)) === 0;
  }
}

function writtenBy(session: Session): { offset: number; effects: number } {
  return { offset: session.writtenOffset, effects: session.writtenEffects };
}
