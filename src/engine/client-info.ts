/** The line that CLIENT LIST and CLIENT INFO show of a client (catClientInfoString, 7.2). */
import type { Session } from "./session.ts";

/**
 * `requestBytes` are those of the request that the session is running, `argumentBytes` those of
 * its arguments alone; 0 where it runs none.
 */
export function clientLine(
  session: Session,
  nowMs: number,
  requestBytes: number,
  argumentBytes = requestBytes,
): string {
  const transport = session.transport;
  const heldBytes = transport?.argumentBytes ?? 0;
  const seconds = (sinceMs: number): number => Math.max(0, Math.floor((nowMs - sinceMs) / 1000));
  const fields: [string, string | number][] = [
    ["id", session.id],
    ["addr", transport?.peerAddress ?? ""],
    ["laddr", transport?.localAddress ?? ""],
    ["fd", transport?.descriptor ?? -1],
    ["name", session.name],
    ["age", seconds(session.createdMs)],
    ["idle", seconds(session.lastInteractionMs)],
    ["flags", flagsOf(session)],
    ["db", session.database.index],
    ["sub", session.subscriptions?.channels ?? 0],
    ["psub", session.subscriptions?.patterns ?? 0],
    ["ssub", session.subscriptions?.shardChannels ?? 0],
    ["multi", session.transaction?.count ?? -1],
    ["qbuf", (transport?.queryBytes ?? 0) + requestBytes],
    ["qbuf-free", transport?.queryFreeBytes ?? 0],
    ["argv-mem", session.blocked?.args.totalBytes ?? heldBytes + argumentBytes],
    ["multi-mem", session.transaction?.argumentBytes ?? 0],
    ["rbs", 0],
    ["rbp", 0],
    ["obl", 0],
    ["oll", transport?.outboundChunks ?? 0],
    ["omem", transport?.outboundBytes ?? 0],
    ["tot-mem", (transport?.totalMemoryBytes ?? 0) + requestBytes],
    ["events", (transport?.outboundBytes ?? 0) > 0 ? "rw" : "r"],
    ["cmd", session.lastCommand?.fullName ?? "NULL"],
    ["user", session.user?.name ?? "(superuser)"],
    ["redir", session.tracking?.redirectId ?? -1],
    ["resp", session.resp],
    ["lib-name", session.libraryName],
    ["lib-ver", session.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(" ");
}

function flagsOf(session: Session): string {
  let flags = "";
  if (session.isMonitor) flags += "O";
  else if (session.replica?.isAttached === true) flags += "S";
  if (session.isPrimary) flags += "M";
  if (session.subscriptions !== null) flags += "P";
  if (session.transaction !== null) flags += "x";
  if (session.isPostponed || session.blocked !== null) flags += "b";
  const { tracking } = session;
  if (tracking !== null) flags += "t";
  if (tracking?.isRedirectBroken === true) flags += "R";
  if (tracking?.isBroadcast === true) flags += "B";
  if (session.watch?.isBroken === true) flags += "d";
  if (session.closesAfterReply) flags += "c";
  if (session.transport?.kind === "unix") flags += "U";
  if (session.isNotEvicted) flags += "e";
  if (session.leavesNoTrace) flags += "T";
  return flags === "" ? "N" : flags;
}
