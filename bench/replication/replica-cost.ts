/**
 * What one replica costs its primary: CPU time per SET at pipeline 16 from 50 clients, of a primary
 * without a replica and of others with one. They are measured in turns, a part of the SETs each, so
 * that whatever else the machine does meets them alike; the time counts until the replica has
 * applied the part. The figure is the excess, in percent.
 *
 * What is judged is a replica that only takes the stream: servers as replicas take time from the
 * load generator, beside which they run, so that requests come to the primary in smaller groups.
 * They are told beside it.
 */
import { type Program, ServerProcess } from "../../test/support/server.ts";
import { type Contest, startContestant } from "../support/contest.ts";
import { load } from "../support/loader.ts";
import { cpuMicros } from "../support/process-usage.ts";
import { type Comparison, median, readable } from "../support/report.ts";
import { type Scale, takeTurns } from "../support/turns.ts";
import { caughtUp, checkSame, follow, PATIENT_PRIMARY, sinkCaughtUp } from "./_following.ts";
import { Sink } from "./_sink.ts";
import { sendSets, type SetsPlan } from "./_sets.ts";

interface CostFigures {
  readonly aloneMicros: number;
  readonly withSinkPercent: number;
  readonly withRedisPercent: number;
  readonly withPedisPercent: number;
}

/** A primary, and its replica if it has one. */
interface Arrangement {
  readonly primary: ServerProcess;
  readonly replica: ServerProcess | Sink | null;
  /** CPU time of the primary per SET, one for each part. */
  readonly micros: number[];
}

const KEYS = 1_000_000;
const VALUE_BYTES = 3;
/** Many and short, so that they meet the same. */
const PARTS = 15;
const PART_SETS = 150_000;
const WARM_UP_SETS = 500_000;
const QUICK_PARTS = 1;
const QUICK_PART_SETS = 5_000;
const QUICK_KEYS = 1_000;
const MOST_PERCENT = 15;

export function measureReplicaCost(
  name: string,
  contest: Contest,
  scale: Scale,
): Promise<readonly Comparison[]> {
  const title = "SET, pipeline 16, 50 clients: the primary's CPU";
  return takeTurns<CostFigures>(
    { name, contest, scale },
    (program) => arrange(program, contest, scale),
    [
      { figure: "aloneMicros", title: `${title} per SET, no replica`, unit: "µs", target: null },
      {
        figure: "withSinkPercent",
        title: `${title}, more of it with one replica`,
        unit: "%",
        target: { of: "pedis", atMost: MOST_PERCENT },
      },
      {
        figure: "withRedisPercent",
        title: `${title}, more of it with one replica (redis)`,
        unit: "%",
        target: null,
      },
      {
        figure: "withPedisPercent",
        title: `${title}, more of it with one replica (pedis)`,
        unit: "%",
        target: null,
      },
    ],
    ({ aloneMicros, withSinkPercent, withRedisPercent, withPedisPercent }) =>
      `${readable(aloneMicros)} µs, replica: +${readable(withSinkPercent)} %, ` +
      `redis +${readable(withRedisPercent)} %, ` +
      `pedis +${readable(withPedisPercent)} %`,
  );
}

async function arrange(
  program: Program,
  { aside }: Contest,
  { quick }: Scale,
): Promise<CostFigures> {
  await using stack = new AsyncDisposableStack();
  const arrangements: Arrangement[] = [];
  for (const other of [null, "sink", aside.redis, aside.pedis] as const) {
    const primary = stack.use(await startContestant(program, PATIENT_PRIMARY));
    await load(primary.port, {
      request: ["SET", "key:{i}", "VXK"],
      count: quick ? QUICK_KEYS : KEYS,
    });
    const replica = other === null ? null : stack.use(await replicate(primary, other));
    arrangements.push({ primary, replica, micros: [] });
  }
  const keys = quick ? QUICK_KEYS : KEYS;
  const warmUp = { requests: quick ? QUICK_PART_SETS : WARM_UP_SETS, keys };
  for (const arrangement of arrangements) await cpuMicrosOf(arrangement, warmUp);
  const part = { requests: quick ? QUICK_PART_SETS : PART_SETS, keys };
  for (let done = 0; done < (quick ? QUICK_PARTS : PARTS); done++) {
    for (const arrangement of arrangements) {
      arrangement.micros.push(await cpuMicrosOf(arrangement, part));
    }
  }
  for (const { primary, replica } of arrangements) {
    if (replica instanceof ServerProcess) await checkSame(primary, replica);
  }
  const [alone, withSink, withRedis, withPedis] = arrangements.map(({ micros }) => median(micros));
  return {
    aloneMicros: alone,
    withSinkPercent: (withSink / alone - 1) * 100,
    withRedisPercent: (withRedis / alone - 1) * 100,
    withPedisPercent: (withPedis / alone - 1) * 100,
  };
}

/** Resolves once it is synchronised. */
async function replicate(
  primary: ServerProcess,
  by: Program | "sink",
): Promise<ServerProcess | Sink> {
  if (by === "sink") return Sink.attach(primary.port);
  const replica = await startContestant(by);
  await replica.withClient((client) => follow(client, primary.port));
  return replica;
}

/** CPU time of the primary per SET. */
async function cpuMicrosOf(
  { primary, replica }: Arrangement,
  sets: Omit<SetsPlan, "valueBytes">,
): Promise<number> {
  const before = cpuMicros(primary.pid);
  await sendSets(primary.port, { ...sets, valueBytes: VALUE_BYTES });
  if (replica instanceof ServerProcess) await caughtUp(primary, replica);
  else if (replica !== null) await sinkCaughtUp(primary, replica);
  return (cpuMicros(primary.pid) - before) / sets.requests;
}
