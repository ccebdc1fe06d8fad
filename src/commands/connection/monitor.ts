/** MONITOR: from now on the connection is sent every command of the server. */
import { GATE_LISTENER } from "../../engine/admission.ts";
import { ADMIN, command, LOADING, NOSCRIPT, STALE } from "../../engine/command.ts";

export const monitor = command({
  name: "monitor",
  group: "server",
  since: "1.0.0",
  summary: "Sends the connection every command that the server runs.",
  complexity: "",
  arity: 1,
  flags: ADMIN | NOSCRIPT | LOADING | STALE,
  run(call) {
    const { session } = call;
    if (session.deniesBlocking) {
      call.fail("ERR MONITOR isn't allowed for DENY BLOCKING client");
      return;
    }
    if (session.replica?.isAttached === true) return;
    if (!session.isMonitor && session.transport !== null) {
      session.isMonitor = true;
      session.gates |= GATE_LISTENER;
      call.engine.clients.monitors.add(session);
    }
    call.reply.ok();
  },
});
