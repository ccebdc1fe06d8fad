/**
 * A large sorted set: what a member costs in its table and its tree together
 * (src/values/_rank-tree.ts), where scores differ and where all are equal.
 */
import { TemporaryHome } from "../../src/keyspace/temporary-home.ts";
import { Arena } from "../../src/memory/arena.ts";
import { SortedSetValue } from "../../src/values/sorted-set.ts";
import { type Body, type MicroBenchmark, operationsFor } from "./benchmark.ts";
import { KEY_BYTES, type Keys, makeKeys, randomIndices } from "./keys.ts";

const SHOWN = 10;
const LIMITS = { maxEntries: 0, maxValueBytes: 0 };

export const sortedSet: readonly MicroBenchmark[] = [
  { name: "add and remove again", prepare: (count) => addAndRemove(count, randomScores(count)) },
  { name: "the same, equal scores", prepare: (count) => addAndRemove(count, equalScores(count)) },
  { name: "rescore", prepare: rescore },
  { name: "rank of a member", prepare: rank },
  { name: "count below a score", prepare: countBelow },
  { name: "ten members from a rank on", prepare: tenFromRank },
  { name: "growth from empty, random scores", prepare: (count) => grow(randomScores(count)) },
  { name: "growth from empty, ascending scores", prepare: (count) => grow(ascending(count)) },
];

/** Room for the items and for those that come and go beside them. */
function scoreRoom(itemCount: number): Float64Array {
  return new Float64Array(itemCount + operationsFor(itemCount));
}

function randomScores(itemCount: number): Float64Array {
  const scores = scoreRoom(itemCount);
  scores.set(randomIndices(scores.length, 1 << 30));
  return scores;
}

function equalScores(itemCount: number): Float64Array {
  return scoreRoom(itemCount).fill(1);
}

function ascending(itemCount: number): Float64Array {
  return scoreRoom(itemCount).map((_, index) => index);
}

function empty(): SortedSetValue {
  const value = new SortedSetValue(new TemporaryHome(new Arena()), LIMITS);
  value.prepare(1);
  return value;
}

function add(value: SortedSetValue, members: Keys, index: number, score: number): void {
  const start = index * KEY_BYTES;
  value.scoreOf(members.bytes, start, KEY_BYTES);
  value.add(members.bytes, start, KEY_BYTES, score);
}

interface Filled {
  readonly value: SortedSetValue;
  readonly members: Keys;
}

/** With the first `itemCount` of the members. */
function fill(itemCount: number, scores: Float64Array): Filled {
  const value = empty();
  const members = makeKeys(0, scores.length);
  for (let i = 0; i < itemCount; i++) add(value, members, i, scores[i]);
  return { value, members };
}

function addAndRemove(itemCount: number, scores: Float64Array): Body {
  const { value, members } = fill(itemCount, scores);
  return {
    operations: scores.length - itemCount,
    expected: itemCount,
    run() {
      for (let i = itemCount; i < scores.length; i++) add(value, members, i, scores[i]);
      for (let i = itemCount; i < scores.length; i++) {
        value.remove(members.bytes, i * KEY_BYTES, KEY_BYTES);
      }
      return value.size;
    },
  };
}

function rescore(itemCount: number): Body {
  const scores = randomScores(itemCount);
  const { value, members } = fill(itemCount, scores);
  const chosen = randomIndices(operationsFor(itemCount), itemCount);
  let round = 0;
  return {
    operations: chosen.length,
    expected: itemCount,
    run() {
      round++;
      for (let i = 0; i < chosen.length; i++) {
        const start = chosen[i] * KEY_BYTES;
        value.scoreOf(members.bytes, start, KEY_BYTES);
        value.rescore(members.bytes, start, KEY_BYTES, scores[(i + round) % itemCount]);
      }
      return value.size;
    },
  };
}

/** The ranks of a permutation's members add up to the same, whichever scores they have. */
function rank(itemCount: number): Body {
  const { value, members } = fill(itemCount, ascending(itemCount));
  const chosen = randomIndices(operationsFor(itemCount), itemCount);
  return {
    operations: chosen.length,
    expected: sum(chosen),
    run() {
      let ranks = 0;
      for (let i = 0; i < chosen.length; i++) {
        ranks += value.rankOf(members.bytes, chosen[i] * KEY_BYTES, KEY_BYTES);
      }
      return ranks;
    },
  };
}

function countBelow(itemCount: number): Body {
  const { value } = fill(itemCount, ascending(itemCount));
  const chosen = randomIndices(operationsFor(itemCount), itemCount);
  return {
    operations: chosen.length,
    expected: sum(chosen),
    run() {
      let below = 0;
      for (let i = 0; i < chosen.length; i++) below += value.countBelow(chosen[i], false);
      return below;
    },
  };
}

function tenFromRank(itemCount: number): Body {
  const { value } = fill(itemCount, ascending(itemCount));
  const last = Math.max(1, itemCount - SHOWN);
  const chosen = randomIndices(operationsFor(itemCount), last);
  return {
    operations: chosen.length,
    expected: chosen.length * KEY_BYTES * Math.min(SHOWN, itemCount),
    run() {
      let shown = 0;
      for (let i = 0; i < chosen.length; i++) {
        value.seek(chosen[i]);
        let left = SHOWN;
        do {
          value.read();
          shown += value.member.length;
        } while (--left > 0 && value.move(false));
      }
      return shown;
    },
  };
}

function grow(scores: Float64Array): Body {
  const members = makeKeys(0, scores.length);
  return {
    operations: scores.length,
    expected: scores.length,
    run() {
      const value = empty();
      for (let i = 0; i < scores.length; i++) add(value, members, i, scores[i]);
      return value.size;
    },
  };
}

function sum(indices: Int32Array): number {
  let total = 0;
  for (const index of indices) total += index;
  return total;
}
