/**
 * A web page can make its visitor's browser talk to this port (cross-protocol scripting). What it
 * sends begins like HTTP: its connection is cut before any of it runs (securityWarningCommand).
 */
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";

const WARNING_INTERVAL_MS = 60_000;
/** When the operator was last told, in Unix milliseconds, per engine. */
const warnedMs = new WeakMap<Engine, number>();

/** Ends the session without an answer, and tells the operator once a minute. */
export function cutOffBrowser(engine: Engine, session: Session): void {
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
