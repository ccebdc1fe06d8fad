/**
 * A digest of keys and values that does not depend on their order: Redis's algorithm (debug.c),
 * so that equal datasets have equal digests on both servers. SHA-1 throughout.
 */
import { formatPrecise } from "../base/doubles.ts";
import { bytesOf } from "../base/bytes.ts";
import type { ByteView } from "../memory/element.ts";
import {
  HAS_EXPIRY,
  headerOf,
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
  typeOf,
} from "../memory/entry.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Ref } from "../memory/arena.ts";
import type { Database } from "./database.ts";
import { KeyView } from "./entries.ts";
import type { Keyspace } from "./keyspace.ts";
import { NO_FIELD_EXPIRY } from "../values/hash.ts";
import type { Stream } from "../values/stream.ts";
import { StreamCursor } from "../values/stream-cursor.ts";
import { StreamId } from "../values/stream-id.ts";
import type { StringView } from "../values/string.ts";
import { ValueReader } from "./value-reader.ts";

const DIGEST_BYTES = 20;
const EXPIRY_MARK = Buffer.from("!!expire!!");
/** Of a hash's field; Redis 7.4's. */
const FIELD_EXPIRY_MARK = Buffer.from("!!hexpire!!");
const SCAN_STEP = 4096;

/** 40 hexadecimal digits; all zero for an empty keyspace. */
export function datasetDigest(keyspace: Keyspace): string {
  const total = new Uint8Array(DIGEST_BYTES);
  const reader = new ValueReader(keyspace.context);
  for (const database of keyspace.databases) {
    if (database.size > 0) addDatabase(total, database, reader);
  }
  return hex(total);
}

/** The digest of one value; all zero for a missing key. */
export function valueDigest(keyspace: Keyspace, database: Database, ref: Ref): string {
  const digest = new Uint8Array(DIGEST_BYTES);
  if (ref !== NULL_REF) mixValue(digest, database, ref, new ValueReader(keyspace.context));
  return hex(digest);
}

function addDatabase(total: Uint8Array, database: Database, reader: ValueReader): void {
  const key = new KeyView();
  mix(total, bigEndian(database.index));
  let cursor = 0;
  do {
    cursor = database.table.scan(cursor, SCAN_STEP, (ref) => {
      const digest = new Uint8Array(DIGEST_BYTES);
      database.keyOf(ref, key);
      mix(digest, key.bytes.subarray(key.start, key.start + key.length));
      mixValue(digest, database, ref, reader);
      xorHash(total, digest);
    });
  } while (cursor !== 0);
}

function mixValue(digest: Uint8Array, database: Database, ref: Ref, reader: ValueReader): void {
  const type = typeOf(database.arena, ref);
  mix(digest, bigEndian(type));
  if (type === TYPE_STRING) mix(digest, dataOf(database.stringOf(ref)));
  else mixCollection(digest, reader, reader.open(database.arena, ref));
  if ((headerOf(database.arena, ref) & (HAS_EXPIRY << 8)) !== 0) xorHash(digest, EXPIRY_MARK);
}

function mixCollection(digest: Uint8Array, reader: ValueReader, type: number): void {
  const { hash, list, set, sortedSet } = reader;
  if (type === TYPE_STREAM) mixStream(digest, reader.stream.stream);
  else if (type === TYPE_LIST) {
    list.seekEnd(true);
    do {
      list.read();
      mix(digest, dataOf(list.item));
    } while (list.next());
  } else if (type === TYPE_SET) {
    set.rewind();
    while (set.next()) xorHash(digest, dataOf(set.member));
  } else if (type === TYPE_HASH) {
    hash.rewind();
    while (hash.next()) {
      const mark = hash.fieldExpiryMs === NO_FIELD_EXPIRY ? null : FIELD_EXPIRY_MARK;
      xorPair(digest, dataOf(hash.field), dataOf(hash.value), mark);
    }
  } else {
    const { member } = sortedSet;
    sortedSet.rewind();
    while (sortedSet.next()) {
      xorPair(digest, dataOf(member), bytesOf(formatPrecise(sortedSet.score)));
    }
  }
}

/** Its entries alone: what was added and deleted before, and who reads it, is not mixed in. */
function mixStream(digest: Uint8Array, stream: Stream): void {
  const cursor = new StreamCursor();
  cursor.seek(stream, new StreamId(), new StreamId().setLast(), false);
  while (cursor.next()) {
    mix(digest, bytesOf(cursor.id.toString().replace("-", ".")));
    for (let i = 0; i < cursor.fieldCount; i++) {
      cursor.nextPair();
      mix(digest, dataOf(cursor.field));
      mix(digest, dataOf(cursor.value));
    }
  }
}

function dataOf({ bytes, start, length }: ByteView | StringView): Uint8Array {
  return bytes.subarray(start, start + length);
}

function xorPair(
  digest: Uint8Array,
  first: Uint8Array,
  second: Uint8Array,
  mark: Uint8Array | null = null,
): void {
  const pair = new Uint8Array(DIGEST_BYTES);
  mix(pair, first);
  mix(pair, second);
  if (mark !== null) xorHash(pair, mark);
  xorHash(digest, pair);
}

/** digest = SHA1(digest xor SHA1(data)): depends on the order of what is mixed in. */
function mix(digest: Uint8Array, data: Uint8Array): void {
  xorHash(digest, data);
  digest.set(sha1(digest));
}

/** digest = digest xor SHA1(data): does not depend on the order. */
function xorHash(digest: Uint8Array, data: Uint8Array): void {
  const hash = sha1(data);
  for (let i = 0; i < DIGEST_BYTES; i++) digest[i] ^= hash[i];
}

function sha1(data: Uint8Array): Uint8Array {
  return new Bun.CryptoHasher("sha1").update(data).digest();
}

function bigEndian(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

function hex(digest: Uint8Array): string {
  return Buffer.from(digest).toString("hex");
}
