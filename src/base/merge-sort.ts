/**
 * A stable sort of indices by what they stand for: insertion in short runs, then merges between
 * the items and one buffer of the same size. Half the time of `Int32Array.prototype.sort` with a
 * comparison, and never quadratic, so that nobody can choose elements that stall the server.
 */
import type { Compare } from "./partial-sort.ts";

const RUN = 8;

/** Sorts `items[0 … count - 1]`; equal ones stay in the order they stand in. */
export function sortStable(items: Int32Array, count: number, compare: Compare): void {
  for (let from = 0; from < count; from += RUN) {
    insertionSort(items, from, Math.min(from + RUN, count), compare);
  }
  if (count <= RUN) return;
  let source = items;
  let target: Int32Array = new Int32Array(count);
  for (let width = RUN; width < count; width *= 2) {
    for (let from = 0; from < count; from += width * 2) {
      const middle = Math.min(from + width, count);
      merge(source, target, from, middle, Math.min(middle + width, count), compare);
    }
    [source, target] = [target, source];
  }
  if (source !== items) items.set(source);
}

function insertionSort(items: Int32Array, from: number, to: number, compare: Compare): void {
  for (let next = from + 1; next < to; next++) {
    const item = items[next];
    let at = next;
    for (; at > from && compare(items[at - 1], item) > 0; at--) items[at] = items[at - 1];
    items[at] = item;
  }
}

/** Merges the sorted runs [from, middle) and [middle, to). */
function merge(
  source: Int32Array,
  target: Int32Array,
  from: number,
  middle: number,
  to: number,
  compare: Compare,
): void {
  let low = from;
  let high = middle;
  let at = from;
  while (low < middle && high < to) {
    const takesLow = compare(source[low], source[high]) <= 0;
    target[at++] = takesLow ? source[low++] : source[high++];
  }
  while (low < middle) target[at++] = source[low++];
  while (high < to) target[at++] = source[high++];
}
