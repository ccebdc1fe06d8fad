/**
 * How far a consumer group has read its stream, counted in entries: `entries-read` and `lag`. The
 * count is known as long as nothing was deleted in the part that is still to be read, and can be
 * found again at the stream's ends (streamEstimateDistanceFromFirstEverEntry, t_stream.c).
 */
import { UNKNOWN_COUNT } from "./consumer-group.ts";
import type { ConsumerGroup } from "./consumer-group.ts";
import type { Counter, Stream } from "./stream.ts";
import type { StreamId } from "./stream-id.ts";

/** The group is given this entry, which follows its last one. */
export function advance(stream: Stream, group: ConsumerGroup, id: StreamId): void {
  if (group.entriesRead !== UNKNOWN_COUNT && !hasDeletedFrom(stream, id)) {
    group.entriesRead = plus(group.entriesRead, 1);
  } else if (!isNone(stream.entriesAdded)) {
    group.entriesRead = countUpTo(stream, id);
  }
  group.lastId.copy(id);
}

/** Entries that the group has still to be given; null where that is not known. */
export function lagOf(stream: Stream, group: ConsumerGroup): Counter | null {
  const { entriesAdded } = stream;
  if (isNone(entriesAdded)) return 0;
  let read = group.entriesRead;
  if (read === UNKNOWN_COUNT || hasDeletedFrom(stream, group.lastId)) {
    read = countUpTo(stream, group.lastId);
    if (read === UNKNOWN_COUNT) return null;
  }
  return plus(entriesAdded, negated(read));
}

/** Whether an entry with this ID or a later one may have been deleted. */
function hasDeletedFrom(stream: Stream, id: StreamId): boolean {
  const { maxDeletedId } = stream;
  if (stream.length === 0 || maxDeletedId.isZero) return false;
  return stream.firstId.compare(maxDeletedId) <= 0 && id.compare(maxDeletedId) <= 0;
}

/** The entries ever added up to this ID, or UNKNOWN_COUNT. */
export function countUpTo(stream: Stream, id: StreamId): Counter {
  const { entriesAdded, firstId, lastId, length, maxDeletedId } = stream;
  if (isNone(entriesAdded)) return 0;
  const toLast = id.compare(lastId);
  if (toLast === 0 || (length === 0 && toLast < 0)) return entriesAdded;
  if (toLast > 0) return UNKNOWN_COUNT;
  if (!maxDeletedId.isZero && maxDeletedId.compare(firstId) >= 0) return UNKNOWN_COUNT;
  const toFirst = id.compare(firstId);
  if (toFirst > 0) return UNKNOWN_COUNT;
  return plus(entriesAdded, (toFirst === 0 ? 1 : 0) - length);
}

function isNone(count: Counter): boolean {
  return count === 0 || count === 0n;
}

function negated(count: Counter): Counter {
  return typeof count === "number" ? -count : -count;
}

/** As int64, which wraps. */
function plus(a: Counter, b: Counter): Counter {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  const exact = BigInt.asIntN(64, BigInt(a) + BigInt(b));
  const sum = Number(exact);
  return Number.isSafeInteger(sum) ? sum : exact;
}
