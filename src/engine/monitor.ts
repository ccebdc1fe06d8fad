/** MONITOR: every command, once it has run, to the sessions that asked. */
import { bytesOf } from "../base/bytes.ts";
import { quoteBytes } from "../base/quoted-arguments.ts";
import type { Arguments } from "../protocol/arguments.ts";
import { ADMIN, SKIP_MONITOR } from "./command.ts";
import type { Command } from "./command.ts";
import type { Engine } from "./engine.ts";
import type { Session } from "./session.ts";

export function feedMonitors(
  engine: Engine,
  session: Session,
  command: Command,
  args: Arguments,
): void {
  if ((command.flags & (SKIP_MONITOR | ADMIN)) !== 0) return;
  const nowUs = engine.clock.wallUs();
  const seconds = Math.floor(nowUs / 1e6);
  const fraction = String(nowUs % 1e6).padStart(6, "0");
  const transport = session.transport;
  const kind = transport === null ? "" : transport.kind === "unix" ? "unix:" : "";
  const peer = kind + (transport?.peerAddress ?? "");
  let line = `+${seconds}.${fraction} [${session.database.index} ${peer}]`;
  for (let i = 0; i < args.count; i++) {
    line += ` ${quoteBytes(args.bytes, args.starts[i], args.lengths[i])}`;
  }
  const bytes = bytesOf(`${line}\r\n`);
  for (const monitor of engine.clients.monitors) monitor.transport?.push(bytes);
}
