/**
 * How long a restart takes that replays an AOF of a million SETs: from starting the process to its
 * first answer to PING that is not LOADING. The AOF has no base, only the increment of those SETs;
 * its pages are in the system's cache for both servers.
 */
import { readableReply } from "../../test/support/readable.ts";
import type { Program, ServerProcess } from "../../test/support/server.ts";
import { type Contest, SIDES, startContestant } from "../support/contest.ts";
import { checkNotEnding } from "../support/lifetime.ts";
import { load } from "../support/loader.ts";
import { type Comparison, median, progress, readable } from "../support/report.ts";
import { AOF_DIRECTIVES } from "./benchmark-load.ts";
import type { LoadScale } from "./measure-load.ts";

const NAME = "aof-restart";
const SET_COUNT = 1_000_000;
const QUICK_SET_COUNT = 5_000;

export async function measureAofRestart(
  contest: Contest,
  { rounds, quick }: LoadScale,
): Promise<readonly Comparison[]> {
  const sets = quick ? QUICK_SET_COUNT : SET_COUNT;
  await using pedis = await startWithAof(contest.programs.pedis, sets);
  await using redis = await startWithAof(contest.programs.redis, sets);
  const servers = { pedis, redis };
  const timesMs: Record<(typeof SIDES)[number], number[]> = { pedis: [], redis: [] };
  for (let round = 1; round <= rounds; round++) {
    for (const side of SIDES) {
      checkNotEnding();
      const timeMs = await timeRestart(servers[side], sets);
      timesMs[side].push(timeMs);
      progress(`${NAME} ${round}/${rounds} ${side}: ${readable(timeMs)} ms`);
    }
  }
  const figures = { pedis: median(timesMs.pedis), redis: median(timesMs.redis) };
  const title = `restart with an AOF of ${sets.toLocaleString("en-US")} SETs`;
  return [{ name: NAME, title, unit: "ms", figures, target: { of: "ratio", atMost: 1 } }];
}

/** A server that has written its AOF and is stopped. */
async function startWithAof(program: Program, sets: number): Promise<ServerProcess> {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startContestant(program, AOF_DIRECTIVES));
  await load(server.port, { request: ["SET", "key:{i}", "val:{i}"], count: sets });
  await server.stop();
  stack.move();
  return server;
}

async function timeRestart(server: ServerProcess, sets: number): Promise<number> {
  const startedAtMs = performance.now();
  await server.start();
  const timeMs = performance.now() - startedAtMs;
  const keys = await server.withClient((client) => client.do("DBSIZE"));
  if (keys.value !== sets) {
    throw new Error(`${server.program.name} answers DBSIZE by ${readableReply(keys.value)}`);
  }
  await server.stop();
  return timeMs;
}
