/**
 * A server as its users run it: a child process with its own directory and port. The program is
 * Pedis from source, or the executable named by PEDIS_BINARY; `oracle.ts` gives redis-server,
 * so a test may run alike against both.
 *
 *     await using server = await startServer({ directives: ["appendonly yes"] });
 *     await using client = await server.connect();
 *     expect(await client.value("SET k v")).toBe("OK");
 *
 * Leaving the scope kills the process and removes its directory.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { splitLine } from "./readable.ts";
import { type Address, ReplyError, RespClient } from "./resp-client.ts";

/** How to start a server program, without its own arguments. */
export interface Program {
  readonly name: "pedis" | "redis";
  readonly command: readonly string[];
}

export interface ServerOptions {
  /** Pedis unless told. */
  readonly program?: Program;
  /** Lines of redis.conf, passed as flags: `["appendonly yes", 'save ""']`. */
  readonly directives?: readonly string[];
  /** Lines of a configuration file, which is the server's to rewrite: it survives restarts. */
  readonly config?: readonly string[];
  /** A directory to run in, which is then not removed; a new temporary one unless told. */
  readonly dir?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where `connect` connects to: the port on 127.0.0.1 unless told. */
  readonly address?: Address;
  readonly startTimeoutMs?: number;
}

export interface ExitReport {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Not measures of speed: machines that run tests may be busy with much else. */
const START_TIMEOUT_MS = 45_000;
const STOP_TIMEOUT_MS = 45_000;
const PING_INTERVAL_MS = 5;
const CONFIG_FILE = "server.conf";
/** Counted from 1 by `bun test --parallel`; a run of its own begins elsewhere in its range. */
const WORKER = Number(process.env["BUN_TEST_WORKER_ID"] ?? 0);
const MAX_WORKERS = 10;
const PORTS_OF_WORKER = 2200;
const FIRST_PORT = 10_000;
const MAIN = new URL("../../src/main.ts", import.meta.url).pathname;

const running = new Set<ServerProcess>();
let portsGiven = process.pid;

export const PEDIS: Program = {
  name: "pedis",
  command: process.env["PEDIS_BINARY"]
    ? [process.env["PEDIS_BINARY"]]
    : [process.execPath, "--no-env-file", MAIN],
};

export class ServerProcess implements AsyncDisposable {
  readonly program: Program;
  readonly port: number;
  readonly dir: string;
  /** Standard output and standard error of all starts, in order of arrival. */
  log = "";
  private readonly options: ServerOptions;
  private child: Bun.Subprocess<"ignore", "pipe", "pipe"> | null = null;
  private outputEnded: Promise<unknown> = Promise.resolve();

  constructor(port: number, options: ServerOptions) {
    this.program = options.program ?? PEDIS;
    this.port = port;
    this.dir = options.dir ?? mkdtempSync(join(tmpdir(), `${this.program.name}-test-`));
    this.options = options;
  }

  get pid(): number {
    if (this.child === null) throw new Error("The server is not running");
    return this.child.pid;
  }

  get isRunning(): boolean {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Starts the process and waits until it answers. `extra` directives follow the usual ones. */
  async start(extra: readonly string[] = []): Promise<void> {
    if (this.child !== null) throw new Error("The server is running already");
    const directives = [
      `port ${this.port}`,
      `dir ${this.dir}`,
      ...(this.options.directives ?? []),
      ...extra,
    ];
    const command = [...this.program.command, ...this.configFile(), ...toFlags(directives)];
    const child = Bun.spawn(command, {
      cwd: this.dir,
      env: { ...process.env, ...this.options.env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.child = child;
    running.add(this);
    this.outputEnded = Promise.all([this.collect(child.stdout), this.collect(child.stderr)]);
    await this.waitUntilReady();
  }

  connect(): Promise<RespClient> {
    return RespClient.connect(this.options.address ?? { port: this.port });
  }

  /** Runs `use` with a connection that is closed afterwards. */
  async withClient<T>(use: (client: RespClient) => Promise<T>): Promise<T> {
    await using client = await this.connect();
    return await use(client);
  }

  /** Asks it to end (SIGTERM unless told) and gives its exit code. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
    const child = this.child;
    if (child === null) throw new Error("The server is not running");
    child.kill(signal);
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    const exitCode = await this.exited();
    clearTimeout(timer);
    return exitCode;
  }

  /** Ends it as a crash would: no handler runs, nothing is flushed. */
  async kill9(): Promise<void> {
    await this.stop("SIGKILL");
  }

  /** Stops it if it runs, then starts it again on the same directory and port. */
  async restart(extra: readonly string[] = []): Promise<void> {
    if (this.child !== null) await this.stop();
    await this.start(extra);
  }

  /** Waits for the process to end by itself, as after SHUTDOWN, and gives its exit code. */
  async exited(): Promise<number> {
    const child = this.child;
    if (child === null) throw new Error("The server is not running");
    const exitCode = await child.exited;
    await this.outputEnded;
    this.child = null;
    running.delete(this);
    return exitCode;
  }

  /**
   * Waits until the server has read all that was sent to it before, and knows of every connection
   * that was closed: its turn to a new connection, which ends at once, comes behind those.
   */
  async settled(): Promise<void> {
    await using client = await this.connect();
    await ending(client);
  }

  /** Resident memory of the process now. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
  }

  /** Waits until the log has a line that `pattern` matches. */
  async waitForLog(pattern: RegExp, timeoutMs = START_TIMEOUT_MS): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!pattern.test(this.log)) {
      if (Date.now() > deadline) throw new Error(`No ${pattern} in the log:\n${this.log}`);
      await Bun.sleep(PING_INTERVAL_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child !== null) await this.kill9();
    if (this.options.dir === undefined) rmSync(this.dir, { recursive: true, force: true });
  }

  /** The path of the configuration file, which the first start writes; nothing without one. */
  private configFile(): string[] {
    if (this.options.config === undefined) return [];
    const path = join(this.dir, CONFIG_FILE);
    if (!existsSync(path)) writeFileSync(path, this.options.config.join("\n"));
    return [path];
  }

  private async collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of stream) this.log += decoder.decode(chunk, { stream: true });
  }

  private async waitUntilReady(): Promise<void> {
    const deadline = Date.now() + (this.options.startTimeoutMs ?? START_TIMEOUT_MS);
    while (!(await this.answers())) {
      if (!this.isRunning) {
        const exitCode = await this.exited();
        throw new Error(`${this.program.name} ended at start (${exitCode}):\n${this.log}`);
      }
      if (Date.now() > deadline) {
        await this.kill9();
        throw new Error(`${this.program.name} did not answer in time:\n${this.log}`);
      }
      await Bun.sleep(PING_INTERVAL_MS);
    }
  }

  /** Whether it answers a PING with anything but LOADING; a demand for a password will do. */
  private async answers(): Promise<boolean> {
    try {
      const reply = await this.withClient(async (client) => {
        const first = await client.value("PING");
        // Nobody should find this connection in a list of clients.
        await ending(client);
        return first;
      });
      return !(reply instanceof ReplyError && reply.message.startsWith("LOADING"));
    } catch {
      return false;
    }
  }
}

/** Ends the connection, and waits for the server to end it too or for what it answers instead. */
async function ending(client: RespClient): Promise<void> {
  client.halfClose();
  await client.next().catch(() => null);
}

/** Starts a server on a free port and waits until it answers. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  const server = new ServerProcess(await freePort(), options);
  try {
    await server.start();
  } catch (problem) {
    await server[Symbol.asyncDispose]();
    throw problem;
  }
  return server;
}

/** Runs a program that is expected to end by itself: `--version`, a refused configuration. */
export async function runToExit(
  args: readonly string[],
  program: Program = PEDIS,
  stdin = "",
): Promise<ExitReport> {
  const child = Bun.spawn([...program.command, ...args], {
    cwd: tmpdir(),
    stdin: Buffer.from(stdin),
    stdout: "pipe",
    stderr: "pipe",
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const exitCode = await child.exited;
  clearTimeout(timer);
  return { exitCode, stdout, stderr };
}

/** Kills what is still running and removes its directories. */
export async function stopEverything(): Promise<void> {
  await Promise.all(Array.from(running, (server) => server[Symbol.asyncDispose]()));
}

/**
 * A port that nothing listens on now, and that no other worker of `bun test` is given: each has a
 * range of its own and goes round in it. All lie below those that Linux gives to connections.
 */
export async function freePort(): Promise<number> {
  const base = FIRST_PORT + (WORKER % MAX_WORKERS) * PORTS_OF_WORKER;
  for (let tried = 0; tried < PORTS_OF_WORKER; tried++) {
    const port = base + (portsGiven++ % PORTS_OF_WORKER);
    if (await isFree(port)) return port;
  }
  throw new Error(`None of the ports from ${base} on is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, () => probe.close(() => resolve(true)));
  });
}

/** `appendonly yes` → `--appendonly yes`. */
function toFlags(directives: readonly string[]): string[] {
  return directives.flatMap((directive) => {
    const [name = "", ...values] = splitLine(directive).map((part) => Buffer.from(part).toString());
    return [`--${name}`, ...values];
  });
}
