/**
 * A server under everything at once for a long time: all types, expiry, eviction, transactions,
 * messages, blocked clients, saves, clients that come and go. Its memory must stay as it is once
 * it is full, no reply may be wrong, and nothing may be left when all clients and keys are gone.
 */
import type { Random } from "../../test/support/random.ts";
import type { Program, ServerProcess } from "../../test/support/server.ts";
import { startServer } from "../../test/support/server.ts";
import { infoFields, until } from "../support/info.ts";
import { load } from "../support/loader.ts";
import { cpuMicros } from "../support/process-usage.ts";
import { playAll, type Stage } from "./clients.ts";
import { Tally } from "./hand.ts";
import { keep } from "./keeper.ts";

export interface SoakOptions {
  readonly program: Program;
  readonly random: Random;
  readonly durationMs: number;
  readonly requestsPerSecond: number;
  /** What keys and values may take: `maxmemory`, less what the server takes by itself. */
  readonly dataBytes: number;
  readonly sampleEveryMs: number;
  /** Besides those that the soak needs. */
  readonly directives?: readonly string[];
  readonly onSample?: (sample: Sample) => void;
}

/** What is seen of the server at a moment; counts are since the start. */
export interface Sample {
  readonly seconds: number;
  readonly usedBytes: number;
  /** What the server's allocator has taken to hold that. */
  readonly allocatedBytes: number;
  readonly residentBytes: number;
  readonly keys: number;
  readonly clients: number;
  readonly requests: number;
  readonly connections: number;
  readonly evicted: number;
  readonly expired: number;
  readonly troubles: number;
  /** The longest that a worker waited for its replies since the sample before. */
  readonly longestMs: number;
  /** Of the server since the sample before, as a part of one processor. */
  readonly cpu: number;
}

export interface SoakReport {
  readonly samples: readonly Sample[];
  /** What went wrong, with the first of each kind, and how often in all. */
  readonly troubles: readonly string[];
  readonly troubleCount: number;
  /** Resident bytes in the last quarter of the time against those in the second. */
  readonly growth: number;
  /** used_memory once all clients and keys are gone, less what it was at the start. */
  readonly leftBytes: number;
  readonly saves: number;
  readonly rewrites: number;
  readonly exitCode: number;
}

const DIRECTIVES = [
  'save ""',
  "appendonly yes",
  "appendfsync everysec",
  "auto-aof-rewrite-min-size 32mb",
  "notify-keyspace-events Exe",
  "maxmemory-policy allkeys-lru",
];
const CHORES = 12;
const LONGEST_CHORE_PAUSE_MS = 10_000;
/** So few that the server is full at once, however little a key takes. */
const FILLED_BYTES_PER_KEY = 90;
const MOST_LEFT_BYTES = 4 * 1024 ** 2;
const EMPTY_LIMIT_MS = 30_000;

/** What is wrong with a run, whose memory may have grown by so much. */
export function problemsOf(report: SoakReport, mostGrowth: number): readonly string[] {
  const { troubles, troubleCount, growth, leftBytes, exitCode } = report;
  return [
    ...troubles,
    ...(troubleCount > troubles.length ? [`${troubleCount} troubles in all`] : []),
    ...(growth <= mostGrowth ? [] : [`resident memory grew to ${growth.toFixed(2)} times`]),
    ...(leftBytes <= MOST_LEFT_BYTES ? [] : [`${leftBytes} bytes are left of nothing`]),
    ...(exitCode === 0 ? [] : [`the server ended with ${exitCode}`]),
  ];
}

export async function soak(options: SoakOptions): Promise<SoakReport> {
  const { program, random, durationMs, requestsPerSecond } = options;
  const directives = [...DIRECTIVES, ...(options.directives ?? [])];
  await using server = await startServer({ program, directives });
  const usedAtStart = await server.withClient(async (client) => {
    const used = Number((await infoFields(client, "memory"))["used_memory"]);
    await client.do("CONFIG", "SET", "maxmemory", String(used + options.dataBytes));
    return used;
  });
  const count = Math.ceil(options.dataBytes / FILLED_BYTES_PER_KEY);
  await load(server.port, { request: ["SET", "s{i}", `s{i}=${"f".repeat(50)}`], count });
  const tally = new Tally();
  const endMs = performance.now() + durationMs;
  const stage: Stage = { server, random, tally, endMs, requestsPerSecond };
  const samples: Sample[] = [];
  await Promise.all([
    playAll(stage),
    keep(stage, Math.min(durationMs / CHORES, LONGEST_CHORE_PAUSE_MS)),
    watch(stage, options, samples),
  ]);
  const { troubles } = tally;
  const left = await whatIsLeft(server);
  return {
    samples,
    troubles: [...troubles.first].map(([what, detail]) => `${what} (${detail})`),
    troubleCount: troubles.count,
    growth: quarter(samples, 3) / quarter(samples, 1),
    leftBytes: left.usedBytes - usedAtStart,
    saves: left.saves,
    rewrites: left.rewrites,
    exitCode: await server.stop(),
  };
}

/** Takes samples until the end. */
async function watch(stage: Stage, options: SoakOptions, samples: Sample[]): Promise<void> {
  const { server, tally, endMs } = stage;
  const startedMs = performance.now();
  let cpuBefore = cpuMicros(server.pid);
  let beforeMs = startedMs;
  await using client = await server.connect();
  for (;;) {
    await Bun.sleep(Math.max(0, Math.min(options.sampleEveryMs, endMs - performance.now())));
    const fields = await infoFields(client, "everything");
    const now = performance.now();
    const cpu = cpuMicros(server.pid);
    const sample: Sample = {
      seconds: (now - startedMs) / 1000,
      usedBytes: Number(fields["used_memory"]),
      allocatedBytes: Number(fields["allocator_active"]),
      residentBytes: server.residentBytes(),
      keys: Number(await client.value("DBSIZE")),
      clients: Number(fields["connected_clients"]),
      requests: tally.requests,
      connections: tally.connections,
      evicted: Number(fields["evicted_keys"]),
      expired: Number(fields["expired_keys"]),
      troubles: tally.troubles.count,
      longestMs: tally.takeLongest(),
      cpu: (cpu - cpuBefore) / 1000 / (now - beforeMs),
    };
    [cpuBefore, beforeMs] = [cpu, now];
    samples.push(sample);
    options.onSample?.(sample);
    if (now >= endMs) return;
  }
}

/** Mean of the resident bytes in a quarter of the samples, from 0. */
function quarter(samples: readonly Sample[], index: number): number {
  const of = (part: number) => Math.floor((samples.length * part) / 4);
  const some = samples.slice(of(index), of(index + 1));
  return some.reduce((sum, { residentBytes }) => sum + residentBytes, 0) / some.length;
}

interface Left {
  readonly usedBytes: number;
  readonly saves: number;
  readonly rewrites: number;
}

/** Throws where connections or saves do not come to their end. */
async function whatIsLeft(server: ServerProcess): Promise<Left> {
  await using client = await server.connect();
  await until(async () => {
    const fields = await infoFields(client, "everything");
    const isSaving = fields["rdb_bgsave_in_progress"] + fields["aof_rewrite_in_progress"] !== "00";
    const isAlone = fields["connected_clients"] === "1" && fields["blocked_clients"] === "0";
    return isAlone && !isSaving && fields["aof_rewrite_scheduled"] === "0";
  }, EMPTY_LIMIT_MS);
  await client.do("FLUSHALL");
  await until(async () => {
    const fields = await infoFields(client, "persistence");
    return fields["aof_rewrite_in_progress"] === "0";
  }, EMPTY_LIMIT_MS);
  await client.do("MEMORY PURGE");
  const fields = await infoFields(client, "everything");
  return {
    usedBytes: Number(fields["used_memory"]),
    saves: Number(fields["rdb_saves"]),
    rewrites: Number(fields["aof_rewrites"]),
  };
}
