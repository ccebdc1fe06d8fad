/**
 * Sorts only a range of the sorted order: a quicksort that leaves those parts alone which can't
 * hold any of the wanted ranks. It is Bentley and McIlroy's ("Engineering a Sort Function", 1993),
 * with their choice of the pivot and of the swaps, because these decide in which order equal
 * elements come out, and Redis's replies (pqsort.c) show it.
 */
export type Compare = (a: number, b: number) => number;

const INSERTION_BELOW = 7;
const MEDIAN_OF_NINE_ABOVE = 40;

/** Puts the elements of ranks `first` to `last` of `items[0 … count - 1]` where they belong. */
export function sortRanks(
  items: Int32Array,
  count: number,
  first: number,
  last: number,
  compare: Compare,
): void {
  sortPart(items, 0, count, first, last, compare);
}

function sortPart(
  items: Int32Array,
  from: number,
  to: number,
  first: number,
  last: number,
  compare: Compare,
): void {
  for (;;) {
    if (to - from < INSERTION_BELOW) {
      insertionSort(items, from, to, compare);
      return;
    }
    swap(items, from, choosePivot(items, from, to - from, compare));
    // Equal ones gather at both ends: [from, lowEqual) = | < [low | high] > | = (highEqual, to)
    let lowEqual = from + 1;
    let low = lowEqual;
    let high = to - 1;
    let highEqual = high;
    for (;;) {
      while (low <= high) {
        const order = compare(items[low], items[from]);
        if (order > 0) break;
        if (order === 0) swap(items, lowEqual++, low);
        low++;
      }
      while (low <= high) {
        const order = compare(items[high], items[from]);
        if (order < 0) break;
        if (order === 0) swap(items, high, highEqual--);
        high--;
      }
      if (low > high) break;
      swap(items, low++, high--);
    }
    const smaller = low - lowEqual;
    const larger = highEqual - high;
    const equalBelow = Math.min(lowEqual - from, smaller);
    swapRuns(items, from, low - equalBelow, equalBelow);
    const equalAbove = Math.min(larger, to - highEqual - 1);
    swapRuns(items, low, to - equalAbove, equalAbove);
    const sortsLow = smaller > 1 && first < from + smaller && last >= from;
    const sortsHigh = larger > 1 && first < to && last >= to - larger;
    if (!sortsLow && !sortsHigh) return;
    // The longer part goes on here, so that however badly pivots fall, calls do not nest deeply.
    const goesOnLow = sortsLow && (!sortsHigh || smaller > larger);
    if (sortsLow && sortsHigh) {
      if (goesOnLow) sortPart(items, to - larger, to, first, last, compare);
      else sortPart(items, from, from + smaller, first, last, compare);
    }
    if (goesOnLow) to = from + smaller;
    else from = to - larger;
  }
}

function insertionSort(items: Int32Array, from: number, to: number, compare: Compare): void {
  for (let end = from + 1; end < to; end++) {
    for (let at = end; at > from && compare(items[at - 1], items[at]) > 0; at--) {
      swap(items, at, at - 1);
    }
  }
}

/** The middle one, the median of three, or of three medians: the more elements, the better. */
function choosePivot(items: Int32Array, from: number, count: number, compare: Compare): number {
  let middle = from + (count >> 1);
  if (count === INSERTION_BELOW) return middle;
  let low = from;
  let high = from + count - 1;
  if (count > MEDIAN_OF_NINE_ABOVE) {
    const step = count >> 3;
    low = median(items, low, low + step, low + 2 * step, compare);
    middle = median(items, middle - step, middle, middle + step, compare);
    high = median(items, high - 2 * step, high - step, high, compare);
  }
  return median(items, low, middle, high, compare);
}

/** Which of three places holds the middle one. */
function median(items: Int32Array, a: number, b: number, c: number, compare: Compare): number {
  const last = items[c];
  if (compare(items[a], items[b]) < 0) {
    if (compare(items[b], last) < 0) return b;
    return compare(items[a], last) < 0 ? c : a;
  }
  if (compare(items[b], last) > 0) return b;
  return compare(items[a], last) < 0 ? a : c;
}

function swap(items: Int32Array, a: number, b: number): void {
  const item = items[a];
  items[a] = items[b];
  items[b] = item;
}

function swapRuns(items: Int32Array, a: number, b: number, count: number): void {
  for (let i = 0; i < count; i++) swap(items, a + i, b + i);
}
