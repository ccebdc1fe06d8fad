/** XLEN, XRANGE and XREVRANGE. */
import type { Call } from "../../engine/call.ts";
import { command, FAST, KEY_ACCESS, KEY_RO, keysAt, READONLY } from "../../engine/command.ts";
import { readStream } from "../../engine/typed-values.ts";
import { SYNTAX } from "../../protocol/errors.ts";
import { StreamCursor } from "../../values/stream-cursor.ts";
import { StreamId } from "../../values/stream-id.ts";
import { replyEntries } from "./_entries.ts";
import { readRangeEnd, readRangeStart } from "./_ids.ts";

export const xlen = command({
  name: "xlen",
  group: "stream",
  since: "5.0.0",
  summary: "Returns how many entries a stream has.",
  complexity: "O(1)",
  arity: 2,
  flags: READONLY | FAST,
  categories: ["stream"],
  keys: [keysAt(KEY_RO, 1)],
  args: [{ name: "key", type: "key", keySpec: 0 }],
  run: replyLength,
});

export const xrange = command({
  name: "xrange",
  group: "stream",
  since: "5.0.0",
  summary: "Returns a stream's entries within a range of IDs.",
  complexity: "O(N) where N is the number of entries returned",
  arity: -4,
  flags: READONLY,
  categories: ["stream"],
  history: [["6.2.0", "Added exclusive ranges."]],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "start", type: "string" },
    { name: "end", type: "string" },
    { name: "count", type: "integer", token: "COUNT", optional: true },
  ],
  run: (call) => replyRange(call, false),
});

export const xrevrange = command({
  name: "xrevrange",
  group: "stream",
  since: "5.0.0",
  summary: "Returns a stream's entries within a range of IDs, the last one first.",
  complexity: "O(N) where N is the number of entries returned",
  arity: -4,
  flags: READONLY,
  categories: ["stream"],
  history: [["6.2.0", "Added exclusive ranges."]],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "end", type: "string" },
    { name: "start", type: "string" },
    { name: "count", type: "integer", token: "COUNT", optional: true },
  ],
  run: (call) => replyRange(call, true),
});

const UNLIMITED = -1;

const from = new StreamId();
const to = new StreamId();
const cursor = new StreamCursor();

function replyLength(call: Call): void {
  const value = readStream(call, 1);
  if (value === null) return;
  call.reply.integer(value.exists ? value.stream.length : 0);
}

function replyRange(call: Call, isReverse: boolean): void {
  readRangeStart(call, isReverse ? 3 : 2, from);
  readRangeEnd(call, isReverse ? 2 : 3, to);
  let limit = UNLIMITED;
  for (let i = 4; i < call.count && !call.hasProblem; i += 2) {
    if (i + 1 < call.count && call.is(i, "COUNT")) {
      limit = Math.max(0, Number(call.int64(i + 1)));
    } else call.refuse(SYNTAX);
  }
  if (call.refused()) return;
  const { reply } = call;
  const value = readStream(call, 1);
  if (value === null) return;
  if (!value.exists) {
    reply.array(0);
    return;
  }
  if (limit === 0) {
    reply.nullArray();
    return;
  }
  cursor.seek(value.stream, from, to, isReverse);
  replyEntries(reply, cursor, limit === UNLIMITED ? 0 : limit);
}
