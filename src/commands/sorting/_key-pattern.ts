/**
 * A pattern of BY or GET, which names another value for each element:
 *
 *     weight_*          the string under the key with the element in the place of the first *
 *     object_*->field   a field of the hash under such a key
 *     #                 the element itself
 *
 * Redis looks for these marks as C does, so not behind a NUL byte (lookupKeyByPattern, sort.c).
 */
import { copyBytes, EMPTY_BYTES, withRoom } from "../../base/bytes.ts";
import type { Call } from "../../engine/call.ts";
import { openHash } from "../../engine/typed-values.ts";
import { NULL_REF } from "../../memory/arena.ts";
import { ByteView } from "../../memory/element.ts";
import { TYPE_HASH, TYPE_STRING, typeOf } from "../../memory/entry.ts";

const HASH_SIGN = 35;
const STAR = 42;
const MINUS = 45;
const ABOVE = 62;
const FIRST_KEY_BYTES = 64;
/** A larger key's buffer is given up. */
const KEPT_KEY_BYTES = 65536;

/** Whether a pattern has a place for the element. */
export function hasPlace(bytes: Uint8Array, start: number, length: number): boolean {
  return placeIn(bytes, start, textEnd(bytes, start, length)) >= 0;
}

export class KeyPattern {
  readonly value = new ByteView();
  private isElement = false;
  private hasPlace = false;
  private bytes: Uint8Array = EMPTY_BYTES;
  private prefixLength = 0;
  /** What follows the element in the key. */
  private tailStart = 0;
  private tailLength = 0;
  /** Length 0: the value is a string. */
  private fieldStart = 0;
  private fieldLength = 0;
  /** The prefix, then what belongs to one element. */
  private key: Uint8Array = new Uint8Array(FIRST_KEY_BYTES);

  /** Reads a pattern, which must stay where it is while it is in use. */
  set(bytes: Uint8Array, start: number, length: number): void {
    const end = textEnd(bytes, start, length);
    const place = placeIn(bytes, start, end);
    this.bytes = bytes;
    this.isElement = end === start + 1 && bytes[start] === HASH_SIGN;
    this.hasPlace = place >= 0;
    if (place < 0) return;
    const arrow = arrowIn(bytes, place + 1, end);
    const last = start + length;
    this.prefixLength = place - start;
    this.tailStart = place + 1;
    this.tailLength = (arrow < 0 ? last : arrow) - this.tailStart;
    this.fieldStart = arrow + 2;
    this.fieldLength = arrow < 0 ? 0 : last - this.fieldStart;
    if (this.key.length > KEPT_KEY_BYTES) this.key = new Uint8Array(FIRST_KEY_BYTES);
    this.key = withRoom(this.key, 0, this.prefixLength);
    copyBytes(this.key, 0, bytes, start, this.prefixLength);
  }

  /**
   * Points `value` at what the pattern names for an element; false where that does not exist.
   * The value is valid until the next lookup.
   */
  find(call: Call, element: ByteView): boolean {
    const { value } = this;
    if (this.isElement) {
      value.set(element.bytes, element.start, element.length);
      return true;
    }
    if (!this.hasPlace) return false;
    const { database } = call;
    const keyLength = this.fill(element);
    const ref = database.read(this.key, 0, keyLength);
    if (ref === NULL_REF) return false;
    const type = typeOf(database.arena, ref);
    if (this.fieldLength > 0) {
      if (type !== TYPE_HASH) return false;
      const hash = openHash(call, ref, this.key, 0, keyLength);
      if (!hash.find(this.bytes, this.fieldStart, this.fieldLength)) return false;
      value.set(hash.value.bytes, hash.value.start, hash.value.length);
      return true;
    }
    if (type !== TYPE_STRING) return false;
    const string = database.stringOf(ref);
    value.set(string.bytes, string.start, string.length);
    return true;
  }

  /** Writes the element's key; returns its length. */
  private fill(element: ByteView): number {
    const { prefixLength, tailLength } = this;
    const tailAt = prefixLength + element.length;
    this.key = withRoom(this.key, prefixLength, tailAt + tailLength);
    copyBytes(this.key, prefixLength, element.bytes, element.start, element.length);
    copyBytes(this.key, tailAt, this.bytes, this.tailStart, tailLength);
    return tailAt + tailLength;
  }
}

function textEnd(bytes: Uint8Array, start: number, length: number): number {
  const end = start + length;
  for (let at = start; at < end; at++) if (bytes[at] === 0) return at;
  return end;
}

function placeIn(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) if (bytes[at] === STAR) return at;
  return -1;
}

/** The first arrow, unless it is the end; -1 where there is none. */
function arrowIn(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end - 1; at++) {
    if (bytes[at] === MINUS && bytes[at + 1] === ABOVE) return at + 2 < end ? at : -1;
  }
  return -1;
}
