/** The parts of large collections, which are written at once or in slices. */
import { assert } from "../base/assert.ts";
import { copyBytes, withRoom } from "../base/bytes.ts";
import type { ByteView } from "../memory/element.ts";
import { NO_FIELD_EXPIRY } from "../values/hash.ts";
import { MAX_COMPRESSED, type RdbOutput } from "./rdb-output.ts";
import { NODE_PACKED, NODE_PLAIN } from "./rdb-types.ts";

/** Header and end of a listpack: total bytes:4, items:2 … 255. */
const LISTPACK_HEADER_BYTES = 6;
const LISTPACK_FRAME_BYTES = LISTPACK_HEADER_BYTES + 1;
const LISTPACK_END = 255;
const MAX_ITEMS = 65535;
/** An item of this many bytes is a node of its own in Redis, without a listpack (quicklist.c). */
const PLAIN_BYTES = 2 ** 30;
/** How a listpack begins a string of such a size: a byte, and the length in four. */
const LONG_ITEM_HEADER_BYTES = 5;

let listpack: Uint8Array = new Uint8Array(1024);
const header = new Uint8Array(LISTPACK_HEADER_BYTES);

export function writeMember(output: RdbOutput, member: ByteView): void {
  output.string(member.bytes, member.start, member.length);
}

/** A field of a hash in which some expire, the first one at `firstMs`. */
export function writeExpiringField(
  output: RdbOutput,
  field: ByteView,
  value: ByteView,
  expiryMs: number,
  firstMs: number,
): void {
  output.length(expiryMs === NO_FIELD_EXPIRY ? 0 : expiryMs - firstMs + 1);
  writeMember(output, field);
  writeMember(output, value);
}

/**
 * A node of a quicklist, made of `count` items of a listpack without header and end: 65535 at the
 * most, as Redis counts the items of a node in 16 bits.
 */
export function writeListNode(
  output: RdbOutput,
  bytes: Uint8Array,
  start: number,
  length: number,
  count: number,
): void {
  if (count === 1 && length >= PLAIN_BYTES) {
    const itemBytes = longItemBytes(bytes, start);
    if (itemBytes >= PLAIN_BYTES) {
      output.length(NODE_PLAIN);
      output.string(bytes, start + LONG_ITEM_HEADER_BYTES, itemBytes);
      return;
    }
  }
  output.length(NODE_PACKED);
  const total = length + LISTPACK_FRAME_BYTES;
  if (total > MAX_COMPRESSED) {
    // Too large to be compressed: not worth a copy.
    writeHeader(header, total, count);
    output.length(total);
    output.bytes(header, 0, LISTPACK_HEADER_BYTES);
    output.bytes(bytes, start, length);
    output.byte(LISTPACK_END);
    return;
  }
  listpack = withRoom(listpack, 0, total);
  writeHeader(listpack, total, count);
  copyBytes(listpack, LISTPACK_HEADER_BYTES, bytes, start, length);
  listpack[total - 1] = LISTPACK_END;
  output.string(listpack, 0, total);
}

function longItemBytes(bytes: Uint8Array, at: number): number {
  const low = bytes[at + 1] | (bytes[at + 2] << 8) | (bytes[at + 3] << 16);
  return (low | (bytes[at + 4] << 24)) >>> 0;
}

function writeHeader(target: Uint8Array, total: number, count: number): void {
  for (let i = 0; i < 4; i++) target[i] = total >>> (8 * i);
  assert(count <= MAX_ITEMS, "the items of a node can be counted in 16 bits");
  target[4] = count;
  target[5] = count >>> 8;
}
