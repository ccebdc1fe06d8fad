/** Pedis and redis-server side by side, for random operations that both are sent. */
import { cpSync } from "node:fs";
import { join } from "node:path";
import type { Program, ServerProcess } from "../support/server.ts";
import { startServer } from "../support/server.ts";

const DIRECTIVES = [
  'save ""',
  "appendonly yes",
  "appendfsync no",
  "auto-aof-rewrite-percentage 0",
  "enable-debug-command yes",
  "loglevel warning",
];
/** Later starts do all again that was done. */
const START_TIMEOUT_MS = 100_000;

export class ServerPair implements AsyncDisposable {
  readonly pedis: ServerProcess;
  readonly redis: ServerProcess;

  private constructor(pedis: ServerProcess, redis: ServerProcess) {
    this.pedis = pedis;
    this.redis = redis;
  }

  /** Both with an append-only file and the directives given beside. */
  static async start(oracle: Program, extra: readonly string[] = []): Promise<ServerPair> {
    const directives = [...DIRECTIVES, ...extra];
    const startTimeoutMs = START_TIMEOUT_MS;
    const pedis = await startServer({
      directives: [...directives, "rdb-version 10"],
      startTimeoutMs,
    });
    const redis = await startServer({ program: oracle, directives, startTimeoutMs });
    return new ServerPair(pedis, redis);
  }

  /** Has Redis load the append-only file that Pedis wrote, in place of its own. */
  async giveFileToRedis(): Promise<void> {
    const { pedis, redis } = this;
    await redis.stop();
    const log = "appendonlydir";
    cpSync(join(pedis.dir, log), join(redis.dir, log), { recursive: true, force: true });
    await redis.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pedis[Symbol.asyncDispose]();
    await this.redis[Symbol.asyncDispose]();
  }
}
