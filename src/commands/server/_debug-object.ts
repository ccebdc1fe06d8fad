/** DEBUG OBJECT and DEBUG DIGEST-VALUE, which see expired keys too. */
import { parseSafeInteger } from "../../base/numbers.ts";
import type { Call } from "../../engine/call.ts";
import { valueDigest } from "../../keyspace/digest.ts";
import { NULL_REF } from "../../memory/arena.ts";
import type { Ref } from "../../memory/arena.ts";
import { clockOf, encodingIn, encodingName, headerOf } from "../../memory/entry.ts";
import { NO_SUCH_KEY } from "../../protocol/errors.ts";
import type { StringView } from "../../values/string.ts";

/** RDB saves texts of up to so many bytes as integers where they are such. */
const INTEGER_TEXT_LIMIT = 11;

export function describeObject(call: Call): void {
  const ref = entryAt(call, 2);
  if (ref === NULL_REF) {
    call.fail(NO_SUCH_KEY);
    return;
  }
  const { database } = call;
  const { arena } = database;
  const clock = clockOf(arena, ref);
  call.reply.simple(
    `Value at:0x${(ref >>> 0).toString(16)} refcount:1 ` +
      `encoding:${encodingName(encodingIn(headerOf(arena, ref)))} ` +
      `serializedlength:${serializedLength(database.stringOf(ref))} ` +
      `lru:${clock} lru_seconds_idle:${call.engine.context.access.idleSeconds(clock)}`,
  );
}

export function digestValues(call: Call): void {
  call.reply.array(call.count - 2);
  for (let i = 2; i < call.count; i++) {
    call.reply.simple(valueDigest(call.database, entryAt(call, i)));
  }
}

function entryAt(call: Call, index: number): Ref {
  const { bytes, starts, lengths } = call.args;
  return call.database.peekAny(bytes, starts[index], lengths[index]);
}

/** Bytes of the string in an RDB file, before compression. */
function serializedLength(text: StringView): number {
  const { length } = text;
  if (length <= INTEGER_TEXT_LIMIT) {
    const integer = parseSafeInteger(text.bytes, text.start, length);
    if (integer >= -128 && integer < 128) return 2;
    if (integer >= -32768 && integer < 32768) return 3;
    if (integer >= -2147483648 && integer < 2147483648) return 5;
  }
  if (length < 64) return 1 + length;
  return length < 16384 ? 2 + length : 5 + length;
}
