/** Servers that follow each other, and how far they are. */
import { readableReply } from "../../test/support/readable.ts";
import type { RespClient } from "../../test/support/resp-client.ts";
import type { ServerProcess } from "../../test/support/server.ts";
import { infoFields, until } from "../support/info.ts";
import type { Sink } from "./_sink.ts";

/** Nobody is cut off for being slow, nobody waits for others to join, nobody misses a link. */
export const PATIENT_PRIMARY = [
  "client-output-buffer-limit replica 0 0 0",
  "repl-diskless-sync-delay 0",
  "repl-timeout 600",
];

/** Makes it a replica of what listens on that port, and resolves once the link is up. */
export async function follow(client: RespClient, port: number): Promise<void> {
  const reply = await client.value("REPLICAOF", "127.0.0.1", String(port));
  if (reply !== "OK") throw new Error(`REPLICAOF was answered by ${readableReply(reply)}`);
  await until(async () => {
    const { master_link_status: status } = await infoFields(client, "replication");
    return status === "up";
  });
}

/** Resolves once the replica has applied what the primary has sent so far. */
export async function caughtUp(primary: ServerProcess, replica: ServerProcess): Promise<void> {
  const offset = await primary.withClient(offsetOf);
  await using client = await replica.connect();
  await until(async () => (await offsetOf(client)) >= offset);
}

/** As `caughtUp`, of one that is no server. */
export async function sinkCaughtUp(primary: ServerProcess, sink: Sink): Promise<void> {
  const offset = await primary.withClient(offsetOf);
  await until(() => Promise.resolve(sink.offset >= offset));
}

async function offsetOf(client: RespClient): Promise<number> {
  const { master_repl_offset: offset } = await infoFields(client, "replication");
  if (offset === undefined) throw new Error("INFO replication tells no master_repl_offset");
  return Number(offset);
}

/** Throws where the two do not hold as many keys. */
export async function checkSame(primary: ServerProcess, replica: ServerProcess): Promise<void> {
  const there = await primary.withClient((client) => client.value("DBSIZE"));
  const here = await replica.withClient((client) => client.value("DBSIZE"));
  if (here !== there || here === 0) {
    const counts = `${readableReply(here)} of ${readableReply(there)}`;
    throw new Error(`The replica (${replica.program.name}) holds ${counts} keys`);
  }
}
