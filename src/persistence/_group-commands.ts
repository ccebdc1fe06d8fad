/**
 * A stream's consumer groups as the commands that make them: XGROUP CREATE, XGROUP CREATECONSUMER,
 * and XCLAIM of each pending entry, as it is propagated. An entry that was deleted while it was
 * pending can't be claimed: it is lost here, as in Redis (rewriteStreamObject, aof.c).
 */
import type { RequestWriter } from "../protocol/request-writer.ts";
import type { ConsumerGroup } from "../values/consumer-group.ts";
import type { Stream } from "../values/stream.ts";
import { type ByteRange, writeId, writeRange } from "./_arguments.ts";

export function writeGroups(out: RequestWriter, key: ByteRange, stream: Stream): void {
  for (const group of stream.sortedGroups()) {
    begin(out, "CREATE", key, group, 7);
    writeId(out, group.lastId);
    out.word("ENTRIESREAD");
    out.integer(group.entriesRead);
    for (const { name } of group.sortedConsumers()) {
      begin(out, "CREATECONSUMER", key, group, 5);
      out.range(name, 0, name.length);
    }
    let isThere = group.seekFirst();
    while (isThere) {
      writePending(out, key, group);
      isThere = group.next();
    }
  }
}

function begin(
  out: RequestWriter,
  word: string,
  key: ByteRange,
  { name }: ConsumerGroup,
  count: number,
): void {
  out.begin(count);
  out.word("XGROUP");
  out.word(word);
  writeRange(out, key);
  out.range(name, 0, name.length);
}

/** The pending entry at the group's position. */
function writePending(out: RequestWriter, key: ByteRange, group: ConsumerGroup): void {
  const { name } = group.consumer;
  out.begin(12);
  out.word("XCLAIM");
  writeRange(out, key);
  out.range(group.name, 0, group.name.length);
  out.range(name, 0, name.length);
  out.integer(0);
  writeId(out, group.id);
  out.word("TIME");
  out.integer(group.deliveredMs);
  out.word("RETRYCOUNT");
  out.integer(group.deliveries);
  out.word("JUSTID");
  out.word("FORCE");
}
