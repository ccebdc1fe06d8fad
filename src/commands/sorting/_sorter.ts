/**
 * The elements that are sorted, what they are sorted by, and their order. One object serves all
 * commands. Elements of the same score come in the order of their bytes; otherwise equal ones in
 * the order in which the value has them (sortCompare, sort.c).
 */
import { sortStable } from "../../base/merge-sort.ts";
import { parseDouble, parseSafeInteger } from "../../base/numbers.ts";
import { sortRanks } from "../../base/partial-sort.ts";
import type { Compare } from "../../base/partial-sort.ts";
import type { Call } from "../../engine/call.ts";
import { ByteView } from "../../memory/element.ts";
import { ByteList } from "./_byte-list.ts";
import { KeyPattern } from "./_key-pattern.ts";
import type { SortOptions } from "./_options.ts";

const LEAST_NORMAL = 2 ** -1022;
const FIRST_ELEMENTS = 64;
/** After a longer sort the arrays are given up. */
const KEPT_ELEMENTS = 4096;

export class Sorter {
  readonly elements = new ByteList();
  readonly element = new ByteView();
  /** What BY names for each element, with ALPHA. */
  private readonly weights = new ByteList();
  private readonly pattern = new KeyPattern();
  private scores = new Float64Array(FIRST_ELEMENTS);
  /** Which element comes at which place. */
  private order = new Int32Array(FIRST_ELEMENTS);
  private sign = 1;
  /** Texts are compared whole where the result is stored, and as C compares them for a reply. */
  private comparesWhole = false;

  clear(): void {
    this.elements.clear();
    this.weights.clear();
    if (this.order.length <= KEPT_ELEMENTS) return;
    this.scores = new Float64Array(FIRST_ELEMENTS);
    this.order = new Int32Array(FIRST_ELEMENTS);
  }

  /** Leaves the elements in the order they came in. */
  keepOrder(): void {
    const { count } = this.elements;
    if (this.order.length < count) this.order = new Int32Array(count);
    for (let i = 0; i < count; i++) this.order[i] = i;
  }

  /** Sorts, at least the `wanted` places from `first` on; false where a score is no number. */
  sort(call: Call, options: SortOptions, first: number, wanted: number): boolean {
    const { count } = this.elements;
    const isByPattern = options.by !== 0;
    this.sign = options.descending ? -1 : 1;
    this.comparesWhole = options.destination !== 0;
    if (isByPattern) {
      const { bytes, starts, lengths } = call.args;
      this.pattern.set(bytes, starts[options.by], lengths[options.by]);
    }
    if (options.comparesBytes) {
      if (isByPattern) this.weigh(call);
    } else if (!this.score(call, isByPattern)) {
      return false;
    }
    this.keepOrder();
    if (wanted === 0) return true;
    const compare = this.comparison(options);
    if (isByPattern && wanted < count) {
      sortRanks(this.order, count, first, first + wanted - 1, compare);
    } else {
      sortStable(this.order, count, compare);
    }
    return true;
  }

  /** Points `element` at the one at this place. */
  readAt(place: number): void {
    this.elements.read(this.order[place], this.element);
  }

  private weigh(call: Call): void {
    const { elements, element, weights, pattern } = this;
    for (let i = 0; i < elements.count; i++) {
      elements.read(i, element);
      if (pattern.find(call, element)) {
        const { bytes, start, length } = pattern.value;
        weights.add(bytes, start, length);
      } else {
        weights.addMissing();
      }
    }
  }

  private score(call: Call, isByPattern: boolean): boolean {
    const { elements, element, pattern } = this;
    const { count } = elements;
    if (this.scores.length < count) this.scores = new Float64Array(count);
    const { scores } = this;
    for (let i = 0; i < count; i++) {
      elements.read(i, element);
      const view = isByPattern ? pattern.value : element;
      if (isByPattern && !pattern.find(call, element)) scores[i] = 0;
      else scores[i] = parseScore(view.bytes, view.start, view.length);
      if (Number.isNaN(scores[i])) return false;
    }
    return true;
  }

  private comparison(options: SortOptions): Compare {
    if (!options.comparesBytes) return this.byScore;
    return options.by === 0 ? this.byElement : this.byWeight;
  }

  private readonly byScore = (a: number, b: number): number => {
    const score = this.scores[a];
    const other = this.scores[b];
    if (score > other) return this.sign;
    if (score < other) return -this.sign;
    return this.sign * this.elements.compare(a, b);
  };

  private readonly byElement = (a: number, b: number): number =>
    this.sign * this.compareIn(this.elements, a, b);

  private readonly byWeight = (a: number, b: number): number => {
    const { weights } = this;
    const isMissing = weights.isMissing(a);
    if (isMissing || weights.isMissing(b)) {
      if (isMissing === weights.isMissing(b)) return 0;
      return isMissing ? -this.sign : this.sign;
    }
    return this.sign * this.compareIn(weights, a, b);
  };

  private compareIn(list: ByteList, a: number, b: number): number {
    return this.comparesWhole ? list.compare(a, b) : list.compareTexts(a, b);
  }
}

/**
 * The number that strtod reads from a text of C (so up to a NUL byte); nothing at all is 0, and
 * NaN is what SORT refuses: other bytes behind the number, what overflows, and what underflows.
 */
function parseScore(bytes: Uint8Array, start: number, length: number): number {
  const integer = parseSafeInteger(bytes, start, length);
  if (!Number.isNaN(integer)) return integer;
  let end = start;
  while (end < start + length && bytes[end] !== 0) end++;
  if (end === start) return 0;
  let at = start;
  while (at < end && isSpace(bytes[at])) at++;
  const score = parseDouble(bytes, at, end - at);
  const isTooSmall = score !== 0 && Math.abs(score) < LEAST_NORMAL;
  // A hexadecimal number of that size is mostly exact, and strtod minds only what it rounded.
  return isTooSmall && !isHexadecimal(bytes, at, end) ? NaN : score;
}

function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

function isHexadecimal(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((bytes[at] | 32) === 0x78) return true;
  return false;
}
