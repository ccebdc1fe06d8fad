/**
 * What it takes a replica to apply a stream of SETs, whose primary is the same for both servers:
 * redis-server under load, which passes SETs on as they come; or a process that has all of them
 * ready, as one that a replica was cut off from for long (`scripted-primary.ts`).
 *
 * The primary runs where the load generator does, so the replica has a processor of its own, where
 * there are two.
 */
import { join } from "node:path";
import { readableReply } from "../../test/support/readable.ts";
import type { Program } from "../../test/support/server.ts";
import { type Contest, startContestant } from "../support/contest.ts";
import { spawnOwned } from "../support/lifetime.ts";
import { linesOf } from "../support/lines.ts";
import { cpuMicros } from "../support/process-usage.ts";
import { type Comparison, readable } from "../support/report.ts";
import { type Scale, takeTurns } from "../support/turns.ts";
import { caughtUp, checkSame, follow, PATIENT_PRIMARY } from "./_following.ts";
import { sendSets } from "./_sets.ts";
import type { StreamPlan, StreamReport } from "./scripted-primary.ts";

const KEYS = 1_000_000;
const QUICK_KEYS = 1_000;
const VALUE_BYTES = 32;
const SETS = 3_000_000;
const QUICK_SETS = 5_000;
const WARM_UP_SETS = 300_000;
const LIMIT_MS = 300_000;
const MOST_RATIO = 1;
const TARGET = { of: "ratio", atMost: MOST_RATIO } as const;
const SCRIPTED_PRIMARY = join(import.meta.dir, "scripted-primary.ts");

export function measureApplying(
  name: string,
  contest: Contest,
  scale: Scale,
): Promise<readonly Comparison[]> {
  return takeTurns(
    { name, contest, scale },
    (program) => applyAsTheyCome(program, contest, scale),
    [
      {
        figure: "cpuMicros",
        title: "replica of a busy redis-server: CPU per SET",
        unit: "µs",
        target: TARGET,
      },
    ],
    ({ cpuMicros: micros }) => `${readable(micros)} µs per SET`,
  );
}

export function measureCatchingUp(
  name: string,
  contest: Contest,
  scale: Scale,
): Promise<readonly Comparison[]> {
  const title = "replica that has 3M SETs to catch up with";
  return takeTurns(
    { name, contest, scale },
    (program) => catchUp(program, scale),
    [
      { figure: "cpuMicros", title: `${title}: CPU per SET`, unit: "µs", target: TARGET },
      { figure: "seconds", title: `${title}: time`, unit: "s", target: TARGET },
    ],
    ({ cpuMicros: micros, seconds }) => `${readable(micros)} µs per SET, ${readable(seconds)} s`,
  );
}

async function applyAsTheyCome(
  program: Program,
  { aside }: Contest,
  { quick }: Scale,
): Promise<{ cpuMicros: number }> {
  await using primary = await startContestant(aside.redis, PATIENT_PRIMARY);
  await using replica = await startContestant(program);
  await replica.withClient((client) => follow(client, primary.port));
  const apply = async (requests: number): Promise<void> => {
    const keys = quick ? QUICK_KEYS : KEYS;
    await sendSets(primary.port, { requests, keys, valueBytes: VALUE_BYTES });
    await caughtUp(primary, replica);
  };
  await apply(quick ? QUICK_SETS : WARM_UP_SETS);
  const sets = quick ? QUICK_SETS : SETS;
  const before = cpuMicros(replica.pid);
  await apply(sets);
  const micros = (cpuMicros(replica.pid) - before) / sets;
  await checkSame(primary, replica);
  return { cpuMicros: micros };
}

async function catchUp(
  program: Program,
  { quick }: Scale,
): Promise<{ cpuMicros: number; seconds: number }> {
  const keys = quick ? QUICK_KEYS : KEYS;
  const plan: StreamPlan = { keys, valueBytes: VALUE_BYTES };
  const primary = spawnOwned([process.execPath, SCRIPTED_PRIMARY, JSON.stringify(plan)], LIMIT_MS);
  const output = linesOf(primary.stdout);
  const next = async (): Promise<string> => {
    const { done, value } = await output.next();
    if (done) throw new Error(`The primary ended: ${await primary.stderr.text()}`);
    return value;
  };
  const port = Number(await next());
  await using replica = await startContestant(program);
  await using client = await replica.connect();
  await follow(client, port);
  const send = async (count: number): Promise<StreamReport> => {
    void primary.stdin?.write(`${count}\n`);
    await primary.stdin?.flush();
    return JSON.parse(await next()) as StreamReport;
  };
  await send(quick ? QUICK_SETS : WARM_UP_SETS);
  const sets = quick ? QUICK_SETS : SETS;
  const before = cpuMicros(replica.pid);
  const { seconds } = await send(sets);
  const micros = (cpuMicros(replica.pid) - before) / sets;
  const held = await client.value("DBSIZE");
  if (held !== keys) throw new Error(`The replica holds ${readableReply(held)} keys`);
  await primary.stdin?.end();
  await primary.exited;
  return { cpuMicros: micros, seconds };
}
