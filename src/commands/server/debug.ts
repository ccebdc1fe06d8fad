/** DEBUG: for tests and operators who know what they do; guarded by enable-debug-command. */
import { matchGlob } from "../../base/glob.ts";
import { LOG_WARNING } from "../../base/log.ts";
import { secretHex } from "../../base/random.ts";
import type { Call } from "../../engine/call.ts";
import { ADMIN, command, LOADING, NOSCRIPT, PROTECTED, STALE } from "../../engine/command.ts";
import { datasetDigest, valueDigest } from "../../keyspace/digest.ts";
import { NO_SUCH_KEY } from "../../protocol/errors.ts";
import { NULL_REF } from "../../memory/arena.ts";
import { clockOf, encodingIn, encodingName, headerOf } from "../../memory/entry.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import { populate } from "./_debug-populate.ts";

type Handler = (call: Call) => void;

/** By subcommand: how many arguments it takes with both names, and what it does. */
const HANDLERS: Readonly<Record<string, readonly [least: number, most: number, run: Handler]>> = {
  SLEEP: [3, 3, sleep],
  OBJECT: [3, 4, describeObject],
  "SET-ACTIVE-EXPIRE": [3, 3, setActiveExpire],
  JMAP: [2, 2, describeHeap],
  POPULATE: [3, 5, populate],
  DIGEST: [2, 2, (call) => call.reply.simple(datasetDigest(call.engine.keyspace))],
  "DIGEST-VALUE": [3, Infinity, digestValues],
  "STRINGMATCH-LEN": [4, 4, matchStrings],
  LOG: [3, 3, writeLog],
  "CHANGE-REPL-ID": [2, 2, changeReplicationId],
  "PAUSE-CRON": [3, 3, pauseCron],
  PROTOCOL: [3, 3, showProtocol],
  ERROR: [3, 3, (call) => call.fail(call.text(2))],
  HELP: [2, 2, showHelp],
};

export const debug = command({
  name: "debug",
  group: "server",
  since: "1.0.0",
  summary: "Looks into the server and makes it do odd things, for tests.",
  complexity: "Depends on subcommand.",
  arity: -2,
  flags: ADMIN | NOSCRIPT | LOADING | STALE | PROTECTED,
  run(call) {
    const entry = HANDLERS[call.text(1).toUpperCase()];
    if (entry === undefined || call.count < entry[0] || call.count > entry[1]) {
      call.unknownSubcommand();
      return;
    }
    entry[2](call);
  },
});

function sleep(call: Call): void {
  const seconds = Number(call.text(2));
  if (seconds > 0) Bun.sleepSync(seconds * 1000);
  call.reply.ok();
}

function describeObject(call: Call): void {
  const ref = call.peekKey(2);
  if (ref === NULL_REF) {
    call.fail(NO_SUCH_KEY);
    return;
  }
  const { arena } = call.database;
  const clock = clockOf(arena, ref);
  const { access } = call.engine.context;
  const idle = access.usesLfu ? access.frequency(clock) : access.idleSeconds(clock);
  call.reply.simple(
    `Value at:0x${(ref >>> 0).toString(16)} refcount:1 ` +
      `encoding:${encodingName(encodingIn(headerOf(arena, ref)))} ` +
      `serializedlength:${call.database.stringOf(ref).length + 1} ` +
      `lru:${clock} lru_seconds_idle:${idle}`,
  );
}

function setActiveExpire(call: Call): void {
  call.engine.switches.activeExpiry = call.text(2) !== "0";
  call.reply.ok();
}

function describeHeap(call: Call): void {
  const { heapUsed, rss } = process.memoryUsage();
  call.engine.log.at(LOG_WARNING, `JS heap: ${heapUsed} bytes, resident: ${rss} bytes`);
  call.reply.ok();
}

function digestValues(call: Call): void {
  call.reply.array(call.count - 2);
  for (let i = 2; i < call.count; i++) {
    call.reply.simple(valueDigest(call.database, call.peekKey(i)));
  }
}

function matchStrings(call: Call): void {
  const { bytes, starts, lengths } = call.args;
  const isMatch = matchGlob(bytes, starts[2], lengths[2], bytes, starts[3], lengths[3], false);
  call.reply.integer(isMatch ? 1 : 0);
}

function writeLog(call: Call): void {
  call.engine.log.at(LOG_WARNING, `DEBUG LOG: ${call.text(2)}`);
  call.reply.ok();
}

function changeReplicationId(call: Call): void {
  call.engine.log.notice("Changing replication IDs after receiving change-repl-id");
  call.engine.identity.replicationId = secretHex(40);
  call.reply.ok();
}

function pauseCron(call: Call): void {
  call.engine.switches.cron = call.text(2) === "0";
  call.reply.ok();
}

/** One reply of each RESP3 type, for tests of clients. */
const PROTOCOL_SAMPLES: Readonly<Record<string, (reply: ReplyWriter) => void>> = {
  string: (reply) => reply.bulkText("Hello World"),
  integer: (reply) => reply.integer(12345),
  double: (reply) => reply.double(3141 / 1000),
  null: (reply) => reply.nil(),
  array(reply) {
    reply.array(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  set(reply) {
    reply.set(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  map(reply) {
    reply.map(3);
    for (let i = 0; i < 3; i++) {
      reply.integer(i);
      reply.boolean(i === 1);
    }
  },
  attrib(reply) {
    if (reply.resp3) {
      reply.attribute(1);
      reply.bulkText("key-popularity");
      reply.array(2);
      reply.bulkText("key:123");
      reply.integer(90);
    }
    reply.bulkText("Some real reply following the attribute");
  },
  push(reply) {
    reply.push(2);
    reply.bulkText("server-cpu-usage");
    reply.integer(42);
  },
  bignum: (reply) => reply.bigNumber("1234567999999999999999999999999999999"),
  true: (reply) => reply.boolean(true),
  false: (reply) => reply.boolean(false),
  verbatim: (reply) => reply.verbatim("This is a verbatim\nstring"),
};

function showProtocol(call: Call): void {
  const sample = PROTOCOL_SAMPLES[call.text(2).toLowerCase()];
  if (sample !== undefined) sample(call.reply);
  else {
    call.fail(
      "ERR Wrong protocol type name. Please use one of the following: string|integer|double|" +
        "null|array|set|map|attrib|push|verbatim|true|false",
    );
  }
}

function showHelp(call: Call): void {
  const names = Object.keys(HANDLERS).toSorted();
  call.reply.array(names.length + 1);
  call.reply.simple("DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const name of names) call.reply.simple(name);
}
