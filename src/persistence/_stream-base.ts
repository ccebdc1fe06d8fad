/**
 * A stream as the commands that make it: XADD of each entry under its ID, and XSETID for what the
 * entries alone don't tell (rewriteStreamObject, aof.c).
 */
import type { Effects } from "../engine/effects.ts";
import type { KeyView } from "../keyspace/entries.ts";
import type { ConsumerGroup } from "../values/consumer-group.ts";
import type { Stream } from "../values/stream.ts";
import { StreamCursor } from "../values/stream-cursor.ts";
import { StreamId } from "../values/stream-id.ts";

const FIRST_ID = new StreamId();
const LAST_ID = new StreamId().setLast();
/** The most that XSETID takes. */
const MAX_ENTRIES_ADDED = 2n ** 63n - 1n;
const cursor = new StreamCursor();
const pendingId = new StreamId();

export function writeStream(
  databaseIndex: number,
  effects: Effects,
  key: KeyView,
  stream: Stream,
): void {
  const begin: Begin = (count, ...words) => {
    effects.begin(databaseIndex, count);
    for (const word of words) effects.word(word);
    effects.range(key.bytes, key.start, key.length);
  };
  if (stream.length === 0) {
    begin(7, "XADD");
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
    begin(3 + 2 * fieldCount, "XADD");
    writeId(effects, cursor.id);
    for (let i = 0; i < fieldCount; i++) {
      cursor.nextPair();
      effects.range(field.bytes, field.start, field.length);
      effects.range(value.bytes, value.start, value.length);
    }
    effects.finish();
  }
  begin(7, "XSETID");
  writeId(effects, stream.lastId);
  effects.word("ENTRIESADDED");
  effects.integer(stream.entriesAdded < 0 ? MAX_ENTRIES_ADDED : stream.entriesAdded);
  effects.word("MAXDELETEDID");
  writeId(effects, stream.maxDeletedId);
  effects.finish();
  for (const [name, group] of stream.groups) writeGroup(effects, begin, name, group);
}

/** Begins a command of `count` arguments: these words, then the key. */
type Begin = (count: number, ...words: string[]) => void;

/** A group, its consumers, and what is pending for each. */
function writeGroup(effects: Effects, begin: Begin, name: string, group: ConsumerGroup): void {
  begin(7, "XGROUP", "CREATE");
  effects.word(name);
  writeId(effects, group.lastId);
  effects.word("ENTRIESREAD");
  effects.integer(group.entriesRead);
  effects.finish();
  for (const consumer of group.consumers()) {
    begin(5, "XGROUP", "CREATECONSUMER");
    effects.word(name);
    effects.word(consumer.name);
    effects.finish();
    const { pending } = consumer;
    for (pending.seekFirst(); !pending.isAtEnd; pending.next()) {
      pending.readId(pendingId);
      if (!group.pending.find(pendingId)) continue;
      begin(12, "XCLAIM");
      effects.word(name);
      effects.word(consumer.name);
      effects.integer(0);
      writeId(effects, pendingId);
      effects.word("TIME");
      effects.integer(group.pending.deliveredMs);
      effects.word("RETRYCOUNT");
      effects.integer(group.pending.deliveries);
      effects.word("JUSTID");
      effects.word("FORCE");
      effects.finish();
    }
  }
}

function writeId(effects: Effects, id: StreamId): void {
  const text = id.textBytes();
  effects.range(text, 0, text.length);
}
