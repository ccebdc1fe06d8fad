/** Stream IDs among the arguments, and in replies. */
import type { Call } from "../../engine/call.ts";
import type { Effects } from "../../engine/effects.ts";
import { BAD_RANGE_END, BAD_RANGE_START, BAD_STREAM_ID } from "../../protocol/errors.ts";
import type { ReplyWriter } from "../../protocol/reply-writer.ts";
import {
  MAX_STREAM_ID_TEXT,
  parseStreamId,
  SEQUENCE_FIRST,
  SEQUENCE_LAST,
} from "../../values/stream-id.ts";
import type { MissingSequence, StreamId } from "../../values/stream-id.ts";

const DASH = 45;
const PLUS = 43;
const PARENTHESIS = 40;
const STAR = 42;

const text = new Uint8Array(MAX_STREAM_ID_TEXT);

/** Reads `<ms>` or `<ms>-<seq>` into `id`; refuses anything else. */
export function readId(
  call: Call,
  index: number,
  id: StreamId,
  missing: MissingSequence = SEQUENCE_FIRST,
): void {
  const { bytes, starts, lengths } = call.args;
  if (!parseStreamId(bytes, starts[index], lengths[index], missing, id)) {
    call.refuse(BAD_STREAM_ID);
  }
}

/** As `readId`; also reads `<ms>-*`, for which it returns true and an ID with sequence 0. */
export function readNewId(call: Call, index: number, id: StreamId): boolean {
  const { bytes, starts, lengths } = call.args;
  const end = starts[index] + lengths[index];
  if (bytes[end - 1] !== STAR || bytes[end - 2] !== DASH || lengths[index] < 3) {
    readId(call, index, id);
    return false;
  }
  const length = lengths[index] - 2;
  // A dash in front of the last one is none of the form's.
  const isTime = !bytes.subarray(starts[index], starts[index] + length).includes(DASH);
  if (!isTime || !parseStreamId(bytes, starts[index], length, SEQUENCE_FIRST, id)) {
    call.refuse(BAD_STREAM_ID);
  }
  return true;
}

/** Reads the first ID of a range: `-`, `+`, an ID, or `(` and the ID in front of it. */
export function readRangeStart(call: Call, index: number, id: StreamId): void {
  if (!readBound(call, index, id, SEQUENCE_FIRST)) return;
  if (!id.increment()) call.refuse(BAD_RANGE_START);
}

/** As `readRangeStart`, of the last ID. */
export function readRangeEnd(call: Call, index: number, id: StreamId): void {
  if (!readBound(call, index, id, SEQUENCE_LAST)) return;
  if (!id.decrement()) call.refuse(BAD_RANGE_END);
}

/** Returns whether the ID itself is out of the range. */
function readBound(call: Call, index: number, id: StreamId, missing: MissingSequence): boolean {
  const { bytes, starts, lengths } = call.args;
  const start = starts[index];
  const length = lengths[index];
  if (length === 1 && bytes[start] === DASH) {
    id.setFirst();
    return false;
  }
  if (length === 1 && bytes[start] === PLUS) {
    id.setLast();
    return false;
  }
  const isExclusive = length > 1 && bytes[start] === PARENTHESIS;
  const skipped = isExclusive ? 1 : 0;
  if (parseStreamId(bytes, start + skipped, length - skipped, missing, id)) return isExclusive;
  call.refuse(BAD_STREAM_ID);
  return false;
}

export function replyId(reply: ReplyWriter, id: StreamId): void {
  reply.bulk(text, 0, id.writeText(text, 0));
}

/** The ID as an argument of the effect that is being written. */
export function propagateId(effects: Effects, id: StreamId): void {
  effects.range(text, 0, id.writeText(text, 0));
}
