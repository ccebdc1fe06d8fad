/**
 * A string value, in one of three shapes:
 *
 *     int      a signed 64-bit integer in the entry (WIDE_VALUE), OBJECT ENCODING "int"
 *     inline   the bytes behind the key, "embstr" up to 44 bytes as SET stored them, else "raw"
 *     large    a Uint8Array in the object table (EXTERNAL_VALUE), "raw"
 */
import { writeBigInteger, writeInteger } from "../base/numbers.ts";
import { SLAB_SHIFT } from "../memory/arena.ts";
import type { Arena, Ref } from "../memory/arena.ts";
import {
  EXTERNAL_VALUE,
  flagsIn,
  headerOf,
  integerOf,
  keyLengthIn,
  keyOffset,
  startOf,
  valueWordOf,
  WIDE_VALUE,
} from "../memory/entry.ts";

/** Longer strings are "raw" (OBJ_ENCODING_EMBSTR_SIZE_LIMIT, object.c). */
export const EMBSTR_LIMIT = 44;
/** No text longer than this can be a 64-bit integer. */
export const MAX_INTEGER_DIGITS = 20;

/** A range of bytes that a string value occupies; one object serves many reads. */
export class StringView {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  length = 0;
  /** Integers are written out here. */
  private readonly digits = new Uint8Array(MAX_INTEGER_DIGITS + 1);

  /** Points at the string's bytes. Valid until the entry changes or the view is used again. */
  read(arena: Arena, ref: Ref): void {
    const header = headerOf(arena, ref);
    const flags = flagsIn(header);
    if ((flags & (WIDE_VALUE | EXTERNAL_VALUE)) === 0) {
      this.bytes = arena.bytes[ref >>> SLAB_SHIFT];
      this.start = startOf(ref) + keyOffset(flags) + keyLengthIn(header);
      this.length = valueWordOf(arena, ref, flags);
    } else if ((flags & WIDE_VALUE) !== 0) {
      this.readInteger(integerOf(arena, ref, flags));
    } else {
      this.bytes = arena.objects.bytes(valueWordOf(arena, ref, flags));
      this.start = 0;
      this.length = this.bytes.length;
    }
  }

  clear(): void {
    this.length = 0;
  }

  private readInteger(value: number | bigint): void {
    this.bytes = this.digits;
    this.start = 0;
    this.length =
      typeof value === "number"
        ? writeInteger(this.digits, 0, value)
        : writeBigInteger(this.digits, 0, value);
  }
}

export function isInteger(arena: Arena, ref: Ref): boolean {
  return (flagsIn(headerOf(arena, ref)) & WIDE_VALUE) !== 0;
}

/** STRLEN without writing out an integer's digits anywhere that lasts. */
export function stringLength(arena: Arena, ref: Ref, view: StringView): number {
  view.read(arena, ref);
  return view.length;
}
