/**
 * A pinger (`pinger.ts`) at work. It is a process of its own, which the scheduler prefers over
 * what sends the requests where this is permitted.
 */
import type { ServerProcess } from "../../test/support/server.ts";
import { spawnOwned } from "./lifetime.ts";
import { linesOf } from "./lines.ts";
import type { PingReport } from "./pinger.ts";

export interface Pinging {
  end(): Promise<PingReport>;
}

const LIMIT_MS = 300_000;
const PINGER = new URL("./pinger.ts", import.meta.url).pathname;

/** Resolves once the first pings, which do not count, are answered. */
export async function startPinging(server: ServerProcess): Promise<Pinging> {
  const command = [process.execPath, PINGER, String(server.port), String(server.pid)];
  const pinger = spawnOwned([...preferred(), ...command], LIMIT_MS);
  const output = linesOf(pinger.stdout);
  const next = async (): Promise<string> => {
    const { done, value } = await output.next();
    if (done) throw new Error(`The pinger ended: ${await pinger.stderr.text()}`);
    return value;
  };
  await next();
  return {
    async end() {
      await pinger.stdin?.end();
      const report = JSON.parse(await next()) as PingReport;
      await pinger.exited;
      return report;
    },
  };
}

/** What to start a command with so that it runs as soon as it can. */
function preferred(): readonly string[] {
  const ways = [
    ["chrt", "-f", "1"],
    ["nice", "-n", "-10"],
  ];
  return ways.find((way) => Bun.which(way[0]) && worksQuietly(way)) ?? [];
}

/** `nice` runs its command even when refused, but complains. */
function worksQuietly(way: readonly string[]): boolean {
  const { exitCode, stderr } = Bun.spawnSync([...way, "true"]);
  return exitCode === 0 && stderr.length === 0;
}
