/** Single bits and ranges of bits in strings. */
import { copyBytes } from "../../base/bytes.ts";
import type { Call } from "../../engine/call.ts";
import {
  command,
  DENYOOM,
  FAST,
  KEY_ACCESS,
  KEY_OW,
  KEY_RO,
  KEY_RW,
  KEY_UPDATE,
  keysAt,
  READONLY,
  WRITE,
} from "../../engine/command.ts";
import type { ArgumentDoc } from "../../engine/command.ts";
import { NOTIFY_GENERIC, NOTIFY_STRING } from "../../engine/key-events.ts";
import { NULL_REF } from "../../memory/arena.ts";
import { TYPE_STRING } from "../../memory/entry.ts";
import { BAD_BIT, SYNTAX } from "../../protocol/errors.ts";
import { combineBits, countBits, findBit, invertBits } from "../../values/bits.ts";
import type { BitOperation } from "../../values/bits.ts";
import type { StringView } from "../../values/string.ts";
import { bitOffset } from "./_offset.ts";

const UNIT: ArgumentDoc = {
  name: "index_unit",
  type: "oneof",
  optional: true,
  since: "7.0.0",
  parts: [
    { name: "byte", type: "pure-token", token: "BYTE" },
    { name: "bit", type: "pure-token", token: "BIT" },
  ],
};

const RANGE_HISTORY = [["7.0.0", "Added the `BYTE|BIT` option."]] as const;

export const setbit = command({
  name: "setbit",
  group: "bitmap",
  since: "2.2.0",
  summary: "Sets or clears one bit of a string, growing it where needed.",
  complexity: "O(1)",
  arity: 4,
  flags: WRITE | DENYOOM,
  categories: ["bitmap"],
  keys: [keysAt(KEY_RW | KEY_ACCESS | KEY_UPDATE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "offset", type: "integer" },
    { name: "value", type: "integer" },
  ],
  run: setBit,
});

export const getbit = command({
  name: "getbit",
  group: "bitmap",
  since: "2.2.0",
  summary: "Returns one bit of a string; bits beyond its end are 0.",
  complexity: "O(1)",
  arity: 3,
  flags: READONLY | FAST,
  categories: ["bitmap"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "offset", type: "integer" },
  ],
  run(call) {
    const offset = bitOffset(call, 2, 0);
    if (call.refused()) return;
    const ref = call.readKey(1);
    if (call.isWrongType(ref, TYPE_STRING)) return;
    const text = ref === NULL_REF ? null : call.database.stringOf(ref);
    call.reply.integer(text === null ? 0 : bitAt(text, offset));
  },
});

export const bitcount = command({
  name: "bitcount",
  group: "bitmap",
  since: "2.6.0",
  summary: "Counts the bits set in a string or in a range of it.",
  complexity: "O(N)",
  arity: -2,
  flags: READONLY,
  categories: ["bitmap"],
  history: RANGE_HISTORY,
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    {
      name: "index",
      type: "block",
      optional: true,
      parts: [{ name: "start", type: "integer" }, { name: "end", type: "integer" }, UNIT],
    },
  ],
  run: countRange,
});

export const bitpos = command({
  name: "bitpos",
  group: "bitmap",
  since: "2.8.7",
  summary: "Finds the first bit that is set, or clear, in a string or in a range of it.",
  complexity: "O(N)",
  arity: -3,
  flags: READONLY,
  categories: ["bitmap"],
  history: RANGE_HISTORY,
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "bit", type: "integer" },
    {
      name: "index",
      type: "block",
      optional: true,
      parts: [
        { name: "start", type: "integer" },
        {
          name: "end_index",
          type: "block",
          optional: true,
          parts: [{ name: "end", type: "integer" }, UNIT],
        },
      ],
    },
  ],
  run: findPosition,
});

export const bitop = command({
  name: "bitop",
  group: "bitmap",
  since: "2.6.0",
  summary: "Combines strings bit by bit and stores the result.",
  complexity: "O(N)",
  arity: -4,
  flags: WRITE | DENYOOM,
  categories: ["bitmap"],
  keys: [keysAt(KEY_OW | KEY_UPDATE, 2), keysAt(KEY_RO | KEY_ACCESS, 3, -1)],
  args: [
    { name: "operation", type: "string" },
    { name: "destkey", type: "key", keySpec: 0 },
    { name: "key", type: "key", keySpec: 1, multiple: true },
  ],
  run: combineStrings,
});

function bitAt(text: StringView, offset: number): number {
  const byte = Math.floor(offset / 8);
  if (byte >= text.length) return 0;
  return (text.bytes[text.start + byte] >> (7 - (offset & 7))) & 1;
}

function setBit(call: Call): void {
  const { database } = call;
  const offset = bitOffset(call, 2, 0);
  const bit = call.integer(3, BAD_BIT);
  if (bit !== 0 && bit !== 1) call.refuse(BAD_BIT);
  if (call.refused()) return;
  const ref = call.writeKey(1);
  if (call.isWrongType(ref, TYPE_STRING)) return;
  const byte = Math.floor(offset / 8);
  const mask = 1 << (7 - (offset & 7));
  let before = 0;
  if (ref === NULL_REF) {
    const made = new Uint8Array(byte + 1);
    if (bit === 1) made[byte] = mask;
    call.storeRaw(1, ref, made);
  } else {
    const text = database.stringOf(ref);
    before = bitAt(text, offset);
    if (byte < text.length && before === bit) {
      call.reply.integer(before);
      return;
    }
    database.resizeString(ref, Math.max(byte + 1, text.length));
    const at = text.start + byte;
    text.bytes[at] = bit === 1 ? text.bytes[at] | mask : text.bytes[at] & ~mask;
  }
  call.changed(NOTIFY_STRING, "setbit", 1);
  call.reply.integer(before);
}

/** Whether the argument asks for bits rather than bytes; a syntax error where it is neither. */
function readUnit(call: Call, index: number): boolean {
  if (call.is(index, "BIT")) return true;
  if (!call.is(index, "BYTE")) call.refuse(SYNTAX);
  return false;
}

function countRange(call: Call): void {
  const ref = call.readKey(1);
  if (ref === NULL_REF) {
    call.reply.integer(0);
    return;
  }
  if (call.isWrongType(ref, TYPE_STRING)) return;
  const text = call.database.stringOf(ref);
  if (call.count === 2) {
    call.reply.integer(countBits(text.bytes, text.start, 0, text.length * 8 - 1));
    return;
  }
  if (call.count !== 4 && call.count !== 5) {
    call.syntaxError();
    return;
  }
  const start = Number(call.int64(2));
  const end = Number(call.int64(3));
  if (call.refused()) return;
  if (start < 0 && end < 0 && start > end) {
    call.reply.integer(0);
    return;
  }
  const inBits = call.count === 5 && readUnit(call, 4);
  if (call.refused()) return;
  const total = inBits ? text.length * 8 : text.length;
  const first = Math.max(0, start < 0 ? total + start : start);
  const last = Math.min(total - 1, Math.max(0, end < 0 ? total + end : end));
  if (first > last) call.reply.integer(0);
  else if (inBits) call.reply.integer(countBits(text.bytes, text.start, first, last));
  else call.reply.integer(countBits(text.bytes, text.start, first * 8, last * 8 + 7));
}

function findPosition(call: Call): void {
  const bit = Number(call.int64(2));
  if (bit !== 0 && bit !== 1) call.refuse("ERR The bit argument must be 1 or 0.");
  if (call.refused()) return;
  const ref = call.readKey(1);
  if (ref === NULL_REF) {
    call.reply.integer(bit === 1 ? -1 : 0);
    return;
  }
  if (call.isWrongType(ref, TYPE_STRING)) return;
  if (call.count > 6) {
    call.syntaxError();
    return;
  }
  const text = call.database.stringOf(ref);
  const start = call.count > 3 ? Number(call.int64(3)) : 0;
  const inBits = call.count === 6 && !call.hasProblem && readUnit(call, 5);
  const hasEnd = call.count > 4;
  const end = hasEnd && !call.hasProblem ? Number(call.int64(4)) : -1;
  if (call.refused()) return;
  const total = inBits ? text.length * 8 : text.length;
  const first = Math.max(0, start < 0 ? total + start : start);
  const last = Math.min(total - 1, Math.max(0, end < 0 ? total + end : end));
  if (first > last) {
    call.reply.integer(-1);
    return;
  }
  const firstBit = inBits ? first : first * 8;
  const lastBit = inBits ? last : last * 8 + 7;
  const found = findBit(text.bytes, text.start, firstBit, lastBit, bit);
  // Without an end given, the string goes on with zeros.
  call.reply.integer(found < 0 && bit === 0 && !hasEnd ? lastBit + 1 : found);
}

function combineStrings(call: Call): void {
  const operation = call.text(1).toUpperCase();
  if (!isOperation(operation)) {
    call.syntaxError();
    return;
  }
  if (operation === "NOT" && call.count !== 4) {
    call.fail("ERR BITOP NOT must be called with a single source key.");
    return;
  }
  const result = combined(call, operation);
  if (result === null) return;
  const existing = call.writeKey(2);
  if (result.length > 0) {
    call.storeRaw(2, existing, result);
    call.changed(NOTIFY_STRING, "set", 2);
  } else if (existing !== NULL_REF) {
    call.database.remove(existing);
    call.changed(NOTIFY_GENERIC, "del", 2);
  }
  call.reply.integer(result.length);
}

function isOperation(word: string): word is BitOperation {
  return word === "AND" || word === "OR" || word === "XOR" || word === "NOT";
}

/** The strings of arguments 3 and on, combined; null: one of them is of another type. */
function combined(call: Call, operation: BitOperation): Uint8Array | null {
  let longest = 0;
  for (let i = 3; i < call.count; i++) {
    const ref = call.readKey(i);
    if (call.isWrongType(ref, TYPE_STRING)) return null;
    if (ref !== NULL_REF) longest = Math.max(longest, call.database.stringOf(ref).length);
  }
  const result = new Uint8Array(longest);
  if (longest === 0) return result;
  for (let i = 3; i < call.count; i++) {
    // Looked up again: a later key that had expired may have moved what was found earlier.
    const ref = call.peekKey(i);
    const text = call.database.string;
    if (ref === NULL_REF) text.clear();
    else text.read(call.database.arena, ref);
    if (i === 3) copyBytes(result, 0, text.bytes, text.start, text.length);
    else if (operation !== "NOT") {
      combineBits(operation, result, text.bytes, text.start, text.length);
    }
  }
  if (operation === "NOT") invertBits(result);
  return result;
}
