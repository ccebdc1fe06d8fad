/**
 * The reference: a redis-server of its own on a unix socket in a temporary directory. Tests that
 * compare with it are skipped where the program is not installed.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";

const program = Bun.which("redis-server");
/** For describe.skipIf; the reason belongs in the describe's name. */
export const oracleMissing = program === null;

export interface Oracle {
  readonly socketPath: string;
  readonly client: Redis;
  /** Runs all commands in one pipeline; a reply is its bytes, nested as it came, or an Error. */
  run(commands: readonly (readonly Argument[])[]): Promise<unknown[]>;
  stop(): Promise<void>;
}

type Argument = string | Buffer;

export async function startOracle(): Promise<Oracle> {
  if (program === null) throw new Error("redis-server is not installed");
  const directory = mkdtempSync(join(tmpdir(), "pedis-oracle-"));
  const socketPath = join(directory, "socket");
  const flags = ["--port", "0", "--save", "", "--dir", directory, "--unixsocket", socketPath];
  const server = Bun.spawn([program, ...flags], { stdout: "ignore", stderr: "ignore" });
  const client = new Redis({
    path: socketPath,
    retryStrategy: () => 20,
    maxRetriesPerRequest: null, // it may take its time to start
  });
  client.on("error", () => {}); // refused until the server listens
  await client.ping();
  return {
    socketPath,
    client,
    async run(commands) {
      const pipeline = client.pipeline();
      for (const [name, ...rest] of commands) pipeline.callBuffer(String(name), ...rest);
      const replies = await pipeline.exec();
      return (replies ?? []).map(([error, reply]) => error ?? reply);
    },
    async stop() {
      client.disconnect();
      server.kill();
      await server.exited;
      rmSync(directory, { recursive: true });
    },
  };
}

/** A repeatable source of chance (mulberry32): integers in 0 … limit - 1. */
export function seededChance(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * limit);
  };
}
