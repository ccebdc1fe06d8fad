/**
 * Whether a command may run now: Redis's checks in Redis's order (processCommand, server.c).
 *
 * Each check is a gate with a bit. A command has the bits of the gates that can ever stop it;
 * the server and the session have the bits of the gates that are shut right now. Only where
 * the two meet is anything looked at, so an ordinary command pays one AND.
 */
import type { Arguments } from "../protocol/arguments.ts";
import {
  LISTENER_WITHOUT_KEYS,
  LOADING as LOADING_ERROR,
  NOT_AUTHENTICATED,
  NOT_IN_TRANSACTION,
  onlyForSubscribers,
  OUT_OF_MEMORY,
  PRIMARY_DOWN,
  protectedCommand,
  READ_ONLY_REPLICA,
  TOO_FEW_REPLICAS,
  transactionDiscarded,
} from "../protocol/errors.ts";
import { passes } from "./acl/access.ts";
import { QUEUED as WHEN_QUEUED, TOP_LEVEL } from "./acl/denial.ts";
import {
  DENYOOM,
  LOADING,
  MAY_REPLICATE,
  NO_ASYNC_LOADING,
  NO_AUTH,
  NO_MULTI,
  PROTECTED,
  READONLY,
  STALE,
  WRITE,
} from "./command.ts";
import type { Command } from "./command.ts";
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";

/** The command is guarded by an enable-…-command option. Always shut. */
export const GATE_PROTECTED = 1 << 0;
/** The session must authenticate first. */
export const GATE_AUTH = 1 << 1;
/** The session's user may not do everything: each request is checked. */
export const GATE_ACL = 1 << 2;
/** Used memory is above maxmemory (eviction.ts): first some keys are evicted. */
export const GATE_MEMORY = 1 << 3;
/** The disk refused to take what was written. */
export const GATE_DISK = 1 << 4;
/** The dataset is being loaded. */
export const GATE_LOADING = 1 << 5;
/** CLIENT PAUSE ALL, and CLIENT PAUSE WRITE. */
export const GATE_PAUSE = 1 << 6;
export const GATE_PAUSE_WRITE = 1 << 7;
/** The session only listens (MONITOR): it has no business with keys. */
export const GATE_LISTENER = 1 << 8;
/** The session has subscribed and speaks RESP2: it may do little else. */
export const GATE_SUBSCRIBED = 1 << 9;
/** The session queues since MULTI. */
export const GATE_MULTI = 1 << 10;
/** The invalidation table (tracking.ts) holds more keys than it may: first some are forgotten. */
export const GATE_TRACKING = 1 << 11;
/** The last snapshot before the end is being written. */
export const GATE_SHUTDOWN = 1 << 12;
/** This server is a replica: only its primary writes, unless the configuration lets clients. */
export const GATE_READ_ONLY = 1 << 13;
/** It has no link to its primary, and is not to show what it has meanwhile. */
export const GATE_STALE = 1 << 14;
/** Fewer replicas keep up than `min-replicas-to-write` wants. */
export const GATE_REPLICAS = 1 << 15;
/** Other data is being loaded, while what is there is still shown. */
export const GATE_ASYNC_LOADING = 1 << 16;
/** Data is being loaded. */
export const LOADING_GATES = GATE_LOADING | GATE_ASYNC_LOADING;

export const ADMITTED = 0;
export const REJECTED = 1;
/** Not now: the session waits, and the request is tried again. */
export const POSTPONED = 2;
/** It was queued for EXEC. */
export const QUEUED = 3;
/** A client writes to a replica: what is expired there and in its way is to go. */
export const ADMITTED_ON_REPLICA = 4;

const WAITING_GATES = GATE_PAUSE | GATE_PAUSE_WRITE | GATE_SHUTDOWN;

/** Commands that run at once between MULTI and EXEC. */
const NEVER_QUEUED: ReadonlySet<string> = new Set(["discard", "multi", "quit", "reset", "watch"]);
/** What a subscriber may do in RESP2. */
const FOR_SUBSCRIBERS: ReadonlySet<string> = new Set([
  "ping",
  "psubscribe",
  "punsubscribe",
  "quit",
  "reset",
  "ssubscribe",
  "subscribe",
  "sunsubscribe",
  "unsubscribe",
]);
const EXEC = "exec";

/** The gates that can stop this command. */
export function gatesOf(command: Command): number {
  const flags = command.flags;
  let gates = GATE_PAUSE | GATE_TRACKING | GATE_MEMORY;
  if (command.name !== "shutdown") gates |= GATE_SHUTDOWN;
  if ((flags & PROTECTED) !== 0) gates |= GATE_PROTECTED;
  if ((flags & NO_AUTH) === 0) gates |= GATE_AUTH | GATE_ACL;
  if ((flags & WRITE) !== 0 || command.name === "ping") gates |= GATE_DISK;
  if ((flags & WRITE) !== 0) gates |= GATE_READ_ONLY | GATE_REPLICAS;
  if ((flags & STALE) === 0) gates |= GATE_STALE;
  if ((flags & LOADING) === 0) gates |= GATE_LOADING;
  if ((flags & NO_ASYNC_LOADING) !== 0) gates |= GATE_ASYNC_LOADING;
  if ((flags & (WRITE | MAY_REPLICATE)) !== 0) gates |= GATE_PAUSE_WRITE;
  if ((flags & (WRITE | READONLY | MAY_REPLICATE)) !== 0) gates |= GATE_LISTENER;
  if (command.parent !== null || !NEVER_QUEUED.has(command.name)) gates |= GATE_MULTI;
  if (command.parent !== null || !FOR_SUBSCRIBERS.has(command.name)) gates |= GATE_SUBSCRIBED;
  return gates;
}

/** Looks at the gates in question; writes the error where one stays shut, or queues. */
export function admit(engine: Engine, session: Session, command: Command, args: Arguments): number {
  const shut = engine.gates | session.gates;
  let gates = command.gates & shut;
  if (session.isPrimary) return admitFromPrimary(engine, session, command, args, gates);
  // What a limited user's requests meet all the time comes first.
  if (gates === GATE_ACL) {
    const { user } = session;
    if (user === null || passes(user.root, command, args)) return ADMITTED;
  }
  const { transaction } = session;
  const isExec = command.name === EXEC && command.parent === null;
  if (transaction !== null) {
    // EXEC may do what those that it runs may.
    if (isExec) gates |= transaction.gates & shut & ~GATE_MULTI;
  }
  let error = refusalOfSession(engine, session, command, args, gates);
  if (error === null && (gates & (GATE_MEMORY | GATE_TRACKING)) !== 0) {
    gates = makeRoom(engine, session, command, gates);
  }
  error ??= refusal(engine, command, gates);
  if (error !== null) {
    reject(engine, session, command, error);
    return REJECTED;
  }
  // Replicas change nothing, and what they tell may be what the pause is for.
  const mustWait = (gates & WAITING_GATES) !== 0 && session.replica?.isAttached !== true;
  if (mustWait) return POSTPONED;
  if (transaction === null || isExec || (gates & GATE_MULTI) === 0) {
    return (gates & GATE_READ_ONLY) === 0 ? ADMITTED : ADMITTED_ON_REPLICA;
  }
  transaction.queue(command, args);
  engine.reply.simple("QUEUED");
  return QUEUED;
}

/** What the primary sends has happened there, so nothing refuses it; it may have to wait. */
function admitFromPrimary(
  engine: Engine,
  session: Session,
  command: Command,
  args: Arguments,
  gates: number,
): number {
  const { transaction } = session;
  if (transaction !== null && (gates & GATE_MULTI) !== 0 && command.name !== EXEC) {
    if ((gates & GATE_PAUSE) !== 0) return POSTPONED;
    transaction.queue(command, args);
    return QUEUED;
  }
  const all = transaction === null ? gates : gates | (transaction.gates & engine.gates);
  if ((all & WAITING_GATES) !== 0) return POSTPONED;
  if ((all & GATE_DISK) !== 0 && command.name !== "ping") engine.replication.refusedByDisk();
  if ((all & (GATE_MEMORY | GATE_TRACKING)) !== 0) {
    if ((makeRoom(engine, session, command, all) & GATE_MEMORY) !== 0) {
      reject(engine, session, command, OUT_OF_MEMORY);
      return REJECTED;
    }
  }
  return ADMITTED;
}

/** Replies that the command can't run; a transaction that it was meant for won't either. */
export function reject(engine: Engine, session: Session, command: Command, error: string): void {
  command.rejectedCalls++;
  if (command.name !== EXEC) {
    session.transaction?.abort();
    engine.reply.error(error);
  } else {
    engine.transactions.discard(session);
    engine.reply.error(transactionDiscarded(error));
  }
  engine.tracking.requestEnded(session, command);
}

/** Evicts and forgets what is too much, and tells the session of it; the gates that stay shut. */
function makeRoom(engine: Engine, session: Session, command: Command, gates: number): number {
  let left = gates & ~GATE_MEMORY;
  if ((gates & GATE_MEMORY) !== 0 && !engine.eviction.perform()) {
    const isExec = command.name === EXEC && command.parent === null;
    const flags = isExec ? (session.transaction?.flags ?? 0) : command.flags;
    // What is queued takes memory, whatever it is.
    const isQueued = !isExec && (gates & GATE_MULTI) !== 0;
    if (isQueued || (flags & DENYOOM) !== 0) left |= GATE_MEMORY;
  }
  if ((gates & GATE_TRACKING) !== 0) engine.tracking.limit();
  engine.pushBeforeReply(session);
  return left;
}

/** Why this session may not run this, whatever the state of the server. */
function refusalOfSession(
  engine: Engine,
  session: Session,
  command: Command,
  args: Arguments,
  gates: number,
): string | null {
  if ((gates & GATE_PROTECTED) !== 0 && !engine.allowsProtected(session, command)) {
    return protectedCommand(command.parent === null ? command.name : command.parent.name);
  }
  if ((gates & GATE_AUTH) !== 0) return NOT_AUTHENTICATED;
  if ((gates & GATE_MULTI) !== 0 && (command.flags & NO_MULTI) !== 0) return NOT_IN_TRANSACTION;
  if ((gates & GATE_ACL) !== 0) {
    const circumstance = session.transaction === null ? TOP_LEVEL : WHEN_QUEUED;
    const denial = engine.acl.refusal(session, command, args, circumstance);
    if (denial !== null) return denial;
  }
  return null;
}

function refusal(engine: Engine, command: Command, gates: number): string | null {
  if ((gates & GATE_MEMORY) !== 0) return OUT_OF_MEMORY;
  if ((gates & GATE_DISK) !== 0) return engine.persistence.writeRefusal();
  if ((gates & GATE_REPLICAS) !== 0 && !engine.replication.isReplica) return TOO_FEW_REPLICAS;
  if ((gates & GATE_READ_ONLY) !== 0 && engine.config.values["replica-read-only"]) {
    return READ_ONLY_REPLICA;
  }
  if ((gates & GATE_SUBSCRIBED) !== 0) return onlyForSubscribers(command.fullName);
  if ((gates & GATE_STALE) !== 0) return PRIMARY_DOWN;
  if ((gates & LOADING_GATES) !== 0) return LOADING_ERROR;
  if ((gates & GATE_LISTENER) !== 0) return LISTENER_WITHOUT_KEYS;
  return null;
}
