/**
 * How often a cache has what it is asked for, at the same `maxmemory`: clients GET the keys of a
 * trace, and SET what is missing. Both servers get the same trace. What is asked first fills the
 * cache and does not count.
 *
 * A trace is gone through in seconds, not in days: keys of the same second are of the same age to
 * a clock of whole seconds, which is what both servers' LRU has.
 */
import type { Program } from "../../test/support/server.ts";
import { type Contest, startContestant } from "../support/contest.ts";
import { settledBytes } from "../support/process-usage.ts";
import { type Comparison, readable } from "../support/report.ts";
import { sendBatches } from "../support/string-requests.ts";
import { type Scale, takeTurns } from "../support/turns.ts";
import { follow, scatter, type Trace, TRACES } from "./traces.ts";

interface Eviction {
  readonly name: string;
  readonly policy: string;
  readonly samples: number;
}

const EVICTIONS: readonly Eviction[] = [
  { name: "lru-5", policy: "allkeys-lru", samples: 5 },
  { name: "lru-10", policy: "allkeys-lru", samples: 10 },
  { name: "lfu-5", policy: "allkeys-lfu", samples: 5 },
  { name: "lfu-10", policy: "allkeys-lfu", samples: 10 },
];

const MEGABYTES = 64;
const QUICK_MEGABYTES = 4;
const ACCESSES = 2_400_000;
const QUICK_ACCESSES = 24_000;
/** The first of the accesses, which fill the cache. */
const UNCOUNTED_PART = 1 / 3;
const CONNECTIONS = 4;
const AT_ONCE = 50;
const LEAST_BYTES = 100;
const MOST_BYTES = 400;
const MOST_RESIDENT_TO_LIMIT = 1.25;
const REST_MS = 1_000;
const QUICK_REST_MS = 20;

interface HitFigures {
  readonly hitPercent: number;
  readonly megabytes: number;
}

export interface HitCase {
  readonly name: string;
  readonly run: (contest: Contest, scale: Scale) => Promise<readonly Comparison[]>;
}

export const HIT_CASES: readonly HitCase[] = TRACES.flatMap((trace) =>
  EVICTIONS.map((eviction) => ({
    name: `hits-${trace.name}-${eviction.name}`,
    run: (contest, scale) => measureHits(trace, eviction, contest, scale),
  })),
);

/** One round will do: the trace is always the same, and long. */
function measureHits(
  trace: Trace,
  eviction: Eviction,
  contest: Contest,
  scale: Scale,
): Promise<readonly Comparison[]> {
  const { policy, samples } = eviction;
  const title = `${policy}, ${samples} samples, ${trace.title}`;
  return takeTurns(
    { name: `hits-${trace.name}-${eviction.name}`, contest, scale: { ...scale, rounds: 1 } },
    (program) => useCache(program, trace, eviction, scale.quick),
    [
      {
        figure: "hitPercent",
        title: `${title}: hits`,
        unit: "%",
        target: { of: "ratio", atLeast: 1 },
      },
      {
        figure: "megabytes",
        title: `${title}: net, of ${MEGABYTES} MB allowed`,
        unit: "MB",
        target: { of: "pedis", atMost: MEGABYTES * MOST_RESIDENT_TO_LIMIT },
      },
    ],
    ({ hitPercent, megabytes }) => `${readable(hitPercent)} % hits, ${readable(megabytes)} MB`,
  );
}

async function useCache(
  program: Program,
  trace: Trace,
  { policy, samples }: Eviction,
  quick: boolean,
): Promise<HitFigures> {
  const megabytes = quick ? QUICK_MEGABYTES : MEGABYTES;
  const restMs = quick ? QUICK_REST_MS : REST_MS;
  await using server = await startContestant(program, [
    `maxmemory ${megabytes}mb`,
    `maxmemory-policy ${policy}`,
    `maxmemory-samples ${samples}`,
  ]);
  const before = await settledBytes(server.pid, restMs);
  const hitPart = await ask(server.port, trace, quick ? QUICK_ACCESSES : ACCESSES);
  const after = await settledBytes(server.pid, restMs);
  return { hitPercent: hitPart * 100, megabytes: (after - before) / 1024 ** 2 };
}

/** Goes through the trace; the part of the accesses that counted and were hits. */
async function ask(port: number, trace: Trace, accesses: number): Promise<number> {
  const nextKey = follow(trace);
  const uncounted = accesses * UNCOUNTED_PART;
  let asked = 0;
  let counted = 0;
  let missed = 0;
  await sendBatches<number[]>(port, CONNECTIONS, (requests, missing, before) => {
    for (const index of missing) {
      const key = before?.[index] ?? 0;
      requests.set(key, LEAST_BYTES + (scatter(key) % (MOST_BYTES - LEAST_BYTES + 1)));
    }
    if (asked - AT_ONCE * CONNECTIONS >= uncounted) {
      counted += before?.length ?? 0;
      missed += missing.length;
    }
    const keys: number[] = [];
    while (keys.length < AT_ONCE && asked < accesses) {
      const key = nextKey();
      requests.get(key);
      keys.push(key);
      asked++;
    }
    return keys;
  });
  return (counted - missed) / counted;
}
