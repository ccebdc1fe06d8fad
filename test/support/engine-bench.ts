/** An engine with commands that block, a clock that is set, and clients without sockets. */
import { bytesOf, textOf } from "../../src/base/bytes.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { systemDisk } from "../../src/base/disk.ts";
import { Log } from "../../src/base/log.ts";
import { Random } from "../../src/base/random.ts";
import { allCommands } from "../../src/commands/registry.ts";
import type { Command } from "../../src/engine/command.ts";
import { CommandTable } from "../../src/engine/command-table.ts";
import { Config } from "../../src/engine/config/config.ts";
import { systemHost } from "../../src/engine/config/host.ts";
import { Engine } from "../../src/engine/engine.ts";
import type { EffectSink } from "../../src/engine/effects.ts";
import type { Session, Transport } from "../../src/engine/session.ts";
import { KeyspaceContext } from "../../src/keyspace/context.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import { Arguments } from "../../src/protocol/arguments.ts";
import { RequestParser } from "../../src/protocol/request-parser.ts";
import { blockingCommands } from "./blocking-commands.ts";
import { splitLine } from "./readable.ts";

export const START_MS = 1_700_000_000_000;

/** A client that keeps what it is sent. */
export class Client implements Transport {
  readonly kind = "tcp";
  readonly peerAddress: string;
  readonly localAddress = "127.0.0.1:6379";
  readonly descriptor = -1;
  readonly queryBytes = 0;
  readonly queryFreeBytes = 0;
  readonly argumentBytes = 0;
  readonly outboundBytes = 0;
  readonly outboundChunks = 0;
  readonly totalMemoryBytes: number = 0;
  readonly stream = null;
  /** Late replies of blocked requests, and what was pushed, oldest first. */
  private readonly arrived: string[] = [];
  /** Of each late reply, whether it must wait for the disk. */
  readonly awaitedDisk: boolean[] = [];
  readonly session: Session;
  private readonly bench: Bench;

  constructor(bench: Bench) {
    this.bench = bench;
    this.session = bench.engine.clients.create(bench.engine.keyspace.database(0), START_MS);
    this.session.isAuthenticated = true;
    this.peerAddress = `127.0.0.1:${this.session.id}`;
    bench.engine.clients.connected(this.session, this);
  }

  /** The reply's bytes; empty where the command blocks. */
  do(line: string): string {
    return this.bench.execute(this.session, line);
  }

  get isBlocked(): boolean {
    return this.session.blocked !== null;
  }

  /** What has arrived since the last call. */
  take(): string {
    return this.arrived.splice(0).join("");
  }

  push(bytes: Uint8Array): void {
    this.arrived.push(textOf(bytes));
  }

  unblocked(reply: Uint8Array, awaitsDisk: boolean): void {
    this.arrived.push(textOf(reply));
    this.awaitedDisk.push(awaitsDisk);
  }

  streamGrew(): void {}

  setNoDelay(): void {}

  close(): void {
    this.bench.engine.blocking.forget(this.session);
    this.bench.engine.tracking.forget(this.session);
    this.bench.engine.clients.disconnected(this.session);
  }

  resume(): void {}
}

export class Bench {
  readonly clock = new ManualClock(START_MS);
  readonly engine: Engine;
  /** Times at which the engine wanted to be woken. */
  readonly wakes: number[] = [];
  private readonly propagated: string[] = [];

  /** `commands` are there besides those of blocking-commands.ts. */
  constructor(commands: readonly Command[] = []) {
    const { clock } = this;
    const log = new Log(
      () => {},
      () => clock.nowMs,
      1,
    );
    const config = new Config(systemHost(systemDisk), log);
    const random = new Random();
    const keyspace = new Keyspace(new KeyspaceContext(clock, random), 16);
    const table = new CommandTable([...allCommands(), ...blockingCommands(), ...commands]);
    const engine = new Engine({ table, keyspace, config, clock, random, log });
    engine.blocking.requestWake = (atMs) => this.wakes.push(atMs - START_MS);
    engine.context.onExpire = (database, bytes, start, length) =>
      engine.keyDropped(database, "expired", bytes, start, length);
    engine.context.onEvict = (database, bytes, start, length) =>
      engine.keyDropped(database, "evicted", bytes, start, length);
    this.engine = engine;
  }

  connect(): Client {
    return new Client(this);
  }

  execute(session: Session, line: string): string {
    const args = new Arguments();
    args.assign(splitLine(line));
    const { reply } = this.engine;
    reply.clear();
    this.engine.execute(session, args);
    return textOf(reply.bytes, 0, reply.at);
  }

  /** Runs the request where it lies in the chunk. */
  executeRaw(session: Session, chunk: Uint8Array): void {
    const parser = new RequestParser();
    parser.next(chunk, chunk.length);
    this.engine.execute(session, parser.args);
  }

  /** From now on notes what is propagated, for `effects`. */
  recordEffects(): void {
    const note: EffectSink["append"] = (database, bytes, start, length) => {
      const words = textOf(bytes, start, length).split("\r\n");
      this.propagated.push(
        `${database}: ${words.filter((_, i) => i > 0 && i % 2 === 0).join(" ")}`,
      );
    };
    this.engine.effects.attach({ append: note, appendRequest: note });
  }

  /** What was propagated since the last call, each command behind its database. */
  effects(): string[] {
    return this.propagated.splice(0);
  }

  advance(byMs: number): void {
    this.clock.advance(byMs);
    this.engine.blocking.expire();
  }

  /** Fields of the command's line in INFO commandstats. */
  counts(name: string): { calls: number; rejected: number; failed: number } {
    const command = this.engine.table.byName(name);
    if (command === null) throw new Error(`No command ${name}`);
    return { calls: command.calls, rejected: command.rejectedCalls, failed: command.failedCalls };
  }
}

/** The reply to TAKE. */
export function taken(key: string, value: string): string {
  return `*2\r\n${bulk(key)}${bulk(value)}`;
}

export function bulk(text: string): string {
  return `$${bytesOf(text).length}\r\n${text}\r\n`;
}
