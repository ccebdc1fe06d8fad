/**
 * Intsets from outside (_intset.ts) before they become values, which trust their bytes: whether one
 * is whole and in order, and its integers one after the other. Source: intsetValidateIntegrity.
 */
import type { ByteView } from "../memory/element.ts";
import { compareIntegers, intsetCount, intsetRead, type PackedPlace } from "./_intset.ts";
import { ItemDigits } from "./_listpack.ts";

const HEADER_BYTES = 8;

export class IntsetReader {
  count = 0;
  /** What the functions for an intset in a home read from. */
  private readonly place: PackedPlace = { bytes: new Uint8Array(0), start: 0, length: 0 };
  private index = 0;
  private readonly digits = new ItemDigits();

  /** Checks the whole range; false where it is no intset, or an empty one. */
  open(bytes: Uint8Array, start: number, length: number): boolean {
    const { place } = this;
    if (length < HEADER_BYTES) return false;
    place.bytes = bytes;
    place.start = start;
    place.length = length;
    this.index = 0;
    this.count = intsetCount(place);
    const width = bytes[start];
    const isWidth = width === 2 || width === 4 || width === 8;
    if (!isWidth || bytes[start + 1] !== 0 || bytes[start + 2] !== 0 || bytes[start + 3] !== 0) {
      return false;
    }
    if (this.count === 0 || HEADER_BYTES + this.count * width !== length) return false;
    for (let i = 1; i < this.count; i++) {
      if (compareIntegers(place, i - 1, i, width) >= 0) return false;
    }
    return true;
  }

  /** Points `view` at the digits of the next integer; false at the end. */
  next(view: ByteView): boolean {
    if (this.index === this.count) return false;
    intsetRead(this.place, this.index++, view, this.digits);
    return true;
  }
}
