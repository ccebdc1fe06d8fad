/**
 * A stream's consumer groups as the commands that make them: XGROUP CREATE, XGROUP CREATECONSUMER,
 * and XCLAIM of each pending entry, as it is propagated. An entry that was deleted while it was
 * pending can't be claimed: it is lost here, as in Redis (rewriteStreamObject, aof.c).
 */
import type { Effects } from "../engine/effects.ts";
import type { KeyView } from "../keyspace/entries.ts";
import type { ConsumerGroup } from "../values/consumer-group.ts";
import type { Stream } from "../values/stream.ts";
import type { StreamId } from "../values/stream-id.ts";

export function writeGroups(
  databaseIndex: number,
  effects: Effects,
  key: KeyView,
  stream: Stream,
): void {
  for (const group of stream.sortedGroups()) {
    effects.begin(databaseIndex, 7);
    beginWords(effects, "CREATE", key, group);
    writeId(effects, group.lastId);
    effects.word("ENTRIESREAD");
    effects.integer(group.entriesRead);
    effects.finish();
    for (const { name } of group.sortedConsumers()) {
      effects.begin(databaseIndex, 5);
      beginWords(effects, "CREATECONSUMER", key, group);
      effects.range(name, 0, name.length);
      effects.finish();
    }
    let isThere = group.seekFirst();
    while (isThere) {
      writePending(databaseIndex, effects, key, group);
      isThere = group.next();
    }
  }
}

function beginWords(effects: Effects, word: string, key: KeyView, { name }: ConsumerGroup): void {
  effects.word("XGROUP");
  effects.word(word);
  effects.range(key.bytes, key.start, key.length);
  effects.range(name, 0, name.length);
}

/** The pending entry at the group's position. */
function writePending(
  databaseIndex: number,
  effects: Effects,
  key: KeyView,
  group: ConsumerGroup,
): void {
  const { name } = group.consumer;
  effects.begin(databaseIndex, 12);
  effects.word("XCLAIM");
  effects.range(key.bytes, key.start, key.length);
  effects.range(group.name, 0, group.name.length);
  effects.range(name, 0, name.length);
  effects.integer(0);
  writeId(effects, group.id);
  effects.word("TIME");
  effects.integer(group.deliveredMs);
  effects.word("RETRYCOUNT");
  effects.integer(group.deliveries);
  effects.word("JUSTID");
  effects.word("FORCE");
  effects.finish();
}

function writeId(effects: Effects, id: StreamId): void {
  const text = id.textBytes();
  effects.range(text, 0, text.length);
}
