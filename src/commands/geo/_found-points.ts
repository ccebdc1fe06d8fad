/**
 * What a search found: copies of the members with their scores and distances, in the order of
 * finding, and an order of replying beside them. One object serves all searches.
 */
import { copyBytes, withRoom } from "../../base/bytes.ts";
import { sortRanks } from "../../base/partial-sort.ts";

const FIRST_POINTS = 64;
const FIRST_BYTES = 1024;
/** After a larger search the buffers are given up. */
const KEPT_POINTS = 65536;
const KEPT_BYTES = 1 << 20;

export class FoundPoints {
  count = 0;
  bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  /** Member i is from `ends[i - 1]` (or 0) to `ends[i]`. */
  private ends = new Float64Array(FIRST_POINTS);
  scores = new Float64Array(FIRST_POINTS);
  /** In metres. */
  distances = new Float64Array(FIRST_POINTS);
  /** Which point comes at which place. */
  order = new Int32Array(FIRST_POINTS);

  clear(): void {
    this.count = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = new Uint8Array(FIRST_BYTES);
    if (this.order.length > KEPT_POINTS) this.resize(FIRST_POINTS);
  }

  add(bytes: Uint8Array, start: number, length: number, score: number, distance: number): void {
    const index = this.count;
    if (index === this.order.length) this.resize(index * 2);
    const from = this.startOf(index);
    this.bytes = withRoom(this.bytes, from, from + length);
    copyBytes(this.bytes, from, bytes, start, length);
    this.ends[index] = from + length;
    this.scores[index] = score;
    this.distances[index] = distance;
    this.order[index] = index;
    this.count = index + 1;
  }

  startOf(index: number): number {
    return index === 0 ? 0 : this.ends[index - 1];
  }

  lengthOf(index: number): number {
    return this.ends[index] - this.startOf(index);
  }

  /**
   * Orders by distance, so far that the first `wanted` are right. Where all are wanted points of
   * the same distance stay in the order of finding.
   */
  sort(wanted: number, descending: boolean): void {
    const { distances, order, count } = this;
    const sign = descending ? -1 : 1;
    const compare = (a: number, b: number): number =>
      distances[a] === distances[b] ? 0 : distances[a] > distances[b] ? sign : -sign;
    if (wanted === count) order.subarray(0, count).sort(compare);
    else sortRanks(order, count, 0, wanted - 1, compare);
  }

  private resize(points: number): void {
    this.ends = resized(this.ends, new Float64Array(points));
    this.scores = resized(this.scores, new Float64Array(points));
    this.distances = resized(this.distances, new Float64Array(points));
    this.order = resized(this.order, new Int32Array(points));
  }
}

function resized<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from.length > to.length ? from.subarray(0, to.length) : from);
  return to;
}
