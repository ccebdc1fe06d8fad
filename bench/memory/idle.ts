/**
 * What a server costs before it holds anything: by itself, and for each of ten thousand idle
 * connections. Such a connection has sent one PING, got its reply, and been silent for long enough
 * that Redis has given back the buffers it lends to active clients.
 */
import type { Program, ServerProcess } from "../../test/support/server.ts";
import { type Contest, startContestant } from "../support/contest.ts";
import { limitFiles, needsFiles } from "../support/open-files.ts";
import { settledBytes } from "../support/process-usage.ts";
import { type Comparison, readable } from "../support/report.ts";
import { type Scale, takeTurns } from "../support/turns.ts";

export const IDLE_NAME = "idle";
export const CONNECTIONS_NAME = "connections";

const IDLE_AT_MOST_MB = 60;
const CONNECTION_AT_MOST_KB = 4;
const CONNECTION_COUNT = 10_000;
const QUICK_CONNECTION_COUNT = 100;
/** Descriptors a process needs for itself, with room. */
const SPARE_FILES = 500;
const CONNECTED_AT_ONCE = 100;
const CONNECT_LIMIT_MS = 60_000;
const REST_MS = 1_000;
const SILENCE_MS = 12_000;
const QUICK_REST_MS = 20;
const PING = Buffer.from("*1\r\n$4\r\nPING\r\n");

export function measureIdle(contest: Contest, scale: Scale): Promise<readonly Comparison[]> {
  return takeTurns(
    { name: IDLE_NAME, contest, scale },
    async (program) => {
      await using server = await startContestant(program);
      const restMs = scale.quick ? QUICK_REST_MS : REST_MS;
      return { megabytes: (await settledBytes(server.pid, restMs)) / 1024 ** 2 };
    },
    [
      {
        figure: "megabytes",
        title: "idle server: total",
        unit: "MB",
        target: { of: "pedis", atMost: IDLE_AT_MOST_MB },
      },
    ],
    ({ megabytes }) => `${readable(megabytes)} MB`,
  );
}

export async function measureConnections(
  contest: Contest,
  scale: Scale,
): Promise<readonly Comparison[]> {
  const count = scale.quick ? QUICK_CONNECTION_COUNT : CONNECTION_COUNT;
  needsFiles(count + SPARE_FILES);
  return takeTurns(
    { name: CONNECTIONS_NAME, contest, scale },
    async (program) => ({ kilobytes: await connectionKilobytes(program, count, scale.quick) }),
    [
      {
        figure: "kilobytes",
        title: `${count.toLocaleString("en-US")} idle connections: net`,
        unit: "KB/item",
        target: { of: "pedis", atMost: CONNECTION_AT_MOST_KB },
      },
    ],
    ({ kilobytes }) => `${readable(kilobytes)} KB`,
  );
}

async function connectionKilobytes(
  program: Program,
  count: number,
  quick: boolean,
): Promise<number> {
  const command = limitFiles(program.command, count + SPARE_FILES);
  const directives = [`maxclients ${count + SPARE_FILES / 2}`];
  await using server = await startContestant({ ...program, command }, directives);
  const before = await settledBytes(server.pid, quick ? QUICK_REST_MS : REST_MS);
  const connections: Bun.Socket[] = [];
  try {
    while (connections.length < count) {
      const batch = Math.min(CONNECTED_AT_ONCE, count - connections.length);
      connections.push(...(await Promise.all(Array.from({ length: batch }, () => greet(server)))));
    }
    const after = await settledBytes(server.pid, quick ? QUICK_REST_MS : SILENCE_MS);
    connections.push(await greet(server));
    return (after - before) / count / 1024;
  } finally {
    for (const connection of connections) connection.terminate();
  }
}

/** A connection whose PING has been answered. */
async function greet({ port }: ServerProcess): Promise<Bun.Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error("No PONG in time")), CONNECT_LIMIT_MS);
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data: (_connection, reply) => {
        const text = Buffer.from(reply).toString().trim();
        if (text === "+PONG") resolve();
        else reject(new Error(`PING was answered by ${text}`));
      },
      close: () => reject(new Error("The server closed a connection")),
      error: (_connection, problem) => reject(problem),
    },
  });
  socket.write(PING);
  try {
    await promise;
    return socket;
  } finally {
    clearTimeout(timer);
  }
}
