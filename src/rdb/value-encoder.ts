/**
 * Writes the value of an entry, of any type and encoding, as Redis would (rdbSaveObject, rdb.c).
 * Packed values are Redis's own bytes and go out as they are; in the others the order of elements
 * is nobody's but a sorted set's, which Redis writes, and loads faster, from the highest down.
 */
import { ValueReader } from "../keyspace/value-reader.ts";
import type { KeyspaceContext } from "../keyspace/context.ts";
import { SLAB_SHIFT } from "../memory/arena.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import {
  ENCODING_INTSET,
  EXTERNAL_VALUE,
  flagsIn,
  headerOf,
  integerOf,
  keyLengthIn,
  keyOffset,
  startOf,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STRING,
  TYPE_ZSET,
  typeOf,
  valueWordOf,
  WIDE_VALUE,
} from "../memory/entry.ts";
import type { Home } from "../values/home.ts";
import type { StreamId } from "../values/stream-id.ts";
import { writeExpiringField, writeListNode, writeMember } from "./_parts.ts";
import { writeStreamNode, writeStreamTail } from "./_stream-parts.ts";
import type { RdbOutput } from "./rdb-output.ts";
import {
  NODE_PACKED,
  RDB_HASH,
  RDB_HASH_LISTPACK,
  RDB_HASH_METADATA,
  RDB_LIST_QUICKLIST_2,
  RDB_SET,
  RDB_SET_INTSET,
  RDB_SET_LISTPACK,
  RDB_STREAM_LISTPACKS_2,
  RDB_STREAM_LISTPACKS_3,
  RDB_STRING,
  RDB_VERSION,
  RDB_VERSION_7_4,
  RDB_ZSET_2,
  RDB_ZSET_LISTPACK,
} from "./rdb-types.ts";
import type { RdbVersion } from "./rdb-version.ts";

/** Redis's type of a stream in a file of this version. */
export function streamType(version: RdbVersion): number {
  return version >= RDB_VERSION ? RDB_STREAM_LISTPACKS_3 : RDB_STREAM_LISTPACKS_2;
}

export class ValueEncoder {
  /** May be changed between values. */
  version: RdbVersion;
  private readonly reader: ValueReader;
  private output: RdbOutput;
  private readonly onListNode = (
    bytes: Uint8Array,
    start: number,
    length: number,
    count: number,
  ): void => writeListNode(this.output, bytes, start, length, count);
  private readonly onStreamNode = (
    id: StreamId,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): void => writeStreamNode(this.output, id, bytes, start, length);

  constructor(context: KeyspaceContext, version: RdbVersion, output: RdbOutput) {
    this.reader = new ValueReader(context);
    this.version = version;
    this.output = output;
  }

  /** Opens an entry, for `write` to write its value; returns its type in the file. */
  open(arena: Arena, ref: Ref): number {
    if (typeOf(arena, ref) === TYPE_STRING) return RDB_STRING;
    const { reader } = this;
    switch (reader.open(arena, ref)) {
      case TYPE_LIST:
        return RDB_LIST_QUICKLIST_2;
      case TYPE_SET:
        return this.setType(reader.set.home);
      case TYPE_ZSET:
        return reader.sortedSet.isPacked ? RDB_ZSET_LISTPACK : RDB_ZSET_2;
      case TYPE_HASH:
        if (reader.hash.isPacked) return RDB_HASH_LISTPACK;
        return reader.hash.hasExpiringFields ? RDB_HASH_METADATA : RDB_HASH;
      default:
        return streamType(this.version);
    }
  }

  /** Writes the value of the entry that was opened last, which has this type in the file. */
  write(output: RdbOutput, arena: Arena, ref: Ref, type: number): void {
    this.output = output;
    const { reader } = this;
    switch (type) {
      case RDB_STRING:
        writeStringValue(output, arena, ref);
        return;
      case RDB_LIST_QUICKLIST_2:
        this.writeList(output);
        return;
      case RDB_SET_INTSET:
      case RDB_SET_LISTPACK:
        writePacked(output, reader.set.home);
        return;
      case RDB_SET:
        this.writeSet(output);
        return;
      case RDB_ZSET_LISTPACK:
        writePacked(output, reader.sortedSet.home);
        return;
      case RDB_ZSET_2:
        this.writeSortedSet(output);
        return;
      case RDB_HASH_LISTPACK:
        writePacked(output, reader.hash.home);
        return;
      case RDB_HASH:
        this.writeHash(output);
        return;
      case RDB_HASH_METADATA:
        this.writeExpiringHash(output);
        return;
      default:
        this.writeStream(output);
    }
  }

  /** The version that a value of this type is written in, alone. */
  versionOf(type: number): RdbVersion {
    return type === RDB_HASH_METADATA ? RDB_VERSION_7_4 : this.version;
  }

  /** All but the nodes of the stream that was opened last. */
  writeStreamTail(output: RdbOutput): void {
    writeStreamTail(output, this.reader.stream.stream, this.version >= RDB_VERSION);
  }

  private setType(home: Home): number {
    if (home.collection !== null) return RDB_SET;
    if (home.encoding === ENCODING_INTSET) return RDB_SET_INTSET;
    return this.version >= RDB_VERSION ? RDB_SET_LISTPACK : RDB_SET;
  }

  private writeList(output: RdbOutput): void {
    const { list } = this.reader;
    output.length(list.chunkCount);
    if (list.home.collection !== null) {
      list.visitChunks(this.onListNode);
      return;
    }
    output.length(NODE_PACKED);
    writePacked(output, list.home);
  }

  private writeSet(output: RdbOutput): void {
    const { set } = this.reader;
    output.length(set.size);
    set.rewind();
    while (set.next()) writeMember(output, set.member);
  }

  private writeSortedSet(output: RdbOutput): void {
    const { sortedSet } = this.reader;
    const { size } = sortedSet;
    output.length(size);
    sortedSet.seek(size - 1);
    do {
      sortedSet.read();
      writeMember(output, sortedSet.member);
      output.double(sortedSet.score);
    } while (sortedSet.move(true));
  }

  private writeHash(output: RdbOutput): void {
    const { hash } = this.reader;
    output.length(hash.size);
    hash.rewind();
    while (hash.next()) {
      writeMember(output, hash.field);
      writeMember(output, hash.value);
    }
  }

  private writeExpiringHash(output: RdbOutput): void {
    const { hash } = this.reader;
    const firstMs = hash.firstExpiryMs;
    output.milliseconds(firstMs);
    output.length(hash.size);
    hash.rewind();
    while (hash.next()) {
      writeExpiringField(output, hash.field, hash.value, hash.fieldExpiryMs, firstMs);
    }
  }

  private writeStream(output: RdbOutput): void {
    const { stream } = this.reader.stream;
    output.length(stream.nodes.count);
    stream.visitNodes(this.onStreamNode);
    writeStreamTail(output, stream, this.version >= RDB_VERSION);
  }
}

function writeStringValue(output: RdbOutput, arena: Arena, ref: Ref): void {
  const header = headerOf(arena, ref);
  const flags = flagsIn(header);
  if ((flags & (WIDE_VALUE | EXTERNAL_VALUE)) === 0) {
    const start = startOf(ref) + keyOffset(flags) + keyLengthIn(header);
    output.string(arena.bytes[ref >>> SLAB_SHIFT], start, valueWordOf(arena, ref, flags));
  } else if ((flags & WIDE_VALUE) !== 0) {
    output.integerString(integerOf(arena, ref, flags));
  } else {
    const bytes = arena.objects.bytes(valueWordOf(arena, ref, flags));
    output.string(bytes, 0, bytes.length);
  }
}

function writePacked(output: RdbOutput, { bytes, start, length }: Home): void {
  output.string(bytes, start, length);
}
