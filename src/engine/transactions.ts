/**
 * MULTI, EXEC and WATCH. Between MULTI and EXEC the gate GATE_MULTI is shut for the session, and
 * admission queues its requests. EXEC runs them one after the other, each as any request is run
 * but within its own call, and passes on all they changed as one group.
 */
import { Arguments } from "../protocol/arguments.ts";
import { TRANSACTION_ABORTED } from "../protocol/errors.ts";
import { IN_EXEC } from "./acl/denial.ts";
import { GATE_ACL, GATE_MULTI } from "./admission.ts";
import type { Call } from "./call.ts";
import type { Command } from "./command.ts";
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";
import { Transaction } from "./transaction.ts";
import { WatchedKeys } from "./watched-keys.ts";

export class Transactions {
  readonly watched: WatchedKeys;
  /** A transaction that is over, for the next one. */
  private spare: Transaction | null = null;
  private readonly args = new Arguments();
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
    this.watched = new WatchedKeys(engine);
  }

  begin(session: Session): void {
    session.transaction = this.spare ?? new Transaction();
    this.spare = null;
    session.gates |= GATE_MULTI;
  }

  /** The session queues and watches nothing any more. */
  discard(session: Session): void {
    this.end(session);
    this.watched.forget(session);
  }

  /** EXEC of a session that is in a transaction. */
  execute(call: Call): void {
    const { session, reply } = call;
    const { transaction } = session;
    if (transaction === null) return;
    if (transaction.isAborted) reply.error(TRANSACTION_ABORTED);
    else if (!this.watched.isIntact(session)) reply.nullArray();
    else {
      this.watched.forget(session);
      this.run(session, transaction);
    }
    this.discard(session);
  }

  private run(session: Session, transaction: Transaction): void {
    const { engine, args } = this;
    const { count } = transaction;
    engine.reply.array(count);
    session.deniesBlocking = true;
    transaction.isRunning = true;
    engine.effects.hold();
    engine.timing.nest();
    for (let i = 0; i < count; i++) {
      const command = transaction.next(i, args);
      session.lastCommand = command;
      const denial = this.denial(session, command, args);
      if (denial === null) engine.runWithin(session, command, args);
      else engine.reply.error(denial);
    }
    engine.timing.unnest();
    engine.effects.release();
    transaction.isRunning = false;
    session.deniesBlocking = false;
  }

  /** Permissions may have changed since the request was queued. */
  private denial(session: Session, command: Command, args: Arguments): string | null {
    if ((session.gates & command.gates & GATE_ACL) === 0) return null;
    return this.engine.acl.refusal(session, command, args, IN_EXEC);
  }

  private end(session: Session): void {
    const { transaction } = session;
    if (transaction === null) return;
    session.transaction = null;
    session.gates &= ~GATE_MULTI;
    if (transaction.isRunning || !transaction.isReusable) return;
    transaction.clear();
    this.spare = transaction;
  }
}
