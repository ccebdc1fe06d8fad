/** Entries in replies: each is its ID with an array of fields and values. */
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import type { StreamCursor } from "../../values/stream-cursor.ts";
import { replyId } from "./_ids.ts";

/** The entry that the cursor stands on. */
export function replyEntry(reply: ReplyWriter, cursor: StreamCursor): void {
  reply.array(2);
  replyId(reply, cursor.id);
  const { fieldCount, field, value } = cursor;
  reply.array(fieldCount * 2);
  for (let i = 0; i < fieldCount; i++) {
    cursor.nextPair();
    reply.bulk(field.bytes, field.start, field.length);
    reply.bulk(value.bytes, value.start, value.length);
  }
}

/** The cursor's entries from the next one on, `limit` (0: no limit) at the most, as an array. */
export function replyEntries(reply: ReplyWriter, cursor: StreamCursor, limit: number): void {
  const mark = reply.beginDeferred();
  let count = 0;
  while ((limit === 0 || count < limit) && cursor.next()) {
    replyEntry(reply, cursor);
    count++;
  }
  reply.endDeferred(mark, count);
}
