/** XREAD; XREADGROUP is another file's (groups). */
import type { Call } from "../../engine/call.ts";
import { BLOCKING, command, KEY_ACCESS, KEY_RO, READONLY } from "../../engine/command.ts";
import { readStream } from "../../engine/typed-values.ts";
import { TYPE_STREAM } from "../../memory/entry.ts";
import {
  GROUP_IN_XREAD,
  NEW_ID_IN_XREAD,
  NOACK_IN_XREAD,
  SYNTAX,
  unbalancedStreams,
} from "../../protocol/errors.ts";
import type { Stream } from "../../values/stream.ts";
import { StreamCursor } from "../../values/stream-cursor.ts";
import { StreamId } from "../../values/stream-id.ts";
import { replyEntries } from "./_entries.ts";
import { readId } from "./_ids.ts";

export const xread = command({
  name: "xread",
  group: "stream",
  since: "5.0.0",
  summary: "Returns the entries of several streams behind given IDs; waits for one.",
  complexity: "O(N) where N is the number of entries returned",
  arity: -4,
  flags: READONLY | BLOCKING,
  categories: ["stream"],
  keys: [
    {
      flags: KEY_RO | KEY_ACCESS,
      begin: { keyword: "STREAMS", startFrom: 1 },
      find: { lastKey: -1, step: 1, limit: 2 },
    },
  ],
  args: [
    { name: "count", type: "integer", token: "COUNT", optional: true },
    { name: "milliseconds", type: "integer", token: "BLOCK", optional: true },
    {
      name: "streams",
      type: "block",
      token: "STREAMS",
      parts: [
        { name: "key", type: "key", keySpec: 0, multiple: true },
        { name: "id", type: "string", multiple: true },
      ],
    },
  ],
  run: readStreams,
});

const NO_TIMEOUT = -1;
const DOLLAR = "$";

const from = new StreamId();
const topId = new StreamId();
const LAST_ID = new StreamId().setLast();
const cursor = new StreamCursor();
const KEPT_IDS = 64;
/** The ID behind which each stream of the request is read. */
const ids: StreamId[] = [];

let limit = 0;
let timeoutMs = NO_TIMEOUT;
let firstKey = 0;

function readStreams(call: Call): void {
  readOptions(call);
  if (call.refused()) return;
  const count = (call.count - firstKey) / 2;
  if (!resolveIds(call, count)) return;
  const { args, reply } = call;
  const mark = reply.beginDeferred();
  let served = 0;
  for (let i = 0; i < count; i++) {
    const index = firstKey + i;
    const value = readStream(call, index);
    if (value === null || !value.exists) continue;
    const { stream } = value;
    if (!hasEntryBehind(stream, ids[i])) continue;
    served++;
    if (!reply.resp3) reply.array(2);
    reply.bulk(args.bytes, args.starts[index], args.lengths[index]);
    from.copy(ids[i]).increment();
    cursor.seek(stream, from, LAST_ID, false);
    replyEntries(reply, cursor, limit);
  }
  if (served > 0) {
    if (reply.resp3) reply.endDeferredMap(mark, served);
    else reply.endDeferred(mark, served);
  } else if (timeoutMs === NO_TIMEOUT) {
    reply.nullArray();
  } else {
    wait(call, count);
  }
}

function readOptions(call: Call): void {
  limit = 0;
  timeoutMs = NO_TIMEOUT;
  firstKey = 0;
  for (let i = 1; i < call.count && firstKey === 0; i++) {
    const more = call.count - i - 1;
    if (more > 0 && call.is(i, "BLOCK")) timeoutMs = call.timeoutMs(++i, "milliseconds");
    else if (more > 0 && call.is(i, "COUNT")) limit = Math.max(0, Number(call.int64(++i)));
    else if (more > 0 && call.is(i, "STREAMS")) firstKey = i + 1;
    else if (more > 1 && call.is(i, "GROUP")) call.refuse(GROUP_IN_XREAD);
    else if (call.is(i, "NOACK")) call.refuse(NOACK_IN_XREAD);
    else call.refuse(SYNTAX);
    if (call.hasProblem) return;
  }
  if (firstKey === 0) call.refuse(SYNTAX);
  else if ((call.count - firstKey) % 2 !== 0) call.refuse(unbalancedStreams("xread", DOLLAR));
}

/** Reads the ID of each stream; false where one is wrong, which has been replied. */
function resolveIds(call: Call, count: number): boolean {
  if (ids.length > KEPT_IDS) ids.length = KEPT_IDS;
  while (ids.length < count) ids.push(new StreamId());
  for (let i = 0; i < count; i++) {
    const value = readStream(call, firstKey + i);
    if (value === null) return false;
    const stream = value.exists ? value.stream : null;
    const index = firstKey + count + i;
    if (call.is(index, DOLLAR)) {
      if (stream === null) ids[i].setFirst();
      else ids[i].copy(stream.lastId);
    } else if (call.is(index, "+")) {
      // The ID in front of the last entry's, so that this is read; Redis's since 7.4.
      if (stream === null || !stream.readLastEntryId(ids[i])) ids[i].setFirst();
      else ids[i].decrement();
    } else if (call.is(index, ">")) {
      call.refuse(NEW_ID_IN_XREAD);
    } else {
      readId(call, index, ids[i]);
    }
    if (call.refused()) return false;
  }
  return true;
}

function hasEntryBehind(stream: Stream, id: StreamId): boolean {
  return stream.readLastEntryId(topId) && topId.compare(id) > 0;
}

/** Runs again with what `$` meant in the first run. */
function wait(call: Call, count: number): void {
  const lastKey = firstKey + count - 1;
  const isRetry = call.isRetry;
  const request = call.block({ firstKey, lastKey, type: TYPE_STREAM, timeoutMs });
  if (request === null || isRetry) return;
  for (let i = 0; i < count; i++) {
    const index = firstKey + count + i;
    if (call.is(index, DOLLAR)) request.replaceArgument(index, ids[i].textBytes());
  }
}
