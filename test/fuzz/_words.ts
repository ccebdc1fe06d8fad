/** Words of random commands: what several types' commands are made of. */
import type { Random } from "../support/random.ts";

export type Maker = (r: Random) => readonly (string | number)[];
/**
 * How the two replies are compared. "pending": without the times since delivery. "groups" and
 * "anything": but for what tells of consumers, which Redis 7.2 makes earlier than the oracle does.
 */
export type Comparison = "exact" | "unordered" | "pairs" | "pending" | "groups" | "anything";
/** A command that comes as often as its weight says. */
export type Entry = readonly [weight: number, make: Maker, comparison?: Comparison];

export const INTEGERS = [
  "0", "-1", "127", "128", "-129", "4095", "4096", "-4097", "32767", "32768", "-32769", "8388607",
  "8388608", "2147483647", "2147483648", "-2147483649", "9007199254740993",
  "9223372036854775807", "-9223372036854775808", "9223372036854775808", "007", "+5", "1e3",
]; // prettier-ignore

/** How many different members there are: few make edits, many make growth. */
const POOLS = [8, 40, 400];

export function text(r: Random): string {
  const kind = r.below(100);
  if (kind < 25) return String(r.between(-20, 40));
  if (kind < 35) return r.pick(INTEGERS);
  if (kind < 80) return `m${r.below(r.pick(POOLS))}`;
  if (kind < 96) return "x".repeat(r.pick([1, 30, 63, 64, 65, 128, 300])) + r.below(4);
  if (kind < 99) return `\u00ff\u0000\r\n${r.below(3)}`;
  return "y".repeat(r.pick([4094, 4097, 9000, 17000])) + r.below(3);
}

export function some(r: Random, most: number): string[] {
  return Array.from({ length: r.chance(0.6) ? 1 : r.between(1, most) }, () => text(r));
}

export const index = (r: Random): number => r.between(-30, 30);
export const maybe = (r: Random, ...words: string[]): string[] => (r.chance(0.4) ? words : []);

/** A key of the type, now and then one that holds any type. */
export const keyOf =
  (letter: string) =>
  (r: Random): string =>
    r.chance(0.02) ? `o${r.below(3)}` : letter + r.below(4);
/** A key that surely holds the type, or nothing. */
export const pure =
  (letter: string) =>
  (r: Random): string =>
    letter + r.below(4);
