/** Numbers in the fields of a hash. */
import {
  command,
  DENYOOM,
  FAST,
  KEY_ACCESS,
  KEY_RW,
  KEY_UPDATE,
  WRITE,
  keysAt,
} from "../../engine/command.ts";
import { bytesOf } from "../../base/bytes.ts";
import { addInt64 } from "../../base/int64.ts";
import {
  addLongDoubles,
  formatLongDouble,
  longDoubleFromInteger,
  parseLongDouble,
} from "../../base/long-double.ts";
import { parseInt64, parseSafeInteger, writeBigInteger, writeInteger } from "../../base/numbers.ts";
import type { Call } from "../../engine/call.ts";
import { NOTIFY_HASH } from "../../engine/key-events.ts";
import { writeHash } from "../../engine/typed-values.ts";
import { NO_FIELD_EXPIRY } from "../../values/hash.ts";
import type { HashValue } from "../../values/hash.ts";
import {
  HASH_VALUE_NOT_A_FLOAT,
  HASH_VALUE_NOT_AN_INTEGER,
  NAN_OR_INFINITY,
  NOT_A_FLOAT,
  NOT_FINITE,
  OVERFLOW,
} from "../../protocol/errors.ts";

export const hincrby = command({
  name: "hincrby",
  group: "hash",
  since: "2.0.0",
  summary: "Adds a number to the integer that a field holds; a missing field counts as 0.",
  complexity: "O(1)",
  arity: 4,
  flags: WRITE | DENYOOM | FAST,
  categories: ["hash"],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_UPDATE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "field", type: "string" },
    { name: "increment", type: "integer" },
  ],
  run: addInteger,
});

export const hincrbyfloat = command({
  name: "hincrbyfloat",
  group: "hash",
  since: "2.6.0",
  summary: "Adds a floating point number to the one that a field holds.",
  complexity: "O(1)",
  arity: 4,
  flags: WRITE | DENYOOM | FAST,
  categories: ["hash"],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_UPDATE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "field", type: "string" },
    { name: "increment", type: "double" },
  ],
  run: addFloat,
});

const digits = new Uint8Array(21);

function addInteger(call: Call): void {
  const increment = call.int64(3);
  if (call.refused()) return;
  const hash = writeHash(call, 1);
  if (hash === null) return;
  const { bytes, starts, lengths } = call.args;
  const found = hash.find(bytes, starts[2], lengths[2]);
  const value = found ? integerIn(hash) : 0;
  if (value === null) {
    call.fail(HASH_VALUE_NOT_AN_INTEGER);
    return;
  }
  const sum = addInt64(value, increment);
  if (sum === null) {
    call.fail(OVERFLOW);
    return;
  }
  const length =
    typeof sum === "number" ? writeInteger(digits, 0, sum) : writeBigInteger(digits, 0, sum);
  hash.set(bytes, starts[2], lengths[2], digits, 0, length, true);
  call.changed(NOTIFY_HASH, "hincrby", 1);
  call.reply.int64(sum);
}

function integerIn({ value }: HashValue): number | bigint | null {
  const safe = parseSafeInteger(value.bytes, value.start, value.length);
  return safe === safe ? safe : parseInt64(value.bytes, value.start, value.length);
}

function addFloat(call: Call): void {
  const { args } = call;
  const { bytes, starts, lengths } = args;
  const increment = parseLongDouble(bytes, starts[3], lengths[3]);
  if (increment === null || !increment.finite) {
    call.fail(increment === null ? NOT_A_FLOAT : NOT_FINITE);
    return;
  }
  const hash = writeHash(call, 1);
  if (hash === null) return;
  const { value } = hash;
  const before = hash.find(bytes, starts[2], lengths[2])
    ? parseLongDouble(value.bytes, value.start, value.length)
    : longDoubleFromInteger(0);
  if (before === null) {
    call.fail(HASH_VALUE_NOT_A_FLOAT);
    return;
  }
  const sum = addLongDoubles(before, increment);
  if (!sum.finite) {
    call.fail(NAN_OR_INFINITY);
    return;
  }
  const text = bytesOf(formatLongDouble(sum));
  hash.set(bytes, starts[2], lengths[2], text, 0, text.length, true);
  call.changed(NOTIFY_HASH, "hincrbyfloat", 1);
  call.reply.bulk(text, 0, text.length);
  // Replayed as a plain HSET: another machine's floats may differ in the last digit.
  const effects = call.instead();
  effects.begin(call.database.index, 4);
  effects.word("HSET");
  effects.argument(args, 1);
  effects.argument(args, 2);
  effects.range(text, 0, text.length);
  const expiryMs = hash.expiryOf(bytes, starts[2], lengths[2]) ?? NO_FIELD_EXPIRY;
  if (expiryMs === NO_FIELD_EXPIRY) return;
  // HSET takes the field's expiry away.
  effects.begin(call.database.index, 6);
  effects.word("HPEXPIREAT");
  effects.argument(args, 1);
  effects.integer(expiryMs);
  effects.word("FIELDS");
  effects.integer(1);
  effects.argument(args, 2);
}
