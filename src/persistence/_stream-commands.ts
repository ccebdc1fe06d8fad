/**
 * A stream as the commands that make it: XADD of each entry under its ID, and XSETID for what the
 * entries alone don't tell, then its groups (rewriteStreamObject, aof.c).
 */
import type { RequestWriter } from "../protocol/request-writer.ts";
import type { Stream } from "../values/stream.ts";
import type { StreamCursor } from "../values/stream-cursor.ts";
import { type ByteRange, writeId, writeRange } from "./_arguments.ts";
import { writeGroups } from "./_group-commands.ts";

/** The most that XSETID takes. */
const MAX_ENTRIES_ADDED = 2n ** 63n - 1n;

/** XADD of the entry at which the cursor stands. */
export function writeStreamEntry(out: RequestWriter, key: ByteRange, cursor: StreamCursor): void {
  const { fieldCount, field, value } = cursor;
  begin(out, "XADD", key, 3 + 2 * fieldCount);
  writeId(out, cursor.id);
  for (let i = 0; i < fieldCount; i++) {
    cursor.nextPair();
    writeRange(out, field);
    writeRange(out, value);
  }
}

/** What follows the entries. */
export function writeStreamRest(out: RequestWriter, key: ByteRange, stream: Stream): void {
  if (stream.length === 0) {
    begin(out, "XADD", key, 7);
    out.word("MAXLEN");
    out.integer(0);
    // No entry can be added as 0-0; XSETID says it all the same.
    out.word(stream.lastId.isZero ? "0-1" : stream.lastId.toString());
    out.word("x");
    out.word("y");
  }
  begin(out, "XSETID", key, 7);
  writeId(out, stream.lastId);
  out.word("ENTRIESADDED");
  out.integer(stream.entriesAdded < 0 ? MAX_ENTRIES_ADDED : stream.entriesAdded);
  out.word("MAXDELETEDID");
  writeId(out, stream.maxDeletedId);
  writeGroups(out, key, stream);
}

function begin(out: RequestWriter, word: string, key: ByteRange, count: number): void {
  out.begin(count);
  out.word(word);
  writeRange(out, key);
}
