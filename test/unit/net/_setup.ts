/** A gateway with a real engine, a clock that is set, and sockets that take what a test lets. */
import type { Socket } from "bun";
import { bytesOf, textOf } from "../../../src/base/bytes.ts";
import { ManualClock } from "../../../src/base/clock.ts";
import { systemDisk } from "../../../src/base/disk.ts";
import { Log } from "../../../src/base/log.ts";
import { Random } from "../../../src/base/random.ts";
import { allCommands } from "../../../src/commands/registry.ts";
import { CommandTable } from "../../../src/engine/command-table.ts";
import { Config } from "../../../src/engine/config/config.ts";
import type { DirectiveName } from "../../../src/engine/config/directives.ts";
import { systemHost } from "../../../src/engine/config/host.ts";
import { Engine } from "../../../src/engine/engine.ts";
import { KeyspaceContext } from "../../../src/keyspace/context.ts";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import type { Connection } from "../../../src/net/connection.ts";
import { Gateway } from "../../../src/net/gateway.ts";
import type { ListenerKind } from "../../../src/net/listener.ts";
import { Turn } from "../../../src/net/turn.ts";
import { MessageHub } from "../../../src/pubsub/message-hub.ts";
import { blockingCommands } from "../../support/blocking-commands.ts";

export const START_MS = 1_700_000_000_000;

/** The server's end of a connection whose peer takes `roomBytes` more. */
export class FakeSocket {
  data: Connection | undefined;
  /** All that the server sent. */
  sent = "";
  /** How often `write` was called. */
  writes = 0;
  roomBytes = Infinity;
  isShutDown = false;
  isClosed = false;
  readonly remoteAddress: string;
  readonly remotePort = 40_000;
  readonly localAddress = "127.0.0.1";
  readonly localPort = 6379;
  private readonly gateway: Gateway;

  constructor(gateway: Gateway, remoteAddress: string) {
    this.gateway = gateway;
    this.remoteAddress = remoteAddress;
  }

  write(bytes: Uint8Array | string, start = 0, length = bytes.length - start): number {
    if (this.isClosed) return -1;
    this.writes++;
    const taken = Math.min(length, this.roomBytes);
    this.roomBytes -= taken;
    this.sent += typeof bytes === "string" ? bytes : textOf(bytes, start, taken);
    return taken;
  }

  setNoDelay(): void {}

  setKeepAlive(): void {}

  shutdown(): void {
    this.isShutDown = true;
  }

  end(): void {
    this.close();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.gateway.gone(asSocket(this));
  }

  /** The peer takes `bytes` more. */
  drain(bytes: number): void {
    this.roomBytes = bytes;
    this.data?.drained();
  }

  /** The peer sends these bytes in one piece. */
  receive(text: string): void {
    this.data?.receive(bytesOf(text));
  }

  /** What was sent since the last call. */
  take(): string {
    const { sent } = this;
    this.sent = "";
    return sent;
  }
}

export function asSocket(socket: FakeSocket): Socket<Connection> {
  return socket as unknown as Socket<Connection>;
}

export class Fixture {
  readonly clock = new ManualClock(START_MS);
  readonly logged: string[] = [];
  readonly engine: Engine;
  readonly turn: Turn;
  readonly gateway: Gateway;

  constructor(directives: Partial<Record<DirectiveName, string>> = {}) {
    const { clock } = this;
    const log = new Log(
      (line) => this.logged.push(line),
      () => clock.nowMs,
      1,
    );
    const config = new Config(systemHost(systemDisk), log);
    for (const [name, value] of Object.entries(directives)) {
      const problem = config.assign(name as DirectiveName, value.split(" "));
      if (problem !== null) throw new Error(`${name}: ${problem}`);
    }
    const random = new Random();
    const keyspace = new Keyspace(new KeyspaceContext(clock, random), 16);
    const table = new CommandTable([...allCommands(), ...blockingCommands()]);
    this.engine = new Engine({ table, keyspace, config, clock, random, log });
    this.engine.pubsub = new MessageHub(this.engine);
    this.turn = new Turn(this.engine.reply);
    this.gateway = new Gateway(this.engine, this.turn);
    this.engine.pause.onEnd = () => this.gateway.resumeAll();
  }

  connect(remoteAddress = "127.0.0.1", kind: ListenerKind = "tcp"): FakeSocket {
    const socket = new FakeSocket(this.gateway, remoteAddress);
    this.gateway.accept(asSocket(socket), kind);
    return socket;
  }

  /** Lets the turn end, and what was put off until after it. */
  async settle(): Promise<void> {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
  }
}
