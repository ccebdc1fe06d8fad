/**
 * A load that redis-benchmark generates; adding one is one row of a table that `loads.ts` lists.
 * The generator runs with 50 clients, unless told, over servers started and filled anew for the
 * load. Its CPU time per request is held against the target (pedis ÷ redis), and its p99 against
 * Redis's.
 */
import type { Filling } from "../support/loader.ts";
import type { Audience } from "../support/subscribers.ts";

export interface BenchmarkLoad {
  readonly name: string;
  readonly title: string;
  /** Arguments of redis-benchmark: `-P`, `-c`, and `-t TEST` or a command of its own. */
  readonly generator: readonly string[];
  /** `__rand_int__` is below it (`-r`), as twelve digits; a million unless told. */
  readonly range?: number;
  /** Of one round. */
  readonly requests: number;
  /** Sent once, in this order, before anything else. */
  readonly preload?: readonly Filling[];
  /** Sent before each round, with as many elements as the round has requests to consume them. */
  readonly refill?: Omit<Filling, "count">;
  /** Who has subscribed meanwhile; the CPU time is then that of one delivery, if there are any. */
  readonly subscribers?: Audience;
  /** Lines of redis.conf for both servers. */
  readonly directives?: readonly string[];
  /** The ratio of CPU time per request that is aimed at. */
  readonly atMost: number | null;
}

export const KEY_COUNT = 1_000_000;
export const CLIENT_COUNT = 50;

/** An AOF that no rewrite disturbs. */
export const AOF_DIRECTIVES = [
  "appendonly yes",
  "appendfsync everysec",
  "auto-aof-rewrite-percentage 0",
];
