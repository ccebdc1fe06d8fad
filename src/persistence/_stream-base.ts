/**
 * A stream as the commands that make it: XADD of each entry under its ID, and XSETID for what the
 * entries alone don't tell, then its groups (rewriteStreamObject, aof.c).
 */
import type { Effects } from "../engine/effects.ts";
import type { KeyView } from "../keyspace/entries.ts";
import type { Stream } from "../values/stream.ts";
import { writeGroups } from "./_base-groups.ts";
import { StreamCursor } from "../values/stream-cursor.ts";
import { StreamId } from "../values/stream-id.ts";

const FIRST_ID = new StreamId();
const LAST_ID = new StreamId().setLast();
/** The most that XSETID takes. */
const MAX_ENTRIES_ADDED = 2n ** 63n - 1n;
const cursor = new StreamCursor();

export function writeStream(
  databaseIndex: number,
  effects: Effects,
  key: KeyView,
  stream: Stream,
): void {
  const begin = (word: string, count: number): void => {
    effects.begin(databaseIndex, count);
    effects.word(word);
    effects.range(key.bytes, key.start, key.length);
  };
  if (stream.length === 0) {
    begin("XADD", 7);
    effects.word("MAXLEN");
    effects.integer(0);
    // No entry can be added as 0-0; XSETID says it all the same.
    effects.word(stream.lastId.isZero ? "0-1" : stream.lastId.toString());
    effects.word("x");
    effects.word("y");
    effects.finish();
  }
  cursor.seek(stream, FIRST_ID, LAST_ID, false);
  while (cursor.next()) {
    const { fieldCount, field, value } = cursor;
    begin("XADD", 3 + 2 * fieldCount);
    writeId(effects, cursor.id);
    for (let i = 0; i < fieldCount; i++) {
      cursor.nextPair();
      effects.range(field.bytes, field.start, field.length);
      effects.range(value.bytes, value.start, value.length);
    }
    effects.finish();
  }
  begin("XSETID", 7);
  writeId(effects, stream.lastId);
  effects.word("ENTRIESADDED");
  effects.integer(stream.entriesAdded < 0 ? MAX_ENTRIES_ADDED : stream.entriesAdded);
  effects.word("MAXDELETEDID");
  writeId(effects, stream.maxDeletedId);
  effects.finish();
  writeGroups(databaseIndex, effects, key, stream);
}

function writeId(effects: Effects, id: StreamId): void {
  const text = id.textBytes();
  effects.range(text, 0, text.length);
}
