/**
 * The bytes that subscribers are sent, made once for all of them. The forms of the two protocols
 * differ in their first byte alone:
 *
 *     RESP2   *3␍␊ $7␍␊message␍␊                      $<n>␍␊<channel>␍␊ $<n>␍␊<message>␍␊
 *     RESP3   >3␍␊ $7␍␊message␍␊                      $<n>␍␊<channel>␍␊ $<n>␍␊<message>␍␊
 *             >4␍␊ $8␍␊pmessage␍␊ $<n>␍␊<pattern>␍␊   $<n>␍␊<channel>␍␊ $<n>␍␊<message>␍␊
 */
import { bytesOf, copyBytes } from "../base/bytes.ts";
import { integerLength, writeInteger } from "../base/numbers.ts";

export const MESSAGE = bytesOf("*3\r\n$7\r\nmessage\r\n");
export const SHARD_MESSAGE = bytesOf("*3\r\n$8\r\nsmessage\r\n");
export const PATTERN_MESSAGE = bytesOf("*4\r\n$8\r\npmessage\r\n");

const PUSH = 62;
/** A bulk string's bytes beside its length's digits and its content. */
const BULK_BYTES = 5;

/** A message in RESP2's form; `pattern` is that of a pattern message, else null. */
export function encodeMessage(
  head: Uint8Array,
  pattern: Uint8Array | null,
  channel: Uint8Array,
  channelStart: number,
  channelLength: number,
  message: Uint8Array,
  messageStart: number,
  messageLength: number,
): Uint8Array {
  let size = head.length + bulkSize(channelLength) + bulkSize(messageLength);
  if (pattern !== null) size += bulkSize(pattern.length);
  const bytes = new Uint8Array(size);
  copyBytes(bytes, 0, head, 0, head.length);
  let at = head.length;
  if (pattern !== null) at = putBulk(bytes, at, pattern, 0, pattern.length);
  at = putBulk(bytes, at, channel, channelStart, channelLength);
  putBulk(bytes, at, message, messageStart, messageLength);
  return bytes;
}

/** RESP3's form of an encoded message: a copy. */
export function asPush(encoded: Uint8Array): Uint8Array {
  const bytes = encoded.slice();
  bytes[0] = PUSH;
  return bytes;
}

function bulkSize(length: number): number {
  return BULK_BYTES + integerLength(length) + length;
}

function putBulk(
  bytes: Uint8Array,
  at: number,
  content: Uint8Array,
  start: number,
  length: number,
): number {
  bytes[at] = 36;
  at = writeInteger(bytes, at + 1, length);
  bytes[at] = 13;
  bytes[at + 1] = 10;
  at += 2;
  copyBytes(bytes, at, content, start, length);
  at += length;
  bytes[at] = 13;
  bytes[at + 1] = 10;
  return at + 2;
}
