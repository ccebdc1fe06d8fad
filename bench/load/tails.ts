/**
 * How long the slowest thousandth of requests waits, with so many keys that each request misses
 * the processor's caches and a collector that looked at keys would have much to look at. Adding one
 * is one row.
 */
import type { Filling } from "../support/loader.ts";

export interface Tail {
  readonly name: string;
  readonly title: string;
  /** What redis-benchmark sends: its `-t`. */
  readonly test: string;
}

export const TAIL_KEY_COUNT = 10_000_000;

/** The keys that redis-benchmark asks for. */
export const TAIL_FILLING: Filling = {
  request: ["SET", "key:{i}", "{i:8}"],
  count: TAIL_KEY_COUNT,
};

export const TAILS: readonly Tail[] = [
  { name: "tail-get", title: "GET of 10,000,000 keys, no pipeline", test: "get" },
  { name: "tail-set", title: "SET of 10,000,000 keys, no pipeline", test: "set" },
];
