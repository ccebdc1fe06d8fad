/**
 * Groups and consumers among the arguments, and what repeats a change of them. What a consumer was
 * given is propagated as XCLAIM with all its particulars, which can be repeated any number of times
 * (streamPropagateXCLAIM, t_stream.c).
 */
import type { Call } from "../../engine/call.ts";
import { NOTIFY_STREAM } from "../../engine/key-events.ts";
import type { Consumer, ConsumerGroup } from "../../values/consumer-group.ts";
import type { Stream, StreamValue } from "../../values/stream.ts";
import { StreamId } from "../../values/stream-id.ts";
import { propagateId } from "./_ids.ts";

/** Where the key and the names of group and consumer are among the arguments. */
export interface GroupArguments {
  key: number;
  group: number;
  consumer: number;
}

export function findGroup(call: Call, stream: Stream, index: number): ConsumerGroup | null {
  const { bytes, starts, lengths } = call.args;
  return stream.findGroup(bytes, starts[index], lengths[index]);
}

export function findConsumer(call: Call, group: ConsumerGroup, index: number): Consumer | null {
  const { bytes, starts, lengths } = call.args;
  return group.findConsumer(bytes, starts[index], lengths[index]);
}

/** Makes the consumer, whose name there is none of, and reports that. */
export function addConsumer(
  call: Call,
  value: StreamValue,
  group: ConsumerGroup,
  at: GroupArguments,
): Consumer {
  const { bytes, starts, lengths } = call.args;
  value.touched();
  const { consumer: index } = at;
  const consumer = group.addConsumer(bytes, starts[index], lengths[index], call.nowMs);
  call.changed(NOTIFY_STREAM, "xgroup-createconsumer", at.key);
  return consumer;
}

/** The consumer was made. */
export function propagateConsumer(call: Call, at: GroupArguments): void {
  const effects = call.instead();
  if (!effects.isActive) return;
  effects.begin(call.database.index, 5);
  effects.word("XGROUP");
  effects.word("CREATECONSUMER");
  effects.argument(call.args, at.key);
  effects.argument(call.args, at.group);
  effects.argument(call.args, at.consumer);
}

/** The pending entry at the group's position is as it is now. */
export function propagatePending(call: Call, group: ConsumerGroup, at: GroupArguments): void {
  const effects = call.instead();
  if (!effects.isActive) return;
  const { name } = group.consumer;
  effects.begin(call.database.index, 14);
  effects.word("XCLAIM");
  effects.argument(call.args, at.key);
  effects.argument(call.args, at.group);
  effects.range(name, 0, name.length);
  effects.integer(0);
  propagateId(effects, group.id);
  effects.word("TIME");
  effects.integer(group.deliveredMs);
  effects.word("RETRYCOUNT");
  effects.integer(group.deliveries);
  effects.word("FORCE");
  effects.word("JUSTID");
  effects.word("LASTID");
  propagateId(effects, group.lastId);
}

/** The group has read this far. */
export function propagateProgress(call: Call, group: ConsumerGroup, at: GroupArguments): void {
  const effects = call.instead();
  if (!effects.isActive) return;
  effects.begin(call.database.index, 7);
  effects.word("XGROUP");
  effects.word("SETID");
  effects.argument(call.args, at.key);
  effects.argument(call.args, at.group);
  propagateId(effects, group.lastId);
  effects.word("ENTRIESREAD");
  effects.integer(group.entriesRead);
}

const KEPT_IDS = 1024;

/** IDs that a request names, read before any of them is acted upon; filled and filled again. */
export class IdList {
  count = 0;
  private readonly ids: StreamId[] = [];

  clear(): void {
    this.count = 0;
    if (this.ids.length > KEPT_IDS) this.ids.length = KEPT_IDS;
  }

  at(index: number): StreamId {
    return this.ids[index];
  }

  /** Another one, to be filled. */
  add(): StreamId {
    const index = this.count++;
    if (index === this.ids.length) this.ids.push(new StreamId());
    return this.ids[index];
  }

  /** Takes the last one back. */
  drop(): void {
    this.count--;
  }
}
