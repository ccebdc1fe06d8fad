/** Strings as numbers: exact 64-bit integers, and floats as Redis's long double. */
import {
  addLongDoubles,
  formatLongDouble,
  longDoubleFromInteger,
  parseLongDouble,
} from "../../base/long-double.ts";
import { bytesOf } from "../../base/bytes.ts";
import { addInt64, MIN_INT64 } from "../../base/int64.ts";
import { parseInt64, parseSafeInteger } from "../../base/numbers.ts";
import type { Call } from "../../engine/call.ts";
import {
  command,
  DENYOOM,
  FAST,
  KEY_ACCESS,
  KEY_RW,
  KEY_UPDATE,
  keysAt,
  WRITE,
} from "../../engine/command.ts";
import { NOTIFY_STRING } from "../../engine/key-events.ts";
import { KEEP_EXPIRY } from "../../keyspace/entry-store.ts";
import { NULL_REF } from "../../memory/arena.ts";
import type { Ref } from "../../memory/arena.ts";
import {
  ENCODING_EMBSTR,
  ENCODING_RAW,
  flagsIn,
  headerOf,
  integerOf,
  TYPE_STRING,
} from "../../memory/entry.ts";
import {
  DECREMENT_OVERFLOW,
  NAN_OR_INFINITY,
  NOT_A_FLOAT,
  NOT_AN_INTEGER,
  OVERFLOW,
} from "../../protocol/errors.ts";
import { EMBSTR_LIMIT, isInteger } from "../../values/string.ts";

const COUNTER = {
  group: "string",
  complexity: "O(1)",
  flags: WRITE | DENYOOM | FAST,
  categories: ["string"],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_UPDATE, 1)],
} as const;

export const incr = command({
  ...COUNTER,
  name: "incr",
  since: "1.0.0",
  summary: "Adds one to the integer that a key holds; a missing key counts as 0.",
  arity: 2,
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run: (call) => add(call, 1),
});

export const decr = command({
  ...COUNTER,
  name: "decr",
  since: "1.0.0",
  summary: "Subtracts one from the integer that a key holds; a missing key counts as 0.",
  arity: 2,
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run: (call) => add(call, -1),
});

export const incrby = command({
  ...COUNTER,
  name: "incrby",
  since: "1.0.0",
  summary: "Adds a number to the integer that a key holds; a missing key counts as 0.",
  arity: 3,
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "increment", type: "integer" },
  ],
  run(call) {
    const increment = call.int64(2);
    if (!call.refused()) add(call, increment);
  },
});

export const decrby = command({
  ...COUNTER,
  name: "decrby",
  since: "1.0.0",
  summary: "Subtracts a number from the integer that a key holds; a missing key counts as 0.",
  arity: 3,
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "decrement", type: "integer" },
  ],
  run(call) {
    const decrement = call.int64(2);
    if (call.refused()) return;
    if (decrement === MIN_INT64) call.fail(DECREMENT_OVERFLOW);
    else add(call, typeof decrement === "number" ? 0 - decrement : -decrement);
  },
});

export const incrbyfloat = command({
  ...COUNTER,
  name: "incrbyfloat",
  since: "2.6.0",
  summary: "Adds a floating point number to the one that a key holds.",
  arity: 3,
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "increment", type: "double" },
  ],
  run: addFloat,
});

/** The integer in the string entry; a problem is noted where it holds none. */
function integerAt(call: Call, ref: Ref): number | bigint {
  if (ref === NULL_REF) return 0;
  const { arena } = call.database;
  if (isInteger(arena, ref)) return integerOf(arena, ref, flagsIn(headerOf(arena, ref)));
  const text = call.database.stringOf(ref);
  const safe = parseSafeInteger(text.bytes, text.start, text.length);
  if (safe === safe) return safe;
  const exact = parseInt64(text.bytes, text.start, text.length);
  if (exact === null) call.refuse(NOT_AN_INTEGER);
  return exact ?? 0;
}

function add(call: Call, increment: number | bigint): void {
  const ref = call.writeKey(1);
  if (call.isWrongType(ref, TYPE_STRING)) return;
  const value = integerAt(call, ref);
  if (call.refused()) return;
  const sum = addInt64(value, increment);
  if (sum === null) {
    call.fail(OVERFLOW);
    return;
  }
  const { args, database } = call;
  if (ref !== NULL_REF && isInteger(database.arena, ref)) database.setInteger(ref, sum);
  else {
    const { bytes, starts, lengths } = args;
    database.storeInteger(ref, bytes, starts[1], lengths[1], sum, KEEP_EXPIRY);
  }
  call.changed(NOTIFY_STRING, "incrby", 1);
  call.reply.int64(sum);
}

function addFloat(call: Call): void {
  const { args, database } = call;
  const { bytes, starts, lengths } = args;
  const ref = call.writeKey(1);
  if (call.isWrongType(ref, TYPE_STRING)) return;
  const value = ref === NULL_REF ? longDoubleFromInteger(0) : floatAt(call, ref);
  const increment = parseLongDouble(bytes, starts[2], lengths[2]);
  if (value === null || increment === null) {
    call.fail(NOT_A_FLOAT);
    return;
  }
  const sum = addLongDoubles(value, increment);
  if (!sum.finite) {
    call.fail(NAN_OR_INFINITY);
    return;
  }
  const text = bytesOf(formatLongDouble(sum));
  storeText(call, ref, text);
  call.changed(NOTIFY_STRING, "incrbyfloat", 1);
  call.reply.bulk(text, 0, text.length);
  // Replayed as a plain SET: another machine's floats may differ in the last digit.
  const effects = call.instead();
  effects.begin(database.index, 4);
  effects.word("SET");
  effects.argument(args, 1);
  effects.range(text, 0, text.length);
  effects.word("KEEPTTL");
}

/** Redis keeps a float as text even where it is whole: its encoding is never "int". */
function storeText(call: Call, ref: Ref, text: Uint8Array): void {
  const { bytes, starts, lengths } = call.args;
  const encoding = text.length <= EMBSTR_LIMIT ? ENCODING_EMBSTR : ENCODING_RAW;
  call.database.storeBytes(
    ref,
    bytes,
    starts[1],
    lengths[1],
    text,
    0,
    text.length,
    encoding,
    KEEP_EXPIRY,
  );
}

function floatAt(call: Call, ref: Ref): ReturnType<typeof parseLongDouble> {
  const { arena } = call.database;
  if (isInteger(arena, ref)) {
    return longDoubleFromInteger(integerOf(arena, ref, flagsIn(headerOf(arena, ref))));
  }
  const text = call.database.stringOf(ref);
  return parseLongDouble(text.bytes, text.start, text.length);
}
