/**
 * LZF compression, as RDB files hold strings. Its output, and for which input it gives up, are
 * liblzf's in the configuration that Redis builds, to the byte. The compressed form is a row of
 *
 *     000lllll                      l + 1 bytes follow as they are, 32 at the most
 *     lllooooo oooooooo             l + 2 bytes again from o + 1 bytes back, l = 1 … 6
 *     111ooooo llllllll oooooooo    l + 9 bytes again
 *
 * Matches are found by a table from the hash of three bytes to where these were seen last. A place
 * is kept as a number that grows from call to call, so the table need not be cleared: what is
 * below the call's own first place is from an earlier one.
 */

const HASH_BITS = 16;
const HASH_MASK = (1 << HASH_BITS) - 1;
const MAX_LITERALS = 32;
const MAX_DISTANCE = 8192;
const MAX_MATCH = 264;
/** Places start again, with a cleared table, when they reach this. */
const MAX_PLACE = 2 ** 30;

const lastPlaces = new Int32Array(1 << HASH_BITS);
let nextPlace = 1;

/**
 * Compresses a range into `target`, from `at` on. Returns the bytes it took, or 0 where `room` is
 * not enough. `target` may be written to up to one byte beyond `room`.
 */
export function lzfCompress(
  bytes: Uint8Array,
  start: number,
  length: number,
  target: Uint8Array,
  at: number,
  room: number,
): number {
  if (length === 0 || room <= 0) return 0;
  // From an offset in the bytes to its place.
  const toPlace = firstPlaceFor(length) - start;
  const end = start + length;
  const lastStart = end - 2;
  const outEnd = at + room;
  let from = start;
  let to = at + 1;
  let literals = 0;
  while (from < lastStart) {
    const slot = slotOf(bytes, from);
    const seen = lastPlaces[slot] - toPlace;
    lastPlaces[slot] = from + toPlace;
    // The very first place is never matched: so it is in liblzf.
    if (
      seen > start &&
      from - seen <= MAX_DISTANCE &&
      bytes[seen] === bytes[from] &&
      bytes[seen + 1] === bytes[from + 1] &&
      bytes[seen + 2] === bytes[from + 2]
    ) {
      if (to + 4 >= outEnd && to - (literals === 0 ? 1 : 0) + 4 >= outEnd) return 0;
      if (literals === 0) to--;
      else target[to - literals - 1] = literals - 1;
      const matched = matchLength(bytes, seen, from, end);
      to = writeMatch(target, to, from - seen - 1, matched);
      literals = 0;
      to++;
      from += matched;
      if (from >= lastStart) break;
      // Of the places within the match only the last two are remembered.
      lastPlaces[slotOf(bytes, from - 2)] = from - 2 + toPlace;
      lastPlaces[slotOf(bytes, from - 1)] = from - 1 + toPlace;
    } else {
      if (to >= outEnd) return 0;
      target[to++] = bytes[from++];
      if (++literals === MAX_LITERALS) {
        target[to - literals - 1] = literals - 1;
        literals = 0;
        to++;
      }
    }
  }
  if (to + 3 > outEnd) return 0;
  while (from < end) {
    target[to++] = bytes[from++];
    if (++literals === MAX_LITERALS) {
      target[to - literals - 1] = literals - 1;
      literals = 0;
      to++;
    }
  }
  if (literals === 0) to--;
  else target[to - literals - 1] = literals - 1;
  return to - at;
}

function firstPlaceFor(length: number): number {
  if (nextPlace + length > MAX_PLACE) {
    lastPlaces.fill(0);
    nextPlace = 1;
  }
  const first = nextPlace;
  nextPlace += length;
  return first;
}

function slotOf(bytes: Uint8Array, at: number): number {
  const hash = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
  return ((hash >>> (24 - HASH_BITS)) - hash * 5) & HASH_MASK;
}

/**
 * How many bytes at both places are the same; the first three are known to be. The last two of the
 * range are left to be literals, except where the match can reach them in the first 19 bytes of a
 * longer rest: so it is in liblzf.
 */
function matchLength(bytes: Uint8Array, seen: number, from: number, end: number): number {
  const rest = Math.min(end - from - 2, MAX_MATCH);
  const most = rest > 16 && rest < 19 ? 19 : rest;
  let length = 3;
  while (length < most && bytes[seen + length] === bytes[from + length]) length++;
  return length;
}

function writeMatch(target: Uint8Array, at: number, distance: number, length: number): number {
  let to = at;
  const code = length - 2;
  if (code < 7) {
    target[to++] = (distance >>> 8) | (code << 5);
  } else {
    target[to++] = (distance >>> 8) | (7 << 5);
    target[to++] = code - 7;
  }
  target[to++] = distance;
  return to;
}
