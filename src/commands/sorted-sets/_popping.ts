/** Members taken from an end of a sorted set: replied, removed and reported. */
import type { Call } from "../../engine/call.ts";
import { NOTIFY_GENERIC, NOTIFY_ZSET } from "../../engine/key-events.ts";
import type { SortedSetValue } from "../../values/sorted-set.ts";

/** Replies with up to `wanted` members and their scores (flat, or in pairs) and removes them. */
export function popMembers(
  call: Call,
  set: SortedSetValue,
  keyIndex: number,
  isMax: boolean,
  wanted: number,
  isNested: boolean,
): number {
  const count = Math.min(wanted, set.size);
  call.reply.array(isNested ? count : count * 2);
  popInto(call, set, keyIndex, isMax, count, isNested);
  return count;
}

/** As `popMembers`, into an array that has been begun; `count` members exist. */
export function popInto(
  call: Call,
  set: SortedSetValue,
  keyIndex: number,
  isMax: boolean,
  count: number,
  isNested: boolean,
): void {
  const { reply } = call;
  const { member, size } = set;
  set.seek(isMax ? size - 1 : 0);
  for (let i = 0; i < count; i++) {
    set.read();
    if (isNested) reply.array(2);
    reply.bulk(member.bytes, member.start, member.length);
    reply.double(set.score);
    set.move(isMax);
  }
  const isAll = count === size;
  if (isAll) set.home.remove();
  else set.removeRange(isMax ? size - count : 0, count);
  call.changed(NOTIFY_ZSET, isMax ? "zpopmax" : "zpopmin", keyIndex);
  if (count > 1) call.changedMany(count - 1);
  if (isAll) call.alsoHappened(NOTIFY_GENERIC, "del", keyIndex);
}

/** Replies with the key and up to `wanted` members; propagated is the pop of just these. */
export function popWithKey(
  call: Call,
  set: SortedSetValue,
  keyIndex: number,
  isMax: boolean,
  wanted: number,
): void {
  const { args, reply } = call;
  reply.array(2);
  reply.bulk(args.bytes, args.starts[keyIndex], args.lengths[keyIndex]);
  const count = popMembers(call, set, keyIndex, isMax, wanted, true);
  const effects = call.instead();
  effects.begin(call.database.index, 3);
  effects.word(isMax ? "ZPOPMAX" : "ZPOPMIN");
  effects.argument(args, keyIndex);
  effects.integer(count);
}
