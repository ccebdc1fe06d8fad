/**
 * The connection of a replica carries the stream and nothing else: a reply in it would be taken for
 * a part of that. Source: _addReplyToBufferOrList, networking.c, Redis 7.
 */
import { clientLine } from "./client-info.ts";
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";

const MINUS = 45;
/** Of an error that is logged. */
const MAX_SHOWN_LENGTH = 4096;

/** Takes back what was written from `mark` on, and ends the session that asked for it. */
export function forbidReply(engine: Engine, session: Session, mark: number): void {
  const { clock, log, reply, stats } = engine;
  if (reply.at === mark || session.closesAfterReply) return;
  const isError = reply.bytes[mark] === MINUS;
  reply.at = mark;
  session.closesAfterReply = true;
  const name = session.lastCommand?.fullName ?? "<unknown>";
  if (isError) {
    stats.unexpectedErrors++;
    const shown = `-${reply.lastError}`.slice(0, MAX_SHOWN_LENGTH);
    log.warning(
      `== CRITICAL == This master is sending an error to its replica: '${shown}' after ` +
        `processing the command '${name}'`,
    );
  }
  const line = clientLine(session, clock.nowMs, 0);
  log.warning(`Replica generated a reply to command '${name}', disconnecting it: ${line}`);
}
