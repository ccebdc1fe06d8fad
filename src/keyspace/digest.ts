/**
 * A digest of keys and values that does not depend on their order: Redis's algorithm (debug.c),
 * so that equal datasets have equal digests on both servers. SHA-1 throughout.
 */
import { HAS_EXPIRY, headerOf, typeOf } from "../memory/entry.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Ref } from "../memory/arena.ts";
import type { Database } from "./database.ts";
import { KeyView } from "./entries.ts";
import type { Keyspace } from "./keyspace.ts";

const DIGEST_BYTES = 20;
const EXPIRY_MARK = Buffer.from("!!expire!!");
const SCAN_STEP = 4096;

/** 40 hexadecimal digits; all zero for an empty keyspace. */
export function datasetDigest(keyspace: Keyspace): string {
  const total = new Uint8Array(DIGEST_BYTES);
  for (const database of keyspace.databases) {
    if (database.size > 0) addDatabase(total, database);
  }
  return hex(total);
}

/** The digest of one value; all zero for a missing key. */
export function valueDigest(database: Database, ref: Ref): string {
  const digest = new Uint8Array(DIGEST_BYTES);
  if (ref !== NULL_REF) mixValue(digest, database, ref);
  return hex(digest);
}

function addDatabase(total: Uint8Array, database: Database): void {
  const key = new KeyView();
  mix(total, bigEndian(database.index));
  let cursor = 0;
  do {
    cursor = database.table.scan(cursor, SCAN_STEP, (ref) => {
      const digest = new Uint8Array(DIGEST_BYTES);
      database.keyOf(ref, key);
      mix(digest, key.bytes.subarray(key.start, key.start + key.length));
      mixValue(digest, database, ref);
      xorHash(total, digest);
    });
  } while (cursor !== 0);
}

function mixValue(digest: Uint8Array, database: Database, ref: Ref): void {
  mix(digest, bigEndian(typeOf(database.arena, ref)));
  const text = database.stringOf(ref);
  mix(digest, text.bytes.subarray(text.start, text.start + text.length));
  if ((headerOf(database.arena, ref) & (HAS_EXPIRY << 8)) !== 0) xorHash(digest, EXPIRY_MARK);
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
