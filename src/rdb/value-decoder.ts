/**
 * Reads values of every type and stores them. Reading leaves one value in here, to be stored under
 * a key or thrown away before the next is read.
 *
 * Whatever comes in is checked in full before it becomes a value, since values trust their bytes:
 * packed forms item by item, members and fields for repetitions, the order of sorted ones. What is
 * not as it must be is an RdbError. Source: rdbLoadObject (rdb.c, Redis 7), which leaves most of
 * that to `sanitize-dump-payload`.
 */
import type { KeyspaceContext } from "../keyspace/context.ts";
import type { Database } from "../keyspace/database.ts";
import { type Expiry, NO_EXPIRY } from "../keyspace/entry-store.ts";
import { OpenValue } from "../keyspace/open-value.ts";
import { NULL_REF } from "../memory/arena.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import {
  TYPE_HASH,
  TYPE_LIST,
  TYPE_SET,
  TYPE_STREAM,
  TYPE_STRING,
  TYPE_ZSET,
} from "../memory/entry.ts";
import { Decoding, INTEGER, NOTHING, PACKED, type RdbLimits, TEXT } from "./_decoding.ts";
import { decodeHash } from "./_hash-decoder.ts";
import { decodeList } from "./_list-decoder.ts";
import { moduleNameOf } from "./_module-name.ts";
import type { RdbError } from "./rdb-error.ts";
import type { RdbInput } from "./rdb-input.ts";
import {
  RDB_HASH,
  RDB_HASH_LISTPACK,
  RDB_HASH_LISTPACK_EX,
  RDB_HASH_LISTPACK_EX_PRE_GA,
  RDB_HASH_METADATA,
  RDB_HASH_METADATA_PRE_GA,
  RDB_HASH_ZIPLIST,
  RDB_HASH_ZIPMAP,
  RDB_LIST,
  RDB_LIST_QUICKLIST,
  RDB_LIST_QUICKLIST_2,
  RDB_LIST_ZIPLIST,
  RDB_MODULE_2,
  RDB_MODULE_PRE_GA,
  RDB_SET,
  RDB_SET_INTSET,
  RDB_SET_LISTPACK,
  RDB_STREAM_LISTPACKS,
  RDB_STREAM_LISTPACKS_2,
  RDB_STREAM_LISTPACKS_3,
  RDB_STRING,
  RDB_ZSET,
  RDB_ZSET_2,
  RDB_ZSET_LISTPACK,
  RDB_ZSET_ZIPLIST,
} from "./rdb-types.ts";
import { decodeSet } from "./_set-decoder.ts";
import { decodeSortedSet } from "./_sorted-set-decoder.ts";
import { decodeStream } from "./_stream-decoder.ts";

export type { RdbLimits } from "./_decoding.ts";

const KINDS: readonly [type: number, rdbTypes: readonly number[]][] = [
  [TYPE_STRING, [RDB_STRING]],
  [TYPE_LIST, [RDB_LIST, RDB_LIST_ZIPLIST, RDB_LIST_QUICKLIST, RDB_LIST_QUICKLIST_2]],
  [TYPE_SET, [RDB_SET, RDB_SET_INTSET, RDB_SET_LISTPACK]],
  [TYPE_ZSET, [RDB_ZSET, RDB_ZSET_2, RDB_ZSET_ZIPLIST, RDB_ZSET_LISTPACK]],
  [TYPE_HASH, [RDB_HASH, RDB_HASH_ZIPMAP, RDB_HASH_ZIPLIST, RDB_HASH_LISTPACK]],
  [TYPE_HASH, [RDB_HASH_METADATA_PRE_GA, RDB_HASH_LISTPACK_EX_PRE_GA]],
  [TYPE_HASH, [RDB_HASH_METADATA, RDB_HASH_LISTPACK_EX]],
  [TYPE_STREAM, [RDB_STREAM_LISTPACKS, RDB_STREAM_LISTPACKS_2, RDB_STREAM_LISTPACKS_3]],
];
const NO_TYPE = -1;
/** The type of a value (memory/entry.ts) by its type in a file. */
const TYPES = typesByRdbType();

export class ValueDecoder {
  private readonly decoding: Decoding;
  private readonly homes = new Map<number, OpenValue>();
  private readonly context: KeyspaceContext;

  constructor(context: KeyspaceContext, limits: RdbLimits) {
    this.context = context;
    this.decoding = new Decoding(limits);
  }

  /** Packed forms that were checked so far. */
  get checkedForms(): number {
    return this.decoding.checkedForms;
  }

  /** Fails where there is no such type, which was just read. */
  accept(input: RdbInput, rdbType: number): void {
    if (TYPES[rdbType] !== NO_TYPE || isModule(rdbType)) return;
    throw input.error(`Unknown RDB encoding type ${rdbType}`, input.offset - 1);
  }

  /**
   * Reads a value of an accepted type, whose elements are to lie in `arena`; false where it has
   * none: then nothing is left in here.
   */
  read(input: RdbInput, rdbType: number, arena: Arena): boolean {
    const { decoding } = this;
    decoding.result = NOTHING;
    decoding.input = input;
    decoding.arena = arena;
    decoding.type = TYPES[rdbType];
    let isThere = false;
    try {
      isThere = this.readValue(input, rdbType);
    } finally {
      if (!isThere) this.discard();
    }
    return isThere;
  }

  /** Throws away what was read. */
  discard(): void {
    const { decoding } = this;
    decoding.home?.discard();
    decoding.home = null;
    decoding.result = NOTHING;
  }

  /** Stores what was read under a key that was just looked up and is missing. */
  store(
    database: Database,
    keyBytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    expiry: Expiry,
  ): Ref {
    const { decoding } = this;
    const { bytes, start, length } = decoding.bytes;
    const { result } = decoding;
    decoding.result = NOTHING;
    if (result === TEXT) {
      return database.storeString(
        NULL_REF,
        keyBytes,
        keyStart,
        keyLength,
        bytes,
        start,
        length,
        expiry,
      );
    }
    if (result === INTEGER) {
      const { integer } = decoding;
      return database.storeInteger(NULL_REF, keyBytes, keyStart, keyLength, integer, expiry);
    }
    const ref = this.storeCollection(database, keyBytes, keyStart, keyLength, result);
    return expiry === NO_EXPIRY ? ref : database.setExpiry(ref, expiry);
  }

  private storeCollection(
    database: Database,
    keyBytes: Uint8Array,
    keyStart: number,
    keyLength: number,
    result: number,
  ): Ref {
    const { decoding } = this;
    const { home, type } = decoding;
    decoding.home = null;
    if (home !== null && home.collection !== null) {
      const open = this.homeOf(type);
      open.open(database, NULL_REF, keyBytes, keyStart, keyLength);
      open.adopt(home, true);
      const firstMs = open.collection?.firstExpiryMs ?? Infinity;
      if (firstMs !== Infinity) open.firstExpiryChanged(firstMs);
      return open.ref;
    }
    const isBuilt = result !== PACKED && home !== null;
    const { bytes, start, length } = isBuilt ? home : decoding.bytes;
    const { encoding } = isBuilt ? home : decoding;
    return database.storePacked(
      type,
      encoding,
      keyBytes,
      keyStart,
      keyLength,
      bytes,
      start,
      length,
    );
  }

  private homeOf(type: number): OpenValue {
    let home = this.homes.get(type);
    if (home === undefined) {
      home = new OpenValue(type, this.context);
      this.homes.set(type, home);
    }
    return home;
  }

  private readValue(input: RdbInput, rdbType: number): boolean {
    const { decoding } = this;
    switch (decoding.type) {
      case TYPE_STRING:
        return this.readString(input);
      case TYPE_LIST:
        return decodeList(decoding, rdbType);
      case TYPE_SET:
        return decodeSet(decoding, rdbType);
      case TYPE_ZSET:
        return decodeSortedSet(decoding, rdbType);
      case TYPE_HASH:
        return decodeHash(decoding, rdbType);
      case TYPE_STREAM:
        return decodeStream(decoding, rdbType);
      default:
        throw moduleRefusal(input);
    }
  }

  private readString(input: RdbInput): boolean {
    const { decoding } = this;
    if (input.isIntegerNext) {
      decoding.integer = input.readIntegerString();
      decoding.result = INTEGER;
    } else {
      input.readString(decoding.bytes);
      decoding.result = TEXT;
    }
    return true;
  }
}

function isModule(rdbType: number): boolean {
  return rdbType === RDB_MODULE_2 || rdbType === RDB_MODULE_PRE_GA;
}

function moduleRefusal(input: RdbInput): RdbError {
  const { offset } = input;
  input.readWords();
  const name = moduleNameOf(input.high, input.low);
  return input.error(
    `The RDB file contains module data I can't load: no matching module type '${name}'`,
    offset,
  );
}

function typesByRdbType(): Int8Array {
  const types = new Int8Array(256).fill(NO_TYPE);
  for (const [type, rdbTypes] of KINDS) for (const rdbType of rdbTypes) types[rdbType] = type;
  return types;
}
