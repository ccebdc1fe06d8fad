/**
 * The present content of all databases as commands, for a base file: SET key value [PXAT ms], and
 * for collections RPUSH, SADD, ZADD and HMSET, some elements in each, and PEXPIREAT; HPEXPIREAT for
 * each field of a hash that expires. Streams are in _stream-base.ts.
 * The walk is done in one go, so nothing changes while it runs. Keys that have expired are left
 * out, since their removal has been or will be reported elsewhere; such fields are not.
 */
import { copyBytes } from "../base/bytes.ts";
import type { Disk } from "../base/disk.ts";
import { writeWhole } from "../base/disk.ts";
import type { EffectSink } from "../engine/effects.ts";
import { Effects } from "../engine/effects.ts";
import type { Database } from "../keyspace/database.ts";
import { KeyView } from "../keyspace/entries.ts";
import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Ref } from "../memory/arena.ts";
import {
  exactExpiryOf,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
  typeOf,
} from "../memory/entry.ts";
import { ValueReader } from "../keyspace/value-reader.ts";
import { MAX_DOUBLE_BYTES, writeDouble } from "../base/doubles.ts";
import { NO_FIELD_EXPIRY } from "../values/hash.ts";
import type { HashValue } from "../values/hash.ts";
import { selectCommand } from "./_select.ts";
import { writeStream } from "./_stream-base.ts";

const BUFFER_BYTES = 1 << 20;
/** As many as Redis writes (AOF_REWRITE_ITEMS_PER_CMD). */
const ELEMENTS_PER_COMMAND = 64;
const HOMES_PER_STEP = 65536;

/** Writes everything to the descriptor; throws where the disk refuses. */
export function writeBase(
  keyspace: Keyspace,
  disk: Disk,
  descriptor: number,
  notedSeconds: number | null,
): void {
  const file = new CommandFile(disk, descriptor);
  if (notedSeconds !== null) file.text(`#TS:${notedSeconds}\r\n`);
  const effects = new Effects();
  effects.attach(file);
  const reader = new ValueReader(keyspace.context);
  for (const database of keyspace.databases) {
    for (let cursor = 0; ;) {
      const visit = (ref: Ref): void => writeEntry(database, ref, effects, reader);
      cursor = database.table.scan(cursor, HOMES_PER_STEP, visit);
      if (cursor === 0) break;
    }
  }
  file.flush();
}

const key = new KeyView();

function writeEntry(database: Database, ref: Ref, effects: Effects, reader: ValueReader): void {
  if (database.isExpired(ref)) return;
  const expires = database.hasExpiry(ref);
  key.read(database.arena, ref);
  if (typeOf(database.arena, ref) === TYPE_STRING) {
    writeString(database, ref, effects, expires);
    return;
  }
  const type = reader.open(database.arena, ref);
  if (type === TYPE_STREAM) writeStream(database.index, effects, key, reader.stream.stream);
  else writeCollection(new Batches(database.index, effects), reader, type);
  if (type === TYPE_HASH && reader.hash.hasExpiringFields) {
    writeFieldExpiries(database.index, effects, reader.hash);
  }
  if (!expires) return;
  effects.begin(database.index, 3);
  effects.word("PEXPIREAT");
  effects.range(key.bytes, key.start, key.length);
  effects.integer(exactExpiryOf(database.arena, ref));
  effects.finish();
}

function writeString(database: Database, ref: Ref, effects: Effects, expires: boolean): void {
  effects.begin(database.index, expires ? 5 : 3);
  effects.word("SET");
  effects.range(key.bytes, key.start, key.length);
  const value = database.stringOf(ref);
  effects.range(value.bytes, value.start, value.length);
  if (expires) {
    effects.word("PXAT");
    effects.integer(exactExpiryOf(database.arena, ref));
  }
  effects.finish();
}

function writeFieldExpiries(databaseIndex: number, effects: Effects, hash: HashValue): void {
  hash.rewind();
  while (hash.next()) {
    const expiryMs = hash.fieldExpiryMs;
    if (expiryMs === NO_FIELD_EXPIRY) continue;
    effects.begin(databaseIndex, 6);
    effects.word("HPEXPIREAT");
    effects.range(key.bytes, key.start, key.length);
    effects.integer(expiryMs);
    effects.word("FIELDS");
    effects.integer(1);
    effects.range(hash.field.bytes, hash.field.start, hash.field.length);
    effects.finish();
  }
}

const score = new Uint8Array(MAX_DOUBLE_BYTES);

function writeCollection(batches: Batches, reader: ValueReader, type: number): void {
  const { hash, list, set, sortedSet } = reader;
  if (type === TYPE_LIST) {
    batches.begin("RPUSH", list.size, 1);
    list.seekEnd(true);
    do {
      list.read();
      batches.add(list.item);
    } while (list.next());
  } else if (type === TYPE_SET) {
    batches.begin("SADD", set.size, 1);
    set.rewind();
    while (set.next()) batches.add(set.member);
  } else if (type === TYPE_HASH) {
    batches.begin("HMSET", hash.size, 2);
    hash.rewind();
    while (hash.next()) batches.add(hash.field, hash.value);
  } else {
    batches.begin("ZADD", sortedSet.size, 2);
    sortedSet.rewind();
    while (sortedSet.next()) {
      const length = writeDouble(score, 0, sortedSet.score);
      batches.add({ bytes: score, start: 0, length }, sortedSet.member);
    }
  }
}

interface ByteRange {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
}

/** One collection's elements as commands of a limited number of elements each. */
class Batches {
  private word = "";
  private left = 0;
  private leftInCommand = 0;
  private parts = 1;
  private readonly databaseIndex: number;
  private readonly effects: Effects;

  constructor(databaseIndex: number, effects: Effects) {
    this.databaseIndex = databaseIndex;
    this.effects = effects;
  }

  /** `count` elements follow, each of `parts` arguments. */
  begin(word: string, count: number, parts: number): void {
    this.word = word;
    this.left = count;
    this.parts = parts;
  }

  add(first: ByteRange, second: ByteRange | null = null): void {
    const { effects } = this;
    if (this.leftInCommand === 0) {
      this.leftInCommand = Math.min(this.left, ELEMENTS_PER_COMMAND);
      effects.begin(this.databaseIndex, 2 + this.leftInCommand * this.parts);
      effects.word(this.word);
      effects.range(key.bytes, key.start, key.length);
    }
    effects.range(first.bytes, first.start, first.length);
    if (second !== null) effects.range(second.bytes, second.start, second.length);
    this.left--;
    if (--this.leftInCommand === 0) effects.finish();
  }
}

class CommandFile implements EffectSink {
  private readonly buffer = new Uint8Array(BUFFER_BYTES);
  private at = 0;
  private database = -1;
  private readonly disk: Disk;
  private readonly descriptor: number;

  constructor(disk: Disk, descriptor: number) {
    this.disk = disk;
    this.descriptor = descriptor;
  }

  append(database: number, bytes: Uint8Array, start: number, length: number): void {
    if (database !== this.database) {
      this.database = database;
      const select = selectCommand(database);
      this.put(select, 0, select.length);
    }
    this.put(bytes, start, length);
  }

  appendRequest(database: number, bytes: Uint8Array, start: number, length: number): void {
    this.append(database, bytes, start, length);
  }

  text(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.put(bytes, 0, bytes.length);
  }

  flush(): void {
    writeWhole(this.disk, this.descriptor, this.buffer, 0, this.at);
    this.at = 0;
  }

  private put(bytes: Uint8Array, start: number, length: number): void {
    if (this.at + length > BUFFER_BYTES) this.flush();
    if (length > BUFFER_BYTES) {
      writeWhole(this.disk, this.descriptor, bytes, start, length);
    } else {
      copyBytes(this.buffer, this.at, bytes, start, length);
      this.at += length;
    }
  }
}
