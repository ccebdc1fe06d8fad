/**
 * The two servers of a benchmark, and where they run. Where `taskset` works and there are two
 * processors, both servers can be pinned to the first one, and this process with all it starts (the
 * load generator) to the last: the generator then takes nothing from the server it measures. Where
 * more of a server is at work than the thread that serves clients (a fork, a compiler), only the
 * generator is pinned.
 */
import { existsSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { type Program, type ServerProcess, startServer } from "../../test/support/server.ts";

/** The same thing of both servers. */
export interface Pair<T> {
  readonly pedis: T;
  readonly redis: T;
}

export const SIDES = ["pedis", "redis"] as const;

export interface Contest {
  readonly programs: Pair<Program>;
  /** The same, free to run on all processors. */
  readonly unpinned: Pair<Program>;
  /** The same, where the load generator runs: for what is not measured itself. */
  readonly aside: Pair<Program>;
  /** What is compared, on which machine, for the head of the report. */
  readonly description: string;
}

export type Placement = "pinned" | "generator pinned" | "anywhere";

interface Pinning {
  readonly server: number;
  readonly generator: number;
}

const START_TIMEOUT_MS = 120_000;
/** Neither server writes but for the AOF of the cases that ask for it. */
const COMMON_DIRECTIVES = ['save ""', "appendonly no"];

/** An AOF that no rewrite disturbs. */
export const AOF_DIRECTIVES = [
  "appendonly yes",
  "appendfsync everysec",
  "auto-aof-rewrite-percentage 0",
];

/** Finds the programs; an absent one is thrown with what to do about it. */
export function prepareContest(pedisPath: string, placement: Placement): Contest {
  if (!existsSync(pedisPath)) {
    throw new Error(`${pedisPath} is not there: build it with "bun run build"`);
  }
  const redisPath = requireProgram("redis-server");
  const processors = allowedProcessors();
  const pinning = placement === "anywhere" ? null : pin(processors);
  const serversOn = pinning === null || placement === "generator pinned" ? null : pinning.server;
  // What this process starts is where this process is, unless it is told.
  const prefixFor = (affinity: string) => (pinning === null ? [] : ["taskset", "-c", affinity]);
  const onAll = prefixFor(processors.join(","));
  const prefix = serversOn === null ? onAll : prefixFor(String(serversOn));
  const pair = (start: readonly string[]): Pair<Program> => ({
    pedis: { name: "pedis", command: [...start, pedisPath] },
    redis: { name: "redis", command: [...start, redisPath] },
  });
  const [processor] = cpus();
  const placed =
    pinning === null
      ? "not pinned"
      : `servers on ${serversOn === null ? "all processors" : `processor ${serversOn}`}, ` +
        `load generator on ${pinning.generator}`;
  return {
    programs: pair(prefix),
    unpinned: pair(onAll),
    aside: pair([]),
    description: [
      `pedis: ${versionOf(pedisPath)}`,
      `redis: ${versionOf(redisPath)}`,
      `machine: ${cpus().length} × ${processor?.model.trim() ?? "?"}, ${placed}`,
    ].join("\n"),
  };
}

export function requireProgram(name: string): string {
  const path = Bun.which(name);
  if (path === null) throw new Error(`${name} is not on PATH`);
  return path;
}

/** Starts one of the two on a port and, unless told, in a directory of its own. */
export function startContestant(
  program: Program,
  directives: readonly string[] = [],
  dir: string | null = null,
): Promise<ServerProcess> {
  return startServer({
    program,
    directives: [...COMMON_DIRECTIVES, ...directives],
    startTimeoutMs: START_TIMEOUT_MS,
    ...(dir === null ? {} : { dir }),
  });
}

/** Both servers at once; leaving the scope ends them. */
export async function startPair(
  { programs }: Contest,
  directives: readonly string[] = [],
): Promise<Pair<ServerProcess> & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const pedis = stack.use(await startContestant(programs.pedis, directives));
  const redis = stack.use(await startContestant(programs.redis, directives));
  const both = stack.move();
  return { pedis, redis, [Symbol.asyncDispose]: () => both.disposeAsync() };
}

/** Pins this process and gives the placement, or null where that is not possible. */
function pin(processors: readonly number[]): Pinning | null {
  const [server] = processors;
  const generator = processors.at(-1);
  if (server === undefined || generator === undefined || server === generator) return null;
  if (Bun.which("taskset") === null) return null;
  const command = ["taskset", "-a", "-c", "-p", String(generator), String(process.pid)];
  return Bun.spawnSync(command).exitCode === 0 ? { server, generator } : null;
}

/** The processors this process may run on; none where the system does not tell. */
function allowedProcessors(): number[] {
  if (!existsSync("/proc/self/status")) return [];
  const status = readFileSync("/proc/self/status", "utf8");
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? "";
  return list.split(",").flatMap((range) => {
    const [from = 0, to = from] = range.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}

function versionOf(path: string): string {
  return Bun.spawnSync([path, "--version"]).stdout.toString().trim().split("\n")[0] || "?";
}
