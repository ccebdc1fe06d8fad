/**
 * A stream's bytes behind its nodes: counters, groups, and what is pending in them.
 *
 *     length, last ID, [first ID, greatest deleted ID, entries added]
 *     groups: name, last ID, [entries read], pending entries, consumers
 *     pending entry: ID, delivery time, deliveries
 *     consumer: name, seen time, [active time], its pending IDs
 *
 * What is in brackets came with LISTPACKS_2, the active time with LISTPACKS_3.
 */
import type { Consumer, ConsumerGroup } from "../values/consumer-group.ts";
import { STREAM_ID_BYTES, StreamId } from "../values/stream-id.ts";
import type { Stream } from "../values/stream.ts";
import type { RdbOutput } from "./rdb-output.ts";

const id = new StreamId();
const idBytes = new Uint8Array(STREAM_ID_BYTES);

/** A node: its ID, which is the key in Redis's tree, and its listpack. */
export function writeStreamNode(
  output: RdbOutput,
  nodeId: StreamId,
  bytes: Uint8Array,
  start: number,
  length: number,
): void {
  output.length(STREAM_ID_BYTES);
  writeRawId(output, nodeId);
  output.string(bytes, start, length);
}

/** All but the nodes. `withActiveTimes`: as LISTPACKS_3, otherwise as LISTPACKS_2. */
export function writeStreamTail(output: RdbOutput, stream: Stream, withActiveTimes: boolean): void {
  output.length(stream.length);
  writeId(output, stream.lastId);
  writeId(output, stream.firstId);
  writeId(output, stream.maxDeletedId);
  output.counter(stream.entriesAdded);
  const groups = stream.sortedGroups();
  output.length(groups.length);
  for (const group of groups) writeGroup(output, group, withActiveTimes);
}

function writeGroup(output: RdbOutput, group: ConsumerGroup, withActiveTimes: boolean): void {
  output.string(group.name, 0, group.name.length);
  writeId(output, group.lastId);
  output.counter(group.entriesRead);
  output.length(group.pendingCount);
  if (group.seekFirst()) {
    do {
      writeRawId(output, group.id);
      output.milliseconds(group.deliveredMs);
      output.counter(group.deliveries);
    } while (group.next());
  }
  const consumers = group.sortedConsumers();
  output.length(consumers.length);
  for (const consumer of consumers) writeConsumer(output, consumer, withActiveTimes);
}

function writeConsumer(output: RdbOutput, consumer: Consumer, withActiveTime: boolean): void {
  const { name, pending } = consumer;
  output.string(name, 0, name.length);
  output.milliseconds(consumer.seenMs);
  if (withActiveTime) output.milliseconds(consumer.activeMs);
  output.length(pending.size);
  if (!pending.seekFirst()) return;
  do writeRawId(output, pending.readId(id));
  while (pending.next());
}

function writeId(output: RdbOutput, { msHigh, msLow, seqHigh, seqLow }: StreamId): void {
  output.lengthOfWords(msHigh, msLow);
  output.lengthOfWords(seqHigh, seqLow);
}

function writeRawId(output: RdbOutput, rawId: StreamId): void {
  rawId.write(idBytes, 0);
  output.bytes(idBytes, 0, STREAM_ID_BYTES);
}
