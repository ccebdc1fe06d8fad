/** LCS: the longest common subsequence of two strings. */
import type { Call } from "../../engine/call.ts";
import { command, KEY_ACCESS, KEY_RO, keysAt, READONLY } from "../../engine/command.ts";
import { NULL_REF } from "../../memory/arena.ts";
import { TYPE_STRING, typeOf } from "../../memory/entry.ts";
import { SYNTAX } from "../../protocol/errors.ts";
import {
  CommonSubsequence,
  MAX_TABLE_BYTES,
  tableBytes,
} from "../../values/longest-common-subsequence.ts";

interface Options {
  wantsLength: boolean;
  wantsRanges: boolean;
  withLengths: boolean;
  minimum: number;
}

export const lcs = command({
  name: "lcs",
  group: "string",
  since: "7.0.0",
  summary: "Returns the longest common subsequence of two strings.",
  complexity: "O(N*M) where N and M are the lengths of s1 and s2, respectively",
  arity: -3,
  flags: READONLY,
  categories: ["string"],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1, 2)],
  args: [
    { name: "key1", type: "key", keySpec: 0 },
    { name: "key2", type: "key", keySpec: 0 },
    { name: "len", type: "pure-token", token: "LEN", optional: true },
    { name: "idx", type: "pure-token", token: "IDX", optional: true },
    { name: "len", type: "integer", token: "MINMATCHLEN", optional: true },
    { name: "withmatchlen", type: "pure-token", token: "WITHMATCHLEN", optional: true },
  ],
  run: compare,
});

function compare(call: Call): void {
  const a = stringAt(call, 1);
  const b = stringAt(call, 2);
  if (a === null || b === null) {
    call.fail("ERR The specified keys must contain string values");
    return;
  }
  const options = readOptions(call);
  if (options.wantsLength && options.wantsRanges) {
    call.refuse("ERR If you want both the length and indexes, please just use IDX.");
  }
  const neededBytes = tableBytes(a.length, b.length);
  if (neededBytes > call.engine.config.values["proto-max-bulk-len"]) {
    call.refuse("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  } else if (neededBytes > MAX_TABLE_BYTES) {
    call.refuse("ERR Insufficient memory, failed allocating transient memory for LCS");
  }
  if (call.refused()) return;
  const common = new CommonSubsequence(a, b);
  if (options.wantsRanges) replyRanges(call, common, options);
  else if (options.wantsLength) call.reply.integer(common.length);
  else call.reply.bulk(common.bytes(), 0, common.length);
}

/** A missing key counts as an empty string; null: another type. */
function stringAt(call: Call, index: number): Uint8Array | null {
  const ref = call.readKey(index);
  if (ref === NULL_REF) return new Uint8Array(0);
  if (typeOf(call.database.arena, ref) !== TYPE_STRING) return null;
  const text = call.database.stringOf(ref);
  return text.bytes.slice(text.start, text.start + text.length);
}

function readOptions(call: Call): Options {
  const options: Options = {
    wantsLength: false,
    wantsRanges: false,
    withLengths: false,
    minimum: 0,
  };
  for (let i = 3; i < call.count; i++) {
    if (call.is(i, "IDX")) options.wantsRanges = true;
    else if (call.is(i, "LEN")) options.wantsLength = true;
    else if (call.is(i, "WITHMATCHLEN")) options.withLengths = true;
    else if (call.is(i, "MINMATCHLEN") && i + 1 < call.count) {
      options.minimum = Number(call.int64(++i));
    } else call.refuse(SYNTAX);
  }
  return options;
}

function replyRanges(call: Call, common: CommonSubsequence, options: Options): void {
  const { reply } = call;
  const ranges = common
    .ranges()
    .filter(({ aFirst, aLast }) => aLast - aFirst + 1 >= options.minimum);
  reply.map(2);
  reply.bulkText("matches");
  reply.array(ranges.length);
  for (const { aFirst, aLast, bFirst, bLast } of ranges) {
    reply.array(options.withLengths ? 3 : 2);
    reply.array(2);
    reply.integer(aFirst);
    reply.integer(aLast);
    reply.array(2);
    reply.integer(bFirst);
    reply.integer(bLast);
    if (options.withLengths) reply.integer(aLast - aFirst + 1);
  }
  reply.bulkText("len");
  reply.integer(common.length);
}
