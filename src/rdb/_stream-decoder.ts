/**
 * Streams: the nodes, what is kept beside them, and the consumer groups.
 *
 *     nodes: count, (ID:16, listpack)…
 *     length, last ID, [first ID, greatest deleted ID, entries added]     in brackets: since 2
 *     groups: count, (name, last ID, [entries read], pending, consumers)…
 *     pending: count, (ID:16, delivery time:8, deliveries)…
 *     consumers: count, (name, seen time:8, {active time:8}, its pending)…  in braces: since 3
 *     its pending: count, (ID:16)…
 *
 * IDs of 16 bytes have their high byte first, times of 8 their low byte.
 */
import { textOf } from "../base/bytes.ts";
import type { Consumer, ConsumerGroup } from "../values/consumer-group.ts";
import { countUpTo } from "../values/group-progress.ts";
import { STREAM_ID_BYTES, StreamId } from "../values/stream-id.ts";
import { StreamBuilder } from "../values/stream-builder.ts";
import type { Counter, Stream } from "../values/stream.ts";
import type { Decoding } from "./_decoding.ts";
import { PendingList } from "./_pending-list.ts";
import type { RdbInput } from "./rdb-input.ts";
import { RDB_STREAM_LISTPACKS, RDB_STREAM_LISTPACKS_3 } from "./rdb-types.ts";

const TIME_BYTES = 8;
/** What each part takes at the least. */
const MIN_NODE_BYTES = STREAM_ID_BYTES + 2;
const MIN_GROUP_BYTES = 5;
const MIN_PENDING_BYTES = STREAM_ID_BYTES + TIME_BYTES + 1;
const MIN_CONSUMER_BYTES = TIME_BYTES + 2;

export function decodeStream(decoding: Decoding, type: number): true {
  const { input } = decoding;
  const builder = new StreamBuilder(decoding.build());
  const { stream } = builder;
  readNodes(decoding, builder);
  const { offset } = input;
  const length = input.readLength();
  readId(input, stream.lastId);
  const problem = builder.finish(length);
  if (problem !== null) throw input.error(problem, offset);
  if (type === RDB_STREAM_LISTPACKS) {
    stream.entriesAdded = length;
  } else {
    // The first ID is known already.
    readId(input, new StreamId());
    readId(input, stream.maxDeletedId);
    stream.entriesAdded = readCounter(input);
  }
  for (let left = input.readCount(MIN_GROUP_BYTES); left > 0; left--) {
    readGroup(decoding, stream, type);
  }
  return true;
}

function readNodes(decoding: Decoding, builder: StreamBuilder): void {
  const { input, first } = decoding;
  const id = new StreamId();
  for (let left = input.readCount(MIN_NODE_BYTES); left > 0; left--) {
    input.readString(first);
    const { stringOffset } = input;
    if (first.length !== STREAM_ID_BYTES) {
      throw input.error("Stream node key entry is not the size of a stream ID", stringOffset);
    }
    id.read(first.bytes, first.start);
    input.readString(first);
    decoding.checkedForms++;
    const problem = builder.addNode(id, first.bytes, first.start, first.length);
    if (problem !== null) throw input.error(problem, input.stringOffset);
  }
}

function readGroup(decoding: Decoding, stream: Stream, type: number): void {
  const { input, first } = decoding;
  input.readString(first);
  const { bytes, start, length } = first;
  if (stream.findGroup(bytes, start, length) !== null) {
    const name = textOf(bytes, start, length);
    throw decoding.damaged(`Duplicated consumer group name ${name}`);
  }
  const group = stream.addGroup(bytes, start, length);
  readId(input, group.lastId);
  group.entriesRead =
    type === RDB_STREAM_LISTPACKS ? countUpTo(stream, group.lastId) : readCounter(input);
  const pending = readPending(decoding);
  for (let left = input.readCount(MIN_CONSUMER_BYTES); left > 0; left--) {
    readConsumer(decoding, group, pending, type);
  }
  if (!pending.assign(group)) throw input.error("Stream CG PEL entry without consumer");
}

function readPending({ input, first }: Decoding): PendingList {
  const count = input.readCount(MIN_PENDING_BYTES);
  const pending = new PendingList();
  const id = new StreamId();
  for (let i = 0; i < count; i++) {
    const { offset } = input;
    input.readBytes(STREAM_ID_BYTES, first);
    id.read(first.bytes, first.start);
    const deliveredMs = readTime(input);
    if (!pending.add(id, deliveredMs, readCounter(input))) {
      throw input.error("Duplicated global PEL entry loading stream consumer group", offset);
    }
  }
  return pending;
}

function readConsumer(
  decoding: Decoding,
  group: ConsumerGroup,
  pending: PendingList,
  type: number,
): void {
  const { input, first } = decoding;
  input.readString(first);
  const { bytes, start, length } = first;
  if (group.findConsumer(bytes, start, length) !== null) {
    throw decoding.damaged("Duplicate stream consumer detected.");
  }
  const consumer = group.addConsumer(bytes, start, length, 0);
  consumer.seenMs = readTime(input);
  consumer.activeMs = type === RDB_STREAM_LISTPACKS_3 ? readTime(input) : consumer.seenMs;
  readConsumersPending(decoding, consumer, pending);
}

function readConsumersPending(
  { input, first }: Decoding,
  consumer: Consumer,
  pending: PendingList,
): void {
  const id = new StreamId();
  for (let left = input.readCount(STREAM_ID_BYTES); left > 0; left--) {
    const { offset } = input;
    input.readBytes(STREAM_ID_BYTES, first);
    const index = pending.find(id.read(first.bytes, first.start));
    if (index < 0) throw input.error("Consumer entry not found in group global PEL", offset);
    if (pending.owners[index] !== undefined) {
      throw input.error("Duplicated consumer PEL entry loading a stream consumer group", offset);
    }
    pending.owners[index] = consumer;
  }
}

/** An ID as two lengths. */
function readId(input: RdbInput, id: StreamId): void {
  input.readWords();
  id.msHigh = input.high;
  id.msLow = input.low;
  input.readWords();
  id.seqHigh = input.high;
  id.seqLow = input.low;
}

/** A length of 64 bits as an int64. */
function readCounter(input: RdbInput): Counter {
  input.readWords();
  return input.int64;
}

/** Unix milliseconds, -1 for never. Others than a clock gives are brought near. */
function readTime(input: RdbInput): number {
  input.readInt64();
  return Math.max(-1, Math.min(Number(input.int64), Number.MAX_SAFE_INTEGER));
}
