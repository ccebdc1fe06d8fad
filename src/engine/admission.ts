/**
 * Whether a command may run now: Redis's checks in Redis's order (processCommand, server.c).
 *
 * Each check is a gate with a bit. A command has the bits of the gates that can ever stop it;
 * the server and the session have the bits of the gates that are shut right now. Only where
 * the two meet is anything looked at, so an ordinary command pays one AND.
 */
import {
  LISTENER_WITHOUT_KEYS,
  LOADING as LOADING_ERROR,
  NOT_AUTHENTICATED,
  OUT_OF_MEMORY,
  protectedCommand,
} from "../protocol/errors.ts";
import type { Arguments } from "../protocol/arguments.ts";
import { passes } from "./acl/access.ts";
import { TOP_LEVEL } from "./acl/denial.ts";
import { DENYOOM, LOADING, MAY_REPLICATE, NO_AUTH, PROTECTED, READONLY, WRITE } from "./command.ts";
import type { Command } from "./command.ts";
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";

/** The command is guarded by an enable-…-command option. Always shut. */
export const GATE_PROTECTED = 1 << 0;
/** The session must authenticate first. */
export const GATE_AUTH = 1 << 1;
/** The session's user may not do everything: each request is checked. */
export const GATE_ACL = 1 << 8;
/** Used memory is above maxmemory and nothing could be evicted. */
export const GATE_MEMORY = 1 << 2;
/** The disk refused to take what was written. */
export const GATE_DISK = 1 << 3;
/** The dataset is being loaded. */
export const GATE_LOADING = 1 << 4;
/** CLIENT PAUSE ALL, and CLIENT PAUSE WRITE. */
export const GATE_PAUSE = 1 << 5;
export const GATE_PAUSE_WRITE = 1 << 6;
/** The session only listens (MONITOR): it has no business with keys. */
export const GATE_LISTENER = 1 << 7;

export const ADMITTED = 0;
export const REJECTED = 1;
/** Not now: the session waits, and the request is tried again. */
export const POSTPONED = 2;

/** The gates that can stop this command. */
export function gatesOf(command: Command): number {
  const flags = command.flags;
  let gates = GATE_PAUSE;
  if ((flags & PROTECTED) !== 0) gates |= GATE_PROTECTED;
  if ((flags & NO_AUTH) === 0) gates |= GATE_AUTH | GATE_ACL;
  if ((flags & DENYOOM) !== 0) gates |= GATE_MEMORY;
  if ((flags & WRITE) !== 0 || command.name === "ping") gates |= GATE_DISK;
  if ((flags & LOADING) === 0) gates |= GATE_LOADING;
  if ((flags & (WRITE | MAY_REPLICATE)) !== 0) gates |= GATE_PAUSE_WRITE;
  if ((flags & (WRITE | READONLY | MAY_REPLICATE)) !== 0) gates |= GATE_LISTENER;
  return gates;
}

/** Looks at the gates in question; writes the error where one stays shut. */
export function admit(engine: Engine, session: Session, command: Command, args: Arguments): number {
  let gates = command.gates & (engine.gates | session.gates);
  // What a limited user's requests meet all the time comes first.
  if (gates === GATE_ACL) {
    const { user } = session;
    if (user === null || passes(user.root, command, args)) return ADMITTED;
  }
  const { reply } = engine;
  if ((gates & GATE_PROTECTED) !== 0) {
    if (!engine.allowsProtected(session, command)) {
      reply.error(protectedCommand(command.parent === null ? command.name : command.parent.name));
      return REJECTED;
    }
    gates &= ~GATE_PROTECTED;
  }
  if ((gates & GATE_AUTH) !== 0) {
    reply.error(NOT_AUTHENTICATED);
    return REJECTED;
  }
  if ((gates & GATE_ACL) !== 0) {
    const refusal = engine.acl.refusal(session, command, args, TOP_LEVEL);
    if (refusal !== null) {
      reply.error(refusal);
      return REJECTED;
    }
    gates &= ~GATE_ACL;
  }
  return gates === 0 ? ADMITTED : admitByState(engine, gates);
}

/** The gates that the state of the server or the session shuts, whoever asks. */
function admitByState(engine: Engine, gates: number): number {
  const { reply } = engine;
  if ((gates & GATE_MEMORY) !== 0) {
    reply.error(OUT_OF_MEMORY);
  } else if ((gates & GATE_DISK) !== 0) {
    reply.error(engine.persistence.writeRefusal());
  } else if ((gates & GATE_LOADING) !== 0) {
    reply.error(LOADING_ERROR);
  } else if ((gates & GATE_LISTENER) !== 0) {
    reply.error(LISTENER_WITHOUT_KEYS);
  } else if ((gates & (GATE_PAUSE | GATE_PAUSE_WRITE)) !== 0) {
    return POSTPONED;
  } else {
    return ADMITTED;
  }
  return REJECTED;
}
