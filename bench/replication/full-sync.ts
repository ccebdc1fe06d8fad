/**
 * How long a full synchronisation takes, from REPLICAOF until the replica's link is up, and what a
 * client of the primary waits meanwhile: one that pings, while nobody else asks for anything, or
 * while 50 clients SET. Beside it stands what it waits during a BGSAVE of the same server, which is
 * what the replica's snapshot is made like.
 *
 * Either server is primary of either, on all processors. "pedis" are the pairs in which Pedis has
 * the part in question (primary, replica, both) and redis-server the other; "redis" is always a
 * pair of redis-servers.
 */
import { readableReply } from "../../test/support/readable.ts";
import type { RespClient } from "../../test/support/resp-client.ts";
import type { Program, ServerProcess } from "../../test/support/server.ts";
import { type Contest, SIDES, startContestant, startPair } from "../support/contest.ts";
import { infoFields, until } from "../support/info.ts";
import { checkNotEnding } from "../support/lifetime.ts";
import { cutDown, type Filling, load } from "../support/loader.ts";
import type { PingReport } from "../support/pinger.ts";
import { startPinging } from "../support/pinging.ts";
import { childrenCpuMicros, cpuMicros } from "../support/process-usage.ts";
import { type Comparison, median, progress, readable } from "../support/report.ts";
import type { Scale } from "../support/turns.ts";
import { startWriters } from "../support/writers.ts";
import { checkSame, follow, PATIENT_PRIMARY } from "./_following.ts";

/** How the snapshot comes to the replica. */
export interface Transfer {
  readonly name: string;
  readonly title: string;
  readonly isDiskless: boolean;
  /** 50 clients SET meanwhile. */
  readonly isUnderWrites: boolean;
}

export const TRANSFERS: readonly Transfer[] = [
  {
    name: "full-sync",
    title: "full sync of 2M keys",
    isDiskless: true,
    isUnderWrites: false,
  },
  {
    name: "full-sync-file",
    title: "full sync of 2M keys through a file",
    isDiskless: false,
    isUnderWrites: false,
  },
  {
    name: "full-sync-writes",
    title: "full sync of 2M keys while 50 clients SET",
    isDiskless: true,
    isUnderWrites: true,
  },
];

type Side = (typeof SIDES)[number];

/** What happened once, and what the pinging client of the primary saw of it. */
interface Seen {
  readonly seconds: number;
  /** Of the server that is pinged, and of its children. */
  readonly cpuSeconds: number;
  readonly pings: PingReport;
}

/** As seen of the primary. */
interface Synced extends Seen {
  readonly replicaCpuSeconds: number;
}

/** All that was seen, by primary and replica; `bgsave` by the server that saved. */
interface Observations {
  readonly syncs: Record<`${Side}-${Side}`, Synced[]>;
  readonly saves: Record<Side, Seen[]>;
}

const QUICK_KEYS = 2_000;
const MOST_RATIO = 1.2;
/** What clients wait is to be as in a BGSAVE, within what two of these differ by. */
const MOST_OF_SAVE = 1.25;
/** Keys of 16 bytes; values of 3 to 64 bytes, among them numbers, in equal parts. */
const VALUES = ["{r:3}", "{r:10}", "user={n:8};token={r:10};v1", "{n:8}:{r:10}:".repeat(3)];
const COUNT_OF_EACH = 500_000;
const FILLINGS: readonly Filling[] = VALUES.map((value, index) => ({
  request: ["SET", "key:{i}", value],
  count: COUNT_OF_EACH,
  first: index * COUNT_OF_EACH,
}));

export async function measureFullSync(
  transfer: Transfer,
  contest: Contest,
  scale: Scale,
): Promise<readonly Comparison[]> {
  const isDiskless = transfer.isDiskless ? "yes" : "no";
  const directives = [...PATIENT_PRIMARY, `repl-diskless-sync ${isDiskless}`];
  const programs = contest.unpinned;
  await using primaries = await startPair({ ...contest, programs }, directives);
  for (const side of SIDES) await fill(primaries[side], scale);
  const seen: Observations = {
    syncs: { "pedis-pedis": [], "pedis-redis": [], "redis-pedis": [], "redis-redis": [] },
    saves: { pedis: [], redis: [] },
  };
  for (let round = 1; round <= scale.rounds; round++) {
    for (const side of SIDES) {
      const primary = primaries[side];
      const note = (what: string, one: Seen): void =>
        progress(`${transfer.name} ${round}/${scale.rounds} ${what}: ${inWords(one)}`);
      const writers = transfer.isUnderWrites ? startWriters(primary, keyCount(scale)) : null;
      const saved = await observe(primary, save);
      seen.saves[side].push(saved);
      note(`BGSAVE of ${side}`, saved);
      for (const other of SIDES) {
        checkNotEnding();
        const synced = await synchronise(primary, programs[other]);
        seen.syncs[`${side}-${other}`].push(synced);
        note(`${side} to ${other}`, synced);
      }
      await writers?.end();
    }
  }
  return compare(transfer, seen);
}

function inWords({ seconds, cpuSeconds, pings: { p99Ms, maxMs } }: Seen): string {
  return (
    `${readable(seconds)} s, ${readable(cpuSeconds)} s of CPU, ` +
    `PING p99 ${readable(p99Ms)} ms, longest ${readable(maxMs)} ms`
  );
}

function keyCount({ quick }: Scale): number {
  return quick ? QUICK_KEYS : FILLINGS.length * COUNT_OF_EACH;
}

async function fill(server: ServerProcess, { quick }: Scale): Promise<void> {
  for (const filling of FILLINGS) {
    await load(server.port, quick ? cutDown(filling, QUICK_KEYS / FILLINGS.length) : filling);
  }
}

/** Starts a replica, which goes again once its link is up. */
async function synchronise(primary: ServerProcess, program: Program): Promise<Synced> {
  await using replica = await startContestant(program);
  await using client = await replica.connect();
  const cpuBefore = cpuMicros(replica.pid);
  const seen = await observe(primary, () => follow(client, primary.port));
  const replicaCpuSeconds = (cpuMicros(replica.pid) - cpuBefore) / 1e6;
  await checkSame(primary, replica);
  return { ...seen, replicaCpuSeconds };
}

async function observe(
  server: ServerProcess,
  what: (client: RespClient) => Promise<void>,
): Promise<Seen> {
  await using client = await server.connect();
  const pinging = await startPinging(server);
  const cpu = () => (cpuMicros(server.pid) + childrenCpuMicros(server.pid)) / 1e6;
  const cpuBefore = cpu();
  const startedAtMs = performance.now();
  await what(client);
  const seconds = (performance.now() - startedAtMs) / 1000;
  const pings = await pinging.end();
  return { seconds, cpuSeconds: cpu() - cpuBefore, pings };
}

async function save(client: RespClient): Promise<void> {
  const reply = readableReply(await client.value("BGSAVE"));
  if (!reply.includes("started")) throw new Error(`BGSAVE was answered by ${reply}`);
  await until(async () => {
    const fields = await infoFields(client, "persistence");
    return fields["rdb_bgsave_in_progress"] === "0";
  });
}

function compare(
  { name, title, isUnderWrites }: Transfer,
  { syncs, saves }: Observations,
): Comparison[] {
  const compared = (
    what: string,
    pair: keyof Observations["syncs"],
    figure: "seconds" | "cpuSeconds" | "replicaCpuSeconds",
    atMost: number | null = null,
  ): Comparison => ({
    name,
    title: `${title}: ${what}`,
    unit: "s",
    figures: {
      pedis: median(syncs[pair].map((one) => one[figure])),
      redis: median(syncs["redis-redis"].map((one) => one[figure])),
    },
    target: atMost === null ? null : { of: "ratio", atMost },
  });
  const pings = (
    figure: "p50Ms" | "p99Ms" | "p99RunningMs" | "maxMs",
    label: string,
    isJudged = false,
  ): Comparison[] => {
    const of = (all: readonly Seen[]) => median(all.map((one) => one.pings[figure]));
    const saving = { pedis: of(saves.pedis), redis: of(saves.redis) };
    const syncing = { pedis: of(syncs["pedis-redis"]), redis: of(syncs["redis-redis"]) };
    const atMost = Number((saving.pedis * MOST_OF_SAVE).toFixed(2));
    const target = isJudged ? ({ of: "pedis", atMost } as const) : null;
    return [
      { name, title: `${title}: ${label}`, unit: "ms", figures: syncing, target },
      {
        name,
        title: `${title}, BGSAVE instead: ${label}`,
        unit: "ms",
        figures: saving,
        target: null,
      },
    ];
  };
  const lessWaits = "less the server's waits for a processor";
  return [
    compared("time, both", "pedis-pedis", "seconds", isUnderWrites ? null : MOST_RATIO),
    compared("time, primary", "pedis-redis", "seconds"),
    compared("time, replica", "redis-pedis", "seconds"),
    compared("CPU of the primary and its children", "pedis-redis", "cpuSeconds"),
    compared("CPU of the replica", "redis-pedis", "replicaCpuSeconds"),
    ...pings("p50Ms", "p50 of PING"),
    ...pings("p99Ms", "p99 of PING"),
    ...pings("p99RunningMs", `p99 of PING, ${lessWaits}`, true),
    ...pings("maxMs", "longest PING"),
  ];
}
