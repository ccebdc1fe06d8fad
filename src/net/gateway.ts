/**
 * What all connections of a server share: the engine, the end of the turn, the request parser,
 * and the limits that clients must keep.
 */
import { EMPTY_BYTES } from "../base/bytes.ts";
import { LOG_VERBOSE } from "../base/log.ts";
import { clientLine } from "../engine/client-info.ts";
import type { Engine } from "../engine/engine.ts";
import {
  closeOverHardLimit,
  closeOverSoftLimit,
  outputLimitOf,
  UNLIMITED_BYTES,
} from "../engine/output-limits.ts";
import type { Session } from "../engine/session.ts";
import { MAX_CLIENTS, PROTECTED_MODE } from "../protocol/errors.ts";
import { RequestParser } from "../protocol/request-parser.ts";
import type { Socket } from "bun";
import { Connection } from "./connection.ts";
import type { Addresses } from "./connection.ts";
import type { ListenerKind } from "./listener.ts";
import { addressText } from "./socket-facts.ts";
import { RequestBatch } from "../engine/request-batch.ts";
import type { Turn } from "./turn.ts";

/** Positions in a buffer are 32-bit integers, whatever the configuration allows. */
const MAX_BUFFER_BYTES = 2 ** 31 - 1024 * 1024;
const CLOSE_AFTER_MS = 2000;
const SPARE_PARSERS = 64;

export class Gateway {
  readonly batch = new RequestBatch();
  private parser = new RequestParser();
  private readonly spareParsers: RequestParser[] = [];
  /** Connections that wait for the end of a pause, and those that may go on. */
  private waiting: Connection[] = [];
  private resuming: Connection[] = [];

  readonly engine: Engine;
  readonly turn: Turn;

  constructor(engine: Engine, turn: Turn) {
    this.engine = engine;
    this.turn = turn;
  }

  /** A new connection; it is refused where there are too many, or where it is not safe. */
  accept(socket: Socket<Connection>, kind: ListenerKind): void {
    const engine = this.engine;
    const values = engine.config.values;
    const nowMs = this.beginCallback();
    if (engine.clients.count >= values.maxclients) {
      this.turnAway(socket, MAX_CLIENTS);
      return;
    }
    // The runtime has none of a peer that has reset the connection before it was accepted.
    const address: string | undefined = socket.remoteAddress;
    if (kind !== "unix" && address === undefined) {
      socket.end();
      return;
    }
    const isLocal = kind === "unix" || isLoopback(address);
    if (values["protected-mode"] && engine.acl.defaultUser.needsNoPassword && !isLocal) {
      this.turnAway(socket, PROTECTED_MODE);
      return;
    }
    const session = engine.clients.create(engine.keyspace.database(0), nowMs);
    const connection = new Connection(this, socket, session, kind, this.addressesOf(socket, kind));
    socket.data = connection;
    if (kind !== "unix") {
      socket.setNoDelay(true);
      const keepAliveSeconds = values["tcp-keepalive"];
      if (keepAliveSeconds > 0) socket.setKeepAlive(true, keepAliveSeconds * 1000);
    }
    engine.stats.connectionsReceived++;
    engine.clients.connected(session, connection);
    if (engine.log.level <= LOG_VERBOSE) {
      engine.log.verbose(`Accepted ${connection.peerAddress}`);
    }
  }

  /** The peer sends no more. */
  peerEnded(connection: Connection): void {
    if (this.engine.log.level > LOG_VERBOSE) return;
    this.engine.log.verbose(`Client closed connection ${this.describe(connection)}`);
  }

  gone(socket: Socket<Connection>): void {
    const connection: Connection | undefined = socket.data;
    if (connection === undefined) return;
    connection.closed();
    this.engine.endSession(connection.session);
    this.engine.clients.disconnected(connection.session);
  }

  private turnAway(socket: Socket<Connection>, error: string): void {
    this.engine.stats.connectionsRejected++;
    socket.write(`-${error}\r\n`);
    socket.end();
  }

  private addressesOf(socket: Socket<Connection>, kind: ListenerKind): Addresses {
    if (kind === "unix") {
      const path = `${this.engine.config.values.unixsocket ?? ""}:0`;
      return { peer: path, local: path };
    }
    return {
      peer: addressText(socket.remoteAddress, socket.remotePort),
      local: addressText(socket.localAddress, socket.localPort),
    };
  }

  /** At the start of every callback that may run commands; returns the present. */
  beginCallback(): number {
    const nowMs = this.engine.clock.refresh();
    this.engine.context.access.setTime(nowMs);
    return nowMs;
  }

  /** The shared parser, set up for this session. */
  freshParser(session: Session): RequestParser {
    const parser = this.parser;
    const { values } = this.engine.config;
    parser.maxBulkBytes = Math.min(values["proto-max-bulk-len"], MAX_BUFFER_BYTES);
    parser.isUnauthenticated = this.mustAuthenticate(session);
    return parser;
  }

  /** A connection keeps the shared parser, with the request it is in the middle of. */
  takeParser(): void {
    this.parser = this.spareParsers.pop() ?? new RequestParser();
  }

  giveBack(parser: RequestParser): void {
    parser.args.reset(EMPTY_BYTES);
    if (this.spareParsers.length < SPARE_PARSERS) this.spareParsers.push(parser);
  }

  mustAuthenticate(session: Session): boolean {
    return this.engine.mustAuthenticate(session);
  }

  /** Bytes of requests not whole yet, or waiting, that a connection may hold. */
  get queryLimit(): number {
    return Math.min(this.engine.config.values["client-query-buffer-limit"], MAX_BUFFER_BYTES);
  }

  queryLimitReached(connection: Connection): void {
    this.engine.stats.queryBufferLimitDisconnections++;
    this.engine.log.warning(
      `Closing client that reached max query buffer length: ${this.describe(connection)}`,
    );
    connection.close();
  }

  protocolError(connection: Connection, problem: string): void {
    const error = `ERR Protocol error: ${problem}`;
    this.engine.reply.error(error);
    this.engine.stats.countError(error);
    if (this.engine.log.level > LOG_VERBOSE) return;
    this.engine.log.verbose(
      `Protocol error (${problem}) from client: ${this.describe(connection)}`,
    );
  }

  private describe(connection: Connection): string {
    return clientLine(connection.session, this.engine.clock.nowMs, 0);
  }

  /** The connection must not run requests for now; all waiting ones resume together. */
  waits(connection: Connection): void {
    this.waiting.push(connection);
  }

  /** Lets waiting connections go on, in the order they came, after the current callback. */
  resumeAll(): void {
    for (const connection of this.waiting) this.resumeSoon(connection);
    this.waiting = [];
  }

  /** Lets one connection go on after the current callback. */
  resumeSoon(connection: Connection): void {
    if (this.resuming.push(connection) > 1) return;
    setImmediate(() => {
      this.beginCallback();
      const { resuming } = this;
      this.resuming = [];
      for (const waiting of resuming) waiting.resume();
    });
  }

  /** A peer that was told of the end but does not close is closed from our side. */
  closeSoon(connection: Connection): void {
    setTimeout(() => connection.close(), CLOSE_AFTER_MS).unref();
  }

  /** Closes the connection for which so much is to be sent that it is over the hard limit. */
  isOverHardLimit(connection: Connection, pendingBytes: number): boolean {
    const { hard } = outputLimitOf(this.engine, connection.session);
    if (hard === 0 || pendingBytes < hard || pendingBytes <= UNLIMITED_BYTES) return false;
    closeOverHardLimit(this.engine, connection.session);
    return true;
  }

  /** For a peer that does not take what it asked for; also called by the cron. */
  checkOutputLimits(connection: Connection): void {
    const queued = connection.outboundBytes;
    if (this.isOverHardLimit(connection, queued)) return;
    const { soft, softSeconds } = outputLimitOf(this.engine, connection.session);
    if (soft === 0 || queued < soft) {
      connection.softLimitSinceMs = 0;
      return;
    }
    const nowMs = this.engine.clock.nowMs;
    if (connection.softLimitSinceMs === 0) connection.softLimitSinceMs = nowMs;
    if (nowMs - connection.softLimitSinceMs <= softSeconds * 1000) return;
    closeOverSoftLimit(this.engine, connection.session);
  }

  /** What the connection holds may have changed; called only while there is a limit. */
  memoryChanged(connection: Connection): void {
    this.countMemory(connection);
    this.engine.eviction.check();
  }

  /** As `memoryChanged`, at the end of a callback: what is too much can go at once. */
  callbackEnded(connection: Connection): void {
    this.countMemory(connection);
    // A request that is too large for all of them could be whole by the turn's end, and run.
    if (this.engine.clients.memory.isExceededBy(connection.inputBytes)) this.evictClients();
    this.engine.eviction.perform();
    if (this.engine.blocking.hasReady) this.engine.blocking.serve();
  }

  private countMemory(connection: Connection): void {
    const { memory } = this.engine.clients;
    memory.update(connection.session);
    if (memory.isOver) this.turn.arm();
  }

  /** Closes the largest clients until the others keep within `maxmemory-clients`. */
  evictClients(): void {
    const { clients, log, stats } = this.engine;
    const { chosen, suffices } = clients.memory.victims();
    for (const session of chosen) {
      log.notice(`Evicting client: ${clientLine(session, this.engine.clock.nowMs, 0)}`);
      stats.evictedClients++;
      session.transport?.close();
    }
    if (!suffices) log.warning("Over client maxmemory after evicting all evictable clients");
  }

  /** Idle clients and slow readers; called by the cron. */
  checkClients(nowMs: number): void {
    const timeoutMs = this.engine.config.values.timeout * 1000;
    for (const session of this.engine.clients.all()) {
      const connection = session.transport;
      if (!(connection instanceof Connection)) continue;
      this.engine.clients.notePeaks(connection, nowMs);
      if (connection.outboundBytes > 0) this.checkOutputLimits(connection);
      const idleMs = nowMs - session.lastInteractionMs;
      const mayIdle =
        session.isMonitor ||
        session.replica?.isAttached === true ||
        session.isPostponed ||
        session.blocked !== null ||
        session.subscriptions !== null;
      if (timeoutMs > 0 && idleMs > timeoutMs && !mayIdle) {
        this.engine.log.verbose("Closing idle client");
        connection.close();
      }
    }
  }

  /** A bug of ours surfaced: nothing that follows could be trusted. */
  crashed: (error: unknown) => void = (error) => {
    throw error;
  };
}

export function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.") || address.startsWith("::ffff:127.");
}
