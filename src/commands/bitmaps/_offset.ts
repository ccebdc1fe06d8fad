/** Bit offsets as arguments: within a string of the largest size that may arrive. */
import { parseSafeInteger } from "../../base/numbers.ts";
import type { Call } from "../../engine/call.ts";
import { BAD_BIT_OFFSET } from "../../protocol/errors.ts";

const HASH = 35;

/**
 * The offset in argument `index`; a problem is noted where it is none. With a `width`, `#n`
 * means the n-th field of that width.
 */
export function bitOffset(call: Call, index: number, width: number): number {
  const { bytes, starts, lengths } = call.args;
  const isField = width > 0 && lengths[index] > 0 && bytes[starts[index]] === HASH;
  const skipped = isField ? 1 : 0;
  const value = parseSafeInteger(bytes, starts[index] + skipped, lengths[index] - skipped);
  const offset = isField ? value * width : value;
  if (offset >= 0 && Math.floor(offset / 8) < call.maxStringBytes) return offset;
  call.refuse(BAD_BIT_OFFSET);
  return 0;
}
