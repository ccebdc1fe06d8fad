/**
 * LZF, the compression of strings in RDB files: decompression.
 *
 *     000nnnnn                     n + 1 literal bytes follow
 *     nnnooooo oooooooo            n + 2 bytes again, from o + 1 bytes back
 *     111ooooo nnnnnnnn oooooooo   n + 9 bytes again, from o + 1 bytes back
 *
 * Source: the format of liblzf (Marc Lehmann).
 */

const LITERAL_LIMIT = 32;
const LONG_COPY = 7;
/** From here on a native copy is faster. */
const NATIVE_COPY_BYTES = 64;
/** Loops copy four bytes at a time, and so up to three too many, which what follows overwrites. */
const SURPLUS_BYTES = 3;
/** Three bytes of input make 264 of output at the most. */
const MOST_BYTES_PER_BYTE = 88;

/** Whether `compressedLength` bytes can make `length`: to be asked before allocating these. */
export function canInflateTo(compressedLength: number, length: number): boolean {
  return length <= compressedLength * MOST_BYTES_PER_BYTE;
}

/**
 * Decompresses a range into exactly `length` bytes of `target` from `to` on. False where the input
 * is damaged or makes another number of bytes; never reads or writes beyond the two ranges.
 */
export function decompressLzf(
  source: Uint8Array,
  start: number,
  compressedLength: number,
  target: Uint8Array,
  to: number,
  length: number,
): boolean {
  let at = start;
  const end = start + compressedLength;
  let out = to;
  const outEnd = to + length;
  if (end > source.length || outEnd > target.length) return false;
  while (at < end) {
    const control = source[at++];
    if (control < LITERAL_LIMIT) {
      const count = control + 1;
      if (out + count > outEnd || at + count > end) return false;
      if (out + count + SURPLUS_BYTES <= outEnd && at + count + SURPLUS_BYTES <= end) {
        for (let i = 0; i < count; i += 4) {
          target[out + i] = source[at + i];
          target[out + i + 1] = source[at + i + 1];
          target[out + i + 2] = source[at + i + 2];
          target[out + i + 3] = source[at + i + 3];
        }
      } else {
        for (let i = 0; i < count; i++) target[out + i] = source[at + i];
      }
      out += count;
      at += count;
      continue;
    }
    let count = (control >>> 5) + 2;
    if (count === LONG_COPY + 2) {
      if (at >= end) return false;
      count += source[at++];
    }
    if (at >= end) return false;
    const from = out - ((control & 31) << 8) - source[at++] - 1;
    if (from < to || out + count > outEnd) return false;
    // The ranges may overlap: what was just written is read again.
    if (out - from >= count && count > NATIVE_COPY_BYTES) {
      target.copyWithin(out, from, from + count);
    } else if (out + count + SURPLUS_BYTES <= outEnd) {
      for (let i = 0; i < count; i += 4) {
        target[out + i] = target[from + i];
        target[out + i + 1] = target[from + i + 1];
        target[out + i + 2] = target[from + i + 2];
        target[out + i + 3] = target[from + i + 3];
      }
    } else {
      for (let i = 0; i < count; i++) target[out + i] = target[from + i];
    }
    out += count;
  }
  return out === outEnd;
}
