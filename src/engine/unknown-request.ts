/**
 * Requests that name no command.
 *
 * A web page can make its visitor's browser talk to this port (cross-protocol scripting). What it
 * sends begins like HTTP: its connection is cut before any of it runs (securityWarningCommand).
 */
import type { Arguments } from "../protocol/arguments.ts";
import { unknownCommand, unknownSubcommand } from "../protocol/errors.ts";
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";

const WARNING_INTERVAL_MS = 60_000;
/** When the operator was last told, in Unix milliseconds, per engine. */
const warnedMs = new WeakMap<Engine, number>();

/** Replies that there is no such command, or cuts off a browser. */
export function rejectUnknown(engine: Engine, session: Session, args: Arguments): void {
  if (args.is(0, "POST") || args.is(0, "HOST:")) {
    cutOffBrowser(engine, session);
    return;
  }
  session.transaction?.abort();
  engine.tracking.requestEnded(session, null);
  const name = args.text(0);
  const container = engine.table.byName(name);
  if (container !== null && container.parent === null && args.count > 1) {
    engine.reply.error(unknownSubcommand(container.name, args.text(1)));
    return;
  }
  const beginning: string[] = [];
  for (let i = 1; i < args.count && i < 130; i++) beginning.push(args.text(i));
  engine.reply.error(unknownCommand(name, beginning));
}

/** Ends the session without an answer, and tells the operator once a minute. */
function cutOffBrowser(engine: Engine, session: Session): void {
  const { nowMs } = engine.clock;
  if (nowMs - (warnedMs.get(engine) ?? 0) > WARNING_INTERVAL_MS) {
    warnedMs.set(engine, nowMs);
    engine.log.warning(
      "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: " +
        "commands to Redis. This is likely due to an attacker attempting to use Cross Protocol " +
        "Scripting to compromise your Redis instance. Connection aborted.",
    );
  }
  session.transport?.close();
}
