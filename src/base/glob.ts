/**
 * Glob patterns as KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET and ACL rules understand them:
 *
 *     *      any bytes         [abc]  [a-z]  one of them      \x   x itself
 *     ?      any one byte      [^a]          any but these
 *
 * Redis's corner cases are part of the contract: an empty text matches only an empty pattern
 * (not "*"); a class that is never closed reaches to the pattern's end; "[a-]" is the start of
 * the range from 'a' to ']'; a reversed range means the same as the ordered one; a lone '\' at
 * the end is a backslash. Bytes of a range compare as signed chars, as they do in Redis on x86.
 *
 * Only the last '*' met is ever tried again: whatever an earlier one could skip as well, the
 * later one can skip too. So time is at most pattern length times text length, and no stack
 * is used, whatever a client sends.
 */

const STAR = 42;
const MINUS = 45;
const QUESTION = 63;
const CLASS_OPEN = 91;
const BACKSLASH = 92;
const CLASS_CLOSE = 93;
const CARET = 94;

/** Whether the whole text matches the whole pattern; `ignoreCase` folds ASCII letters. */
export function matchGlob(
  pattern: Uint8Array,
  pStart: number,
  pLength: number,
  text: Uint8Array,
  tStart: number,
  tLength: number,
  ignoreCase: boolean,
): boolean {
  const pEnd = pStart + pLength;
  const tEnd = tStart + tLength;
  let p = pStart;
  let t = tStart;
  let afterStar = -1;
  let starText = 0;
  while (t < tEnd) {
    let next = -1;
    if (p < pEnd) {
      if (pattern[p] === STAR) {
        p = skipStars(pattern, p, pEnd);
        if (p === pEnd) return true;
        afterStar = p;
        starText = t;
        continue;
      }
      next = matchOne(pattern, p, pEnd, text[t], ignoreCase);
    }
    if (next >= 0) {
      p = next;
      if (++t === tEnd) p = skipStars(pattern, p, pEnd);
    } else {
      if (afterStar < 0) return false;
      p = afterStar;
      t = ++starText;
    }
  }
  return p === pEnd;
}

function skipStars(pattern: Uint8Array, p: number, pEnd: number): number {
  while (p < pEnd && pattern[p] === STAR) p++;
  return p;
}

/** The position after the pattern's element at p when it accepts the byte, else -1. */
function matchOne(
  pattern: Uint8Array,
  p: number,
  pEnd: number,
  byte: number,
  ignoreCase: boolean,
): number {
  let expected = pattern[p];
  if (expected === QUESTION) return p + 1;
  if (expected === CLASS_OPEN) return matchClass(pattern, p + 1, pEnd, byte, ignoreCase);
  if (expected === BACKSLASH && p + 1 < pEnd) expected = pattern[++p];
  if (expected === byte || (ignoreCase && lower(expected) === lower(byte))) return p + 1;
  return -1;
}

/** matchOne for a class, p standing after its '['. */
function matchClass(
  pattern: Uint8Array,
  p: number,
  pEnd: number,
  byte: number,
  ignoreCase: boolean,
): number {
  const negated = p < pEnd && pattern[p] === CARET;
  if (negated) p++;
  let found = false;
  while (p < pEnd && pattern[p] !== CLASS_CLOSE) {
    const member = pattern[p];
    if (member === BACKSLASH && p + 1 < pEnd) {
      // An escaped member is compared as it stands, even when case is ignored.
      if (pattern[p + 1] === byte) found = true;
      p += 2;
    } else if (p + 2 < pEnd && pattern[p + 1] === MINUS) {
      if (isInRange(member, pattern[p + 2], byte, ignoreCase)) found = true;
      p += 3;
    } else {
      if (member === byte || (ignoreCase && lower(member) === lower(byte))) found = true;
      p++;
    }
  }
  if (found === negated) return -1;
  return p < pEnd ? p + 1 : pEnd;
}

function isInRange(first: number, last: number, byte: number, ignoreCase: boolean): boolean {
  let low = (first << 24) >> 24;
  let high = (last << 24) >> 24;
  if (low > high) {
    const swapped = low;
    low = high;
    high = swapped;
  }
  const value = (byte << 24) >> 24;
  if (!ignoreCase) return value >= low && value <= high;
  const folded = lowerSigned(value);
  return folded >= lowerSigned(low) && folded <= lowerSigned(high);
}

function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

/** C's tolower of a signed char: glibc answers the unsigned value for all negatives but -1. */
function lowerSigned(value: number): number {
  if (value < 0) return value === -1 ? -1 : value + 256;
  return lower(value);
}
