/**
 * Whole requests without a socket or a file: parsed, looked up, admitted, run and replied to, as
 * a connection does it, one by one and looking ahead (src/engine/request-batch.ts).
 */
import { ManualClock } from "../../src/base/clock.ts";
import { systemDisk } from "../../src/base/disk.ts";
import { Log } from "../../src/base/log.ts";
import { writeInteger } from "../../src/base/numbers.ts";
import { Random } from "../../src/base/random.ts";
import { bytesOf } from "../../src/base/bytes.ts";
import { allCommands } from "../../src/commands/registry.ts";
import { TOP_LEVEL } from "../../src/engine/acl/denial.ts";
import { CommandTable } from "../../src/engine/command-table.ts";
import { Config } from "../../src/engine/config/config.ts";
import { systemHost } from "../../src/engine/config/host.ts";
import { Engine } from "../../src/engine/engine.ts";
import type { Session } from "../../src/engine/session.ts";
import { KeyspaceContext } from "../../src/keyspace/context.ts";
import { Keyspace } from "../../src/keyspace/keyspace.ts";
import { MAX_LOOK_AHEAD, RequestBatch } from "../../src/engine/request-batch.ts";
import { REQUEST, RequestParser } from "../../src/protocol/request-parser.ts";
import { MessageHub } from "../../src/pubsub/message-hub.ts";
import type { Body, MicroBenchmark } from "./benchmark.ts";
import { randomIndices } from "./keys.ts";

const PIPELINE = 64;
const CHUNKS = 64;
const VALUE = "v".repeat(16);

export const execute: readonly MicroBenchmark[] = [
  { name: "PING", prepare: (count) => oneByOne(count, PING) },
  { name: "GET", prepare: (count) => oneByOne(count, GET) },
  { name: "GET by a user with ten rules", prepare: (count) => oneByOne(count, GET, TEN_RULES) },
  { name: "GET, looking ahead", prepare: (count) => lookingAhead(count, GET) },
  { name: "SET", prepare: (count) => oneByOne(count, SET) },
  { name: "SET, looking ahead", prepare: (count) => lookingAhead(count, SET) },
  { name: "INCR", prepare: (count) => oneByOne(count, INCR) },
  { name: "PUBLISH to no one, looking ahead", prepare: (count) => lookingAhead(count, PUBLISH) },
];

interface Load {
  readonly request: string;
  readonly replyBytes: number;
}

const KEY_DIGITS = "000000000000";
const PING: Load = { request: "*1\r\n$4\r\nPING\r\n", replyBytes: "+PONG\r\n".length };
const GET: Load = {
  request: `*2\r\n$3\r\nGET\r\n$16\r\nkey:${KEY_DIGITS}\r\n`,
  replyBytes: `$16\r\n${VALUE}\r\n`.length,
};
const SET: Load = {
  request: `*3\r\n$3\r\nSET\r\n$16\r\nkey:${KEY_DIGITS}\r\n$16\r\n${VALUE}\r\n`,
  replyBytes: "+OK\r\n".length,
};
/** A counter that keeps its ten digits for as long as the benchmark can run. */
const INCR: Load = {
  request: "*2\r\n$4\r\nINCR\r\n$7\r\ncounter\r\n",
  replyBytes: ":1000000000\r\n".length,
};

/** Somebody listens, to another channel. */
const PUBLISH: Load = {
  request: `*3\r\n$7\r\nPUBLISH\r\n$16\r\nkey:${KEY_DIGITS}\r\n$16\r\n${VALUE}\r\n`,
  replyBytes: ":0\r\n".length,
};
const SUBSCRIBE = bytesOf("*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nnews\r\n");

interface Bench {
  readonly engine: Engine;
  readonly session: Session;
  /** Pipelines of requests for random keys. */
  readonly chunks: readonly Uint8Array[];
}

/** Of the key patterns, the last one is that of the keys. */
const TEN_RULES = "~a:* ~b:* %R~c:* %W~d:* ~e:* ~f:* ~key:* +@read +@write -@dangerous".split(" ");

function oneByOne(itemCount: number, load: Load, rules: readonly string[] = []): Body {
  const { engine, session, chunks } = prepared(itemCount, load);
  if (rules.length > 0) {
    engine.acl.setUser("limited", ["on", "nopass", ...rules], null);
    engine.acl.authenticate(session, "limited", "", "AUTH", TOP_LEVEL);
  }
  const parser = new RequestParser();
  return {
    operations: CHUNKS * PIPELINE,
    expected: CHUNKS * PIPELINE * load.replyBytes,
    run() {
      let replied = 0;
      for (const chunk of chunks) {
        engine.reply.clear();
        parser.restart(0);
        while (parser.next(chunk, chunk.length) === REQUEST) engine.execute(session, parser.args);
        replied += engine.reply.at;
      }
      return replied;
    },
  };
}

function lookingAhead(itemCount: number, load: Load): Body {
  const { engine, session, chunks } = prepared(itemCount, load);
  const parser = new RequestParser();
  const batch = new RequestBatch();
  return {
    operations: CHUNKS * PIPELINE,
    expected: CHUNKS * PIPELINE * load.replyBytes,
    run() {
      let replied = 0;
      for (const chunk of chunks) {
        engine.reply.clear();
        parser.restart(0);
        do {
          batch.parse(parser, chunk, chunk.length, MAX_LOOK_AHEAD);
          batch.prefetch(session.database);
          for (let i = 0; i < batch.count; i++) {
            batch.announce(i, engine.context);
            engine.execute(session, batch.request(i));
          }
        } while (batch.status === REQUEST);
        replied += engine.reply.at;
      }
      return replied;
    },
  };
}

function prepared(itemCount: number, load: Load): Bench {
  const engine = makeEngine();
  const session = engine.clients.create(engine.keyspace.database(0), 0);
  send(engine, engine.clients.create(engine.keyspace.database(0), 0), SUBSCRIBE);
  send(engine, session, bytesOf("*3\r\n$3\r\nSET\r\n$7\r\ncounter\r\n$10\r\n1000000000\r\n"));
  for (let i = 0; i < itemCount; i++) send(engine, session, numbered(SET.request, i));
  const wanted = randomIndices(CHUNKS * PIPELINE, itemCount);
  const chunks = Array.from({ length: CHUNKS }, (_, chunk) => {
    const indices = wanted.subarray(chunk * PIPELINE, (chunk + 1) * PIPELINE);
    return new Uint8Array(
      Buffer.concat(Array.from(indices, (index) => numbered(load.request, index))),
    );
  });
  return { engine, session, chunks };
}

function makeEngine(): Engine {
  const clock = new ManualClock(0);
  const random = new Random();
  const log = new Log(
    () => {},
    () => 0,
    1,
  );
  const keyspace = new Keyspace(new KeyspaceContext(clock, random), 1);
  const table = new CommandTable(allCommands());
  const config = new Config(systemHost(systemDisk), log);
  const engine = new Engine({ table, keyspace, config, clock, random, log });
  engine.pubsub = new MessageHub(engine);
  return engine;
}

function send(engine: Engine, session: Session, request: Uint8Array): void {
  const parser = new RequestParser();
  parser.next(request, request.length);
  engine.reply.clear();
  engine.execute(session, parser.args);
}

/** The request with the number in place of its key's last digits, where it has such a key. */
function numbered(request: string, index: number): Uint8Array {
  const bytes = bytesOf(request);
  const at = request.indexOf(KEY_DIGITS);
  if (at < 0) return bytes;
  const digits = new Uint8Array(KEY_DIGITS.length);
  const length = writeInteger(digits, 0, index);
  bytes.set(digits.subarray(0, length), at + KEY_DIGITS.length - length);
  return bytes;
}
