/** Ranges of indices as commands take them: both ends included, negative from the end. */

/** One object serves all calls. */
const range = { start: 0, count: 0 };

/** The first element and the number of elements of the range in a sequence of `size`. */
export function clampRange(
  first: number | bigint,
  last: number | bigint,
  size: number,
): { readonly start: number; readonly count: number } {
  const from = Number(first);
  const to = Number(last);
  const start = Math.max(0, from < 0 ? from + size : from);
  const end = Math.min(size - 1, to < 0 ? to + size : to);
  range.start = start;
  range.count = start > end ? 0 : end - start + 1;
  return range;
}
