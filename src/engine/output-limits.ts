/** `client-output-buffer-limit`: how much may wait to be read by a client of each class. */
import { classOf } from "./client-class.ts";
import { clientLine } from "./client-info.ts";
import type { OutputLimit } from "./config/list-options.ts";
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";

/** So much may wait whatever the limit (PROTO_REPLY_CHUNK_BYTES). */
export const UNLIMITED_BYTES = 16384;

/**
 * A replica reads from the backlog, which is there anyway: a hard limit below its size counts as
 * its size (checkClientOutputBufferLimits, networking.c).
 */
export function outputLimitOf(engine: Engine, session: Session): OutputLimit {
  const kind = classOf(session);
  const { values } = engine.config;
  const limit = values["client-output-buffer-limit"][kind === "master" ? "normal" : kind];
  const backlogBytes = values["repl-backlog-size"];
  if (kind !== "replica" || limit.hard === 0 || limit.hard >= backlogBytes) return limit;
  return { ...limit, hard: backlogBytes };
}

/**
 * The size at which any client's reply to one command is too large, so that it need not be written
 * to its end; Infinity where some class has no limit.
 */
export function largestReplyBytes(engine: Engine): number {
  const { normal, pubsub } = engine.config.values["client-output-buffer-limit"];
  if (normal.hard === 0 || pubsub.hard === 0) return Infinity;
  return Math.max(normal.hard, pubsub.hard, UNLIMITED_BYTES);
}

/** Closes a connection that is over its hard limit. */
export function closeOverHardLimit(engine: Engine, session: Session): void {
  const line = clientLine(session, engine.clock.nowMs, 0);
  engine.log.warning(
    `Client ${line} scheduled to be closed ASAP for overcoming of output buffer limits.`,
  );
  closeOverLimit(engine, session);
}

/** Closes a connection that was over its soft limit for too long. */
export function closeOverSoftLimit(engine: Engine, session: Session): void {
  const line = clientLine(session, engine.clock.nowMs, 0);
  engine.log.warning(`Client ${line} closed for overcoming of output buffer limits.`);
  closeOverLimit(engine, session);
}

function closeOverLimit(engine: Engine, session: Session): void {
  engine.stats.outputBufferLimitDisconnections++;
  session.transport?.close();
}
