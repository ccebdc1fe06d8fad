/** DEBUG OBJECT and DEBUG DIGEST-VALUE, which see expired keys too. */
import { parseSafeInteger } from "../../base/numbers.ts";
import type { Call } from "../../engine/call.ts";
import { valueDigest } from "../../keyspace/digest.ts";
import { NULL_REF } from "../../memory/arena.ts";
import type { Ref } from "../../memory/arena.ts";
import { ValueReader } from "../../keyspace/value-reader.ts";
import {
  clockOf,
  encodingIn,
  encodingName,
  headerOf,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
  typeOf,
} from "../../memory/entry.ts";
import type { Stream } from "../../values/stream.ts";
import { STREAM_ID_BYTES } from "../../values/stream-id.ts";
import { NO_SUCH_KEY } from "../../protocol/errors.ts";

/** RDB saves texts of up to so many bytes as integers where they are such. */
const INTEGER_TEXT_LIMIT = 11;
const SCORE_BYTES = 8;

export function describeObject(call: Call): void {
  const ref = entryAt(call, 2);
  if (ref === NULL_REF) {
    call.fail(NO_SUCH_KEY);
    return;
  }
  const { database } = call;
  const { arena } = database;
  const clock = clockOf(arena, ref);
  call.reply.simple(
    `Value at:0x${(ref >>> 0).toString(16)} refcount:1 ` +
      `encoding:${encodingName(encodingIn(headerOf(arena, ref)))} ` +
      `serializedlength:${serializedLength(call, ref)} ` +
      `lru:${clock} lru_seconds_idle:${call.engine.context.access.idleSeconds(clock)}`,
  );
}

export function digestValues(call: Call): void {
  call.reply.array(call.count - 2);
  for (let i = 2; i < call.count; i++) {
    call.reply.simple(valueDigest(call.engine.keyspace, call.database, entryAt(call, i)));
  }
}

function entryAt(call: Call, index: number): Ref {
  const { bytes, starts, lengths } = call.args;
  return call.database.peekAny(bytes, starts[index], lengths[index]);
}

/** Bytes of the value in an RDB file, before compression. */
function serializedLength(call: Call, ref: Ref): number {
  const { database } = call;
  if (typeOf(database.arena, ref) === TYPE_STRING) return stringLength(database.stringOf(ref));
  const reader = new ValueReader(call.engine.context);
  const type = reader.open(database.arena, ref);
  const { hash, list, set, sortedSet } = reader;
  if (type === TYPE_STREAM) return streamLength(reader.stream.stream);
  const { home, size } =
    type === TYPE_HASH ? hash : type === TYPE_LIST ? list : type === TYPE_SET ? set : sortedSet;
  if (home.collection === null) return lengthBytes(home.length) + home.length;
  let bytes = lengthBytes(size);
  if (type === TYPE_LIST) {
    list.seekEnd(true);
    do {
      list.read();
      bytes += stringLength(list.item);
    } while (list.next());
  } else if (type === TYPE_HASH) {
    hash.rewind();
    while (hash.next()) bytes += stringLength(hash.field) + stringLength(hash.value);
  } else if (type === TYPE_SET) {
    set.rewind();
    while (set.next()) bytes += stringLength(set.member);
  } else {
    sortedSet.rewind();
    while (sortedSet.next()) bytes += stringLength(sortedSet.member) + SCORE_BYTES;
  }
  return bytes;
}

/** Without the groups. */
function streamLength(stream: Stream): number {
  let bytes = lengthBytes(stream.nodes.count) + lengthBytes(stream.length);
  stream.visitNodes((_id, _bytes, _start, length) => {
    bytes += 1 + STREAM_ID_BYTES + lengthBytes(length) + length;
  });
  for (const { ms, seqHigh, seqLow } of [stream.lastId, stream.firstId, stream.maxDeletedId]) {
    bytes += lengthBytes(ms) + lengthBytes(seqHigh * 2 ** 32 + seqLow);
  }
  return bytes + lengthBytes(Number(stream.entriesAdded)) + lengthBytes(stream.groups.size);
}

interface ByteRange {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
}

function stringLength({ bytes, start, length }: ByteRange): number {
  if (length <= INTEGER_TEXT_LIMIT) {
    const integer = parseSafeInteger(bytes, start, length);
    if (integer >= -128 && integer < 128) return 2;
    if (integer >= -32768 && integer < 32768) return 3;
    if (integer >= -2147483648 && integer < 2147483648) return 5;
  }
  return lengthBytes(length) + length;
}

function lengthBytes(length: number): number {
  if (length < 64) return 1;
  if (length < 16384) return 2;
  return length < 2 ** 32 ? 5 : 9;
}
