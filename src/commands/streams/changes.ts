/** XADD, XTRIM, XDEL and XSETID. */
import type { Call } from "../../engine/call.ts";
import {
  command,
  DENYOOM,
  FAST,
  KEY_DELETE,
  KEY_RW,
  KEY_UPDATE,
  keysAt,
  WRITE,
} from "../../engine/command.ts";
import { NOTIFY_STREAM } from "../../engine/key-events.ts";
import { writeStream } from "../../engine/typed-values.ts";
import {
  ENTRIES_ADDED_NEGATIVE,
  ENTRIES_ADDED_TOO_SMALL,
  LAST_ID_BELOW_DELETED,
  LAST_ID_TOO_SMALL,
  NO_SUCH_KEY,
  STREAM_ENTRY_TOO_LARGE,
  STREAM_ID_TOO_SMALL,
  STREAM_ID_ZERO,
  STREAM_IDS_EXHAUSTED,
  SYNTAX,
} from "../../protocol/errors.ts";
import { MAX_NODE_BYTES, rangeBytes } from "../../values/stream.ts";
import type { Stream } from "../../values/stream.ts";
import { StreamId } from "../../values/stream-id.ts";
import { propagateId, readId, replyId } from "./_ids.ts";
import { AUTO_ID, AUTO_SEQUENCE, GIVEN_ID, NO_TRIM, TrimOptions } from "./_trimming.ts";

export const xadd = command({
  name: "xadd",
  group: "stream",
  since: "5.0.0",
  summary: "Appends an entry to a stream, making the stream where there is none.",
  complexity: "O(1), plus O(N) where N is the number of entries trimmed",
  arity: -5,
  flags: WRITE | DENYOOM | FAST,
  categories: ["stream"],
  tips: ["nondeterministic_output"],
  history: [
    ["6.2.0", "Added the `NOMKSTREAM` option, `MINID` trimming strategy and the `LIMIT` option."],
    ["7.0.0", "Added support for the `<ms>-*` explicit ID form."],
  ],
  keys: [
    {
      ...keysAt(KEY_RW | KEY_UPDATE, 1),
      notes: "UPDATE instead of INSERT because of the optional trimming feature",
    },
  ],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "nomkstream", type: "pure-token", token: "NOMKSTREAM", since: "6.2.0", optional: true },
    {
      name: "trim",
      type: "block",
      optional: true,
      parts: [
        {
          name: "strategy",
          type: "oneof",
          parts: [
            { name: "maxlen", type: "pure-token", token: "MAXLEN" },
            { name: "minid", type: "pure-token", token: "MINID", since: "6.2.0" },
          ],
        },
        {
          name: "operator",
          type: "oneof",
          optional: true,
          parts: [
            { name: "equal", type: "pure-token", token: "=" },
            { name: "approximately", type: "pure-token", token: "~" },
          ],
        },
        { name: "threshold", type: "string" },
        { name: "count", type: "integer", token: "LIMIT", since: "6.2.0", optional: true },
      ],
    },
    {
      name: "id-selector",
      type: "oneof",
      parts: [
        { name: "auto-id", type: "pure-token", token: "*" },
        { name: "id", type: "string" },
      ],
    },
    {
      name: "data",
      type: "block",
      multiple: true,
      parts: [
        { name: "field", type: "string" },
        { name: "value", type: "string" },
      ],
    },
  ],
  run: addEntry,
});

export const xtrim = command({
  name: "xtrim",
  group: "stream",
  since: "5.0.0",
  summary: "Removes a stream's oldest entries.",
  complexity: "O(N) where N is the number of entries removed",
  arity: -4,
  flags: WRITE,
  categories: ["stream"],
  tips: ["nondeterministic_output"],
  history: [["6.2.0", "Added the `MINID` trimming strategy and the `LIMIT` option."]],
  keys: [keysAt(KEY_RW | KEY_DELETE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    {
      name: "trim",
      type: "block",
      parts: [
        {
          name: "strategy",
          type: "oneof",
          parts: [
            { name: "maxlen", type: "pure-token", token: "MAXLEN" },
            { name: "minid", type: "pure-token", token: "MINID", since: "6.2.0" },
          ],
        },
        {
          name: "operator",
          type: "oneof",
          optional: true,
          parts: [
            { name: "equal", type: "pure-token", token: "=" },
            { name: "approximately", type: "pure-token", token: "~" },
          ],
        },
        { name: "threshold", type: "string" },
        { name: "count", type: "integer", token: "LIMIT", since: "6.2.0", optional: true },
      ],
    },
  ],
  run: trimStream,
});

export const xdel = command({
  name: "xdel",
  group: "stream",
  since: "5.0.0",
  summary: "Removes entries of a stream by their IDs.",
  complexity: "O(N) where N is the number of IDs",
  arity: -3,
  flags: WRITE | FAST,
  categories: ["stream"],
  keys: [keysAt(KEY_RW | KEY_DELETE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "id", type: "string", multiple: true },
  ],
  run: deleteEntries,
});

export const xsetid = command({
  name: "xsetid",
  group: "stream",
  since: "5.0.0",
  summary: "Sets the ID that a stream counts on from.",
  complexity: "O(1)",
  arity: -3,
  flags: WRITE | DENYOOM | FAST,
  categories: ["stream"],
  history: [["7.0.0", "Added the `entries_added` and `max_deleted_entry_id` arguments."]],
  keys: [keysAt(KEY_RW | KEY_UPDATE, 1)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    { name: "last-id", type: "string" },
    {
      name: "entries-added",
      type: "integer",
      token: "ENTRIESADDED",
      since: "7.0.0",
      optional: true,
    },
    {
      name: "max-deleted-id",
      type: "string",
      token: "MAXDELETEDID",
      since: "7.0.0",
      optional: true,
    },
  ],
  run: setLastId,
});

const options = new TrimOptions();
const none = new StreamId();
const id = new StreamId();
const otherId = new StreamId();
const topId = new StreamId();

function addEntry(call: Call): void {
  options.read(call, true);
  if (call.refused()) return;
  const first = options.idIndex + 1;
  const rest = call.count - first;
  if (rest < 2 || rest % 2 === 1) {
    call.wrongArity();
    return;
  }
  if (options.idKind === GIVEN_ID && options.id.isZero) {
    call.fail(STREAM_ID_ZERO);
    return;
  }
  const value = writeStream(call, 1);
  if (value === null) return;
  const { exists } = value;
  if (!exists && !options.makesStream) {
    call.reply.nil();
    return;
  }
  const lastId = exists ? value.stream.lastId : none;
  const pairs = rest / 2;
  const { bytes, starts, lengths } = call.args;
  if (lastId.isLast) call.refuse(STREAM_IDS_EXHAUSTED);
  else if (!chooseId(call, lastId)) call.refuse(STREAM_ID_TOO_SMALL);
  else if (rangeBytes(lengths, first, pairs) > MAX_NODE_BYTES) call.refuse(STREAM_ENTRY_TOO_LARGE);
  if (call.refused()) return;
  const stream = value.obtain();
  value.touched();
  stream.append(id, bytes, starts, lengths, first, pairs, call.engine.values.streamLimits);
  replyId(call.reply, id);
  call.changed(NOTIFY_STREAM, "xadd", 1);
  if (options.strategy !== NO_TRIM && options.apply(stream) > 0) {
    call.alsoHappened(NOTIFY_STREAM, "xtrim", 1);
  }
  if (options.isApproximate || options.idKind !== GIVEN_ID) propagateEntry(call, stream);
}

/** Sets `id` to that of the new entry; false where it would not be behind the last one. */
function chooseId(call: Call, lastId: StreamId): boolean {
  if (options.idKind === AUTO_ID) {
    id.setMs(call.nowMs);
    if (id.compareMs(lastId) <= 0) id.copy(lastId).increment();
    return true;
  }
  id.copy(options.id);
  if (options.idKind === AUTO_SEQUENCE && id.compareMs(lastId) === 0) {
    // Past the last sequence comes another time, which is not the one that was asked for.
    return id.copy(lastId).increment() && id.compareMs(lastId) === 0;
  }
  return id.compare(lastId) > 0;
}

/** The same entry under its own ID, whenever it is added again. */
function propagateEntry(call: Call, stream: Stream): void {
  const effects = call.instead();
  if (!effects.isActive) return;
  effects.begin(call.database.index, call.count);
  for (let i = 0; i < call.count; i++) {
    if (i === options.idIndex) propagateId(effects, id);
    else options.propagate(call, effects, stream, i);
  }
}

function trimStream(call: Call): void {
  options.read(call, false);
  if (call.refused()) return;
  const value = writeStream(call, 1);
  if (value === null) return;
  if (!value.exists) {
    call.reply.integer(0);
    return;
  }
  const { stream } = value;
  const removed = options.apply(stream);
  if (removed > 0) {
    value.touched();
    call.changed(NOTIFY_STREAM, "xtrim", 1);
    if (options.isApproximate) {
      const effects = call.instead();
      effects.begin(call.database.index, call.count);
      for (let i = 0; i < call.count; i++) options.propagate(call, effects, stream, i);
    }
  }
  call.reply.integer(removed);
}

function deleteEntries(call: Call): void {
  const value = writeStream(call, 1);
  if (value === null) return;
  if (!value.exists) {
    call.reply.integer(0);
    return;
  }
  for (let i = 2; i < call.count && !call.hasProblem; i++) readId(call, i, id);
  if (call.refused()) return;
  const { stream } = value;
  let deleted = 0;
  for (let i = 2; i < call.count; i++) {
    readId(call, i, id);
    if (stream.delete(id)) deleted++;
  }
  if (deleted > 0) {
    value.touched();
    call.changed(NOTIFY_STREAM, "xdel", 1);
  }
  call.reply.integer(deleted);
}

function setLastId(call: Call): void {
  let entriesAdded: number | bigint = -1;
  let hasDeletedId = false;
  readId(call, 2, id);
  for (let i = 3; i < call.count && !call.hasProblem; i += 2) {
    const hasMore = i + 1 < call.count;
    if (hasMore && call.is(i, "ENTRIESADDED")) {
      entriesAdded = call.int64(i + 1);
      if (entriesAdded < 0) call.refuse(ENTRIES_ADDED_NEGATIVE);
    } else if (hasMore && call.is(i, "MAXDELETEDID")) {
      readId(call, i + 1, otherId);
      if (id.compare(otherId) < 0) call.refuse(LAST_ID_BELOW_DELETED);
      hasDeletedId = !otherId.isZero;
    } else call.refuse(SYNTAX);
  }
  if (call.refused()) return;
  const value = writeStream(call, 1);
  if (value === null) return;
  if (!value.exists) {
    call.fail(NO_SUCH_KEY);
    return;
  }
  const { stream } = value;
  if (stream.readLastEntryId(topId)) {
    if (id.compare(topId) < 0) call.refuse(LAST_ID_TOO_SMALL);
    else if (entriesAdded >= 0 && stream.length > entriesAdded) {
      call.refuse(ENTRIES_ADDED_TOO_SMALL);
    }
  }
  if (call.refused()) return;
  stream.lastId.copy(id);
  if (entriesAdded >= 0) stream.entriesAdded = entriesAdded;
  if (hasDeletedId) stream.maxDeletedId.copy(otherId);
  value.touched();
  call.changed(NOTIFY_STREAM, "xsetid", 1);
  call.reply.ok();
}
