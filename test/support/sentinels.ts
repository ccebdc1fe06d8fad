/**
 * Three Sentinels (Debian's redis-sentinel) that watch one primary, as processes of their own.
 *
 *     await using sentinels = await startSentinels({ primaryPort });
 *     await sentinels.agreeOn(otherPort);
 *
 * They are quicker than as shipped, so that a failover takes seconds: what is said below about
 * their times is what a test may rely on.
 */
import { type ServerProcess, startServer } from "./server.ts";
import { ReplyError, type ReplyValue } from "./resp-client.ts";

/** The name that clients ask for. */
export const PRIMARY_NAME = "primary";

const COUNT = 3;
const QUORUM = 2;
/** Without an answer for this long, a server counts as down. */
const DOWN_AFTER_MS = 1200;
const FAILOVER_TIMEOUT_MS = 3000;
const POLL_INTERVAL_MS = 50;

/**
 * How often a Sentinel does what (SENTINEL DEBUG). A primary counts as down at the earliest
 * DOWN_AFTER_MS - ping-period = 800 ms after its death, and offsets of replicas are at most
 * info-period = 400 ms old then: those that a Sentinel compares were told after the death.
 * A server that comes back as a primary is made a replica after 4 times the publish-period.
 */
const PERIODS_MS: Readonly<Record<string, number>> = {
  "ping-period": 400,
  "info-period": 400,
  "ask-period": 200,
  "publish-period": 150,
  // A Sentinel that was itself halted, for want of a processor, mistrusts itself for long.
  "tilt-trigger": 10_000,
  "tilt-period": 1000,
};

export interface SentinelOptions {
  readonly primaryPort: number;
  /** More lines of their configuration: `["sentinel auth-pass primary secret"]`. */
  readonly config?: readonly string[];
}

/** redis-sentinel's path, or null where it is not installed. */
export function findSentinel(): string | null {
  return Bun.which("redis-sentinel");
}

export class Sentinels implements AsyncDisposable {
  readonly processes: readonly ServerProcess[];

  constructor(processes: readonly ServerProcess[]) {
    this.processes = processes;
  }

  /** Where they listen, as clients want it. */
  get addresses(): { host: string; port: number }[] {
    return this.processes.map(({ port }) => ({ host: "127.0.0.1", port }));
  }

  /** The port of the primary that each of them would send a client to. */
  async primaryPorts(): Promise<number[]> {
    const replies = await this.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", PRIMARY_NAME);
    return replies.map((reply) => Number(Array.isArray(reply) ? reply[1] : Number.NaN));
  }

  /** Waits until all of them send clients to another port than `oldPort`, and gives it. */
  async failedOver(oldPort: number, timeoutMs: number): Promise<number> {
    let ports: number[] = [];
    await until(
      async () => {
        ports = await this.primaryPorts();
        return ports.every((port) => port === ports[0] && port !== oldPort);
      },
      () => `The Sentinels name ${ports.join()}, having named ${oldPort}\n${this.log()}`,
      timeoutMs,
    );
    return ports[0];
  }

  /**
   * Waits until all of them see a healthy primary with so many healthy replicas that follow it,
   * and none of them is busy with a failover.
   */
  async settled(replicaCount: number, timeoutMs: number): Promise<void> {
    let seen: string[] = [];
    await until(
      async () => {
        const primaries = await this.ask("SENTINEL", "MASTER", PRIMARY_NAME);
        const replicas = await this.ask("SENTINEL", "REPLICAS", PRIMARY_NAME);
        seen = primaries.map((one, i) => describe(record(one), listOf(replicas[i]).map(record)));
        const port = String((await this.primaryPorts())[0]);
        const others = COUNT - 1;
        const wanted = [`${port} master ${others} others`];
        for (let i = 0; i < replicaCount; i++) wanted.push(`slave ok of ${port}`);
        return seen.every((one) => one === wanted.join(", "));
      },
      () => `The Sentinels see:\n${seen.join("\n")}\n${this.log()}`,
      timeoutMs,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.processes) await one[Symbol.asyncDispose]();
  }

  private ask(...command: readonly string[]): Promise<ReplyValue[]> {
    return Promise.all(
      this.processes.map((one) => one.withClient((client) => client.value(...command))),
    );
  }

  private log(): string {
    return this.processes.map((one) => one.log).join("\n");
  }
}

export async function startSentinels(options: SentinelOptions): Promise<Sentinels> {
  const path = findSentinel();
  if (path === null) throw new Error("redis-sentinel is not installed");
  const started = Array.from({ length: COUNT }, () =>
    startServer({
      program: { name: "redis", command: [path] },
      config: [
        `sentinel monitor ${PRIMARY_NAME} 127.0.0.1 ${options.primaryPort} ${QUORUM}`,
        `sentinel down-after-milliseconds ${PRIMARY_NAME} ${DOWN_AFTER_MS}`,
        `sentinel failover-timeout ${PRIMARY_NAME} ${FAILOVER_TIMEOUT_MS}`,
        ...(options.config ?? []),
      ],
    }),
  );
  const sentinels = new Sentinels(await Promise.all(started));
  for (const one of sentinels.processes) {
    await one.withClient(async (client) => {
      const periods = Object.entries(PERIODS_MS).flatMap(([name, ms]) => [name, String(ms)]);
      const reply = await client.value("SENTINEL", "DEBUG", ...periods);
      if (reply instanceof ReplyError) throw new Error(reply.message);
    });
  }
  return sentinels;
}

/** Asks again and again until the answer is yes; throws with what `complaint` says. */
export async function until(
  isMet: () => Promise<boolean>,
  complaint: () => string,
  timeoutMs: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isMet())) {
    if (performance.now() > deadline) throw new Error(`Waited for too long. ${complaint()}`);
    await Bun.sleep(POLL_INTERVAL_MS);
  }
}

function describe(primary: Map<string, string>, replicas: readonly Map<string, string>[]): string {
  const others = primary.get("num-other-sentinels");
  return [
    `${primary.get("port")} ${primary.get("flags")} ${others} others`,
    ...replicas.map((one) => {
      const link = one.get("master-link-status");
      return `${one.get("flags")} ${link} of ${one.get("master-port")}`;
    }),
  ].join(", ");
}

function listOf(reply: ReplyValue): readonly ReplyValue[] {
  return Array.isArray(reply) ? reply : [];
}

/** A flat list of names and values. */
function record(reply: ReplyValue): Map<string, string> {
  const texts = listOf(reply).map(String);
  const pairs = new Map<string, string>();
  for (let i = 0; i + 1 < texts.length; i += 2) pairs.set(texts[i], texts[i + 1]);
  return pairs;
}
