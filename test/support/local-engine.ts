/**
 * An engine within the test, on a clock that the test sets, with the cycles that remove what has
 * expired, and without sockets or files:
 *
 *     const engine = new LocalEngine();
 *     engine.do("SET k v PX 10");
 *     engine.pass(11);
 *     expect(engine.do("GET k")).toBeNull();
 */
import { textOf } from "../../src/base/bytes.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { systemDisk } from "../../src/base/disk.ts";
import { Log } from "../../src/base/log.ts";
import { Random } from "../../src/base/random.ts";
import { allCommands } from "../../src/commands/registry.ts";
import { CommandTable } from "../../src/engine/command-table.ts";
import { Config } from "../../src/engine/config/config.ts";
import { systemHost } from "../../src/engine/config/host.ts";
import type { EffectSink } from "../../src/engine/effects.ts";
import { Engine } from "../../src/engine/engine.ts";
import type { Session } from "../../src/engine/session.ts";
import { KeyspaceContext } from "../../src/keyspace/context.ts";
import type { Database } from "../../src/keyspace/database.ts";
import { ExpiryCycle } from "../../src/keyspace/expiry.ts";
import { FieldExpiryCycle } from "../../src/keyspace/field-expiry.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import { NULL_REF } from "../../src/memory/arena.ts";
import { Arguments } from "../../src/protocol/arguments.ts";
import { REQUEST, RequestParser } from "../../src/protocol/request-parser.ts";
import { DumpEncoder } from "../../src/rdb/dump-payload.ts";
import { configuredVersion } from "../../src/rdb/rdb-version.ts";
import { type Reply, ReplyDecoder, type ReplyValue } from "./_reply-decoder.ts";
import { runSlow } from "./expiry-cycles.ts";
import { type Argument, argumentBytes, readableCommand, splitLine } from "./readable.ts";

export const START_MS = 1_700_000_000_000;

export class LocalEngine {
  readonly clock = new ManualClock(START_MS);
  readonly engine: Engine;
  readonly keys: ExpiryCycle;
  readonly fields: FieldExpiryCycle;
  private readonly session: Session;
  private readonly propagated: { database: number; bytes: Uint8Array }[] = [];
  private readonly happened: string[] = [];

  constructor(databases = 16) {
    const { clock } = this;
    const log = new Log(
      () => {},
      () => clock.nowMs,
      1,
    );
    const config = new Config(systemHost(systemDisk), log);
    const random = new Random();
    const keyspace = new Keyspace(new KeyspaceContext(clock, random), databases);
    const table = new CommandTable(allCommands());
    const engine = new Engine({ table, keyspace, config, clock, random, log });
    engine.context.onExpire = (database, bytes, start, length) =>
      engine.keyDropped(database, "expired", bytes, start, length);
    engine.context.onEvict = (database, bytes, start, length) =>
      engine.keyDropped(database, "evicted", bytes, start, length);
    engine.context.onFieldsDrop = (...dropped) => engine.fieldsDropped(...dropped);
    engine.watchKeys({
      keyChanged: (database, _kind, event, bytes, start, length) => {
        this.happened.push(`${database.index}:${event} ${textOf(bytes, start, length)}`);
      },
    });
    this.engine = engine;
    this.keys = new ExpiryCycle(keyspace, clock);
    this.fields = new FieldExpiryCycle(keyspace, clock);
    this.session = engine.clients.create(keyspace.database(0), clock.nowMs);
    this.session.isAuthenticated = true;
  }

  /** Runs a command, given as a line or as its arguments; returns the reply. */
  do(...command: readonly Argument[]): ReplyValue {
    return this.request(...command).value;
  }

  /** As `do`, with the reply's raw bytes. */
  request(...command: readonly Argument[]): Reply {
    const [line] = command;
    const isLine = command.length === 1 && typeof line === "string";
    const args = new Arguments();
    args.assign(isLine ? splitLine(line) : command.map(argumentBytes));
    const { reply } = this.engine;
    reply.clear();
    this.engine.execute(this.session, args);
    const decoder = new ReplyDecoder();
    decoder.push(reply.bytes.slice(0, reply.at));
    const one = decoder.next();
    if (one === null) throw new Error("No reply");
    return one;
  }

  /** The key's value as DUMP gives it, in bytes; null where there is none. */
  dump(key: string): Uint8Array | null {
    const { context, config } = this.engine;
    const name = argumentBytes(key);
    const { database } = this.session;
    const ref = database.peek(name, 0, name.length);
    if (ref === NULL_REF) return null;
    const encoder = DumpEncoder.of(context);
    const version = configuredVersion(config.values["rdb-version"]);
    encoder.encode(database.arena, ref, version, config.values.rdbcompression);
    return encoder.bytes.slice(0, encoder.length);
  }

  /** Moves the clock on. */
  pass(ms: number): void {
    this.clock.advance(ms);
  }

  /** What the cron does about keys and fields that have expired. */
  expire(): void {
    runSlow(this.keys);
    runSlow(this.fields);
    this.engine.effects.finishEach();
  }

  database(index: number): Database {
    return this.engine.keyspace.database(index);
  }

  /** From now on keeps what is propagated, for `effects` and `feed`. */
  recordEffects(): void {
    const append: EffectSink["append"] = (database, bytes, start, length) => {
      this.propagated.push({ database, bytes: bytes.slice(start, start + length) });
    };
    this.engine.effects.attach({ append, appendRequest: append });
  }

  /** What was propagated since the last call, as lines behind their database. */
  effects(): string[] {
    return this.propagated.splice(0).map(({ database, bytes }) => {
      const args = parsed(bytes);
      const words = Array.from({ length: args.count }, (_, i) => args.copy(i));
      return `${database}: ${readableCommand(words)}`;
    });
  }

  /** Events of keys since the last call, as `0:hexpired key`. */
  events(): string[] {
    return this.happened.splice(0);
  }

  /** Has another engine, which removes nothing by itself, do what was propagated. */
  feed(replica: LocalEngine): void {
    const { context, keyspace, table } = replica.engine;
    context.keepsExpired = context.showsExpired = true;
    replica.clock.nowMs = this.clock.nowMs;
    for (const { database, bytes } of this.propagated.splice(0)) {
      const args = parsed(bytes);
      const command = table.find(args);
      if (args.is(0, "MULTI") || args.is(0, "EXEC")) continue;
      if (command === null) throw new Error(`No command ${args.text(0)}`);
      replica.session.database = keyspace.database(database);
      const error = replica.engine.replay(replica.session, command, args);
      if (error !== null) throw new Error(`${error} for ${args.text(0)}`);
    }
  }
}

function parsed(bytes: Uint8Array): Arguments {
  const parser = new RequestParser();
  const request = bytes.slice();
  if (parser.next(request, request.length) !== REQUEST) throw new Error("not a request");
  return parser.args;
}
