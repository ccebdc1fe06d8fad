/**
 * The numbers of an RDB file (rdb.h, Redis 7.4): what a byte at the start of a record means.
 *
 *     file     "REDIS" version:4 digits, records, OPCODE_EOF, CRC-64 (since version 5)
 *     record   opcode with its operands, or [expiry] [idle or frequency] type key value
 */

/** The version written unless `rdb-version` says otherwise: Redis 7.2's. */
export const RDB_VERSION = 11;
/** What Redis 7.0 reads. */
export const RDB_VERSION_7_0 = 10;
/** Redis 7.4's: the first in which fields of a hash have an expiry. */
export const RDB_VERSION_7_4 = 12;
/** Files of a later version are refused. */
export const MAX_RDB_VERSION = 12;

/** How a length begins: the upper two bits of its first byte. */
export const LENGTH_6_BITS = 0;
export const LENGTH_14_BITS = 1;
/** The whole first byte: 32 or 64 bits follow, high byte first. */
export const LENGTH_32 = 0x80;
export const LENGTH_64 = 0x81;
/** The upper two bits: no length, but a string in one of the encodings below. */
export const ENCODED_STRING = 3;
export const STRING_INT8 = 0;
export const STRING_INT16 = 1;
export const STRING_INT32 = 2;
export const STRING_LZF = 3;

export const RDB_STRING = 0;
export const RDB_LIST = 1;
export const RDB_SET = 2;
export const RDB_ZSET = 3;
export const RDB_HASH = 4;
/** Scores as binary doubles. */
export const RDB_ZSET_2 = 5;
/** A module's value from before module types described themselves. */
export const RDB_MODULE_PRE_GA = 6;
export const RDB_MODULE_2 = 7;
export const RDB_HASH_ZIPMAP = 9;
export const RDB_LIST_ZIPLIST = 10;
export const RDB_SET_INTSET = 11;
export const RDB_ZSET_ZIPLIST = 12;
export const RDB_HASH_ZIPLIST = 13;
export const RDB_LIST_QUICKLIST = 14;
export const RDB_STREAM_LISTPACKS = 15;
export const RDB_HASH_LISTPACK = 16;
export const RDB_ZSET_LISTPACK = 17;
export const RDB_LIST_QUICKLIST_2 = 18;
export const RDB_STREAM_LISTPACKS_2 = 19;
/** Since version 11. */
export const RDB_SET_LISTPACK = 20;
export const RDB_STREAM_LISTPACKS_3 = 21;
/** Hashes whose fields expire: as in candidates of 7.4, and since version 12. */
export const RDB_HASH_METADATA_PRE_GA = 22;
export const RDB_HASH_LISTPACK_EX_PRE_GA = 23;
export const RDB_HASH_METADATA = 24;
export const RDB_HASH_LISTPACK_EX = 25;

export const OPCODE_SLOT_INFO = 244;
export const OPCODE_FUNCTION2 = 245;
export const OPCODE_FUNCTION_PRE_GA = 246;
export const OPCODE_MODULE_AUX = 247;
/** Seconds since the last access, and the access counter, of the key that follows. */
export const OPCODE_IDLE = 248;
export const OPCODE_FREQ = 249;
export const OPCODE_AUX = 250;
export const OPCODE_RESIZE_DB = 251;
export const OPCODE_EXPIRE_MS = 252;
export const OPCODE_EXPIRE_SECONDS = 253;
export const OPCODE_SELECT_DB = 254;
export const OPCODE_EOF = 255;

/** How a node of a quicklist 2 holds its items. */
export const NODE_PLAIN = 1;
export const NODE_PACKED = 2;
