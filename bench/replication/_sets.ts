/** SETs of random keys from redis-benchmark: 50 clients at pipeline 16. */
import { requireProgram } from "../support/contest.ts";
import { runOwned } from "../support/lifetime.ts";

export interface SetsPlan {
  readonly requests: number;
  readonly keys: number;
  readonly valueBytes: number;
}

const CLIENTS = 50;
const PIPELINE = 16;
const LIMIT_MS = 300_000;

/** Resolves when all are answered. */
export async function sendSets(port: number, plan: SetsPlan): Promise<void> {
  const options = {
    "-p": port,
    "-c": CLIENTS,
    "-P": PIPELINE,
    "-n": plan.requests,
    "-r": plan.keys,
    "-d": plan.valueBytes,
    "-t": "set",
  };
  const words = Object.entries(options).flatMap(([flag, value]) => [flag, String(value)]);
  await runOwned([requireProgram("redis-benchmark"), "-q", ...words], LIMIT_MS);
}
