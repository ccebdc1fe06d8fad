/**
 * All databases as they are at one moment, written in slices while commands go on changing them:
 * one mechanism for RDB files, the base of an AOF and the full synchronisation of a replica.
 *
 * The walk follows the order of the hashes, as SCAN does (memory/byte-table.ts). An entry that is
 * about to change and that the walk has not reached is written first, and marked; the walk passes
 * marked entries over. So every key is written once, in no particular order, as it was when the
 * snapshot began, and nothing is kept twice. A value too large to be written in one go is frozen
 * (values/frozen.ts) and written in slices, whatever becomes of its key.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import type { FrozenValue } from "../values/frozen.ts";

/** Gives a snapshot its form. What it writes is to be taken from it by whoever made it. */
export interface SnapshotEncoder {
  begin(): void;
  /**
   * Writes an entry whole: it is about to change. `database` is the number its database had when
   * the snapshot began, which may have gone since: entries are read through their arena alone.
   */
  entry(database: number, arena: Arena, ref: Ref): void;
  /**
   * Takes from an entry, which may be gone before the first step, all but its large value. For a
   * stream that is everything but the nodes.
   */
  large(database: number, arena: Arena, ref: Ref, value: FrozenValue): LargeEncoding;
  end(): void;
}

/** An entry with a large value, written bit by bit. */
export interface LargeEncoding {
  /**
   * Writes on, about `budget` parts. False once all of it is written. Between the first and the
   * last step `entry` and `large` may be called, but no step of another one.
   */
  step(budget: number): boolean;
}
