/**
 * Servers that replicate: which programs face each other, how far each has come, and whether they
 * hold the same. Pedis writes RDB version 10 wherever Redis 7.0 may have to read it.
 */
import { expect } from "bun:test";
import { type ContentOptions, contentOf, differences, removeExpired } from "./content.ts";
import { CuttingProxy } from "./cutting-proxy.ts";
import { findOracle } from "./oracle.ts";
import { plainReply } from "./readable.ts";
import type { RespClient } from "./resp-client.ts";
import { PEDIS, type Program, type ServerProcess, startServer } from "./server.ts";

/** Who is primary of whom: the first of the second, the second of the third… */
export interface Lineup {
  readonly name: string;
  readonly programs: readonly Program[];
}

const WAIT_TIMEOUT_MS = 30_000;
const POLL_MS = 10;
/** Commands carry no access times, and what was removed leaves encodings that loading does not. */
const CONTENT: ContentOptions = { isRebuilt: true, hasNoEncodings: true };
const DIRECTIVES = [
  'save ""',
  "enable-debug-command yes",
  "repl-diskless-sync-delay 0",
  "repl-ping-replica-period 1",
  "shutdown-timeout 2",
  "databases 4",
];

/**
 * The line-ups written as `"redis pedis"`. Those with redis-server are left out where it is not
 * installed, which is said; those without Pedis prove the tests, and run when PEDIS_LONG is set.
 */
export function lineups(...texts: string[]): Lineup[] {
  const oracle = findOracle();
  if (oracle === null) console.log("Not replicated with redis-server: it is not installed.");
  return texts
    .filter((text) => oracle !== null || !text.includes("redis"))
    .filter((text) => text.includes("pedis") || process.env["PEDIS_LONG"] !== undefined)
    .map((name) => ({
      name,
      programs: name.split(" ").map((word) => (word === "pedis" ? PEDIS : (oracle ?? PEDIS))),
    }));
}

/** Servers in a line, each with a proxy before it through which the next one is its replica. */
export class Line implements AsyncDisposable {
  readonly servers: readonly ServerProcess[];
  readonly proxies: readonly CuttingProxy[];

  private constructor(servers: readonly ServerProcess[], proxies: readonly CuttingProxy[]) {
    this.servers = servers;
    this.proxies = proxies;
  }

  /** Starts them all and makes each the replica of the one before it. */
  static async start(
    { programs }: Lineup,
    directives: readonly string[] = [],
    pedisDirectives: readonly string[] = [],
  ): Promise<Line> {
    const isMixed = programs.some(({ name }) => name === "redis");
    const started = programs.map((program) => {
      const own = program.name === "pedis" ? pedisDirectives : [];
      const version = program.name === "pedis" && isMixed ? ["rdb-version 10"] : [];
      return startServer({
        program,
        directives: [...DIRECTIVES, ...version, ...directives, ...own],
      });
    });
    const servers = await Promise.all(started);
    const proxies = await Promise.all(servers.map(({ port }) => CuttingProxy.listen(port)));
    const line = new Line(servers, proxies);
    for (let i = 1; i < servers.length; i++) {
      await follow(servers[i], proxies[i - 1].port);
      await waitForOnline(servers[i - 1]);
    }
    return line;
  }

  /** Waits until all have all that the first one has sent, and looks whether they are alike. */
  async expectAlike(options: ContentOptions = {}): Promise<void> {
    await expectAlike(this.servers, options);
  }

  /** What the servers have logged lately, for whoever looks into a failure. */
  describe(lines = 40): string {
    return this.servers
      .map(({ program, port, log }) => {
        return `--- ${program.name} ${port}\n${log.split("\n").slice(-lines).join("\n")}`;
      })
      .join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.servers) await server[Symbol.asyncDispose]();
    for (const proxy of this.proxies) await proxy[Symbol.asyncDispose]();
  }
}

/** Makes it the replica of what answers at the port, and waits until that is done. */
export async function follow(replica: ServerProcess, port: number): Promise<void> {
  expect(await replica.withClient((client) => client.value("REPLICAOF", "127.0.0.1", port))).toBe(
    "OK",
  );
  await waitForLink(replica);
}

export async function waitForLink(replica: ServerProcess): Promise<void> {
  await waitForInfo(replica, "replication", "master_link_status", "up");
}

/** Waits until its first replica is online for it, which is so after the replica's first word. */
async function waitForOnline(primary: ServerProcess): Promise<void> {
  let replica: string | undefined;
  await waitUntil(
    async () =>
      (replica = (await infoOf(primary, "replication"))["slave0"])?.includes("state=online") ??
      false,
    () => `${primary.program.name}: slave0 is ${replica}\n${primary.log.slice(-3000)}`,
  );
}

/** The fields of a section of INFO. */
export async function infoOf(
  server: ServerProcess | RespClient,
  section: string,
): Promise<Record<string, string>> {
  const ask = (client: RespClient) => client.value("INFO", section);
  const info = "withClient" in server ? await server.withClient(ask) : await ask(server);
  const lines = plainReply(info).split("\r\n");
  return Object.fromEntries(
    lines
      .filter((line) => line.includes(":"))
      .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]),
  );
}

/** Waits until a field of INFO has the value. */
export async function waitForInfo(
  server: ServerProcess,
  section: string,
  name: string,
  value: string,
): Promise<void> {
  let now: string | undefined;
  await waitUntil(
    async () => (now = (await infoOf(server, section))[name]) === value,
    () => `${server.program.name}: ${name} is ${now}, not ${value}\n${server.log.slice(-3000)}`,
  );
}

export async function waitUntil(
  isSo: () => Promise<boolean>,
  describe: () => string,
  timeoutMs = WAIT_TIMEOUT_MS,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(describe());
    await Bun.sleep(POLL_MS);
  }
}

export async function offsetOf(server: ServerProcess): Promise<number> {
  return Number((await infoOf(server, "replication"))["master_repl_offset"]);
}

/** Waits until all of them are where the first one is in its stream. */
export async function waitForOffsets(servers: readonly ServerProcess[]): Promise<void> {
  let offsets: number[] = [];
  await waitUntil(
    async () => {
      offsets = await Promise.all(servers.map(offsetOf));
      return offsets.every((offset) => offset === offsets[0]);
    },
    () => `The offsets stay apart: ${offsets.join(", ")}`,
  );
}

/**
 * Whether all hold what the first one does, as soon as they have its whole stream. Nobody writes
 * meanwhile, and no key is about to expire.
 */
export async function expectAlike(
  servers: readonly ServerProcess[],
  options: ContentOptions = {},
): Promise<void> {
  // So that its replicas hear of it.
  await servers[0].withClient(removeExpired);
  await waitForOffsets(servers);
  // The last one has never been a primary.
  const hasRedisPrimary = servers.slice(0, -1).some(({ program }) => program.name === "redis");
  const all = { ...CONTENT, hasRedisPrimary, ...options };
  const contents = await Promise.all(
    servers.map((server) => server.withClient((client) => contentOf(client, all))),
  );
  for (const content of contents.slice(1)) {
    expect(differences(content, contents[0])).toEqual([]);
  }
  expect(contents[0].digest).not.toBe("0".repeat(40));
}

export interface SyncCounts {
  readonly full: number;
  readonly partial: number;
}

/** How many synchronisations a primary has granted. */
export async function syncsOf(primary: ServerProcess): Promise<SyncCounts> {
  const stats = await infoOf(primary, "stats");
  return { full: Number(stats["sync_full"]), partial: Number(stats["sync_partial_ok"]) };
}
