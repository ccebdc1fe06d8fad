/** Elements taken from an end of a list: replied, removed and reported. */
import type { Call } from "../../engine/call.ts";
import { NOTIFY_GENERIC, NOTIFY_LIST } from "../../engine/key-events.ts";
import type { ListValue } from "../../values/list.ts";

/** Replies with an array of up to `wanted` elements and removes them. Returns how many. */
export function popElements(
  call: Call,
  list: ListValue,
  keyIndex: number,
  atHead: boolean,
  wanted: number,
): number {
  const { reply } = call;
  const { item } = list;
  const count = Math.min(wanted, list.size);
  reply.array(count);
  list.seekEnd(atHead);
  for (let i = 0; i < count; i++) {
    list.read();
    reply.bulk(item.bytes, item.start, item.length);
    if (atHead) list.next();
    else list.previous();
  }
  dropReported(call, list, keyIndex, atHead, count);
  return count;
}

/** Replies with the element at an end and removes it. */
export function popElement(call: Call, list: ListValue, keyIndex: number, atHead: boolean): void {
  const { item } = list;
  list.seekEnd(atHead);
  list.read();
  call.reply.bulk(item.bytes, item.start, item.length);
  dropReported(call, list, keyIndex, atHead, 1);
}

/** Removes elements from an end, and the list with its last one. */
export function dropReported(
  call: Call,
  list: ListValue,
  keyIndex: number,
  atHead: boolean,
  count: number,
): void {
  if (count === list.size) list.home.remove();
  else {
    list.drop(atHead, count);
    list.settle();
  }
  call.changed(NOTIFY_LIST, atHead ? "lpop" : "rpop", keyIndex);
  if (count > 1) call.changedMany(count - 1);
  if (!list.home.exists) call.alsoHappened(NOTIFY_GENERIC, "del", keyIndex);
}

/**
 * Replies with the key in argument `keyIndex` and up to `wanted` of its elements, and removes
 * them; propagated is the pop of just these.
 */
export function popWithKey(
  call: Call,
  list: ListValue,
  keyIndex: number,
  atHead: boolean,
  wanted: number,
): void {
  const { args, reply } = call;
  reply.array(2);
  reply.bulk(args.bytes, args.starts[keyIndex], args.lengths[keyIndex]);
  const count = popElements(call, list, keyIndex, atHead, wanted);
  const effects = call.instead();
  effects.begin(call.database.index, 3);
  effects.word(atHead ? "LPOP" : "RPOP");
  effects.argument(args, keyIndex);
  effects.integer(count);
}
