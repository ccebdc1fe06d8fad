/**
 * A selector's key patterns, laid out for being matched at each request: no objects, few cache
 * lines, and most patterns passed over after one word. Three words for each, and the bytes of all
 * in one array:
 *
 *     head                                  where its bytes begin · how many
 *     ├─ permissions, bits 0 and 1
 *     ├─ kind, bits 2 and 3
 *     └─ first byte of what matches, or ANY, from bit 8 on
 */
import { matchGlob } from "../../base/glob.ts";
import { GLOB, type KeyPattern, LITERAL } from "./pattern.ts";

const WORDS = 3;
const KIND_SHIFT = 2;
const KIND_MASK = 3;
const FIRST_SHIFT = 8;
const ANY = 256;

export class PatternTable {
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;

  constructor(patterns: readonly KeyPattern[]) {
    this.words = new Int32Array(patterns.length * WORDS);
    this.bytes = new Uint8Array(patterns.reduce((size, { bytes }) => size + bytes.length, 0));
    let start = 0;
    for (const [index, { permissions, kind, bytes, plainLength }] of patterns.entries()) {
      const length = kind === GLOB ? bytes.length : plainLength;
      const first = plainLength > 0 ? bytes[0] : ANY;
      const head = permissions | (kind << KIND_SHIFT) | (first << FIRST_SHIFT);
      this.words.set([head, start, length], index * WORDS);
      this.bytes.set(bytes, start);
      start += bytes.length;
    }
  }

  /** Whether a pattern with the permissions `needed` matches, as `Pattern.matches` tells it. */
  permits(key: Uint8Array, keyStart: number, keyLength: number, needed: number): boolean {
    const { words, bytes } = this;
    const first = keyLength > 0 ? key[keyStart] : ANY;
    for (let i = 0; i < words.length; i += WORDS) {
      const head = words[i];
      if ((head & needed) !== needed) continue;
      const wanted = head >>> FIRST_SHIFT;
      if (wanted !== first && wanted !== ANY) continue;
      const start = words[i + 1];
      const length = words[i + 2];
      const kind = (head >>> KIND_SHIFT) & KIND_MASK;
      if (kind === GLOB) {
        if (matchGlob(bytes, start, length, key, keyStart, keyLength, false)) return true;
      } else if (kind === LITERAL ? keyLength === length : keyLength >= length && keyLength > 0) {
        // As equalBytes, without the call.
        let same = 0;
        while (same < length && bytes[start + same] === key[keyStart + same]) same++;
        if (same === length) return true;
      }
    }
    return false;
  }
}
