/**
 * Ranges of a sorted set as commands name them: by rank, score or bytes. Each is read first and
 * turned into ranks once the key is open.
 */
import { parseDouble } from "../../base/numbers.ts";
import type { Call } from "../../engine/call.ts";
import { clampRange } from "../../engine/ranges.ts";
import { BAD_MEMBER_RANGE, BAD_SCORE_RANGE } from "../../protocol/errors.ts";
import type { SortedSetValue } from "../../values/sorted-set.ts";

export const BY_RANK = 0;
export const BY_SCORE = 1;
export const BY_MEMBER = 2;
export type RangeKind = typeof BY_RANK | typeof BY_SCORE | typeof BY_MEMBER;

const OPEN = 40;
const CLOSED = 91;
const MINUS = 45;
const PLUS = 43;
const SPACE = 32;
/** A bound of bytes that is no member: before or behind all of them. */
const LOWEST = -1;
const HIGHEST = -2;

/** One end of a range. */
class Bound {
  value: number | bigint = 0;
  isExclusive = false;
  /** A member among the arguments, LOWEST or HIGHEST. */
  index = 0;
}

/** One object serves all calls. */
export class RangeSpec {
  kind: RangeKind = BY_RANK;
  readonly low = new Bound();
  readonly high = new Bound();
  /** What `resolve` found. */
  rank = 0;
  count = 0;

  /** Reads the ends from two arguments; a problem is noted on the call. */
  read(call: Call, kind: RangeKind, lowIndex: number, highIndex: number): void {
    this.kind = kind;
    if (kind === BY_RANK) {
      this.low.value = call.int64(lowIndex);
      this.high.value = call.int64(highIndex);
    } else if (kind === BY_SCORE) {
      readScore(call, lowIndex, this.low);
      readScore(call, highIndex, this.high);
    } else {
      readMember(call, lowIndex, this.low);
      readMember(call, highIndex, this.high);
    }
  }

  /** Sets `rank` and `count` to the part of the sorted set that the range covers. */
  resolve(call: Call, set: SortedSetValue, isReversed: boolean): void {
    const { low, high, kind } = this;
    const { size } = set;
    if (kind === BY_RANK) {
      const { start, count } = clampRange(low.value, high.value, size);
      this.count = count;
      this.rank = isReversed ? size - start - count : start;
      return;
    }
    const from =
      kind === BY_SCORE
        ? scoreRank(set, low, low.isExclusive)
        : memberRank(call, set, low, low.isExclusive);
    const to =
      kind === BY_SCORE
        ? scoreRank(set, high, !high.isExclusive)
        : memberRank(call, set, high, !high.isExclusive);
    this.rank = from;
    this.count = Math.max(0, to - from);
  }
}

function scoreRank(set: SortedSetValue, bound: Bound, inclusive: boolean): number {
  return set.countBelow(Number(bound.value), inclusive);
}

function memberRank(call: Call, set: SortedSetValue, bound: Bound, inclusive: boolean): number {
  if (bound.index === LOWEST) return 0;
  if (bound.index === HIGHEST) return set.size;
  const { bytes, starts, lengths } = call.args;
  const start = starts[bound.index] + 1;
  return set.countBelowMember(bytes, start, lengths[bound.index] - 1, inclusive);
}

/** `1.5`, `(1.5`, `-inf`; as strtod(3) reads it, so leading spaces and nothing are taken too. */
function readScore(call: Call, index: number, into: Bound): void {
  const { bytes, starts, lengths } = call.args;
  let start = starts[index];
  const end = start + lengths[index];
  into.isExclusive = start < end && bytes[start] === OPEN;
  if (into.isExclusive) start++;
  while (start < end && isSpace(bytes[start])) start++;
  const score = start === end ? 0 : parseDouble(bytes, start, end - start);
  if (score !== score) call.refuse(BAD_SCORE_RANGE);
  into.value = score;
}

function isSpace(byte: number): boolean {
  return byte === SPACE || (byte >= 9 && byte <= 13);
}

/** `[member`, `(member`, `-` or `+`. */
function readMember(call: Call, index: number, into: Bound): void {
  const { bytes, starts, lengths } = call.args;
  const first = lengths[index] === 0 ? 0 : bytes[starts[index]];
  into.isExclusive = first === OPEN;
  into.index = index;
  if (first === OPEN || first === CLOSED) return;
  if (lengths[index] === 1 && first === MINUS) into.index = LOWEST;
  else if (lengths[index] === 1 && first === PLUS) into.index = HIGHEST;
  else call.refuse(BAD_MEMBER_RANGE);
}
