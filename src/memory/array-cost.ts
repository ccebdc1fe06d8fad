/**
 * What a typed array of its own really takes, so that what is counted is what the process holds.
 * The runtime tells nobody; these are resident bytes per array, measured with some 100,000 of each
 * length in Bun 1.4.5:
 *
 *     up to 1000 bytes    the view, and a cell of the garbage collector's heap, in few sizes
 *     up to 16 KiB        the view, and a block of the system allocator: four sizes to a doubling,
 *                         and about 3 % for its pages
 *     beyond              whole pages of 4 KiB
 *
 * That is without `buffer`: who asks an array for it makes an object of it, some 350 bytes more.
 */

/** The view itself; for a block of its own, also what keeps track of that. */
const VIEW_BYTES = 64;
const BLOCK_VIEW_BYTES = 96;
/** Arrays up to this length lie in the garbage collector's heap. */
const MAX_CELL_BYTES = 1000;
/** Sizes of cells there, beyond multiples of 16 up to the first. */
const CELL_BYTES = [80, 112, 160, 224, 256, 320, 448, 640, 912, 1280] as const;
const MAX_SMALL_BLOCK_BYTES = 16384;
const PAGE_BYTES = 4096;

/** Bytes that a typed array of this length in bytes takes in all. */
export function arrayCost(lengthBytes: number): number {
  if (lengthBytes <= MAX_CELL_BYTES) return VIEW_BYTES + cellBytes(lengthBytes);
  if (lengthBytes > MAX_SMALL_BLOCK_BYTES) {
    return BLOCK_VIEW_BYTES + Math.ceil(lengthBytes / PAGE_BYTES) * PAGE_BYTES;
  }
  // The step between sizes: a quarter of the power of two below.
  const step = 1 << (29 - Math.clz32(lengthBytes - 1));
  const block = (lengthBytes + step - 1) & -step;
  return BLOCK_VIEW_BYTES + block + (block >>> 5);
}

function cellBytes(lengthBytes: number): number {
  if (lengthBytes <= CELL_BYTES[0]) return (lengthBytes + 15) & ~15;
  for (const size of CELL_BYTES) if (lengthBytes <= size) return size;
  return MAX_CELL_BYTES;
}
