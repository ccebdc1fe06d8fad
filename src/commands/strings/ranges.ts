/** Parts of strings: appending, overwriting and reading ranges. */
import { copyBytes } from "../../base/bytes.ts";
import type { Call } from "../../engine/call.ts";
import {
  command,
  DENYOOM,
  FAST,
  KEY_ACCESS,
  KEY_INSERT,
  KEY_RO,
  KEY_RW,
  KEY_UPDATE,
  keysAt,
  READONLY,
  WRITE,
} from "../../engine/command.ts";
import { NOTIFY_STRING } from "../../engine/key-events.ts";
import { NO_EXPIRY } from "../../keyspace/entry-store.ts";
import { NULL_REF } from "../../memory/arena.ts";
import { TYPE_STRING } from "../../memory/entry.ts";
import { OFFSET_OUT_OF_RANGE, STRING_TOO_LONG } from "../../protocol/errors.ts";

const RANGE = {
  group: "string",
  complexity: "O(N) where N is the length of the returned string",
  arity: 4,
  flags: READONLY,
  categories: ["string"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "start", type: "integer" },
    { name: "end", type: "integer" },
  ],
  run: getRange,
} as const;

export const append = command({
  name: "append",
  group: "string",
  since: "2.0.0",
  summary: "Appends to the string that a key holds; a missing key is created.",
  complexity: "O(1)",
  arity: 3,
  flags: WRITE | DENYOOM | FAST,
  categories: ["string"],
  keys: [keysAt(KEY_RW | KEY_INSERT, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "value", type: "string" },
  ],
  run: appendValue,
});

export const strlen = command({
  name: "strlen",
  group: "string",
  since: "2.2.0",
  summary: "Returns the length of the string that a key holds.",
  complexity: "O(1)",
  arity: 2,
  flags: READONLY | FAST,
  categories: ["string"],
  keys: [keysAt(KEY_RO, 1)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run(call) {
    const ref = call.readKey(1);
    if (call.isWrongType(ref, TYPE_STRING)) return;
    call.reply.integer(ref === NULL_REF ? 0 : call.database.stringOf(ref).length);
  },
});

export const setrange = command({
  name: "setrange",
  group: "string",
  since: "2.2.0",
  summary: "Overwrites part of a string from an offset on, growing it where needed.",
  complexity: "O(1), not counting the time taken to copy the new string in place",
  arity: 4,
  flags: WRITE | DENYOOM,
  categories: ["string"],
  keys: [keysAt(KEY_RW | KEY_UPDATE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "offset", type: "integer" },
    { name: "value", type: "string" },
  ],
  run: setRange,
});

export const getrange = command({
  ...RANGE,
  name: "getrange",
  since: "2.4.0",
  summary: "Returns part of the string that a key holds.",
});

export const substr = command({
  ...RANGE,
  name: "substr",
  since: "1.0.0",
  summary: "Returns part of the string that a key holds.",
  deprecated: { since: "2.0.0", replacedBy: "`GETRANGE`" },
});

function isTooLong(call: Call, length: number): boolean {
  if (length <= call.maxStringBytes) return false;
  call.fail(STRING_TOO_LONG);
  return true;
}

function appendValue(call: Call): void {
  const { args, database } = call;
  const { bytes, starts, lengths } = args;
  const ref = call.writeKey(1);
  if (call.isWrongType(ref, TYPE_STRING)) return;
  if (ref === NULL_REF) {
    database.storeString(
      ref,
      bytes,
      starts[1],
      lengths[1],
      bytes,
      starts[2],
      lengths[2],
      NO_EXPIRY,
    );
    call.changed(NOTIFY_STRING, "append", 1);
    call.reply.integer(lengths[2]);
    return;
  }
  const before = database.stringOf(ref).length;
  const length = before + lengths[2];
  if (isTooLong(call, length)) return;
  database.resizeString(ref, length);
  const text = database.string;
  copyBytes(text.bytes, text.start + before, bytes, starts[2], lengths[2]);
  call.changed(NOTIFY_STRING, "append", 1);
  call.reply.integer(length);
}

function setRange(call: Call): void {
  const { args, database } = call;
  const { bytes, starts, lengths } = args;
  const offset = Number(call.int64(2));
  if (call.refused()) return;
  if (offset < 0) {
    call.fail(OFFSET_OUT_OF_RANGE);
    return;
  }
  const ref = call.writeKey(1);
  if (call.isWrongType(ref, TYPE_STRING)) return;
  const before = ref === NULL_REF ? 0 : database.stringOf(ref).length;
  if (lengths[3] === 0) {
    call.reply.integer(before);
    return;
  }
  const end = offset + lengths[3];
  if (isTooLong(call, end)) return;
  const length = Math.max(before, end);
  if (ref === NULL_REF) {
    const made = new Uint8Array(length);
    copyBytes(made, offset, bytes, starts[3], lengths[3]);
    call.storeRaw(1, ref, made);
  } else {
    database.resizeString(ref, length);
    const text = database.string;
    copyBytes(text.bytes, text.start + offset, bytes, starts[3], lengths[3]);
  }
  call.changed(NOTIFY_STRING, "setrange", 1);
  call.reply.integer(length);
}

function getRange(call: Call): void {
  let start = Number(call.int64(2));
  let end = Number(call.int64(3));
  if (call.refused()) return;
  const ref = call.readKey(1);
  if (call.isWrongType(ref, TYPE_STRING)) return;
  if (ref === NULL_REF || (start < 0 && end < 0 && start > end)) {
    call.reply.emptyBulk();
    return;
  }
  const text = call.database.stringOf(ref);
  if (start < 0) start = Math.max(0, start + text.length);
  if (end < 0) end = Math.max(0, end + text.length);
  end = Math.min(end, text.length - 1);
  if (start > end) call.reply.emptyBulk();
  else call.reply.bulk(text.bytes, text.start + start, end - start + 1);
}
