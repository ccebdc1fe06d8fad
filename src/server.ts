/**
 * The composition root: builds the parts of a server, wires what one part must tell another,
 * opens the listeners and runs the cron. Nothing below imports this file.
 */
import type { TLSOptions } from "bun";
import type { Clock } from "./base/clock.ts";
import type { Disk } from "./base/disk.ts";
import type { Log } from "./base/log.ts";
import type { Random } from "./base/random.ts";
import type { ConfiguredUser } from "./engine/acl/configured-users.ts";
import type { CommandTable } from "./engine/command-table.ts";
import type { Config } from "./engine/config/config.ts";
import { Engine } from "./engine/engine.ts";
import type { PeerUse } from "./engine/peer.ts";
import { applySettings } from "./engine/settings.ts";
import type { Session } from "./engine/session.ts";
import { KeyspaceContext } from "./keyspace/context.ts";
import { Keyspace } from "./keyspace/keyspace.ts";
import { Background } from "./net/background.ts";
import { Gateway } from "./net/gateway.ts";
import { Listeners } from "./net/listener.ts";
import { PeerConnector } from "./net/peer-socket.ts";
import { readClientTlsOptions, readTlsOptions, TLS_DIRECTIVES } from "./net/tls-options.ts";
import { Turn } from "./net/turn.ts";
import { FilePersistence } from "./persistence/persistence.ts";
import { Shutdown } from "./persistence/shutdown.ts";
import type { ShutdownSignal } from "./persistence/shutdown.ts";
import { publishKeyEvents } from "./pubsub/keyspace-notifications.ts";
import { MessageHub } from "./pubsub/message-hub.ts";
import { ServerReplication } from "./replication/replication.ts";

/** The longest time that a timer can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const TLS_REFUSED = "Failed to configure TLS. Check logs for more info.";

export interface ServerParts {
  readonly config: Config;
  readonly table: CommandTable;
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly log: Log;
}

export class Server {
  readonly engine: Engine;
  readonly gateway: Gateway;
  readonly listeners: Listeners;
  private readonly disk: Disk;
  private readonly turn: Turn;
  private readonly persistence: FilePersistence;
  private readonly replication: ServerReplication;
  private readonly shutdown: Shutdown;
  private readonly background: Background;
  private cronTimer: Timer | null = null;
  private wakeTimer: Timer | null = null;

  constructor(parts: ServerParts) {
    const { config, table, clock, random, disk, log } = parts;
    const keyspace = new Keyspace(new KeyspaceContext(clock, random), config.values.databases);
    this.disk = disk;
    this.engine = new Engine({ table, keyspace, config, clock, random, log });
    this.engine.pubsub = new MessageHub(this.engine);
    this.turn = new Turn(this.engine.reply);
    this.gateway = new Gateway(this.engine, this.turn);
    this.listeners = new Listeners(this.gateway, disk);
    this.persistence = new FilePersistence(this.engine, disk, (code) => this.onExit(code));
    this.shutdown = new Shutdown(this.engine, disk, this.persistence, {
      sendReplies: () => this.turn.finish(),
      resume: () => this.resumeAll(),
      close: () => this.close(),
      exit: (code) => this.onExit(code),
    });
    this.replication = new ServerReplication(this.engine, disk);
    this.background = new Background(this.engine, this.gateway, this.turn);
    this.wire();
    this.engine.memory.startupBytes = this.engine.memory.measure();
  }

  /** The users of the configuration and of the ACL file; null, or why the server can't start. */
  loadUsers(configured: readonly ConfiguredUser[]): string | null {
    return this.engine.acl.loadAtStart(configured, this.disk);
  }

  /** Opens the listeners; null, or why the server can't start. */
  listen(): string | null {
    const { values } = this.engine.config;
    const problem = this.openPorts();
    if (problem !== null) return problem;
    if (values.unixsocket !== null) {
      const failed = this.listeners.listenUnix(values.unixsocket, values.unixsocketperm);
      if (failed !== null) return failed;
    }
    if (this.listeners.kinds.length === 0) return "Configured to not listen anywhere, exiting.";
    return null;
  }

  /**
   * Begins the cron and loads the files, while clients are told LOADING. False where the files
   * cannot be loaded; the log says why.
   */
  async start(): Promise<boolean> {
    this.replication.begin();
    this.scheduleCron();
    if (!(await this.persistence.start())) return false;
    this.replication.start(this.persistence.loadedPosition);
    const { writer } = this.persistence.aof;
    this.turn.requireBeforeReplies(writer);
    writer.onRecovered = () => this.turn.release();
    this.warnOfSmallLimit();
    for (const kind of this.listeners.kinds) {
      this.engine.log.notice(`Ready to accept connections ${kind}`);
    }
    return true;
  }

  /** Called once everything has ended, with the exit code. */
  onExit: (code: number) => void = () => {};

  receiveSignal(signal: ShutdownSignal): void {
    this.shutdown.receive(signal);
  }

  private warnOfSmallLimit(): void {
    const { maxmemory } = this.engine.config.values;
    if (maxmemory === 0 || maxmemory >= 1024 * 1024) return;
    this.engine.log.warning(
      "WARNING: You specified a maxmemory value that is less than 1MB (current value is " +
        `${maxmemory} bytes). Are you sure this is what you really want?`,
    );
  }

  private close(): void {
    if (this.cronTimer !== null) clearTimeout(this.cronTimer);
    if (this.wakeTimer !== null) clearTimeout(this.wakeTimer);
    this.listeners.close(this.engine.config.values.unixsocket);
    this.engine.peers.closeAll();
    this.replication.close();
    this.engine.defrag.close();
    this.background.close();
  }

  private wire(): void {
    const { engine } = this;
    applySettings(engine);
    publishKeyEvents(engine);
    this.turn.feed = this.replication;
    this.replication.requestTurn = () => this.turn.arm();
    this.persistence.onSynced = () => this.replication.synced();
    this.persistence.onExpiredAtStart = (database, bytes, start, length) =>
      this.replication.serverRole.leftOut(database, bytes, start, length);
    engine.stats.countLoopCycles = () => this.turn.cycles;
    engine.pause.onEnd = () => this.resumeAll();
    engine.peers.connector = new PeerConnector(this.gateway, (use) => this.clientTls(use));
    engine.blocking.requestWake = (atMs) => this.wakeAt(atMs);
    engine.tracking.requestBroadcast = () => this.turn.arm();
    this.turn.beforeReplies = () => engine.tracking.broadcast();
    this.turn.onEnd = () => {
      if (engine.clients.memory.isOver) this.gateway.evictClients();
      this.background.turnEnded();
    };
    engine.context.onExpire = (database, bytes, start, length) =>
      engine.keyDropped(database, "expired", bytes, start, length);
    engine.context.onEvict = (database, bytes, start, length) =>
      engine.keyDropped(database, "evicted", bytes, start, length);
    engine.eviction.requestSlice = () => this.background.evictSoon();
    engine.context.onFieldsDrop = (database, key, fields, isEmpty) =>
      engine.fieldsDropped(database, key, fields, isEmpty);
    engine.allowsProtected = (session) => this.allowsDebug(session);
    const { config } = engine;
    config.onApply("bind", () => this.reopenPorts("Failed to bind to specified addresses."));
    config.onApplyAny(["port", "tls-port", ...TLS_DIRECTIVES], () =>
      this.reopenPorts("Unable to listen on this port. Check server logs."),
    );
  }

  /** Commands that waited may run: those of clients, and what the primary has sent meanwhile. */
  private resumeAll(): void {
    this.gateway.resumeAll();
    if (this.replication.link.isWaiting) setImmediate(() => this.resumeStream());
  }

  private resumeStream(): void {
    this.gateway.beginCallback();
    this.replication.link.resume();
    this.turn.settle();
  }

  private openPorts(): string | null {
    const { values } = this.engine.config;
    const tls = values["tls-port"] === 0 ? null : readTlsOptions(values, this.disk);
    if (typeof tls === "string") {
      this.engine.log.warning(tls);
      return TLS_REFUSED;
    }
    return this.listeners.listen({
      addresses: values.bind,
      port: values.port,
      tlsPort: values["tls-port"],
      tls,
    });
  }

  /** As Redis, `tls-cluster` stands for MIGRATE too. */
  private clientTls(use: PeerUse): TLSOptions | string | null {
    const { values } = this.engine.config;
    return values[use === "cluster" ? "tls-cluster" : "tls-replication"]
      ? readClientTlsOptions(values, this.disk)
      : null;
  }

  /** Follows a changed configuration; null, or why not. */
  private reopenPorts(refusal: string): string | null {
    const problem = this.openPorts();
    if (problem === TLS_REFUSED) return "Unable to update TLS configuration. Check server logs.";
    return problem === null ? null : refusal;
  }

  private allowsDebug(session: Session): boolean {
    const who = this.engine.config.values["enable-debug-command"];
    if (who !== "local") return who === "yes";
    return this.engine.isLocal(session);
  }

  /** Has blocked requests answered at their deadlines, which the cron is too coarse for. */
  private wakeAt(atMs: number): void {
    if (this.wakeTimer !== null) clearTimeout(this.wakeTimer);
    const delayMs = Math.min(Math.max(atMs - this.engine.clock.nowMs, 0), MAX_TIMER_MS);
    this.wakeTimer = setTimeout(() => {
      this.gateway.beginCallback();
      this.engine.blocking.expire();
      this.turn.settle();
    }, delayMs);
  }

  private scheduleCron(): void {
    const run = (): void => {
      this.cron();
      this.cronTimer = setTimeout(run, 1000 / this.engine.config.values.hz);
    };
    this.cronTimer = setTimeout(run, 1);
  }

  private cron(): void {
    const { engine } = this;
    // Memory is counted without what is on its way to clients.
    this.turn.finishEarly();
    const nowMs = this.gateway.beginCallback();
    if (!engine.switches.cron) return;
    this.shutdown.cron();
    const usedBytes = engine.memory.measure();
    engine.stats.sampleRates(nowMs);
    this.background.beginExpiry();
    this.persistence.cron();
    engine.pause.check(nowMs);
    engine.peers.expire(nowMs);
    this.replication.cron(nowMs);
    engine.tracking.limit();
    engine.defrag.cron(nowMs);
    if (engine.blocking.hasReady) engine.blocking.serve();
    this.gateway.checkClients(nowMs);
    if (engine.clients.memory.isLimited) engine.clients.memory.recount();
    engine.eviction.check();
    if (engine.clients.memory.isOver) this.gateway.evictClients();
    this.background.giveBack(nowMs, usedBytes);
    this.turn.settle();
  }
}
