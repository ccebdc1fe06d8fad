/**
 * DEBUG: for tests and operators who know what they do; guarded by enable-debug-command. Redis
 * takes it for one command, not for a container: its subcommands are told apart here, each an
 * entry of SUBCOMMANDS, from which DEBUG HELP follows.
 */
import { matchGlob } from "../../base/glob.ts";
import { LOG_WARNING } from "../../base/log.ts";
import type { Call } from "../../engine/call.ts";
import { ADMIN, command, LOADING, NOSCRIPT, PROTECTED, STALE } from "../../engine/command.ts";
import { replyHelp } from "../../engine/help.ts";
import { datasetDigest } from "../../keyspace/digest.ts";
import { unknownSubcommandOrArity } from "../../protocol/errors.ts";
import { rewriteConfig } from "./_config-rewrite.ts";
import { describeObject, digestValues } from "./_debug-object.ts";
import { populate } from "./_debug-populate.ts";
import { showProtocol } from "./_debug-protocol.ts";
import { reload } from "./_debug-reload.ts";

interface Subcommand {
  /** What follows the name, as HELP shows it. */
  readonly usage?: string;
  readonly help: string;
  /** How many arguments follow the name, at least and at most. */
  readonly count: readonly [least: number, most: number];
  readonly run: (call: Call) => void;
}

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  "AOF-FLUSH-SLEEP": {
    usage: "<microseconds>",
    help: "Stops the whole server for so long before each write to the append-only file.",
    count: [1, 1],
    run: setAofFlushSleep,
  },
  "CHANGE-REPL-ID": {
    help: "Gives the server a new replication ID.",
    count: [0, 0],
    run: changeReplicationId,
  },
  "CONFIG-REWRITE-FORCE-ALL": {
    help: "As CONFIG REWRITE, with every directive: defaults are written too.",
    count: [0, 0],
    run: (call) => rewriteConfig(call, true),
  },
  DIGEST: {
    help: "Shows a checksum of all keys and values, which does not depend on their order.",
    count: [0, 0],
    run: (call) => call.reply.simple(datasetDigest(call.engine.keyspace)),
  },
  "DIGEST-VALUE": {
    usage: "[<key> ...]",
    help: "Shows a checksum of each key's value, zeros where there is none.",
    count: [0, Infinity],
    run: digestValues,
  },
  ERROR: {
    usage: "<text>",
    help: "Answers with this error.",
    count: [1, 1],
    run: (call) => call.fail(call.text(2)),
  },
  JMAP: {
    help: "Logs how much memory the JavaScript heap and the process take.",
    count: [0, 0],
    run: describeHeap,
  },
  LOADAOF: {
    help: "Writes what is pending, drops everything and loads the append-only file.",
    count: [0, 0],
    run: loadAof,
  },
  LOG: { usage: "<text>", help: "Writes the text to the log.", count: [1, 1], run: writeLog },
  OBJECT: {
    usage: "<key>",
    help: "Shows how the value of a key is kept.",
    count: [1, 1],
    run: describeObject,
  },
  "PAUSE-CRON": {
    usage: "<0|1>",
    help: "Suspends, with 1, what the server does by the clock.",
    count: [1, 1],
    run: pauseCron,
  },
  POPULATE: {
    usage: "<count> [<prefix>] [<size>]",
    help: "Makes string keys prefix:0, prefix:1 and so on; they are not propagated.",
    count: [1, 3],
    run: populate,
  },
  PROTOCOL: {
    usage: "<type>",
    help: "Answers with a sample of a reply type; an unknown one lists them all.",
    count: [1, 1],
    run: showProtocol,
  },
  RELOAD: {
    usage: "[MERGE] [NOFLUSH] [NOSAVE]",
    help: "Saves the snapshot file, drops everything and loads it; NOFLUSH drops nothing first.",
    count: [0, 3],
    run: reload,
  },
  REPLICATE: {
    usage: "<command> [<argument> ...]",
    help: "Has the replicas run a command that does not run here.",
    count: [1, Infinity],
    run: replicate,
  },
  REPLYBUFFER: {
    usage: "RESIZING <0|1>",
    help: "With 0, the buffer that replies are written to stays as large as it has become.",
    count: [2, 2],
    run: setReplyBuffer,
  },
  "SET-ACTIVE-EXPIRE": {
    usage: "<0|1>",
    help: "With 0, expired keys are removed only when somebody asks for them.",
    count: [1, 1],
    run: setActiveExpire,
  },
  "SET-SKIP-CHECKSUM-VALIDATION": {
    usage: "<0|1>",
    help: "With 1, the checksums of RDB files and of what RESTORE is given are not looked at.",
    count: [1, 1],
    run: setSkipChecksums,
  },
  SLEEP: {
    usage: "<seconds>",
    help: "Stops the whole server for so long; fractions are possible.",
    count: [1, 1],
    run: sleep,
  },
  "STRINGMATCH-LEN": {
    usage: "<pattern> <text>",
    help: "Tells by 1 or 0 whether a glob-style pattern matches a text.",
    count: [2, 2],
    run: matchStrings,
  },
};

export const debug = command({
  name: "debug",
  group: "server",
  since: "1.0.0",
  summary: "Looks into the server and makes it do odd things, for tests.",
  complexity: "Depends on subcommand.",
  isSystem: true,
  arity: -2,
  flags: ADMIN | NOSCRIPT | LOADING | STALE | PROTECTED,
  run(call) {
    const name = call.text(1).toUpperCase();
    const given = call.count - 2;
    if (name === "HELP" && given === 0) {
      showHelp(call);
      return;
    }
    const found = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : null;
    if (found === null || given < found.count[0] || given > found.count[1]) {
      call.fail(unknownSubcommandOrArity("DEBUG", call.text(1)));
      return;
    }
    found.run(call);
  },
});

function showHelp(call: Call): void {
  const lines: string[] = [];
  for (const [name, { usage, help }] of Object.entries(SUBCOMMANDS)) {
    lines.push(usage === undefined ? name : `${name} ${usage}`, `    ${help}`);
  }
  replyHelp(call, "DEBUG", lines);
}

/** What follows the sleep sees the time after it. */
function sleep(call: Call): void {
  const { clock, context } = call.engine;
  const seconds = Number.parseFloat(call.text(2));
  if (seconds > 0 && seconds < Infinity) Bun.sleepSync(seconds * 1000);
  context.access.setTime(clock.refresh());
  call.reply.ok();
}

/** Where the files can't be loaded the server ends, as there is nothing to go on with. */
function loadAof(call: Call): void {
  if (call.engine.persistence.reloadAof()) call.reply.ok();
  else call.fail("ERR Error trying to load the AOF files, check server logs.");
}

function setAofFlushSleep(call: Call): void {
  const microseconds = Number.parseInt(call.text(2), 10);
  call.engine.switches.aofFlushSleepMs = microseconds > 0 ? microseconds / 1000 : 0;
  call.reply.ok();
}

/** A switch as atoi(3) reads it: any number but 0 is on, what is no number is off. */
function isOn(call: Call, index = 2): boolean {
  const number = Number.parseInt(call.text(index), 10);
  return number !== 0 && !Number.isNaN(number);
}

function setActiveExpire(call: Call): void {
  call.engine.switches.activeExpiry = isOn(call);
  call.reply.ok();
}

function setSkipChecksums(call: Call): void {
  call.engine.switches.checksums = !isOn(call);
  call.reply.ok();
}

function pauseCron(call: Call): void {
  call.engine.switches.cron = !isOn(call);
  call.reply.ok();
}

/** Redis has a buffer for each client, and more options; here all clients share one. */
function setReplyBuffer(call: Call): void {
  if (!call.is(2, "RESIZING")) {
    call.fail(unknownSubcommandOrArity("DEBUG", call.text(1)));
    return;
  }
  call.reply.mayShrink = isOn(call, 3);
  call.reply.ok();
}

function describeHeap(call: Call): void {
  const { heapUsed, rss } = process.memoryUsage();
  call.engine.log.at(LOG_WARNING, `JS heap: ${heapUsed} bytes, resident: ${rss} bytes`);
  call.reply.ok();
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

function replicate({ args, engine, reply, session }: Call): void {
  engine.effects.message(session.database.index, args, 2);
  reply.ok();
}

function changeReplicationId(call: Call): void {
  const { log, replication } = call.engine;
  log.at(LOG_WARNING, "Changing replication IDs after receiving DEBUG change-repl-id");
  replication.changeId();
  call.reply.ok();
}
