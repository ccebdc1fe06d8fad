/** Random choices among the elements of a collection. */
import type { Random } from "../base/random.ts";

/**
 * `count` different numbers below `size`, or all of them where there are no more (Floyd's
 * algorithm, Communications of the ACM 30/9).
 */
export function drawDistinct(
  size: number,
  count: number,
  random: Random,
): { has(index: number): boolean; readonly size: number } {
  if (count >= size) return { has: () => true, size };
  const chosen = new Set<number>();
  for (let top = size - count; top < size; top++) {
    const candidate = random.below(top + 1);
    chosen.add(chosen.has(candidate) ? top : candidate);
  }
  return chosen;
}
