/** A configuration over files held in memory, and a redis-server to compare it with. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { matchGlob } from "../../../../src/base/glob.ts";
import { bytesOf } from "../../../../src/base/bytes.ts";
import { Config } from "../../../../src/engine/config/config.ts";
import type { ConfigHost } from "../../../../src/engine/config/host.ts";
import type {
  ConfigSources,
  FileDirectives,
  LoadFailure,
} from "../../../../src/engine/config/load.ts";

export class MemoryHost implements ConfigHost {
  readonly files = new Map<string, string>();
  readonly directories = new Set(["/", "/data", "/tmp"]);
  unwritable = "";
  directory = "/data";

  readText(path: string): { text: string } | { problem: string } {
    const text = this.files.get(path);
    return text === undefined ? { problem: "No such file or directory" } : { text };
  }

  expand(pattern: string): string[] {
    const bytes = bytesOf(pattern);
    return [...this.files.keys()].sort().filter((name) => {
      const text = bytesOf(name);
      return matchGlob(bytes, 0, bytes.length, text, 0, text.length, false);
    });
  }

  appendProblem(path: string): string | null {
    return path === this.unwritable ? "Permission denied" : null;
  }

  changeDirectory(path: string): string | null {
    if (!this.directories.has(path)) return "No such file or directory";
    this.directory = path;
    return null;
  }

  workingDirectory(): string {
    return this.directory;
  }
}

export interface Setup {
  readonly config: Config;
  readonly host: MemoryHost;
  readonly logged: string[];
  readonly load: (sources: Partial<ConfigSources>) => LoadFailure | null;
}

export const NO_FILE_DIRECTIVES: FileDirectives = {
  user: (args) => (args[1] === "on" ? null : { argument: "user", error: "Syntax error" }),
  renameCommand: (from) => (from === "get" ? null : "No such command in rename-command"),
};

export function setUp(version = "7.2.4"): Setup {
  const host = new MemoryHost();
  const logged: string[] = [];
  const log = (line: string): void => void logged.push(line);
  const config = new Config(host, { notice: log, warning: log });
  const none = { file: null, standardInput: null, options: null };
  return {
    config,
    host,
    logged,
    load: (sources) => config.load({ ...none, ...sources }, NO_FILE_DIRECTIVES, version),
  };
}

const serverPath = Bun.which("redis-server");
export const oracleMissing = serverPath === null;
export const ORACLE_VERSION = "7.0.15";
/** On a machine that has much else to do. */
const START_TIMEOUT_MS = 30_000;

export interface Oracle {
  readonly directory: string;
  readonly configFile: string;
  /** The reply, a flat list of texts, or the error's text. */
  do(...words: string[]): Promise<string[] | string>;
  stop(): Promise<void>;
}

/** Starts redis-server on a unix socket with the file's text and the arguments. */
export async function startOracle(text = "", args: readonly string[] = []): Promise<Oracle> {
  const directory = mkdtempSync(join(tmpdir(), "config-oracle-"));
  const configFile = join(directory, "redis.conf");
  writeFileSync(configFile, Buffer.from(text, "latin1"));
  const socket = join(directory, "s");
  const own = ["--port", "0", "--unixsocket", socket, "--dir", directory];
  const child = Bun.spawn([serverPath ?? "", configFile, ...args, ...own], {
    stdout: "ignore",
    stderr: "ignore",
  });
  const client = await connected(socket);
  return {
    directory,
    configFile,
    async do(name, ...words) {
      try {
        return flat(await client.send(name, words));
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
    async stop() {
      client.close();
      child.kill("SIGKILL");
      await child.exited;
      rmSync(directory, { recursive: true });
    },
  };
}

/** A connection, once the server listens. */
async function connected(socket: string): Promise<Bun.RedisClient> {
  const endMs = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const client = new Bun.RedisClient(`redis+unix://${socket}`, { autoReconnect: false });
    try {
      await client.connect();
      return client;
    } catch (problem) {
      client.close();
      if (Date.now() > endMs) throw problem;
      await Bun.sleep(10);
    }
  }
}

function flat(reply: unknown): string[] | string {
  if (Array.isArray(reply)) return reply.map(String);
  if (reply !== null && typeof reply === "object") return Object.entries(reply).flat().map(String);
  return String(reply);
}

/** What redis-server says before it refuses to start: its whole output. */
export function refusalOf(args: readonly string[], standardInput = ""): string {
  const { stdout, stderr, exitCode } = Bun.spawnSync([serverPath ?? "", ...args], {
    stdin: Buffer.from(standardInput, "latin1"),
    timeout: START_TIMEOUT_MS,
  });
  return exitCode === 1 ? stdout.toString("latin1") + stderr.toString("latin1") : "started";
}
