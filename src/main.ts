/**
 * The executable: arguments and configuration to a running server, signals to its end, and its
 * end to an exit code.
 */
import { SystemClock } from "./base/clock.ts";
import { type Disk, errorCode, systemDisk, writeWhole } from "./base/disk.ts";
import { bytesOf } from "./base/bytes.ts";
import { Log } from "./base/log.ts";
import { Random } from "./base/random.ts";
import { PEDIS_VERSION, REDIS_VERSION } from "./base/version.ts";
import { allCommands } from "./commands/registry.ts";
import { ruleContext } from "./engine/acl/acl.ts";
import { Catalog } from "./engine/acl/catalog.ts";
import { ConfiguredUsers } from "./engine/acl/configured-users.ts";
import { helpText, logoText, versionText } from "./engine/banner.ts";
import { CommandTable } from "./engine/command-table.ts";
import { type CommandLine, parseCommandLine } from "./engine/config/command-line.ts";
import { Config } from "./engine/config/config.ts";
import { systemHost } from "./engine/config/host.ts";
import type { FileDirectives } from "./engine/config/load.ts";
import { systemErrorText } from "./engine/config/system-errors.ts";
import { Server } from "./server.ts";

/** Tells the process that a daemon's parent started that it is the daemon. */
const DAEMON_MARK = "PEDIS_DAEMON";
const DEFAULT_PIDFILE = "/var/run/redis.pid";
const STANDARD_OUTPUT = 1;
const STANDARD_ERROR = 2;

async function main(): Promise<void> {
  const line = parseCommandLine(process.argv.slice(2));
  if (line.request !== "run") {
    print(line.request === "version" ? versionText() : helpText());
    return;
  }
  if (line.sentinel) refuse("Sentinel mode is not supported: run redis-sentinel beside Pedis.\n");
  const clock = new SystemClock();
  const log = new Log(print, () => clock.refresh(), process.pid);
  const config = new Config(systemHost(systemDisk), log);
  const table = new CommandTable(allCommands());
  const users = usersOf(config, table, log);
  await loadConfig(config, line, log, users);
  openLog(config, log, systemDisk);
  if (config.values.daemonize && process.env[DAEMON_MARK] === undefined) {
    becomeDaemon();
    return;
  }
  greet(line, log);
  const random = new Random();
  const server = new Server({ config, table, clock, random, disk: systemDisk, log });
  const refusal = server.loadUsers(users.list);
  if (refusal !== null) {
    log.warning(refusal);
    process.exit(1);
  }
  await run(server, config, log);
}

function usersOf(config: Config, table: CommandTable, log: Log): ConfiguredUsers {
  const catalog = new Catalog(table);
  return new ConfiguredUsers(() =>
    ruleContext(catalog, config.values["acl-pubsub-default"], (text) => log.warning(text)),
  );
}

async function loadConfig(
  config: Config,
  line: CommandLine,
  log: Log,
  users: ConfiguredUsers,
): Promise<void> {
  const standardInput = line.readsStandardInput
    ? Buffer.from(await Bun.stdin.arrayBuffer()).toString("latin1")
    : null;
  const sources = { file: line.file, standardInput, options: line.options };
  const directives: FileDirectives = {
    user: (args) => users.add(args),
    renameCommand: () => "rename-command is not supported yet",
  };
  const failure = config.load(sources, directives, REDIS_VERSION);
  if (failure === null) return;
  if (failure.channel === "log") log.warning(failure.text);
  else process.stderr.write(bytesOf(failure.text));
  process.exit(1);
}

/** Sends the log where the configuration says; each line is one write. */
function openLog(config: Config, log: Log, disk: Disk): void {
  const path = config.values.logfile;
  if (path === "") return;
  const absolute = path.startsWith("/") ? path : `${process.cwd()}/${path}`;
  log.write = (text) => {
    // Opened for each line, as Redis does, so that log rotation needs no signal.
    try {
      const descriptor = disk.open(absolute, "a");
      writeLine(disk, descriptor, text);
      disk.close(descriptor);
    } catch {
      // There is nowhere to say so.
    }
  };
}

/** What can't be written (nobody reads it, or the disk is full) is lost: the server goes on. */
function writeLine(disk: Disk, descriptor: number, text: string): void {
  const bytes = Buffer.from(text, "latin1");
  try {
    writeWhole(disk, descriptor, bytes, 0, bytes.length);
  } catch {
    // A log that cannot be written has nowhere to say so.
  }
}

function greet(line: CommandLine, log: Log): void {
  log.notice("oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo");
  log.notice(
    `Redis version=${REDIS_VERSION}, bits=64, pedis=${PEDIS_VERSION}, bun=${Bun.version}, ` +
      `modified=0, pid=${process.pid}, just started`,
  );
  if (line.options === null) {
    log.warning(
      "Warning: no config file specified, using the default config. In order to specify a " +
        "config file use ./pedis-server /path/to/redis.conf",
    );
  } else {
    log.notice("Configuration loaded");
  }
}

/** The logo, or a line instead. The ports are open by then: whoever waits for it may connect. */
function showLogo(config: Config, log: Log): void {
  const { values } = config;
  log.role = values.replicaof === null ? "M" : "S";
  const port = values.port === 0 ? values["tls-port"] : values.port;
  const isTerminal = values.logfile === "" && process.stdout.isTTY;
  if (values["always-show-logo"] || isTerminal) {
    log.raw(logoText(port, process.pid));
  } else {
    log.notice(`Running mode=standalone, port=${port}.`);
  }
}

async function run(server: Server, config: Config, log: Log): Promise<void> {
  const exit = (code: number): never => {
    if (code === 0) {
      removePidFile(config, log);
      log.warning("Redis is now ready to exit, bye bye...");
    }
    process.exit(code);
  };
  const crash = (error: unknown): never => reportBug(error, log);
  server.gateway.crashed = crash;
  process.on("uncaughtException", crash);
  process.on("unhandledRejection", crash);
  server.onExit = exit;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => server.receiveSignal(signal));
  }
  process.on("SIGHUP", () => {});
  const problem = server.listen();
  if (problem !== null) {
    log.warning(problem);
    process.exit(1);
  }
  writePidFile(config, log);
  showLogo(config, log);
  log.notice("Server initialized");
  if (!(await server.start())) process.exit(1);
}

/** Stops the process on a bug: what follows an assertion that failed can't be trusted. */
function reportBug(error: unknown, log: Log): never {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  log.warning("=== PEDIS BUG REPORT START ===");
  for (const part of text.split("\n")) log.warning(part);
  log.warning("=== PEDIS BUG REPORT END ===");
  process.exit(1);
}

function pidFilePath(config: Config): string | null {
  const { pidfile, daemonize } = config.values;
  return pidfile ?? (daemonize ? DEFAULT_PIDFILE : null);
}

function writePidFile(config: Config, log: Log): void {
  const path = pidFilePath(config);
  if (path === null) return;
  try {
    const descriptor = systemDisk.open(path, "w");
    const bytes = bytesOf(`${process.pid}\n`);
    writeWhole(systemDisk, descriptor, bytes, 0, bytes.length);
    systemDisk.close(descriptor);
  } catch (error) {
    log.warning(`Failed to write PID file: ${systemErrorText(error)}`);
  }
}

function removePidFile(config: Config, log: Log): void {
  const path = pidFilePath(config);
  if (path === null) return;
  log.notice("Removing the pid file.");
  try {
    systemDisk.remove(path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") log.warning(systemErrorText(error));
  }
}

/** Starts this program again without a terminal; the caller returns to its shell. */
function becomeDaemon(): void {
  const isCompiled = Bun.main.startsWith("/$bunfs/");
  const command = isCompiled ? [process.execPath] : [process.execPath, Bun.main];
  const child = Bun.spawn([...command, ...process.argv.slice(2)], {
    env: { ...process.env, [DAEMON_MARK]: "1" },
    stdio: ["ignore", "ignore", "ignore"],
    detached: true,
  });
  child.unref();
}

function print(text: string): void {
  writeLine(systemDisk, STANDARD_OUTPUT, text);
}

function refuse(text: string): never {
  const bytes = bytesOf(text);
  writeWhole(systemDisk, STANDARD_ERROR, bytes, 0, bytes.length);
  process.exit(1);
}

await main();
