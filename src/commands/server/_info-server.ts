/** INFO's server, clients, replication and cpu sections: who this process is and whom it serves. */
import { release, type } from "node:os";
import { PEDIS_VERSION, REDIS_VERSION } from "../../base/version.ts";
import { classOf } from "../../engine/client-class.ts";
import type { Engine } from "../../engine/engine.ts";
import type { InfoField } from "../../engine/persistence.ts";

const SECONDS_PER_DAY = 86400;

export function serverFields(engine: Engine): InfoField[] {
  const { clock, config, identity } = engine;
  const { values } = config;
  const upSeconds = Math.floor((clock.nowMs - identity.startedMs) / 1000);
  return [
    ["redis_version", REDIS_VERSION],
    ["server_name", "pedis"],
    ["pedis_version", PEDIS_VERSION],
    ["bun_version", Bun.version],
    ["redis_git_sha1", "00000000"],
    ["redis_git_dirty", 0],
    ["redis_build_id", buildId()],
    ["redis_mode", "standalone"],
    ["os", `${type()} ${release()} ${process.arch === "x64" ? "x86_64" : process.arch}`],
    ["arch_bits", 64],
    ["monotonic_clock", "POSIX clock_gettime"],
    ["multiplexing_api", process.platform === "linux" ? "epoll" : "kqueue"],
    ["atomicvar_api", "single-threaded"],
    // No C compiler was involved.
    ["gcc_version", "0.0.0"],
    ["process_id", process.pid],
    ["process_supervised", "no"],
    ["run_id", identity.runId],
    ["tcp_port", values.port === 0 ? values["tls-port"] : values.port],
    ["server_time_usec", clock.wallUs()],
    ["uptime_in_seconds", upSeconds],
    ["uptime_in_days", Math.floor(upSeconds / SECONDS_PER_DAY)],
    ["hz", values.hz],
    ["configured_hz", values.hz],
    ["lru_clock", Math.floor(clock.nowMs / 1000) & 0xffffff],
    ["executable", process.execPath],
    ["config_file", config.file ?? ""],
    ["io_threads_active", 0],
    ...shutdownFields(engine),
    ...listenerFields(engine),
  ];
}

/** While replicas are waited for. */
function shutdownFields({ shutdown }: Engine): InfoField[] {
  const { waitsForMs } = shutdown;
  return waitsForMs === null ? [] : [["shutdown_in_milliseconds", waitsForMs]];
}

/** Sixteen hexadecimal digits that follow from what the program was built of. */
function buildId(): string {
  const hash = Bun.hash.wyhash(`${PEDIS_VERSION} ${Bun.version} ${Bun.revision}`);
  return hash.toString(16).padStart(16, "0");
}

/** What is listened on; the numbers are those of Redis's connection types. */
function listenerFields(engine: Engine): InfoField[] {
  const { values } = engine.config;
  const binds = values.bind.map((address) => `,bind=${address}`).join("");
  const fields: InfoField[] = [];
  if (values.port !== 0) fields.push(["listener0", `name=tcp${binds},port=${values.port}`]);
  if (values.unixsocket !== null) fields.push(["listener1", `name=unix,bind=${values.unixsocket}`]);
  const tlsPort = values["tls-port"];
  if (tlsPort !== 0) fields.push(["listener2", `name=tls${binds},port=${tlsPort}`]);
  return fields;
}

export function clientFields(engine: Engine): InfoField[] {
  const { blocking, clients, clock, transactions } = engine;
  let waiting = blocking.count;
  let subscribers = 0;
  let replicas = 0;
  for (const session of clients.all()) {
    if (session.isPostponed) waiting++;
    const kind = classOf(session);
    if (kind === "pubsub") subscribers++;
    else if (kind === "replica") replicas++;
    if (session.transport !== null) clients.notePeaks(session.transport, clock.nowMs);
  }
  return [
    ["connected_clients", clients.count - replicas],
    ["cluster_connections", 0],
    ["maxclients", engine.config.values.maxclients],
    ["client_recent_max_input_buffer", clients.inputPeak.max(clock.nowMs)],
    ["client_recent_max_output_buffer", clients.outputPeak.max(clock.nowMs)],
    ["blocked_clients", waiting],
    ["tracking_clients", engine.tracking.clientCount],
    ["pubsub_clients", subscribers],
    ["watching_clients", transactions.watched.sessionCount],
    ["clients_in_timeout_table", blocking.timedCount],
    ["total_watched_keys", transactions.watched.keyCount],
    ["total_blocking_keys", blocking.keyCount],
    ["total_blocking_keys_on_nokey", blocking.keyCountWithoutKey],
  ];
}

export function replicationFields(engine: Engine): readonly InfoField[] {
  return engine.replication.infoFields();
}

export function cpuFields(): InfoField[] {
  const { system, user } = process.cpuUsage();
  const main = process.threadCpuUsage();
  const seconds = (us: number): string => (us / 1e6).toFixed(6);
  return [
    ["used_cpu_sys", seconds(system)],
    ["used_cpu_user", seconds(user)],
    // There are no child processes.
    ["used_cpu_sys_children", seconds(0)],
    ["used_cpu_user_children", seconds(0)],
    ["used_cpu_sys_main_thread", seconds(main.system)],
    ["used_cpu_user_main_thread", seconds(main.user)],
  ];
}
