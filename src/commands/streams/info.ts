/** XINFO: what a stream is made of, and who reads it. */
import type { Call } from "../../engine/call.ts";
import {
  command,
  KEY_ACCESS,
  KEY_RO,
  keysAt,
  LOADING,
  READONLY,
  STALE,
} from "../../engine/command.ts";
import { replyHelp } from "../../engine/help.ts";
import { readStream } from "../../engine/typed-values.ts";
import { NO_SUCH_KEY, unknownSubcommandOrArity } from "../../protocol/errors.ts";
import type { Stream } from "../../values/stream.ts";
import { StreamCursor } from "../../values/stream-cursor.ts";
import { StreamId } from "../../values/stream-id.ts";
import { replyEntries, replyEntry } from "./_entries.ts";
import { consumers, groups, replyGroups } from "./_group-info.ts";
import { replyId } from "./_ids.ts";

/** Entries, and pending ones, that FULL shows where it isn't told how many. */
const DEFAULT_COUNT = 10;
const FIRST_ID = new StreamId();
const LAST_ID = new StreamId().setLast();
const cursor = new StreamCursor();

const stream = command({
  name: "stream",
  group: "stream",
  since: "5.0.0",
  summary: "Describes a stream, FULL also its entries and groups.",
  complexity: "O(1), with FULL O(N) where N is the number of entries shown",
  arity: -3,
  flags: READONLY,
  categories: ["stream"],
  history: [
    ["6.0.0", "Added the `FULL` modifier."],
    [
      "7.0.0",
      "Added the `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, " +
        "`entries-read` and `lag` fields",
    ],
    ["7.2.0", "Added the `active-time` field, and changed the meaning of `seen-time`."],
  ],
  keys: [keysAt(KEY_RO | KEY_ACCESS, 2)],
  args: [
    { name: "key", type: "key", keySpec: 0 },
    {
      name: "full-block",
      type: "block",
      optional: true,
      parts: [
        { name: "full", type: "pure-token", token: "FULL" },
        { name: "count", type: "integer", token: "COUNT", optional: true },
      ],
    },
  ],
  run: replyStream,
});

const help = command({
  name: "help",
  group: "stream",
  since: "5.0.0",
  summary: "Describes the subcommands.",
  complexity: "O(1)",
  arity: 2,
  flags: LOADING | STALE,
  categories: ["stream"],
  run: (call) =>
    replyHelp(call, "XINFO", [
      "CONSUMERS <key> <groupname>",
      "    Show consumers of <groupname>.",
      "GROUPS <key>",
      "    Show the stream consumer groups.",
      "STREAM <key> [FULL [COUNT <count>]",
      "    Show information about the stream.",
    ]),
});

export const xinfo = command({
  name: "xinfo",
  group: "stream",
  since: "5.0.0",
  summary: "Describes a stream.",
  complexity: "Depends on subcommand.",
  arity: -2,
  flags: 0,
  subcommands: [consumers, groups, help, stream],
});

function replyStream(call: Call): void {
  const value = readStream(call, 2);
  if (value === null) return;
  if (!value.exists) {
    call.fail(NO_SUCH_KEY);
    return;
  }
  if (call.count === 3) {
    replySummary(call, value.stream);
    return;
  }
  const isFull = (call.count === 4 || call.count === 6) && call.is(3, "FULL");
  if (!isFull || (call.count === 6 && !call.is(4, "COUNT"))) {
    call.fail(unknownSubcommandOrArity("xinfo", call.text(1)));
    return;
  }
  const count = call.count === 6 ? Number(call.int64(5)) : DEFAULT_COUNT;
  if (call.refused()) return;
  replyInFull(call, value.stream, count < 0 ? DEFAULT_COUNT : count);
}

function replySummary(call: Call, source: Stream): void {
  const { reply } = call;
  reply.map(10);
  replyCommon(call, source);
  reply.bulkText("groups");
  reply.integer(source.groups.size);
  reply.bulkText("first-entry");
  replyEnd(call, source, false);
  reply.bulkText("last-entry");
  replyEnd(call, source, true);
}

function replyInFull(call: Call, source: Stream, count: number): void {
  const { reply } = call;
  reply.map(9);
  replyCommon(call, source);
  reply.bulkText("entries");
  cursor.seek(source, FIRST_ID, LAST_ID, false);
  replyEntries(reply, cursor, count);
  reply.bulkText("groups");
  replyGroups(call, source, count);
}

function replyCommon({ reply }: Call, source: Stream): void {
  reply.bulkText("length");
  reply.integer(source.length);
  reply.bulkText("radix-tree-keys");
  reply.integer(source.nodes.count);
  reply.bulkText("radix-tree-nodes");
  reply.integer(source.radixNodeCount);
  reply.bulkText("last-generated-id");
  replyId(reply, source.lastId);
  reply.bulkText("max-deleted-entry-id");
  replyId(reply, source.maxDeletedId);
  reply.bulkText("entries-added");
  reply.int64(source.entriesAdded);
  reply.bulkText("recorded-first-entry-id");
  replyId(reply, source.firstId);
}

/** The first or last entry. */
function replyEnd({ reply }: Call, source: Stream, isLast: boolean): void {
  cursor.seek(source, FIRST_ID, LAST_ID, isLast);
  if (cursor.next()) replyEntry(reply, cursor);
  else reply.nil();
}
