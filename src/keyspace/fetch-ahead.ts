/**
 * Fetches the memory of several keys at once. Finding a key costs two cache misses, some 150 ns
 * each when there are a million keys, and the second waits for the first. Touching first all
 * table slots, then all entries, lets the processor wait for many misses at the same time.
 * Nothing is looked up or changed.
 */
import { hashBytes } from "../base/hash.ts";
import { SLAB_SHIFT, UNIT_MASK } from "../memory/arena.ts";
import type { Arguments } from "../protocol/arguments.ts";
import type { Database } from "./database.ts";

/** More at once gain nothing: the processor has no more misses in flight. */
export const MAX_FETCHED = 32;

export class FetchAhead {
  count = 0;
  readonly hashes = new Int32Array(MAX_FETCHED);
  /** Read by nobody: it keeps the loads from being optimised away. */
  touched = 0;
  private readonly refs = new Int32Array(MAX_FETCHED);

  /** Notes a key; at most MAX_FETCHED until `touch`. Returns its place in `hashes`. */
  add(bytes: Uint8Array, start: number, length: number): number {
    this.hashes[this.count] = hashBytes(bytes, start, length);
    return this.count++;
  }

  /** Touches the slots and entries of the noted keys and forgets them; `hashes` stay. */
  touch(database: Database): void {
    const count = this.count;
    const table = database.table;
    for (let i = 0; i < count; i++) this.refs[i] = table.candidate(this.hashes[i]);
    const words = database.arena.words;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const ref = this.refs[i];
      if (ref !== 0) touched ^= words[ref >>> SLAB_SHIFT][(ref & UNIT_MASK) << 2];
    }
    this.touched = touched;
    this.count = 0;
  }

  /** Touches the keys among the arguments from `first` on, every `step`, at most MAX_FETCHED. */
  touchArguments(database: Database, args: Arguments, first: number, step: number): void {
    const end = Math.min(args.count, first + step * MAX_FETCHED);
    for (let i = first; i < end; i += step) this.add(args.bytes, args.starts[i], args.lengths[i]);
    this.touch(database);
  }
}
