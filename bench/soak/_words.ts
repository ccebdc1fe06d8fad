/** Keys and values of the soak. */
import type { Random } from "../../test/support/random.ts";
import type { Hand } from "./hand.ts";

export interface Deed {
  /** How often it is chosen, against the others. */
  readonly weight: number;
  readonly run: (hand: Hand) => Promise<void>;
}

const DIGITS = 12;
const LONG = 0.1;

/** A key of the type with this letter, low numbers more often. */
export function keyOf(letter: string, random: Random, count: number): string {
  const number = random.chance(0.5) ? random.below(count) : random.below(random.below(count) + 1);
  return letter + String(number).padStart(DIGITS, "0");
}

/** Something to store under the key. */
export function valueOf(key: string, random: Random, longest = 400): string {
  const length = random.chance(LONG) ? random.below(longest) : random.below(longest >> 3);
  return `${key}=${random.word(4)}${"x".repeat(length)}`;
}

/** Element number `number` of a collection. */
export function elementOf(key: string, number: number): string {
  return `${key}=${number}`;
}

export function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}
