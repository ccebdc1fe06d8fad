/**
 * A load that redis-benchmark generates, or `generator.ts` where it takes several commands in
 * turn; adding one is one row of a table that `loads.ts` lists. The generator runs with 50 clients,
 * unless told, over servers started and filled anew for the load. The server's CPU time per request
 * is held against the target (pedis ÷ redis), and its p99 against Redis's.
 */
import type { Filling } from "../support/loader.ts";
import type { CyclePlan } from "../support/generator.ts";

/** Requests in turn; their placeholders are those of `generator.ts`. */
export type Cycle = Pick<CyclePlan, "cycle" | "pipeline" | "before" | "subscribers">;

export interface BenchmarkLoad {
  readonly name: string;
  readonly title: string;
  /**
   * Arguments of redis-benchmark: `-P`, `-c`, and `-t TEST` or a command of its own. Or the
   * requests that each client sends in turn.
   */
  readonly generator: readonly string[] | Cycle;
  /** What CPU time is told per, of each request; 1 (the request itself) unless told. */
  readonly unitsPerRequest?: number;
  /** `__rand_int__` is below it (`-r`), as twelve digits; a million unless told. */
  readonly range?: number;
  /** Of one round. */
  readonly requests: number;
  /** Sent once, in this order, before anything else. */
  readonly preload?: readonly Filling[];
  /** Sent before each round, with as many elements as the round has requests to consume them. */
  readonly refill?: Omit<Filling, "count">;
  /** Lines of redis.conf for both servers. */
  readonly directives?: readonly string[];
  /** The ratio of CPU time per request that is aimed at. */
  readonly atMost: number | null;
}

export const KEY_COUNT = 1_000_000;
export const CLIENT_COUNT = 50;
