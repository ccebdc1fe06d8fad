/** Consumer groups among the arguments, and what commands on them propagate. */
import type { Call } from "../../engine/call.ts";
import type { Effects } from "../../engine/effects.ts";
import { NOTIFY_EVENT_ONLY, NOTIFY_STREAM } from "../../engine/key-events.ts";
import type { Consumer, ConsumerGroup } from "../../values/consumer-group.ts";
import type { Stream } from "../../values/stream.ts";
import type { StreamId } from "../../values/stream-id.ts";
import { propagateId } from "./_ids.ts";

/** Events of groups: the entries of the stream are as they were, so WATCH is not concerned. */
export const GROUP_EVENT = NOTIFY_STREAM | NOTIFY_EVENT_ONLY;

/** The group that argument `index` names, or null. */
export function groupAt(call: Call, stream: Stream, index: number): ConsumerGroup | null {
  return stream.groups.get(call.text(index)) ?? null;
}

/** The consumer that argument `index` names, made where there is none; it has been seen now. */
export function seenConsumer(
  call: Call,
  group: ConsumerGroup,
  keyIndex: number,
  index: number,
): { readonly consumer: Consumer; readonly isNew: boolean } {
  const name = call.text(index);
  const known = group.consumer(name);
  if (known !== null) {
    known.seenMs = call.nowMs;
    return { consumer: known, isNew: false };
  }
  const consumer = group.addConsumer(name, call.nowMs);
  call.changed(GROUP_EVENT, "xgroup-createconsumer", keyIndex);
  return { consumer, isNew: true };
}

/** Writes the XGROUP CREATECONSUMER that makes the consumer. */
export function propagateConsumer(
  call: Call,
  effects: Effects,
  keyIndex: number,
  groupIndex: number,
  { name }: Consumer,
): void {
  effects.begin(call.database.index, 5);
  effects.word("XGROUP");
  effects.word("CREATECONSUMER");
  effects.argument(call.args, keyIndex);
  effects.argument(call.args, groupIndex);
  effects.word(name);
}

/** Writes the XGROUP SETID that brings a group to where this one is. */
export function propagateGroupId(
  call: Call,
  effects: Effects,
  keyIndex: number,
  groupIndex: number,
  group: ConsumerGroup,
): void {
  effects.begin(call.database.index, 7);
  effects.word("XGROUP");
  effects.word("SETID");
  effects.argument(call.args, keyIndex);
  effects.argument(call.args, groupIndex);
  propagateId(effects, group.lastId);
  effects.word("ENTRIESREAD");
  effects.integer(group.entriesRead);
}

/**
 * Writes the XCLAIM that makes an entry pending as the group's list, which stands on it, says it
 * is. It does the same however often it runs; where the entry is gone it ends its being pending.
 */
export function propagateClaim(
  call: Call,
  effects: Effects,
  keyIndex: number,
  groupIndex: number,
  group: ConsumerGroup,
  id: StreamId,
): void {
  effects.begin(call.database.index, 14);
  effects.word("XCLAIM");
  effects.argument(call.args, keyIndex);
  effects.argument(call.args, groupIndex);
  effects.word(group.owner.name);
  effects.integer(0);
  propagateId(effects, id);
  effects.word("TIME");
  effects.integer(group.pending.deliveredMs);
  effects.word("RETRYCOUNT");
  effects.integer(group.pending.deliveries);
  effects.word("FORCE");
  effects.word("JUSTID");
  effects.word("LASTID");
  propagateId(effects, group.lastId);
}
