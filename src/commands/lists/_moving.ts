/** An element taken from an end of one list and put to an end of another, or of the same one. */
import type { Call } from "../../engine/call.ts";
import { NOTIFY_LIST } from "../../engine/key-events.ts";
import { OTHER, writeList } from "../../engine/typed-values.ts";
import { ByteCopy } from "../../base/bytes.ts";
import { dropReported } from "./_popping.ts";

const moved = new ByteCopy();

/**
 * Moves an element between the lists in arguments 1 and 2 and replies with it. False where the
 * first is empty: then nothing was replied.
 */
export function tryMove(call: Call, fromHead: boolean, toHead: boolean): boolean {
  const source = writeList(call, 1);
  if (source === null) return true;
  if (!source.home.exists) return false;
  const isSame = call.args.areEqual(1, 2);
  const target = isSame ? source : writeList(call, 2, OTHER);
  if (target === null) return true;
  const { item } = source;
  source.seekEnd(fromHead);
  source.read();
  moved.set(item.bytes, item.start, item.length);
  call.reply.bulk(moved.bytes, 0, moved.length);
  if (isSame) {
    if (source.size > 1) {
      source.drop(fromHead, 1);
      source.prepare(1, moved.length);
      source.push(toHead, moved.bytes, 0, moved.length);
    } else {
      source.home.touched();
    }
    call.changed(NOTIFY_LIST, toHead ? "lpush" : "rpush", 1);
    call.alsoHappened(NOTIFY_LIST, fromHead ? "lpop" : "rpop", 1);
    return true;
  }
  target.prepare(1, moved.length);
  target.push(toHead, moved.bytes, 0, moved.length);
  call.alsoHappened(NOTIFY_LIST, toHead ? "lpush" : "rpush", 2);
  dropReported(call, source, 1, fromHead, 1);
  return true;
}

export function moveBetween(call: Call, fromHead: boolean, toHead: boolean): void {
  if (!tryMove(call, fromHead, toHead)) call.reply.nil();
}
