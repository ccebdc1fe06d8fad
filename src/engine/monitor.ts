/**
 * MONITOR: every command, once it has run, to the sessions that asked. A line is
 *
 *     +<seconds>.<microseconds> [<database> <who>] "argument" "argument" …
 *
 * where `who` is `ip:port`, `unix:<path>`, or `lua` where no connection sent it.
 */
import { bytesOf } from "../base/bytes.ts";
import { quoteBytes } from "../base/quoted-arguments.ts";
import type { Arguments } from "../protocol/arguments.ts";
import { ADMIN, SKIP_MONITOR } from "./command.ts";
import type { Command } from "./command.ts";
import type { Engine } from "./engine.ts";
import { REDACTED, secretArguments } from "./redaction.ts";
import type { Session, Transport } from "./session.ts";

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
  let line = `+${seconds}.${fraction} [${session.database.index} ${senderOf(session.transport)}]`;
  const secrets = secretArguments(engine, command, args);
  for (let i = 0; i < args.count; i++) {
    line += secrets.has(i)
      ? ` "${REDACTED}"`
      : ` ${quoteBytes(args.bytes, args.starts[i], args.lengths[i])}`;
  }
  const bytes = bytesOf(`${line}\r\n`);
  for (const monitor of engine.clients.monitors) engine.push(monitor, bytes);
}

function senderOf(transport: Transport | null): string {
  if (transport === null) return "lua";
  const { kind, peerAddress } = transport;
  // A unix socket's address is its path and a port that is always 0.
  return kind === "unix" ? `unix:${peerAddress.slice(0, -":0".length)}` : peerAddress;
}
