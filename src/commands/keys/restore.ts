/** RESTORE: makes a key from what DUMP gave. */
import type { Call } from "../../engine/call.ts";
import {
  ASKING,
  command,
  DENYOOM,
  KEY_OW,
  KEY_UPDATE,
  keysAt,
  WRITE,
} from "../../engine/command.ts";
import type { ExpireTime } from "../../engine/expire-time.ts";
import { NOTIFY_GENERIC } from "../../engine/key-events.ts";
import { NO_EXPIRY } from "../../keyspace/entry-store.ts";
import { NULL_REF } from "../../memory/arena.ts";
import type { Ref } from "../../memory/arena.ts";
import { setClock } from "../../memory/entry.ts";
import {
  BAD_DUMP_PAYLOAD,
  BAD_RESTORE_DATA,
  BUSY_KEY,
  NEGATIVE_IDLE_TIME,
  NEGATIVE_RESTORE_TTL,
  RESTORE_FREQUENCY_RANGE,
  SYNTAX,
} from "../../protocol/errors.ts";
import { verifyPayload } from "../../rdb/dump-payload.ts";
import { RdbError } from "../../rdb/rdb-error.ts";
import { RdbInput } from "../../rdb/rdb-input.ts";
import { ValueDecoder } from "../../rdb/value-decoder.ts";

const KEY = 1;
const TTL = 2;
const PAYLOAD = 3;
const FIRST_OPTION = 4;
const NOT_SAID = -1;
const MAX_FREQUENCY = 255;

const RESTORE = {
  group: "generic",
  complexity:
    "O(1) for strings; O(N*M) for collections, where N is the number of elements and M their " +
    "average size, and O(N*M*log(N)) for sorted sets.",
  arity: -4,
  categories: ["keyspace", "dangerous"],
  history: [
    ["3.0.0", "Added the `REPLACE` modifier."],
    ["5.0.0", "Added the `ABSTTL` modifier."],
    ["5.0.0", "Added the `IDLETIME` and `FREQ` options."],
  ],
  keys: [keysAt(KEY_OW | KEY_UPDATE, KEY)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "ttl", type: "integer" },
    { name: "serialized-value", type: "string" },
    { name: "replace", type: "pure-token", token: "REPLACE", since: "3.0.0", optional: true },
    { name: "absttl", type: "pure-token", token: "ABSTTL", since: "5.0.0", optional: true },
    { name: "seconds", type: "integer", token: "IDLETIME", since: "5.0.0", optional: true },
    { name: "frequency", type: "integer", token: "FREQ", since: "5.0.0", optional: true },
  ],
} as const;

export const restore = command({
  ...RESTORE,
  name: "restore",
  since: "2.6.0",
  summary: "Makes a key from bytes that DUMP returned.",
  flags: WRITE | DENYOOM,
  run: restoreKey,
});

export const restoreAsking = command({
  ...RESTORE,
  name: "restore-asking",
  group: "server",
  isSystem: true,
  since: "3.0.0",
  summary: "What nodes of a cluster send each other for RESTORE.",
  flags: WRITE | DENYOOM | ASKING,
  run: restoreKey,
});

interface Options {
  replaces: boolean;
  isAbsolute: boolean;
  idleSeconds: number | bigint;
  frequency: number | bigint;
}

/** The order of the checks is Redis's (restoreCommand, cluster.c). */
function restoreKey(call: Call): void {
  const options = readOptions(call);
  if (call.refused()) return;
  const existing = call.writeKey(KEY);
  if (existing !== NULL_REF && !options.replaces) {
    call.fail(BUSY_KEY);
    return;
  }
  const ttl = call.int64(TTL);
  if (ttl < 0) call.refuse(NEGATIVE_RESTORE_TTL);
  if (call.refused()) return;
  const decoder = decodePayload(call);
  if (decoder === null) return;
  if (existing !== NULL_REF) call.database.remove(existing);
  const isRelative = ttl > 0 && !options.isAbsolute;
  const whenMs = isRelative ? timeFromNow(call, ttl) : ttl;
  if (ttl > 0 && whenMs <= call.nowMs && !call.engine.context.keepsExpired) {
    decoder.discard();
    if (existing !== NULL_REF) reportRemoval(call);
    call.reply.ok();
    return;
  }
  const { bytes, starts, lengths } = call.args;
  call.peekKey(KEY);
  const expiry = ttl > 0 ? whenMs : NO_EXPIRY;
  const ref = decoder.store(call.database, bytes, starts[KEY], lengths[KEY], expiry);
  setAccess(call, ref, options);
  call.changed(NOTIFY_GENERIC, "restore", KEY);
  if (isRelative && call.engine.effects.isActive) propagateAbsolute(call, whenMs);
  call.reply.ok();
}

function readOptions(call: Call): Options {
  const options: Options = {
    replaces: false,
    isAbsolute: false,
    idleSeconds: NOT_SAID,
    frequency: NOT_SAID,
  };
  for (let i = FIRST_OPTION; i < call.count && !call.hasProblem; i++) {
    const hasValue = i + 1 < call.count;
    if (call.is(i, "REPLACE")) options.replaces = true;
    else if (call.is(i, "ABSTTL")) options.isAbsolute = true;
    else if (call.is(i, "IDLETIME") && hasValue && options.frequency === NOT_SAID) {
      options.idleSeconds = call.int64(++i);
      if (options.idleSeconds < 0) call.refuse(NEGATIVE_IDLE_TIME);
    } else if (call.is(i, "FREQ") && hasValue && options.idleSeconds === NOT_SAID) {
      options.frequency = call.int64(++i);
      const isCounter = options.frequency >= 0 && options.frequency <= MAX_FREQUENCY;
      if (!isCounter) call.refuse(RESTORE_FREQUENCY_RANGE);
    } else {
      call.refuse(SYNTAX);
    }
  }
  return options;
}

/** The value in the payload, or null where it is refused. */
function decodePayload(call: Call): ValueDecoder | null {
  const { engine } = call;
  const { bytes, starts, lengths } = call.args;
  const start = starts[PAYLOAD];
  const length = verifyPayload(bytes, start, lengths[PAYLOAD], !engine.switches.checksums);
  if (length < 0) {
    call.fail(BAD_DUMP_PAYLOAD);
    return null;
  }
  const input = RdbInput.over(bytes, start, length);
  const decoder = new ValueDecoder(engine.context, engine.values);
  try {
    const type = input.readByte();
    decoder.accept(input, type);
    if (decoder.read(input, type, call.database.arena)) {
      if (sanitizes(call)) engine.stats.payloadSanitizations += decoder.checkedForms;
      return decoder;
    }
  } catch (error) {
    if (!(error instanceof RdbError)) throw error;
    engine.log.verbose(
      `Internal error in RDB reading offset ${error.offset} of a payload -> ${error.message}`,
    );
  }
  call.fail(BAD_RESTORE_DATA);
  return null;
}

/**
 * Whether `sanitize-dump-payload` asks for what is done with every payload: then it is counted, as
 * Redis does.
 */
function sanitizes(call: Call): boolean {
  const directive = call.engine.config.values["sanitize-dump-payload"];
  if (directive !== "clients") return directive === "yes";
  return !call.isRepeated && call.session.user?.skipsSanitizing !== true;
}

function timeFromNow(call: Call, ttl: ExpireTime): ExpireTime {
  if (typeof ttl === "number" && Number.isSafeInteger(ttl + call.nowMs)) return ttl + call.nowMs;
  // As in Redis, what is beyond the end of time is in the past.
  return BigInt.asIntN(64, BigInt(ttl) + BigInt(call.nowMs));
}

function setAccess(call: Call, ref: Ref, { idleSeconds, frequency }: Options): void {
  const { access } = call.engine.context;
  const { arena } = call.database;
  if (access.usesLfu) {
    if (frequency !== NOT_SAID) setClock(arena, ref, access.withFrequency(Number(frequency)));
  } else if (idleSeconds !== NOT_SAID) {
    setClock(arena, ref, access.idleFor(Number(idleSeconds)));
  }
}

/** The key was replaced by one that has expired. */
function reportRemoval(call: Call): void {
  call.changed(NOTIFY_GENERIC, "del", KEY);
  if (!call.engine.effects.isActive) return;
  const effects = call.instead();
  effects.begin(call.database.index, 2);
  effects.word("DEL");
  effects.argument(call.args, KEY);
}

function propagateAbsolute(call: Call, whenMs: ExpireTime): void {
  const effects = call.instead();
  const { args, count } = call;
  effects.begin(call.database.index, count + 1);
  for (let i = 0; i < count; i++) {
    if (i === TTL) effects.integer(whenMs);
    else effects.argument(args, i);
  }
  effects.word("ABSTTL");
}
